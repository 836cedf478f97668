"""The pair's processes are kept up: what dies is started again, the others go on meanwhile."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from node.brokers.children import BrokerStartError
from node.endings import ending, last_words
from node.local_pair.notes import ChildState, Note
from node.local_pair.processes import PairStartError
from node.local_pair.restarts import STEADY_S, WAITS_S, Restarts

if TYPE_CHECKING:
    from collections.abc import Callable

    from node.brokers.children import BrokerChild
    from node.local_pair.notes import Notes
    from node.local_pair.processes import LocalPair, NodeChild

BROKER = "broker"
"""What the notes call it; no node may have that name."""

LOOK_S = 0.2


@dataclass(slots=True, kw_only=True)
class _Kept:
    name: str
    title: str
    child: NodeChild | BrokerChild
    last_words: Callable[[], str]
    death_count: int = 0


class Keeper:
    """Looks after the processes of one pair."""

    def __init__(
        self, pair: LocalPair, *, notes: Notes, tell: Callable[[str], None], waits_s: tuple[float, ...] = WAITS_S
    ) -> None:
        """Name them; all of them run.

        Args:
            pair: the processes.
            notes: where it is written down how each of them is.
            tell: takes each sentence about them.
            waits_s: see `Restarts`.
        """
        broker = pair.broker
        self._all = [
            *(
                _Kept(name=node.name, title=f"The node {node.name}", child=node, last_words=node.last_words)
                for node in pair.nodes
            ),
            _Kept(
                name=BROKER,
                title=f"The broker ({broker.kind})",
                child=broker,
                last_words=lambda: last_words(broker.log_path, since=0),  # each start begins its log anew
            ),
        ]
        self._notes = notes
        self._tell = tell
        self._waits_s = waits_s

    async def keep(self) -> None:
        """Start again what dies; return when everything was given up. Cancel it to end."""
        async with asyncio.TaskGroup() as group:
            for kept in self._all:
                group.create_task(self._keep(kept, Restarts(self._waits_s)))

    async def _keep(self, kept: _Kept, restarts: Restarts) -> None:
        ended, lived_s = await self._until_it_dies(kept)
        while (wait_s := restarts.after_death(lived_s=lived_s)) is not None:
            kept.death_count += 1
            self._note(kept, ChildState.STARTING_AGAIN, ended)
            self._tell(f"{ended} It is started again in {wait_s:.0f} s.")
            await asyncio.sleep(wait_s)
            ended, lived_s = await self._live_again(kept, ended)
        kept.death_count += 1
        given_up = (
            f"{ended} It died {restarts.in_a_row} times and never lived {STEADY_S:.0f} s in between, so it is given "
            f"up; the rest goes on. Look into its log, {kept.child.log_path}; then stop the pair and start it anew."
        )
        self._note(kept, ChildState.GIVEN_UP, given_up)
        self._tell(given_up)

    async def _live_again(self, kept: _Kept, ended: str) -> tuple[str, float]:
        try:
            await kept.child.start()
        except (PairStartError, BrokerStartError) as error:
            return str(error), 0.0
        self._note(kept, ChildState.RUNNING, f"{ended} It was started again.")
        self._tell(f"{kept.title} runs again.")
        return await self._until_it_dies(kept)

    async def _until_it_dies(self, kept: _Kept) -> tuple[str, float]:
        """How it ended, in words, and how many seconds it lived."""
        clock = asyncio.get_running_loop().time
        began = clock()
        while kept.child.is_running:  # noqa: ASYNC110 - another process is waited for
            await asyncio.sleep(LOOK_S)
        return ending(kept.title, kept.child.exit_status, kept.last_words()), clock() - began

    def _note(self, kept: _Kept, state: ChildState, said: str) -> None:
        self._notes.write(kept.name, Note(state=state, said=said, death_count=kept.death_count))
