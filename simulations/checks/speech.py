"""Speech: a node says only what it has committed, holds of its partner only what that has said, and does not
contradict itself.

It is judged when a message leaves, against what is durable then; so an answer that leaves before its commit is found
whether or not the power goes in between.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulations.checks.facts import ANNOUNCED, DESTINATION, OTHER_ROLE, SOURCE, Check, Rewinds, in_words

if TYPE_CHECKING:
    from simulations.checks.facts import Side
    from simulations.host import Host
    from simulations.rows import Change, Row
    from simulations.wire import Said
    from simulations.world import World

Place = tuple[bytes, str, bytes, bytes, int]
"""Whose side: its key, its role, the connection, the source's key, the serial."""


class Speech(Check):
    """See the module."""

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self._rewinds = Rewinds()
        self._sides: dict[tuple[str, Place, int], tuple[int, Side]] = {}
        self._committed: set[tuple[Place, Side]] = set()
        self._held: set[tuple[Place, int, str, int]] = set()
        self._said: set[tuple[Place, Side]] = set()

    def rewound(self, host: Host, *, marked: bool) -> None:
        """See `Observer`."""
        self._rewinds.rewound(host.key, marked=marked)

    def changed(self, host: Host, change: Change) -> None:
        """See `Observer`."""
        if change.after is not None:
            self._look(host, change.before, change.after)
        elif change.before is not None:  # what was let go may begin again; whether it may go is not judged here
            place = (host.key, *change.before.identity, change.before.serial)
            for known in [known for known in self._sides if known[:2] == (host.name, place)]:
                del self._sides[known]

    def _look(self, host: Host, before: Row | None, after: Row) -> None:
        place = (host.key, after.role, after.connection, after.source_key, after.serial)
        self._committed.add((place, after.mine))
        if after.phase != ANNOUNCED:  # an acceptance begins at 1 again, and no source holds what was announced
            self._count(host, after, place)
        theirs = after.theirs
        if theirs[1] is None or (before is not None and before.theirs == theirs and before.serial == after.serial):
            return
        partner = after.partner
        if partner is None:
            self.violated(f"{self.called(host, after)} holds what nobody said: it has no partner.")
        theirs_place = (partner, OTHER_ROLE[after.role], after.connection, after.source_key, after.serial)
        if (theirs_place, theirs) not in self._said:
            self.violated(f"{self.called(host, after)} holds of its partner {in_words(theirs)}, which that never said.")
        self._held.add((theirs_place, theirs[0] or 0, theirs[1], theirs[2] or 0))

    def _count(self, host: Host, after: Row, place: Place) -> None:
        lineage = self._rewinds.lineage(host.key)
        known = self._sides.get((host.name, place, after.revision))
        if known is not None and known[0] == lineage and known[1] != after.mine:
            self.violated(f"{self.called(host, after)} has a revision that once stood for {in_words(known[1])}.")
        self._sides[host.name, place, after.revision] = (lineage, after.mine)

    def said(self, by: str, said: Said) -> None:
        """See `Observer`."""
        source_key = said.sender if said.role == SOURCE else said.recipient
        place = (said.sender, said.role, said.connection, source_key, said.serial)
        side: Side = (said.mine.revision, said.mine.phase, int(said.mine.enabled), said.reason)
        if said.mine.revision > 0 and (place, side) not in self._committed:
            self.violated(f"{by} says that it is {in_words(side)}, which it has not committed.")
        echo = said.echo
        if echo is not None and said.mine.phase != "none":
            other = SOURCE if said.role == DESTINATION else DESTINATION
            theirs_place = (said.recipient, other, said.connection, source_key, said.serial)
            if (theirs_place, echo.revision, echo.phase, int(echo.enabled)) not in self._held:
                held = in_words((*echo, None))
                self.violated(f"{by} says that it holds {held} of its partner, which it has not committed.")
        self._said.add((place, side))
