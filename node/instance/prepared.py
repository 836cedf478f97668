"""Statements that are worked out once and run often.

What SQLAlchemy does for each run of a statement of a hundred columns takes several times as long as SQLite's part.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import bindparam

from node.instance.readers import raw

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping

    from sqlalchemy import BindParameter, ClauseElement, Connection
    from sqlalchemy.sql.compiler import SQLCompiler

    from node.instance.values import Stored


def parameter(name: str) -> BindParameter[Any]:
    """What stands in a statement for a value that each run gives."""
    return bindparam(name, required=False)


class Prepared:
    """A statement, compiled. Its errors are the driver's own, `sqlite3.Error`; its rows are tuples of stored values."""

    __slots__ = ("_fixed", "_names", "_sql")

    def __init__(self, statement: ClauseElement, connection: Connection) -> None:
        """Compile it for the database of that connection; it may be run on all others."""
        compiled = cast(
            "SQLCompiler",
            statement.compile(dialect=connection.dialect, compile_kwargs={"render_postcompile": True}),
        )
        self._sql = str(compiled)
        self._fixed: dict[str, Stored] = dict(compiled.params)
        self._names = tuple(compiled.positiontup or ())

    def run(self, connection: Connection, values: Mapping[str, Stored]) -> sqlite3.Cursor:
        """Run it with the values of its parameters; one without a value is NULL."""
        fixed = self._fixed
        parameters = [values[name] if name in values else fixed[name] for name in self._names]
        return raw(connection).execute(self._sql, parameters)
