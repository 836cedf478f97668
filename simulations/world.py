"""One world: machines, a network, a broker, admins, and what goes wrong with them; all of it follows from a seed.

    world = World(seed)
    outcome = world.run()

How it is put together. The loop (`core.loop`) has virtual time and runs what is ready in an order of the seed's. Each
`Host` runs the shipped node, put together by the shipped composition root, `node.app.Node`; only the ports are the
world's: clock and dice (`ports`), store (`store`, over the in-memory `disk`), `network`, `broker`. A `Plan` (`faults`)
says which fault strikes where. `admins` act through the shipped admin API. Whatever happens is an entry of the
`trace`, and is shown to the checks, which know nothing of faults.

A run has three phases. Until `Shape.chaos_s` faults strike and admins act. Then everything is mended: machines are on,
links and broker work, nobody acts. From there on the world must come to agree, within `LIVENESS_S`.

A world has a level (`carriers`): requests are calls of the other node's application, or bytes of real HTTP.
"""

from __future__ import annotations

import contextlib
import contextvars
import gc
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from protocol.limits import DELIVERY_BACKOFF_S_MAX, RESYNC_S
from simulations.admins import Admins
from simulations.broker import SimulatedBroker
from simulations.broker_faults import BrokerFaults
from simulations.carriers import DirectCarrier
from simulations.core.dice import Dice
from simulations.core.guard import Escaped, Guard
from simulations.core.loop import SimulationLoop
from simulations.disk import DISKS
from simulations.faults import Plan
from simulations.levels import Level
from simulations.machines import Machines
from simulations.network import Network
from simulations.observer import ViolationError
from simulations.schedule import Schedule
from simulations.server import forget_handlers
from simulations.shape import Shape
from simulations.stories import drawn_story
from simulations.told import Told
from simulations.told_logs import logs_told
from simulations.trace import Trace

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Iterator, Sequence

    from simulations.carriers import Carrier
    from simulations.faults import Fault
    from simulations.host import Host
    from simulations.observer import Observer

    Story = Callable[[Admins], Awaitable[None]]

LIVENESS_S: Final = 1.1 * RESYNC_S + 3 * DELIVERY_BACKOFF_S_MAX
"""How long a mended world may take to agree: one resync, which may come a tenth late, and three longest waits."""

LOOKS_S: Final = (20.0, 120.0, 900.0, 4000.0, 8000.0, 16000.0, 32000.0, 64000.0)
"""When a mended world is looked at, to see whether it agrees before it must."""

STAYS: Final = 0.05
"""The share of seeds that go on to the end of that time though all is agreed: agreement must last."""

IN_ORDER: Final = 0.2
"""The share of seeds whose callbacks run in asyncio's own order."""

