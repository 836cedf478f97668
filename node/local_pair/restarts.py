"""When a process of the pair that died is started again, and when it is given up: numbers only, no process."""

from __future__ import annotations

from typing import Final

WAITS_S: Final = (3.0, 6.0, 12.0)
"""How long a process stays down after each death in a row: long enough to see its node as *lost*, also by a
subscriber that comes late. A further death at once is the last."""

STEADY_S: Final = 10.0
"""Whoever lived that long did not die at once."""


class Restarts:
    """What one process's deaths lead to."""

    def __init__(self, waits_s: tuple[float, ...] = WAITS_S) -> None:
        """Begin with no death.

        Args:
            waits_s: the waits after the first death in a row, the second, and so on.
        """
        self._waits_s = waits_s
        self.in_a_row = 0

    def after_death(self, *, lived_s: float) -> float | None:
        """How many seconds it stays down; none: it is given up.

        Args:
            lived_s: how long it was ready before it died; 0 when its start failed.
        """
        self.in_a_row = 1 if lived_s >= STEADY_S else self.in_a_row + 1
        return self._waits_s[self.in_a_row - 1] if self.in_a_row <= len(self._waits_s) else None
