"""One event as one line: who to whom, what, and how long after the act."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from node.demo.narrator import Style, style_of
from node.demo.seen import Message, Presence, Status

if TYPE_CHECKING:
    from node.demo.narrator import Narrator
    from node.demo.seen import Event

WHAT_COLUMNS: Final = 20
"""How wide the word for an event is, so that what follows stands in one column."""

ID_CHARACTERS_MIN: Final = 32
"""No other part of a topic is that long."""


def tell(narrator: Narrator, one: Event, *, began_at_s: float | None = None) -> None:
    """Say one event on one line: who to whom, what, and how long after the act."""
    when = f"+{max(0, round((one.at_s - began_at_s) * 1000))} ms" if began_at_s is not None else ""
    match one:
        case Message():
            narrator.say(
                (f"{one.sender} → {one.recipient}     ", style_of(one.sender)),
                (f"{one.kind} · {one.phase}".ljust(WHAT_COLUMNS), Style.STRONG),
                f"{one.size_bytes} bytes, id {one.message[:8]}{', an answer' if one.answer else ''}",
                right=when,
            )
        case Presence() | Status():
            is_active = isinstance(one, Status) and one.status == "active"
            said = one.state if isinstance(one, Presence) else f"{one.status} · seq {one.seq}"
            narrator.say(
                (f"{one.side} ", style_of(one.side)),
                ("→ MQTT  ", Style.MQTT),
                (said.ljust(WHAT_COLUMNS), Style.GOOD_STRONG if is_active else Style.STRONG),
                (short_topic(one.topic), Style.MQTT),
                right=when,
            )


def short_topic(topic: str) -> str:
    """A topic with its long ids cut: what tells two of them apart at a glance."""
    parts = topic.removeprefix("handclasp/v1/").split("/")
    return "/".join(f"{part[:4]}…" if len(part) >= ID_CHARACTERS_MIN else part for part in parts)
