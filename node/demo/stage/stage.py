"""What stands on the stage: both sides as their nodes say they are, the step that is played, the rows of the diagram.

All of it comes from the nodes' own events or from what the demo itself did. A page is made of the same pieces that
are told to pages which are open, so what was told and what was loaded can't differ.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from node import words
from node.console.console import PREFIX
from node.console.presenting import TONES
from node.console.rendering import templates_in
from node.demo.audience import Audience
from node.demo.diagram import TITLES, Arrow, Mark, drawn
from node.demo.seen import Killed, Presence, Restarted, Status
from node.demo.stage.journal import Journal
from node.demo.stage.places import TEMPLATES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from node.demo.seen import Seen

ONLINE: Final = "online"
FIRST_PAGE: Final = f"{PREFIX}/connections"

LINES: Final = {"─": "act", "━": "message", "╌": "event", "·": "handover", "┅": "try"}
"""What the terminal's diagram draws an arrow with, and how the style sheet calls it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Console:
    """One admin's console: where it is, the colour that it has, and the file with its first-run password."""

    url: str
    accent: str
    password_file: Path

    @property
    def password(self) -> str:
        """The first-run password, as the node has written it down."""
        return self.password_file.read_text(encoding="utf-8").strip()


@dataclass(frozen=True, slots=True, kw_only=True)
class Caption:
    """A heading and the sentence below it."""

    heading: str
    line: str


@dataclass(slots=True, kw_only=True)
class _Side:
    side: str
    console: Console
    page: str = FIRST_PAGE
    presence: str = "starting"
    seqs: dict[str, int] = field(default_factory=dict)
    status: str | None = None

    @property
    def is_up(self) -> bool:
        return self.presence == ONLINE


class Stage(Audience):
    """One stage.

    Attributes:
        consoles: by side, left one first.
        journal: what pages that are open are told.
        watched: set once a page follows it.
    """

    is_there = True

    def __init__(self, consoles: Mapping[str, Console], *, caption: Caption) -> None:
        """Set it up.

        Args:
            consoles: by side, left one first.
            caption: what stands above it until the first step is told.
        """
        self.consoles = consoles
        self.journal = Journal()
        self.watched = asyncio.Event()
        self._first_at_s: float | None = None
        self._sides = {side: _Side(side=side, console=console) for side, console in consoles.items()}
        self._dead: set[str] = set()
        self._caption: dict[str, Any] = {"heading": caption.heading, "accent": None, "lines": [caption.line]}

    def page(self, asset: Callable[[str], str]) -> str:
        """The whole page, as it is now; `asset` tells where a file is."""
        return self._render(
            "stage.html",
            asset=asset,
            sides=list(self._sides.values()),
            caption=self._caption,
            rows=self.journal.rows,
            seen=self.journal.number,
        )

    def step(self, who: str, screen: str, *, side: str | None) -> None:
        """See `Audience`."""
        accent = self._sides[side].console.accent if side is not None else None
        self._caption = {"heading": f"{who} · {screen}", "accent": accent, "lines": []}
        self._tell_caption()

    def said(self, text: str) -> None:
        """See `Audience`."""
        self._caption["lines"].append(text)
        self._tell_caption()

    def looks(self, side: str, path: str) -> None:
        """See `Audience`."""
        self._sides[side].page = path
        self._tell_side(side)

    def seen(self, one: Seen) -> None:
        """Draw it, and show what it says of a side."""
        shown = drawn(one)
        if isinstance(one, Restarted):
            self._dead.discard(one.side)
        if shown is not None:
            self._tell_row(one.at_s, shown)
        match one:
            case Killed(side=side):
                self._dead.add(side)
            case Presence(side=side, state=state):
                (self._dead.discard if state == ONLINE else self._dead.add)(side)
                self._sides[side].presence = state
                self._tell_side(side)
            case Status(side=side, topic=topic, seq=seq, status=status):
                of = self._sides[side]
                if of.seqs.get(topic, 0) < seq:  # a broker may deliver twice, and an older one after that
                    of.seqs[topic], of.status = seq, status
                    self._tell_side(side)

    def _tell_row(self, at_s: float, shown: Arrow | Mark) -> None:
        if self._first_at_s is None:
            self._first_at_s = at_s
        at = f"{max(0.0, at_s - self._first_at_s):.2f} s"
        alive = [place for place in ("a", "mqtt", "b") if place not in self._dead]
        if isinstance(shown, Mark):
            html = self._render("mark.html", mark=shown, title=TITLES[shown.place], at=at, alive=alive)
        else:
            html = self._render(
                "arrow.html",
                arrow=shown,
                line=LINES[shown.line],
                accent=self._sides[shown.sender[-1]].console.accent,
                titles=TITLES,
                at=at,
                alive=alive,
            )
        self.journal.tell("row", html)

    def _tell_side(self, side: str) -> None:
        self.journal.tell("part", self._render("side.html", one=self._sides[side]))

    def _tell_caption(self) -> None:
        self.journal.tell("part", self._render("caption.html", caption=self._caption))

    @staticmethod
    def _render(template: str, **values: Any) -> str:
        made = templates_in(TEMPLATES).get_template(template)
        return made.render(words=words.STATUSES, tones=TONES, **values)
