"""What SQLite's planner is told of the tables: how many records each index entry leads to.

`ANALYZE` would count what is there, and so plan one way for an empty instance and another for a full one, and for a
sample of the first thousand incidents a third. Here a large instance is assumed from the beginning, since that is where
a wrong index costs seconds: plans are the same on every machine and on the day on which they are tested.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from node.instance.catalog import CLASS, CONNECTION_TABLE
from node.instance.dictionary import FieldType, Kind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

    from node.instance.catalog import Catalog
    from node.instance.dictionary import Field

_RECORDS: Final = {
    "task": 1_000_000,
    "sys_journal_field": 2_000_000,
    "sys_attachment": 100_000,
    "syslog": 100_000,
    "cmdb_ci": 100_000,
    "alm_asset": 100_000,
    "sys_user_group": 200,
    "cmn_department": 200,
    "cmn_location": 500,
    "core_company": 500,
}
"""How many records a table is taken to hold."""
_RECORDS_OF_OTHERS: Final = 10_000

_DISTINCT: Final = {Kind.BOOLEAN: 2, Kind.INTEGER: 8}
_DISTINCT_CHOICES: Final = 8
_DISTINCT_CLASSES: Final = 3
_RECORDS_PER_TEXT: Final = 4
_RECORDS_PER_LIST: Final = 10_000
_RECORDS_PER_REFERENCE_MIN: Final = 10  # of a reference that is mostly empty, too

_TABLES: Final = 300
_NAMING_TABLES: Final = frozenset({"table_name"})
_WORKERS: Final = 300
_WORKING: Final = frozenset({"assigned_to"})
"""Fields that name one of a few people: those who work on what all others call about."""

_NAMED: Final = frozenset({"number", "user_name", "sys_id"})
"""Fields whose values are nearly all different, though nothing enforces it."""


def planner_statistics(catalog: Catalog) -> Sequence[tuple[str, str, str]]:
    """Rows of `sqlite_stat1`: table, index, and its records followed by those that share 1, 2, … of its columns."""
    found = []
    for table in catalog.metadata.sorted_tables:
        if table.name == CONNECTION_TABLE:
            continue
        fields = catalog.dictionary.stored_fields(table.name)
        records = _RECORDS.get(table.name, _RECORDS_OF_OTHERS)
        found.append((table.name, f"sqlite_autoindex_{table.name}_1", f"{records} 1"))
        for index in sorted(table.indexes, key=lambda index: str(index.name)):
            # an index of some records alone is one of those that have a value where most have none
            shared = [records if index.dialect_options["sqlite"]["where"] is None else records // _RECORDS_PER_LIST]
            for column in index.columns:
                shared.append(max(shared[-1] // _distinct(fields[column.name], records), 1))
            found.append((table.name, str(index.name), " ".join(map(str, shared))))
    return found


def write_statistics(connection: Connection, catalog: Catalog) -> None:
    """Put them in place of those that are there; connections that are opened later go by them.

    Raises:
        sqlalchemy.exc.DatabaseError: the database can't be written to.
    """
    connection.exec_driver_sql("ANALYZE sqlite_schema")  # makes the table
    connection.exec_driver_sql("DELETE FROM sqlite_stat1")
    connection.exec_driver_sql(
        "INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES (?, ?, ?)", list(planner_statistics(catalog))
    )
    connection.exec_driver_sql("ANALYZE sqlite_schema")  # has this connection read it


def _distinct(field: Field, records: int) -> int:
    """How many values a field is taken to have among so many records."""
    if field.name == CLASS:
        return _DISTINCT_CLASSES
    if field.name in _NAMED or field.is_unique:
        return records
    if field.name in _NAMING_TABLES:
        return _TABLES
    if field.choices:
        return _DISTINCT_CHOICES
    if field.name in _WORKING:
        return _WORKERS
    if field.type is FieldType.REFERENCE:
        of_target = _RECORDS.get(field.reference or "", _RECORDS_OF_OTHERS)
        return max(min(of_target, records // _RECORDS_PER_REFERENCE_MIN), 1)
    if field.kind in (Kind.INSTANT, Kind.DAY):
        return records
    return _DISTINCT.get(field.kind, max(records // _RECORDS_PER_TEXT, 1))
