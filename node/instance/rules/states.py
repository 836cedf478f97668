"""What the states of work mean: which are closed, and who came there when.

Pure data and small helpers; the rules themselves stand beside it.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from node.instance.values import moment, written

if TYPE_CHECKING:
    from collections.abc import Mapping

    from node.instance.records.changes import Change
    from node.instance.values import Stored

CLOSED: Final[Mapping[str, frozenset[int]]] = {
    "incident": frozenset({7, 8}),
    "problem": frozenset({107}),
    "problem_task": frozenset({157}),
    "change_request": frozenset({3, 4}),
    "task": frozenset({3, 4, 7}),
}
"""By table, the states in which a record is not active. A resolved incident (6) is still active."""

MIRRORS: Final[Mapping[str, str]] = {"incident": "incident_state", "problem": "problem_state"}
"""The field that always says the same as `state`, whichever of the two is written."""

SPAN_S_MAX: Final = int(datetime(9998, 1, 1, tzinfo=UTC).timestamp())
"""The longest span that can be stored: it is an instant so long after the beginning of 1970."""


def state_of(record: Mapping[str, Stored]) -> int | None:
    """The state; none before there is a record."""
    value = record.get("state")
    return value if isinstance(value, int) else None


def mark(change: Change, when: str, who: str, *, is_there: bool, was_there: bool) -> None:
    """Say when and by whom a state was reached; outside it, nothing. What the client itself says stands."""
    for name, value in ((when, change.at), (who, change.scope.viewer.sys_id or None)):
        if name in change.given:
            continue
        if not is_there:
            change.new[name] = None
        elif not was_there:
            change.new[name] = value


def seconds_between(earlier: Stored, later: Stored) -> int | None:
    """How long that was; none if one of the instants is missing, or they stand the other way round."""
    begin, end = moment(str(earlier or "")), moment(str(later or ""))
    return int((end - begin).total_seconds()) if begin is not None and end is not None and end >= begin else None


def duration(seconds: int | None) -> str | None:
    """A span as it is stored."""
    return None if seconds is None else written(datetime.fromtimestamp(min(seconds, SPAN_S_MAX), UTC))
