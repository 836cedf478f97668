"""Reading records: a page of those that a query selects, or one by its sys_id."""

from __future__ import annotations

import re
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import bindparam, false, null, select

from node.instance.catalog import CONNECTION_TABLE
from node.instance.dictionary import CLASS_FIELD, Kind
from node.instance.errors import BadRequestError, InvalidTableError, NoRecordError
from node.instance.query.grammar import parse
from node.instance.query.limits import QueryTooLargeError
from node.instance.query.selection import Selection
from node.instance.records.representing import Cell, Names, represent
from node.store.prepared import Prepared

if TYPE_CHECKING:
    from collections.abc import Generator, Hashable, Sequence

    from sqlalchemy import CursorResult, Row, Select

    from node.instance.database import Transaction
    from node.instance.query.scope import Scope
    from node.instance.query.tree import Query
    from node.instance.records.representing import Shown, Style

PAGE_MAX: Final = 10_000
"""How many records one answer holds: also what it holds if no limit is asked for, as ServiceNow documents."""

RECORDS_AT_ONCE: Final = 200
"""How many records are held at a time: a megabyte of JSON, of incidents with all their display values."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """Which records of a table are asked for.

    Attributes:
        fields: paths; none: every field of the table.
        is_counted: whether the total is wanted too.
    """

    table: str
    query: str = ""
    fields: tuple[str, ...] | None = None
    limit: int = PAGE_MAX
    offset: int = 0
    is_counted: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Some of the records; `total` is how many the query selects, if that was wanted."""

    records: list[dict[str, Shown]]
    total: int | None


def selection_of(scope: Scope, table: str, query: str | Query, *, is_one: bool = False) -> Selection:
    """A query over a table; `is_one` as for `Selection`.

    Raises:
        InvalidTableError, BadRequestError: there is no such table, or the query is too large.
    """
    if not scope.access.is_there(scope.viewer, table):
        raise InvalidTableError(table)
    try:
        return Selection(scope, table, parse(query) if isinstance(query, str) else query, is_one=is_one)
    except QueryTooLargeError as error:
        raise BadRequestError("Invalid query", str(error)) from error


def list_records(tx: Transaction, scope: Scope, listing: Listing, style: Style) -> Page:
    """A page of records.

    Raises:
        InvalidTableError, BadRequestError: as for `selection_of`.
    """
    total, parts = list_in_parts(tx, scope, listing, style)
    return Page(records=[record for part in parts for record in part], total=total)


def list_in_parts(tx: Transaction, scope: Scope, listing: Listing, style: Style) -> tuple[int | None, Parts]:
    """The total, if it is wanted, and the records of a page, some at a time: a large page takes long and much room.

    Raises:
        InvalidTableError, BadRequestError: as for `selection_of`.
    """
    key = ("list", scope.viewer, listing.table, listing.query, listing.fields)
    if _TIMELY.search(listing.query):
        plan = _list_plan(scope, listing, is_timely=True)
    else:  # who turns pages asks the same again
        plan = scope.catalog.planned(key, lambda: _list_plan(scope, listing, is_timely=False))
    most = min(listing.limit, PAGE_MAX)
    found = tx.connection.execute(plan.page, {"most": most, "before": listing.offset}) if most else None
    first = found.fetchmany(RECORDS_AT_ONCE) if found is not None else []
    total = None
    if listing.is_counted:
        is_last = len(first) < min(most, RECORDS_AT_ONCE) and (first or not listing.offset)
        total = listing.offset + len(first) if is_last else _counted(tx, plan)
    return total, _parts(tx, scope, listing, plan.cells, style, first, found)


def _parts(
    tx: Transaction,
    scope: Scope,
    listing: Listing,
    cells: Sequence[Cell],
    style: Style,
    rows: Sequence[Row[Any]],
    found: CursorResult[Any] | None,
) -> Parts:
    if found is None:
        return
    names = Names()
    with closing(found):
        while rows:
            yield represent(tx, scope, listing.table, cells, rows, style, names)
            rows = found.fetchmany(RECORDS_AT_ONCE)


