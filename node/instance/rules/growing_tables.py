"""Tables and fields of an admin's own: a record of `sys_db_object` makes a table, one of `sys_dictionary` a field.

What the instance ships with stays as it is, and nothing of the dictionary is ever removed.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from sqlalchemy import update

from node.instance.customizing import CUSTOM_PREFIX, field_of
from node.instance.dictionary import CLASS_FIELD, LIST_CHARACTERS, NAME, DictionaryError, FieldType
from node.instance.errors import BadRequestError, InstanceError, UniqueError
from node.instance.growing import shipped_catalog, with_custom_tables
from node.instance.values import ValueRefusedError, stored

if TYPE_CHECKING:
    from node.instance.records.changes import Change

TABLES: Final = "sys_db_object"
FIELDS: Final = "sys_dictionary"

EXTENDABLE: Final = frozenset({"alm_asset", "cmdb_ci", "sys_import_set_row", "task"})
"""The roots of the shipped tables that an admin's own may extend, beside what is an admin's own already."""

GROWING: Final = EXTENDABLE | {"cmn_department", "cmn_location", "core_company", "sys_user", "sys_user_group"}
"""The roots of the shipped tables that may be given fields."""

TABLES_MAX: Final = 200
FIELDS_MAX: Final = 1_000
"""Of one hierarchy, shipped ones too; SQLite takes 2,000 columns."""

NAME_MAX: Final = 80
"""What is longer was cut when it came here, and would be called something else."""

LENGTH_MAX: Final = 65_536

_FIXED: Final = {
    TABLES: ("name", "super_class"),
    FIELDS: ("name", "element", "internal_type", "reference", "unique"),
}
_UNSUITABLE: Final = frozenset({FieldType.CLASS_NAME, FieldType.GUID, FieldType.JOURNAL_LIST, FieldType.PASSWORD})
_OTHER: Final = re.compile(r"[^a-z0-9]+")


def check_dictionary(change: Change) -> None:
    """Take what can become a table or a field, and refuse the rest.

    Raises:
        InstanceError: with what of it can't be.
    """
    if change.table not in _FIXED:
        return
    if change.is_removal:
        raise _forbidden("The dictionary only grows: no table or field is ever removed.")
    if not change.is_new:
        _check_update(change)
    elif change.table == TABLES:
        _check_table(change)
    else:
        _check_field(change)


def grow_dictionary(change: Change) -> None:
    """Make the table or the field, in the transaction of its record; from the commit on it is there for everybody."""
    if change.table not in _FIXED or change.is_removal:
        return
    tx, before = change.tx, change.tx.catalog.dictionary
    try:
        tx.catalog = with_custom_tables(tx.connection, shipped_catalog())
    except (DictionaryError, ValueError) as error:
        raise BadRequestError("Invalid dictionary entry", str(error)) from error
    name = str(change.new["name"])
    dictionary = tx.catalog.dictionary
    if name not in dictionary:
        raise BadRequestError("Invalid dictionary entry", f"The table {name} extends one that is not there.")
    root = dictionary.root(name)
    if len(dictionary.stored_fields(root)) > FIELDS_MAX:
        raise _forbidden(f"{root} and what extends it have {FIELDS_MAX} fields already.")
    if change.is_new and root in before and dictionary.is_hierarchy(root) and not before.is_hierarchy(root):
        physical = tx.catalog.physical(root)
        tx.connection.execute(update(physical).values({CLASS_FIELD.name: root}))


def _check_update(change: Change) -> None:
    if not str(change.old.get("element") or change.old.get("name") or "").startswith(CUSTOM_PREFIX):
        raise _forbidden("What the instance ships with stays as it is.")
    fixed = [name for name in _FIXED[change.table] if change.has_changed(name)]
    if fixed:
        raise _forbidden(f"It can't be changed once it is there: {', '.join(fixed)}.")
    if change.table == FIELDS:
        _check_values(change)


def _check_table(change: Change) -> None:
    new, dictionary = change.new, change.tx.catalog.dictionary
    if new.get("name") is None and new.get("label") is not None:
        new["name"] = CUSTOM_PREFIX + _OTHER.sub("_", str(new["label"]).lower()).strip("_")
    name = str(new.get("name") or "")
    _check_name("table", name)
    if name in dictionary:
        raise UniqueError(TABLES, f"Name {name}")
    if sum(table.is_custom for table in dictionary.tables) >= TABLES_MAX:
        raise _forbidden(f"There are {TABLES_MAX} tables of this instance's own already.")
    new["label"] = new["sys_name"] = new.get("label") or name
    if (above := new.get("super_class")) is not None:
        physical = change.tx.catalog.physical(TABLES)
        found = change.tx.connection.execute(physical.select().where(physical.c.sys_id == above)).mappings().first()
        extended = "" if found is None else str(found["name"])
        if extended not in dictionary:
            raise BadRequestError("Invalid dictionary entry", "super_class names no table.")
        root = dictionary.root(extended)
        if root not in EXTENDABLE and not dictionary[root].is_custom:
            raise _forbidden(f"The table {extended} can't be extended; task, cmdb_ci, alm_asset and yours can.")


def _check_field(change: Change) -> None:
    new, dictionary = change.new, change.tx.catalog.dictionary
    table, element = str(new.get("name") or ""), str(new.get("element") or "")
    if table not in dictionary:
        raise BadRequestError("Invalid dictionary entry", f"There is no table '{table[:80]}'.")
    root = dictionary.root(table)
    if root not in GROWING and not dictionary[root].is_custom:
        raise _forbidden(f"The table {table} can't be given fields.")
    if not element and new.get("column_label") is not None:
        element = new["element"] = CUSTOM_PREFIX + _OTHER.sub("_", str(new["column_label"]).lower()).strip("_")
    _check_name("field", element)
    if any(element in dictionary.fields(one) for one in dictionary.classes(table)):
        raise UniqueError(FIELDS, f"{table}.{element}")
    type_ = str(new.get("internal_type") or FieldType.STRING)
    if type_ not in set(FieldType) - _UNSUITABLE:
        raise BadRequestError("Invalid dictionary entry", f"There is no type '{type_[:40]}' for a field.")
    new["internal_type"] = type_
    if (type_ == FieldType.REFERENCE) != (new.get("reference") is not None) and type_ != FieldType.LIST:
        raise BadRequestError("Invalid dictionary entry", "A reference, and nothing else, names a table in reference.")
    if new.get("reference") is not None and str(new["reference"]) not in dictionary:
        raise BadRequestError("Invalid dictionary entry", f"There is no table '{new['reference']}'.")
    if type_ == FieldType.LIST and "max_length" not in change.given:
        new["max_length"] = LIST_CHARACTERS
    new["column_label"] = new["sys_name"] = new.get("column_label") or element
    _check_values(change)


def _check_values(change: Change) -> None:
    new = change.new
    length = new.get("max_length")
    if length is not None and not 1 <= int(length) <= LENGTH_MAX:
        raise BadRequestError("Invalid dictionary entry", f"max_length is from 1 to {LENGTH_MAX}.")
    field = field_of(new)
    try:
        stored(field, field.default)
    except ValueRefusedError as error:
        raise BadRequestError("Invalid dictionary entry", f"default_value: {error}") from error


def _check_name(what: str, name: str) -> None:
    is_right = NAME.fullmatch(name) and name.startswith(CUSTOM_PREFIX) and len(CUSTOM_PREFIX) < len(name) < NAME_MAX
    if not is_right:
        raise BadRequestError(
            f"Invalid {what} name",
            f"A {what} of the instance's own is called {CUSTOM_PREFIX} and small letters, digits and _, "
            f"fewer than {NAME_MAX} characters; not '{name[:90]}'.",
        )


def _forbidden(detail: str) -> InstanceError:
    return InstanceError(403, "Operation Failed", detail)
