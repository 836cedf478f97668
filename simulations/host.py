"""A machine that runs a node: it boots, crashes, stops and boots again; what its disk held is all that stays."""

from __future__ import annotations

import asyncio
import contextvars
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Final

from node.app import Node, Ports, Profile
from node.key_file import NodeIdentity
from node.settings import Announcements
from node.store.writer import GroupCommitStore
from protocol.identity import SigningKey
from protocol.limits import REQUEST_S_MAX
from simulations.core.loop import OWNER
from simulations.disk import DISKS
from simulations.faults import Fault
from simulations.ports import ObservedMetrics, SimulatedClock, SimulatedEntropy
from simulations.rows import Rows, UnitDone
from simulations.store import SimulatedCommitter, WatchedDatabase

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from typing import Any

    from node.causes import Cause
    from simulations.calls import Call
    from simulations.carriers import Carrier
    from simulations.disk import Disk
    from simulations.faults import Window
    from simulations.world import World

ADMIN_TOKEN: Final = "the admin token of a simulated node"  # noqa: S105 - it opens nothing but a simulation
COMMITS_S: Final = ((0.0005, 0.005), (0.0005, 0.005), (0.005, 0.05))
"""How long a commit takes: a disk without moving parts, or one with; a machine has one of these."""

SLOW_COMMIT_S: Final = (0.1, 8.0)
CRASH_STEPS_MAX: Final = 400
CRASH_COMMITS_MAX: Final = 12
CLIENT_PREFIX: Final = "handclasp-"
"""With this the client ids of nodes begin."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HostPlan:
    """What a machine is: everything that outlives its crashes, but for the disk."""

    name: str
    identity: NodeIdentity
    remote: str
    node_host: str
    instance_address: str
    instance_host: str
    announcements: Announcements = Announcements.ANYONE
    is_clone: bool = False

    @classmethod
    def numbered(
        cls, number: int, *, name: str | None = None, announcements: Announcements = Announcements.ANYONE
    ) -> HostPlan:
        """The machine with that number; its identity is the same in every world. Its name is a letter, or given."""
        name = "abcdefgh"[number] if name is None else name
        return cls(
            name=name,
            identity=_identity(number),
            remote=f"10.0.{number}.1",
            node_host=f"{name}.test",
            instance_address=f"10.0.{number}.2",
            instance_host=f"{name}.instance.test",
            announcements=announcements,
        )


@cache
def _identity(number: int) -> NodeIdentity:
    mark = bytes([number + 1])
    return NodeIdentity(
        node_id=mark * 6 + b"\x40" + mark + b"\x80" + mark * 7,
        signing_key=SigningKey(signing_seed(number)),
        master_secret=b"master secret of " + mark * 15,
    )


def signing_seed(number: int) -> bytes:
    """What the key of the machine with that number is made of."""
    return b"signing key of " + bytes([number + 1]) * 17


class Incarnation:
    """One run of the node, from boot to crash or stop: the owner of all its callbacks, and its store's overseer."""

    def __init__(self, host: Host, number: int) -> None:
        self._host = host
        self._plan = host.world.plan
        self._steps = 0
        self._commits = 0
        self._pending: list[UnitDone] = []
        self._crash_step, self._crash_commit, self._crash_after = self._fate(f"{host.name} {number}")
        self.number = number
        self.alive = True
        self.serving = False
        self.node: Node
        self.carrier: Carrier
        self.database: WatchedDatabase
        self.rows: Rows

    @property
    def name(self) -> str:
        """Of the machine."""
        return self._host.name

    def _fate(self, who: str) -> tuple[int, int, bool]:
        """At which step, or about which commit, the power goes; 0: at none."""
        plan = self._plan
        step = commit = 0
        if plan.is_drawn(Fault.CRASH_AT_AWAIT, who):
            step = 1 + plan.below(CRASH_STEPS_MAX, "step", who)
        before = plan.is_drawn(Fault.CRASH_BEFORE_COMMIT, who)
        after = plan.is_drawn(Fault.CRASH_AFTER_COMMIT, who)
        if before or after:
            commit = 1 + plan.below(CRASH_COMMITS_MAX, "commit", who)
        return step, commit, after

    def takes_step(self) -> bool:
        """Whether one of its callbacks may run now; see `simulations.core.loop.Owner`."""
        if not self.alive:
            return False
        self._steps += 1
        if self._steps == self._crash_step and not self._host.world.is_healed:
            self._host.crash("at an await", Fault.CRASH_AT_AWAIT)
            return False
        return True

    async def stop(self) -> None:
        """End as the node's process does when it is asked to."""
        await self.node.stop()
        await self.carrier.stop()

    # The overseer of its store

    def commit_takes_s(self) -> float:
        """See `Overseer`."""
        self._commits += 1
        low, high = SLOW_COMMIT_S if self._is_in(self._host.slow) else self._host.commit_s
        takes_s = self._plan.between(low, high, "commit takes", self._host.name, self.number, self._commits)
        if takes_s > REQUEST_S_MAX:
            self._plan.mattered.add(Fault.SLOW_DISK)
        return takes_s

    def disk_is_full(self) -> bool:
        """See `Overseer`."""
        return not self._host.world.is_healed and self._is_in(self._host.full)

    def _is_in(self, windows: list[Window]) -> bool:
        now = self._host.world.loop.time()
        for window in windows:
            if window.covers(now):
                self._plan.struck_now(window.kind, *window.what)
                return True
        return False

    def goes_on(self) -> bool:
        """See `Overseer`."""
        if self._commits == self._crash_commit and not self._crash_after and not self._host.world.is_healed:
            self._host.crash("before a commit", Fault.CRASH_BEFORE_COMMIT)
        return self.alive

    def unit_done(self, result: object) -> None:
        """See `Overseer`."""
        self._pending.append((result, self.rows.changes(), self._host.clock.now()))

    def committed(self) -> None:
        """See `Overseer`."""
        pending, self._pending = self._pending, []
        self._host.world.told.committed(self._host, pending)
        if not any(changes for _, changes, _ in pending):
            return
        if self.alive and self._commits == self._crash_commit and self._crash_after and not self._host.world.is_healed:
            self._plan.mattered.add(Fault.CRASH_AFTER_COMMIT)
            self._host.crash("after a commit", Fault.CRASH_AFTER_COMMIT)

    def commit_failed(self, error: Exception) -> None:
        """See `Overseer`."""
        units = len(self._pending)
        self._pending.clear()
        self.rows.forget_uncommitted()
        self._plan.mattered.add(Fault.FULL_DISK)
        self._host.world.told.commit_failed(self._host, error, units)


