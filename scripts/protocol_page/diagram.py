"""The state diagrams: every change of state that the machine makes, found by asking it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from protocol.machine import hear, state_of
from protocol.tables import DESTINATION_ACTS, DESTINATION_HEARS, SOURCE_ACTS, SOURCE_HEARS, State
from protocol.vocabulary import Role

from scripts.vectors.rules import done, situations, tried

if TYPE_CHECKING:
    from collections.abc import Iterator

    from protocol.records import Record

_SHOWN = {State.NO_RECORD: "[*]"}


def diagram(role: Role) -> str:
    """A Mermaid diagram of one role; changes that stay within a state are not drawn."""
    rows = [row.number for row in (SOURCE_HEARS if role is Role.SOURCE else DESTINATION_HEARS)]
    acts = list(dict.fromkeys(row.act.value for row in (SOURCE_ACTS if role is Role.SOURCE else DESTINATION_ACTS)))
    found: dict[tuple[str, str, bool], set[str]] = {}
    for before, after, label in _changes(role):
        is_newer = before is not None and after is not None and before.serial != after.serial
        if state_of(before) is state_of(after) and not is_newer:
            continue
        found.setdefault((_name(before), _name(after), is_newer), set()).add(label)
    lines = ["```mermaid", "stateDiagram-v2"]
    for (before_name, after_name, is_newer), labels in sorted(found.items(), key=_order):
        told = [label for label in acts if label in labels]
        numbers = [number for number in rows if f"row {number}" in labels]
        told += ["row " + ", ".join(numbers)] if numbers else []
        with_code = " with a newer code" if is_newer else ""
        lines.append(f"    {before_name} --> {after_name}: {', '.join(told)}{with_code}")
    return "\n".join([*lines, "```"])


def _changes(role: Role) -> Iterator[tuple[Record | None, Record | None, str]]:
    for record, heard, now in situations(role):
        step = hear(role, record, heard, now=now)
        yield record, step.record, f"row {step.row}"
    for record, wanted, code in tried(role):
        possible, after = done(role, record, wanted, code)
        if possible:
            yield record, after, wanted.value


def _name(record: Record | None) -> str:
    state = state_of(record)
    return _SHOWN.get(state, state.value)


_STATES = ["[*]", *(state.value for state in State)]


def _order(item: tuple[tuple[str, str, bool], set[str]]) -> tuple[int, int, bool]:
    before, after, is_newer = item[0]
    return _STATES.index(before), _STATES.index(after), is_newer
