"""The feed of changes: pages that are open learn that something has changed, and ask for their part of it anew.

A page is told no more than a number that grows. What it shows comes from the same handler that made it, so nothing can
differ between a page that was told and one that was loaded, and a page that missed a change catches up by the next.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import Final

EVERY_S: Final = 0.25
"""The least rest between two tellings: a hundred changes at once are one."""

KEEP_ALIVE_S: Final = 15.0


class Changes:
    """What has changed, as a number; one a node."""

    def __init__(self) -> None:
        self.number = 0
        self.is_over = False
        self._happened = asyncio.Event()

    def tell(self) -> None:
        """Something that a page may show has changed, and is committed."""
        self.number += 1
        self._wake()

    def end(self) -> None:
        """The node stops: whoever waits goes home."""
        self.is_over = True
        self._wake()

    def _wake(self) -> None:
        happened, self._happened = self._happened, asyncio.Event()
        happened.set()

    async def after(self, number: int) -> int:
        """The present number, as soon as it differs from that one; at the latest after KEEP_ALIVE_S."""
        if self.number == number and not self.is_over:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(KEEP_ALIVE_S):
                    await self._happened.wait()
            await asyncio.sleep(EVERY_S)
        return self.number
