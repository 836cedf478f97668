"""Incidents with children: how many there are, and what becomes of them when the parent goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sqlalchemy import func, select, update

from node.instance.dictionary import CLASS_FIELD
from node.instance.errors import InstanceError
from node.instance.rules.incidents import CLOSED, DONE, IN_PROGRESS, ON_HOLD, RESOLVED
from node.instance.rules.states import state_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from node.instance.records.changes import Change

CHILDREN_MAX: Final = 1_000
GENERATIONS_MAX: Final = 5
"""How far a change of state goes down from the incident that a client changed."""

WORKERS: Final = frozenset({"itil", "admin"})

_COUNTED: Final = (("parent_incident", "child_incidents"), ("problem_id", "related_incidents"))
"""(what refers to a record, where that record says how many do)"""

_WITH_CHILDREN: Final = frozenset({3, 4, 5})
"""The reasons for being on hold that hold for the children too: all but waiting for one caller."""


def count_family(change: Change) -> None:
    """Keep the number of children, and of a problem's incidents, with the record that they refer to."""
    if not change.is_of("incident"):
        return
    table = change.tx.catalog.physical("incident")
    for refers, counts in _COUNTED:
        if not change.has_changed(refers):
            continue
        for parent in {change.old.get(refers), change.new.get(refers)} - {None}:
            inner = table.alias()
            # Not of another class: whoever sees the record may not be let know that there are such children.
            class_name = table.c[CLASS_FIELD.name] if refers == "parent_incident" else "incident"
            count = (
                select(func.count())
                .select_from(inner)
                .where(inner.c[refers] == parent, inner.c[CLASS_FIELD.name] == class_name)
                .scalar_subquery()
            )
            change.tx.connection.execute(update(table).where(table.c.sys_id == parent).values({counts: count}))


def lead_children(change: Change) -> None:
    """Take the children along to the parent's new state, as ServiceNow documents which states that are."""
    if change.is_removal or change.is_new or not change.is_of("incident") or not change.has_changed("state"):
        return
    values = _of_children(change)
    if values is None or change.depth >= GENERATIONS_MAX:
        return
    table = change.tx.catalog.physical("incident")
    is_reopened = state_of(change.old) in DONE
    stay = (CLOSED, 8) if is_reopened else (CLOSED, 8, RESOLVED)
    children = (
        select(table.c.sys_id, table.c[CLASS_FIELD.name])
        .where(
            table.c.parent_incident == change.sys_id,
            table.c.sys_id != change.sys_id,
            table.c[CLASS_FIELD.name] == change.table,  # others may be hidden from whoever changes the parent
            table.c.state.not_in(stay),
        )
        .limit(CHILDREN_MAX)
    )
    for sys_id, class_name in change.tx.connection.execute(children).fetchall():
        lead(change, str(class_name), str(sys_id), values)


def lead(change: Change, table: str, sys_id: str, values: Mapping[str, str]) -> None:
    """Change one child. What forbids that forbids nothing of its parent."""
    connection = change.tx.connection
    connection.exec_driver_sql("SAVEPOINT child")
    try:
        change.update(table, sys_id, values)
    except InstanceError:
        connection.exec_driver_sql("ROLLBACK TO child")
    connection.exec_driver_sql("RELEASE child")


def _of_children(change: Change) -> Mapping[str, str] | None:
    state, new = state_of(change.new), change.new
    if state_of(change.old) in DONE and change.scope.viewer.roles.isdisjoint(WORKERS):
        return None
    if state == IN_PROGRESS:
        return {"state": str(state)}
    if state == ON_HOLD and new.get("hold_reason") in _WITH_CHILDREN:
        return {"state": str(state), "hold_reason": str(new["hold_reason"])}
    if state == RESOLVED:
        code, notes = str(new.get("close_code") or ""), str(new.get("close_notes") or "")
        return {"state": str(state), "close_code": code, "close_notes": notes, "work_notes": notes}
    return None
