"""The tables, and a page of a table's list: what each reads, in one unit of work."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from node.console.records.cells import Cell, cell, text_of, value_of
from node.console.records.filtering import field_at, label_of
from node.console.records.places import record_place, table_place
from node.instance.catalog import CLASS
from node.instance.dictionary import Kind
from node.instance.people.access import Operation
from node.instance.query.filters import Filters
from node.instance.query.grammar import write
from node.instance.query.tree import Condition, Query
from node.instance.records.reading import Listing, list_records, selection_of
from node.instance.records.representing import Display, Style

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from node.console.records.asking import Asked
    from node.instance.database import Transaction
    from node.instance.dictionary import Dictionary, Table
    from node.instance.query.scope import Scope
    from node.instance.records.reading import Page
    from node.instance.records.representing import Shown

NEWEST_FIRST: Final = "ORDERBYDESCsys_updated_on"

TERMS_LOOKED_AT_MAX: Final = 100
"""Of how many conditions it is looked whether they say anything."""

BOTH: Final = Style(base_url="", display=Display.BOTH, has_links=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class TableLine:
    """A table in the list of tables."""

    name: str
    label: str
    count: int
    extends: str | None
    place: str
    changed_on: Cell
    changed_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Heading:
    """A column of a list; `sorted` is `ascending`, `descending` or none."""

    path: str
    label: str
    link: str
    sorted: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A record in a list."""

    sys_id: str
    place: str
    title: str
    cells: Sequence[Cell]


@dataclass(frozen=True, slots=True, kw_only=True)
class ListPage:
    """A page of a list.

    Attributes:
        asked: what was asked for, on a page that there is.
        meaningless: the conditions that say nothing of this table's records, and are left out.
    """

    asked: Asked
    table: Table
    query: str
    headings: Sequence[Heading]
    lines: Sequence[Line]
    total: int
    meaningless: Sequence[str]
    may_create: bool


def tables(tx: Transaction, scope: Scope) -> list[TableLine]:
    """The tables that the viewer may look into, by label; each link leads to what was changed last."""
    dictionary = scope.catalog.dictionary
    readable = [one for one in dictionary.tables if scope.access.may(scope.viewer, one.name, Operation.READ)]
    own = {table.name: _own_records(tx, scope, table.name) for table in readable}
    found = []
    for table in readable:
        pages = [own[name] for name in dictionary.classes(table.name) if name in own]
        newest = max((page.records[0] for page in pages if page.records), key=_changed_on, default={})
        found.append(
            TableLine(
                name=table.name,
                label=table.label,
                count=sum(page.total or 0 for page in pages),
                extends=table.extends,
                place=table_place(table.name, query=NEWEST_FIRST),
                changed_on=cell(dictionary.fields(table.name)["sys_updated_on"], newest.get("sys_updated_on")),
                changed_by=text_of(newest, "sys_updated_by"),
            )
        )
    return sorted(found, key=lambda line: line.label.casefold())


def _own_records(tx: Transaction, scope: Scope, table: str) -> Page:
    """How many records there are of just this class, and the one that was changed last: by an index for both."""
    is_class = f"{CLASS}={table}^" if scope.catalog.dictionary.is_hierarchy(table) else ""
    fields = ("sys_updated_on", "sys_updated_by")
    listing = Listing(table=table, query=f"{is_class}{NEWEST_FIRST}", fields=fields, limit=1)
    return list_records(tx, scope, listing, BOTH)


def _changed_on(record: Mapping[str, Shown]) -> str:
    return value_of(record, "sys_updated_on")


def page_of_list(tx: Transaction, scope: Scope, asked: Asked, *, per_page: int) -> ListPage:
    """A page of a table's list; beyond the last one, the last.

    Raises:
        InstanceError: there is no such table, or the query can't be run.
    """
    dictionary = scope.catalog.dictionary
    selection = selection_of(scope, asked.table, "")
    columns = [path for path in asked.shown_columns(dictionary) if selection.field(path) is not None]
    query = asked.whole_query(dictionary)
    listing = Listing(
        table=asked.table,
        query=query,
        fields=("sys_id", CLASS, *columns),
        limit=per_page,
        offset=(asked.page - 1) * per_page,
    )
    page = list_records(tx, scope, listing, BOTH)
    if not page.records and page.total and asked.page > 1:
        asked = replace(asked, page=(page.total - 1) // per_page + 1)
        page = list_records(tx, scope, replace(listing, offset=(asked.page - 1) * per_page), BOTH)
    return ListPage(
        asked=asked,
        table=dictionary[asked.table],
        query=query,
        headings=_headings(asked, dictionary, columns),
        lines=[line(dictionary, asked.table, columns, record) for record in page.records],
        total=page.total or 0,
        meaningless=_meaningless(scope, asked),
        may_create=scope.access.may(scope.viewer, asked.table, Operation.CREATE),
    )


def _meaningless(scope: Scope, asked: Asked) -> list[str]:
    terms = [term for group in asked.tree.groups for clause in group for term in clause if isinstance(term, Condition)]
    alone = [Query(groups=(((term,),),)) for term in terms[:TERMS_LOOKED_AT_MAX]]
    filters = Filters(scope)
    walk = filters.walk(asked.table)
    return [write(one) for one in alone if filters.all_of(one.groups, walk) is None]


def _headings(asked: Asked, dictionary: Dictionary, columns: Sequence[str]) -> list[Heading]:
    first = asked.tree.orders[0] if asked.tree.orders else None
    found = []
    for path in columns:
        field = field_at(dictionary, asked.table, path)
        here = first if first is not None and first.field == path else None
        descends_first = field is not None and field.kind is Kind.INSTANT
        found.append(
            Heading(
                path=path,
                label=label_of(dictionary, asked.table, path),
                link=asked.sorted_link(path, descending=descends_first if here is None else not here.is_descending),
                sorted=None if here is None else "descending" if here.is_descending else "ascending",
            )
        )
    return found


def line(dictionary: Dictionary, table: str, columns: Sequence[str], record: Mapping[str, Shown]) -> Line:
    """A record that was read with its sys_id and class, as a line of a list."""
    sys_id = value_of(record, "sys_id")
    class_name = value_of(record, CLASS) or table
    cells = []
    for path in columns:
        field = field_at(dictionary, table, path)
        if field is not None:
            cells.append(cell(field, record.get(path)))
    name = dictionary.display_field(table).name
    return Line(
        sys_id=sys_id,
        place=record_place(class_name if class_name in dictionary else table, sys_id),
        title=text_of(record, name) or (cells[0].text if cells else "") or sys_id,
        cells=cells,
    )
