"""The node's database: opened with the settings that make a commit durable, and brought to this version's schema.

One connection, one writer. Every transaction takes the write lock at once (`BEGIN IMMEDIATE`), so that nothing
can slip between what a unit of work reads and what it writes.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import create_engine, event, insert, inspect, select
from sqlalchemy.exc import DatabaseError, OperationalError
from sqlalchemy.pool import StaticPool

from node.store.schema import SCHEMA_REVISION, metadata, schema_revision

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from sqlalchemy import Connection, Engine

T = TypeVar("T")

_SCHEMA_VERSION = select(schema_revision.c.version_num)


class StoreError(Exception):
    """The database can't be used; the text is a sentence that says why and what to do."""


class Database:
    """An open SQLite database. It is used from one thread."""

    def __init__(self, path: Path | None) -> None:
        """Open it, making or migrating it as needed; without a path it is kept in memory.

        Raises:
            StoreError: it can't be opened, isn't a database, or is of a newer version.
        """
        self._where = str(path) if path is not None else ":memory:"
        self.engine = _engine(self._where)
        with contextlib.ExitStack() as opened:
            opened.callback(self.engine.dispose)
            try:
                self.connection: Connection = opened.enter_context(self.engine.connect())
                self._prepare()
            except DatabaseError as error:
                raise StoreError(f"The database {self._where} can't be used: {error.orig}.") from error
            opened.pop_all()

    def _prepare(self) -> None:
        # an integer column may hold what the design keeps below 2^53; nothing else is assumed of SQLite here
        found = _revision(self.connection)
        if found == SCHEMA_REVISION:
            return
        if found is None:
            with self.connection.begin():
                metadata.create_all(self.connection)
                self.connection.execute(insert(schema_revision).values(version_num=SCHEMA_REVISION))
            return
        from node.store.migrate import migrate  # noqa: PLC0415 - Alembic takes 0.2 s to load and is seldom needed

        migrate(self.connection, found=found, where=self._where)

    def transact(self, units: Sequence[Callable[[Connection], Any]]) -> list[Any]:
        """Run units of work in one transaction with one commit (group commit).

        A unit that raises is undone alone; its exception stands in the result in its place.

        Raises:
            sqlalchemy.exc.DatabaseError: the commit failed, and nothing of any unit was kept.
        """
        results: list[Any] = []
        raw: sqlite3.Connection = self.connection.connection.driver_connection  # type: ignore[assignment]
        with self.connection.begin():
            for unit in units:
                raw.execute("SAVEPOINT unit")
                try:
                    results.append(unit(self.connection))
                except Exception as error:  # noqa: BLE001 - handed to the unit's own caller
                    raw.execute("ROLLBACK TO unit")
                    results.append(error)
                raw.execute("RELEASE unit")
        return results

    def close(self) -> None:
        """Close it; what was committed is on disk."""
        self.connection.close()
        self.engine.dispose()


def _engine(where: str) -> Engine:
    engine = create_engine(
        f"sqlite+pysqlite:///{where}", poolclass=StaticPool, connect_args={"check_same_thread": False}
    )

    @event.listens_for(engine, "connect")
    def configure(raw: sqlite3.Connection, _record: object) -> None:
        raw.isolation_level = None  # the driver must not open transactions of its own
        for pragma in (
            "journal_mode = WAL",
            "synchronous = FULL",  # NORMAL in WAL survives a kill, but not a power cut
            "foreign_keys = ON",
            "busy_timeout = 5000",
            "cache_size = -8000",
        ):
            raw.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


def _revision(connection: Connection) -> str | None:
    try:
        with connection.begin():
            return connection.execute(_SCHEMA_VERSION).scalar()
    except OperationalError:
        with connection.begin():
            if inspect(connection).get_table_names():
                raise StoreError("The database holds tables that Handclasp did not make.") from None
        return None
