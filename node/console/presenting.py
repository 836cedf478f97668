"""A connection's JSON view as a page shows it: words, a tone and an icon for each status, and what may be done."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from node import words
from node.standing import Reader, standing, why_untold
from protocol.records import Status
from protocol.tables import Act

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

TONES: Final[Mapping[str, tuple[str, str]]] = {
    Status.PENDING: ("waiting", "clock"),
    Status.INVITED: ("attention", "mail"),
    Status.ACCEPTING: ("waiting", "hourglass"),
    Status.AWAITING_APPROVAL: ("attention", "shield-check"),
    Status.ACTIVE: ("good", "circle-check"),
    Status.DEACTIVATED_HERE: ("off", "circle-pause"),
    Status.DEACTIVATED_THERE: ("off", "circle-pause"),
    Status.DEACTIVATED_BOTH: ("off", "circle-pause"),
    Status.CLOSED: ("over", "circle-x"),
}
"""How a status looks beside its word: a tone, which the style sheet colours, and an icon."""

MODES: Final = {"basic": "Basic", "visual": "Visual", "script": "Script"}
ROLES: Final = {"source": "Source", "destination": "Destination"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Button:
    """An act that may be done now.

    Attributes:
        act: its name.
        label: what the button says.
        icon: the drawing on it.
        asks: what it leads to, for an act that can't be taken back; none: it is done at once.
        danger: whether it ends something.
    """

    act: str
    label: str
    icon: str
    asks: str | None = None
    danger: bool = False


BUTTONS: Final[Sequence[Button]] = (
    Button(act=Act.APPROVE, label="Approve", icon="shield-check"),
    Button(
        act=Act.REFUSE,
        label="Refuse",
        icon="x",
        danger=True,
        asks="The connection closes on both sides. To let the right node in, initiate again.",
    ),
    Button(act=Act.ACTIVATE, label="Activate", icon="play"),
    Button(act=Act.DEACTIVATE, label="Deactivate", icon="circle-pause"),
    Button(act=Act.NEW_CODE, label="New invitation code", icon="key-round"),
    Button(
        act=Act.CANCEL,
        label="Cancel",
        icon="x",
        danger=True,
        asks="Your acceptance is taken back and the code is used up; the other admin is told.",
    ),
    Button(
        act=Act.DECLINE,
        label="Decline",
        icon="x",
        danger=True,
        asks="The invitation is declined; the other admin is told.",
    ),
    Button(
        act=Act.WITHDRAW,
        label="Withdraw",
        icon="x",
        danger=True,
        asks="The invitation code dies for good: nobody can accept it any more.",
    ),
    Button(
        act=Act.REMOVE, label="Remove", icon="x", danger=True, asks="It can't be opened again; the other side is told."
    ),
    Button(
        act=Act.FORGET,
        label="Forget",
        icon="x",
        danger=True,
        asks="Everything about it goes; what the partner has not been told yet is never told.",
    ),
)
"""In the order in which they stand."""

_REDUNDANT: Final = {Act.REMOVE: (Act.WITHDRAW, Act.REFUSE)}
"""What is the same act under another name while that one is possible (protocol 4: remove)."""


def buttons_of(view: Mapping[str, Any]) -> list[Button]:
    """What may be done with a connection now."""
    possible = set(view["possible_acts"])
    return [
        button
        for button in BUTTONS
        if button.act in possible and not possible & set(_REDUNDANT.get(Act(button.act), ()))
    ]


def shown(view: Mapping[str, Any], *, now: float) -> dict[str, Any]:
    """The view with what a page needs beside it."""
    tone, icon = TONES[view["status"]]
    buttons = buttons_of(view)
    return {
        **view,
        "status_word": words.status(view),
        "tone": tone,
        "status_icon": icon,
        "why": words.reason(view),
        "mode_word": MODES[view["mode"]],
        "role_word": ROLES[view["role"]],
        "other": view["partner"]["name"] or view["remote_short_name"] or "unknown",
        "since": ago(view["created_at"], now=now),
        "activity": ago(view["changed_at"], now=now),
        "created": words.moment(view["created_at"]),
        "changed": words.moment(view["changed_at"]),
        "expires": expiry(view["expires_at"], now=now),
        "waits_for": standing(view, now=now, reader=Reader.CONSOLE),
        "why_untold": why_untold(view, now=now, reader=Reader.CONSOLE),
        "buttons": buttons,
        # where there is room for less: to forget is for the connection's own page
        "row_buttons": [button for button in buttons if button.act != Act.FORGET],
    }


def ago(text: str, *, now: float) -> str:
    """How long ago an instant of the admin API was: "3 minutes ago"."""
    passed_s = now - words.unix_s(text)
    if passed_s < 60:  # noqa: PLR2004 - a minute
        return "just now" if passed_s > -60 else words.moment(text)  # noqa: PLR2004 - the clock was set back
    return passed(passed_s)


def passed(passed_s: float) -> str:
    """A span of time that has passed: "3 minutes ago"."""
    return f"{words.span(passed_s, most=1)} ago" if passed_s >= 1 else "just now"


def expiry(text: str | None, *, now: float) -> str | None:
    """When a code expires, in words."""
    if text is None:
        return None
    left_s = words.unix_s(text) - now
    left_s = max(round(left_s / 60) * 60, 1) if left_s > 0 else left_s  # a code of a week is not "6 days and 23 hours"
    return f"in {words.span(left_s)}, on {words.moment(text)}" if left_s > 0 else f"on {words.moment(text)}"
