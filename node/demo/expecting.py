"""Events that must arrive, and how each is known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from node.demo.seen import Message, Presence, Status

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from node.demo.seen import Event


@dataclass(frozen=True, slots=True)
class Expected:
    """An event that must arrive: how sentences call it, and how it is known."""

    title: str
    fits: Callable[[Event], bool]


class MissingError(Exception):
    """Expected events did not arrive in time; `titles` names them."""

    def __init__(self, titles: Sequence[str]) -> None:
        super().__init__(", ".join(titles))
        self.titles = tuple(titles)


def presence_of(side: str, state: str = "online") -> Expected:
    """That a node says that it is online, or that its will says that it is lost."""
    return Expected(
        f"the presence of node {side}" if state == "online" else f"the news that node {side} is {state}",
        lambda one: isinstance(one, Presence) and (one.side, one.state) == (side, state),
    )


def status_of(side: str, status: str, seq: int) -> Expected:
    """That a node broadcasts this status as its event of that number."""
    return Expected(
        f"the status {status} of node {side}",
        lambda one: isinstance(one, Status) and (one.side, one.status, one.seq) == (side, status, seq),
    )


def message_of(sender: str, kind: str, phase: str) -> Expected:
    """That a node's message has arrived at the other one."""
    return Expected(
        f"the message {kind} ({phase}) of node {sender}",
        lambda one: isinstance(one, Message) and (one.sender, one.kind, one.phase) == (sender, kind, phase),
    )


def kept(one: Expected) -> Expected:
    """The same event, but kept by the broker for whoever comes later."""
    return Expected(
        f"{one.title}, retained",
        lambda event: not isinstance(event, Message) and event.retained and one.fits(event),
    )
