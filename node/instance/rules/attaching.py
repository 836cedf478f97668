"""Who may hang a file on a record: whoever may change that record. Who may change all of it may take it off again."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from node.instance.dictionary import CLASS_FIELD
from node.instance.errors import AccessError, BadRequestError, InvalidTableError, NoRecordError
from node.instance.people.access import Operation
from node.instance.query.filters import JOURNAL_TABLE
from node.instance.records.loading import load_record

if TYPE_CHECKING:
    from collections.abc import Mapping

    from node.instance.records.changes import Change
    from node.instance.values import Stored


def name_class(change: Change) -> None:
    """Have an entry of a journal that an admin writes or changes name the very class of its record, as others do."""
    if change.table != JOURNAL_TABLE or change.is_removal:
        return
    table, sys_id = change.new.get("name"), change.new.get("element_id")
    if table is not None and sys_id is not None:
        with contextlib.suppress(InvalidTableError, NoRecordError):
            owner = load_record(change.tx, change.scope, str(table), str(sys_id), Operation.READ, "Read")
            change.new["name"] = owner.get(CLASS_FIELD.name) or table


def guard_attachment(change: Change) -> None:
    """Let an attachment be made, changed or removed only by those who may change what it hangs on."""
    if change.table != "sys_attachment":
        return
    scope = change.scope
    if not change.is_new and not scope.viewer.is_admin:
        owner = _owner(change, change.old)
        if not scope.access.may_write_every_field(scope.viewer, _class_of(owner, change.old)):
            raise AccessError("Delete" if change.is_removal else "Update")
    if change.is_removal:
        return
    if change.new.get("file_name") is None:
        raise BadRequestError("Missing mandatory parameter", "An attachment has a file_name.")
    if change.is_new or change.has_changed("table_name") or change.has_changed("table_sys_id"):
        owner = _owner(change, change.new)
        # `task` is where an incident may be asked for, and `incident` what goes with it when it is removed
        change.new["table_name"] = _class_of(owner, change.new)
    if change.is_new:
        change.new |= {"size_bytes": 0, "compressed": 0}


def _class_of(owner: Mapping[str, Stored], attachment: Mapping[str, Stored]) -> str:
    return str(owner.get(CLASS_FIELD.name) or attachment["table_name"])


def _owner(change: Change, attachment: Mapping[str, Stored]) -> Mapping[str, Stored]:
    table, sys_id = attachment.get("table_name"), attachment.get("table_sys_id")
    if table is None or sys_id is None:
        raise BadRequestError("Missing mandatory parameter", "An attachment has a table_name and a table_sys_id.")
    try:
        return load_record(change.tx, change.scope, str(table), str(sys_id), Operation.WRITE, "Update")
    except InvalidTableError as error:
        raise NoRecordError from error
