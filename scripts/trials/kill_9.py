"""`kill-9`: either node, or both, die at a random moment while admins act; nothing is lost, doubled or stuck.

Two nodes connect to each other in both directions, by random acts of their admins. In each round one of them or both
are killed at a random moment and started again; an admin whose answer did not come asks again under the same
idempotency key. Then, once both nodes have had time to deliver:

    lost      every answer that an admin was given stands in the event log of that node, which counts from 1 without a
              gap; a source's row is gone only if an admin let it go, a destination's never
    doubled   one connection for each initiation that was answered, one event for each number, no event id twice;
              a subscriber sees every event in order (mosquitto)
    stuck     nothing is owed, no broadcast waits, and both sides agree (`scripts.trials.agreeing`)

After every few rounds the nodes begin anew with empty memories, because a node takes only so many announcements in an
hour. Before that both are started once more: what one side forgot, the other learns at its own next resync.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from random import Random
from typing import Final

from node.brokers.children import BrokerKind
from protocol.vocabulary import Role

from scripts.trials.agreeing import unsettled
from scripts.trials.logs import by_topic, compare, log_faults, not_kept
from scripts.trials.random_acts import Ledger, RandomAdmin, remove_all
from scripts.trials.subscriber import Subscriber
from scripts.trials.trial import Held, Stage, Trial, during, require, until
from scripts.trials.world import TrialNode, World, start_all

ROUNDS_A_LIFE: Final = 10
"""How many rounds two nodes live through before they begin anew."""

LIVES_AT_ONCE: Final = 2
"""How many such lives go on beside each other: most of a round is a node that starts."""

ADMINS: Final = 2
"""How many admins each node has."""

ACTS: Final = 10
"""How many acts each admin does in a round."""

KILL_S_MAX: Final = 0.5
DOWN_S_MAX: Final = 0.3
SETTLE_S_MAX: Final = 60.0
"""How long delivery may take; a node that meets nobody for some seconds tries again within twice as many."""

VICTIMS: Final = ((0,), (1,), (0,), (1,), (0, 1))
REMOVED: Final = 0.7
"""How often a round ends with everything removed, by one of the admins or both."""


@dataclass(slots=True)
class Count:
    """What the rounds came to."""

    kills: int = 0
    mid_write: int = 0
    mid_delivery: int = 0
    acts: Counter[str] = field(default_factory=Counter)
    connections: int = 0
    events: int = 0
    watched: int = 0


@dataclass(slots=True, kw_only=True)
class Life:
    """Two nodes from their first start to their end."""

    nodes: list[TrialNode]
    random: Random
    count: Count
    subscriber: Subscriber | None
    ledger: Ledger = field(default_factory=Ledger)

    async def begin(self) -> None:
        """Start both, and connect them for good: a partner that is known is announced to without end."""
        await start_all(self.nodes)
        one, other = self.nodes
        sys_id, code = await one.admin.initiate("lasting", ask_me=False)
        self.ledger.spared.add(sys_id)
        await other.admin.accept(code)
        await self._settled(resynced=False)

    async def round(self) -> None:
        """Act, kill, start again, wait, look.

        Raises:
            NotHeldError: something was lost, doubled or is stuck.
        """
        random, ledger = self.random, self.ledger
        cut_before = ledger.cut
        admins = [
            RandomAdmin(self.nodes[side], self.nodes[1 - side], random=random, ledger=ledger)
            for side in (0, 1)
            for _ in range(ADMINS)
        ]
        async with asyncio.TaskGroup() as acting:
            for admin in admins:
                acting.create_task(admin.act(ACTS))
            await asyncio.sleep(random.uniform(0, KILL_S_MAX))
            victims = [self.nodes[side] for side in random.choice(VICTIMS)]
            for node in victims:
                node.kill()
            self.count.kills += len(victims)
            self.count.mid_delivery += any(one.record.owed for node in self.nodes for one in node.memory.connections())
            await asyncio.sleep(random.uniform(0, DOWN_S_MAX))
            await start_all(victims)
        self.count.mid_write += ledger.cut > cut_before
        await self._settled(resynced=False)
        self._look()
        for node in self.nodes:
            if random.random() < REMOVED:
                await remove_all(node, ledger)

    async def end(self) -> None:
        """Start both once more, so that each states what it holds; then everything must be agreed on.

        Raises:
            NotHeldError: see `round`.
        """
        await asyncio.gather(*(node.stop() for node in self.nodes))
        await start_all(self.nodes)
        await self._settled(resynced=True)
        self._look()
        await self._watched()
        self.count.acts += self.ledger.done
        self.count.connections += sum(len(one) for one in self.ledger.initiated.values())
        self.count.events += sum(len(log) for node in self.nodes for log in node.memory.history()[1].values())

    async def _settled(self, *, resynced: bool) -> None:
        async def look() -> str:
            found = unsettled(self.nodes, forgotten=self.ledger.forgotten, resynced=resynced)
            return f"stuck: {found[0]}, and {len(found) - 1} more" if found else ""

        await until(look, within_s=SETTLE_S_MAX)

    def _look(self) -> None:
        for node in self.nodes:
            connections, logs = node.memory.history()
            faults = log_faults(connections, logs) + not_kept(self.ledger.views[node.name], logs)
            require(not faults, f"the node {node.name}: {'; '.join(faults[:3])}")
            kept = {one.sys_id for one in connections}
            for name, sys_id in self.ledger.initiated[node.name].items():
                named = [one.sys_id for one in connections if one.names.name == name]
                require(len(named) <= 1, f"the node {node.name} initiated {name} once and has it {len(named)} times")
                may_be_gone = self.ledger.asked[sys_id] & {"forget", "remove"}
                require(sys_id in kept or may_be_gone, f"the node {node.name} has lost connection {sys_id} ({name})")
            taken = {one["sys_id"] for one in self.ledger.views[node.name] if one["role"] == Role.DESTINATION}
            require(taken <= kept, f"the node {node.name} has lost {taken - kept}, whose codes it took")

    async def _watched(self) -> None:
        subscriber = self.subscriber
        if subscriber is None:
            return

        async def look() -> str:
            unseen = compare(subscriber.seen(), by_topic(*(node.memory.history()[1] for node in self.nodes))).unfinished
            return f"the subscriber misses the last event of {len(unseen)} topics, one is {unseen[0]}" if unseen else ""

        await until(look, within_s=SETTLE_S_MAX)
        result = compare(subscriber.seen(), by_topic(*(node.memory.history()[1] for node in self.nodes)))
        require(not result.faults, f"over MQTT: {'; '.join(result.faults[:3])}")
        require(result.gaps == 0, f"over MQTT {result.gaps} events were never seen")
        self.count.watched += result.events


async def run(stage: Stage) -> Held:
    """See the head of this file."""
    count = Count()
    lives = iter(range(0, stage.rounds, ROUNDS_A_LIFE))

    async def live() -> None:
        for first in lives:
            await _live(stage, count, first, min(first + ROUNDS_A_LIFE, stage.rounds))

    async with asyncio.TaskGroup() as living:
        for _ in range(LIVES_AT_ONCE):
            living.create_task(live())
    watched = f", {count.watched:,} of them seen over MQTT in order" if count.watched else ""
    return Held(
        sentence=f"{count.kills} kills, in {count.mid_write} rounds with an admin's write under way and in "
        f"{count.mid_delivery} with something still to tell; {count.acts.total():,} acts on "
        f"{count.connections:,} connections, {count.events:,} events{watched}: nothing lost, doubled or stuck, "
        "both sides agree",
        figures={
            "kills": count.kills,
            "rounds_mid_write": count.mid_write,
            "rounds_mid_delivery": count.mid_delivery,
            "acts": dict(sorted(count.acts.items())),
            "connections": count.connections,
            "events": count.events,
            "events_seen_over_mqtt": count.watched,
        },
    )


async def _live(stage: Stage, count: Count, first: int, end: int) -> None:
    """The rounds from `first` to before `end` of two nodes, from their first start to their end."""
    folder = stage.folder / f"from-round-{first + 1}"
    async with AsyncExitStack() as stack:
        world = await stack.enter_async_context(World(folder))
        subscriber = None
        if world.broker.kind is BrokerKind.MOSQUITTO:
            subscriber = await stack.enter_async_context(Subscriber(world.broker.port, folder / "seen"))
        nodes = [await world.node(name) for name in ("a", "b")]
        random = Random(stage.random.getrandbits(64))  # noqa: S311 - see Stage
        life = Life(nodes=nodes, random=random, count=count, subscriber=subscriber)
        await life.begin()
        for number in range(first, end):
            with during(f"round {number + 1}"):
                await life.round()
            stage.advance()
        with during(f"after round {end}"):
            await life.end()


TRIAL = Trial(name="kill-9", rounds=200, counted="rounds", run=run)
