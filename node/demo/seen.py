"""What the demo saw or did, in the order in which it is told. `side` names a node: `a` or `b`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """An admin's act on their own node, as the demo made it; `at_s` in Unix seconds."""

    at_s: float
    side: str
    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Handover:
    """The invitation code goes from one admin to the other, outside of everything here."""

    at_s: float
    sender: str
    recipient: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Presence:
    """A node said over MQTT whether it is there; `retained`: the broker had kept it."""

    at_s: float
    side: str
    topic: str
    state: str
    retained: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """A node told its view of the connection over MQTT."""

    at_s: float
    side: str
    topic: str
    status: str
    seq: int
    retained: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A signed message that one node sent and the other received, as both told.

    Attributes:
        at_s: when it was sent.
        received_at_s: when the other node had taken it in.
        message: the beginning of its id, 16 hexadecimal digits; both nodes named the same.
        size_bytes: the length of the envelope.
        answer: whether it answers another message.
    """

    at_s: float
    received_at_s: float
    sender: str
    recipient: str
    kind: str
    phase: str
    message: str
    size_bytes: int
    answer: bool


Event = Presence | Status | Message
Seen = Act | Handover | Event


@dataclass(slots=True, kw_only=True)
class Told:
    """What came of the story.

    Attributes:
        source: which side initiated.
        seen: acts, messages and statuses, in order.
        documents: the events, as they arrived over MQTT.
        retained: what a late subscriber got.
        timings_ms: how long each part took, by name; pauses between steps are not counted.
    """

    source: str
    seen: list[Seen] = field(default_factory=list)
    documents: list[dict[str, Any]] = field(default_factory=list)
    retained: list[Event] = field(default_factory=list)
    timings_ms: dict[str, int] = field(default_factory=dict)

    @property
    def messages(self) -> list[Message]:
        """The signed messages that were exchanged."""
        return [one for one in self.seen if isinstance(one, Message)]

    @property
    def statuses(self) -> list[Status]:
        """The statuses that were broadcast."""
        return [one for one in self.seen if isinstance(one, Status)]
