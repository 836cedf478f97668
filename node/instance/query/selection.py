"""The records that a query selects, as statements of SQLAlchemy Core."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import Integer, and_, func, literal_column, select, true

from node.instance.catalog import CONNECTION_TABLE
from node.instance.dictionary import Kind
from node.instance.query.filters import Filters

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

    def __init__(self, scope: Scope, table: str, query: Query) -> None:
        """Work out what the query asks.

        Raises:
            KeyError: there is no such table.
            QueryTooLargeError: it has too many conditions or joins too many tables.
        """
        filters = Filters(scope)
        self._query = query
        self._walk = filters.walk(table)
        asked = filters.all_of(query.groups, self._walk)
        conditions = [*filters.members(self._walk.alias, table), *(() if asked is None else (asked,))]
        self._where = and_(true(), *conditions)
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
        return (
            select(*columns).select_from(self.source()).where(self._where).order_by(*order).limit(limit).offset(offset)
        )

    def count(self) -> Select[Any]:
        """How many records are selected; what only orders or shows is not joined."""
        return select(func.count()).select_from(self._walk.source(self._filtering_count)).where(self._where)

    def _order(self) -> Sequence[ColumnElement[Any]]:
        """By reference fields in the order of what the other records are called, as people see them."""
        found: list[ColumnElement[Any]] = []
        is_descending = False
        for order in self._query.orders:
            place = self._walk.place(order.field)
            shown = None if place is None else self._walk.shown(place)
            if shown is None or shown.field.kind is Kind.JOURNAL:
                continue
            is_descending = order.is_descending
            found.append(shown.column.desc() if is_descending else shown.column.asc())
            if order.field == "sys_id":
                return found
        last = self._last()
        return (*found, last.desc() if is_descending else last.asc())

    def _last(self) -> ColumnElement[Any]:
        """The end of each order: every index ends in the row's number, so SQLite need not sort for it."""
        if not self._has_rowid:  # a view
            last: ColumnElement[Any] = self._walk.alias.c["sys_id"]
            return last
        return _ROW_NUMBER
