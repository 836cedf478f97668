"""What a node does first when its memory is a backup that was put back (protocol section 4, "restore").

A code that was alive in the backup may have been taken since, so every such code dies here; the addressees are told.
All else heals by resync: a partner that knows more echoes more, and this side catches up.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from node import words
from node.connections.changing import store_change
from node.logs import get_logger
from node.store import sessions, statements
from node.store.backup import forget_restoring, restored_from
from protocol.machine import act
from protocol.tables import Act
from protocol.vocabulary import Role

if TYPE_CHECKING:
    from node.connections.context import Context
    from node.ports import Transaction

PENDING_PAGE = 500
NOTICE = "restored"
"""The kind of the notice that each restore leaves; it is about no one connection."""

_log = get_logger(__name__)


async def close_restored(context: Context) -> bool:
    """Close what waited for a code to be accepted, if this memory was restored; whether it was.

    It is one transaction, which also makes the database an ordinary one: done whole, or again at the next start.
    """

    def unit(tx: Transaction) -> int | None:
        taken_at = restored_from(tx)
        if taken_at is None:
            return None
        closed = 0
        while page := statements.pending(tx, most=PENDING_PAGE):
            for before in page:
                record = act(Role.SOURCE, before.record, Act.RESTORE, now=context.clock.now()).record
                assert record is not None  # noqa: S101 - it closes, it forgets nothing
                store_change(context, tx, before, replace(before, record=record))
            closed += len(page)
        statements.add_notice(
            tx, n=None, at_ms=int(context.clock.now() * 1000), kind=NOTICE, about=words.day_and_time(taken_at)
        )
        sessions.remove_all(tx)  # one that was ended since the backup must not live again
        forget_restoring(tx)
        return closed

    closed = await context.store.run(unit)
    if closed is not None:
        _log.warning("restored", codes_died=closed, explanation="This database is a backup that was put back.")
    return closed is not None
