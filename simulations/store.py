"""The store port of a simulated node: no thread; commits take virtual time; the disk may be slow, full, or lose power.

As on the shipped writer, units of work that arrive while a commit is under way share the next one, and a result is
handed out only after the commit that holds it.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection

    from simulations.disk import Disk

T = TypeVar("T")

UNITS_PER_COMMIT_MAX: Final = 64
"""As on the shipped writer."""


class Overseer(Protocol):
    """What the world decides of a store's commits, and is told of them."""

    def commit_takes_s(self) -> float:
        """How long the commit that begins now takes, in virtual seconds."""
        ...

    def disk_is_full(self) -> bool:
        """Whether the commit that is made now finds no room to grow."""
        ...

    def before_commit(self) -> None:
        """A commit is about to be made; the power may go now."""
        ...

    def unit_done(self, result: object) -> None:
        """A unit of work ran, in a transaction that is not committed yet."""
        ...

    def committed(self, unit_count: int, error: Exception | None) -> None:
        """The transaction was committed, or nothing of it was kept; no result is handed out yet.

        The power may go now: then none ever is.
        """
        ...


class SimulatedStore:
    """The `Store` port over a simulated disk."""

    def __init__(self, disk: Disk, overseer: Overseer, *, is_alive: Callable[[], bool]) -> None:
        self._disk = disk
        self._overseer = overseer
        self._is_alive = is_alive
        self._waiting: list[tuple[Callable[[Connection], Any], asyncio.Future[Any]]] = []
        self._committing = False

    async def run(self, unit_of_work: Callable[[Connection], T]) -> T:
        """See `node.ports.Store`."""
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._waiting.append((unit_of_work, future))
        if not self._committing:
            self._begin()
        return await future  # a caller that is cancelled leaves the unit in the queue: it runs all the same

    def lose_power(self, *, finishes: bool) -> None:
        """The machine is off; `finishes`: what was on its way to the disk arrives there all the same."""
        if finishes and self._committing and self._waiting:
            self._transact(self._waiting[:UNITS_PER_COMMIT_MAX])
        self._waiting.clear()

    def _begin(self) -> None:
        self._committing = True
        asyncio.get_running_loop().call_later(self._overseer.commit_takes_s(), self._commit)

    def _commit(self) -> None:
        self._overseer.before_commit()
        if not self._is_alive():
            return
        jobs = self._waiting[:UNITS_PER_COMMIT_MAX]
        del self._waiting[:UNITS_PER_COMMIT_MAX]
        results = self._transact(jobs)
        if not self._is_alive():
            return
        for (_, future), result in zip(jobs, results, strict=True):
            if future.done():
                continue
            if isinstance(result, Exception):
                future.set_exception(result)
            else:
                future.set_result(result)
        self._committing = False
        if self._waiting:
            self._begin()

    def _transact(self, jobs: list[tuple[Callable[[Connection], Any], asyncio.Future[Any]]]) -> list[Any]:
        failure: Exception | None = None
        try:
            results = self._disk.transact(
                [self._watched(unit) for unit, _ in jobs], is_full=self._overseer.disk_is_full()
            )
        except Exception as error:  # noqa: BLE001 - every caller learns that nothing was kept
            failure, results = error, [error] * len(jobs)
        self._overseer.committed(len(jobs), failure)
        return results

    def _watched(self, unit: Callable[[Connection], Any]) -> Callable[[Connection], Any]:
        def watched(transaction: Connection) -> Any:
            result = unit(transaction)
            self._overseer.unit_done(result)
            return result

        return watched
