"""Statements that are run often: written by SQLAlchemy once, then handed to the database driver as they are.

SQLAlchemy's own execution costs some 70 microseconds a statement, several times that for one of a hundred columns; the
driver's 5 to 10. What it would convert is converted here or by the reader: a row's fields are those that the driver
gives, so a boolean may be 0 or 1.
"""

from __future__ import annotations

from collections import namedtuple
from typing import TYPE_CHECKING, Any

from sqlalchemy import Select

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from sqlalchemy import Delete, Insert, Update
    from sqlalchemy.engine.interfaces import DBAPICursor

    from node.ports import Transaction


class Prepared:
    """One statement with named parameters; all of them are given at each run."""

    __slots__ = ("_constants", "_names", "_row", "_sql", "_statement")

    def __init__(self, statement: Select[Any] | Insert | Update | Delete) -> None:
        """Take the statement; it is compiled at its first run, when its database is known.

        Values that stand in it are what they are; none of them may be None, which is `null()`.
        """
        self._statement = statement
        self._sql = ""
        self._names: Sequence[str] = ()
        self._constants: Mapping[str, object] = {}
        self._row: Callable[[Sequence[Any]], Any] | None = None

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
        return list(map(self._named(), self.run(tx, parameters).fetchall()))

    def first(self, tx: Transaction, parameters: Mapping[str, object]) -> Any | None:
        """Run it and take its first row, none if there is none."""
        row = self.run(tx, parameters).fetchone()
        return None if row is None else self._named()(row)

    def scalar(self, tx: Transaction, parameters: Mapping[str, object]) -> Any:
        """Run it and take the first column of its one row."""
        (row,) = self.run(tx, parameters).fetchall()
        return row[0]

    def _named(self) -> Callable[[Sequence[Any]], Any]:
        if self._row is None:  # a type of a hundred fields takes a millisecond to make, and many never ask for it
            statement = self._statement
            names = [str(column.key) for column in statement.selected_columns] if isinstance(statement, Select) else []
            row: Any = namedtuple("Row", names, rename=True)  # type: ignore[misc]  # noqa: PYI024 - the statement's names
            self._row = row._make
        return self._row

    def _compile(self, tx: Transaction) -> None:
        compiled = self._statement.compile(dialect=tx.dialect)
        asked = dict.fromkeys(name for name, value in compiled.params.items() if value is None)
        written = compiled.construct_expanded_state(asked)  # with each `IN (…)` as long as its list
        self._names = written.positiontup or ()
        self._constants = {name: value for name, value in written.parameters.items() if value is not None}
        self._sql = written.statement  # the last one: several threads may come here at once
