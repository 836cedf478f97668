"""What admins add to the dictionary: tables and fields, told by records of `sys_db_object` and `sys_dictionary`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import select

from node.instance.dictionary import Dictionary, Field, FieldType, Table

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Connection

    from node.instance.catalog import Catalog

CUSTOM_PREFIX: Final = "u_"
"""What the name of a custom table or field begins with."""


def custom_dictionary(connection: Connection, catalog: Catalog) -> Dictionary:
    """The catalog's dictionary with what admins have added; the same one if that is nothing."""
    dictionary = catalog.dictionary
    described = catalog.physical("sys_metadata")
    rows = connection.execute(
        select(described).where(described.c.sys_class_name == "sys_db_object").order_by(described.c.sys_created_on)
    ).mappings()
    missing = {row["sys_id"]: row for row in rows if row["name"] and row["name"] not in dictionary}
    while missing:  # a table may stand before the one that it extends
        ready = [row for row in missing.values() if row["super_class"] not in missing]
        if not ready:
            break
        for row in ready:
            dictionary = dictionary.with_table(table_of(row, _name_of(connection, catalog, row["super_class"])))
            del missing[row["sys_id"]]
    own = described.c.element.like(f"{CUSTOM_PREFIX[:-1]}\\_%", escape="\\")
    columns = connection.execute(
        select(described)
        .where(described.c.sys_class_name == "sys_dictionary", own)
        .order_by(described.c.sys_created_on, described.c.sys_id)
    ).mappings()
    for row in columns:
        table, element = row["name"], row["element"]
        if table in dictionary and element and element not in dictionary.fields(table):
            dictionary = dictionary.with_field(table, field_of(row))
    return dictionary


def table_of(row: Mapping[Any, Any], extends: str | None) -> Table:
    """The table that a record of `sys_db_object` tells of; `DictionaryError` comes when it joins a dictionary."""
    return Table(name=row["name"], label=row["label"] or row["name"], extends=extends, is_custom=True)


def field_of(row: Mapping[Any, Any]) -> Field:
    """The field that a record of `sys_dictionary` tells of.

    Raises:
        ValueError: there is no such type.
    """
    return Field(
        name=row["element"],
        label=row["column_label"] or row["element"],
        type=FieldType(row["internal_type"] or FieldType.STRING),
        reference=row["reference"] or None,
        length_max=int(row["max_length"] or 40),
        default=row["default_value"] or "",
        is_mandatory=bool(row["mandatory"]),
        is_read_only=bool(row["read_only"]),
        is_unique=bool(row["unique"]),
    )


def _name_of(connection: Connection, catalog: Catalog, sys_id: str | None) -> str | None:
    if not sys_id:
        return None
    described = catalog.physical("sys_metadata")
    return connection.execute(select(described.c.name).where(described.c.sys_id == sys_id)).scalar()
