"""The store of a running node: group commit, and a thread that does nothing but wait for the disk.

Units of work run in the loop's own thread: their statements take microseconds and wait for nobody, since this is
the only writer and the write-ahead log is synced by COMMIT alone. Handing each unit to a thread was measured to
cost more than the unit, for every statement of it then competes with the loop for the interpreter. COMMIT, which
waits for the disk, runs on the committer's thread; units that arrive meanwhile share the next one. A result is
handed back only after the commit that holds it.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlalchemy import Connection

    from node.store.database import Database

T = TypeVar("T")

UNITS_PER_COMMIT_MAX = 64


class GroupCommitStore:
    """The `Store` port over a database that nobody else uses; all calls come from one event loop."""

    def __init__(
        self,
        database: Database,
        *,
        committed: Callable[[float, int], None] = lambda _duration_s, _units: None,
    ) -> None:
        """Start the committer; `committed` is told how long each transaction took, in seconds, and its units."""
        self._database = database
        self._committed = committed
        self._waiting: deque[_Job] = deque()
        self._is_busy = False
        self._idle: asyncio.Future[None] | None = None
        self._commits: SimpleQueue[_Executed | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._commit_what_comes, name="handclasp-commit", daemon=True)
        self._thread.start()

    async def run(self, unit_of_work: Callable[[Connection], T]) -> T:
        """See `node.ports.Store`. A caller that is cancelled leaves no half: the unit runs to its end all the same."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        self._waiting.append((unit_of_work, future))
        if not self._is_busy:
            self._is_busy = True
            loop.call_soon(self._next_transaction)
        return await future

    async def close(self) -> None:
        """Finish what was handed in, then close the database."""
        if self._is_busy:
            self._idle = asyncio.get_running_loop().create_future()
            await self._idle
        self._commits.put(None)
        await asyncio.to_thread(self._thread.join)
        self._database.close()

    def _next_transaction(self) -> None:
        if not self._waiting:
            self._is_busy = False
            if self._idle is not None:
                self._idle.set_result(None)
            return
        jobs = [self._waiting.popleft() for _ in range(min(len(self._waiting), UNITS_PER_COMMIT_MAX))]
        began = time.perf_counter()
        try:
            results, has_written = self._database.execute([unit for unit, _ in jobs])
        except Exception as error:  # noqa: BLE001 - every caller learns that nothing was kept
            self._settle(jobs, [error] * len(jobs), began)
        else:
            if has_written:
                self._commits.put((jobs, results, began, asyncio.get_running_loop()))
            else:
                self._settle(jobs, self._commit(results), began)  # nothing to sync: the disk is not asked

    def _commit_what_comes(self) -> None:
        while (executed := self._commits.get()) is not None:
            jobs, results, began, loop = executed
            told = self._commit(results)
            if not loop.is_closed():
                loop.call_soon_threadsafe(self._settle, jobs, told, began)

    def _commit(self, results: Sequence[Any]) -> Sequence[Any]:
        """What the callers are to be told."""
        try:
            self._database.commit()
        except Exception as error:  # noqa: BLE001 - as above
            return [error] * len(results)
        return results

    def _settle(self, jobs: Sequence[_Job], results: Sequence[Any], began: float) -> None:
        self._committed(time.perf_counter() - began, len(jobs))
        for (_, future), result in zip(jobs, results, strict=True):
            if future.done():
                continue
            if isinstance(result, Exception):
                future.set_exception(result)
            else:
                future.set_result(result)
        # after those who waited for these: what they ask next shares the next commit
        asyncio.get_running_loop().call_soon(self._next_transaction)


if TYPE_CHECKING:
    _Job = tuple[Callable[[Connection], Any], asyncio.Future[Any]]
    _Executed = tuple[Sequence[_Job], Sequence[Any], float, asyncio.AbstractEventLoop]
