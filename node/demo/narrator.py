"""How the demo speaks: lines of coloured pieces on standard output, or nothing at all for `--json`."""

from __future__ import annotations

import asyncio
import shutil
import sys
import textwrap
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from node.cli.failures import visible
from node.cli.output import console, has_colours
from node.demo.audience import Audience
from node.demo.reflow import reflowed

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rich.console import Console

SETTLE_SHARE: Final = 0.4
COLUMNS_MIN: Final = 40
COLUMNS_MAX: Final = 100
INDENT: Final = "    "

_ASCII: Final = str.maketrans(
    {"│": "|", "─": "-", "╌": "~", "━": "=", "·": ".", "▶": ">", "◀": "<", "→": ">", "›": ">", "…": ".", "✓": "*"}
    | {"×": "x", "↻": "@", "┅": "-"}
)
"""One character for one, so that columns stay where they are."""


class Style(StrEnum):
    """Colours of a medium lightness: each can be read on white and on black."""

    PLAIN = ""
    STRONG = "bold"
    FAINT = "dim"
    A = "color(32)"
    B = "color(163)"
    MQTT = "color(30)"
    GOOD = "color(28)"
    BAD = "color(160)"
    A_STRONG = "bold color(32)"
    B_STRONG = "bold color(163)"
    GOOD_STRONG = "bold color(28)"
    BAD_STRONG = "bold color(160)"


Piece = tuple[str, Style]


def style_of(side: str, *, strong: bool = False) -> Style:
    """The colour of a node and its admin."""
    if strong:
        return Style.A_STRONG if side == "a" else Style.B_STRONG
    return Style.A if side == "a" else Style.B


class Narrator:
    """Tells the demo; keeps what each step said.

    Attributes:
        audience: who follows beside the terminal.
        columns: how wide a line may be.
        steps: each step that was told: its number, who acts, on which screen, and its lines.
    """

    def __init__(self, *, silent: bool, pause_s: float) -> None:
        """Look at standard output; `pause_s` is the rest after a step on a terminal, so that eyes can follow."""
        self.silent = silent
        self.is_watched = not silent and sys.stdout.isatty()
        self.audience = Audience()
        self._pause_s = pause_s
        self.columns = max(COLUMNS_MIN, min(COLUMNS_MAX, shutil.get_terminal_size((COLUMNS_MAX, 0)).columns))
        self.steps: list[dict[str, Any]] = []
        self._console: Console | None = None if silent or not has_colours() else console()
        self._is_ascii = not _can_show("│─╌━·▶◀→›…✓×↻┅")

    def line(self, *pieces: Piece | str, right: str = "", whole: bool = False) -> None:
        """One line, or several where there is no room for it.

        Args:
            pieces: texts, with their styles or plain.
            right: stands at the right end of the line, or is left out where there is no room for it.
            whole: the line is kept together, however long it is, for people to copy it.
        """
        if self.silent:
            return
        shown = [(visible(piece), Style.PLAIN) if isinstance(piece, str) else piece for piece in pieces]
        rows = [shown] if whole else reflowed(shown, columns=self.columns)
        for row in [rows[0], *rows[-1:]] if right else ():
            room = self.columns - sum(len(text) for text, _ in row) - len(right)
            if room > 1:
                row.append((" " * room + right, Style.FAINT))
                break
        for row in rows:
            self._write(row)
        sys.stdout.flush()

    def _write(self, row: Sequence[Piece]) -> None:
        if self._console is not None:
            from rich.text import Text  # noqa: PLC0415 - loaded by the console

            text = Text.assemble(*((text, style.value) for text, style in row))
            self._console.print(text, soft_wrap=True)
        else:
            plain = "".join(text for text, _ in row).rstrip()
            sys.stdout.write((plain.translate(_ASCII) if self._is_ascii else plain) + "\n")

    def lines(self, rows: Iterable[Iterable[Piece]]) -> None:
        """Several lines."""
        for row in rows:
            self.line(*row)

    def heading(self, text: str) -> None:
        """The title of a part, after an empty line."""
        self.line()
        self.line((text, Style.STRONG))

    def step(self, who: str, screen: str, *, side: str | None = None, style: Style | None = None) -> None:
        """Begin a step: who acts, and where; `side` or `style` gives the colour."""
        number = len(self.steps) + 1
        self.steps.append({"number": number, "who": who, "screen": screen, "lines": []})
        if style is None:
            style = style_of(side, strong=True) if side is not None else Style.STRONG
        self.line()
        self.line((f"{number:>2}  ", Style.STRONG), (who, style), (f" · {screen}", Style.STRONG))
        self.audience.step(who, screen, side=side)

    def say(self, *pieces: Piece | str, right: str = "") -> None:
        """A line of the present step."""
        self.say_event(*pieces, right=right)
        self.audience.said(self.steps[-1]["lines"][-1])

    def say_event(self, *pieces: Piece | str, right: str = "") -> None:
        """The same of an event, which the audience sees by itself."""
        texts = [piece if isinstance(piece, str) else piece[0] for piece in pieces]
        self.steps[-1]["lines"].append("".join(texts).strip())
        self.line(INDENT, *pieces, right=right)

    def say_long(self, text: str) -> None:
        """A sentence of the present step, on as many lines as it takes."""
        for line in textwrap.wrap(text, self.columns - len(INDENT)):
            self.say_event(line)
        self.audience.said(text)

    async def pause(self) -> None:
        """A short rest, for people only."""
        if self.is_watched or self.audience.is_there:
            await asyncio.sleep(self._pause_s)

    async def settle(self) -> None:
        """A shorter one between a step's beginning and its act, for an audience that looks at a page meanwhile."""
        if self.audience.is_there:
            await asyncio.sleep(self._pause_s * SETTLE_SHARE)


def _can_show(text: str) -> bool:
    try:
        text.encode(sys.stdout.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True
