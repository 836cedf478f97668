"""Taking a verified message in: one unit of work, then the answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import replace

from node.connections import speaking
from node.connections.announcing import Renewals, is_announcement_allowed
from node.connections.changing import new_sys_id, store_change, store_new
from node.connections.stored import Connection, Names, Partner
from node.store import statements
from protocol.events import Heard
from protocol.identity import fingerprint
from protocol.limits import SECURITY_NOTICES_MAX
from protocol.machine import Notice, Step, hear
from protocol.modes import Mode
from protocol.proof import is_good_proof
from protocol.records import SourceRecord
from protocol.tables import Effect
from protocol.vocabulary import Details, Preview, Role, Statement

if TYPE_CHECKING:
    from node.connections.context import Context
    from node.ports import Transaction
    from protocol.envelope import Message


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a message: the rows that matter before and after, and the statement to answer with."""

    step: Step
    before: Connection | None
    after: Connection | None
    answer: Statement | None


def take_in(
    context: Context, tx: Transaction, message: Message, *, prefix: str = "", renewals: Renewals | None = None
) -> Outcome:
    """The unit of work of a question or an answer.

    With a question come the network that it is from, and what strangers said anew within the last hour.

    Raises:
        TooManyAnnouncementsError: see there.
    """
    mine = message.role.other
    source_key = context.key if mine is Role.SOURCE else message.sender
    before = statements.find(tx, connection_id=message.connection, source_key=source_key)
    heard = Heard(
        sender=message.sender,
        statement=message.statement,
        is_answer=message.is_answer,
        proof_good=_proof_is_good(before, message),
        announcement_allowed=mine is Role.DESTINATION
        and renewals is not None
        and is_announcement_allowed(context, tx, before, message, network=prefix, renewals=renewals),
    )
    step = hear(mine, before.record if before else None, heard, now=context.clock.now())
    after = _store(context, tx, before, step, message, prefix)
    answer = step.answer
    if answer is not None and after is not None and answer.side.revision > 0:
        answer = speaking.with_details(context, after, answer)
    return Outcome(step=step, before=before, after=after, answer=answer)


def _proof_is_good(connection: Connection | None, message: Message) -> bool:
    """Checked only where a row could ask for it: the sender of a taken connection is known by its key."""
    if connection is None or connection.code is None or not isinstance(connection.record, SourceRecord):
        return False
    if connection.record.partner == message.sender:
        return False
    return is_good_proof(
        message.statement.proof,
        invitation_key=connection.code.invitation_key,
        connection=connection.connection_id,
        serial=connection.record.serial,
        source_key=connection.source_key,
        destination_key=message.sender,
        public_digest=connection.code.digest,
    )


def _store(
    context: Context,
    tx: Transaction,
    before: Connection | None,
    step: Step,
    message: Message,
    prefix: str,
) -> Connection | None:
    if step.record is None:
        return None
    if before is None:
        return _store_announced(context, tx, step, message, prefix)
    after = replace(before, record=step.record)
    if step.details is not None:
        after = replace(after, partner=_told(step.details))
    preview = message.statement.details
    if step.effect is Effect.ANNOUNCE and isinstance(preview, Preview):
        after = replace(after, names=_mirrored(preview), mode=preview.mode)
    after = store_change(context, tx, before, after)
    if step.notice is not None:
        _notice(tx, after, step.notice, message, at_ms=int(context.clock.now() * 1000))
    return after


def _store_announced(context: Context, tx: Transaction, step: Step, message: Message, prefix: str) -> Connection:
    """A record that the other side's word alone brought about: an invitation to show, or a tombstone, hidden."""
    record, preview = step.record, message.statement.details
    assert record is not None  # noqa: S101 - the caller has looked
    now_ms = int(context.clock.now() * 1000)
    if isinstance(preview, Preview):
        names, mode, url = _mirrored(preview), preview.mode, preview.node_url
    else:
        names, mode, url = Names(name="", local_short_name="", remote_short_name=""), Mode.SCRIPT, None
    return store_new(
        context,
        tx,
        Connection(
            sys_id=new_sys_id(tx, message.connection, message.sender),
            connection_id=message.connection,
            source_key=message.sender,
            record=record,
            mode=mode,
            names=names,
            partner=Partner(node_url=url),
            created_at_ms=now_ms,
            changed_at_ms=now_ms,
            announced_prefix=prefix,
        ),
    )


def _mirrored(preview: Preview) -> Names:
    """The source's local is this node's remote."""
    return Names(
        name=preview.name,
        local_short_name=preview.destination_short_name,
        remote_short_name=preview.source_short_name,
    )


def _told(details: Details) -> Partner:
    return Partner(
        node_id=details.node_id,
        name=details.node_name,
        node_url=details.node_url,
        instance_url=details.instance_url,
        software=details.software,
    )


def _notice(tx: Transaction, connection: Connection, notice: Notice, message: Message, *, at_ms: int) -> None:
    """Keep a few notices a connection, one for each holder; of older data the last, since it happens again."""
    kind, about = notice.name.lower(), fingerprint(message.sender)
    if notice is Notice.OLDER_DATA:
        statements.forget_notice(tx, n=connection.n, kind=kind, about=about)
    kept = statements.notices_of(tx, n=connection.n, most=SECURITY_NOTICES_MAX)
    if len(kept) >= SECURITY_NOTICES_MAX or any((row.kind, row.about) == (kind, about) for row in kept):
        return
    statements.add_notice(tx, n=connection.n, at_ms=at_ms, kind=kind, about=about)
