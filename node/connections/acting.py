"""The acts of this side's admin and timers on a connection that exists."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from node import words
from node.connections.changing import forget, store_change
from node.connections.initiating import SALT_BYTES, Offered, compose, offered, parts_of
from node.connections.once import ALWAYS, Once
from node.problems import Problem, ProblemError
from node.store import statements
from protocol.errors import LocalProtocolError
from protocol.events import Offer
from protocol.machine import act
from protocol.records import SourceRecord
from protocol.tables import Act
from protocol.vocabulary import Role

if TYPE_CHECKING:
    from node.connections.context import Context
    from node.connections.stored import Connection
    from node.ports import Transaction
    from protocol.records import DestinationRecord

EXPIRED_AT_ONCE_MAX = 200

ADMIN_ACTS = (
    Act.WITHDRAW,
    Act.APPROVE,
    Act.REFUSE,
    Act.DECLINE,
    Act.CANCEL,
    Act.ACTIVATE,
    Act.DEACTIVATE,
    Act.REMOVE,
    Act.FORGET,
)
"""What an admin may ask for by name alone; a new code also needs its lifetime."""


async def perform(context: Context, sys_id: str, wanted: Act, *, once: Once = ALWAYS) -> Connection | None:
    """Do an act; the connection as it is then, or none when its row has gone.

    It works while the partner is away: what is owed is told as soon as the partner can be reached.

    Raises:
        ProblemError: there is no such connection, or the act is not possible in its status.
    """

    def unit(tx: Transaction) -> Connection | None:
        before = found(tx, sys_id)
        record = _stepped(context, before, wanted)
        if record is None:
            forget(context, tx, before)
            return None
        return store_change(context, tx, before, replace(before, record=record))

    return signalled(context, await context.store.run(once.unit(context, unit)))


async def new_code(context: Context, sys_id: str, *, lifetime_s: int, once: Once = ALWAYS) -> Offered:
    """Replace the code of a connection that nobody has taken; the old code dies.

    Raises:
        ProblemError: there is no such connection, it was taken, withdrawn or removed, or it had expired and its name
            is another's by now.
    """
    salt = context.entropy.token(SALT_BYTES)

    def unit(tx: Transaction) -> Connection:
        before = found(tx, sys_id)
        now, record = context.clock.now(), before.record
        if not isinstance(record, SourceRecord):
            raise ProblemError(Problem.NOT_POSSIBLE_NOW, "Only the source of a connection makes its codes.")
        offer = Offer(
            serial=max(record.serial + 1, int(now)),
            expires_at=int(now) + lifetime_s,
            addressee=record.addressee,
            ask_me=record.ask_me,
        )
        after = _stepped(context, before, Act.NEW_CODE, offer)
        assert after is not None  # noqa: S101 - a new code forgets nothing
        code = compose(context, before.connection_id, offer, before.mode, before.names, salt)
        return store_change(context, tx, before, replace(before, record=after, code=parts_of(code, salt)))

    try:
        connection = await context.store.run(once.unit(context, unit))
    except statements.NameTakenError:
        raise ProblemError(
            Problem.NAME_TAKEN,
            "Another connection of this instance has taken this one's name since it was closed: remove that one, "
            "or initiate under another name.",
        ) from None
    context.signals.expiry(connection.record.expires_at)
    signalled(context, connection)
    return offered(context, connection)


async def describe(context: Context, sys_id: str, description: str, *, once: Once = ALWAYS) -> Connection:
    """Change the description, which is this side's own and told to nobody.

    Raises:
        ProblemError: there is no such connection.
    """

    def unit(tx: Transaction) -> Connection:
        before = found(tx, sys_id)
        names = replace(before.names, description=description)
        return store_change(context, tx, before, replace(before, names=names))

    return await context.store.run(once.unit(context, unit))


async def retry(context: Context, sys_id: str) -> Connection:
    """Try to reach the partner now instead of at the next try; the connection, which still owes its statement.

    Raises:
        ProblemError: there is no such connection, nothing waits, or the partner gave no URL.
    """
    connection = await context.store.run(lambda tx: found(tx, sys_id))
    if not connection.record.owed or connection.recipient is None:
        raise ProblemError(Problem.NOT_POSSIBLE_NOW, "Nothing waits to be told to the partner.")
    if connection.partner.node_url is None:
        raise ProblemError(Problem.NOT_POSSIBLE_NOW, words.NO_URL)
    context.signals.owed(connection)
    return connection


def found(tx: Transaction, sys_id: str) -> Connection:
    """The connection with that id; one that was removed is found as long as its partner has not been told.

    Raises:
        ProblemError: there is none.
    """
    connection = statements.find_by_sys_id(tx, sys_id)
    if connection is None or connection.is_gone:
        raise ProblemError(Problem.NOT_FOUND, "This instance has no connection with that sys_id.")
    return connection


def _stepped(
    context: Context, before: Connection, wanted: Act, offer: Offer | None = None
) -> SourceRecord | DestinationRecord | None:
    try:
        return act(before.role, before.record, wanted, now=context.clock.now(), offer=offer).record
    except LocalProtocolError as error:
        raise ProblemError(Problem.NOT_POSSIBLE_NOW, str(error)) from None


def signalled(context: Context, connection: Connection | None) -> Connection | None:
    """Tell the dispatcher and the broadcaster of a committed change."""
    context.signals.broadcast()
    if connection is not None and connection.record.owed:
        context.signals.owed(connection)
    return connection


async def expire_codes(context: Context) -> int | None:
    """Close what nobody took in time; when the next code expires, in Unix seconds, or none if none is pending."""

    def unit(tx: Transaction) -> tuple[list[Connection], int | None]:
        now = context.clock.now()
        closed = []
        for before in statements.expired(tx, now=now, most=EXPIRED_AT_ONCE_MAX):
            record = act(Role.SOURCE, before.record, Act.EXPIRE, now=now).record
            assert record is not None  # noqa: S101 - expiring closes, it forgets nothing
            closed.append(store_change(context, tx, before, replace(before, record=record)))
        return closed, statements.next_expiry(tx)

    closed, following = await context.store.run(unit)
    for connection in closed:
        signalled(context, connection)
    return following
