"""The least that still breaks the same check: the fewest faults first, then the simplest schedule.

Faults are switched off by name, and every other decision of the seed stays (see `simulations.faults`). A schedule is
simple when what waits longest runs first, always; where that is not enough, as few choices as possible are the seed's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from simulations.campaign import live
from simulations.levels import Level
from simulations.shrinking.fewest import fewest

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from simulations.world import Outcome, World

EVERY_CHOICE: Final = range(1, 2**62)
CHOICE_WORLDS_MAX: Final = 100
"""So many worlds are lived to make a schedule simpler; faults are not limited, for there are few."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shrunk:
    """What is left of a seed that breaks a property.

    Attributes:
        violation: what the least world breaks, as a sentence that begins with the check's name.
        first_violation: what the whole world of the seed breaks.
        struck: the names of all faults that strike in that one.
        faults: those that are left.
        out_of_order: the numbers of the choices that are left to the seed; none: its schedule is as it was.
        worlds: how many were lived to find this.
    """

    seed: int
    level: Level
    violation: str
    first_violation: str
    struck: tuple[str, ...]
    faults: tuple[str, ...]
    out_of_order: tuple[int, ...] | None
    worlds: int


def check_of(violation: str) -> str:
    """Which check, or which exception, a violation is of."""
    return violation.partition(":")[0]


def shrink(
    seed: int,
    *,
    level: Level = Level.DIRECT,
    keeps_schedule: bool = False,
    tried: Callable[[int, int], None] = lambda _worlds, _faults: None,
) -> Shrunk | None:
    """The least that still breaks the check that a seed breaks; none if it breaks none.

    Args:
        seed: of the world.
        level: how requests get from node to node in it.
        keeps_schedule: leave the order of callbacks as it is, which is quicker.
        tried: is told after each world how many were lived and with how many faults the last one.
    """
    return _Shrinking(seed, level, tried).shrunk(keeps_schedule=keeps_schedule)


class _Shrinking:
    def __init__(self, seed: int, level: Level, tried: Callable[[int, int], None]) -> None:
        self._seed = seed
        self._level = level
        self._tried = tried
        self._worlds = 0
        self._check = ""

    def shrunk(self, *, keeps_schedule: bool) -> Shrunk | None:
        _, whole = self._live(None, None)
        if whole.violation is None:
            return None
        self._check = check_of(whole.violation)
        faults = fewest(whole.struck, lambda some: self._fails(some, None))
        out_of_order = None if keeps_schedule else self._simplest_schedule(faults)
        if out_of_order is not None:
            faults = fewest(faults, lambda some: self._fails(some, out_of_order))
        _, least = self._live(faults, out_of_order)
        assert least.violation is not None  # noqa: S101 - it was the last that failed
        return Shrunk(
            seed=self._seed,
            level=self._level,
            violation=least.violation,
            first_violation=whole.violation,
            struck=whole.struck,
            faults=tuple(faults),
            out_of_order=None if out_of_order is None else tuple(out_of_order),
            worlds=self._worlds,
        )

    def _simplest_schedule(self, faults: Sequence[str]) -> list[int] | None:
        if self._fails(faults, ()):
            return []
        world, outcome = self._live(faults, EVERY_CHOICE)
        if not self._is_same(outcome) or world.schedule is None:
            return None
        overtakes, until = world.schedule.overtakes, self._worlds + CHOICE_WORLDS_MAX
        passes, fails = 0, len(overtakes)
        while fails - passes > 1:
            middle = (passes + fails) // 2
            if self._fails(faults, frozenset(overtakes[:middle])):
                fails = middle
            else:
                passes = middle
        return fewest(overtakes[:fails], lambda some: self._worlds < until and self._fails(faults, frozenset(some)))

    def _fails(self, faults: Sequence[str], out_of_order: Collection[int] | None) -> bool:
        return self._is_same(self._live(faults, out_of_order)[1])

    def _is_same(self, outcome: Outcome) -> bool:
        return outcome.violation is not None and check_of(outcome.violation) == self._check

    def _live(self, faults: Sequence[str] | None, out_of_order: Collection[int] | None) -> tuple[World, Outcome]:
        only = frozenset(faults) if faults is not None else None
        lived = live(self._seed, level=self._level, only=only, out_of_order=out_of_order, is_deep=False)
        self._worlds += 1
        self._tried(self._worlds, len(lived[1].struck))
        return lived
