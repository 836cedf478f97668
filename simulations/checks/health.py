"""Health: no node meets an error that it does not know, and a write that is asked twice under one key is done once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from node.ports import StoreFullError
from node.problems import PROBLEMS, Problem
from simulations.checks.facts import Check, Rewinds

if TYPE_CHECKING:
    from node.ports import HttpAnswer
    from simulations.admins import Asked
    from simulations.host import Host
    from simulations.rows import Change
    from simulations.world import World

INTERNAL_ERROR = 500
DISK_FULL = PROBLEMS[Problem.DISK_FULL].status


class Health(Check):
    """A store whose disk is full is all that a node may be at a loss with, and it knows that for what it is."""

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self._rewinds = Rewinds()
        self._keyed_names: dict[tuple[str, str], str] = {}
        self._made: dict[tuple[str, str, int], int] = {}

    def rewound(self, host: Host, *, marked: bool) -> None:
        """See `Observer`."""
        self._rewinds.rewound(host.key, marked=marked)

    def logged(self, host: str, event: dict[str, object], error: BaseException | None) -> None:
        """See `Observer`."""
        if error is not None and not isinstance(error, StoreFullError):
            self.violated(f"{host} logged {event.get('event')!r}: {type(error).__name__}: {error}")

    def asked(self, host: Host, asked: Asked) -> None:
        """See `Observer`."""
        if asked.act == "initiate" and asked.key is not None and asked.body is not None:
            self._keyed_names[host.name, str(asked.body["name"])] = asked.key

    def answered(self, host: Host, asked: Asked, answer: HttpAnswer | None) -> None:
        """See `Observer`."""
        if answer is not None and answer.status >= INTERNAL_ERROR and answer.status != DISK_FULL:
            self.violated(f"{host.name} answered its admin's {asked.act} with {answer.status}.")

    def changed(self, host: Host, change: Change) -> None:
        """See `Observer`."""
        after = change.after
        if change.before is not None or after is None or after.role != "source":
            return
        if (host.name, after.name) in self._keyed_names:
            place = (host.name, after.name, self._rewinds.lineage(host.key))
            self._made[place] = self._made.get(place, 0) + 1
            if self._made[place] > 1:
                self.violated(f"{self.called(host, after)} was made a second time for one idempotency key.")
