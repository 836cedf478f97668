"""Journals: what people write one below the other. Each entry is a record of `sys_journal_field`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sqlalchemy import insert, select

from node.instance.dictionary import FieldType
from node.instance.system_fields import system_fields
from node.instance.values import local

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from node.instance.database import Transaction
    from node.instance.query.scope import Scope
    from node.instance.records.representing import Cell

ENTRIES_MAX: Final = 100_000
"""How many characters of entries the display value of one journal holds: the newest of them."""

_ALL_OF_THEM: Final = ("comments", "work_notes")
_RECORDS_AT_ONCE: Final = 500


def add_entry(tx: Transaction, *, sys_id: str, of: tuple[str, str], element: str, text: str, by: str, at: str) -> None:
    """Write an entry of a record: `of` is its class and its sys_id."""
    table = tx.catalog.physical("sys_journal_field")
    tx.touched.add(table.name)
    tx.connection.execute(
        insert(table),
        {
            **system_fields(sys_id, at=at, by=by),
            "name": of[0],
            "element_id": of[1],
            "element": element,
            "value": text,
        },
    )


def shown_journals(
    tx: Transaction, scope: Scope, cells: Sequence[Cell], classes: Mapping[str, str]
) -> Mapping[tuple[str, str], str]:
    """The display values of the journals among the cells, by record and field; newest entry first.

    The records are given by sys_id with the class of each: a record in another table may have the same sys_id.
    """
    sys_ids = list(classes)
    fields = {cell.field.name: cell.field for cell in cells if cell.at is None and "." not in cell.path}
    if not fields or not sys_ids:
        return {}
    entries = tx.catalog.physical("sys_journal_field")
    users = tx.catalog.physical("sys_user")
    statement = (
        select(
            entries.c.element_id, entries.c.element, entries.c.value, entries.c.sys_created_on, entries.c.sys_created_by
        )
        .add_columns(users.c.name, entries.c.name)
        .select_from(entries.outerjoin(users, users.c.user_name == entries.c.sys_created_by))
        .order_by(entries.c.sys_created_on.desc(), entries.c.sys_id)
    )
    labels = {name: field.label for name, field in scope.catalog.dictionary.fields("task").items()}
    found: dict[tuple[str, str], str] = {}
    for at in range(0, len(sys_ids), _RECORDS_AT_ONCE):
        some = statement.where(entries.c.element_id.in_(sys_ids[at : at + _RECORDS_AT_ONCE]))
        for element_id, element, value, on, by, name, of_class in tx.connection.execute(some):
            if of_class != classes.get(element_id):
                continue
            label = fields[element].label if element in fields else labels.get(element, element)
            entry = f"{local(on, scope.viewer.zone)} - {name or by} ({label})\n{value}\n\n"
            for field in fields.values():
                if field.name == element or (field.type is FieldType.JOURNAL_LIST and element in _ALL_OF_THEM):
                    key = (element_id, field.name)
                    if len(before := found.get(key, "")) < ENTRIES_MAX:
                        found[key] = before + entry
    return found
