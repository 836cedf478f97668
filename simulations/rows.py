"""The connections of a node as they stand in its database, read past the shipped statements."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

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


_SELECT = f"SELECT {', '.join(Row._fields)} FROM connections"  # noqa: S608 - names of this file


class Change(NamedTuple):
    """What one unit of work did to one connection; none: it was not there, or has gone."""

    before: Row | None
    after: Row | None


class Rows:
    """What is known of a database's connections, and how they change."""

    def __init__(self, raw: sqlite3.Connection) -> None:
        """Look at a database that was just opened."""
        self._raw = raw
        self._read: dict[int, tuple[Any, ...]] = {}
        self.known: dict[int, Row] = {}
        self._compare()

    def changes(self) -> list[Change]:
        """What has become different since the last look; also within a transaction."""
        if self._raw.total_changes == self._changes_seen:
            return []
        return self._compare()

    def forget_uncommitted(self) -> None:
        """The transaction was undone: look anew."""
        self._compare()

    def _compare(self) -> list[Change]:
        self._changes_seen = self._raw.total_changes
        before, read = self.known, self._read
        self._read = {row[0]: row for row in self._raw.execute(_SELECT)}
        different = {n: row for n, row in self._read.items() if read.get(n) != row}
        gone = before.keys() - self._read.keys()
        if not different and not gone:
            return []
        # a new dictionary: who looked before keeps what it saw
        self.known = {n: Row._make(row) if n in different else before[n] for n, row in self._read.items()}
        changes = [Change(before.get(n), self.known[n]) for n in different]
        changes.extend(Change(before[n], None) for n in sorted(gone))
        return changes
