"""The rules of problems: from which state to which one goes, and what that says of the record."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from node.instance.errors import InstanceError
from node.instance.rules.states import mark, state_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from node.instance.records.changes import Change

NEW, ASSESS, ANALYSIS, FIX, RESOLVED, CLOSED = 101, 102, 103, 104, 106, 107

TRANSITIONS: Final[Mapping[int, frozenset[int]]] = {
    NEW: frozenset({ASSESS, ANALYSIS, CLOSED}),
    ASSESS: frozenset({ANALYSIS, CLOSED}),
    ANALYSIS: frozenset({FIX, RESOLVED, CLOSED}),
    FIX: frozenset({ANALYSIS, RESOLVED, CLOSED}),
    RESOLVED: frozenset({ANALYSIS, CLOSED}),
    CLOSED: frozenset({ANALYSIS}),
}
"""ServiceNow enforces its state model of problems for every client, with exactly the sentence below."""

_CONFIRMED: Final = frozenset({ANALYSIS, FIX, RESOLVED, CLOSED})


def keep_problem(change: Change) -> None:
    """Let a problem go where its state model leads, and keep in step with it. To do it twice is to do it once."""
    if change.is_removal or not change.is_of("problem"):
        return
    old, new = state_of(change.old), state_of(change.new)
    if old is not None and old != new and old in TRANSITIONS and new not in TRANSITIONS[old]:
        raise InstanceError(
            403, "Operation Failed", f"Problem state transition from state {old} to {new} is not possible"
        )
    mark(change, "confirmed_at", "confirmed_by", is_there=new in _CONFIRMED, was_there=old in _CONFIRMED)
    done = (RESOLVED, CLOSED)
    mark(change, "resolved_at", "resolved_by", is_there=new in done, was_there=old in done)
