"""A world to script: the shipped nodes on virtual time, what befalls them, and your own programs beside them."""

from __future__ import annotations

import asyncio
import contextlib
import re
from typing import TYPE_CHECKING, Any, Final, Self

from node.settings import Announcements
from simulations.checks import CHECKS, OF_BOTH_SIDES
from simulations.host import HostPlan
from simulations.http.clocks import virtual_clocks
from simulations.kit import given
from simulations.kit.acts import perform
from simulations.kit.errors import NotQuietError, WorldError
from simulations.kit.messages import Messages
from simulations.kit.mqtt import ALL_TOPICS, MqttClient, Subscription
from simulations.kit.nodes import Committed, Node
from simulations.kit.running import KitLoop
from simulations.kit.script import Script
from simulations.kit.strangers import FIRST_NUMBER, STRANGERS_MAX, Stranger, new_session
from simulations.levels import Level
from simulations.shape import Shape
from simulations.told_logs import logs_told
from simulations.world import LIVENESS_S
from simulations.world import World as SeededWorld

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence

    import aiohttp
    import aiomqtt
    from aiohttp import web

    from simulations.faults import Fault
    from simulations.kit.acts import AdminAct
    from simulations.kit.mqtt import Received
    from simulations.kit.plans import PlannedFault

NODES_MAX: Final = 100
CHAOS_S: Final = 3600.0
"""Within so many seconds from the beginning the lasting ones among random faults begin."""

FIRST_LOOK_S: Final = 0.01
LONGEST_LOOK_S: Final = 600.0
BOOT_S_MAX: Final = 3600.0
SHOWN_ENTRIES: Final = 20

_NAME = re.compile(r"[a-z][a-z0-9-]{0,30}")


