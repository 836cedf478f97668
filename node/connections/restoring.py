"""What a node does first when its memory is a backup that was put back (protocol section 4, "restore").

A code that was alive in the backup may have been taken since, so every such code dies here; the addressees are told.
All else heals by resync: a partner that knows more echoes more, and this side catches up. Watchers know nothing that
would heal what they hold, so each connection is told to them anew, above the numbers of all that was lost.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from node import words
from node.backups.marking import forget_restoring, restored_from
from node.connections.changing import tell_anew
from node.logs import get_logger
from node.store import sessions, statements
from protocol.machine import act
from protocol.tables import Act
from protocol.vocabulary import Phase, Role

if TYPE_CHECKING:
    from node.connections.context import Context
    from node.ports import Transaction

PAGE = 500
NOTICE = "restored"
"""The kind of the notice that each restore leaves; it is about no one connection."""

_log = get_logger(__name__)


async def close_restored(context: Context) -> bool:
    """If this memory was restored, close what waited for a code and tell watchers of all; whether it was.

    It is one transaction, which also makes the database an ordinary one: done whole, or again at the next start.
    """

    def unit(tx: Transaction) -> int | None:
        taken_at = restored_from(tx)
        if taken_at is None:
            return None
        now = context.clock.now()
        statements.add_restore(tx, at=max(int(now), statements.last_restore(tx) + 1))
        closed = last_n = 0
        while page := statements.each(tx, after=last_n, most=PAGE):
            for before in page:
                record = before.record
                if before.role is Role.SOURCE and record.mine.phase is Phase.PENDING:
                    after = act(Role.SOURCE, record, Act.RESTORE, now=now).record
                    assert after is not None  # noqa: S101 - it closes, it forgets nothing
                    record, closed = after, closed + 1
                tell_anew(context, tx, before, replace(before, record=record))
            last_n = page[-1].n
        statements.add_notice(tx, n=None, at_ms=int(now * 1000), kind=NOTICE, about=words.day_and_time(taken_at))
        sessions.remove_all(tx)  # one that was ended since the backup must not live again
        forget_restoring(tx)
        return closed

    closed = await context.store.run(unit)
    if closed is not None:
        _log.warning("restored", codes_died=closed, explanation="This database is a backup that was put back.")
    return closed is not None
