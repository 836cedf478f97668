"""Accepting: this node becomes the destination of a connection that a code offers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from msgspec.structs import replace

from node.connections.changing import new_sys_id, store_change, store_new
from node.connections.initiating import name_taken
from node.connections.once import ALWAYS, Once
from node.connections.stored import Connection, Names, Partner
from node.problems import Problem, ProblemError
from node.store import statements
from protocol.code_outcomes import SENTENCES, CodeOutcome
from protocol.errors import CodeError, LocalProtocolError
from protocol.events import Code as CodeGiven
from protocol.identity import addressee, fingerprint
from protocol.invitation import Code, Invitation, read_code
from protocol.limits import PASTED_CHARACTERS_MAX
from protocol.machine import Step, act
from protocol.proof import make_proof
from protocol.records import DestinationRecord, reason_of
from protocol.tables import Act
from protocol.vocabulary import Phase, Reason, Role

if TYPE_CHECKING:
    from node.connections.context import Context
    from node.connections.shapes import InvitationView
    from node.ports import Transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class Adapted:
    """The names that the destination's admin may change; none: as the code proposes."""

    name: str | None = None
    local_short_name: str | None = None
    remote_short_name: str | None = None
    description: str = ""


def read(context: Context, text: str) -> Code:
    """The code in a pasted text, if this node could accept it.

    Raises:
        ProblemError: `code-refused`, with the outcome.
    """
    if len(text) > PASTED_CHARACTERS_MAX:
        raise ProblemError(Problem.INVALID_FIELD, "The text is far longer than any e-mail.", field="code")
    try:
        code = read_code(text)
    except CodeError as error:
        raise ProblemError(Problem.CODE_REFUSED, error.sentence, outcome=error.outcome.value) from None
    invitation = code.invitation
    if invitation.source_key == context.key:
        raise refused(CodeOutcome.OWN)
    if invitation.bound is not None and invitation.bound != addressee(context.key):
        raise refused(CodeOutcome.NOT_FOR_YOU)
    return code


def refused(outcome: CodeOutcome, **extra: object) -> ProblemError:
    """The problem of a code with that outcome."""
    return ProblemError(Problem.CODE_REFUSED, SENTENCES[outcome], outcome=outcome.value, **extra)


async def accept(context: Context, text: str, adapted: Adapted, *, once: Once = ALWAYS) -> Connection:
    """Accept the code in a text: stored as accepted, and told to the source as soon as it can be reached.

    Raises:
        ProblemError: the code can't be used, or a name is taken.
    """
    return await _take(context, read(context, text), adapted, Act.ACCEPT, once)


async def decline(context: Context, text: str, *, once: Once = ALWAYS) -> Connection:
    """Refuse the code in a text; the source is told, and the code is used up.

    Raises:
        ProblemError: the code can't be used.
    """
    return await _take(context, read(context, text), Adapted(), Act.DECLINE_CODE, once)


async def _take(context: Context, code: Code, adapted: Adapted, wanted: Act, once: Once) -> Connection:
    invitation = code.invitation
    given = _given(context, code)
    names = Names(
        name=adapted.name or invitation.name,
        local_short_name=adapted.local_short_name or invitation.destination_short_name,
        remote_short_name=adapted.remote_short_name or invitation.source_short_name,
        description=adapted.description,
    )

    def unit(tx: Transaction) -> Connection:
        before, step = _taken(context, tx, invitation, wanted, given)
        return _store(context, tx, before, step, code, names)

    try:
        stored = await context.store.run(once.unit(context, unit))
    except statements.NameTakenError:
        raise name_taken(names.name) from None
    context.signals.broadcast()
    context.signals.owed(stored)
    return stored


def _given(context: Context, code: Code) -> CodeGiven:
    invitation = code.invitation
    return CodeGiven(
        serial=invitation.serial,
        expires_at=invitation.expires_at,
        proof=make_proof(
            code.key,
            connection=invitation.connection,
            serial=invitation.serial,
            source_key=invitation.source_key,
            destination_key=context.key,
            public_digest=code.public_digest,
        ),
    )


