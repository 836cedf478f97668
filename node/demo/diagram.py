"""The sequence diagram, drawn from what was seen: five lifelines, one row for each thing that happened.

Nothing stands in it that was not seen. A row's line tells the way it went: an admin's act, a signed message over
HTTP, an event over MQTT, or the code that was carried by hand. Where a process is dead, its lifeline is missing.
Where there is no room for lifelines, the same rows are a list.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, assert_never

from node.demo.narrator import Style, style_of
from node.demo.seen import Act, Attempt, Handover, Killed, Message, Presence, Restarted, Status

if TYPE_CHECKING:
    from collections.abc import Sequence
    from collections.abc import Set as AbstractSet

    from node.demo.narrator import Piece
    from node.demo.seen import Seen

LIFELINE: Final = "│"
LIFELINES_COLUMNS_MIN: Final = 80
ADMIN_COLUMN: Final = 4
ADMIN_GAP: Final = 14
"""Columns from an admin to their node where there are 80; a fifth of each further column is added."""

LEGEND: Final = "─ admin's act   ━ signed message, HTTP   ╌ MQTT event, #seq   · carried by hand"
LEGEND_OF_TROUBLE: Final = "┅ try   × reached nobody, or killed   ↻ started again"
LEGEND_OF_LIFELINES: Final = "   no lifeline: no process"

TITLES: Final = {"admin a": "Admin A", "a": "node a", "mqtt": "MQTT", "b": "node b", "admin b": "Admin B"}

_SIGNS: Final = {"×": Style.BAD_STRONG, "↻": Style.GOOD_STRONG}


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrow:
    """A row: from which lifeline to which, drawn with what, saying what, and whether it got there."""

    sender: str
    recipient: str
    line: str
    label: str
    style: Style
    arrived: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A row: what befell the process of one lifeline."""

    place: str
    sign: str
    label: str


def draw(seen: Sequence[Seen], *, columns: int) -> list[list[Piece]]:
    """The diagram's lines and its legend; presences that were retained are left out.

    The lines are no wider than `columns`, which is at least 40; the legend is for the reader to break.
    """
    things = [row for one in seen if (row := drawn(one)) is not None]
    has_lifelines = columns >= LIFELINES_COLUMNS_MIN
    rows = _with_lifelines(things, columns) if has_lifelines else [_listed(one, columns) for one in things]
    rows.append([(LEGEND, Style.FAINT)])
    if any(isinstance(one, Mark) or not one.arrived for one in things):
        rows.append([(LEGEND_OF_TROUBLE + (LEGEND_OF_LIFELINES if has_lifelines else ""), Style.FAINT)])
    return rows


def _listed(one: Arrow | Mark, columns: int) -> list[Piece]:
    """From whom to whom, and what; or whom it befell."""
    if isinstance(one, Mark):
        return [
            (f"{TITLES[one.place]:>7} ", Style.STRONG),
            (one.sign, _SIGNS[one.sign]),
            (f" {one.label}", Style.STRONG),
        ]
    head = ("▶", one.style) if one.arrived else ("×", Style.BAD_STRONG)
    ends = f"{TITLES[one.sender]:>7} ", f" {TITLES[one.recipient]:<7}  "
    label = one.label
    while len(label) > columns - sum(map(len, ends)) - 2 and " · " in label:
        label = label.rpartition(" · ")[0]
    return [(ends[0], one.style), (one.line, one.style), head, (ends[1], Style.PLAIN), (label, one.style)]


def _with_lifelines(things: Sequence[Arrow | Mark], columns: int) -> list[list[Piece]]:
    places = _places(columns)
    rows = [_names(places)]
    dead: set[str] = set()
    for one in things:
        if isinstance(one, Arrow):
            rows.append(_arrow_row(places, one, dead))
            continue
        dead.discard(one.place)
        rows.append(_mark_row(places, one, dead))
        if one.sign == "×":
            dead.add(one.place)
    return rows


