"""Consent: nobody is connected who did not want it, nor to anybody else.

Both admins acted, the source's approved if it was to be asked, the code lived when it was taken, the pinned key is
one whose admin held the code, and at most one destination is active for a code.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulations.checks.facts import ACCEPTED, ACTIVE, AWAITING, PENDING, SOURCE, Check, Rewinds

if TYPE_CHECKING:
    from simulations.admins import Asked
    from simulations.host import Host
    from simulations.rows import Change, Row
    from simulations.world import World


class Consent(Check):
    """See the module."""

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self._rewinds = Rewinds()
        self._accepted: set[tuple[bytes, int, bytes]] = set()
        self._declined: set[tuple[bytes, int, bytes]] = set()
        self._approved: set[tuple[bytes, str]] = set()
        self._active: dict[tuple[bytes, bytes, int], set[bytes]] = {}

    def rewound(self, host: Host, *, marked: bool) -> None:
        """See `Observer`."""
        self._rewinds.rewound(host.key, marked=marked)

    def asked(self, host: Host, asked: Asked) -> None:
        """See `Observer`."""
        if asked.code is not None:
            held = (asked.code.connection, asked.code.serial, host.key)
            (self._accepted if asked.act == "accept" else self._declined).add(held)
        if asked.act == "approve" and asked.sys_id is not None:
            self._approved.add((host.key, asked.sys_id))

    def changed(self, host: Host, change: Change) -> None:
        """See `Observer`."""
        if change.after is not None:
            look = self._look_at_source if change.after.role == SOURCE else self._look_at_destination
            look(host, change.before, change.after)

    def _look_at_source(self, host: Host, before: Row | None, after: Row) -> None:
        if after.partner is None:
            if after.phase in {AWAITING, ACTIVE}:
                self.violated(f"{self.called(host, after)} is connected with nobody.")
            return
        held = (after.connection, after.serial, after.partner)
        if before is not None and before.serial == after.serial and before.partner not in {None, after.partner}:
            self.violated(f"{self.called(host, after)} changed its partner.")
        if after.phase in {AWAITING, ACTIVE}:
            if held not in self._accepted:
                self.violated(f"{self.called(host, after)} has a partner whose admin never accepted its code.")
            if after.addressee is not None and after.addressee != after.partner:
                self.violated(f"{self.called(host, after)} was taken by another than its addressee.")
            if before is not None and before.phase == PENDING and host.decided_at >= after.expires_at:
                self.violated(f"{self.called(host, after)} was taken by a code past its expiry.")
        elif held not in self._accepted | self._declined and after.partner != after.addressee:
            self.violated(f"{self.called(host, after)} has a partner that never held its code.")
        if after.phase == ACTIVE and after.ask_me and (host.key, after.sys_id) not in self._approved:
            self.violated(f"{self.called(host, after)} is active and its admin never approved.")

    def _look_at_destination(self, host: Host, before: Row | None, after: Row) -> None:
        if after.partner != after.source_key:
            self.violated(f"{self.called(host, after)} has a partner that is not the source.")
        if before is not None and before.source_key != after.source_key:
            self.violated(f"{self.called(host, after)} changed its source.")
        if after.phase == ACCEPTED and (after.connection, after.serial, host.key) not in self._accepted:
            self.violated(f"{self.called(host, after)} is accepted and its admin never did.")
        place = (after.connection, after.source_key, after.serial)
        active = self._active.setdefault(place, set())
        if after.phase == ACCEPTED and after.their_phase == ACTIVE:
            active.add(host.key)
            if len(active) > 1 and not self._rewinds.was_silent(after.source_key):
                self.violated(f"{self.called(host, after)} is active beside another destination by the same code.")
        else:
            active.discard(host.key)
