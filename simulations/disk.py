"""The disk of a simulated node: real SQLite in memory, whose durable bytes outlive a crash.

Every world starts from one prepared image, so that no schema is built in it. A database is used by one running node
at a time and then by the next: opening one costs more than a whole handshake, and its compiled statements stay.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing, contextmanager
from hashlib import blake2b
from typing import TYPE_CHECKING, Final

from node.backups.marking import TABLE
from node.store.database import Database
from simulations.rows import TOUCHED, WATCHING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SYNCHRONOUS_FULL: Final = 2
PAGES_MAX: Final = 4294967294
"""As many as SQLite allows."""
PAGE_BYTES: Final = 512
"""SQLite's smallest: nearly every change then needs a page more, so a disk that is full is noticed."""

UNSYNCED_MAX: Final = 4
"""How many commits a disk may lose that was not told to wait for its platter."""


class Disk:
    """One database file and the machine's power over it.

    Attributes:
        database: the shipped `Database`; the running node's store uses it.
        touched: the numbers of connections whose rows were written; whoever looks at them strikes them out.
    """

    def __init__(self, database: Database) -> None:
        """Take over a database; `load` says what is on it."""
        self.database = database
        self._raw: sqlite3.Connection = database.connection.connection.driver_connection  # type: ignore[assignment]
        self.touched: set[int] = set()
        self._raw.create_function(TOUCHED, 1, self.touched.add)
        self._raw.execute("PRAGMA recursive_triggers = ON")  # else what REPLACE deletes is not told
        (self._synchronous,) = self._raw.execute("PRAGMA synchronous").fetchone()
        self._unsynced: list[bytes] = []
        self._raw_before: bytes | None = None

    @property
    def raw(self) -> sqlite3.Connection:
        """The driver's connection, for looking and never for writing."""
        return self._raw

    def load(self, image: bytes) -> None:
        """Put these bytes on the disk."""
        self._unsynced.clear()
        self._raw.deserialize(image)
        self._raw.execute(f"PRAGMA synchronous = {self._synchronous}")
        self._raw_before = image if self._synchronous < SYNCHRONOUS_FULL else None

    def bytes_now(self) -> bytes:
        """What a reader of the file sees."""
        return self._raw.serialize()

    def bytes_after_power_cut(self, lost: Callable[[int], int]) -> bytes:
        """What is left when the power goes.

        Args:
            lost: asked, with the number of commits that may be lost, how many are. With `synchronous=FULL`, which
                the shipped node sets, there is none to lose and it is not asked.
        """
        if self._synchronous >= SYNCHRONOUS_FULL or not self._unsynced:
            return self.bytes_now()
        images = [*self._unsynced, self.bytes_now()]
        return images[len(images) - 1 - lost(len(self._unsynced))]

    def commit(self) -> None:
        """Make what was executed durable, as far as the node asked the disk to wait for its platter."""
        before = self._raw_before
        self.database.commit()
        if before is not None:
            self._unsynced = [*self._unsynced, before][-UNSYNCED_MAX:]
            self._raw_before = self._raw.serialize()

    def undo(self) -> None:
        """Forget what was executed and not committed."""
        if self._raw.in_transaction:
            self._raw.execute("ROLLBACK")

    @contextmanager
    def no_room(self) -> Iterator[None]:
        """While it is full no file grows: SQLite finds no page more."""
        (pages,) = self._raw.execute("PRAGMA page_count").fetchone()
        self._raw.execute(f"PRAGMA max_page_count = {pages}")
        try:
            yield
        finally:
            self._raw.execute(f"PRAGMA max_page_count = {PAGES_MAX}")


class Disks:
    """The disks of this process: taken, given back, taken again.

    Attributes:
        free: those that nobody uses.
    """

    def __init__(self) -> None:
        self.free: list[Disk] = []
        self._prepared: bytes | None = None

    @property
    def prepared(self) -> bytes:
        """The image of a database that nobody has used yet."""
        if self._prepared is None:
            disk = Disk(Database(None))
            self._prepared = _watched_in_small_pages(disk.raw)
            self.free.append(disk)
        return self._prepared

    def stock(self, count: int) -> None:
        """See to it that so many can be taken without opening one: call it before a guard is armed."""
        _ = self.prepared
        while len(self.free) < count:
            self.free.append(Disk(Database(None)))

    def take(self, image: bytes) -> Disk:
        """A disk with these bytes."""
        disk = self.free.pop()
        disk.load(image)
        return disk

    def give_back(self, disk: Disk) -> None:
        """It may be taken again."""
        if disk.raw.in_transaction:
            disk.database.close()
        else:
            self.free.append(disk)


DISKS: Final = Disks()


def _watched_in_small_pages(database: sqlite3.Connection) -> bytes:
    """The same database, but for the size of its pages, and for who is told of what is written.

    Indexes are made in the order of their names: SQLAlchemy keeps a table's in a set, so each process would make them
    in an order of its own, and a disk that fills would fill at another page.
    """
    dump = list(database.iterdump())
    indexes = sorted(line for line in dump if line.startswith(("CREATE INDEX", "CREATE UNIQUE INDEX")))
    others = [line for line in dump if line not in indexes]
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as link:
        link.execute(f"PRAGMA page_size = {PAGE_BYTES}")
        link.executescript("\n".join([*others, *indexes, WATCHING]))
        return link.serialize()


def marked_as_backup(image: bytes, key: bytes, taken_at: int) -> bytes:
    """The image with the table by which a node knows that its memory was put back; see `node.backups.marking`.

    It gets a schema version of its own. A connection keeps the statements that it has compiled, and SQLite takes them
    for valid while the version is the same: a `DROP TABLE` compiled for another image would free the wrong page.
    """
    version = int.from_bytes(blake2b(image, digest_size=4).digest()) >> 1
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as link:
        link.deserialize(image)
        link.execute(f"CREATE TABLE IF NOT EXISTS {TABLE} (key BLOB NOT NULL, taken_at INTEGER NOT NULL)")
        link.execute(f"INSERT INTO {TABLE} VALUES (?, ?)", (key, taken_at))  # noqa: S608 - a constant
        link.execute(f"PRAGMA schema_version = {version}")
        return link.serialize()