def _taken(
    context: Context, tx: Transaction, invitation: Invitation, wanted: Act, given: CodeGiven
) -> tuple[Connection | None, Step]:
    """The connection as it is, and what taking the code makes of it.

    Raises:
        ProblemError: `code-refused`, with the outcome.
    """
    before = statements.find(tx, connection_id=invitation.connection, source_key=invitation.source_key)
    record = before.record if before else None
    try:
        return before, act(Role.DESTINATION, record, wanted, now=context.clock.now(), code=given)
    except LocalProtocolError:
        assert before is not None  # noqa: S101 - without a record every code is taken
        raise _not_taken(before, invitation.serial) from None


async def judge(context: Context, code: Code) -> None:
    """Refuse a code already before somebody decides on it, as far as this node knows; the source may know better.

    Nobody but the source judges a code, and it is told of one by accepting alone: so what is known here is what it has
    said before of this connection, and what was done here.

    Raises:
        ProblemError: `code-refused`, with the outcome.
    """
    given = _given(context, code)
    await context.store.run(lambda tx: _taken(context, tx, code.invitation, Act.ACCEPT, given))


def _store(
    context: Context, tx: Transaction, before: Connection | None, step: Step, code: Code, names: Names
) -> Connection:
    assert isinstance(step.record, DestinationRecord)  # noqa: S101 - what accepting and declining make
    invitation = code.invitation
    partner = Partner(node_id=invitation.source_id, node_url=invitation.node_url)
    now_ms = int(context.clock.now() * 1000)
    if before is not None:
        after = replace(before, record=step.record, names=names, partner=partner, mode=invitation.mode)
        return store_change(context, tx, before, after)
    return store_new(
        context,
        tx,
        Connection(
            sys_id=new_sys_id(tx, invitation.connection, invitation.source_key),
            connection_id=invitation.connection,
            source_key=invitation.source_key,
            record=step.record,
            mode=invitation.mode,
            names=names,
            partner=partner,
            created_at_ms=now_ms,
            changed_at_ms=now_ms,
        ),
    )


_TOLD = {
    Reason.USED: CodeOutcome.USED,
    Reason.REPLACED: CodeOutcome.REPLACED,
    Reason.WITHDRAWN: CodeOutcome.WITHDRAWN,
    Reason.EXPIRED: CodeOutcome.EXPIRED,
    Reason.NOT_FOR_YOU: CodeOutcome.NOT_FOR_YOU,
}


def _not_taken(connection: Connection, serial: int) -> ProblemError:
    """Why a code is refused here at once (protocol section 4, "else refused at once").

    Of a closed connection the outcome is the reason for which it is closed: a code that was declined here was never
    accepted.
    """
    record = connection.record
    if serial < record.serial:
        return refused(CodeOutcome.REPLACED, connection=connection.sys_id)
    if record.mine.phase is not Phase.CLOSED:
        return refused(CodeOutcome.ALREADY_ACCEPTED_HERE, connection=connection.sys_id)
    reason = reason_of(record)
    if reason in _TOLD:
        return refused(_TOLD[reason], connection=connection.sys_id)
    return ProblemError(
        Problem.CODE_REFUSED,
        f"The connection of this code is closed here ({reason}). Ask the admin of the source for a new code.",
        outcome=str(reason),
        connection=connection.sys_id,
    )


async def preview(context: Context, code: Code) -> InvitationView:
    """The public part of a code, as it is shown to whoever is about to accept it.

    `another_key` warns: that connection was announced, or that URL is known, with another key than the code's.
    """
    invitation = code.invitation
    another_key = await context.store.run(
        lambda tx: statements.is_known_with_another_key(
            tx, connection_id=invitation.connection, node_url=invitation.node_url, key=invitation.source_key
        )
    )
    return {
        "another_key": another_key,
        "connection": invitation.connection.hex(),
        "source": {
            "node_url": invitation.node_url,
            "fingerprint": fingerprint(invitation.source_key),
            "short_name": invitation.source_short_name,
        },
        "destination_short_name": invitation.destination_short_name,
        "name": invitation.name,
        "mode": invitation.mode,
        "expires_at": invitation.expires_at,
        "expired": invitation.expires_at <= context.clock.now(),
        "bound_to_this_node": invitation.bound is not None,
        "label": code.label,
    }
