"""The store of a running node: one writer thread, group commit.

Units of work that arrive while a commit is under way share the next one, so that a slow disk is asked once for
many of them. A result is handed back only after the commit that holds it.
"""

from __future__ import annotations

import asyncio
import threading
import time
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection

    from node.store.database import Database

T = TypeVar("T")

UNITS_PER_COMMIT_MAX = 64


class ThreadedStore:
    """The `Store` port over a database that only its writer thread touches."""

    def __init__(
        self,
        database: Database,
        *,
        committed: Callable[[float, int], None] = lambda _duration_s, _units: None,
    ) -> None:
        """Start the writer; `committed` is told how long each commit took, in seconds, and how many units it held.

        It is called on the writer's thread.
        """
        self._database = database
        self._committed = committed
        self._queue: SimpleQueue[_Job | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._write, name="handclasp-store", daemon=True)
        self._thread.start()

    async def run(self, unit_of_work: Callable[[Connection], T]) -> T:
        """See `node.ports.Store`."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        self._queue.put((unit_of_work, future, loop))
        # a caller that is cancelled must not leave behind a half-known commit: the unit runs to its end all the same
        return await asyncio.shield(future)

    async def close(self) -> None:
        """Finish what was handed in, then close the database."""
        self._queue.put(None)
        await asyncio.to_thread(self._thread.join)
        self._database.close()

    def _write(self) -> None:
        while True:
            jobs, ended = self._next_batch()
            if jobs:
                self._commit(jobs)
            if ended:
                return

    def _next_batch(self) -> tuple[list[_Job], bool]:
        jobs: list[_Job] = []
        job = self._queue.get()
        while job is not None:
            jobs.append(job)
            if len(jobs) == UNITS_PER_COMMIT_MAX:
                return jobs, False
            try:
                job = self._queue.get_nowait()
            except Empty:
                return jobs, False
        return jobs, True

    def _commit(self, jobs: list[_Job]) -> None:
        began = time.perf_counter()
        try:
            results = self._database.transact([unit for unit, _, _ in jobs])
        except Exception as error:  # noqa: BLE001 - every caller learns that nothing was kept
            results = [error] * len(jobs)
        else:
            self._committed(time.perf_counter() - began, len(jobs))
        by_loop: dict[asyncio.AbstractEventLoop, list[tuple[asyncio.Future[Any], Any]]] = {}
        for (_, future, loop), result in zip(jobs, results, strict=True):
            by_loop.setdefault(loop, []).append((future, result))
        for loop, settled in by_loop.items():
            if not loop.is_closed():
                loop.call_soon_threadsafe(_settle, settled)


if TYPE_CHECKING:
    _Job = tuple[Callable[[Connection], Any], asyncio.Future[Any], asyncio.AbstractEventLoop]


def _settle(settled: list[tuple[asyncio.Future[Any], Any]]) -> None:
    for future, result in settled:
        if future.done():
            continue
        if isinstance(result, Exception):
            future.set_exception(result)
        else:
            future.set_result(result)
