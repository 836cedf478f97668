"""`handclasp simulate --planted`: plant each fault in a copy, look for it, and tell in a table what found it."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import TYPE_CHECKING, Any, Final

from node.cli.failures import CommandError
from simulations.planting.plants import PlantError, plants
from simulations.planting.scratch import hunt
from simulations.status_line import StatusLine

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from node.cli.output import Output
    from simulations.planting.plants import Plant
    from simulations.planting.scratch import Hunted

SEEDS_DEFAULT: Final = 2000
FAULTS_MAX: Final = 3
"""A planted fault counts as found when no more faults than these are needed to show it."""

EXIT_NOT_FOUND: Final = 1


def run(out: Output, *, seeds_max: int, workers: int) -> int:
    """Hunt all planted faults; the exit code.

    Raises:
        CommandError: a plant does not fit the code, or its process failed.
    """
    is_shown = sys.stderr.isatty() and not out.as_json
    try:
        every = plants()
        found = hunt_all(
            every, seeds_max=seeds_max, workers=workers, told=_Progress(len(every), is_shown=is_shown).tell
        )
    except PlantError as error:
        raise CommandError(str(error), "The patches stand in simulations/planting/patches/.") from error
    out.document(document(found))
    for line in lines(found):
        out.line(line)
    return 0 if all(hunted.seed is not None for hunted in found.values()) else EXIT_NOT_FOUND


def hunt_all(
    every: Sequence[Plant],
    *,
    seeds_max: int,
    workers: int,
    told: Callable[[str, Hunted], None] = lambda _name, _hunted: None,
) -> dict[str, Hunted]:
    """What the hunts for some planted faults found, by name; each runs in a process of its own.

    Raises:
        PlantError: see there.
    """
    found: dict[str, Hunted] = {}
    with ThreadPoolExecutor(workers) as pool:
        hunts = {pool.submit(hunt, plant, seeds_max=seeds_max, faults_max=FAULTS_MAX): plant.name for plant in every}
        try:
            for done in as_completed(hunts):
                found[hunts[done]] = done.result()
                told(hunts[done], found[hunts[done]])
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    return {plant.name: found[plant.name] for plant in every}


class _Progress:
    """A line on standard error for each that was found, and how many are left."""

    def __init__(self, count: int, *, is_shown: bool) -> None:
        self._left = count
        self._line = StatusLine(is_shown=is_shown)

    def tell(self, name: str, hunted: Hunted) -> None:
        self._left -= 1
        what = f"seed {hunted.seed}" if hunted.seed is not None else "no seed"
        self._line.show(f"{self._left} to go; {what} shows: {name}")
        if not self._left:
            self._line.wipe()


def lines(found: Mapping[str, Hunted]) -> Iterator[str]:
    """The table, for people."""
    width = max(map(len, found))
    yield f"{'planted fault':<{width}}  {'seeds':>6}  {'struck':>6}  {'shrunk':>6}  found by"
    for name, hunted in found.items():
        if hunted.seed is None:
            yield f"{name:<{width}}  {hunted.seeds:>6,}  {'':>6}  {'':>6}  nothing"
        else:
            yield (
                f"{name:<{width}}  {hunted.seeds:>6,}  {len(hunted.struck):>6}  {len(hunted.faults):>6}  {hunted.check}"
            )
    yield ""
    missed = [name for name, hunted in found.items() if hunted.seed is None]
    seeds = sum(hunted.seeds for hunted in found.values())
    if missed:
        yield f"Not found with at most {FAULTS_MAX} faults: {', '.join(missed)}."
    else:
        yield f"All {len(found)} were found in {seeds:,} worlds, each with at most {FAULTS_MAX} faults."


def document(found: Mapping[str, Hunted]) -> dict[str, Any]:
    """The same for programs."""
    return {
        "planted": [
            {
                "fault": name,
                "found": hunted.seed is not None,
                "seeds": hunted.seeds,
                "seed": hunted.seed,
                "check": hunted.check or None,
                "violation": hunted.violation or None,
                "struck": list(hunted.struck),
                "faults": list(hunted.faults),
                "passed_s": round(hunted.passed_s, 3),
            }
            for name, hunted in found.items()
        ]
    }
