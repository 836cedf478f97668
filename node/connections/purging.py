"""Letting tombstones go that nobody can need any more (protocol section 4, "Tombstones").

A source's: removed from the list, owing nothing, its code's expiry past. A late message then finds no record and is
answered closed(unknown), which is as final. A destination's own tombstone stays for good; only what another node's
word alone brought about, without any act of this admin, goes when no code can live any more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from node.store import statements
from protocol.limits import CODE_LIFETIME_S_MAX

if TYPE_CHECKING:
    from node.connections.context import Context

PURGED_AT_ONCE_MAX = 500


async def purge(context: Context) -> bool:
    """Let some go; whether there may be more."""
    now = context.clock.now()
    gone = await context.store.run(
        lambda tx: statements.purge(
            tx,
            now=now,
            announced_before_ms=int((now - CODE_LIFETIME_S_MAX) * 1000),
            most=PURGED_AT_ONCE_MAX,
        )
    )
    return gone == PURGED_AT_ONCE_MAX
