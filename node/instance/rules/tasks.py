"""What holds for all work: who opened it, whether it is active, how often it went from hand to hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from node.instance.rules.states import CLOSED, MIRRORS, duration, mark, seconds_between, state_of

if TYPE_CHECKING:
    from node.instance.records.changes import Change


def keep_task(change: Change) -> None:
    """Keep what depends on the state in step with it. To do it twice is to do it once."""
    if change.is_removal or not change.is_of("task"):
        return
    new = change.new
    _mirror(change)
    if change.is_new:
        new["opened_at"] = new.get("opened_at") or change.at
        new["opened_by"] = new.get("opened_by") or change.scope.viewer.sys_id or None
    else:
        _count_hands(change)
    closed = next(CLOSED[name] for name in change.tx.catalog.dictionary.ancestry(change.table) if name in CLOSED)
    is_closed, was_closed = state_of(new) in closed, state_of(change.old) in closed
    new["active"] = int(not is_closed)
    mark(change, "closed_at", "closed_by", is_there=is_closed, was_there=was_closed)
    if not is_closed:
        new["calendar_duration"] = None
    elif not was_closed:
        new["calendar_duration"] = duration(seconds_between(new.get("opened_at"), new.get("closed_at")))


def _mirror(change: Change) -> None:
    for table, mirror in MIRRORS.items():
        if not change.is_of(table):
            continue
        if change.is_new:
            is_meant = mirror in change.given and "state" not in change.given
        else:
            is_meant = change.has_changed(mirror) and not change.has_changed("state")
        if is_meant:
            change.new["state"] = change.new[mirror]
        change.new[mirror] = change.new["state"]


def _count_hands(change: Change) -> None:
    """Whoever takes over what somebody else had is one more; the first has it from nobody."""
    moved = any(
        change.old.get(name) is not None and change.has_changed(name) for name in ("assignment_group", "assigned_to")
    )
    if moved and "reassignment_count" not in change.given:
        change.new["reassignment_count"] = int(change.old.get("reassignment_count") or 0) + 1
