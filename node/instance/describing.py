"""The dictionary as records: what `sys_db_object`, `sys_dictionary` and `sys_choice` show of it."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

from node.instance.system_fields import system_fields

if TYPE_CHECKING:
    from collections.abc import Mapping

    from node.instance.dictionary import Dictionary, Field, Table

SHIPPED_ON: Final = "2026-01-01 00:00:00"
"""When the shipped tables say that they were made: the same on every instance."""


def identity_of(*names: str) -> str:
    """The sys_id of a described thing: the same on every instance."""
    return hashlib.md5("\n".join(names).encode(), usedforsecurity=False).hexdigest()


def described(dictionary: Dictionary) -> dict[str, list[Mapping[str, object]]]:
    """All describing records, by table; what an admin has made himself is described by what he wrote."""
    tables: list[Mapping[str, object]] = []
    columns: list[Mapping[str, object]] = []
    choices: list[Mapping[str, object]] = []
    for table in dictionary.tables:
        if table.is_custom:
            continue
        tables.append(_table(table))
        own = {field.name for field in table.fields}
        for field in dictionary.fields(table.name).values():
            if field.name in own or table.extends is None:
                columns.append(_column(table, field))
                choices += _choices(table, field)
    return {"sys_db_object": tables, "sys_dictionary": columns, "sys_choice": choices}


def _table(table: Table) -> Mapping[str, object]:
    return {
        **_system("sys_db_object", table.name),
        "sys_class_name": "sys_db_object",
        "sys_name": table.label,
        "name": table.name,
        "label": table.label,
        "super_class": identity_of("sys_db_object", table.extends) if table.extends is not None else None,
        "is_extendable": 1,
    }


def _column(table: Table, field: Field) -> Mapping[str, object]:
    return {
        **_system("sys_dictionary", table.name, field.name),
        "sys_class_name": "sys_dictionary",
        "sys_name": field.label,
        "name": table.name,
        "element": field.name,
        "column_label": field.label,
        "internal_type": field.type.value,
        "reference": field.reference,
        "max_length": field.length_max,
        "default_value": field.default or None,
        "choice": 3 if field.choices else 0,
        "mandatory": int(field.is_mandatory),
        "read_only": int(field.is_read_only),
        "unique": int(field.is_unique),
        "display": int(table.display == field.name),
        "active": 1,
    }


def _choices(table: Table, field: Field) -> list[Mapping[str, object]]:
    return [
        {
            **_system("sys_choice", table.name, field.name, value),
            "name": table.name,
            "element": field.name,
            "value": value,
            "label": label,
            "language": "en",
            "sequence": sequence,
            "inactive": 0,
        }
        for sequence, (value, label) in enumerate(field.choices.items())
    ]


def _system(*names: str) -> Mapping[str, object]:
    return system_fields(identity_of(*names), at=SHIPPED_ON)
