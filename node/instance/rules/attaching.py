"""Who may hang a file on a record: whoever may change that record."""

from __future__ import annotations

from typing import TYPE_CHECKING

from node.instance.dictionary import CLASS_FIELD
from node.instance.errors import BadRequestError, InvalidTableError, NoRecordError
from node.instance.people.access import Operation
from node.instance.records.loading import load_record

if TYPE_CHECKING:
    from collections.abc import Mapping

    from node.instance.records.changes import Change
    from node.instance.values import Stored


def guard_attachment(change: Change) -> None:
    """Let an attachment be made, changed or removed only by those who may change what it hangs on."""
    if change.table != "sys_attachment":
        return
    if not change.is_new and not change.scope.viewer.is_admin:
        _owner(change, change.old)
    if change.is_removal:
        return
    if change.new.get("file_name") is None:
        raise BadRequestError("Missing mandatory parameter", "An attachment has a file_name.")
    if change.is_new or change.has_changed("table_name") or change.has_changed("table_sys_id"):
        owner = _owner(change, change.new)
        # `task` is where an incident may be asked for, and `incident` what goes with it when it is removed
        change.new["table_name"] = owner.get(CLASS_FIELD.name) or change.new["table_name"]
    if change.is_new:
        change.new |= {"size_bytes": 0, "compressed": 0}


def _owner(change: Change, attachment: Mapping[str, Stored]) -> Mapping[str, Stored]:
    table, sys_id = attachment.get("table_name"), attachment.get("table_sys_id")
    if table is None or sys_id is None:
        raise BadRequestError("Missing mandatory parameter", "An attachment has a table_name and a table_sys_id.")
    try:
        return load_record(change.tx, change.scope, str(table), str(sys_id), Operation.WRITE, "Update")
    except InvalidTableError as error:
        raise NoRecordError from error
