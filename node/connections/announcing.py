"""What another node may bring about here by its word alone: announcements, and how often (protocol section 5).

A stranger's invitation is a row of its own, and so is a tombstone; both are counted in the table. What it then says
anew of the same connection, under a higher serial or revision, adds no row but costs a commit all the same, so each
time is counted too, in memory. A partner that this admin has connected to is answered instead of turned away: it
would else ask again and again, beside what else it owes to this node.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from typing import TYPE_CHECKING, Final

from node.settings import Announcements
from node.store import statements
from protocol.limits import (
    ANNOUNCEMENTS_OPEN_MAX,
    ANNOUNCEMENTS_OPEN_PER_KEY_MAX,
    ANNOUNCEMENTS_PER_PREFIX_PER_HOUR_MAX,
)
from protocol.vocabulary import Phase

if TYPE_CHECKING:
    from node.connections.context import Context
    from node.connections.stored import Connection
    from node.ports import Transaction
    from protocol.envelope import Message
    from protocol.vocabulary import Statement

HOUR_S: Final = 3600
NETWORKS_MAX: Final = 4096


class TooManyAnnouncementsError(Exception):
    """A stranger's word, when its network has announced enough for an hour; nothing was stored."""


class Renewals:
    """How often strangers announced anew, for each network, within the last hour; forgotten at a restart."""

    def __init__(self) -> None:
        self._at: OrderedDict[str, deque[float]] = OrderedDict()

    def count(self, network: str, *, now: float) -> int:
        """How often within the hour before `now`, in Unix seconds."""
        at = self._at.get(network, deque[float]())
        return sum(now - HOUR_S < one <= now for one in at)  # the clock may be set back

    def add(self, network: str, *, now: float) -> None:
        """Once more; more than the rate admits need not be remembered."""
        if network not in self._at:
            self._at[network] = deque(maxlen=ANNOUNCEMENTS_PER_PREFIX_PER_HOUR_MAX)
            if len(self._at) > NETWORKS_MAX:
                self._at.popitem(last=False)
        self._at.move_to_end(network)
        self._at[network].append(now)


def is_announcement_allowed(
    context: Context,
    tx: Transaction,
    before: Connection | None,
    message: Message,
    *,
    network: str,
    renewals: Renewals,
) -> bool:
    """Whether one more may be stored; an announced row that is replaced does not count against the caps.

    Raises:
        TooManyAnnouncementsError: see there.
    """
    if not _could_be_stored(before, message.statement):
        return False
    now, sender = context.clock.now(), message.sender
    since_ms = int((now - HOUR_S) * 1000)
    recent = statements.recent_announcements(tx, prefix=network, since_ms=since_ms) + renewals.count(network, now=now)
    is_over = recent >= ANNOUNCEMENTS_PER_PREFIX_PER_HOUR_MAX
    is_known = statements.is_known_partner(tx, sender)
    if before is not None and not is_known:
        if is_over:
            raise TooManyAnnouncementsError
        renewals.add(network, now=now)  # also where the caps refuse it: rows 6b, 6c and 7 ask for none
    if not _is_below_the_caps(context, tx, before, sender, is_known=is_known):
        return False
    if is_over and message.statement.side.phase is Phase.PENDING and not is_known:
        raise TooManyAnnouncementsError
    return not is_over


def _could_be_stored(before: Connection | None, said: Statement) -> bool:
    """Whether the sender's word alone would change what is stored, again and again if it liked."""
    if before is None:
        return said.side.phase in {Phase.PENDING, Phase.CLOSED}
    record = before.record
    if said.serial != record.serial:
        return said.serial > record.serial
    held = record.theirs.revision if record.theirs is not None else 0
    return record.mine.phase is Phase.ANNOUNCED and said.side.phase is Phase.PENDING and said.side.revision > held


def _is_below_the_caps(
    context: Context, tx: Transaction, before: Connection | None, sender: bytes, *, is_known: bool
) -> bool:
    now = context.clock.now()
    if context.announcements is Announcements.OFF:
        return False
    if context.announcements is Announcements.KNOWN and not is_known:
        return False
    replaced = before is not None and before.record.mine.phase is Phase.ANNOUNCED and before.record.expires_at > now
    return (
        statements.open_announcements(tx, now=now) - replaced < ANNOUNCEMENTS_OPEN_MAX
        and statements.open_announcements(tx, now=now, source_key=sender) - replaced < ANNOUNCEMENTS_OPEN_PER_KEY_MAX
    )
