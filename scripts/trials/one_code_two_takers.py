"""`one-code-two-takers`: two nodes accept one unbound code at the same instant; one wins, the other is told why.

Each round the source makes a code for nobody in particular, and two other nodes accept it at once. The source is
reached through a proxy that holds the first accept until the second has come, and then hands on both, the first of
them drawn. In half of the rounds the source stands still meanwhile (SIGSTOP), so that both lie at its door when it
goes on; in the others they come up to 3 ms apart, so that the second meets the first in every stage.

The two *truly overlapped* when both questions were under way at the source at the same time: the last byte of the
later one was in the hands of the system before the first byte of either answer had come back to the proxy. Both are
stamped by one clock in one process. An answer that lies unread counts as not come back: that can only be so while the
proxy is busy, for parts of a millisecond.

What must hold in each round: the source has one partner, the winner; the winner is Active (or awaits approval, where
the source asks); the other is closed, and its reason is `used`; the source's admin is told of the other's key. At the
end the three databases say the same, and nothing is owed.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from protocol.records import reason_of
from protocol.vocabulary import Kind, Phase, Reason

from scripts.trials.proxy import Watcher
from scripts.trials.trial import Held, NotHeldError, Stage, Trial, during, require, until
from scripts.trials.world import TrialNode, World, start_all

if TYPE_CHECKING:
    from random import Random

    from scripts.trials.proxy import Passage

TAKERS: Final = 2
APART_S_MAX: Final = 0.003
HELD_S_MAX: Final = 5.0
"""How long the first accept is held for the second; then it goes alone, and the round counts as not overlapped."""

SETTLE_S_MAX: Final = 30.0
ASKED: Final = 0.25
"""In how many of the rounds the source asks its admin before it activates."""


@dataclass(slots=True)
class Pair:
    """The accepts of two nodes for one connection, in the order in which they go on."""

    passages: list[Passage] = field(default_factory=list)
    are_there: asyncio.Event = field(default_factory=asyncio.Event)
    apart_s: float = 0.0
    is_paused: bool = False


@dataclass(slots=True)
class Gate(Watcher):
    """Lets the accepts of two nodes for one connection through together."""

    random: Random
    source: TrialNode | None = None
    pairs: dict[bytes, Pair] = field(default_factory=dict)

    async def before(self, passage: Passage) -> None:
        """See `Watcher`."""
        head = passage.head
        pair = self.pairs.setdefault(head.connection, Pair())
        is_first_try = head.sender not in {one.head.sender for one in pair.passages}
        if head.kind != Kind.ACCEPT or not is_first_try:
            return
        pair.passages.append(passage)
        if len(pair.passages) == TAKERS:
            self._open(pair)
        try:
            async with asyncio.timeout(HELD_S_MAX):
                await pair.are_there.wait()
        except TimeoutError:
            return
        if passage is pair.passages[-1]:
            await asyncio.sleep(pair.apart_s)

    def _open(self, pair: Pair) -> None:
        self.random.shuffle(pair.passages)
        pair.is_paused = self.random.choice((True, False))
        if pair.is_paused and self.source is not None:
            self.source.pause()
        else:
            pair.apart_s = self.random.uniform(0, APART_S_MAX)
        pair.are_there.set()

    def handed(self, passage: Passage) -> None:
        """See `Watcher`."""
        pair = self.pairs[passage.head.connection]
        if pair.is_paused and self.source is not None and all(one.handed_at for one in pair.passages):
            self.source.go_on()
            pair.is_paused = False

    def overlapped(self, connection: bytes) -> bool:
        """Whether both were under way at the source at the same time."""
        pair = self.pairs[connection].passages
        if len(pair) < TAKERS or not all(one.answered_at for one in pair):
            return False
        return max(one.handed_at for one in pair) < min(one.answered_at for one in pair)


@dataclass(slots=True, kw_only=True)
class Race:
    """A source, two takers, and the gate before the source."""

    source: TrialNode
    takers: list[TrialNode]
    gate: Gate
    random: Random
    wins: Counter[str] = field(default_factory=Counter)
    overlapped: int = 0
    fingerprints: dict[str, str] = field(default_factory=dict)

    async def begin(self) -> None:
        """Start all."""
        await start_all([self.source, *self.takers])
        for node in self.takers:
            self.fingerprints[node.name] = (await node.admin.done("GET", "/node"))["fingerprint"]

    async def round(self, number: int) -> None:
        """One code, two takers.

        Raises:
            NotHeldError: there is not one winner, or the other was not told why.
        """
        asks = self.random.random() < ASKED
        sys_id, code = await self.source.admin.initiate(f"race-{number}", ask_me=asks)
        await asyncio.gather(*(node.admin.accept(code) for node in self.takers))
        if asks:
            await self._settled(sys_id, "awaiting-approval")
            await self.source.admin.done("POST", f"/connections/{sys_id}/approve", {})
        winner = await self._settled(sys_id, "active")
        self.wins[winner] += 1
        self.overlapped += self.gate.overlapped(bytes.fromhex(sys_id))

    async def _settled(self, sys_id: str, status: str) -> str:
        """Wait until one taker has that status and the other is told `used`; who the one is."""
        seen: dict[str, Any] = {}

        async def look() -> str:
            for node in self.takers:
                one = await node.admin.connection(sys_id)
                seen[node.name] = (one["status"], one["reason"])
            expected = sorted([(status, None), ("closed", Reason.USED.value)], key=str)
            is_so = sorted(seen.values(), key=str) == expected
            return "" if is_so else f"the takers of {sys_id} are {seen}: one should be {status}, the other told `used`"

        await until(look, within_s=SETTLE_S_MAX)
        winner = next(name for name, (shown, _) in seen.items() if shown == status)
        loser = next(name for name in seen if name != winner)
        shown = await self.source.admin.done("GET", f"/connections/{sys_id}")
        one, notices = shown["connection"], [(each["kind"], each["about"]) for each in shown["notices"]]
        require(one["status"] == status, f"the source of {sys_id} is {one['status']}, its taker {winner} is {status}")
        partner, theirs = one["partner"]["fingerprint"], self.fingerprints
        require(partner == theirs[winner], f"{winner} won {sys_id}, and the source's partner is {partner}")
        told = notices == [("other_holder", theirs[loser])]
        require(told, f"the source of {sys_id} should be told of {loser}, and is told {notices}")
        return winner

    def compare(self) -> None:
        """Hold the three databases against each other.

        Raises:
            NotHeldError: something is owed, or there is a third state.
        """
        for node in (self.source, *self.takers):
            owed = [one.sys_id for one in node.memory.connections() if one.record.owed]
            require(not owed, f"the node {node.name} still owes {len(owed)} statements, one about {owed[:1]}")
        taken = {node.name: {one.sys_id: one.record for one in node.memory.connections()} for node in self.takers}
        for one in self.source.memory.connections():
            sides = [records.get(one.sys_id) for records in taken.values()]
            ends = sorted(
                "active" if side and side.mine.phase is Phase.ACCEPTED else str(side and reason_of(side))
                for side in sides
            )
            require(ends == ["active", "used"], f"in the databases the takers of {one.sys_id} are {ends}")
            require(one.record.mine.phase is Phase.ACTIVE, f"the source of {one.sys_id} is {one.record.mine}")


async def run(stage: Stage) -> Held:
    """See the head of this file."""
    async with World(stage.folder) as world:
        gate = Gate(stage.random)
        race = Race(
            source=await world.node("source", watcher=gate),
            takers=[await world.node(name) for name in ("one", "two")],
            gate=gate,
            random=stage.random,
        )
        gate.source = race.source
        await race.begin()
        for number in range(stage.rounds):
            with during(f"round {number + 1}"):
                await race.round(number)
            stage.advance()

        async def look() -> str:
            try:
                race.compare()
            except NotHeldError as error:
                return str(error)
            return ""

        await until(look, within_s=SETTLE_S_MAX)
    one, two = (race.wins[node.name] for node in race.takers)
    return Held(
        sentence=f"one winner each time ({one} and {two} times), the other told `used`, no "
        f"third state; {race.overlapped} truly overlapped: both under way at the source at the same time",
        figures={"wins": [one, two], "overlapped": race.overlapped},
    )


TRIAL = Trial(name="one-code-two-takers", rounds=200, counted="rounds", run=run)
