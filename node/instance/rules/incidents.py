"""The rules of incidents.

Of what ServiceNow asks for in its forms, the REST APIs ask for what its data policies ask for: a resolution code and
notes. A reason for being on hold, and a comment to the caller, are asked for by its form alone (a UI policy), so a
client may leave them out here too. Nor does it matter here from which state to which an incident goes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from node.instance.errors import InstanceError
from node.instance.rules.states import mark, seconds_between, state_of

if TYPE_CHECKING:
    from node.instance.records.changes import Change

NEW, IN_PROGRESS, ON_HOLD, RESOLVED, CLOSED = 1, 2, 3, 6, 7
AWAITING_CALLER: Final = 1
OPEN: Final = frozenset({NEW, IN_PROGRESS, ON_HOLD})
DONE: Final = frozenset({RESOLVED, CLOSED})

PRIORITIES: Final = {
    (1, 1): 1,
    (1, 2): 2,
    (1, 3): 3,
    (2, 1): 2,
    (2, 2): 3,
    (2, 3): 4,
    (3, 1): 3,
    (3, 2): 4,
    (3, 3): 5,
}
"""By impact and urgency. ServiceNow looks it up so for problems too."""

_ASKED_FOR: Final = ("close_code", "close_notes")


def set_priority(change: Change) -> None:
    """Priority follows impact and urgency; where one of them is missing, it is what it is."""
    if change.is_removal or not (change.is_of("incident") or change.is_of("problem")):
        return
    new = change.new
    found = PRIORITIES.get((_number(new.get("impact")), _number(new.get("urgency"))))
    if found is not None and any(change.has_changed(name) for name in ("impact", "urgency", "priority")):
        new["priority"] = found


def answer_of_caller(change: Change) -> None:
    """What was waiting for its caller goes on when the caller writes."""
    if change.is_removal or change.is_new or not change.is_of("incident") or "comments" not in change.journals:
        return
    waits = state_of(change.old) == ON_HOLD and change.old.get("hold_reason") == AWAITING_CALLER
    writes = change.old.get("caller_id") == change.scope.viewer.sys_id
    if waits and writes and not change.has_changed("state") and not change.has_changed("incident_state"):
        change.new["state"] = IN_PROGRESS


def keep_incident(change: Change) -> None:
    """Keep in step with the state what only incidents have. To do it twice is to do it once."""
    if change.is_removal or not change.is_of("incident"):
        return
    new, old_state, state = change.new, state_of(change.old), state_of(change.new)
    if state != ON_HOLD and old_state == ON_HOLD:
        new["hold_reason"] = None
    is_done, was_done = state in DONE, old_state in DONE
    if is_done and state != old_state:
        _ask_for_resolution(change)
    mark(change, "resolved_at", "resolved_by", is_there=is_done, was_there=was_done)
    if not is_done:
        new["calendar_stc"] = None
    elif not was_done:
        new["calendar_stc"] = seconds_between(new.get("opened_at"), new.get("resolved_at"))
    if was_done and state in OPEN:
        new["reopen_count"] = int(change.old.get("reopen_count") or 0) + 1
        new["reopened_time"] = change.at
        new["reopened_by"] = change.scope.viewer.sys_id or None


def _ask_for_resolution(change: Change) -> None:
    fields = change.tx.catalog.dictionary.fields(change.table)
    missing = [fields[name].label for name in _ASKED_FOR if change.new.get(name) is None]
    if missing:
        detail = f"Data Policy Exception: The following fields are mandatory: {', '.join(missing)}"
        raise InstanceError(403, "Operation Failed", detail)


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0
