"""The last messages of a connection as rows of a sequence diagram: source at the left, destination at the right."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from node import words

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from node.delivery.events import TraceEvent


def drawing(events: Sequence[TraceEvent], view: Mapping[str, Any]) -> list[dict[str, Any]]:
    """One row for each message: when, which way, and what its sender said."""
    return [_row(event, is_source=view["role"] == "source") for event in events]


def _row(event: TraceEvent, *, is_source: bool) -> dict[str, Any]:
    data = event.data
    to_right = (data.direction == "sent") is is_source
    return {
        "at": words.moment(event.time),
        "way": "right" if to_right else "left",
        "direction": data.direction,
        "kind": "answer" if data.answer else data.kind.value,
        "says": data.phase.value,
        "echo": data.echo_phase.value if data.echo_phase is not None else None,
        "message": data.message,
        "bytes": data.bytes,
    }
