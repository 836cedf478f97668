"""Statements that every handshake runs: written by SQLAlchemy once, then handed to the database driver as they are.

SQLAlchemy's own execution costs some 70 microseconds a statement, the driver's 5 to 10. What it would convert is
converted here or by the reader: a row's fields are those that the driver gives, so a boolean may be 0 or 1.
"""

from __future__ import annotations

from collections import namedtuple
from typing import TYPE_CHECKING, Any

from sqlalchemy import Select, bindparam

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from sqlalchemy import Column, ColumnElement, Delete, Insert, Update
    from sqlalchemy.engine.interfaces import DBAPICursor

    from node.ports import Transaction


def among(column: Column[Any], values: Iterable[str]) -> ColumnElement[bool]:
    """`column IN (…)` over values that never change: SQLAlchemy's own would be written anew at each run."""
    return column.in_([bindparam(None, value) for value in values])


class Prepared:
    """One statement with named parameters; all of them are given at each run."""

    __slots__ = ("_constants", "_names", "_row", "_sql", "_statement")

    def __init__(self, statement: Select[Any] | Insert | Update | Delete) -> None:
        """Take the statement; it is compiled at its first run, when its database is known."""
        self._statement = statement
        self._sql = ""
        self._names: Sequence[str] = ()
        self._constants: Mapping[str, object] = {}
        names = [str(column.key) for column in statement.selected_columns] if isinstance(statement, Select) else []
        row: Any = namedtuple("Row", names)  # type: ignore[misc]  # noqa: PYI024 - its names are the statement's
        self._row: Callable[[Sequence[Any]], Any] = row._make

    def run(self, tx: Transaction, parameters: Mapping[str, object]) -> DBAPICursor:
        """Run it in the transaction; the driver's cursor.

        Raises:
            the driver's own errors.
        """
        if not self._sql:
            self._compile(tx)
        given = {**self._constants, **parameters} if self._constants else parameters
        cursor = tx.connection.cursor()
        cursor.execute(self._sql, tuple(map(given.__getitem__, self._names)))
        return cursor

    def rows(self, tx: Transaction, parameters: Mapping[str, object]) -> list[Any]:
        """Run it and take all rows, with their columns by name."""
        return list(map(self._row, self.run(tx, parameters).fetchall()))

    def first(self, tx: Transaction, parameters: Mapping[str, object]) -> Any | None:
        """Run it and take its first row, none if there is none."""
        row = self.run(tx, parameters).fetchone()
        return None if row is None else self._row(row)

    def scalar(self, tx: Transaction, parameters: Mapping[str, object]) -> Any:
        """Run it and take the first column of its one row."""
        (row,) = self.run(tx, parameters).fetchall()
        return row[0]

    def _compile(self, tx: Transaction) -> None:
        compiled = self._statement.compile(dialect=tx.dialect)
        self._names = compiled.positiontup or ()
        self._constants = {name: value for name, value in compiled.params.items() if value is not None}
        self._sql = str(compiled)
