"""Resync: each living connection is stated once more though nothing is owed, so that lost memories are noticed.

At the start of a node, and about daily. A partner that was restored from a backup, or that lost an answer which
nobody owed, learns what it missed; one that knows everything answers and that is all (protocol section 4).
It is spread out, so that a node with many connections asks its partners for little at a time; after this node was
restored itself it is done at once.
"""

from __future__ import annotations

from asyncio import sleep
from typing import TYPE_CHECKING

from node.store import statements
from protocol.limits import RESYNC_S

if TYPE_CHECKING:
    from node.connections.context import Context
    from node.delivery.dispatcher import Dispatcher

PAGE = 50
PAUSE_S = 1.0
"""The longest rest between two portions; each is drawn below it, so that nodes fall out of step."""

JITTER = 0.1
"""How far a round's distance to the next may be from the mean, as a part of it."""


class Resync:
    """The rounds of one node."""

    def __init__(self, context: Context, dispatcher: Dispatcher, *, every_s: float = RESYNC_S) -> None:
        """Name the parts; `run` begins. `every_s` is the mean distance of two rounds, in seconds."""
        self._context = context
        self._dispatcher = dispatcher
        self._every_s = every_s

    async def run(self, *, at_once: bool = False) -> None:
        """State everything now, then round by round, until cancelled; `at_once`: the first round rests nowhere."""
        entropy = self._context.entropy
        await self._round(rests=not at_once)
        while True:
            await sleep(self._every_s * (1 - JITTER + 2 * JITTER * entropy.fraction()))
            await self._round(rests=True)

    async def _round(self, *, rests: bool) -> None:
        after = 0
        while page := await self._context.store.run(
            lambda tx, after=after: statements.live(tx, after=after, most=PAGE)  # type: ignore[misc]
        ):
            after = page[-1].n
            for connection in page:
                self._dispatcher.restate(connection)
            if rests and len(page) == PAGE:
                await sleep(PAUSE_S * self._context.entropy.fraction())
