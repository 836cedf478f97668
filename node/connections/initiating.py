"""Initiating: this node becomes the source of a connection and gets its invitation code."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from node.connections.changing import new_sys_id, store_new
from node.connections.context import MODES_OFFERED
from node.connections.once import ALWAYS, Once
from node.connections.stored import CodeParts, Connection, Names, Partner
from node.network.check import CheckOutcome, CheckResult, check_destination
from node.problems import Problem, ProblemError
from node.store import statements
from protocol.errors import TextError
from protocol.events import Offer
from protocol.identity import addressee
from protocol.invitation import (
    Composed,
    Invitation,
    compose_code,
    seed_of,
    unpack_invitation,
    write_code,
)
from protocol.limits import CONNECTION_ID_BYTES, PROTOCOL_VERSION
from protocol.machine import act
from protocol.records import SourceRecord
from protocol.tables import Act
from protocol.vocabulary import Phase, Role

if TYPE_CHECKING:
    from node.connections.context import Context
    from node.ports import Transaction
    from protocol.modes import Mode

SALT_BYTES = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What the admin of a source fills in.

    Attributes:
        destination_url: an instance or node URL; none: "I don't have a URL".
        ask_me: whether an accepted code waits for approval; none: only when the destination is unknown.
        code_lifetime_s: how long the code may be taken, in seconds.
    """

    destination_url: str | None
    mode: Mode
    names: Names
    ask_me: bool | None
    code_lifetime_s: int


async def check(context: Context, typed_url: str, *, field: str = "url") -> CheckResult:
    """Look at a destination without changing anything.

    Raises:
        ProblemError: what was typed is not a URL; `field` names where it was typed.
    """
    try:
        return await check_destination(typed_url, network=context.network, own_key=context.key, own_modes=MODES_OFFERED)
    except TextError as error:
        raise ProblemError(Problem.INVALID_FIELD, error.sentence, field=field) from None


@dataclass(frozen=True, slots=True, kw_only=True)
class Offered:
    """A connection and its invitation code; none: this was done before, and the code can't be taken any more."""

    connection: Connection
    code: str | None = field(repr=False)


async def initiate(context: Context, wish: Wish, *, once: Once = ALWAYS) -> Offered:
    """Make a pending connection and its code.

    A given destination is checked first, and only the key that was seen there may accept the code.

    Raises:
        ProblemError: this instance is not public, the mode is not offered, the license does not allow it, the check
            failed or the name is taken.
    """
    if (done := await once.done(context)) is not None:
        return offered(context, done)
    if context.node_url is None:
        raise ProblemError(
            Problem.NOT_PUBLIC, "This instance has no node URL, so no destination could reach it to accept."
        )
    if wish.mode not in MODES_OFFERED:
        raise ProblemError(Problem.MODE_NOT_OFFERED, f"This node does not offer the mode {wish.mode}.")
    if (unlicensed := why_unlicensed(context)) is not None:
        raise ProblemError(Problem.NOT_LICENSED, unlicensed)
    found = None
    if wish.destination_url is not None:
        found = await check(context, wish.destination_url, field="destination_url")
        if found.outcome is not CheckOutcome.OK or found.info is None:
            raise ProblemError(Problem.CHECK_FAILED, found.sentence, outcome=found.outcome.value, remedy=found.remedy)
        if wish.mode not in found.modes:
            raise ProblemError(Problem.MODE_NOT_OFFERED, f"The destination does not offer the mode {wish.mode}.")
    connection_id = context.entropy.token(CONNECTION_ID_BYTES)
    now = context.clock.now()
    key = found.info.key if found is not None and found.info is not None else None
    offer = Offer(
        serial=int(now),
        expires_at=int(now) + wish.code_lifetime_s,
        addressee=key,
        ask_me=wish.ask_me if wish.ask_me is not None else key is None,
    )
    salt = context.entropy.token(SALT_BYTES)
    code = compose(context, connection_id, offer, wish.mode, wish.names, salt)

    def unit(tx: Transaction) -> Connection:
        return _store(context, tx, wish, found, connection_id, offer, parts_of(code, salt), now=now)

    try:
        stored = await context.store.run(once.unit(context, unit))
    except statements.NameTakenError:
        raise name_taken(wish.names.name) from None
    context.signals.broadcast()
    context.signals.expiry(stored.record.expires_at)
    if stored.record.owed:
        context.signals.owed(stored)
    if stored.connection_id != connection_id:  # another request of the same key was quicker
        return offered(context, stored)
    return Offered(connection=stored, code=code.text)


