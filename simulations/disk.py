"""The disk of a simulated node: real SQLite in memory, whose durable bytes outlive a crash.

Every world starts from one prepared image, so that no schema is built in it. A database is used by one running node
at a time and then by the next: opening one costs more than a whole handshake, and its compiled statements stay.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Final

from node.store.backup import TABLE
from node.store.database import Database

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from sqlalchemy import Connection

SYNCHRONOUS_FULL: Final = 2
UNSYNCED_MAX: Final = 4
"""How many commits a disk may lose that was not told to wait for its platter."""


class Disk:
    """One database file and the machine's power over it.

    Attributes:
        database: the shipped `Database`; the running node's store uses it.
    """

    def __init__(self, database: Database) -> None:
        """Take over a database; `load` says what is on it."""
        self.database = database
        self._raw: sqlite3.Connection = database.connection.connection.driver_connection  # type: ignore[assignment]
        (self._synchronous,) = self._raw.execute("PRAGMA synchronous").fetchone()
        self._unsynced: list[bytes] = []

    @property
    def raw(self) -> sqlite3.Connection:
        """The driver's connection, for looking and never for writing."""
        return self._raw

    def load(self, image: bytes) -> None:
        """Put these bytes on the disk."""
        self._unsynced.clear()
        self._raw.deserialize(image)
        self._raw.execute(f"PRAGMA synchronous = {self._synchronous}")

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

    def transact(self, units: list[Callable[[Connection], Any]], *, is_full: bool = False) -> list[Any]:
        """Run units of work in one transaction, by the shipped `Database`.

        Raises:
            sqlalchemy.exc.DatabaseError: the disk is full, and nothing of any unit was kept.
        """
        if self._synchronous < SYNCHRONOUS_FULL:
            self._unsynced = [*self._unsynced, self.bytes_now()][-UNSYNCED_MAX:]
        if not is_full:
            return self.database.transact(units)
        (pages,) = self._raw.execute("PRAGMA page_count").fetchone()
        self._raw.execute(f"PRAGMA max_page_count = {pages}")
        try:
            return self.database.transact(units)
        finally:
            self._raw.execute("PRAGMA max_page_count = 4294967294")


class Disks:
    """The disks of this process: taken, given back, taken again."""

    def __init__(self) -> None:
        self._free: list[Disk] = []
        self._prepared: bytes | None = None

    @property
    def prepared(self) -> bytes:
        """The image of a database that nobody has used yet."""
        if self._prepared is None:
            database = Database(None)
            self._prepared = Disk(database).bytes_now()
            self._free.append(Disk(database))
        return self._prepared

    def stock(self, count: int) -> None:
        """See to it that so many can be taken without opening one: call it before a guard is armed."""
        _ = self.prepared
        while len(self._free) < count:
            self._free.append(Disk(Database(None)))

    def take(self, image: bytes) -> Disk:
        """A disk with these bytes."""
        disk = self._free.pop()
        disk.load(image)
        return disk

    def give_back(self, disk: Disk) -> None:
        """It may be taken again, unless it was left in the middle of a transaction."""
        if disk.raw.in_transaction:
            disk.database.close()
        else:
            self._free.append(disk)


DISKS: Final = Disks()


def marked_as_backup(image: bytes, key: bytes, taken_at: int) -> bytes:
    """The image with the table by which a node knows that its memory was put back; see `node.store.backup`."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as link:
        link.deserialize(image)
        link.execute(f"CREATE TABLE IF NOT EXISTS {TABLE} (key BLOB NOT NULL, taken_at INTEGER NOT NULL)")
        link.execute(f"INSERT INTO {TABLE} VALUES (?, ?)", (key, taken_at))  # noqa: S608 - a constant
        return link.serialize()