class World(Messages):
    """Some nodes, a network and a broker, all simulated; open it by `async with`, on virtual time (`simulated`).

    The nodes are the shipped code. Whatever you script, the world is judged after every commit by all checks of the
    simulation (consent, keys, closing, broadcasts, secrets …) and ends with `ViolationError` when one finds something:
    that is a fault of Handclasp, please report it with the seed.

    While it is open, this thread has no real clock, no real randomness, no threads and no sockets: who reaches for one
    ends the run with an error that says for what. So one seed is one run, yours included. Two ways out are seen only by
    a `deep` world: `datetime.now`, and a clock or dice that was imported by its name (`from time import time`). The
    guide, `docs/test-kit.md`, lists the few that not even that one sees.

    Attributes:
        seed: what everything follows from that you do not say: the order of what happens at once, how long messages
            and commits take, ids and keys.
        level: how requests get from node to node.
        is_deep: whether those two ways out are watched, too.
    """

    def __init__(
        self,
        seed: int = 0,
        *,
        level: Level | str = Level.DIRECT,
        faults: Collection[Fault] = (),
        schedule: Sequence[int] | None = None,
        deep: bool = False,
    ) -> None:
        """Describe a world; `async with` makes it.

        Args:
            seed: see the class; 0 or more.
            level: `direct`: the other node's application is called; `http`: real HTTP over links in memory, slower.
            faults: kinds of faults that strike at random, as the seed says, until `mend`; none: only those that you
                script.
            schedule: which of the callbacks that are ready runs next, choice by choice, each number counted round;
                after the last one the oldest runs. None: the seed chooses.
            deep: look at every call of a C function for what leaves the simulation; it takes some 1.6 times as long.

        Raises:
            WorldError: there is no such seed, level or fault.
        """
        super().__init__()
        self.seed = given.seed(seed)
        self.level = given.level(level)
        self.is_deep = deep
        self._faults = given.faults(faults)
        self._schedule = schedule
        self._stack = contextlib.ExitStack()
        self._clients = 0
        self._subscriptions: list[Subscription] = []
        self._busy_until_s = 0.0
        self._has_peers = self._has_clocks = False

    async def __aenter__(self) -> Self:
        """Begin: a broker, a network, and no node yet.

        Raises:
            WorldError: this is no loop of virtual time, or it has a world already.
        """
        loop = asyncio.get_running_loop()
        if not isinstance(loop, KitLoop):
            raise WorldError(
                "A world lives on virtual time, and this is another loop: decorate the test with @simulated, let it "
                "take the fixture handclasp_world, or call simulations.kit.run(main)."
            )
        if loop.world is not None:
            raise WorldError("One run has one world: call simulations.kit.run once for each.")
        loop.world = self
        self._engine = engine = SeededWorld(
            self.seed,
            level=self.level,
            kinds=self._faults,
            observers=[*CHECKS, Committed],
            shape=Shape(hosts=0, connections=0, chaos_s=CHAOS_S, announcements=Announcements.ANYONE),
            loop=loop,
            choose=None if self._schedule is None else _chooser(self._schedule),
            is_deep=self.is_deep,
        )
        self.script = engine.network.meddler = Script(self._named, engine.loop.time)
        self._stack.enter_context(logs_told(engine.told.logged))
        self._stack.callback(engine.end)
        self._stack.enter_context(engine.confined())
        engine.begin()
        self._is_open = True
        return self

    async def __aexit__(self, kind: type[BaseException] | None, *_error: object) -> None:
        """End it; a task that failed and that nobody looked at is told now.

        Raises:
            ViolationError: there is one.
        """
        self.close(well=kind is None)

    def close(self, *, well: bool) -> None:
        """End it, from code that is not async; `well`: it has not failed, so see whether some task has."""
        with self._stack:
            if well:
                self._world.look_for_unnoticed()
            self._is_open, self.script = False, None

    def at_rest(self) -> contextlib.AbstractContextManager[None]:
        """Within, the thread has the real world back, and nothing of this one may run; for whoever steps it by hand."""
        return self._world.guard.lifted()

    def __repr__(self) -> str:
        return f"World(seed={self.seed}, level={self.level.value!r}{', deep=True' if self.is_deep else ''})"

    # Nodes

    async def nodes(self, *names: str) -> tuple[Node, ...]:
        """Put up nodes of these names, and wait until they answer; they can reach each other.

        Args:
            names: each of 1 to 31 lower-case letters, digits and hyphens, a letter first; `acme` is then reached at
                `http://acme.instance.test` and `http://acme.test`.

        Raises:
            WorldError: a name is not of that form, or it or its host is taken; or there are more than 100.
        """
        engine = self._world
        for name in names:
            if not _NAME.fullmatch(name) or name in self._nodes:
                raise WorldError(f"{name!r} can't name a node: write lower-case letters and digits, each name once.")
            if len(self._nodes) == NODES_MAX:
                raise WorldError(f"A world has at most {NODES_MAX} nodes.")
            plan = HostPlan.numbered(len(self._nodes), name=name)
            taken = engine.machines.addresses.keys() & {plan.node_host, plan.instance_host}
            if taken:
                raise WorldError(f"A node can't be named {name!r}: {min(taken)} is taken by a program of yours.")
            host = engine.machines.join(plan)
            committed = next(one for one in engine.observers if isinstance(one, Committed))
            self._nodes[name] = Node(lambda: self._world, host, committed)
        put_up = tuple(self._nodes[name] for name in names)
        await self.until(lambda: all(node.is_on for node in put_up), within_s=BOOT_S_MAX)
        return put_up

    # The broker

    def stop_broker(self, *, forgets: bool = False) -> None:
        """The MQTT broker dies: all links break, and no will is sent. `forgets`: its retained messages are gone."""
        self._world.trace.add("broker", "down", forgets=forgets)
        self._world.broker.go_down(forgets=forgets)

    def start_broker(self) -> None:
        """The broker can be reached again."""
        self._world.broker_faults.come_up()

    def repeat_broadcasts(self, times: int = 1) -> None:
        """The broker hands the next status events on twice, so many of them (1 or more), as QoS 1 permits."""
        if times < 1:
            raise WorldError(f"repeat_broadcasts() counts from 1, and {times!r} is less.")
        self._world.broker_faults.repeated_by_hand += times

    def mend(self) -> None:
        """Everything works from now on: nothing strikes, scripted or at random; what is off is turned on."""
        if self.script is not None:
            self.script.clear()
        for node in self._nodes.values():
            node.restart()
        self._world.mend()

    # Drawn by Hypothesis

    @property
    def all_nodes(self) -> tuple[Node, ...]:
        """All nodes, in the order in which they were put up."""
        return tuple(self._nodes.values())

    def later(self, after_s: float, callback: Callable[[], object]) -> None:
        """Call a function after so many seconds; `quiet` waits for it."""
        given.seconds(after_s=after_s)
        given.plain(callback)
        self._world.later(self.now_s + after_s, callback)
        self._busy_until_s = max(self._busy_until_s, self.now_s + after_s)

    def plan(self, faults: Iterable[PlannedFault]) -> None:
        """Let these faults come; see `fault_plans`."""
        for fault in faults:
            fault.strike(self)

    async def perform(self, act: AdminAct) -> bool:
        """Let an admin do something, if it is possible now; whether it was. See `admin_acts`."""
        return await perform(act, self.all_nodes, self._world.admins.codes)

    # Your own programs

    def mqtt(self, identifier: str | None = None, *, will: aiomqtt.Will | None = None) -> MqttClient:
        """A client of the broker that is used as an `aiomqtt.Client` is.

        Args:
            identifier: its client id; a second link with the same id ends the first. None: one is made up.
            will: what the broker publishes when the link is lost.
        """
        self._clients += 1
        return MqttClient(self._world.broker, identifier or f"program-{self._clients}", will)

    async def subscribe(self, received: Received, topic_filter: str = ALL_TOPICS) -> None:
        """Let a function of yours receive the nodes' events, decoded; it is subscribed anew when the broker was away.

        Args:
            received: called with each `Delivery`, in order; it may be a coroutine function. What it raises ends the
                world and comes out of the test.
            topic_filter: an MQTT topic filter, of topics that nodes publish on.
        """
        loop, subscription = self._world.loop, Subscription(self.mqtt, topic_filter, received)
        task = loop.create_task(subscription.keep())
        task.add_done_callback(loop.expect_success)
        self._subscriptions.append(subscription)
        task.add_done_callback(lambda _task: self._subscriptions.remove(subscription))
        await subscription.subscribed.wait()

    async def serve(self, host: str, app: web.Application, *, is_peer: bool = False) -> str:
        """Put an aiohttp application of yours into the world; its URL, `http://` and the host.

        Nodes reach it with all that befalls requests between nodes, your own programs by `session`.

        Args:
            host: its host name, such as `tickets.test`.
            app: the application. It has no real clock, randomness, thread or socket here.
            is_peer: it speaks the protocol, as source or destination. What it keeps and whether its admin has agreed
                is not known then; so the checks that judge both sides of a connection are left out, and those of each
                node by itself stay.

        Raises:
            WorldError: the name is taken, or there are a hundred already.
        """
        engine = self._world
        count = len(engine.machines.strangers)
        if host in engine.machines.addresses or count == STRANGERS_MAX:
            raise WorldError(f"{host} is taken, or there are {STRANGERS_MAX} programs already.")
        stranger = Stranger(engine, host, app, FIRST_NUMBER + count)
        await stranger.start()
        engine.machines.strangers[host] = stranger
        if is_peer:
            engine.told.listen([one for one in engine.observers if not isinstance(one, OF_BOTH_SIDES)])
            self._has_peers = True
        return stranger.node_url

    def session(self, **more: Any) -> aiohttp.ClientSession:
        """An `aiohttp.ClientSession` that reaches nodes and programs of this world by their URLs, and nothing else.

        No fault befalls what it asks. `more` are further arguments of `aiohttp.ClientSession`. Use it by `async with`.
        """
        if self.level is Level.DIRECT and not self._has_clocks:
            self._stack.enter_context(virtual_clocks(self._world.loop.time))  # its links ask for the time
            self._has_clocks = True
        return new_session(self._world, **more)

    # Time

    @property
    def now_s(self) -> float:
        """How many virtual seconds have passed since the run began."""
        return self._lived.loop.time()

    async def sleep(self, s: float) -> None:
        """Let so many virtual seconds pass; `asyncio.sleep` does the same."""
        given.seconds(s=s)
        await asyncio.sleep(s)

    async def until(self, holds: Callable[[], bool], *, within_s: float = 60.0) -> None:
        """Let time pass until something holds; it is looked at ever more rarely.

        Args:
            holds: whether it does; a plain function.
            within_s: how long at most, in virtual seconds.

        Raises:
            NotQuietError: it did not by then.
            WorldError: it is an `async` function.
        """
        await self._until(lambda: None if given.told_by(holds) else "what until() was given does not hold", within_s)

    async def quiet(self, *, within_s: float = LIVENESS_S) -> None:
        """Let time pass until nothing is left to be said: both sides of each connection agree, and watchers know it.

        Watchers are what `subscribe` made, too: their functions have returned. While the broker is down nothing can
        reach them, and they are not waited for.

        Args:
            within_s: how long at most, in virtual seconds; as a rule more than a day, for a node that has missed
                something says all again once a day.

        Raises:
            NotQuietError: it did not come to that; the text says what is still waited for.
        """
        await self._until(self._unsettled, within_s)

    async def _until(self, waits: Callable[[], str | None], within_s: float) -> None:
        given.seconds(within_s=within_s, is_endless=True)
        ends_s, look_s = self._world.loop.time() + within_s, FIRST_LOOK_S
        while True:
            await asyncio.sleep(min(look_s, max(ends_s - self.now_s, 0)))
            sentence = waits()
            if sentence is None:
                return
            if self.now_s >= ends_s:
                raise NotQuietError(f"Not within {within_s:.0f} virtual seconds: {sentence}")
            look_s = min(look_s * 1.5, LONGEST_LOOK_S)

    def _busy_until(self) -> float:
        return max(self._busy_until_s, self.script.busy_until_s if self.script is not None else 0.0)

    def _unsettled(self) -> str | None:
        if self.now_s < self._busy_until():
            return "what was planned is not over."
        judges = (one for one in self._world.observers if not (self._has_peers and isinstance(one, OF_BOTH_SIDES)))
        sentences = (observer.unsettled() for observer in judges)
        sentence = next((sentence for sentence in sentences if sentence is not None), None)
        if sentence is None and self._world.broker.is_up:
            behind = next((one.topic_filter for one in self._subscriptions if not one.is_told_all()), None)
            return None if behind is None else f"what subscribed to {behind} is not through with all that it is sent."
        return sentence

    # What happened

    def trace(self) -> str:
        """All that has happened so far, a line for each: when, where, what. The same seed gives the same text."""
        return self._lived.trace.text()

    def where(self) -> str:
        """How to come to this world again, and what happened last in it."""
        if self._engine is None:
            return f"The world was {self!r}."
        entries = self._engine.trace.entries[-SHOWN_ENTRIES:]
        lines = "".join(f"\n{entry.line()}" for entry in entries)
        return (
            f"The world was {self!r}; the last of {len(self._engine.trace.entries)} things that happened in it:{lines}"
        )

    def _named(self, url_host: str) -> str:
        host = self._world.machines.at(url_host)
        return host.name if host is not None else url_host


def _chooser(schedule: Sequence[int]) -> Callable[[int], int]:
    choices = iter(schedule)
    return lambda count: next(choices, 0) % count
