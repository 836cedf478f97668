"""Who reads the instance's database: a few quick places, and others for what turns out to take long.

How long a query takes is known when it has run. So each begins in a quick place; one that overstays goes on in a slow
place if one is free, and is else stopped and begun anew when it has one. So no search keeps others from short reads.
One that is cancelled gives way at once: it is stopped, or never begun.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from node.instance.errors import ReadTooLongError, TooManySearchesError
from node.instance.places import Places
from node.store.database import StoreError

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Sequence

    from sqlalchemy import Connection

T = TypeVar("T")

QUICK_READERS: Final = 2
SLOW_READERS: Final = 2
READERS: Final = QUICK_READERS + SLOW_READERS

QUICK_READ_S_MAX: Final = 0.25
"""How long a read may stay in a quick place."""

READ_S_MAX: Final = 30.0
"""How long one read may search; ServiceNow's own quota for a REST transaction is of this size."""

SEARCHES_WAITING_MAX: Final = 16
"""How many of those that take long may wait for a slow place."""

WAIT_S_MAX: Final = 30.0
"""How long they may."""

CLOSED: Final = "The instance's database was closed."

STOPS_AGAIN_S: Final = 0.05
"""A read that is stopped between two statements does not notice, so it is stopped again."""


class Readers:
    """The connections that read, and the threads they are used in; all calls come from one event loop."""

    def __init__(self, connections: Sequence[Connection]) -> None:
        """Take over connections, `READERS` of them, that can't write."""
        self._free = list(connections)
        self._threads = ThreadPoolExecutor(READERS, thread_name_prefix="instance-read")
        self._quick = Places(QUICK_READERS)
        self._slow = Places(SLOW_READERS)
        self._is_closed = False

    async def read(self, unit: Callable[[Connection], T]) -> T:
        """What a unit finds. It may be run a second time, so all that it does is in what it returns.

        Raises:
            ReadTooLongError: it took longer than `READ_S_MAX` and was stopped.
            TooManySearchesError: it takes long, and so many others do that its turn does not come.
            StoreError: no read is begun any more.
        """
        await self._quick.take()
        begun = self._begin(unit, is_slow=False)
        try:
            return await begun.found()
        except ReadTooLongError:
            if begun.is_slow:
                raise
        if self._slow.waiting >= SEARCHES_WAITING_MAX:
            raise TooManySearchesError
        try:
            async with asyncio.timeout(WAIT_S_MAX):
                await self._slow.take()
        except TimeoutError as error:
            raise TooManySearchesError from error
        return await self._begin(unit, is_slow=True).found()

    def refuse(self) -> None:
        """Begin no read any more, not those either that wait for a place."""
        self._is_closed = True

    def close(self) -> None:
        """Wait for those who read."""
        self._threads.shutdown()

    def _begin(self, unit: Callable[[Connection], T], *, is_slow: bool) -> _Reading[T]:
        if self._is_closed:
            (self._slow if is_slow else self._quick).give_back()  # so that whoever waits behind is told, too
            raise StoreError(CLOSED)
        connection = self._free.pop()  # the one that was used last: it knows the statements that are asked now
        done = asyncio.get_running_loop().run_in_executor(self._threads, unit, connection)
        reading = _Reading(done, connection, self._quick, self._slow, is_slow=is_slow)

        def give_back(_done: object) -> None:  # not before the thread has left it, even if the asker is gone
            reading.end()
            self._free.append(connection)
            (self._slow if reading.is_slow else self._quick).give_back()

        done.add_done_callback(give_back)
        return reading


class _Reading(Generic[T]):
    """One read that is going on.

    Attributes:
        done: what it finds.
        is_slow: whether it has a slow place, or a quick one.
    """

    def __init__(
        self,
        done: asyncio.Future[T],
        connection: Connection,
        quick: Places,
        slow: Places,
        *,
        is_slow: bool,
    ) -> None:
        self.done = done
        self.is_slow = is_slow
        self._quick = quick
        self._slow = slow
        self._interrupt = raw(connection).interrupt
        self._loop = asyncio.get_running_loop()
        self._timer = self._loop.call_later(READ_S_MAX if is_slow else QUICK_READ_S_MAX, self._overstay)

    async def found(self) -> T:
        """What it finds; if nobody waits for that any more, it is stopped."""
        try:
            return await asyncio.shield(self.done)
        except asyncio.CancelledError:
            if not self.done.done():
                self._timer.cancel()
                self._stop()
            raise

    def end(self) -> None:
        """Nothing of it is left to stop."""
        self._timer.cancel()

    def _overstay(self) -> None:
        if self.is_slow or not self._slow.take_now():
            self._stop()
            return
        self.is_slow = True
        self._quick.give_back()
        self._timer = self._loop.call_later(READ_S_MAX - QUICK_READ_S_MAX, self._stop)

    def _stop(self) -> None:
        self._interrupt()
        self._timer = self._loop.call_later(STOPS_AGAIN_S, self._stop)


def raw(connection: Connection) -> sqlite3.Connection:
    """SQLite's own connection below one of SQLAlchemy's."""
    found: sqlite3.Connection = connection.connection.driver_connection  # type: ignore[assignment]
    return found
