"""What makes a copy of a node's database a backup, and how a node knows that its memory was one.

It is a whole SQLite database with one more table, which says what it is: whose, of when, and the checksum of its
content, which is compared before anything is replaced. It holds no key and no secret (protocol section 3). How copies
are taken and put back, with the instance's, is the business of `taking` and `putting_back`.

A node that finds that table when it starts knows that its memory is an old one; see `node.connections.restoring`. So it
makes no difference whether a backup is restored by the command or copied into place by hand, but for the checksum: what
is copied by hand is not compared.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Final

from node.backups.content import content_digest
from protocol.limits import INSTANT_LIMIT, KEY_BYTES

if TYPE_CHECKING:
    from pathlib import Path

    from node.ports import Transaction

TABLE: Final = "backup"
_HEADER: Final = b"SQLite format 3\0"
_FACTS: Final = ("key", "taken_at")
_CHECKSUM: Final = "sha256"
"""A column of its own, which backups of the first version do not have."""


class BackupError(Exception):
    """A backup can't be taken or put back; the text is a sentence, and nothing was changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What a backup says of itself.

    Attributes:
        key: the public key of the node whose memory it is.
        taken_at: when it was taken, in Unix seconds.
        connections: how many connections it holds.
        pending: how many of them wait for their invitation code to be accepted.
    """

    key: bytes
    taken_at: int
    connections: int
    pending: int


def mark(copy: Path, *, key: bytes, now: float) -> Facts:
    """Make a copy of a node's database a backup, which says whose memory it is, and of when.

    Raises:
        sqlite3.Error: it can't be written, or is no node's database.
    """
    taken_at = int(now)
    with closing(sqlite3.connect(copy, isolation_level=None)) as link:
        if _is_marked(link):  # what was put back and not started since is as old as that backup
            facts = _facts(link)
            key, taken_at = facts.key, facts.taken_at
            link.execute(f"DROP TABLE {TABLE}")
        link.execute(f"CREATE TABLE {TABLE} (key BLOB NOT NULL, taken_at INTEGER NOT NULL, {_CHECKSUM} BLOB)")
        link.execute(f"INSERT INTO {TABLE} (key, taken_at) VALUES (?, ?)", (key, taken_at))  # noqa: S608 - a constant
        facts = _facts(link)
        link.execute(f"UPDATE {TABLE} SET {_CHECKSUM} = ?", (_checksum(link, facts),))  # noqa: S608 - a constant
        return facts


def read_facts(file: Path, *, called: Path) -> Facts:
    """What a backup says of itself; `called`: how sentences call it.

    Raises:
        BackupError: it is no backup, or a damaged one.
    """
    try:
        with file.open("rb") as stream:
            is_sqlite = stream.read(len(_HEADER)) == _HEADER
        if not is_sqlite:
            raise BackupError(f"{called} is no backup of a node.")
        with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)) as link:
            (verdict,) = link.execute("PRAGMA integrity_check(1)").fetchone()  # with the indexes
            if verdict != "ok":
                raise BackupError(f"{called} is damaged ({verdict}).")
            if not _is_marked(link):
                raise BackupError(f"{called} is a database, but no backup that `handclasp backup` made.")
            facts = _facts(link)
            if not _is_as_it_was(link, facts):
                raise BackupError(
                    f"{called} is damaged: its content is not what was backed up, its checksum says. Nothing was "
                    "changed. Use another copy of it, or an older backup."
                )
            return facts
    except OSError as error:
        raise BackupError(f"{called} can't be read ({error.strerror}).") from None
    except (sqlite3.Error, UnicodeDecodeError) as error:  # a damaged text is not always SQLite's own error
        raise BackupError(f"{called} is damaged ({error}).") from None


def restored_from(tx: Transaction) -> int | None:
    """When the backup was taken (Unix seconds) that this database is, if its node has not started on it yet."""
    link: sqlite3.Connection = tx.connection.driver_connection  # type: ignore[assignment]
    if not _is_marked(link):  # SQLAlchemy's own way to ask takes ten times as long
        return None
    taken_at: int = tx.exec_driver_sql(f"SELECT coalesce(max(taken_at), 0) FROM {TABLE}").scalar_one()  # noqa: S608 - a constant
    return taken_at


def forget_restoring(tx: Transaction) -> None:
    """Make it an ordinary database again."""
    tx.exec_driver_sql(f"DROP TABLE {TABLE}")


def _is_marked(link: sqlite3.Connection) -> bool:
    return link.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (TABLE,)).fetchone() is not None


def _checksum(link: sqlite3.Connection, facts: Facts) -> bytes:
    about = facts.key + facts.taken_at.to_bytes(8)
    return sha256(content_digest(link, but=TABLE) + about).digest()


def _is_as_it_was(link: sqlite3.Connection, facts: Facts) -> bool:
    """Whether the content is what the checksum was made of; of a backup that has none nobody knows otherwise."""
    columns = tuple(row[1] for row in link.execute(f"PRAGMA table_info({TABLE})"))
    if columns == _FACTS:
        return True
    if columns != (*_FACTS, _CHECKSUM):
        return False
    (kept,) = link.execute(f"SELECT {_CHECKSUM} FROM {TABLE}").fetchone()  # noqa: S608 - a constant
    return bool(kept == _checksum(link, facts))


def _facts(link: sqlite3.Connection) -> Facts:
    found = link.execute(f"SELECT key, taken_at FROM {TABLE}").fetchone()  # noqa: S608 - a constant
    key, taken_at = found or (None, None)
    if not (isinstance(key, bytes) and len(key) == KEY_BYTES):
        raise sqlite3.DatabaseError("it does not say whose backup it is")
    if not (isinstance(taken_at, int) and 0 <= taken_at < INSTANT_LIMIT):
        raise sqlite3.DatabaseError("it does not say when it was taken")
    ((connections,),) = link.execute("SELECT count(*) FROM connections WHERE NOT hidden")
    ((pending,),) = link.execute("SELECT count(*) FROM connections WHERE phase = 'pending'")
    return Facts(key=key, taken_at=taken_at, connections=connections, pending=pending)
