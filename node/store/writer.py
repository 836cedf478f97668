"""The store of a running node: group commit, and a thread that does nothing but wait for the disk.

Units of work run in the loop's own thread: their statements take microseconds and wait for nobody, since this is
the only writer and the write-ahead log is synced by COMMIT alone. Handing each unit to a thread was measured to
cost more than the unit, for every statement of it then competes with the loop for the interpreter. COMMIT, which
waits for the disk, runs on the committer's thread; units that arrive meanwhile share the next one. Only a node at
rest with a quick disk commits in its loop: there is little to do meanwhile, and the way to the thread and back takes
about as long as the disk. A result is handed back only after the commit that holds it.
"""

from __future__ import annotations

import asyncio
import math
import threading
from collections import deque
from functools import partial
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from node.logs import get_logger
from node.ports import StoreFullError
from node.store.database import is_disk_full

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlalchemy import Connection


T = TypeVar("T")

_log = get_logger(__name__)

UNITS_PER_COMMIT_MAX = 64

QUICK_S_MAX = 0.002
"""How long a disk may usually take, and must have rested before, for the loop to wait for it by itself."""

USUAL_SHARE = 1 / 8
"""What the latest commit counts for in what is usual."""


class Executor(Protocol):
    """What a store needs of a database; see `node.store.database.Database`."""

    def execute(self, units: Sequence[Callable[[Connection], Any]]) -> tuple[list[Any], bool]:
        """Begin a transaction and run units of work in it; their results, and whether there is anything to sync."""
        ...

    def commit(self) -> None:
        """Make what was executed durable."""
        ...

    def close(self) -> None:
        """Close it."""
        ...


class Committer(Protocol):
    """Who waits for the disk, so that nobody else has to."""

    def submit(self, commit: Callable[[], Sequence[Any]], settle: Callable[[Sequence[Any]], None]) -> None:
        """Call `commit`, then, in the loop's thread, `settle` with what it returned; one after the other."""
        ...

    async def close(self) -> None:
        """End; what was submitted has been settled."""
        ...


class CommitterThread:
    """A thread that does nothing but commit; a quick disk at rest is asked without it."""

    def __init__(self) -> None:
        """Start it; the disk has to show first that it is quick."""
        self._usual_s = QUICK_S_MAX
        self._ended_at = -math.inf
        self._commits: SimpleQueue[_Submitted | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._commit_what_comes, name="handclasp-commit", daemon=True)
        self._thread.start()

    def submit(self, commit: Callable[[], Sequence[Any]], settle: Callable[[Sequence[Any]], None]) -> None:
        """See `Committer`."""
        loop = asyncio.get_running_loop()
        if self._usual_s < QUICK_S_MAX <= loop.time() - self._ended_at:
            settle(self._timed(commit, loop))
        else:
            self._commits.put((commit, settle, loop))

    async def close(self) -> None:
        """See `Committer`."""
        self._commits.put(None)
        await asyncio.to_thread(self._thread.join)

    def _commit_what_comes(self) -> None:
        while (submitted := self._commits.get()) is not None:
            commit, settle, loop = submitted
            told = self._timed(commit, loop)
            if not loop.is_closed():
                loop.call_soon_threadsafe(settle, told)

    def _timed(self, commit: Callable[[], Sequence[Any]], loop: asyncio.AbstractEventLoop) -> Sequence[Any]:
        began = loop.time()
        told = commit()
        self._ended_at = loop.time()
        self._usual_s += (self._ended_at - began - self._usual_s) * USUAL_SHARE
        return told


class GroupCommitStore:
    """The `Store` port over a database that nobody else uses; all calls come from one event loop."""

    def __init__(
        self,
        database: Executor,
        *,
        committer: Committer | None = None,
        committed: Callable[[float, int], None] = lambda _duration_s, _units: None,
    ) -> None:
        """Take over the database.

        Args:
            database: where units of work are executed, and what they did is committed.
            committer: who commits; none: a thread of its own, which is started.
            committed: is told how long each transaction took, in seconds, and how many units it had.
        """
        self._database = database
        self._committer = committer if committer is not None else CommitterThread()
        self._committed = committed
        self._waiting: deque[_Job] = deque()
        self._is_busy = False
        self._has_written = False
        self._is_full = False
        self._idle: asyncio.Future[None] | None = None

    @property
    def is_full(self) -> bool:
        """See `node.ports.Store`."""
        return self._is_full

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
        await self._committer.close()
        self._database.close()

    def _next_transaction(self) -> None:
        if not self._waiting:
            self._is_busy = False
            if self._idle is not None:
                self._idle.set_result(None)
            return
        jobs = [self._waiting.popleft() for _ in range(min(len(self._waiting), UNITS_PER_COMMIT_MAX))]
        settle = partial(self._settle, jobs, asyncio.get_running_loop().time())
        self._has_written = False
        try:
            results, has_written = self._database.execute([unit for unit, _ in jobs])
        except Exception as error:  # noqa: BLE001 - every caller learns that nothing was kept
            settle([error] * len(jobs))
        else:
            self._has_written = has_written
            if has_written:
                self._committer.submit(partial(self._commit, results), settle)
            else:
                settle(self._commit(results))  # nothing to sync: the disk is not asked

    def _commit(self, results: Sequence[Any]) -> Sequence[Any]:
        """What the callers are to be told."""
        try:
            self._database.commit()
        except Exception as error:  # noqa: BLE001 - as above
            return [error] * len(results)
        return results

    def _settle(self, jobs: Sequence[_Job], began: float, results: Sequence[Any]) -> None:
        loop = asyncio.get_running_loop()
        self._committed(loop.time() - began, len(jobs))
        if self._is_full or any(isinstance(result, Exception) for result in results):
            results = [self._told(result) for result in results]
            self._note_room(results)
        for (_, future), result in zip(jobs, results, strict=True):
            if future.done():
                continue
            if isinstance(result, Exception):
                future.set_exception(result)
            else:
                future.set_result(result)
        # after those who waited for these: what they ask next shares the next commit
        loop.call_soon(self._next_transaction)

    def _told(self, result: Any) -> Any:
        """A result as its caller is told it: that the disk is full is an error of its own."""
        if not (isinstance(result, Exception) and is_disk_full(result)):
            return result
        full = StoreFullError()
        full.__cause__ = result
        return full

    def _note_room(self, results: Sequence[Any]) -> None:
        if any(isinstance(result, StoreFullError) for result in results):
            if not self._is_full:
                _log.error("disk_full", explanation=str(StoreFullError()))
            self._is_full = True
        elif self._is_full and self._has_written and not all(isinstance(result, Exception) for result in results):
            _log.warning("disk_has_room_again")
            self._is_full = False


if TYPE_CHECKING:
    _Job = tuple[Callable[[Connection], Any], asyncio.Future[Any]]
    _Submitted = tuple[Callable[[], Sequence[Any]], Callable[[Sequence[Any]], None], asyncio.AbstractEventLoop]