class Host:
    """The machine.

    Attributes:
        image: what its disk holds while nothing runs on it.
        running: the present incarnation; none: it is off.
        is_in_hands: somebody is at work on it, who will start it.
        stays_away: it crashed and will not be back for long.
        open_requests: how many are being answered.
        clock: what it takes for the time.
        decided_at: when the unit of work ran that is told of now, by its clock; its commit may have taken seconds.
    """

    def __init__(self, world: World, plan: HostPlan, *, slow: list[Window], full: list[Window]) -> None:
        self.world = world
        self.plan = plan
        self.name = plan.name
        self.key = plan.identity.signing_key.public
        self.topic_id = str(plan.identity)
        self.slow = slow
        self.full = full
        self.clock = SimulatedClock(world.loop.time)
        self.commit_s = COMMITS_S[world.plan.below(len(COMMITS_S), "disk", plan.name)]
        self.image = DISKS.prepared
        self.running: Incarnation | None = None
        self.boots = 0
        self.is_in_hands = False
        self.stays_away = False
        self.open_requests = 0
        self.decided_at = 0.0
        self._disk: Disk | None = None

    @property
    def disk(self) -> Disk:
        """The disk of the running node."""
        assert self._disk is not None  # noqa: S101 - callers ask while it runs
        return self._disk

    @property
    def carrier(self) -> Carrier:
        """How requests get into and out of the running node."""
        assert self.running is not None  # noqa: S101 - callers ask while it runs
        return self.running.carrier

    @property
    def rows(self) -> Rows:
        """What the running node's database holds of connections."""
        assert self.running is not None  # noqa: S101 - callers ask while it runs
        return self.running.rows

    def bytes_now(self) -> bytes:
        """What a reader of the database's file sees."""
        return self._disk.bytes_now() if self._disk is not None else self.image

    @property
    def node_url(self) -> str:
        """Where partners reach it."""
        return f"http://{self.plan.node_host}"

    @property
    def instance_url(self) -> str:
        """What people know it by."""
        return f"http://{self.plan.instance_host}"

    @property
    def client_id(self) -> str:
        """By what the broker knows it."""
        return f"{CLIENT_PREFIX}{self.plan.identity}"

    def boot(self) -> None:
        """Turn it on: the shipped composition root puts the node together, on the world's ports."""
        assert self.running is None  # noqa: S101 - a machine runs one node
        if not DISKS.free:  # those that lost their power within a transaction are not used again
            with self.world.guard.lifted():
                DISKS.stock(1)
        self._disk = DISKS.take(self.image)
        self.boots += 1
        self.running = incarnation = Incarnation(self, self.boots)
        incarnation.rows = Rows(self._disk.raw, self._disk.touched)
        self.world.told.booted(self)
        context = contextvars.Context()
        context.run(OWNER.set, incarnation)
        context.run(self._build, incarnation)
        self.spawn(self._start(incarnation))

    def _build(self, incarnation: Incarnation) -> None:
        world, plan = self.world, self.plan
        incarnation.database = WatchedDatabase(self.disk, incarnation)
        incarnation.carrier = world.new_carrier(self)
        incarnation.node = Node(
            identity=plan.identity,
            admin_token=ADMIN_TOKEN,
            profile=Profile(
                name=plan.name,
                node_url=self.node_url,
                instance_url=self.instance_url,
                announcements=plan.announcements,
            ),
            ports=Ports(
                clock=self.clock,
                entropy=SimulatedEntropy(world.dice.stream("entropy", self.name, incarnation.number)),
                network=incarnation.carrier.network,
                store=GroupCommitStore(incarnation.database, committer=SimulatedCommitter(incarnation)),
                broker=None if plan.is_clone else world.broker,
            ),
            metrics=ObservedMetrics(heard=self._heard, attempted=self._attempted),
        )

    async def _start(self, incarnation: Incarnation) -> None:
        try:
            await incarnation.node.prepare()
        except Exception as error:  # noqa: BLE001 - a process that can't start ends, and is started again
            self.world.machines.could_not_start(self, error)
            return
        await incarnation.carrier.listen(incarnation.node)
        incarnation.node.start()
        incarnation.serving = True
        self.world.trace.add(self.name, "serves")

    def spawn(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Run something on this machine: it ends with the machine's power."""
        context = contextvars.Context()
        context.run(OWNER.set, self.running)
        task = self.world.loop.create_task(work, context=context)
        task.add_done_callback(self.world.loop.expect_success)
        return task

    def crash(self, how: str, fault: Fault | None = None) -> None:
        """Cut the power: nothing that runs here takes another step. `fault`: the kind that this is."""
        incarnation = self.running
        if incarnation is None:
            return
        plan, who = self.world.plan, f"{self.name} {incarnation.number}"
        incarnation.alive = incarnation.serving = False
        finishes = not plan.strikes(Fault.LOST_WRITE, who)
        if fault is not None:
            plan.struck_now(fault, who)
        if fault is not None and (self.open_requests or incarnation.database.has_uncommitted):
            plan.mattered.add(fault)
        if not finishes and incarnation.database.has_uncommitted:
            plan.mattered.add(Fault.LOST_WRITE)
        self.world.trace.add(self.name, "crash", how=how, finishes=finishes)
        incarnation.database.lose_power(finishes=finishes)
        self.open_requests = 0
        self._turn_off(self.disk.bytes_after_power_cut(lambda most: plan.below(most + 1, "lost commits", who)))
        self.world.machines.crashed(self, who)

    async def shut_down(self, stop_s_max: float) -> None:
        """Stop the node as its process does when it is asked to, or else kill it; nothing of this machine calls it."""
        incarnation = self.running
        if incarnation is None:
            return
        incarnation.serving = False
        self.world.trace.add(self.name, "stops")
        _, unfinished = await asyncio.wait([self.spawn(incarnation.stop())], timeout=stop_s_max)
        if unfinished:
            self.crash("killed")
        elif self.running is incarnation:
            incarnation.alive = False
            self._turn_off(self.disk.bytes_now())

    def _turn_off(self, image: bytes) -> None:
        self.image = image
        self.running = None
        DISKS.give_back(self.disk)
        self._disk = None

    def turn_off_for_good(self) -> None:
        """The world ends."""
        if self.running is not None:
            self.running.alive = False
            self._turn_off(self.disk.bytes_now())

    # As a destination of requests

    def is_reachable(self) -> bool:
        """See `simulations.network.Destination`."""
        return self.running is not None and self.running.serving

    def receive(self, call: Call) -> None:
        """See `simulations.network.Destination`."""
        assert self.running is not None  # noqa: S101 - the network asks first
        self.carrier.receive(call)

    def _heard(self, kind: str, result: str) -> None:
        self.world.told.heard(self, kind, result)

    def _attempted(self, cause: Cause | None) -> None:
        self.world.told.attempted(self, cause)
