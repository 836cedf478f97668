"""A number of places that those who come take in turn: a semaphore that can also be asked without waiting."""

from __future__ import annotations

import asyncio
from collections import deque


class Places:
    """Places that are taken, waited for and given back in one event loop.

    Attributes:
        free: how many are free.
    """

    def __init__(self, count: int) -> None:
        self.free = count
        self._waiting: deque[asyncio.Future[None]] = deque()

    def take_now(self) -> bool:
        """Take a place if one is free; whoever waits comes first."""
        if not self.free:
            return False
        self.free -= 1
        return True

    @property
    def waiting(self) -> int:
        """How many wait for one."""
        return sum(not turn.done() for turn in self._waiting)

    async def take(self) -> None:
        """Take a place, waiting for one if need be."""
        if self.take_now():
            return
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():  # it was given a place in the very moment in which it left
                self.give_back()
            raise

    def give_back(self) -> None:
        """Leave a place to whoever waits longest, or free."""
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        self.free += 1
