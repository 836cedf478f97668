"""The machines of a world: who there is and at which address, who comes back, whose clock or memory is changed."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from simulations.disk import DISKS, marked_as_backup
from simulations.faults import LASTING_S, Fault
from simulations.host import Host, HostPlan

if TYPE_CHECKING:
    from simulations.calls import Destination
    from simulations.faults import Plan, Window
    from simulations.shape import Shape
    from simulations.world import World

RESTART_S: Final = (0.05, 20.0)
LATE_RESTART_S: Final = (20.0, 3 * 3600.0)
KEEPALIVE_S: Final = 90.0
"""After so long a broker takes a silent client for lost."""

JUMP_S: Final = (1.0, 10 * 365 * 86400.0)
STOP_S_MAX: Final = 60.0
"""A node that has not stopped by then is killed."""


class Machines:
    """All machines of a world, in the order in which they came.

    Attributes:
        addresses: of each host name.
        strangers: what else can be reached, by the host name in its URL; no node of ours runs there.
    """

    def __init__(self, world: World, shape: Shape) -> None:
        """Put them up; nothing is turned on."""
        self._world = world
        self.hosts: dict[str, Host] = {}
        self.addresses: dict[str, str] = {}
        self.strangers: dict[str, Destination] = {}
        for number in range(shape.hosts):
            self._add(HostPlan.numbered(number, announcements=shape.announcements))

    def _add(self, plan: HostPlan) -> Host:
        faults, within_s = self._world.plan, self._world.shape.chaos_s
        self.addresses |= {plan.node_host: plan.remote, plan.instance_host: plan.instance_address}
        host = self.hosts[plan.name] = Host(
            self._world,
            plan,
            slow=list(faults.windows(Fault.SLOW_DISK, plan.name, at_most=2, within_s=within_s, lasts_s=LASTING_S)),
            full=list(faults.windows(Fault.FULL_DISK, plan.name, at_most=2, within_s=within_s, lasts_s=LASTING_S)),
        )
        return host

    def boot_all(self) -> None:
        """Turn them on, each with the clock that it has in this seed."""
        for host in list(self.hosts.values()):
            self._set_clock(host)
            host.boot()

    def join(self, plan: HostPlan) -> Host:
        """A machine more, in a world that has begun; it is turned on."""
        with self._world.guard.lifted():
            DISKS.stock(1)
        host = self._add(plan)
        self._world.network.join(list(self.hosts))
        self._set_clock(host)
        host.boot()
        return host

    def heal(self) -> None:
        """All are on, but for copies, which end."""
        for host in self.hosts.values():
            if host.plan.is_clone:
                host.crash("the copy ends")
            else:
                self._restart(host)

    def turn_off_for_good(self) -> None:
        """The world ends."""
        for host in self.hosts.values():
            host.turn_off_for_good()

    # Clocks

    def _set_clock(self, host: Host) -> None:
        plan, name, world = self._world.plan, host.name, self._world
        if plan.strikes(Fault.CLOCK_SKEW, name):
            host.clock.ahead_s = _either_way(plan, JUMP_S, "skew", name)
            world.trace.add(name, "clock", ahead_s=host.clock.ahead_s)
        for window in plan.windows(Fault.CLOCK_JUMP, name, at_most=2, within_s=world.shape.chaos_s, lasts_s=LASTING_S):
            world.later(window.begins_s, self._jump, host, window)

    def _jump(self, host: Host, window: Window) -> None:
        self._world.plan.struck_now(window.kind, *window.what)
        host.clock.ahead_s += _either_way(self._world.plan, JUMP_S, "jump", *window.what)
        self._world.trace.add(host.name, "clock", ahead_s=host.clock.ahead_s)

    # Power

    def crashed(self, host: Host, who: str) -> None:
        """A machine lost its power; unless it is a copy, it comes back. `who` names this run of its node."""
        now, plan, world = self._world.loop.time(), self._world.plan, self._world
        world.told.crashed(host)
        if host.plan.is_clone:
            return
        host.stays_away = plan.strikes(Fault.LATE_RESTART, who)
        limits = LATE_RESTART_S if host.stays_away else RESTART_S
        world.later(now + plan.between(*limits, "restart", who), self._restart, host)
        notices_s = plan.between(0.01, KEEPALIVE_S, "keep-alive", who)
        world.later(now + notices_s, self._broker_notices, host, host.boots)

    def turn_off(self, host: Host) -> None:
        """Cut a machine's power by hand: it stays off until it is turned on by hand."""
        host.is_in_hands = True
        host.crash("by hand")

    def turn_on(self, host: Host) -> None:
        """Turn a machine on by hand."""
        host.is_in_hands = False
        self._restart(host)

    def _broker_notices(self, host: Host, boots: int) -> None:
        if host.boots == boots:  # else its new link has replaced the old one
            self._world.broker.client_lost(host.client_id)

    def could_not_start(self, host: Host, error: Exception) -> None:
        """A node's process ended before it served; it is started again."""
        self._world.trace.add(host.name, "no-start", error=type(error).__name__)
        host.crash("could not start")

    def _restart(self, host: Host) -> None:
        if host.running is None and not host.is_in_hands and not host.plan.is_clone:
            self._world.trace.add(host.name, "boots")
            host.boot()

    # Memory

    async def restore(self, host: Host, image: bytes, *, marked: bool) -> None:
        """Stop a node, put an older database on its disk, start it."""
        if host.is_in_hands or host.running is None:
            return
        host.is_in_hands = True
        await host.shut_down(STOP_S_MAX)
        host.image = marked_as_backup(image, host.key, int(host.clock.now())) if marked else image
        self._world.trace.add(host.name, "restored", marked=marked)
        self._world.told.rewound(host, marked=marked)
        host.is_in_hands = False
        self._restart(host)

    async def clone(self, host: Host, *, for_s: float) -> None:
        """Run a copy of a machine as it is now; it speaks to partners, but not to the broker."""
        name = host.name * 2
        if name in self.hosts or host.running is None or self._world.is_healed:
            return
        copy = self._add(replace(host.plan, name=name, is_clone=True))
        copy.clock.ahead_s = host.clock.ahead_s
        copy.image = host.bytes_now()
        self._world.trace.add(name, "copied", original=host.name)
        self._world.told.rewound(copy, marked=False)
        copy.boot()
        await asyncio.sleep(for_s)
        copy.crash("the copy ends")

    # Addresses

    def at(self, url_host: str) -> Destination | None:
        """See `simulations.network.Directory`: of a machine and its copy, either may be the one."""
        if url_host in self.strangers:
            return self.strangers[url_host]
        found = [host for host in self.hosts.values() if url_host in (host.plan.node_host, host.plan.instance_host)]
        running = [host for host in found if host.is_reachable()]
        if len(running) > 1:
            return running[self._world.dice.below(len(running), "which copy", self._world.loop.steps)]
        return next(iter(running or found), None)

    def another(self, name: str, number: float) -> Host | None:
        """See `simulations.network.Directory`."""
        key = self.hosts[name].key
        others = [host for host in self.hosts.values() if host.key != key]
        return others[int(number * len(others))] if others else None


def _either_way(plan: Plan, limits_s: tuple[float, float], *name: object) -> float:
    """A number of seconds ahead or behind; small ones are as likely as large ones."""
    lowest, highest = limits_s
    amount: float = lowest * (highest / lowest) ** plan.between(0, 1, "amount", *name)
    return amount if plan.below(2, "way", *name) else -amount