def _counted(tx: Transaction, plan: _ListPlan) -> int:
    """How many records the query selects; what was read before is of the same moment."""
    key, totals = plan.counted_as, tx.catalog.totals
    version = tx.version(plan.tables) if key is not None else None
    if version is not None and (known := totals.of(key, version)) is not None:
        return known
    total: int = tx.connection.execute(plan.count).scalar_one()
    if version is not None and tx.version(plan.tables) == version:
        totals.keep(key, version, total)
    return total


_TIMELY: Final = re.compile("javascript:|RELATIVE|DATEPART|ON|THAN|last_login|failed_attempts")
"""What a query holds that may find something else at any moment: scripts, operators on dates, notes of signing in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _ListPlan:
    """How a page is read: `most` records after the first `before`.

    Attributes:
        tables: the physical tables on which the total depends.
        counted_as: by what the total may be remembered; None if it depends on more than these tables.
    """

    cells: Sequence[Cell]
    page: Select[Any]
    count: Select[Any]
    tables: Sequence[str]
    counted_as: Hashable | None


def _list_plan(scope: Scope, listing: Listing, *, is_timely: bool) -> _ListPlan:
    selection = selection_of(scope, listing.table, listing.query)
    cells, columns = _cells(scope, selection, listing.table, listing.fields)
    page = selection.page(columns, limit=bindparam("most"), offset=bindparam("before"))
    is_elsewhere = CONNECTION_TABLE in selection.tables  # in the node's own database
    return _ListPlan(
        cells=cells,
        page=page,
        count=selection.count(),
        tables=sorted(selection.tables),
        counted_as=None if is_timely or is_elsewhere else (scope.viewer, listing.table, listing.query),
    )


def read_record(
    tx: Transaction, scope: Scope, table: str, sys_id: str, fields: tuple[str, ...] | None, style: Style
) -> dict[str, Shown]:
    """One record.

    Raises:
        InvalidTableError, NoRecordError: there is no such table, or no such record for the viewer.
    """
    if not scope.access.is_there(scope.viewer, table):
        raise InvalidTableError(table)
    # a viewer's filters depend on who asks and on nothing that changes, so the statement can be kept
    plan = scope.catalog.planned(("read", scope.viewer, table, fields), lambda: _plan(scope, table, fields))
    rows = plan.statement.run(tx.connection, {"wanted": sys_id}).fetchall()
    if not rows:
        raise NoRecordError
    return represent(tx, scope, table, plan.cells, rows, style, Names())[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plan:
    """How one record of a table is read: the parameter `wanted` is its sys_id."""

    cells: Sequence[Cell]
    statement: Prepared


def _plan(scope: Scope, table: str, fields: tuple[str, ...] | None) -> _Plan:
    selection = selection_of(scope, table, "", is_one=True)
    cells, columns = _cells(scope, selection, table, fields)
    own_id = selection.column("sys_id")
    is_wanted = false() if own_id is None else own_id == bindparam("wanted")
    statement = select(*columns).select_from(selection.source()).where(selection.where(), is_wanted)
    return _Plan(cells=cells, statement=Prepared(statement))


def _cells(scope: Scope, selection: Selection, table: str, paths: Sequence[str] | None) -> tuple[list[Cell], list[Any]]:
    """The fields to show and the columns to ask for; a path that leads nowhere for the viewer is left out."""
    dictionary = scope.catalog.dictionary
    own_id = selection.column("sys_id")
    class_column = selection.column(CLASS_FIELD.name) if dictionary.is_hierarchy(table) else None
    columns: list[Any] = [
        null() if own_id is None else own_id,
        null().label("class") if class_column is None else class_column,
    ]
    cells: list[Cell] = []
    for path in paths if paths is not None else dictionary.fields(table):
        field = selection.field(path)
        if field is None:
            secret = dictionary.fields(table).get(path)
            if secret is None or secret.kind is not Kind.SECRET or not scope.viewer.is_admin:
                continue
            columns.append(null().label(f"c{len(columns)}"))
            cells.append(Cell(path=path, field=secret, at=len(columns) - 1))
            continue
        if field.kind is Kind.JOURNAL:
            cells.append(Cell(path=path, field=field, at=None))
            continue
        column = selection.column(path)
        if column is not None:
            cells.append(Cell(path=path, field=field, at=len(columns)))
            columns.append(column.label(f"c{len(columns)}"))
    return cells, columns


if TYPE_CHECKING:
    Parts = Generator[list[dict[str, Shown]], None, None]
