"""The broadcast outbox over the node's store: what the broker has not acknowledged yet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from node.delivery.broadcast_outbox import OutboxRow, PresentStatus
from node.delivery.events import status_topic
from node.store import statements

if TYPE_CHECKING:
    from collections.abc import Sequence

    from node.ports import Store, Transaction


class StoredOutbox:
    """`BroadcastOutbox` over the table `broadcasts`."""

    def __init__(self, store: Store, topic_id: str) -> None:
        self._store = store
        self._topic_id = topic_id

    async def pending(self, after_n: int, limit: int) -> Sequence[OutboxRow]:
        """See `BroadcastOutbox`."""
        rows = await self._store.run(lambda tx: statements.pending_broadcasts(tx, after_n, limit))
        return [OutboxRow(n=row.n, topic=row.topic, payload=row.payload) for row in rows]

    async def done(self, last_n: int) -> None:
        """See `BroadcastOutbox`."""
        await self._store.run(lambda tx: statements.broadcasts_done(tx, last_n))

    async def snapshot(self, after_key: int, limit: int) -> Sequence[PresentStatus]:
        """See `BroadcastOutbox`."""

        def unit(tx: Transaction) -> list[PresentStatus]:
            queued, after, found = statements.queued_topics(tx), after_key, list[PresentStatus]()
            while not found and (rows := statements.live_events(tx, after=after, most=limit)):
                after = rows[-1].n
                topics = [status_topic(self._topic_id, row.sys_id) for row in rows]
                found = [
                    PresentStatus(key=row.n, topic=topic, payload=row.data)
                    for row, topic in zip(rows, topics, strict=True)
                    if topic not in queued
                ]
            return found

        return await self._store.run(unit)
