"""A state machine for Hypothesis: random admins, faults and orders; you add rules and invariants of your own."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from simulations.kit.running import Steps
from simulations.kit.strategies import admin_acts, fault_plans, schedules
from simulations.kit.world import World
from simulations.levels import Level

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from simulations.kit.acts import AdminAct
    from simulations.kit.nodes import Node
    from simulations.kit.plans import PlannedFault

T = TypeVar("T")

SEED_MAX = 2**16


class HandshakeMachine(RuleBasedStateMachine):
    """Nodes whose admins do anything, while anything goes wrong; subclass it, and run it as `TestName = Mine.TestCase`.

    Override `begun` to put your own programs into the world, add `@rule` and `@invariant` methods that look at them,
    and override `at_rest` for what must hold once faults are over and nothing is left to be said. Each example is a
    world of its own; whatever breaks a property of the handshake itself ends it with `ViolationError`.

    Attributes:
        names: the nodes' names; override it for more than two.
        level: how requests get from node to node; see `World`.
        world: the world, open.
        nodes: its nodes, in the order of `names`.
    """

    names: ClassVar[tuple[str, ...]] = ("a", "b")
    level: ClassVar[Level | str] = Level.DIRECT

    world: World
    nodes: tuple[Node, ...]

    def __init__(self) -> None:
        super().__init__()
        self._steps: Steps | None = None

    # To be overridden

    async def begun(self) -> None:
        """The nodes are on, and nothing has happened yet; it runs on virtual time, as what it starts does."""

    async def at_rest(self) -> None:
        """Faults are over and all is told; assert here what must be true then."""

    def may_strike(self, fault: PlannedFault) -> bool:  # noqa: ARG002 - for whoever overrides it
        """Whether such a fault may come; all may, unless your programs are not meant to survive it."""
        return True

    # To be used by rules

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine on virtual time to its end, such as `self.nodes[0].initiate()`; its result."""
        assert self._steps is not None  # noqa: S101 - Hypothesis begins with `initialize`
        return self._steps.do(work)

    # The rules

    @initialize(seed=st.integers(0, SEED_MAX), schedule=st.none() | schedules())
    def a_world_begins(self, seed: int, schedule: tuple[int, ...] | None) -> None:
        """The nodes are put up."""
        self.world = World(seed, level=self.level, schedule=schedule)
        self._steps = Steps(self.world)
        self.do(self._begin())

    async def _begin(self) -> None:
        self.nodes = await self.world.nodes(*self.names)
        await self.begun()

    @rule(act=admin_acts())
    def an_admin_acts(self, act: AdminAct) -> None:
        """Somebody does something, if it is possible."""
        self.do(self.world.perform(act))

    @rule(plan=fault_plans(max_size=2))
    def something_goes_wrong(self, plan: tuple[PlannedFault, ...]) -> None:
        """Faults come, now or soon."""
        self.world.plan(fault for fault in plan if self.may_strike(fault))

    @rule(s=st.sampled_from((0.01, 1.0, 60.0, 3600.0, 90000.0)))
    def time_passes(self, s: float) -> None:
        """So many seconds."""
        self.do(self.world.sleep(s))

    def teardown(self) -> None:
        """Mend everything, let the nodes come to agree, and end."""
        if self._steps is None:
            return
        well = sys.exc_info()[1] is None
        try:
            if well:
                well = False
                self.world.mend()
                self.do(self._end())
                well = True
        finally:
            self._steps.close(well=well)

    async def _end(self) -> None:
        await self.world.quiet()
        await self.at_rest()
