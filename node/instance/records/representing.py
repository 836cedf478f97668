"""Records as clients read them: which of value, display value and link each field shows."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

from sqlalchemy import select

from node.instance.dictionary import CLASS_FIELD, Field, FieldType, Kind
from node.instance.query.selection import Selection
from node.instance.query.tree import Query
from node.instance.records.journals import shown_journals
from node.instance.values import HIDDEN, shown, wire

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from node.instance.database import Transaction
    from node.instance.dictionary import Dictionary
    from node.instance.query.scope import Scope
    from node.instance.values import Stored

NAMES_AT_ONCE = 500

_NOT_TEXT = frozenset({Kind.BOOLEAN, Kind.DECIMAL, Kind.INTEGER, Kind.SECRET})
"""What is stored as something else than its wire value, but for what is empty."""

Shown = str | dict[str, str]
Render: TypeAlias = "Callable[[Stored], Shown]"


class Display(StrEnum):
    """`sysparm_display_value`."""

    VALUES = "false"
    NAMES = "true"
    BOTH = "all"


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """How records are shown.

    Attributes:
        base_url: what links begin with: the instance as the client reached it.
        has_links: whether references carry a link.
    """

    base_url: str
    display: Display = Display.VALUES
    has_links: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One requested field: its path, the dictionary's field at its end, and where its value stands in a row."""

    path: str
    field: Field
    at: int | None


def represent(
    tx: Transaction,
    scope: Scope,
    table: str,
    cells: Sequence[Cell],
    rows: Sequence[Sequence[Any]],
    style: Style,
    names: Names,
) -> list[dict[str, Shown]]:
    """Rows as records. The first two columns of each row are its sys_id and, or NULL, its class.

    Names that the rows need and that are not known yet are added to `names`.
    """
    journals: Mapping[tuple[str, str], str] = {}
    if style.display is not Display.VALUES:
        _learn(tx, scope, cells, rows, names)
        journals = shown_journals(tx, scope, cells, {row[0]: row[1] or table for row in rows})
    elif len(rows) == 1:  # nothing is remembered for the next row
        return [_alone(style, cells, rows[0])]
    columns: dict[str, Sequence[tuple[str, int, Render | None]]] = {}
    records = []
    for row in rows:
        class_name = row[1] or table
        if class_name not in columns:
            columns[class_name] = _columns(scope, style, names, class_name, cells)
        values = tuple(row)
        record: dict[str, Shown] = {
            path: (values[at] or "") if render is None else render(values[at])
            for path, at, render in columns[class_name]
        }
        for cell in cells:
            if cell.at is None:
                record[cell.path] = _styled(style, "", journals.get((row[0], cell.field.name), ""), None)
        records.append(record)
    return records


def display_path(dictionary: Dictionary, table: str) -> str:
    """The path to what a record of the table is called: its display field, or that of what this refers to."""
    field = dictionary.display_field(table)
    if field.type is FieldType.REFERENCE and field.reference is not None and field.reference != table:
        return f"{field.name}.{display_path(dictionary, field.reference)}"
    return field.name


class Names:
    """What referenced records are called, as far as the viewer may know it.

    A reference may be written in another case than the sys_id that it means.
    """

    def __init__(self) -> None:
        self._by_table: dict[str, dict[str, str]] = {}

    def of(self, table: str | None, sys_id: str) -> str:
        """The display value; empty for a record that is not there for the viewer."""
        return self._by_table.get(table or "", {}).get(sys_id.lower(), "")

    def learn(self, tx: Transaction, scope: Scope, table: str, sys_ids: Iterable[str]) -> None:
        """Ask for those that are not known yet."""
        known = self._by_table.setdefault(table, {})
        if missing := {sys_id for sys_id in sys_ids if sys_id.lower() not in known}:
            known.update((sys_id.lower(), "") for sys_id in missing)
            known.update((sys_id.lower(), name) for sys_id, name in names_of(tx, scope, table, missing).items())


def _alone(style: Style, cells: Sequence[Cell], row: Sequence[Stored]) -> dict[str, Shown]:
    """The values of one row as a record."""
    record = {
        cell.path: "" if (value := row[cell.at]) is None else _valued(style, cell.field, value)
        for cell in cells
        if cell.at is not None
    }
    return record | {cell.path: "" for cell in cells if cell.at is None}


