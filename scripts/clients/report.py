"""What a client's own tests have made of a server, as a table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One file of tests, or one target: how many passed, failed and were left out, and why those did."""

    name: str
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    notes: tuple[str, ...] = ()
    """A line for each failure; for what was not tried, why."""

    def plus(self, *, passed: int = 0, failed: int = 0, skipped: int = 0, notes: tuple[str, ...] = ()) -> Part:
        """This part and one test more."""
        return Part(
            name=self.name,
            passed=self.passed + passed,
            failed=self.failed + failed,
            skipped=self.skipped + skipped,
            notes=self.notes + notes,
        )


def total(parts: Iterable[Part]) -> Part:
    """All parts together."""
    whole = Part(name="all")
    for part in parts:
        whole = whole.plus(passed=part.passed, failed=part.failed, skipped=part.skipped)
    return whole


def table(parts: Sequence[Part], *, notes: bool = True) -> str:
    """The parts, their sum, and below them what failed or was left out and why."""
    rows = [*parts, total(parts)]
    width = max(len(row.name) for row in rows)
    lines = [f"  {'':{width}} {'passed':>7} {'failed':>7} {'left out':>9}"]
    lines += [f"  {row.name:{width}} {row.passed:7} {row.failed:7} {row.skipped:9}" for row in rows]
    if notes:
        lines += [f"  {part.name}: {note}" for part in parts for note in part.notes]
    return "\n".join(lines)
