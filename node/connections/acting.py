"""The acts of this side's admin and timers on a connection that exists."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from node.connections.changing import store_change
from node.store import statements
from protocol.machine import act
from protocol.tables import Act

if TYPE_CHECKING:
    from node.connections.context import Context
    from node.connections.stored import Connection
    from node.ports import Transaction

EXPIRED_AT_ONCE_MAX = 200


async def expire_codes(context: Context) -> int | None:
    """Close what nobody took in time; when the next code expires, in Unix seconds, or none if none is pending."""

    def unit(tx: Transaction) -> tuple[list[Connection], int | None]:
        now = context.clock.now()
        closed = []
        for before in statements.expired(tx, now=now, most=EXPIRED_AT_ONCE_MAX):
            step = act(before.role, before.record, Act.EXPIRE, now=now)
            assert step.record is not None  # noqa: S101 - expiring closes, it forgets nothing
            closed.append(store_change(context, tx, before, replace(before, record=step.record)))
        return closed, statements.next_expiry(tx)

    closed, following = await context.store.run(unit)
    if closed:
        context.signals.broadcast()
    for connection in closed:
        if connection.record.owed and connection.recipient is not None:
            context.signals.owed(connection.recipient)
    return following
