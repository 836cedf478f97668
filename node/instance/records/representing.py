"""Records as clients read them: which of value, display value and link each field shows."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from node.instance.dictionary import CLASS_FIELD, Field, FieldType, Kind
from node.instance.query.selection import Selection
from node.instance.query.tree import Query
from node.instance.records.journals import shown_journals
from node.instance.values import HIDDEN, shown, wire

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from node.instance.database import Transaction
    from node.instance.dictionary import Dictionary
    from node.instance.query.scope import Scope
    from node.instance.values import Stored

NAMES_AT_ONCE = 500

Shown = str | dict[str, str]


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
    tx: Transaction, scope: Scope, table: str, cells: Sequence[Cell], rows: Sequence[Sequence[Any]], style: Style
) -> list[dict[str, Shown]]:
    """Rows as records. The first two columns of each row are its sys_id and, or NULL, its class."""
    names: Names = Names({}) if style.display is Display.VALUES else _names(tx, scope, cells, rows)
    journals = {} if style.display is Display.VALUES else shown_journals(tx, scope, cells, [row[0] for row in rows])
    classes: dict[str, Sequence[Field]] = {}
    records = []
    for row in rows:
        class_name = row[1] or table
        if class_name not in classes:
            classes[class_name] = _fields_in(scope.catalog.dictionary, class_name, cells)
        record: dict[str, Shown] = {}
        for cell, field in zip(cells, classes[class_name], strict=True):
            if cell.at is None:
                text = journals.get((row[0], field.name), "")
                record[cell.path] = _styled(style, "", text, None)
                continue
            value = row[cell.at]
            record[cell.path] = _field(scope, style, names, field, value)
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

    def __init__(self, by_table: Mapping[str, Mapping[str, str]]) -> None:
        self._by_table = {
            table: {sys_id.lower(): name for sys_id, name in names.items()} for table, names in by_table.items()
        }

    def of(self, table: str | None, sys_id: str) -> str:
        """The display value; empty for a record that is not there for the viewer."""
        return self._by_table.get(table or "", {}).get(sys_id.lower(), "")


def _fields_in(dictionary: Dictionary, class_name: str, cells: Sequence[Cell]) -> Sequence[Field]:
    """A child may have other choices in a field than the table that was asked."""
    if class_name not in dictionary:
        return [cell.field for cell in cells]
    own = dictionary.fields(class_name)
    return [own.get(cell.path, cell.field) for cell in cells]


def _field(scope: Scope, style: Style, names: Names, field: Field, value: Stored) -> Shown:
    written = wire(field, value)
    if style.display is Display.VALUES:
        if field.type is FieldType.REFERENCE and style.has_links and written:
            return {"link": _link(style, field, written), "value": written}
        return written
    link = None
    if field.type is FieldType.REFERENCE and field.reference is not None:
        text = names.of(field.reference, written) if written else ""
        link = _link(style, field, written) if style.has_links and written else None
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


def _names(tx: Transaction, scope: Scope, cells: Sequence[Cell], rows: Sequence[Sequence[Any]]) -> Names:
    wanted: dict[str, set[str]] = {}
    for cell in cells:
        if cell.at is None or cell.field.reference is None:
            continue
        ids = {row[cell.at] for row in rows if row[cell.at]}
        if cell.field.type is FieldType.LIST:
            ids = {one for value in ids for one in value.split(",") if one}
        wanted.setdefault(cell.field.reference, set()).update(ids)
    return Names({table: names_of(tx, scope, table, ids) for table, ids in wanted.items() if ids})


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
