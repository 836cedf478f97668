"""What a client's own tests have made of a server: lines while they run, a table at the end."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from rich.console import Console
from rich.markup import escape

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from types import TracebackType


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One file of tests, or one target: how many passed, failed and were left out, and why those did.

    A target counts as one. It is left out where it asks for what the instance does not model, and ended exactly there.
    """

    name: str
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    notes: tuple[str, ...] = ()
    """A line for each failure, and for what was left out."""

    def plus(self, *, passed: int = 0, failed: int = 0, skipped: int = 0, notes: tuple[str, ...] = ()) -> Part:
        """This part and one test more."""
        return Part(
            name=self.name,
            passed=self.passed + passed,
            failed=self.failed + failed,
            skipped=self.skipped + skipped,
            notes=self.notes + notes,
        )


class Progress:
    """Tells on stderr what runs: a line for each part that has ended and, on a terminal, one that moves meanwhile."""

    def __init__(self, parts: int) -> None:
        """Of so many parts."""
        self._parts, self._ended, self._name, self._began, self._steps = parts, 0, "", 0.0, 0
        self._console = Console(stderr=True, highlight=False)
        self._status = self._console.status("")

    def __enter__(self) -> Self:
        self._status.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._status.stop()

    def begin(self, name: str) -> None:
        """A part begins."""
        self._name, self._began, self._steps = name, time.monotonic(), 0
        self._show("")

    def step(self, name: str) -> None:
        """It has come to a task, or to a test."""
        self._steps += 1
        self._show(f", {self._steps}: {name}")

    def end(self, part: Part) -> None:
        """It has ended."""
        self._ended += 1
        self._console.print(
            f"  {self._place(self._ended)} {escape(part.name)}: {_outcome(part)}, {self._steps} steps, "
            f"{time.monotonic() - self._began:.0f} s"
        )

    def tell(self, text: str) -> None:
        """Print to stdout, between two moves of the line."""
        self._status.stop()
        print(text, flush=True)
        self._status.start()

    def _show(self, more: str) -> None:
        self._status.update(escape(f"{self._place(self._ended + 1)} {self._name}{more}"))

    def _place(self, number: int) -> str:
        return f"{number:{len(str(self._parts))}}/{self._parts}"


def _outcome(part: Part) -> str:
    counts = {"passed": part.passed, "failed": part.failed, "left out": part.skipped}
    told = [word if count == 1 else f"{count} {word}" for word, count in counts.items() if count]
    return ", ".join(told) or "nothing"


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
