"""From a table through its references: where the field at the end of a path stands in the statement.

`caller_id.department.name` is two LEFT JOINs of aliases, one for each path however often it is used. What a viewer may
not read is not there: an unreadable field has no place, an unreadable record is as a reference to nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakKeyDictionary

from sqlalchemy import and_

from node.instance.dictionary import Field, FieldType, Kind
from node.instance.query.limits import QueryTooLargeError, joined_tables_max

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlalchemy import ColumnElement, FromClause

    from node.instance.catalog import Catalog
    from node.instance.query.scope import Scope

_DISPLAYS_IN_A_ROW_MAX: Final = 3  # a display field may be a reference itself, and in a made-up dictionary to itself

_aliases: WeakKeyDictionary[Catalog, dict[tuple[str, int], FromClause]] = WeakKeyDictionary()


class Aliases:
    """Aliases for one statement: `t0`, `t1` … in the order in which they are asked for.

    They are kept with the catalog and used by all statements, since making one costs more than the rest of a query.

    Attributes:
        count: how many there are; set back, it gives those away again that came to nothing.
        tables: the physical tables behind them.
    """

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._kept = _aliases.setdefault(catalog, {})
        self.count = 0
        self.tables: set[str] = set()

    def next(self, table: str) -> FromClause:
        """One more alias of the physical table that holds the table's records.

        Raises:
            QueryTooLargeError: there are too many already.
        """
        if self.count > joined_tables_max:
            raise QueryTooLargeError(
                f"The query joins more than {joined_tables_max} tables. Use fewer paths through references."
            )
        physical = self._catalog.physical(table)
        self.tables.add(physical.name)
        key = (physical.name, self.count)
        if key not in self._kept:
            self._kept[key] = physical.alias(f"t{self.count}")
        self.count += 1
        return self._kept[key]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a field stands.

    Attributes:
        table: whose field it is.
        path: the field, or the path that leads to it.
        links: what holds where each reference of the path leads to a record that may be read.
    """

    table: str
    field: Field
    alias: FromClause
    path: str
    links: tuple[ColumnElement[bool], ...] = ()

    @property
    def column(self) -> ColumnElement[Any]:
        """Its column; a journal field has none."""
        column: ColumnElement[Any] = self.alias.c[self.field.name]
        return column


@dataclass(frozen=True, slots=True, kw_only=True)
class _Joined:
    alias: FromClause
    link: ColumnElement[bool]
    on: ColumnElement[bool]


class Walk:
    """One FROM: a table and what is reached from it.

    Attributes:
        table: the dictionary's table.
        alias: its physical table.
    """

    def __init__(
        self,
        scope: Scope,
        table: str,
        alias: FromClause,
        aliases: Aliases,
        members: Callable[[FromClause, str], Sequence[ColumnElement[bool]]],
    ) -> None:
        """Begin at a table; `members` says what a record behind an alias has to fulfil to be one that may be read."""
        self.table = table
        self.alias = alias
        self._scope = scope
        self._aliases = aliases
        self._members = members
        self._joined: dict[str, _Joined] = {}

    @property
    def joined_count(self) -> int:
        """How many tables were reached so far."""
        return len(self._joined)

    def place(self, path: str) -> Place | None:
        """Where the field stands, joining what leads to it; None if there is none or the viewer may not read it.

        Raises:
            QueryTooLargeError: too many tables are joined.
        """
        *through, last = path.split(".")
        table, alias, walked = self.table, self.alias, ""
        links: list[ColumnElement[bool]] = []
        for name in through:
            field = self._readable(table, name)
            if field is None or field.type is not FieldType.REFERENCE or field.reference is None:
                return None
            walked = f"{walked}.{name}" if walked else name
            joined = self._reach(walked, alias, field)
            alias, table = joined.alias, field.reference
            links.append(joined.link)
        field = self._readable(table, last)
        if field is None:
            return None
        return Place(table=table, field=field, alias=alias, path=path, links=tuple(links))

    def shown(self, place: Place) -> Place | None:
        """Where that stands by which people know the record that a reference leads to; any other field itself."""
        for _ in range(_DISPLAYS_IN_A_ROW_MAX):
            if place.field.type is not FieldType.REFERENCE or place.field.reference is None:
                return place
            display = self._scope.catalog.dictionary.display_field(place.field.reference)
            found = self.place(f"{place.path}.{display.name}")
            if found is None:
                return None
            place = found
        return None

    def source(self, joined_count: int | None = None, *, begun: FromClause | None = None) -> FromClause:
        """The FROM with all that was reached, or the first so many of it; it may begin with more than the table."""
        source: FromClause = self.alias if begun is None else begun
        for joined in list(self._joined.values())[:joined_count]:
            source = source.outerjoin(joined.alias, joined.on)
        return source

    def _readable(self, table: str, name: str) -> Field | None:
        field = self._scope.catalog.dictionary.fields(table).get(name)
        if field is None or field.kind is Kind.SECRET:
            return None
        return field if self._scope.access.may_read_field(self._scope.viewer, table, name) else None

    def _reach(self, path: str, before: FromClause, field: Field) -> _Joined:
        joined = self._joined.get(path)
        if joined is None:
            target = field.reference or ""
            alias = self._aliases.next(target)
            link = alias.c.sys_id == before.c[field.name]
            on = and_(link, *self._members(alias, target))
            joined = self._joined[path] = _Joined(alias=alias, link=link, on=on)
        return joined
