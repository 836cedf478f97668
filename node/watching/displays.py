"""How a picture is shown: as a table that stays true, as lines, or once."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING, Final

from node.cli.failures import visible
from node.cli.output import console
from node.watching.lines import NOTHING_YET, change_json, change_line, picture_json

if TYPE_CHECKING:
    from node.watching.picture import Change, Picture

REFRESH_S: Final = 0.1
"""The shortest time between two drawings of a table."""

OTHER_LINES: Final = 6
"""Lines of a terminal that are neither a connection's nor a node's: titles, blanks, notices, the cursor's."""

ROWS_MIN: Final = 3

BACK: Final = "The link to the MQTT broker is back."


class OnceDisplay:
    """Shows nothing until the picture is settled, then all of it."""

    def __init__(self, picture: Picture, *, as_json: bool) -> None:
        self._picture = picture
        self._as_json = as_json
        self.is_over = asyncio.Event()

    def changed(self, change: Change) -> None:
        """Wait for the rest."""

    def link_lost(self, sentence: str) -> None:
        """It is over by then."""

    def settled(self) -> None:
        """Show the picture; that is all."""
        if self.is_over.is_set():
            return
        self.is_over.set()
        if self._as_json:
            _write(picture_json(self._picture))
        else:
            from node.watching.table import picture_table  # noqa: PLC0415 - rich takes 0.1 s to load

            screen = console()
            screen.print(picture_table(self._picture, columns=screen.width))
            sys.stdout.flush()

    async def run(self) -> None:
        """Wait until it was shown."""
        await self.is_over.wait()


class LinesDisplay:
    """One line for each change, as it comes: for people, or JSON."""

    def __init__(self, picture: Picture, *, as_json: bool) -> None:
        self._picture = picture
        self._as_json = as_json
        self._is_begun = False
        self._is_lost = False

    def changed(self, change: Change) -> None:
        """Write its line."""
        _write(change_json(change) if self._as_json else visible(change_line(change, self._picture)))

    def link_lost(self, sentence: str) -> None:
        """Say so."""
        self._is_lost = True
        self._tell(f"{sentence} It is being restored.")

    def settled(self) -> None:
        """Tell where what was kept ends and news begins, and that a lost link is back."""
        if not self._is_begun and not self._as_json:
            is_empty = not self._picture.nodes() and not self._picture.connections()
            _write(NOTHING_YET if is_empty else "That is how it stands. Changes follow as they happen; Ctrl-C ends it.")
        if self._is_lost:
            self._tell(BACK)
        self._is_begun, self._is_lost = True, False

    async def run(self) -> None:
        """Go on until cancelled."""
        await asyncio.Event().wait()

    def _tell(self, sentence: str) -> None:
        if self._as_json:
            sys.stderr.write(visible(sentence) + "\n")
            sys.stderr.flush()
        else:
            _write(visible(sentence))


class TableDisplay:
    """A table on a terminal, drawn anew whenever something has changed."""

    def __init__(self, picture: Picture, *, place: str) -> None:
        self._picture = picture
        self._place = place
        self._is_due = asyncio.Event()
        self._notice = ""

    def changed(self, change: Change) -> None:  # noqa: ARG002 - the table shows all
        """Draw soon."""
        self._is_due.set()

    def link_lost(self, sentence: str) -> None:
        """Say so below the table."""
        self._notice = f"{sentence} It is being restored."
        self._is_due.set()

    def settled(self) -> None:
        """Say below the table what is watched."""
        self._notice = f"Watching the MQTT broker at {self._place}. Ctrl-C ends it."
        self._is_due.set()

    async def run(self) -> None:
        """Draw until cancelled; the last table stays."""
        from rich.live import Live  # noqa: PLC0415 - rich takes 0.1 s to load

        from node.watching.table import picture_table  # noqa: PLC0415 - likewise

        await self._is_due.wait()
        screen = console()
        with Live(console=screen, auto_refresh=False) as live:
            while True:
                self._is_due.clear()
                rows_max = max(ROWS_MIN, (screen.size.height - OTHER_LINES) * 2 // 3)
                table = picture_table(self._picture, columns=screen.width, rows_max=rows_max, notice=self._notice)
                live.update(table, refresh=True)
                await asyncio.sleep(REFRESH_S)
                await self._is_due.wait()


Display = OnceDisplay | LinesDisplay | TableDisplay


def _write(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()  # whoever reads it waits for it
