"""Durability: what was committed, and so may have been answered, is there after every crash."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulations.checks.facts import Check

if TYPE_CHECKING:
    from simulations.host import Host
    from simulations.rows import Row
    from simulations.world import World


class Durability(Check):
    """A machine that boots finds each connection as its last commit left it."""

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self._committed: dict[str, dict[int, Row]] = {}

    def committed(self, host: Host) -> None:
        """See `Observer`."""
        self._committed[host.name] = host.rows.known

    def rewound(self, host: Host, *, marked: bool) -> None:  # noqa: ARG002 - whichever way
        """See `Observer`."""
        self._committed.pop(host.name, None)

    def booted(self, host: Host) -> None:
        """See `Observer`."""
        found, committed = host.rows.known, self._committed.get(host.name)
        if committed is None or found == committed:
            return
        for n in {*found, *committed}:
            if found.get(n) != committed.get(n):
                row = committed.get(n) or found[n]
                self.violated(f"{self.called(host, row)} was committed, and after a crash it is not as it was.")
