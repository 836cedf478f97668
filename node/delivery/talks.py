"""What is being said to a partner at this moment, and what came of it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from node.connections.stored import Connection


@dataclass(slots=True)
class Talk:
    """A connection that is spoken of.

    Attributes:
        connection: as it was when that began.
        task: the exchange, see there.
        has_changed: whether what it says has changed since.
    """

    connection: Connection
    task: asyncio.Task[Connection | None]
    has_changed: bool = False

    @property
    def failure(self) -> BaseException | None:
        """Why there was no answer, once it has ended; none if there was one."""
        return asyncio.CancelledError() if self.task.cancelled() else self.task.exception()

    @property
    def unsettled(self) -> Connection | None:
        """The connection that was answered for, but not echoed as it was told."""
        return self.task.result() if self.failure is None else None

    @property
    def is_done(self) -> bool:
        """Whether nothing of it has to be said again."""
        return self.failure is None and self.unsettled is None


def tasks_of(under_way: dict[int, Talk]) -> list[asyncio.Task[Connection | None]]:
    """Their tasks."""
    return [talk.task for talk in under_way.values()]


def taken_out(under_way: dict[int, Talk]) -> list[Talk]:
    """Those that have ended, which are then under way no more."""
    return [under_way.pop(n) for n in [n for n, talk in under_way.items() if talk.task.done()]]
