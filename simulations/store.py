"""What the shipped store runs on in a simulation: a disk that takes virtual time, may be full, and may lose its power.

The store itself is the shipped one, `node.store.writer.GroupCommitStore`, with its grouping and its order of
committing and answering. Only the thread that waits for the disk is replaced, and the database is looked over the
shoulder of.
"""

from __future__ import annotations

import asyncio
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager

    from sqlalchemy import Connection

    from simulations.disk import Disk


_ROOM: Final = nullcontext()


class Overseer(Protocol):
    """What the world decides of a node's commits, and is told of them."""

    def commit_takes_s(self) -> float:
        """How long the commit that begins now takes, in virtual seconds."""
        ...

    def disk_is_full(self) -> bool:
        """Whether what is done now finds no room to grow."""
        ...

    def goes_on(self) -> bool:
        """Asked when a commit is about to be made: whether the machine still has its power."""
        ...

    def unit_done(self, result: object) -> None:
        """A unit of work ran, in a transaction that is not committed yet."""
        ...

    def committed(self) -> None:
        """The transaction was committed; nobody knows yet. The power may go now: then nobody ever does."""
        ...

    def commit_failed(self, error: Exception) -> None:
        """Nothing of the transaction was kept."""
        ...


class SimulatedCommitter:
    """The `Committer` of the shipped store: it waits in virtual time."""

    def __init__(self, overseer: Overseer) -> None:
        self._overseer = overseer

    def submit(self, commit: Callable[[], Sequence[Any]], settle: Callable[[Sequence[Any]], None]) -> None:
        """See `node.store.writer.Committer`."""
        asyncio.get_running_loop().call_later(self._overseer.commit_takes_s(), self._commit, commit, settle)

    async def close(self) -> None:
        """See `node.store.writer.Committer`."""

    def _commit(self, commit: Callable[[], Sequence[Any]], settle: Callable[[Sequence[Any]], None]) -> None:
        if self._overseer.goes_on():
            settle(commit())


class WatchedDatabase:
    """The shipped `Database` on a simulated disk; see `node.store.writer.Executor`."""

    def __init__(self, disk: Disk, overseer: Overseer) -> None:
        self._disk = disk
        self._overseer = overseer
        self.has_uncommitted = False

    def execute(self, units: Sequence[Callable[[Connection], Any]]) -> tuple[list[Any], bool]:
        """See `Database.execute`."""
        try:
            with self._room():
                results, has_written = self._disk.database.execute([self._watched(unit) for unit in units])
        except Exception as error:
            self._overseer.commit_failed(error)
            raise
        self.has_uncommitted = has_written
        return results, has_written

    def commit(self) -> None:
        """See `Database.commit`."""
        try:
            with self._room():
                self._disk.commit()
        except Exception as error:
            self._overseer.commit_failed(error)
            raise
        finally:
            self.has_uncommitted = False
        self._overseer.committed()

    def _room(self) -> AbstractContextManager[None]:
        return self._disk.no_room() if self._overseer.disk_is_full() else _ROOM

    def lose_power(self, *, finishes: bool) -> None:
        """The machine is off; `finishes`: what was on its way to the disk arrives there all the same."""
        if self.has_uncommitted and finishes:
            self.commit()
        self.has_uncommitted = False
        self._disk.undo()

    def close(self) -> None:
        """The machine keeps its disk."""

    def _watched(self, unit: Callable[[Connection], Any]) -> Callable[[Connection], Any]:
        def watched(transaction: Connection) -> Any:
            result = unit(transaction)
            self._overseer.unit_done(result)
            return result

        return watched
