"""The sequence diagram, drawn from what was seen: five lifelines, one row for each thing that went from one to another.

Nothing stands in it that was not seen. A row's line tells the way it went: an admin's act, a signed message over
HTTP, an event over MQTT, or the code that was carried by hand.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple, assert_never

from node.demo.narrator import COLUMNS_MIN, Style, style_of
from node.demo.seen import Act, Handover, Message, Presence, Status

if TYPE_CHECKING:
    from collections.abc import Sequence

    from node.demo.narrator import Piece
    from node.demo.seen import Seen

LIFELINE: Final = "│"
ADMIN_COLUMN: Final = 4
ADMIN_GAP: Final = 14
"""Columns from an admin to their node where there are 80; a fifth of each further column is added."""

LEGEND: Final = "─ admin's act   ━ signed message, HTTP   ╌ MQTT event, #seq   · carried by hand"


class Arrow(NamedTuple):
    """A row: from which lifeline to which, drawn with what, saying what."""

    sender: str
    recipient: str
    line: str
    label: str
    style: Style


def draw(seen: Sequence[Seen], *, columns: int) -> list[list[Piece]]:
    """The diagram's lines, none wider than `columns` (at least 80); presences are left out."""
    places = _places(columns)
    rows = [_names(places)]
    rows += [_row(places, arrow) for arrow in map(_arrow, seen) if arrow is not None]
    rows.append([(LEGEND, Style.FAINT)])
    return rows


def _places(columns: int) -> dict[str, int]:
    """The column of each lifeline."""
    right = max(columns, COLUMNS_MIN) - 1
    middle = right // 2
    gap = ADMIN_GAP + (right + 1 - COLUMNS_MIN) // 5
    mirrored = 2 * middle
    left = {"admin a": ADMIN_COLUMN, "a": ADMIN_COLUMN + gap}
    return left | {"mqtt": middle, "b": mirrored - left["a"], "admin b": mirrored - left["admin a"]}


def _names(places: dict[str, int]) -> list[Piece]:
    titles = {"admin a": "Admin A", "a": "node a", "mqtt": "MQTT", "b": "node b", "admin b": "Admin B"}
    pieces: list[Piece] = []
    end = 0
    for name, place in places.items():
        begin = place - len(titles[name]) // 2
        pieces.append((" " * (begin - end), Style.PLAIN))
        pieces.append((titles[name], Style.MQTT if name == "mqtt" else style_of(name[-1], strong=True)))
        end = begin + len(titles[name])
    return pieces


def _arrow(one: Seen) -> Arrow | None:
    match one:
        case Act():
            return Arrow(f"admin {one.side}", one.side, "─", one.what, style_of(one.side))
        case Handover():
            sender, recipient = f"admin {one.sender}", f"admin {one.recipient}"
            return Arrow(sender, recipient, "·", "the invitation code", style_of(one.sender))
        case Message():
            label = f"{one.kind} · {one.phase} · {one.size_bytes} bytes"
            return Arrow(one.sender, one.recipient, "━", label, style_of(one.sender))
        case Status():
            return Arrow(one.side, "mqtt", "╌", f"{one.status} #{one.seq}", Style.MQTT)
        case Presence():
            return None
        case _:
            assert_never(one)


def _row(places: dict[str, int], arrow: Arrow) -> list[Piece]:
    begin, end = sorted((places[arrow.sender], places[arrow.recipient]))
    room = end - begin - 1
    label = f" {arrow.label} "
    if len(label) > room - 1:
        label = f"{label[: room - 3]}… "
    drawn = label.center(room - 1, arrow.line)
    drawn = f"{drawn}▶" if places[arrow.sender] == begin else f"◀{drawn}"
    lifelines = [" "] * (max(places.values()) + 1)
    for place in places.values():
        lifelines[place] = LIFELINE
    left, right = "".join(lifelines[: begin + 1]), "".join(lifelines[end:])
    return [(left, Style.FAINT), (drawn, arrow.style), (right, Style.FAINT)]
