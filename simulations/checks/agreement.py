"""Agreement: once faults are over, both sides of every connection hold the same, nothing is owed, nobody waits.

Judged between one resync and three longest waits after all is mended. What must then be true follows from protocol
section 4; it is told for the pair of a source's row and a destination's, whatever they went through.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from simulations.checks.facts import (
    ACCEPTED,
    ACTIVE,
    ANNOUNCED,
    AWAITING,
    CLOSED,
    DESTINATION,
    PENDING,
    SOURCE,
    Check,
)

if TYPE_CHECKING:
    from simulations.host import Host
    from simulations.rows import Row

EXPIRES_WITHIN_S: Final = 2 * 3600
"""A code past its expiry is closed within the longest rest between two looks."""


class Agreement(Check):
    """See the module."""

    def unsettled(self) -> str | None:
        """See `Observer`."""
        hosts = [host for host in self.world.hosts.values() if not host.plan.is_clone]
        for host in hosts:
            if not host.is_reachable():
                return f"{host.name} is not on."
        by_key = {host.key: host for host in hosts}
        sources = {
            (row.connection, row.source_key): (host, row)
            for host in hosts
            for row in host.rows.known.values()
            if row.role == SOURCE
        }
        destinations: dict[tuple[bytes, bytes], dict[bytes, tuple[Host, Row]]] = {}
        for host in hosts:
            for row in host.rows.known.values():
                if row.owed and row.partner_node_url is not None and (row.partner or row.addressee) in by_key:
                    return f"{self.called(host, row)} still owes its statement."
                if row.role == DESTINATION:
                    destinations.setdefault((row.connection, row.source_key), {})[host.key] = (host, row)
        for place, found in destinations.items():
            for host, row in found.values():
                source = sources.get(place)
                wrong = self._destination_waits(host, row, source)
                if wrong is not None:
                    return wrong
        for place, (host, row) in sources.items():
            wrong = self._source_waits(host, row, destinations.get(place, {}))
            if wrong is not None:
                return wrong
        return None

    def _destination_waits(self, host: Host, row: Row, source: tuple[Host, Row] | None) -> str | None:
        if row.phase == CLOSED:
            return None
        if source is None:
            return f"{self.called(host, row)} is open, and its source knows nothing of it."
        other, theirs = source
        if row.serial != theirs.serial:
            return f"{self.called(host, row)} is open, and {self.called(other, theirs)} is not for that code."
        if row.phase == ANNOUNCED and theirs.phase == PENDING:
            return None
        if theirs.partner != host.key or theirs.phase not in {AWAITING, ACTIVE} or row.phase != ACCEPTED:
            return f"{self.called(host, row)} waits, and {self.called(other, theirs)} will not say more."
        if row.theirs != theirs.mine or theirs.theirs != row.mine:
            return f"{self.called(host, row)} and {self.called(other, theirs)} hold different things of each other."
        return None

    def _source_waits(self, host: Host, row: Row, found: dict[bytes, tuple[Host, Row]]) -> str | None:
        if row.phase == PENDING and host.clock.now() > row.expires_at + EXPIRES_WITHIN_S:
            return f"{self.called(host, row)} is pending long after its expiry."
        if row.phase not in {AWAITING, ACTIVE}:
            return None
        partner = found.get(row.partner or b"")
        if partner is None:
            return f"{self.called(host, row)} is open, and its partner knows nothing of it."
        other, theirs = partner
        if theirs.phase != ACCEPTED or theirs.serial != row.serial:
            return f"{self.called(host, row)} is open, and {self.called(other, theirs)} is not."
        return None

    def came_to_rest(self) -> None:
        """See `Observer`."""
        wrong = self.unsettled()
        if wrong is not None:
            self.violated(f"all is mended, and still {wrong}")
