"""One record as it is stored, for whoever may do something with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from node.instance.dictionary import CLASS_FIELD
from node.instance.errors import AccessError, NoRecordError
from node.instance.people.access import Operation
from node.instance.records.reading import selection_of

if TYPE_CHECKING:
    from node.instance.database import Transaction
    from node.instance.query.scope import Scope
    from node.instance.values import Stored


def load_record(
    tx: Transaction, scope: Scope, table: str, sys_id: str, operation: Operation, act: str
) -> dict[str, Stored]:
    """What is stored of a record that the viewer may do that with; `act` names it in the refusal.

    Raises:
        InvalidTableError, NoRecordError: there is none that the viewer may read.
        AccessError: there is, and it is not to be touched so.
    """
    selection = selection_of(scope, table, "", is_one=True)
    if operation is not Operation.READ and tx.catalog.dictionary[table].is_written_by_instance:
        raise AccessError(act)
    own_id = selection.column("sys_id")
    if own_id is None:
        raise NoRecordError
    found = select(own_id).select_from(selection.source()).where(selection.where(), own_id == sys_id)
    if tx.connection.execute(found).first() is None:
        raise NoRecordError
    physical = tx.catalog.physical(table)
    row = tx.connection.execute(select(physical).where(physical.c.sys_id == sys_id)).mappings().one()
    if operation is Operation.READ:
        return dict(row)
    rows = scope.access.rows(scope.viewer, table, operation)
    if not rows.is_all:
        class_name = str(row.get(CLASS_FIELD.name) or table)
        query = rows.cases.get(class_name) if rows.cases is not None else None
        if query is None:
            raise AccessError(act)
        if query:
            own = selection_of(scope, class_name, query, is_one=True)
            column = own.column("sys_id")
            assert column is not None  # noqa: S101 - as above, of the same record
            inside = select(column).select_from(own.source()).where(own.where(), column == sys_id)
            if tx.connection.execute(inside).first() is None:
                raise AccessError(act)
    return dict(row)
