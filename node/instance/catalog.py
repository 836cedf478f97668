"""The dictionary as SQL: which physical tables hold the records, for SQLAlchemy to build statements from.

A hierarchy is one table: `task` holds incidents, problems and changes, told apart by `sys_class_name`.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

from sqlalchemy import Column, Float, Index, Integer, MetaData, String, Table

from node.instance.dictionary import Field, Kind
from node.instance.totals import Totals

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from sqlalchemy.types import TypeEngine

    from node.instance.dictionary import Dictionary

CONNECTION_TABLE: Final = "x_handclasp_connection"
"""The one table that is a view, over the node's own database."""

PLANS_MAX: Final = 64
"""A plan holds a statement of a hundred columns: some hundred KiB."""

T = TypeVar("T")

_TYPES: Final[dict[Kind, TypeEngine[Any]]] = {
    Kind.TEXT: String(collation="NOCASE"),
    Kind.IDENTITY: String(collation="NOCASE"),
    Kind.INTEGER: Integer(),
    Kind.BOOLEAN: Integer(),
    Kind.DECIMAL: Float(),
    Kind.INSTANT: String(),
    Kind.DAY: String(),
    Kind.SECRET: String(),
}


class Catalog:
    """A dictionary and its physical tables.

    Attributes:
        dictionary: the one that it was made from.
        metadata: the physical tables, for making them.
        plans: what was worked out for these tables and is kept: see `planned`.
        totals: how many records queries over these tables select.
    """

    def __init__(self, dictionary: Dictionary) -> None:
        self.dictionary = dictionary
        self.metadata = MetaData()
        self.plans: dict[Hashable, Any] = {}
        self.totals = Totals()
        for table in dictionary.tables:
            if table.extends is None:
                self._add(table.name)

    def physical(self, name: str) -> Table:
        """The SQL table that holds the records of a table; KeyError if there is no such table."""
        return self.metadata.tables[self.dictionary.root(name)]

    def planned(self, key: Hashable, make: Callable[[], T]) -> T:
        """What was made for that key; the first time, it is made, and too many let go of the oldest.

        It may be called by several threads.
        """
        found = self.plans.get(key)
        if found is None:
            while len(self.plans) >= PLANS_MAX:
                with suppress(RuntimeError, StopIteration):  # another thread does the same
                    self.plans.pop(next(iter(self.plans)), None)
            self.plans[key] = found = make()
        return cast("T", found)

    def _add(self, root: str) -> None:
        fields = self.dictionary.stored_fields(root)
        table = Table(root, self.metadata, *(_column(field) for field in fields.values()))
        is_hierarchy = self.dictionary.is_hierarchy(root)
        if is_hierarchy:
            _index(table, (CLASS,))  # narrow, for counting a class, and in the order in which its records were made
            _index(table, (CLASS, "sys_id"))
            if "watch_list" in table.c:  # few records are watched; who watches them is read in the index itself
                watched = table.c.watch_list
                Index(f"ix_{root}_watch_list", table.c[CLASS], watched, sqlite_where=watched.is_not(None))
        for field in fields.values():
            if field.is_indexed or field.is_unique:
                # within a class first: `incident` is a part of `task`
                led = (CLASS,) if is_hierarchy and field.name != CLASS else ()
                _index(table, (*led, field.name))
        for name in self.dictionary.classes(root):
            for names in self.dictionary[name].indexes:
                _index(table, names)


CLASS: Final = "sys_class_name"


def _column(field: Field) -> Column[Any]:
    return Column(field.name, _TYPES[field.kind], primary_key=field.name == "sys_id", nullable=field.name != "sys_id")


def _index(table: Table, names: tuple[str, ...]) -> None:
    name = f"ix_{table.name}_{'_'.join(names)}"
    if all(index.name != name for index in table.indexes):
        Index(name, *(table.c[one] for one in names))