def _places(columns: int) -> dict[str, int]:
    """The column of each lifeline."""
    right = columns - 1
    middle = right // 2
    gap = ADMIN_GAP + (right + 1 - LIFELINES_COLUMNS_MIN) // 5
    mirrored = 2 * middle
    left = {"admin a": ADMIN_COLUMN, "a": ADMIN_COLUMN + gap}
    return left | {"mqtt": middle, "b": mirrored - left["a"], "admin b": mirrored - left["admin a"]}


def _names(places: dict[str, int]) -> list[Piece]:
    pieces: list[Piece] = []
    end = 0
    for name, place in places.items():
        begin = place - len(TITLES[name]) // 2
        pieces.append((" " * (begin - end), Style.PLAIN))
        pieces.append((TITLES[name], Style.MQTT if name == "mqtt" else style_of(name[-1], strong=True)))
        end = begin + len(TITLES[name])
    return pieces


def drawn(one: Seen) -> Arrow | Mark | None:
    """The row that something makes; a presence that was retained makes none."""
    match one:
        case Act():
            return Arrow(
                sender=f"admin {one.side}",
                recipient=one.side,
                line="─",
                label=one.what,
                style=style_of(one.side),
                arrived=one.reached,
            )
        case Handover():
            return Arrow(
                sender=f"admin {one.sender}",
                recipient=f"admin {one.recipient}",
                line="·",
                label="the invitation code",
                style=style_of(one.sender),
            )
        case Message():
            label = f"{one.kind} · {one.phase} · {one.size_bytes} bytes"
            return Arrow(sender=one.sender, recipient=one.recipient, line="━", label=label, style=style_of(one.sender))
        case Attempt():
            return Arrow(
                sender=one.sender,
                recipient=one.recipient,
                line="┅",
                label=f"try {one.number} · {one.cause}",
                style=style_of(one.sender),
                arrived=False,
            )
        case Status():
            return _event(one.side, f"{one.status} #{one.seq}")
        case Presence():
            said = "its will: lost" if one.state == "lost" else one.state
            return None if one.retained else _event(one.side, said)
        case Killed():
            return Mark(place=one.side, sign="×", label="kill -9")
        case Restarted():
            return Mark(place=one.side, sign="↻", label="started again")
        case _:
            assert_never(one)


def _event(side: str, label: str) -> Arrow:
    return Arrow(sender=side, recipient="mqtt", line="╌", label=label, style=Style.MQTT)


def _arrow_row(places: dict[str, int], arrow: Arrow, dead: AbstractSet[str]) -> list[Piece]:
    begin, end = sorted((places[arrow.sender], places[arrow.recipient]))
    room = end - begin - 1
    label = f" {arrow.label} "
    if len(label) > room - 1:
        label = f"{label[: room - 3]}… "
    is_rightward = places[arrow.sender] == begin
    head = ("▶" if is_rightward else "◀", arrow.style) if arrow.arrived else ("×", Style.BAD_STRONG)
    line = (label.center(room - 1, arrow.line), arrow.style)
    lifelines = _lifelines(places, dead)
    left, right = (lifelines[: begin + 1], Style.FAINT), (lifelines[end:], Style.FAINT)
    return [left, line, head, right] if is_rightward else [left, head, line, right]


def _mark_row(places: dict[str, int], mark: Mark, dead: AbstractSet[str]) -> list[Piece]:
    """The sign stands on the lifeline, its label beside it, towards the middle."""
    place, label = places[mark.place], f" {mark.label} "
    sign, lifelines = (mark.sign, _SIGNS[mark.sign]), _lifelines(places, dead)
    if place < places["mqtt"]:
        rest = lifelines[place + 1 + len(label) :]
        return [(lifelines[:place], Style.FAINT), sign, (label, Style.STRONG), (rest, Style.FAINT)]
    before = lifelines[: place - len(label)]
    return [(before, Style.FAINT), (label, Style.STRONG), sign, (lifelines[place + 1 :], Style.FAINT)]


def _lifelines(places: dict[str, int], dead: AbstractSet[str]) -> str:
    drawn = [" "] * (max(places.values()) + 1)
    for name, place in places.items():
        drawn[place] = " " if name in dead else LIFELINE
    return "".join(drawn)
