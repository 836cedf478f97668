"""The order in which what is ready runs, as a list of choices: what makes a schedule simpler, one choice at a time.

Whenever more than one callback is ready the seed chooses. Each choice has a number, and the seed's own answer to it
does not depend on the others; so some can be left to the seed, and in all the rest the one that waits longest runs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random  # noqa: TID251 - the type of a seeded stream
    from collections.abc import Container


class Schedule:
    """The choices of one world.

    Attributes:
        overtakes: the numbers of the choices in which another callback ran than the one that waits longest.
    """

    def __init__(self, stream: random.Random, *, out_of_order: Container[int]) -> None:
        """Draw the seed's choices from a stream; only those with a number in `out_of_order` count."""
        self._stream = stream
        self._out_of_order = out_of_order
        self._number = 0
        self.overtakes: list[int] = []

    def choose(self, count: int) -> int:
        """Which of so many callbacks runs next; see `simulations.core.loop.SimulationLoop`."""
        self._number += 1
        chosen = int(self._stream.random() * count)
        if not chosen or self._number not in self._out_of_order:
            return 0
        self.overtakes.append(self._number)
        return chosen
