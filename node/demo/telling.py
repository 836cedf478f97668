"""One event as one line: who to whom, what, and how long after the act."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from node.demo.narrator import Style, style_of
from node.demo.seen import Attempt, Message, Presence, Status

if TYPE_CHECKING:
    from node.demo.narrator import Narrator
    from node.demo.seen import Event

WHAT_COLUMNS: Final = 20
"""How wide the word for an event is, so that what follows stands in one column."""

ID_CHARACTERS_MIN: Final = 32
"""No other part of a topic is that long."""

_STYLES: Final = {"active": Style.GOOD_STRONG, "lost": Style.BAD_STRONG}


def tell(narrator: Narrator, one: Event | Attempt, *, began_at_s: float | None = None) -> None:
    """Say one event on one line: who to whom, what, and how long after the act."""
    when = f"+{max(0, round((one.at_s - began_at_s) * 1000))} ms" if began_at_s is not None else ""
    match one:
        case Message():
            narrator.say_event(
                (f"{one.sender} → {one.recipient}     ", style_of(one.sender)),
                (f"{one.kind} · {one.phase}".ljust(WHAT_COLUMNS), Style.STRONG),
                f"{one.size_bytes} bytes, id {one.message[:8]}{', an answer' if one.answer else ''}",
                right=when,
            )
        case Attempt():
            rest = f", next in {max(0, one.next_at_s - one.at_s) * 1000:.0f} ms" if one.next_at_s is not None else ""
            narrator.say_event(
                (f"{one.sender} → {one.recipient}  ", style_of(one.sender)),
                ("×  ", Style.BAD_STRONG),
                (f"try {one.number}".ljust(WHAT_COLUMNS), Style.STRONG),
                f"{one.cause}{rest}",
                right=when,
            )
        case Presence() | Status():
            style = _STYLES.get(one.state if isinstance(one, Presence) else one.status, Style.STRONG)
            said = one.state if isinstance(one, Presence) else f"{one.status} · seq {one.seq}"
            narrator.say_event(
                (f"{one.side} ", style_of(one.side)),
                ("→ MQTT  ", Style.MQTT),
                (said.ljust(WHAT_COLUMNS), style),
                (short_topic(one.topic), Style.MQTT),
                right=when,
            )


def short_topic(topic: str) -> str:
    """A topic with its long ids cut: what tells two of them apart at a glance."""
    parts = topic.removeprefix("handclasp/v1/").split("/")
    return "/".join(f"{part[:4]}…" if len(part) >= ID_CHARACTERS_MIN else part for part in parts)
