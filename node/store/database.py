"""The node's database: opened with the settings that make a commit durable, and brought to this version's schema.

One connection, one writer. Every transaction takes the write lock at once (`BEGIN IMMEDIATE`), so that nothing
can slip between what a unit of work reads and what it writes.
"""

from __future__ import annotations

import contextlib
import sqlite3
from typing import TYPE_CHECKING, Any

from sqlalchemy import create_engine, event, insert, inspect, select
from sqlalchemy.exc import DatabaseError, DBAPIError, OperationalError
from sqlalchemy.pool import StaticPool

from node.store.schema import SCHEMA_REVISION, metadata, schema_revision

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from sqlalchemy import Connection, Engine

_BEGIN = "BEGIN IMMEDIATE"
_SCHEMA_VERSION = select(schema_revision.c.version_num)


def is_disk_full(error: BaseException) -> bool:
    """Whether a database could not keep something because it may not grow: its disk is full."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    return isinstance(cause, sqlite3.Error) and getattr(cause, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL


class StoreError(Exception):
    """The database can't be used; the text is a sentence that says why and what to do."""


class Database:
    """An open SQLite database; one call at a time."""

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
                self._raw: sqlite3.Connection = self.connection.connection.driver_connection  # type: ignore[assignment]
                self._prepare()
            except DatabaseError as error:
                raise StoreError(f"The database {self._where} can't be used: {error.orig}.") from error
            # what `execute` runs stands between its own BEGIN and COMMIT: SQLAlchemy's cost several times what they do
            event.remove(self.engine, "begin", _begin_immediate)
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
        """Run units of work in one transaction with one commit; see `execute` and `commit`."""
        results, _ = self.execute(units)
        self.commit()
        return results

    def execute(self, units: Sequence[Callable[[Connection], Any]]) -> tuple[list[Any], bool]:
        """Begin a transaction and run units of work in it; their results, and whether there is anything to sync.

        A unit that raises is undone alone; its exception stands in the result in its place.

        Raises:
            sqlite3.Error, sqlalchemy.exc.DatabaseError: no transaction could be begun, or the disk failed within it;
                nothing of any unit was kept.
        """
        raw = self._raw
        changes = raw.total_changes
        raw.execute(_BEGIN)
        try:
            results = [self._alone(unit) for unit in units] if len(units) > 1 else [self._only(unit) for unit in units]
        except BaseException:
            if raw.in_transaction:
                raw.execute("ROLLBACK")
            raise
        return results, raw.total_changes != changes

    def _alone(self, unit: Callable[[Connection], Any]) -> Any:
        """The result of a unit, or its exception once what it did is undone."""
        raw = self._raw
        raw.execute("SAVEPOINT unit")
        try:
            result = unit(self.connection)
        except Exception as error:
            if not raw.in_transaction:
                raise  # a disk that is full or fails: SQLite has undone the whole transaction itself
            raw.execute("ROLLBACK TO unit")
            result = error
        raw.execute("RELEASE unit")
        return result

    def _only(self, unit: Callable[[Connection], Any]) -> Any:
        """The same of a transaction's only unit: what it did is undone with the transaction, and another one begun."""
        raw = self._raw
        try:
            return unit(self.connection)
        except Exception as error:
            if not raw.in_transaction:
                raise  # as above
            raw.execute("ROLLBACK")
            raw.execute(_BEGIN)
            return error

    def commit(self) -> None:
        """Make what was executed durable. It may be called in another thread than `execute`, while nobody executes.

        Raises:
            sqlite3.Error: the commit failed, and nothing of any unit was kept.
        """
        try:
            self._raw.execute("COMMIT")
        except sqlite3.Error:
            if self._raw.in_transaction:
                self._raw.execute("ROLLBACK")
            raise

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

    event.listen(engine, "begin", _begin_immediate)
    return engine


def _begin_immediate(connection: Connection) -> None:
    connection.exec_driver_sql(_BEGIN)


def _revision(connection: Connection) -> str | None:
    try:
        with connection.begin():
            return connection.execute(_SCHEMA_VERSION).scalar()
    except OperationalError:
        with connection.begin():
            if inspect(connection).get_table_names():
                raise StoreError("The database holds tables that Handclasp did not make.") from None
        return None
