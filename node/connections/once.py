"""Idempotency keys: a write that is sent again does nothing again and is answered as it was the first time.

The key is stored in the transaction of the write itself. What is kept is which connection the write was about; the
answer is made anew from that, so it shows the present status and no secret stands in the database.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from node.problems import Problem, ProblemError
from node.store import statements

if TYPE_CHECKING:
    from collections.abc import Callable

    from node.connections.context import Context
    from node.connections.stored import Connection
    from node.ports import Transaction

KEPT_MS = 24 * 3600 * 1000
"""How long a key is remembered."""

C = TypeVar("C", bound="Connection | None")


@dataclass(frozen=True, slots=True, kw_only=True)
class Once:
    """One write's key; none: the write has none and is done each time.

    `digest` is SHA-256 of what was asked: the same key with another request is a mistake of the sender.
    """

    key: str | None = None
    digest: bytes = b""

    async def done(self, context: Context) -> Connection | None:
        """The connection that this write was about, if it was done before.

        Raises:
            ProblemError: the key was used for another request, or the connection has gone since.
        """
        if self.key is None:
            return None
        return await context.store.run(self._recalled)

    def unit(self, context: Context, unit_of_work: Callable[[Transaction], C]) -> Callable[[Transaction], C]:
        """The unit of work, done once: repeated, it returns the connection as it is now."""
        if self.key is None:
            return unit_of_work
        key = self.key

        def once(tx: Transaction) -> C:
            kept = statements.kept_write(tx, key)
            if kept is not None:
                return self._recalled(tx)  # type: ignore[return-value] # a C that was None the first time is so again
            connection = unit_of_work(tx)
            now_ms = int(context.clock.now() * 1000)
            statements.keep_write(
                tx,
                key=key,
                digest=self.digest,
                sys_id=connection.sys_id if connection is not None else "",
                at_ms=now_ms,
                forget_before_ms=now_ms - KEPT_MS,
            )
            return connection

        return once

    def _recalled(self, tx: Transaction) -> Connection | None:
        kept = statements.kept_write(tx, self.key or "")
        if kept is None:
            return None
        if kept.digest != self.digest:
            raise ProblemError(
                Problem.IDEMPOTENCY_KEY_REUSED, "This Idempotency-Key was used for another request before."
            )
        connection = statements.find_by_sys_id(tx, kept.sys_id)
        if connection is None and kept.sys_id:
            raise ProblemError(Problem.NOT_FOUND, "This was done before, and the connection has gone since.")
        return connection


ALWAYS = Once()
