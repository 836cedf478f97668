"""What the commands print of a campaign and of one world."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

from simulations.coverage import BEYOND, DEEDS, GOALS, MATTERED, ROWS, STRUCK, TAKEN, missing
from simulations.faults import MEANINGS, Fault
from simulations.status_line import StatusLine

if TYPE_CHECKING:
    from collections.abc import Iterator

    from simulations.campaign import Tally
    from simulations.world import Outcome, World

_REACHABLE: Final = tuple(goal for goal in (*ROWS, *DEEDS) if goal not in BEYOND)


class Progress:
    """One line on standard error while a campaign runs."""

    def __init__(self, seeds: range | None, *, is_shown: bool) -> None:
        self._wanted = len(seeds) if seeds is not None else None
        self._is_shown = is_shown
        self._line = StatusLine(is_shown=is_shown)
        self._began = time.monotonic()

    def passed_s(self) -> float:
        """How long it has run, in real seconds."""
        return time.monotonic() - self._began

    def tell(self, tally: Tally) -> None:
        """Show how far it is."""
        if not self._is_shown:
            return
        rate = tally.seeds / max(self.passed_s(), 0.001)
        of = f" of {self._wanted:,}" if self._wanted is not None else ""
        faults = sum(1 for kind in Fault if tally.counts[f"{MATTERED} {kind}"])
        rows = sum(1 for goal in _REACHABLE if tally.counts[goal])
        self._line.show(
            f"{tally.seeds:,}{of} seeds, {rate:.1f}/s; "
            f"{faults} of {len(Fault)} faults, {rows} of {len(_REACHABLE)} rows and acts"
        )

    def end(self) -> None:
        """Leave the line free."""
        self._line.wipe()


def report_lines(tally: Tally, *, passed_s: float, is_complete_wanted: bool) -> Iterator[str]:
    """A campaign, for people."""
    yield f"{'fault':<20} {'struck':>8} {'mattered':>8}   in so many of {tally.seeds:,} seeds"
    for kind in Fault:
        struck, mattered = tally.counts[f"{STRUCK} {kind}"], tally.counts[f"{MATTERED} {kind}"]
        yield f"{kind:<20} {struck:>8,} {mattered:>8,}   {MEANINGS[kind]}"
    yield ""
    yield f"{'row of the tables':<20} {'fired':>8}"
    for row in ROWS:
        yield f"{row:<20} {tally.counts[row]:>8,}{f'   {BEYOND[row]}' if row in BEYOND else ''}"
    yield ""
    yield f"{'act':<26} {'done':>8}"
    for deed in DEEDS:
        yield f"{deed:<26} {tally.counts[deed]:>8,}"
    yield ""
    yield _speed(tally, passed_s)
    never = missing(tally.counts)
    if never:
        end = " A campaign as long as this one should have seen them." if is_complete_wanted else ""
        yield f"Never happened: {', '.join(never)}.{end}"
    broken = len(tally.failures)
    yield f"{broken} broke a property." if broken else "No property was broken."


def _speed(tally: Tally, passed_s: float) -> str:
    passed_s = max(passed_s, 0.001)
    taken = tally.counts[TAKEN]
    return (
        f"{tally.seeds:,} seeds in {passed_s:.1f} s: {tally.seeds / passed_s:.1f} seeds/s, "
        f"{taken / passed_s:.1f} handshakes/s, {tally.virtual_s / passed_s:,.0f} virtual seconds/s, "
        f"{1000 * tally.cpu_s / max(tally.seeds, 1):.0f} ms of processor time a seed."
    )


def report_document(tally: Tally, *, passed_s: float) -> dict[str, Any]:
    """A campaign, for programs."""
    return {
        "seeds": tally.seeds,
        "passed_s": round(passed_s, 3),
        "cpu_s": round(tally.cpu_s, 3),
        "virtual_s": round(tally.virtual_s, 3),
        "steps": tally.steps,
        "handshakes": tally.counts[TAKEN],
        "failures": [{"seed": one.seed, "violation": one.violation} for one in tally.failures],
        "faults": {
            kind.value: {
                "struck": tally.counts[f"{STRUCK} {kind}"],
                "mattered": tally.counts[f"{MATTERED} {kind}"],
            }
            for kind in Fault
        },
        "rows": {row: tally.counts[row] for row in ROWS},
        "acts": {deed: tally.counts[deed] for deed in DEEDS},
        "never": [goal for goal in GOALS if not tally.counts[goal]],
    }


def world_lines(world: World, outcome: Outcome) -> Iterator[str]:
    """One world, for people."""
    shape = world.shape
    yield (
        f"seed {outcome.seed}: {shape.hosts} nodes, {shape.connections} connections, mended after {shape.chaos_s:.0f} s"
    )
    for entry in world.trace.entries:
        yield entry.line()
    yield f"faults that struck: {len(outcome.struck)}"
    for name in outcome.struck:
        yield f"  {name}"
    yield f"trace {outcome.digest}"
    yield outcome.violation if outcome.violation is not None else "No property was broken."


def world_document(world: World, outcome: Outcome) -> dict[str, Any]:
    """One world, for programs."""
    return {
        "seed": outcome.seed,
        "nodes": list(world.hosts),
        "connections": world.shape.connections,
        "mended_s": round(world.shape.chaos_s, 6),
        "entries": world.trace.document(),
        "struck": list(outcome.struck),
        "digest": outcome.digest,
        "virtual_s": round(outcome.virtual_s, 6),
        "steps": outcome.steps,
        "violation": outcome.violation,
    }
