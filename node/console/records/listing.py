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
from node.instance.records.reading import Listing, list_records, selection_of
from node.instance.records.representing import Display, Style

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from node.console.records.asking import Asked
    from node.instance.database import Transaction
    from node.instance.dictionary import Dictionary, Table
    from node.instance.query.scope import Scope
    from node.instance.records.representing import Shown

BOTH: Final = Style(base_url="", display=Display.BOTH, has_links=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class TableLine:
    """A table in the list of tables."""

    name: str
    label: str
    count: int
    extends: str | None
    place: str


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
    """A page of a list; `asked` is what was asked for, on a page that there is."""

    asked: Asked
    table: Table
    query: str
    headings: Sequence[Heading]
    lines: Sequence[Line]
    total: int
    may_create: bool


def tables(tx: Transaction, scope: Scope) -> list[TableLine]:
    """The tables that the viewer may look into, by label."""
    found = []
    for table in scope.catalog.dictionary.tables:
        if not scope.access.may(scope.viewer, table.name, Operation.READ):
            continue
        count = tx.connection.execute(selection_of(scope, table.name, "").count()).scalar_one()
        found.append(
            TableLine(
                name=table.name,
                label=table.label,
                count=count,
                extends=table.extends,
                place=table_place(table.name),
            )
        )
    return sorted(found, key=lambda line: line.label.casefold())


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
        may_create=scope.access.may(scope.viewer, asked.table, Operation.CREATE),
    )


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
