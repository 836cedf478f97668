"""What happened in a world, in order; the same seed makes the same trace, to the byte, in every process."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable

Fact: TypeAlias = str | int | float | bool | None


class Entry(NamedTuple):
    """One thing that happened.

    Attributes:
        at_s: when, in virtual seconds since the world began.
        step: how many callbacks the loop had run by then; it tells two schedules apart.
        host: where: a node's name, `network`, `broker` or `world`.
        what: one word for what happened, such as `sent`, `commit`, `crash`.
        facts: the rest, by name.
    """

    at_s: float
    step: int
    host: str
    what: str
    facts: dict[str, Fact]

    def line(self) -> str:
        """The entry as one line of text."""
        facts = " ".join(f"{name}={_shown(value)}" for name, value in self.facts.items() if value is not None)
        return f"{self.at_s:>13.6f} {self.step:>7} {self.host:<8} {self.what:<10} {facts}".rstrip()

    def view(self) -> dict[str, Any]:
        """The entry as JSON."""
        return {"at_s": round(self.at_s, 6), "step": self.step, "host": self.host, "what": self.what, **self.facts}


class Trace:
    """The entries of one world."""

    def __init__(self, now: Callable[[], float], steps: Callable[[], int]) -> None:
        self._now = now
        self._steps = steps
        self._is_over = False
        self.entries: list[Entry] = []

    def end(self) -> None:
        """What is told from now on is no part of it."""
        self._is_over = True

    def add(self, host: str, what: str, **facts: Fact) -> None:
        """Tell that something happens now."""
        if not self._is_over:
            self.entries.append(Entry(self._now(), self._steps(), host, what, facts))

    def text(self) -> str:
        """All of it, one line each."""
        return "".join(f"{entry.line()}\n" for entry in self.entries)

    def digest(self) -> str:
        """What two runs of one seed have in common: 32 hexadecimal digits over the text."""
        return hashlib.blake2b(self.text().encode(), digest_size=16).hexdigest()

    def document(self) -> list[dict[str, Any]]:
        """All of it for programs."""
        return [entry.view() for entry in self.entries]


def _shown(value: Fact) -> str:
    match value:
        case str():
            return value if value.isascii() and value.isprintable() and " " not in value else _quoted(value)
        case float():
            return f"{value:.6f}".rstrip("0").rstrip(".")
        case bool():
            return "yes" if value else "no"
        case _:
            return str(value)


def _quoted(value: str) -> str:
    return msgspec.json.encode(value).decode()
