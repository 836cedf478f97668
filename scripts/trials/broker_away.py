"""`broker-away`: the broker is stopped during handshakes; all become Active as fast, and no event is lost.

For mosquitto and for amqtt: two nodes shake hands, one handshake after the other, in blocks with the broker up and
blocks with the broker stopped, in turn. A handshake is timed from the admin's initiation until both sides are Active
by their admin APIs; before a block with the broker up, both nodes have linked again and told what waited, so that it
does not pay for the outage. The median with the broker away must be at most 1.2 times that with it up.

`mosquitto_sub -c -q 1`, which nobody here wrote, watches all the while and links again by itself. Then what it saw is
held against the nodes' event logs:

    mosquitto   every event is there and in order; the newest may come once more (QoS 1)
    amqtt       it has no memory over its end: the last status of each connection is right, and whatever was missed
                shows as a gap in `seq`
"""

from __future__ import annotations

import asyncio
import statistics
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from node.brokers.children import BrokerKind, find_mosquitto

from scripts.trials.agreeing import unsettled
from scripts.trials.logs import Comparison, by_topic, compare
from scripts.trials.subscriber import Subscriber
from scripts.trials.trial import Held, NotHeldError, Stage, Trial, during, require, until
from scripts.trials.world import TrialNode, World

if TYPE_CHECKING:
    from collections.abc import Sequence

BLOCK: Final = 10
"""How many handshakes are done before the broker is stopped or started again."""

WARM_UP: Final = 5
RATIO_MAX: Final = 1.2
JUDGED_FROM: Final = 50
"""Medians of fewer handshakes than that are told and not judged."""

ACTIVE_S_MAX: Final = 30.0
LOOK_S: Final = 0.001
SETTLE_S_MAX: Final = 60.0
"""How long it may take until both nodes have found the broker again (they try every 15 s) and told it all."""


@dataclass(slots=True, kw_only=True)
class Outage:
    """Two nodes, one kind of broker, and how long handshakes took."""

    kind: BrokerKind
    world: World
    source: TrialNode
    destination: TrialNode
    took_ms: dict[str, list[float]] = field(default_factory=lambda: {"up": [], "away": []})
    count: int = 0

    @property
    def _nodes(self) -> list[TrialNode]:
        return [self.source, self.destination]

    async def blocks(self, stage: Stage) -> None:
        """All handshakes, block by block.

        Raises:
            NotHeldError: one of them does not become Active, or a node does not find the broker again.
        """
        for _ in range(WARM_UP):
            await self._handshake()
        left = {"up": stage.rounds, "away": stage.rounds}
        order: Sequence[str] = ("up", "away")
        while any(left.values()):
            for state in order:
                await (self.world.broker.stop() if state == "away" else self._return())
                for _ in range(min(BLOCK, left[state])):
                    self.took_ms[state].append(await self._handshake())
                    stage.advance()
                left[state] -= min(BLOCK, left[state])
            order = order[::-1]  # what warms up or grows with time falls on both alike
        await self._return()

    async def _return(self) -> None:
        await self.world.broker.start()

        async def look() -> str:
            links = [await node.missing_link() for node in self._nodes]
            return "; ".join(filter(None, [*links, *unsettled(self._nodes)[:1]]))

        await until(look, within_s=SETTLE_S_MAX)

    async def _handshake(self) -> float:
        """One handshake; how long it took in milliseconds."""
        loop, self.count = asyncio.get_running_loop(), self.count + 1
        began = loop.time()
        sys_id, code = await self.source.admin.initiate(f"handshake-{self.count}", ask_me=False)
        await self.destination.admin.accept(code)
        for node in (self.destination, self.source):
            while (status := (await node.admin.connection(sys_id))["status"]) != "active":
                late = loop.time() - began > ACTIVE_S_MAX
                require(not late, f"handshake {self.count} is {status} at the {node.name} after {ACTIVE_S_MAX:.0f} s")
                await asyncio.sleep(LOOK_S)
        return (loop.time() - began) * 1000

    async def seen_all(self, subscriber: Subscriber) -> Comparison:
        """What was seen against the logs, once the last event of each connection was seen.

        Raises:
            NotHeldError: it was not, or something was seen that nobody may see.
        """
        logs = by_topic(*(node.memory.history()[1] for node in self._nodes))

        async def look() -> str:
            late = compare(subscriber.seen(), logs).unfinished
            return f"the last status of {len(late)} topics was not seen, one is {late[0]}" if late else ""

        await until(look, within_s=SETTLE_S_MAX)
        result = compare(subscriber.seen(), logs)
        require(not result.faults, "; ".join(result.faults[:3]))
        require(result.reruns == 0, f"{result.reruns} times an event was seen again after a newer one")
        if self.kind is BrokerKind.MOSQUITTO:
            require(result.gaps == 0, f"{result.gaps} of {result.events} events were never seen")
        return result


async def _with_broker(kind: BrokerKind, stage: Stage) -> tuple[str, dict[str, Any]]:
    async with AsyncExitStack() as stack:
        world = await stack.enter_async_context(World(stage.folder / kind.value, broker=kind))
        seen = stage.folder / f"{kind.value}.seen"
        subscriber = await stack.enter_async_context(Subscriber(world.broker.port, seen))
        source, destination = await world.nodes("source", "destination")
        outage = Outage(kind=kind, world=world, source=source, destination=destination)
        await outage.blocks(stage)
        result = await outage.seen_all(subscriber)
    up_ms, away_ms = (statistics.median(outage.took_ms[state]) for state in ("up", "away"))
    ratio = away_ms / up_ms
    is_judged = stage.rounds >= JUDGED_FROM
    told = f"median {away_ms:.1f} ms, {ratio:.2f} of the {up_ms:.1f} ms with it up"
    if is_judged and ratio > RATIO_MAX:
        raise NotHeldError(f"with the broker away a handshake takes too long: {told}")
    events_seen = (
        f"all {result.events:,} events seen in order"
        if kind is BrokerKind.MOSQUITTO
        else f"the last status of each right, {result.gaps} of {result.events:,} events missed and seen to be"
    )
    return (
        f"{kind}: {told}{'' if is_judged else ' (too few to judge)'}, {events_seen}",
        {
            "median_up_ms": up_ms,
            "median_away_ms": away_ms,
            "ratio": ratio,
            "events": result.events,
            "gaps": result.gaps,
            "repeats": result.repeats,
        },
    )


async def run(stage: Stage) -> Held:
    """See the head of this file."""
    if find_mosquitto() is None:
        raise NotHeldError("mosquitto is missing; enable it with: sudo scripts/install-debian-packages")
    told, figures = [], {}
    for kind in BrokerKind:
        with during(kind.value):
            sentence, figures[kind.value] = await _with_broker(kind, stage)
            told.append(sentence)
    return Held(sentence="all Active; " + "; ".join(told), figures=figures)


TRIAL = Trial(
    name="broker-away",
    rounds=100,
    counted="handshakes without each broker",
    run=run,
    steps=2 * len(BrokerKind),
)
