"""How many records queries select, remembered until one of the tables that they ask is written to.

Counting a class of a million records takes a tenth of a second by the best index, and every list has its total.
"""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Hashable

TOTALS_MAX: Final = 500
"""How many are remembered; a key holds a query's text, of some hundred bytes."""

Version = tuple[int, ...]
"""How often each of some tables was written to."""


class Totals:
    """Totals by what was asked, each with the version of the tables that it is of; several threads may use it."""

    def __init__(self) -> None:
        self._kept: dict[Hashable, tuple[Version, int]] = {}
        self._lock = Lock()

    def of(self, key: Hashable, version: Version) -> int | None:
        """The total of that version; None if it is not known."""
        with self._lock:
            found = self._kept.pop(key, None)
            if found is None or found[0] != version:
                return None
            self._kept[key] = found  # the one that was asked for last goes last
            return found[1]

    def keep(self, key: Hashable, version: Version, total: int) -> None:
        """Remember one."""
        with self._lock:
            self._kept[key] = (version, total)
            if len(self._kept) > TOTALS_MAX:
                del self._kept[next(iter(self._kept))]
