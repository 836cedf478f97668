"""What this side's admin should look at, and tidying up what is over."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from msgspec.structs import replace

from node.connections.acting import signalled
from node.connections.changing import store_change
from node.store import listing, noticing, statements
from protocol.machine import act, possible_acts
from protocol.records import Status
from protocol.tables import Act

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from sqlalchemy import Row

    from node.connections.context import Context
    from node.connections.stored import Connection
    from node.ports import Transaction

WAITING_SHOWN_MAX = 100
NOTICES_SHOWN_MAX = 100
OWED_SHOWN_MAX = 200
TIDIED_AT_ONCE_MAX = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Attention:
    """What waits for this admin: connections to decide on, and the newest notices with their connections' names."""

    waiting: list[Connection]
    notices: Sequence[Row[Any]]


async def look(context: Context) -> Attention:
    """What waits for this admin."""

    def unit(tx: Transaction) -> Attention:
        now = context.clock.now()
        waiting = [
            one
            for status in (Status.AWAITING_APPROVAL, Status.INVITED)
            for one in listing.page(tx, now=now, after=0, most=WAITING_SHOWN_MAX, status=status)
        ]
        mine = [one for one in waiting if _is_up_to_me(one, now=now)]
        return Attention(waiting=mine, notices=noticing.newest(tx, most=NOTICES_SHOWN_MAX))

    return await context.store.run(unit)


def _is_up_to_me(one: Connection, *, now: float) -> bool:
    return not {Act.APPROVE, Act.DECLINE}.isdisjoint(possible_acts(one.record, now=now))


async def owed(context: Context) -> tuple[list[Connection], int, int]:
    """What is owed to partners, longest known first; how much that is in all; how many broadcasts wait."""

    def unit(tx: Transaction) -> tuple[list[Connection], int, int]:
        return (
            statements.owed(tx, after=0, most=OWED_SHOWN_MAX),
            statements.owed_count(tx),
            statements.broadcast_count(tx),
        )

    return await context.store.run(unit)


async def leftovers(context: Context) -> tuple[int, list[Connection]]:
    """How many closed connections are in the list; and those that were removed, but are still owed to a partner."""

    def unit(tx: Transaction) -> tuple[int, list[Connection]]:
        return noticing.closed_count(tx), listing.removed(tx, after=0, most=OWED_SHOWN_MAX)

    return await context.store.run(unit)


async def tidy(context: Context) -> int:
    """Take closed connections off the list, one transaction's worth; how many."""

    def unit(tx: Transaction) -> list[Connection]:
        gone = []
        page = listing.page(tx, now=context.clock.now(), after=0, most=TIDIED_AT_ONCE_MAX, status=Status.CLOSED)
        for before in page:
            record = act(before.role, before.record, Act.REMOVE, now=context.clock.now()).record
            if record is not None:
                gone.append(store_change(context, tx, before, replace(before, record=record)))
        return gone

    tidied = await context.store.run(unit)
    for connection in tidied:
        signalled(context, connection)
    return len(tidied)
