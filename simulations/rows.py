"""The connections of a node as they stand in its database, read past the shipped statements."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    import sqlite3


class Row(NamedTuple):
    """One connection's row: what the machine's record holds, and what is told of it."""

    n: int
    sys_id: str
    role: str
    connection: bytes
    source_key: bytes
    serial: int
    revision: int
    phase: str
    enabled: int
    reason: str | None
    their_revision: int | None
    their_phase: str | None
    their_enabled: int | None
    their_reason: str | None
    partner: bytes | None
    addressee: bytes | None
    owed: int
    proof: bytes | None
    expires_at: int
    ask_me: int
    hidden: int
    partner_node_url: str | None
    name: str
    local_short_name: str
    remote_short_name: str
    status: str
    seq: int
    announced_prefix: str | None

    @property
    def identity(self) -> tuple[str, bytes, bytes]:
        """What makes it this connection on every node: the role, the connection id, the source's key."""
        return (self.role, self.connection, self.source_key)

    @property
    def mine(self) -> tuple[int, str, int, str | None]:
        """This side."""
        return (self.revision, self.phase, self.enabled, self.reason)

    @property
    def theirs(self) -> tuple[int | None, str | None, int | None, str | None]:
        """The partner's side as it is held here."""
        return (self.their_revision, self.their_phase, self.their_enabled, self.their_reason)


_SELECT: Final = f"SELECT {', '.join(Row._fields)} FROM connections"  # noqa: S608 - names of this file
_SELECT_ONE: Final = f"{_SELECT} WHERE n = ?"
_EVENT: Final = "SELECT data FROM events WHERE connection_n = ? AND seq = ?"
_WAITS_ON: Final = "SELECT topic FROM broadcasts WHERE payload = ? ORDER BY n DESC LIMIT 1"  # it was queued just now

TOUCHED: Final = "touched_connection"
"""What SQL calls the function that `WATCHING` tells of each row."""

WATCHING: Final = "\n".join(
    f"CREATE TRIGGER watched_{verb} AFTER {verb} ON connections BEGIN SELECT {numbers}; END;"
    for verb, numbers in (
        ("INSERT", f"{TOUCHED}(NEW.n)"),
        ("UPDATE", f"{TOUCHED}(OLD.n), {TOUCHED}(NEW.n)"),
        ("DELETE", f"{TOUCHED}(OLD.n)"),
    )
)
"""Triggers of the simulation's, in SQL."""


class Change(NamedTuple):
    """What one unit of work did to one connection.

    Attributes:
        before: none: it was not there.
        after: none: it has gone.
        topic: on which the event of its new `seq` waited for the broker when the unit had run; none: there was no such
            event, or it did not wait. A later unit of the same commit may let the connection go, with its events.
    """

    before: Row | None
    after: Row | None
    topic: str | None = None


UnitDone = tuple[object, list[Change], float]
"""A unit of work that ran: its result, what it changed, and when that was by the clock of its machine."""


class Rows:
    """What is known of a database's connections, and how they change.

    Going through the table after each unit of work would cost the more the longer it is, so the database says itself
    where to look: `WATCHING` stands in the image that every simulated database begins from, and notes each row that
    any statement touches, whoever wrote it. What has become of it is read and compared; nothing else is believed.
    """

    def __init__(self, raw: sqlite3.Connection, touched: set[int]) -> None:
        """Look at a database that was just opened; the numbers of rows that are written come into `touched`."""
        self._raw = raw
        self._touched = touched
        self.known: dict[int, Row] = {}
        self._read_all()

    def changes(self) -> list[Change]:
        """What has become different since the last look; also within a transaction."""
        if not self._touched:
            return []
        before, numbers = self.known, sorted(self._touched)
        self._touched.clear()
        after = {n: Row._make(row) for n in numbers for row in self._raw.execute(_SELECT_ONE, (n,))}
        changed = [n for n in numbers if before.get(n) != after.get(n)]
        if not changed:
            return []
        self.known = known = before.copy()  # a new dictionary: who looked before keeps what it saw
        for n in changed:
            if n in after:
                known[n] = after[n]
            else:
                del known[n]
        return [self._change(before.get(n), after.get(n)) for n in changed]

    def _change(self, before: Row | None, after: Row | None) -> Change:
        if after is None or after.seq == (before.seq if before is not None else 0):
            return Change(before, after)
        event = self._raw.execute(_EVENT, (after.n, after.seq)).fetchone()
        waits = event and self._raw.execute(_WAITS_ON, event).fetchone()
        return Change(before, after, waits[0] if waits else None)

    def forget_uncommitted(self) -> None:
        """The transaction was undone: look anew."""
        self._read_all()

    def _read_all(self) -> None:
        self._touched.clear()
        self.known = {row[0]: Row._make(row) for row in self._raw.execute(_SELECT)}
