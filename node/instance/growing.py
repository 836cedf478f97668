"""Opening an instance database: what it lacks is added, what it has is left.

Tables only ever grow, so there are no migrations to write: a shipped table or field that is new is created, and the
records that describe the dictionary (`sys_db_object`, `sys_dictionary`, `sys_choice`) are added beside it.
"""

from __future__ import annotations

import hashlib
from functools import cache
from typing import TYPE_CHECKING, Final

from sqlalchemy import delete, inspect, select
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.exc import DatabaseError
from sqlalchemy.schema import CreateColumn

from node.instance.base_tables import BASE_TABLES
from node.instance.catalog import CONNECTION_TABLE, Catalog
from node.instance.customizing import custom_dictionary
from node.instance.describing import described
from node.instance.dictionary import Dictionary
from node.instance.first_records import FIRST_RECORDS
from node.instance.internal import internal, notes
from node.instance.query.statistics import write_statistics
from node.store.database import StoreError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from sqlalchemy import Connection

FORMAT: Final = 1
"""What `PRAGMA user_version` says; a higher one is of a newer version of this software."""

_SHIPPED: Final = "shipped"
"""The note that says what the database was last brought up to."""

_ROWS_AT_ONCE: Final = 200


def grow(connection: Connection, *, where: Path) -> Catalog:
    """Bring a database to what this version needs; the catalog of all its tables, an admin's own among them.

    Raises:
        StoreError: it is no instance database, or of a newer version.
    """
    try:
        version = connection.exec_driver_sql("PRAGMA user_version").scalar_one()
        if version > FORMAT:
            raise StoreError(
                f"{where} was written by a newer version of Handclasp (format {version}). Run that version, or restore "
                "a backup of this one."
            )
        catalog = shipped_catalog()
        if version == 0 or _shipped_then(connection) != _shipped_now():
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            _bring_up(connection, catalog, is_new=version == 0)
            connection.exec_driver_sql("COMMIT")
        catalog = with_custom_tables(connection, catalog)
    except DatabaseError as error:
        raise StoreError(f"The instance database {where} can't be used: {error.orig}.") from error
    return catalog


def _bring_up(connection: Connection, catalog: Catalog, *, is_new: bool) -> None:
    create(connection, catalog)
    internal.create_all(connection)
    if is_new:
        for table, record in FIRST_RECORDS:
            _add(connection, catalog, table, [record])
    for table, records in described(catalog.dictionary).items():
        _add(connection, catalog, table, records)
    connection.execute(insert(notes).prefix_with("OR REPLACE").values(name=_SHIPPED, value=_shipped_now()))
    connection.exec_driver_sql(f"PRAGMA user_version = {FORMAT}")


def mark_unfinished(connection: Connection) -> None:
    """Have the next opening add whatever is missing then: indexes that were left away for a while."""
    connection.execute(delete(notes).where(notes.c.name == _SHIPPED))


def _shipped_then(connection: Connection) -> str | None:
    return connection.execute(select(notes.c.value).where(notes.c.name == _SHIPPED)).scalar()


@cache
def shipped_catalog() -> Catalog:
    """It never changes, and takes a tenth of a second to make."""
    return Catalog(Dictionary(BASE_TABLES))


@cache
def _shipped_now() -> str:
    """A digest of all that this version ships, which an open database has if nothing is to be done."""
    return hashlib.sha256(repr((BASE_TABLES, FIRST_RECORDS, sorted(internal.tables))).encode()).hexdigest()


def create(connection: Connection, catalog: Catalog) -> None:
    """Create the physical tables, columns and indexes that are not there yet, and drop indexes of earlier versions."""
    found = inspect(connection)
    there = set(found.get_table_names())
    for table in catalog.metadata.sorted_tables:
        if table.name == CONNECTION_TABLE:
            continue
        if table.name not in there:
            table.create(connection)
            continue
        columns = {column["name"] for column in found.get_columns(table.name)}
        for column in table.c:
            if column.name not in columns:
                ddl = CreateColumn(column).compile(dialect=connection.dialect)
                connection.exec_driver_sql(f'ALTER TABLE "{table.name}" ADD COLUMN {ddl}')
        indexes = {index["name"] for index in found.get_indexes(table.name)}
        for index in table.indexes:
            if index.name not in indexes:
                index.create(connection)
        for name in indexes - {index.name for index in table.indexes}:
            connection.exec_driver_sql(f'DROP INDEX "{name}"')
    write_statistics(connection, catalog)


def with_custom_tables(connection: Connection, catalog: Catalog) -> Catalog:
    """The catalog with what admins have added, as `sys_db_object` and `sys_dictionary` tell it."""
    dictionary = custom_dictionary(connection, catalog)
    if dictionary is catalog.dictionary:
        return catalog
    grown = Catalog(dictionary)
    create(connection, grown)
    return grown


def _add(connection: Connection, catalog: Catalog, table: str, records: list[Mapping[str, object]]) -> None:
    physical = catalog.physical(table)
    names = sorted({name for record in records for name in record})
    rows = [{name: record.get(name) for name in names} for record in records]
    statement = insert(physical).on_conflict_do_nothing(index_elements=[physical.c.sys_id])
    for at in range(0, len(rows), _ROWS_AT_ONCE):
        connection.execute(statement, rows[at : at + _ROWS_AT_ONCE])
