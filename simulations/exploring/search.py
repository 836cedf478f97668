"""The search: breadth first, so that the way to a broken property is a shortest one."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from simulations.exploring.coverage import Coverage, TableCoverage
from simulations.exploring.properties import broken_by_clearing, broken_by_stranger, broken_by_world
from simulations.exploring.seats import Move
from simulations.exploring.settling import Settling, Trouble
from simulations.exploring.worlds import Worlds

if TYPE_CHECKING:
    from collections.abc import Callable

    from simulations.exploring.properties import Known
    from simulations.exploring.rules import Bounds, Who
    from simulations.exploring.worlds import Cause, Records

PROGRESS_EVERY: Final = 1024
"""Progress is told after so many worlds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step of a way: what happened, and the records after it."""

    cause: Cause
    known: Known


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """A property that is broken, and a shortest way to it.

    Attributes:
        sentence: which.
        path: the events that lead to the world.
        settling: what is then heard without any fault, where that is what goes wrong.
    """

    sentence: str
    path: tuple[Step, ...]
    settling: tuple[Move, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """What came of a search.

    Attributes:
        states: how many different worlds were met.
        transitions: how many events were possible in all of them; events that change nothing count too.
        depth: how many events the farthest world needs.
        complete: no world within the bounds was left out.
        settled: from how many sets of records all was followed to its end.
        passed_s: processor time that it took, in seconds.
    """

    states: int
    transitions: int
    depth: int
    complete: bool
    settled: int
    passed_s: float
    tables: list[TableCoverage]
    violation: Violation | None


class Search:
    """One search.

    Args:
        bounds: how far it goes.
        states_max: it stops when it has met so many worlds.
        progressed: called now and then with the number of worlds and the depth.
    """

    def __init__(
        self,
        bounds: Bounds,
        *,
        states_max: int = 50_000_000,
        progressed: Callable[[int, int], None] = lambda _states, _depth: None,
    ) -> None:
        self._coverage = Coverage()
        self._worlds = Worlds(bounds, self._coverage)
        self._settling = Settling(self._worlds)
        self._states_max = states_max
        self._progressed = progressed
        self._parents: dict[int, int] = {}
        self._judged: set[tuple[Records, int, bool]] = set()
        self._judged_clearings: set[tuple[Who, Records]] = set()
        self._judged_sources: set[int] = set()

    def run(self) -> Findings:
        """Meet every world within the bounds, or stop at the first broken property."""
        started = time.process_time()
        level, transitions, depth = [self._worlds.start], 0, 0
        self._parents[self._worlds.start] = self._worlds.start
        violation = None
        while level and violation is None and len(self._parents) < self._states_max:
            level, count, violation = self._deepen(level, depth)
            transitions += count
            depth += bool(level)
        return Findings(
            states=len(self._parents),
            transitions=transitions,
            depth=depth if violation is None else len(violation.path),
            complete=not level and violation is None,
            settled=self._settling.judged,
            passed_s=time.process_time() - started,
            tables=self._coverage.tables(),
            violation=violation,
        )

    def _deepen(self, level: list[int], depth: int) -> tuple[list[int], int, Violation | None]:
        """The worlds that one more event leads to, how many events were possible, and what is broken."""
        parents, found, transitions = self._parents, [], 0
        for place, world in enumerate(level):
            count, children = self._worlds.next(world)
            transitions += count
            for child, cause in children:
                is_step_to_judge = isinstance(cause, Move) and (cause.broken is not None or cause.cleared)
                if child in parents and not is_step_to_judge:
                    continue
                if child not in parents:
                    parents[child] = world
                    found.append(child)
                trouble = self._trouble(child, cause)
                if trouble is not None:
                    return found, transitions, self._violation(world, child, cause, trouble)
            if place % PROGRESS_EVERY == 0:
                self._progressed(len(parents), depth)
                if len(parents) >= self._states_max:
                    break
        return found, transitions, None

    def _trouble(self, world: int, cause: Cause) -> Trouble | None:
        around = self._worlds.around(world)
        records = self._worlds.records(world)
        sentence = None
        if isinstance(cause, Move):
            sentence = cause.broken
            if sentence is None and cause.cleared and not around.restored:
                sentence = self._broken_by_clearing(cause.event.who, records)
        if sentence is not None:
            return Trouble(sentence=sentence)
        key = (records, around.passed, around.restored)
        if key in self._judged:
            return None
        self._judged.add(key)
        return self._broken_records(records, is_restored=around.restored) or self._settling.trouble(
            records, around.passed
        )

    def _broken_by_clearing(self, who: Who, records: Records) -> str | None:
        if (who, records) in self._judged_clearings:
            return None
        self._judged_clearings.add((who, records))
        return broken_by_clearing(who, self._worlds.known(records))

    def _broken_records(self, records: Records, *, is_restored: bool) -> Trouble | None:
        known = self._worlds.known(records)
        sentence = None if is_restored else broken_by_world(known)
        if sentence is None and records[0] not in self._judged_sources:
            self._judged_sources.add(records[0])
            sentence = broken_by_stranger(known.source)
        return Trouble(sentence=sentence) if sentence is not None else None

    def _violation(self, parent: int, child: int, cause: Cause, trouble: Trouble) -> Violation:
        """The way to a world: each step is found again among what its parent leads to."""
        steps = [Step(cause=cause, known=self._known(child))]
        world = parent
        while world != self._worlds.start:
            before = self._parents[world]
            causes = (one for to, one in self._worlds.next(before)[1] if to == world)
            steps.append(Step(cause=next(causes), known=self._known(world)))
            world = before
        return Violation(sentence=trouble.sentence, path=tuple(reversed(steps)), settling=trouble.path)

    def _known(self, world: int) -> Known:
        return self._worlds.known(self._worlds.records(world))
