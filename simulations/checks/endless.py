"""No endless exchange: what two nodes say to each other of a connection changes something, or it ends."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from simulations.checks.facts import Check

if TYPE_CHECKING:
    from simulations.host import Host
    from simulations.rows import Change
    from simulations.wire import Said
    from simulations.world import World

ANSWERS_MAX: Final = 80
"""So many answers in a row that change nothing: each is a question that had to be asked again. A node that says
something again and again though it is answered rests up to an hour in between, so a day has some dozens."""


class Endless(Check):
    """See the module."""

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self._answers: Counter[bytes] = Counter()

    def changed(self, host: Host, change: Change) -> None:  # noqa: ARG002 - wherever it was
        """See `Observer`."""
        row = change.after or change.before
        assert row is not None  # noqa: S101 - a change is of something
        self._answers[row.connection] = 0

    def said(self, by: str, said: Said) -> None:
        """See `Observer`."""
        if said.question is None:
            return
        self._answers[said.connection] += 1
        if self._answers[said.connection] > ANSWERS_MAX:
            label = self.world.network.label(said.connection)
            self.violated(f"{by} has given the last of {ANSWERS_MAX} answers about {label}, and nothing has changed.")
