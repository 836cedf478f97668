"""What the broadcaster asks of the node's memory: the messages that the broker has not acknowledged yet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import msgspec

if TYPE_CHECKING:
    from collections.abc import Sequence


class OutboxRow(msgspec.Struct, frozen=True, kw_only=True):
    """One message that waits for the broker; `n` grows, and its order is the order of publishing."""

    n: int
    topic: str
    payload: bytes


class PresentStatus(msgspec.Struct, frozen=True, kw_only=True):
    """The last event of a live connection, byte for byte as it was published; `key` is above 0 and orders."""

    key: int
    topic: str
    payload: bytes


class BroadcastOutbox(Protocol):
    """Rows are written in the transaction that changes what they tell of, and deleted after their PUBACK."""

    async def pending(self, after_n: int, limit: int) -> Sequence[OutboxRow]:
        """The oldest rows with a higher `n`, at most `limit`, in its order."""
        ...

    async def done(self, last_n: int) -> None:
        """Delete the rows up to and with `last_n`: all of them were acknowledged."""
        ...

    async def snapshot(self, after_key: int, limit: int) -> Sequence[PresentStatus]:
        """Live connections with a higher key, in its order, at most `limit`; none is left when it is empty.

        It must leave out, in the same transaction, each connection that still has a row in the outbox: its
        last event would otherwise be published before an earlier one, and `seq` would run backwards.
        """
        ...
