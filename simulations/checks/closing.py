"""Closing: closed is final for its serial, serials only grow, and only who may closes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulations.checks.facts import CLOSED, DESTINATION, PENDING, SOURCE, Check, Rewinds

if TYPE_CHECKING:
    from simulations.host import Host
    from simulations.rows import Change, Row
    from simulations.wire import Said
    from simulations.world import World

Place = tuple[str, str, bytes, bytes]
"""Whose connection: the machine, its role, the connection, the source's key."""


class Closing(Check):
    """What is closed, or was said to be, never comes back; a source's row that has gone is not forgotten here."""

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self._rewinds = Rewinds()
        self._closed: dict[Place, int] = {}
        self._highest: dict[Place, int] = {}

    def rewound(self, host: Host, *, marked: bool) -> None:
        """See `Observer`."""
        self._rewinds.rewound(host.key, marked=marked)
        for places in (self._closed, self._highest):
            for place in [place for place in places if place[0] == host.name]:
                del places[place]

    def said(self, by: str, said: Said) -> None:
        """See `Observer`: a closed that was said counts as well as one that was stored."""
        if said.mine.phase == CLOSED and said.mine.revision > 0 and self._rewinds.lineage(said.sender) == 0:
            source_key = said.sender if said.role == SOURCE else said.recipient
            self._close((by, said.role, said.connection, source_key), said.serial)

    def changed(self, host: Host, change: Change) -> None:
        """See `Observer`."""
        if change.after is not None:
            self._look(host, change.before, change.after)
        elif change.before is not None and change.before.role == DESTINATION:
            # A tombstone that another node's word alone brought about may be let go; see Conformance.
            place = (host.name, *change.before.identity)
            self._closed.pop(place, None)
            self._highest.pop(place, None)

    def _look(self, host: Host, before: Row | None, after: Row) -> None:
        place = (host.name, *after.identity)
        if after.serial < self._highest.get(place, 0):
            self.violated(f"{self.called(host, after)} has a serial below one that it had before.")
        self._highest[place] = after.serial
        if after.phase == CLOSED:
            self._close(place, after.serial)
        elif after.serial <= self._closed.get(place, 0):
            self.violated(f"{self.called(host, after)} was closed before for this serial.")
        if before is not None and before.serial == after.serial and before.phase == CLOSED:
            if after.mine != before.mine:
                self.violated(f"{self.called(host, after)} is closed and changed all the same.")
            if before.their_phase == CLOSED and after.theirs != before.theirs:
                self.violated(f"{self.called(host, after)} took something over its partner's closed.")
        if before is not None and before.phase != PENDING and after.phase == PENDING and after.serial <= before.serial:
            self.violated(f"{self.called(host, after)} is pending again under an old serial.")

    def _close(self, place: Place, serial: int) -> None:
        self._closed[place] = max(serial, self._closed.get(place, 0))
