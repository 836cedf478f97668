"""What commands print: lines and tables for people, or one JSON document for programs."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING, Any, Final

from node.cli.failures import CHARACTERS_MAX, visible

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from rich.console import Console

WIDTH_ELSEWHERE: Final = 160
"""How wide a table may be where there is no terminal to ask."""

STYLES: Final = {
    "active": "green",
    "closed": "dim",
    "awaiting-approval": "yellow",
    "deactivated-here": "yellow",
    "deactivated-there": "yellow",
    "deactivated-both": "yellow",
}
"""The colour of a status; the others have none."""


class Output:
    """One command's standard output."""

    def __init__(self, *, as_json: bool) -> None:
        self.as_json = as_json

    def document(self, content: Mapping[str, Any]) -> None:
        """The one JSON document, if that was asked for."""
        if self.as_json:
            sys.stdout.write(json.dumps(content, indent=2, ensure_ascii=False) + "\n")

    def line(self, text: str = "", *, style: str = "", whole: bool = False) -> None:
        """One line for people; `whole`: it is not cut, however long it is."""
        if not self.as_json:
            shown = visible(text, characters_max=len(text) if whole else CHARACTERS_MAX)
            if style and has_colours():
                from rich.text import Text  # noqa: PLC0415 - rich takes 0.1 s to load

                console().print(Text(shown, style=style), soft_wrap=True)
            else:
                sys.stdout.write(shown + "\n")

    def pairs(self, rows: Iterable[tuple[str, str | None]]) -> None:
        """Names and values below each other; what has no value is left out."""
        shown = [(name, value) for name, value in rows if value]
        width = max((len(name) for name, _ in shown), default=0)
        for name, value in shown:
            self.line(f"  {name:<{width}}  {value}")

    def table(self, titles: Sequence[str], rows: Iterable[Sequence[tuple[str, str]]]) -> None:
        """A table; each cell is its text and its style."""
        if self.as_json:
            return
        from rich.text import Text  # noqa: PLC0415 - rich takes 0.1 s to load

        from node.cli.tables import laid_out  # noqa: PLC0415 - likewise

        screen = console()
        texts = [[Text(visible(text), style=style) for text, style in row] for row in rows]
        screen.print(laid_out(titles, texts, columns=screen.width))


def has_colours() -> bool:
    """Whether standard output shows colours: a terminal, unless NO_COLOR or TERM=dumb says otherwise."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def console() -> Console:
    """A rich console on standard output, without any control sequence where there are no colours."""
    from rich.console import Console  # noqa: PLC0415 - rich takes 0.1 s to load

    is_terminal = sys.stdout.isatty()
    return Console(
        color_system="auto" if has_colours() else None,
        force_terminal=is_terminal,
        highlight=False,
        emoji=False,
        width=None if is_terminal else WIDTH_ELSEWHERE,
    )
