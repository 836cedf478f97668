"""What the stage has told its pages: numbered, so that a page that comes late or comes back misses nothing."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

ENTRIES_MAX: Final = 2000
"""The oldest are forgotten beyond that: a stage may stay open for days."""

KEEP_ALIVE_S: Final = 15.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One thing told: a `row` for the end of the diagram, or a `part` that stands in place of the one of its name."""

    number: int
    event: str
    html: str


class Journal:
    """The entries, and who waits for the next one."""

    def __init__(self) -> None:
        self.is_over = False
        self._entries: deque[Entry] = deque(maxlen=ENTRIES_MAX)
        self._number = 0
        self._happened = asyncio.Event()

    @property
    def number(self) -> int:
        """Of the newest entry; 0 while there is none."""
        return self._number

    @property
    def rows(self) -> Sequence[str]:
        """The rows of the diagram, from the first that is still known."""
        return [one.html for one in self._entries if one.event == "row"]

    def tell(self, event: str, html: str) -> None:
        """Add an entry."""
        self._number += 1
        self._entries.append(Entry(number=self._number, event=event, html=html))
        self._wake()

    def end(self) -> None:
        """The stage closes: whoever waits goes home."""
        self.is_over = True
        self._wake()

    async def after(self, number: int) -> Sequence[Entry]:
        """What came after that number, as soon as there is any; nothing after KEEP_ALIVE_S without it."""
        if self._number <= number and not self.is_over:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(KEEP_ALIVE_S):
                    await self._happened.wait()
        return [one for one in self._entries if one.number > number]

    def _wake(self) -> None:
        happened, self._happened = self._happened, asyncio.Event()
        happened.set()
