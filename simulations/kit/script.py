"""Faults that a person writes down: which message they befall, and what becomes of it."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal, get_args

from simulations.calls import Call, Ruling
from simulations.kit.errors import WorldError

if TYPE_CHECKING:
    from collections.abc import Callable

MessageKind = Literal["initiate", "accept", "status", "node-info"]
"""The kinds of questions between nodes; `node-info` is the look that a source takes at its destination."""

NODE_INFO: Final = "node-info"
FOREVER: Final = math.inf


@dataclass(slots=True, kw_only=True, eq=False)
class Scripted:
    """One fault that was written down, as `World.drop`, `World.delay` and `World.duplicate` return it.

    Attributes:
        count: how many messages it has befallen so far. When it is 0 at the end, your test did not reach what it was
            meant for.
    """

    kind: str | None
    is_answer: bool
    sender: str | None
    recipient: str | None
    nth: int
    times: float
    ruling: Ruling
    count: int = 0
    _seen: int = field(default=0, repr=False)

    def rules(self, call: Call, *, recipient: str, is_answer: bool) -> Ruling | None:
        """What it does to a message; none: nothing, for it is meant for others."""
        sender = call.source
        if is_answer:
            sender, recipient = recipient, sender
        if (
            is_answer != self.is_answer
            or self.kind not in {None, kind_of(call)}
            or self.sender not in {None, sender}
            or self.recipient not in {None, recipient}
        ):
            return None
        self._seen += 1
        if not self.nth <= self._seen < self.nth + self.times:
            return None
        self.count += 1
        return self.ruling


class Script:
    """All of them: the `Meddler` of a world.

    Attributes:
        busy_until_s: when the last message has arrived that was late, or came once more.
    """

    def __init__(self, named: Callable[[str], str], now_s: Callable[[], float]) -> None:
        """Begin with none.

        Args:
            named: gives the name of the machine at a host name.
            now_s: the virtual instant.
        """
        self._named = named
        self._now_s = now_s
        self._all: list[Scripted] = []
        self.busy_until_s = 0.0

    def add(self, scripted: Scripted) -> Scripted:
        """From now on it is looked for."""
        if not (scripted.nth >= 1 and scripted.times >= 1):
            raise WorldError("nth and times count from 1: the first message is nth=1.")
        if scripted.kind is not None and scripted.kind not in get_args(MessageKind):
            raise WorldError(f"{scripted.kind!r} is no kind of message; there are {', '.join(get_args(MessageKind))}.")
        self._all.append(scripted)
        return scripted

    def clear(self) -> None:
        """None of them strikes any more."""
        self._all.clear()

    def rules(self, call: Call, *, is_answer: bool) -> Ruling:
        """See `simulations.calls.Meddler`: losses win, delays add up, the last repetition counts."""
        recipient = self._named(call.target)
        found = [one.rules(call, recipient=recipient, is_answer=is_answer) for one in self._all]
        rulings = [ruling for ruling in found if ruling is not None]
        ruling = Ruling(
            is_lost=any(ruling.is_lost for ruling in rulings),
            late_s=sum(ruling.late_s for ruling in rulings),
            again_s=next((ruling.again_s for ruling in reversed(rulings) if ruling.again_s is not None), None),
        )
        if rulings:
            self.busy_until_s = max(self.busy_until_s, self._now_s() + max(ruling.late_s, ruling.again_s or 0.0))
        return ruling


def kind_of(call: Call) -> str:
    """The kind of a question."""
    return call.said.kind if call.said is not None else NODE_INFO
