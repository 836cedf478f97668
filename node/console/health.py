"""How the partners of this node are: what the head of every page says, and keeps up to date while it is open."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from node.store.browsing import counts
from protocol.records import Status

if TYPE_CHECKING:
    from node.connections.context import Context
    from node.console.changes import Changes
    from node.delivery.dispatcher import Dispatcher

WAITING: Final = frozenset({Status.PENDING, Status.INVITED, Status.ACCEPTING, Status.AWAITING_APPROVAL})
"""In which somebody has still to do something before the connection is active."""

RESTS_PER_COUNT: Final = 20
"""How many times as long as counting took the node rests before it counts again: 100,000 connections take a while."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PartnerHealth:
    """How many connections are active and how many wait for somebody; how many partners do not answer."""

    active: int
    waiting: int
    unreachable: int


class Health:
    """Counts when something has changed since it was last asked, and not too often."""

    def __init__(self, context: Context, dispatcher: Dispatcher, changes: Changes) -> None:
        self._context = context
        self._dispatcher = dispatcher
        self._changes = changes
        self._by_status: dict[str, int] = {}
        self._counted_at_number: int | None = None
        self._count_again_at = 0.0

    async def refresh(self) -> None:
        """Count, if something has changed and the last count is old enough."""
        clock = asyncio.get_running_loop().time
        began, number = clock(), self._changes.number
        if number == self._counted_at_number or began < self._count_again_at:
            return
        now = self._context.clock.now()
        self._by_status = dict(await self._context.store.run(lambda tx: counts(tx, now=now)))
        self._counted_at_number = number
        self._count_again_at = clock() + RESTS_PER_COUNT * (clock() - began)

    @property
    def partners(self) -> PartnerHealth:
        """As it was at the last count; who does not answer is known at every moment."""
        return PartnerHealth(
            active=self._by_status.get(Status.ACTIVE.value, 0),
            waiting=sum(self._by_status.get(status.value, 0) for status in WAITING),
            unreachable=len({one.key for one in self._dispatcher.failing()}),
        )
