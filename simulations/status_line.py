"""One line on standard error that is written over and over while something long runs."""

from __future__ import annotations

import sys


class StatusLine:
    """It shows only if it is to: on a terminal, and where no program reads the output."""

    def __init__(self, *, is_shown: bool) -> None:
        self._is_shown = is_shown
        self._is_open = False

    def show(self, text: str) -> None:
        """Write it over what stood there."""
        if self._is_shown:
            sys.stderr.write(f"\r{text}\x1b[K")
            sys.stderr.flush()
            self._is_open = True

    def wipe(self) -> None:
        """Leave the line free."""
        if self._is_open:
            sys.stderr.write("\x1b[2K\r")
            sys.stderr.flush()
            self._is_open = False
