"""A change and the tasks that it is divided into: on hold together, canceled together.

As ServiceNow documents it under "Place a change request on hold". What it asks for in forms alone is not asked for
here: a reason for being on hold, and that a change is closed after its tasks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sqlalchemy import select

from node.instance.dictionary import CLASS_FIELD
from node.instance.rules.families import CHILDREN_MAX, lead
from node.instance.rules.states import state_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import ColumnElement, Table

    from node.instance.records.changes import Change

CANCELED: Final = 4


def name_parent(change: Change) -> None:
    """The change of a change task, and the problem of a problem task, is its parent unless the client names another."""
    if change.is_removal or "parent" in change.given:
        return
    for table, refers in (("change_task", "change_request"), ("problem_task", "problem")):
        if change.is_of(table) and change.has_changed(refers):
            change.new["parent"] = change.new[refers]


def keep_change(change: Change) -> None:
    """A canceled change waits for nothing. To do it twice is to do it once."""
    if not change.is_removal and change.is_of("change_request") and state_of(change.new) == CANCELED:
        change.new["on_hold"] = 0


def lead_change_tasks(change: Change) -> None:
    """Take the active tasks along: when the change is canceled, is put on hold, or goes on."""
    if change.is_removal or change.is_new or not change.is_of("change_request"):
        return
    tasks = change.tx.catalog.physical("change_task")
    found = _of_tasks(change, tasks)
    if found is None:
        return
    values, which = found
    led = (
        select(tasks.c.sys_id)
        .where(
            tasks.c[CLASS_FIELD.name] == "change_task",
            tasks.c.change_request == change.sys_id,
            tasks.c.active == 1,
            which,
        )
        .limit(CHILDREN_MAX)
    )
    for sys_id in change.tx.connection.execute(led).scalars().fetchall():
        lead(change, "change_task", sys_id, values)


def _of_tasks(change: Change, tasks: Table) -> tuple[Mapping[str, str], ColumnElement[bool]] | None:
    """What the tasks get, and which of them."""
    if state_of(change.new) == CANCELED and change.has_changed("state"):
        return {"state": str(CANCELED), "on_hold": "false"}, tasks.c.sys_id.is_not(None)
    if bool(change.new.get("on_hold")) == bool(change.old.get("on_hold")):
        return None
    if change.new.get("on_hold"):
        # Whoever waits for a reason of its own keeps it.
        return {"on_hold": "true", "on_hold_reason": str(change.new.get("on_hold_reason") or "")}, tasks.c.on_hold == 0
    reason = change.old.get("on_hold_reason")
    return {"on_hold": "false", "on_hold_reason": ""}, tasks.c.on_hold_reason.is_not_distinct_from(reason)
