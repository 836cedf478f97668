"""Sometimes": what must happen in some world of a campaign, lest its checks pass for want of anything to check.

Counted are the rows of the protocol's tables that fired, and the kinds of faults that struck and that mattered: a
fault that changed nothing anybody did has tested nothing.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

import msgspec

from node.connections.hearing import Outcome as Taken
from protocol.tables import DESTINATION_ACTS, DESTINATION_HEARS, SOURCE_ACTS, SOURCE_HEARS
from simulations.faults import Fault
from simulations.observer import Observer
from simulations.ports import EPOCH_S

if TYPE_CHECKING:
    from collections.abc import Mapping

    from node.ports import HttpAnswer
    from simulations.admins import Asked
    from simulations.calls import Call
    from simulations.host import Host
    from simulations.rows import Change
    from simulations.world import World

HEARS: Final = {"source": SOURCE_HEARS, "destination": DESTINATION_HEARS}
ACTS: Final = {"source": SOURCE_ACTS, "destination": DESTINATION_ACTS}

ROWS: Final = tuple(f"{role} hears {row.number}" for role, table in HEARS.items() for row in table)
DEEDS: Final = tuple(dict.fromkeys(f"{role} {row.act}" for role, table in ACTS.items() for row in table))

BEYOND: Final = {
    "source hears 5": "a bound code is refused where it is pasted, so no node sends such an acceptance",
    "source hears 10a": "as row 5",
    "source hears 11a": "a bound code is taken by nobody but its addressee, and anybody else's bad proof is row 3a",
    "destination hears 0": "a destination's record that waits for an answer never goes",
}
"""Rows that no node of this version brings about, and why; they have tests of their own, by name of the abuse."""

STRUCK, MATTERED = "struck", "mattered"
GOALS: Final = tuple(goal for goal in (*ROWS, *DEEDS, *(f"{MATTERED} {kind}" for kind in Fault)) if goal not in BEYOND)
"""All that must have happened in a campaign of some length."""

TAKEN, SEEDS = "handshakes", "seeds"

_TIMERS: Final = {"expired": "expire", "restored": "restore"}
_OWN_ERROR: Final = 400


class Coverage(Observer):
    """Counts for one world."""

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.counts: Counter[str] = Counter()
        self._last_answer: dict[str, str] = {}

    def told_answer(self, call: Call) -> None:
        """See `Observer`."""
        if call.said is not None:
            self._last_answer[call.source] = call.said.role

    def unit(self, host: Host, result: object, changes: list[Change]) -> None:
        """See `Observer`."""
        if isinstance(result, Taken):
            self.counts[f"{self._role(host, result)} hears {result.step.row}"] += 1
        for change in changes:
            before, after = change.before, change.after
            if after is None or after.mine == (before.mine if before is not None else None):
                continue
            if after.reason in _TIMERS and not isinstance(result, Taken):
                self.counts[f"{after.role} {_TIMERS[after.reason]}"] += 1
            if after.phase in {"awaiting", "active"} and before is not None and before.phase == "pending":
                self.counts[TAKEN] += 1
            if after.role == "source" and before is not None and before.phase == "pending":
                self._look_at_clock(host, after.expires_at)

    def _role(self, host: Host, taken: Taken) -> str:
        connection = taken.after or taken.before
        if connection is not None:
            return connection.role.value
        if taken.answer is None:  # an answer to a record that has gone
            return self._last_answer.get(host.name, "source")
        said_nothing_of_it = taken.step.row == "1"
        return "source" if said_nothing_of_it else "destination"

    def _look_at_clock(self, host: Host, expires_at: int) -> None:
        true_now = EPOCH_S + self.world.loop.time()
        if (true_now >= expires_at) != (host.clock.now() >= expires_at):
            for kind in (Fault.CLOCK_SKEW, Fault.CLOCK_JUMP):
                if any(name.startswith(f"{kind}:{host.name}") for name in self.world.plan.struck):
                    self.world.plan.mattered.add(kind)

    def answered(self, host: Host, asked: Asked, answer: HttpAnswer | None) -> None:  # noqa: ARG002 - what was done
        """See `Observer`."""
        if answer is None or answer.status >= _OWN_ERROR or asked.method == "GET":
            return
        connection = msgspec.json.decode(answer.body).get("connection")
        role = connection["role"] if connection is not None else "source"
        self.counts[f"{role} {asked.act}"] += 1

    def result(self) -> Counter[str]:
        """All counts of this world, when it is over."""
        self.counts[SEEDS] = 1
        for kind in {name.partition(":")[0] for name in self.world.plan.struck}:
            self.counts[f"{STRUCK} {kind}"] += 1
        for kind in self.world.plan.mattered:
            self.counts[f"{MATTERED} {kind}"] += 1
        return self.counts


def missing(counts: Mapping[str, int]) -> list[str]:
    """What never happened, of all that should."""
    return [goal for goal in GOALS if not counts.get(goal)]