CLONES_MAX: Final = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of a world.

    Attributes:
        violation: the first property that did not hold, as a sentence; none: all held.
        trace: what happened, in order.
        struck: the names of the faults that struck.
        virtual_s: how much time passed in it.
        steps: how many callbacks ran.
    """

    seed: int
    violation: str | None
    trace: Trace
    struck: tuple[str, ...]
    virtual_s: float
    steps: int

    @property
    def digest(self) -> str:
        """Of the trace; see there. It costs about a tenth of the world."""
        return self.trace.digest()


class World:
    """See the module.

    Attributes:
        observers: who watches.
        is_healed: whether faults are over.
        schedule: its choices, if only some are the seed's.
    """

    def __init__(  # noqa: PLR0913 - every part of a run that can be chosen
        self,
        seed: int,
        *,
        level: Level = Level.DIRECT,
        story: Story | None = None,
        observers: Sequence[Callable[[World], Observer]] = (),
        kinds: frozenset[Fault] | None = None,
        without: frozenset[str] = frozenset(),
        only: frozenset[str] | None = None,
        out_of_order: Collection[int] | None = None,
        is_deep: bool = False,
        shape: Shape | None = None,
        loop: SimulationLoop | None = None,
        choose: Callable[[int], int] | None = None,
    ) -> None:
        """Draw a world.

        Args:
            seed: everything that is not given follows from it.
            level: how requests get from node to node.
            story: what admins do; none: what the seed says.
            observers: who watches; each is made with the world.
            kinds: which kinds of faults are on; see `Plan`.
            without: names of faults that do not strike; see `Plan`.
            only: names of the only faults that strike; see `Plan`.
            out_of_order: the numbers of the only choices of the schedule that are the seed's; see `Schedule`.
            is_deep: look for escapes at every call of a C function; see `Guard`.
            shape: how large it is, if the seed is not to say.
            loop: on what it lives; none: a new one. On one that runs already it is not for `run` to live it.
            choose: the order of callbacks, if neither the seed nor `out_of_order` is to say; see `SimulationLoop`.
        """
        self.seed = seed
        self.level = level
        self.dice = dice = Dice(seed)
        self.schedule: Schedule | None = None
        if choose is None:
            self.schedule, choose = _schedule(dice, out_of_order)
        self.loop = loop if loop is not None else SimulationLoop()
        self.loop.choose = choose
        self.guard = Guard(self.loop.fail)
        self.trace = Trace(self.loop.time, lambda: self.loop.steps)
        self.plan = Plan(dice, kinds=kinds, without=without, only=only)
        self.shape = shape if shape is not None else Shape.drawn(dice)
        self.is_healed = False
        self._is_deep = is_deep
        self._carriers: list[Carrier] = []
        DISKS.stock(self.shape.hosts + CLONES_MAX)
        self.told = Told(self.trace, label=self._label, gave_up=self._gave_up)
        self.machines = Machines(self, self.shape)
        self.broker_faults = BrokerFaults(self)
        self.broker = SimulatedBroker(self.broker_faults)
        self.network = Network(
            self.loop,
            self.plan,
            self.trace,
            self.machines,
            self.told,
            names=list(self.machines.hosts),
            faults_until_s=self.shape.chaos_s,
        )
        self.admins = Admins(self)
        self._story = story if story is not None else drawn_story(dice, self.shape)
        self.observers = [observer(self) for observer in observers]
        self.told.listen(self.observers)

    def run(self) -> Outcome:
        """Live it to its end."""
        violation = None
        collecting = gc.isenabled()
        gc.disable()  # finalisers would run at moments of their own
        try:
            with logs_told(self.told.logged):
                try:
                    with self.confined():
                        self._live()
                except (Exception, Escaped) as error:  # noqa: BLE001 - any exception of the nodes' is a finding
                    violation = _sentence(error)
                self.end()
                self.loop.close()
        finally:
            if collecting:
                gc.enable()
        return Outcome(
            seed=self.seed,
            violation=violation,
            trace=self.trace,
            struck=self.plan.struck,
            virtual_s=self.loop.time(),
            steps=self.loop.steps,
        )

    @contextlib.contextmanager
    def confined(self) -> Iterator[None]:
        """Within, this thread has the world's clocks, and its guard is armed.

        Raises:
            Escaped: at the end, if there was an escape and it was swallowed.
        """
        with self._clocks(), self.guard.armed(deep=self._is_deep):
            yield

    def begin(self) -> None:
        """Turn its machines on, and let the broker's outages come."""
        self.machines.boot_all()
        self.broker_faults.schedule()

    def _live(self) -> None:
        self.begin()
        self.admins.plays(self._story)
        self.loop.run_until(self.shape.chaos_s)
        self.admins.have_gone = True
        self.mend()
        mended_s = self.loop.time()
        stays = self.dice.fraction("stays") < STAYS
        for look_s in LOOKS_S:
            self.loop.run_until(mended_s + look_s)
            if not stays and all(observer.unsettled() is None for observer in self.observers):
                break
        else:
            self.loop.run_until(mended_s + LIVENESS_S)
        for observer in self.observers:
            observer.came_to_rest()
        self.look_for_unnoticed()

    def look_for_unnoticed(self) -> None:
        """See whether a task has failed that nobody looks at.

        Raises:
            ViolationError: one has.
        """
        for error in self.loop.unnoticed():
            raise ViolationError(f"A task of a node ended by {type(error).__name__} and nobody noticed: {error}")

    def mend(self) -> None:
        """Faults are over: everything is on and works, and nothing strikes any more."""
        self.trace.add("world", "mended")
        self.is_healed = True
        self.plan.heal()
        self.network.heal()
        self.broker_faults.come_up()
        self.machines.heal()

    def end(self) -> None:
        """It is over, and its loop may be closed. What unwinds then is not the nodes' doing: nobody is told of it."""
        self.trace.end()
        self.told.listen(())
        self.machines.turn_off_for_good()
        for carrier in self._carriers:
            carrier.let_go()
        forget_handlers()

    @property
    def hosts(self) -> dict[str, Host]:
        """The machines by name; a copy is one too."""
        return self.machines.hosts

    def new_carrier(self, host: Host) -> Carrier:
        """For a node that is about to run on a machine."""
        carrier: Carrier
        if self.level is Level.DIRECT:
            carrier = DirectCarrier(host)
        else:
            from simulations.http.carrier import HttpCarrier  # noqa: PLC0415 - most worlds need no HTTP

            carrier = HttpCarrier(host, self.machines.addresses)
        self._carriers.append(carrier)
        return carrier

    def _clocks(self) -> contextlib.AbstractContextManager[None]:
        if self.level is Level.DIRECT:
            return contextlib.nullcontext()
        from simulations.http.clocks import virtual_clocks  # noqa: PLC0415 - likewise

        return virtual_clocks(self.loop.time)

    def _label(self, connection: bytes) -> str:
        return self.network.label(connection)

    def _gave_up(self, name: str) -> None:
        self.network.gave_up(name)

    def later(self, at_s: float, callback: Callable[..., object], *arguments: object) -> None:
        """Do something that no machine does."""
        self.loop.call_at(at_s, callback, *arguments, context=contextvars.Context())


def _schedule(dice: Dice, out_of_order: Collection[int] | None) -> tuple[Schedule | None, Callable[[int], int] | None]:
    if dice.fraction("in order") < IN_ORDER or out_of_order == ():
        return None, None
    stream = dice.stream("schedule")
    if out_of_order is None:
        return None, lambda count: int(stream.random() * count)  # nobody counts: it is the common case, and quicker
    schedule = Schedule(stream, out_of_order=out_of_order)
    return schedule, schedule.choose


def _sentence(error: BaseException) -> str:
    return str(error) if isinstance(error, ViolationError) else f"{type(error).__name__}: {error}"
