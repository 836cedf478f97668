"""The records that a query selects, as statements of SQLAlchemy Core."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import Integer, and_, func, literal_column, select, true, union_all

from node.instance.catalog import CLASS, CONNECTION_TABLE
from node.instance.dictionary import Kind
from node.instance.people.access_rules import HANGING
from node.instance.query.filters import Filters
from node.instance.query.tree import Condition, Operator

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import ColumnElement, FromClause, Select

    from node.instance.dictionary import Field
    from node.instance.query.scope import Scope
    from node.instance.query.tree import Query

_ROW_NUMBER: Final[ColumnElement[int]] = literal_column("t0.rowid", Integer)  # of the first alias that a statement has


class Selection:
    """One query over one table, for one viewer.

    Values are bound parameters, tables and columns come from the catalog: nothing of the query's text is SQL.
    """

    def __init__(self, scope: Scope, table: str, query: Query, *, is_one: bool = False) -> None:
        """Work out what the query asks; `is_one` says that only one of its records will be asked for, by its sys_id.

        Raises:
            KeyError: there is no such table.
            QueryTooLargeError: it has too many conditions or joins too many tables.
        """
        filters = Filters(scope)
        self._query = query
        self._walk = filters.walk(table)
        asked = filters.all_of(query.groups, self._walk)
        self._asked = true() if asked is None else asked
        few = is_one or (table in HANGING and _looks_up(query, HANGING[table].record))
        self._where = and_(true(), *filters.members(self._walk.alias, table, few=few), self._asked)
        self._classes = _meant(filters.whole_classes(table), query, scope)
        self._aliases = filters.aliases
        self._filtering_count = self._walk.joined_count
        self._has_rowid = scope.catalog.dictionary.root(table) != CONNECTION_TABLE

    def column(self, path: str) -> ColumnElement[Any] | None:
        """The column of a field, or of one behind references, joining what leads to it.

        None if there is no such field, it is not the viewer's to read, or it is a journal, whose entries are records.
        """
        place = self._walk.place(path)
        return None if place is None or place.field.kind is Kind.JOURNAL else place.column

    def field(self, path: str) -> Field | None:
        """The dictionary's field at the end of a path; None as for `column`, but journals are fields too."""
        place = self._walk.place(path)
        return None if place is None else place.field

    @property
    def tables(self) -> frozenset[str]:
        """The physical tables that are looked into, all that may decide what is selected among them."""
        return frozenset(self._aliases.tables)

    def where(self) -> ColumnElement[bool]:
        """What a record fulfils that is selected; it is one that the viewer may read."""
        return self._where

    def source(self) -> FromClause:
        """The table and all that the query and the columns asked for so far lead to."""
        return self._walk.source()

    def page(
        self,
        columns: Sequence[ColumnElement[Any]],
        *,
        limit: int | ColumnElement[int],
        offset: int | ColumnElement[int],
    ) -> Select[Any]:
        """The columns of the records from `offset` on, in the query's order.

        Records that the order leaves equal stay as they were inserted, so pages neither repeat nor miss one.
        """
        order = self._order()
        if len(self._classes) > 1:
            return self._merged(columns, order, limit, offset)
        return (
            select(*columns)
            .select_from(self.source())
            .where(self._where)
            .order_by(*(_directed(column, down=down) for column, down in order))
            .limit(limit)
            .offset(offset)
        )

    def _merged(
        self,
        columns: Sequence[ColumnElement[Any]],
        order: Sequence[_Directed],
        limit: int | ColumnElement[int],
        offset: int | ColumnElement[int],
    ) -> Select[Any]:
        """The same page, for several classes: each is read in order by an index of its own, and SQLite merges them.

        All indexes begin with the class, so no one of them has the records of several classes in order.
        """
        names = [f"k{at}" for at in range(len(order))]
        keys = [_directed(literal_column(name), down=down) for name, (_, down) in zip(names, order, strict=True)]
        part = select(
            _ROW_NUMBER.label("row"), *(column.label(name) for name, (column, _) in zip(names, order, strict=True))
        ).select_from(self.source())
        of_class = self._walk.alias.c[CLASS]
        parts = [part.where(of_class == name, self._asked) for name in self._classes]
        found = union_all(*parts).order_by(*keys).limit(limit).offset(offset).subquery("found")
        source = self._walk.source(begun=found.join(self._walk.alias, found.c.row == _ROW_NUMBER))
        return select(*columns).select_from(source).order_by(*keys)

    def count(self) -> Select[Any]:
        """How many records are selected; what only orders or shows is not joined."""
        return select(func.count()).select_from(self._walk.source(self._filtering_count)).where(self._where)

    def _order(self) -> Sequence[_Directed]:
        """Columns, and whether each is descending.

        By reference fields in the order of what the other records are called, as people see them.
        """
        found: list[_Directed] = []
        is_descending = False
        for order in self._query.orders:
            place = self._walk.place(order.field)
            shown = None if place is None else self._walk.shown(place)
            if shown is None or shown.field.kind is Kind.JOURNAL:
                continue
            is_descending = order.is_descending
            found.append((shown.column, is_descending))
            if order.field == "sys_id":
                return found
        return (*found, (self._last(), is_descending))

    def _last(self) -> ColumnElement[Any]:
        """The end of each order: every index ends in the row's number, so SQLite need not sort for it."""
        if not self._has_rowid:  # a view
            last: ColumnElement[Any] = self._walk.alias.c["sys_id"]
            return last
        return _ROW_NUMBER


def _directed(column: ColumnElement[Any], *, down: bool) -> ColumnElement[Any]:
    return column.desc() if down else column.asc()


def _meant(classes: Sequence[str], query: Query, scope: Scope) -> Sequence[str]:
    """Those classes that a query asks for when it names some (`sys_class_name=incident`), else all of them."""
    if len(query.groups) != 1:
        return classes
    named = [
        _named(term, classes, scope)
        for term, *others in query.groups[0]
        if not others and isinstance(term, Condition) and term.field == CLASS and term.operator in _NAMING_CLASSES
    ]
    return [name for name in classes if all(name in some for some in named)]


def _named(term: Condition, classes: Sequence[str], scope: Scope) -> Sequence[str]:
    if term.operator is Operator.INSTANCE_OF:  # of a table that is not there for the viewer it says nothing
        is_there = scope.access.is_there(scope.viewer, term.value)
        return scope.catalog.dictionary.classes(term.value) if is_there else classes
    return term.value.lower().split(",")


def _looks_up(query: Query, key: str) -> bool:
    """Whether all that a query finds is found by the sys_ids that it names: a record's own, or what it hangs on."""
    return bool(query.groups) and all(
        any(
            isinstance(term, Condition) and term.field in {"sys_id", key} and term.operator in _NAMING and term.value
            for term, *others in group
            if not others
        )
        for group in query.groups
    )


_NAMING: Final = frozenset({Operator.IS, Operator.ONE_OF})
_NAMING_CLASSES: Final = _NAMING | {Operator.INSTANCE_OF}

if TYPE_CHECKING:
    _Directed = tuple[ColumnElement[Any], bool]