def _columns(
    scope: Scope, style: Style, names: Names, class_name: str, cells: Sequence[Cell]
) -> Sequence[tuple[str, int, Render | None]]:
    """How each field of a class is shown: worked out once, for a page holds thousands of values.

    A child may have other choices in a field than the table that was asked.
    """
    dictionary = scope.catalog.dictionary
    own = dictionary.fields(class_name) if class_name in dictionary else {}
    return [
        (cell.path, cell.at, _render(scope, style, names, own.get(cell.path, cell.field)))
        for cell in cells
        if cell.at is not None
    ]


def _render(scope: Scope, style: Style, names: Names, field: Field) -> Render | None:
    """How a field is shown, remembered for one page, in which most values stand often; None: as it is stored."""
    if style.display is not Display.VALUES:
        return _Made(partial(_named, scope, style, names, field)).__getitem__
    if field.kind in _NOT_TEXT or (field.type is FieldType.REFERENCE and style.has_links):
        return _Made(partial(_valued, style, field)).__getitem__
    return None


class _Made(dict["Stored", "Shown"]):
    """What values are shown as, made once each."""

    def __init__(self, make: Render) -> None:
        super().__init__()
        self._make = make

    def __missing__(self, value: Stored) -> Shown:
        self[value] = made = self._make(value)
        return made


def _valued(style: Style, field: Field, value: Stored) -> Shown:
    written = wire(field, value)
    if written and field.type is FieldType.REFERENCE and style.has_links:
        return {"link": _link(style, field, written), "value": written}
    return written


def _named(scope: Scope, style: Style, names: Names, field: Field, value: Stored) -> Shown:
    if value is None and field.kind is not Kind.SECRET:
        return _styled(style, "", "", None)
    written = wire(field, value)
    link = None
    if field.type is FieldType.REFERENCE and field.reference is not None:
        text = names.of(field.reference, written)
        link = _link(style, field, written) if style.has_links else None
    elif field.type is FieldType.LIST and field.reference is not None:
        text = ", ".join(names.of(field.reference, one) or one for one in written.split(",") if one)
    elif field.name == CLASS_FIELD.name and written in scope.catalog.dictionary:
        text = scope.catalog.dictionary[written].label
    elif field.kind is Kind.SECRET:
        text = HIDDEN
    else:
        text = shown(field, value, scope.viewer.zone)
    return _styled(style, written, text, link)


def _styled(style: Style, written: str, text: str, link: str | None) -> Shown:
    match style.display:
        case Display.VALUES:
            return written
        case Display.NAMES:
            return text if link is None else {"display_value": text, "link": link}
        case Display.BOTH:
            both = {"display_value": text, "value": written}
            return both if link is None else {**both, "link": link}


def _link(style: Style, field: Field, sys_id: str) -> str:
    return f"{style.base_url}/api/now/table/{field.reference}/{sys_id}"


def _learn(tx: Transaction, scope: Scope, cells: Sequence[Cell], rows: Sequence[Sequence[Any]], names: Names) -> None:
    wanted: dict[str, set[str]] = {}
    for cell in cells:
        if cell.at is None or cell.field.reference is None:
            continue
        ids = {row[cell.at] for row in rows if row[cell.at]}
        if cell.field.type is FieldType.LIST:
            ids = {one for value in ids for one in value.split(",") if one}
        wanted.setdefault(cell.field.reference, set()).update(ids)
    for table, of_table in wanted.items():
        names.learn(tx, scope, table, of_table)


def names_of(tx: Transaction, scope: Scope, table: str, sys_ids: Iterable[str]) -> Mapping[str, str]:
    """What records of a table are called, by sys_id; those that the viewer may not read are missing."""
    if table not in scope.catalog.dictionary:
        return {}
    path = display_path(scope.catalog.dictionary, table)
    selection = Selection(scope, table, Query())
    sys_id, name, field = selection.column("sys_id"), selection.column(path), selection.field(path)
    if sys_id is None or name is None or field is None:
        return {}
    statement = select(sys_id, name).select_from(selection.source()).where(selection.where())
    found: dict[str, str] = {}
    ids = sorted(sys_ids)
    for at in range(0, len(ids), NAMES_AT_ONCE):
        some = statement.where(sys_id.in_(ids[at : at + NAMES_AT_ONCE]))
        found |= {row[0]: shown(field, row[1], scope.viewer.zone) for row in tx.connection.execute(some)}
    return found