def why_unlicensed(context: Context) -> str | None:
    """Why no connection can be initiated in Script mode, the only one there is, as a sentence; none if it can."""
    if context.license is None or (standing := context.license.standing(context.clock.now())).may_initiate:
        return None
    return f"{standing.sentence} Without a license no new connection is initiated in Script mode."


def offered(context: Context, connection: Connection) -> Offered:
    """A connection with its code, made anew."""
    return Offered(connection=connection, code=invitation_code(context, connection))


async def refuse_taken(context: Context, name: str) -> None:
    """Say that a name is in use before somebody goes on with it; what counts is said when the connection is made.

    Raises:
        ProblemError: it is.
    """
    if await context.store.run(lambda tx: statements.is_name_taken(tx, name)):
        raise name_taken(name)


def name_taken(name: str) -> ProblemError:
    """The problem that a name is in use already."""
    return ProblemError(Problem.NAME_TAKEN, f'Another connection of this instance is called "{name}".', field="name")


def _store(
    context: Context,
    tx: Transaction,
    wish: Wish,
    found: CheckResult | None,
    connection_id: bytes,
    offer: Offer,
    parts: CodeParts,
    *,
    now: float,
) -> Connection:
    record = act(Role.SOURCE, None, Act.INITIATE, now=now, offer=offer).record
    assert isinstance(record, SourceRecord)  # noqa: S101 - what initiating makes
    partner = Partner()
    if found is not None and found.info is not None:
        partner = Partner(name=found.info.name, node_url=found.node_url, instance_url=found.info.instance_url)
    return store_new(
        context,
        tx,
        Connection(
            sys_id=new_sys_id(tx, connection_id, context.key),
            connection_id=connection_id,
            source_key=context.key,
            record=record,
            mode=wish.mode,
            names=wish.names,
            partner=partner,
            code=parts,
            created_at_ms=int(now * 1000),
            changed_at_ms=int(now * 1000),
        ),
    )


def compose(context: Context, connection_id: bytes, offer: Offer, mode: Mode, names: Names, salt: bytes) -> Composed:
    """A new code of a connection."""
    invitation = Invitation(
        connection=connection_id,
        serial=offer.serial,
        source_id=context.identity.node_id,
        source_key=context.key,
        node_url=context.node_url or "",
        mode=mode,
        name=names.name,
        source_short_name=names.local_short_name,
        destination_short_name=names.remote_short_name,
        expires_at=offer.expires_at,
        bound=addressee(offer.addressee) if offer.addressee is not None else None,
        versions=(PROTOCOL_VERSION,),
    )
    seed = seed_of(context.identity.master_secret, connection_id, offer.serial, salt)
    return compose_code(invitation, context.identity.signing_key, seed)


def parts_of(code: Composed, salt: bytes) -> CodeParts:
    """What the source keeps of a new code."""
    return CodeParts(invitation=code.packed, invitation_key=code.invitation_key, digest=code.public_digest, salt=salt)


def invitation_code(context: Context, connection: Connection) -> str | None:
    """The living code of a pending connection, made anew from its parts; none when no code can be taken."""
    record, parts = connection.record, connection.code
    if parts is None or record.mine.phase is not Phase.PENDING or record.expires_at <= context.clock.now():
        return None
    seed = seed_of(context.identity.master_secret, connection.connection_id, record.serial, parts.salt)
    return write_code(unpack_invitation(parts.invitation), context.identity.signing_key, seed)
