"""Many worlds: seeds run one after the other in each of some processes, and what comes of all of them.

A process takes a batch of seeds at a time. It was started afresh and has run nothing before, with one hash seed for
all; a seed makes the same world in any of them.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
import time
from collections import Counter
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Final

from simulations.checks import CHECKS
from simulations.coverage import Coverage
from simulations.levels import Level
from simulations.world import World

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from simulations.world import Outcome

SEEDS_PER_BATCH: Final = 40
DEEP_EVERY: Final = 50
"""Each so-manieth seed runs under the deep guard."""


class WorkerLostError(Exception):
    """A process of the campaign was killed from outside, and its seeds are not done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A seed whose world broke a property."""

    seed: int
    violation: str


@dataclass(slots=True, kw_only=True)
class Tally:
    """What came of some seeds.

    Attributes:
        counts: of what happened; see `simulations.coverage`.
        cpu_s: processor time, all processes together.
    """

    seeds: int = 0
    virtual_s: float = 0.0
    steps: int = 0
    cpu_s: float = 0.0
    counts: Counter[str] = field(default_factory=Counter)
    failures: list[Failure] = field(default_factory=list)

    def add(self, other: Tally) -> None:
        """Take another one's in."""
        self.seeds += other.seeds
        self.virtual_s += other.virtual_s
        self.steps += other.steps
        self.cpu_s += other.cpu_s
        self.counts.update(other.counts)
        self.failures.extend(other.failures)


def live(
    seed: int,
    *,
    level: Level = Level.DIRECT,
    without: frozenset[str] = frozenset(),
    only: frozenset[str] | None = None,
    out_of_order: Collection[int] | None = None,
    is_deep: bool | None = None,
) -> tuple[World, Outcome]:
    """One world with all checks, lived to its end; what may be left out of it is `World`'s to say."""
    world = World(
        seed,
        level=level,
        observers=[*CHECKS, Coverage],
        without=without,
        only=only,
        out_of_order=out_of_order,
        is_deep=seed % DEEP_EVERY == 0 if is_deep is None else is_deep,
    )
    return world, world.run()


def run_seeds(seeds: range, level: Level = Level.DIRECT) -> Tally:
    """Run seeds in this process, up to the first that fails."""
    tally = Tally()
    began = time.process_time()
    collecting = gc.isenabled()
    gc.disable()
    try:
        _run_seeds(seeds, level, tally)
    finally:
        if collecting:
            gc.enable()
    gc.collect()
    tally.cpu_s = time.process_time() - began
    return tally


def _run_seeds(seeds: range, level: Level, tally: Tally) -> None:
    for seed in seeds:
        tally.seeds += 1
        try:
            world, outcome = live(seed, level=level)
        except Exception as error:  # noqa: BLE001 - a fault of the simulation's own must not hide which seed has it
            told = f"the simulation itself failed ({type(error).__name__}: {error})."
            tally.failures.append(Failure(seed=seed, violation=told))
            break
        tally.virtual_s += outcome.virtual_s
        tally.steps += outcome.steps
        tally.counts.update(next(one for one in world.observers if isinstance(one, Coverage)).result())
        if outcome.violation is not None:
            tally.failures.append(Failure(seed=seed, violation=outcome.violation))
            break
        del world, outcome
        gc.collect(0)  # of this world alone, while it is young: what was there before is not looked through again


def run_campaign(
    seeds: range | None,
    *,
    workers: int,
    level: Level = Level.DIRECT,
    until: Callable[[], bool] = lambda: False,
    progressed: Callable[[Tally], None] = lambda _tally: None,
) -> Tally:
    """Run seeds in some processes.

    Args:
        seeds: which; none: from 0 on, without an end.
        workers: how many processes; 1: this one.
        level: how requests get from node to node.
        until: asked between batches whether to stop; a batch that fails stops it too.
        progressed: told the tally so far after each batch.

    Raises:
        WorkerLostError: see there.
    """
    total, batches = Tally(), _batches(seeds)
    if workers == 1:
        while not until() and not total.failures and (one := next(batches, None)) is not None:
            total.add(run_seeds(one, level))
            progressed(total)
        return total
    with ProcessPoolExecutor(
        workers, mp_context=multiprocessing.get_context("forkserver"), initializer=_prepare
    ) as pool:
        running: set[Future[Tally]] = set()
        while True:
            while len(running) < 2 * workers and not until() and not total.failures:
                batch = next(batches, None)
                if batch is None:
                    break
                running.add(pool.submit(run_seeds, batch, level))
            if not running:
                return total
            done, running = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                total.add(_result(future))
            progressed(total)


def _result(batch: Future[Tally]) -> Tally:
    try:
        return batch.result()
    except BrokenProcessPool:
        raise WorkerLostError from None


def _batches(seeds: range | None) -> Iterator[range]:
    firsts = count(step=SEEDS_PER_BATCH) if seeds is None else range(seeds.start, seeds.stop, SEEDS_PER_BATCH)
    for first in firsts:
        last = first + SEEDS_PER_BATCH
        yield range(first, last if seeds is None else min(last, seeds.stop))


def _prepare() -> None:
    """What is loaded by now is no garbage and never will be."""
    gc.collect()
    gc.freeze()


def cores() -> int:
    """How many processes are worth it here."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
