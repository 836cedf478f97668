"""The database of the instance: threads that read, one that writes, group commit.

It is not the node's own database. A search through a million records, or a load of as many, must not hold up a
handshake, whose units of work run in the loop's thread. Readers see the node's database too, read only, as the table
of connections.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections import Counter, deque
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeVar

from sqlalchemy import create_engine
from sqlalchemy.exc import DatabaseError
from sqlalchemy.pool import StaticPool

from node.instance.connections_view import attach_connections
from node.instance.errors import ReadTooLongError
from node.instance.growing import grow
from node.instance.readers import CLOSED, READ_S_MAX, READERS, Readers, raw
from node.ports import StoreFullError
from node.store.database import StoreError, is_disk_full

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from sqlalchemy import Connection

    from node.instance.catalog import Catalog
    from node.instance.totals import Version

T = TypeVar("T")

UNITS_PER_COMMIT_MAX: Final = 64

STATEMENTS_KEPT_MAX: Final = 64
"""How many compiled statements each connection keeps; one of a hundred columns takes some hundred KiB."""

WRITER_CACHE_KIB: Final = 8_000
READER_CACHE_KIB: Final = 6_000


class Transaction:
    """What a unit of work gets.

    Attributes:
        connection: for SQLAlchemy's statements.
        catalog: the tables. A unit that adds one puts another catalog here, which counts from the commit on.
        touched: the roots of the tables that the unit has written to; it fills it itself.
    """

    __slots__ = ("_moment", "catalog", "connection", "touched")

    def __init__(self, connection: Connection, catalog: Catalog, moment: Moment | None = None) -> None:
        self.connection = connection
        self.catalog = catalog
        self.touched: set[str] = set()
        self._moment = moment

    def version(self, roots: Iterable[str]) -> Version | None:
        """Of which version of these tables everything is that was read so far, and is read from now on.

        None if that can't be said: something has been written to one of them meanwhile, or this unit writes.
        """
        return None if self._moment is None else self._moment.version(roots)


class Moment:
    """When a read began: how often each table had been written to then."""

    __slots__ = ("_as_of", "_begun")

    def __init__(self, done: Counter[str], begun: Counter[str]) -> None:
        """Take down how many writes are done; `begun` counts those that were begun, and goes on doing so."""
        self._as_of = dict(done)
        self._begun = begun

    def version(self, roots: Iterable[str]) -> Version | None:
        """As for `Transaction`: if none was begun since, what is read is what the last one left."""
        found = tuple(self._as_of.get(root, 0) for root in roots)
        return found if found == tuple(self._begun[root] for root in roots) else None


class InstanceDatabase:
    """An open instance database; all calls come from one event loop.

    Attributes:
        catalog: the tables, as of the last commit.
        versions: by root table, how often it was written to since the start.
        written: is told, in the loop, which roots a commit has written to.
    """

    def __init__(self, path: Path, *, node_database: Path | None) -> None:
        """Open it, making it or adding what it lacks; it takes some tenths of a second and may be done in a thread.

        Args:
            path: the file.
            node_database: the file of the node's own database, which must be there.

        Raises:
            StoreError: it can't be used, or is of a newer version.
        """
        self._writer = _connect(path, WRITER_CACHE_KIB)
        try:
            self.catalog = grow(self._writer, where=path)
            attach_connections(raw(self._writer), None)  # nothing is written to them, but records may refer to one
            self._reading = tuple(_reader(path, node_database) for _ in range(READERS))
        except BaseException:
            _disconnect(self._writer)
            raise
        self.versions: Counter[str] = Counter()
        self._begun: Counter[str] = Counter()  # as `versions`, but by the writer, before it commits
        self.written: list[Callable[[frozenset[str]], None]] = []
        self._readers = Readers(self._reading)
        self._writer_thread = ThreadPoolExecutor(1, thread_name_prefix="instance-write")
        self._waiting: deque[tuple[Callable[[Transaction], Any], asyncio.Future[Any]]] = deque()
        self._is_writing = False
        self._idle = asyncio.Event()
        self._idle.set()
        self._closing: asyncio.Task[None] | None = None

    async def read(self, unit: Callable[[Transaction], T]) -> T:
        """The result of a unit that only reads; it sees one moment. It may be run twice: see `Readers.read`.

        Raises:
            ReadTooLongError: it took longer than `READ_S_MAX` and was stopped.
            StoreError: the database was closed.
        """
        self._refuse_closed()
        return await self._readers.read(partial(_read, unit, self.catalog, self.versions, self._begun))

    async def write(self, unit: Callable[[Transaction], T]) -> T:
        """The result of a unit, after the commit that holds what it did; one that raises is undone alone.

        Raises:
            StoreError: the database was closed.
            StoreFullError: the disk is full; nothing of the unit was kept.
        """
        self._refuse_closed()
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._waiting.append((unit, future))
        if not self._is_writing:
            self._write_what_waits()
        return await future

    async def close(self) -> None:
        """Finish what was begun, and close it; whoever calls this again waits for the same end."""
        if self._closing is None:
            self._readers.refuse()
            self._closing = asyncio.create_task(self._finish())
        await asyncio.shield(self._closing)

    async def _finish(self) -> None:
        await self._idle.wait()
        await asyncio.to_thread(self._close)

    def _refuse_closed(self) -> None:
        if self._closing is not None:
            raise StoreError(CLOSED)

    def _close(self) -> None:
        self._readers.close()
        self._writer_thread.shutdown()
        for connection in (*self._reading, self._writer):
            _disconnect(connection)

    def _write_what_waits(self) -> None:
        jobs = [self._waiting.popleft() for _ in range(min(len(self._waiting), UNITS_PER_COMMIT_MAX))]
        self._is_writing = True
        self._idle.clear()
        running = asyncio.get_running_loop().run_in_executor(
            self._writer_thread, _write, self._writer, self.catalog, self._begun, [unit for unit, _ in jobs]
        )
        running.add_done_callback(partial(self._settle, [future for _, future in jobs]))

    def _settle(self, futures: Sequence[asyncio.Future[Any]], done: asyncio.Future[_Written]) -> None:
        error = done.exception()
        if error is None:
            results, self.catalog, touched = done.result()
            self.versions.update(touched)
            for tell in self.written:
                tell(touched)
        else:
            results = [error] * len(futures)
        for future, result in zip(futures, results, strict=True):
            if future.done():
                continue
            if isinstance(result, BaseException):
                future.set_exception(StoreFullError() if is_disk_full(result) else result)
            else:
                future.set_result(result)
        self._is_writing = False
        if self._waiting:
            self._write_what_waits()
        else:
            self._idle.set()


def _read(
    unit: Callable[[Transaction], T],
    catalog: Catalog,
    done: Counter[str],
    begun: Counter[str],
    connection: Connection,
) -> T:
    moment = Moment(done, begun)
    link = raw(connection)
    link.execute("BEGIN")
    try:
        return unit(Transaction(connection, catalog, moment))
    except Exception as error:
        if _is_interrupt(error):
            raise ReadTooLongError(READ_S_MAX) from error
        raise
    finally:
        _end(link)


def _end(link: sqlite3.Connection) -> None:
    """End what was read; a stop that comes only now must not leave it open."""
    try:
        link.execute("ROLLBACK")
    except sqlite3.OperationalError as error:
        if not _is_interrupt(error):
            raise
        link.execute("ROLLBACK")


def _is_interrupt(error: Exception) -> bool:
    return getattr(getattr(error, "orig", error), "sqlite_errorcode", None) == sqlite3.SQLITE_INTERRUPT


def _write(
    connection: Connection, catalog: Catalog, begun: Counter[str], units: Sequence[Callable[[Transaction], Any]]
) -> _Written:
    link = raw(connection)
    link.execute("BEGIN IMMEDIATE")
    touched: set[str] = set()
    try:
        results: list[Any] = []
        for unit in units:
            tx = Transaction(connection, catalog)
            link.execute("SAVEPOINT unit")
            try:
                results.append(unit(tx))
            except Exception as error:
                if not link.in_transaction:
                    raise  # a disk that is full or fails: SQLite has undone the whole transaction itself
                link.execute("ROLLBACK TO unit")
                results.append(error)
            else:
                catalog = tx.catalog
                touched |= tx.touched
            link.execute("RELEASE unit")
        begun.update(touched)
        try:
            link.execute("COMMIT")
        except BaseException:
            begun.subtract(touched)
            raise
    except BaseException:
        if link.in_transaction:
            link.execute("ROLLBACK")
        raise
    return results, catalog, frozenset(touched)


def _connect(path: Path, cache_kib: int) -> Connection:
    engine = create_engine(
        "sqlite+pysqlite://",
        creator=partial(sqlite3.connect, f"{path.absolute().as_uri()}", uri=True, check_same_thread=False),
        poolclass=StaticPool,
        query_cache_size=STATEMENTS_KEPT_MAX,
    )
    try:
        connection = engine.connect()
    except DatabaseError as error:
        raise StoreError(f"The instance database {path} can't be opened: {error.orig}.") from error
    link = raw(connection)
    link.isolation_level = None  # the driver must not open transactions of its own
    try:
        for pragma in (
            "journal_mode = WAL",
            "synchronous = FULL",
            "busy_timeout = 5000",
            f"cache_size = -{cache_kib}",
            "temp_store = MEMORY",
        ):
            link.execute(f"PRAGMA {pragma}")
    except sqlite3.Error as error:
        _disconnect(connection)
        raise StoreError(f"The instance database {path} can't be used: {error}.") from error
    return connection


def _reader(path: Path, node_database: Path | None) -> Connection:
    connection = _connect(path, READER_CACHE_KIB)
    attach_connections(raw(connection), node_database)
    raw(connection).execute("PRAGMA query_only = ON")
    return connection


def _disconnect(connection: Connection) -> None:
    engine = connection.engine
    connection.close()
    engine.dispose()


if TYPE_CHECKING:
    _Written = tuple[list[Any], Catalog, frozenset[str]]
