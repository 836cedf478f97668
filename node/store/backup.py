"""Backups of a node's database: taken while the node runs, and put back on a node that does not.

A backup is a whole SQLite database with one more table, which says what it is: whose, of when, and the checksum of its
content, which is compared before anything is replaced. It holds no key and no secret (protocol section 3).

A node that finds that table when it starts knows that its memory is an old one; see `node.connections.restoring`. So it
makes no difference whether a backup is restored by the command or copied into place by hand, but for the checksum: what
is copied by hand is not compared.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from tempfile import mkstemp
from typing import TYPE_CHECKING, Final

from node.private_files import flush
from node.store.content import content_digest
from node.store.database import Database, StoreError
from protocol.limits import INSTANT_LIMIT, KEY_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable

    from node.ports import Transaction

TABLE: Final = "backup"
STEP_INSTRUCTIONS: Final = 100_000
"""How many instructions of SQLite's machine lie between two reports of progress."""

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


def take(
    database: Path, target: Path, *, key: bytes, now: float, progressed: Callable[[float], None] = lambda _part: None
) -> Facts:
    """Write a backup of a database that another process may be using; what was committed before is in it.

    The target appears once it is whole and on the disk, readable by its owner alone. `progressed` is told how large
    a part is done.

    Raises:
        BackupError: the target exists already or can't be written, or the database can't be read.
    """
    if not database.exists():
        raise BackupError(f"There is no database {database}.")
    _refuse_existing(target)
    partial = _partial(target)
    try:
        _vacuum(database, partial, progressed)
        facts = _mark(partial, key=key, now=now)
        flush(partial)
        _name_too(partial, target)
        flush(target.parent)
    except FileExistsError:
        raise _exists(target) from None
    except OSError as error:
        raise BackupError(f"{target} can't be written ({error.strerror}).") from None
    except sqlite3.Error as error:
        raise BackupError(f"The database {database} can't be copied to {target} ({error}).") from None
    finally:
        partial.unlink(missing_ok=True)
    return facts


def put_back(backup: Path, database: Path, *, key: bytes) -> tuple[Facts, Path | None]:
    """Replace a database that nobody uses by a backup; what it says of itself, and where the replaced one is now.

    The replaced database stays beside it, whole, also where it is damaged. The caller holds the directory's lock.

    Raises:
        BackupError: it is no backup, a damaged one, or of another node; nothing was changed.
        StoreError: it was written by a newer version.
    """
    new = database.with_name(database.name + ".restoring")
    try:
        _copy(backup, new)
        facts = read_facts(new, called=backup)
        if facts.key != key:
            raise BackupError(f"{backup} is a backup of another node.")
        _bring_up_to_date(new, called=backup)
        _give_to_owner(new)
        flush(new)
        replaced = _set_aside(database)
        new.replace(database)
        flush(database.parent)
    except OSError as error:
        raise BackupError(f"{database} can't be replaced ({error.strerror}).") from None
    finally:
        for suffix in ("", "-wal", "-shm", "-journal"):
            new.with_name(new.name + suffix).unlink(missing_ok=True)
    return facts, replaced


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


def _partial(target: Path) -> Path:
    """A new file beside the target, of this run alone: two backups to one target must not write one file."""
    try:
        descriptor, name = mkstemp(dir=target.parent, prefix=f"{target.name}.", suffix=".partial")
    except OSError as error:
        raise BackupError(f"{target} can't be written ({error.strerror}).") from None
    os.close(descriptor)
    return Path(name)


def _vacuum(database: Path, partial: Path, progressed: Callable[[float], None]) -> None:
    expected = max(database.stat().st_size, 1)

    def step() -> int:
        progressed(min(partial.stat().st_size / expected, 1.0))
        return 0

    with closing(sqlite3.connect(f"{database.absolute().as_uri()}?mode=rw", uri=True, isolation_level=None)) as link:
        link.execute("PRAGMA busy_timeout = 5000")
        link.set_progress_handler(step, STEP_INSTRUCTIONS)
        link.execute("VACUUM INTO ?", (str(partial),))  # one reader's snapshot: it waits for no writer and stops none
    progressed(1.0)


def _mark(partial: Path, *, key: bytes, now: float) -> Facts:
    taken_at = int(now)
    with closing(sqlite3.connect(partial, isolation_level=None)) as link:
        if _is_marked(link):  # what was put back and not started since is as old as that backup
            facts = _facts(link)
            key, taken_at = facts.key, facts.taken_at
            link.execute(f"DROP TABLE {TABLE}")
        link.execute(f"CREATE TABLE {TABLE} (key BLOB NOT NULL, taken_at INTEGER NOT NULL, {_CHECKSUM} BLOB)")
        link.execute(f"INSERT INTO {TABLE} (key, taken_at) VALUES (?, ?)", (key, taken_at))  # noqa: S608 - a constant
        facts = _facts(link)
        link.execute(f"UPDATE {TABLE} SET {_CHECKSUM} = ?", (_checksum(link, facts),))  # noqa: S608 - a constant
        return facts


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


def _copy(backup: Path, new: Path) -> None:
    try:
        new.unlink(missing_ok=True)
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as target, backup.open("rb") as source:
            shutil.copyfileobj(source, target)
    except OSError as error:
        raise BackupError(f"{backup} can't be copied to {new.parent} ({error.strerror}).") from None


def _give_to_owner(new: Path) -> None:
    """What root puts back must be the node's to open, which runs as the owner of its directory."""
    if os.geteuid() == 0:
        owner = new.parent.stat()
        os.chown(new, owner.st_uid, owner.st_gid)


def _bring_up_to_date(new: Path, *, called: Path) -> None:
    """Migrate it; closing it leaves one file without a log beside it."""
    try:
        database = Database(new)
    except StoreError as error:
        raise StoreError(str(error).replace(str(new), str(called))) from None
    database.close()


def _set_aside(database: Path) -> Path | None:
    """Give the present database a second name, with what its log still holds."""
    log = database.with_name(database.name + "-wal")
    if not database.exists():
        log.unlink(missing_ok=True)
        return None
    aside = _free_name(database)
    _empty_log(database)
    _name_too(database, aside)  # the old name stays until the backup takes it: there is a database at every moment
    if log.exists():  # only of a database that can't be opened
        log.replace(aside.with_name(aside.name + "-wal"))
    database.with_name(database.name + "-shm").unlink(missing_ok=True)
    return aside


def _empty_log(database: Path) -> None:
    """Bring what the log of a killed node holds into the database, if it can be read."""
    with contextlib.suppress(sqlite3.Error), closing(sqlite3.connect(database)) as link:
        link.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _name_too(file: Path, name: Path) -> None:
    """Give a file a second name, which must be free; where the file system has no such thing, copy it."""
    try:
        os.link(file, name)
    except FileExistsError:
        raise
    except OSError:
        descriptor = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as target, file.open("rb") as source:
            shutil.copyfileobj(source, target)
            target.flush()
            os.fsync(descriptor)


def _free_name(database: Path) -> Path:
    number = 1
    while (name := database.with_name(f"{database.name}.before-restore-{number}")).exists():
        number += 1
    return name


def _refuse_existing(target: Path) -> None:
    if target.exists() or target.is_symlink():
        raise _exists(target)


def _exists(target: Path) -> BackupError:
    return BackupError(f"{target} exists already.")
