"""What the demo saw or did, in the order in which it is told. `side` names a node: `a` or `b`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """An admin's act on their own node, as the demo made it; `at_s` in Unix seconds; `reached`: the node answered."""

    at_s: float
    side: str
    what: str
    reached: bool = True


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """A try to tell the other node something that reached nobody, as the trying node's admin is shown it.

    Attributes:
        at_s: when the one before was still the last that was shown.
        number: how many in a row reached nobody, this one included.
        cause: what the admin is told; a slug.
        next_at_s: when the next one is due; none: it is under way.
    """

    at_s: float
    sender: str
    recipient: str
    number: int
    cause: str
    next_at_s: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Killed:
    """A node's process was killed, without any warning (SIGKILL)."""

    at_s: float
    side: str
    pid: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Restarted:
    """A killed node's process runs again, a new one on the same data; `at_s`: when it was ready."""

    at_s: float
    side: str
    pid: int


Event = Presence | Status | Message
Seen = Act | Handover | Attempt | Killed | Restarted | Event


@dataclass(slots=True, kw_only=True)
class Told:
    """What came of the story.

    Attributes:
        source: which side initiated.
        seen: acts, messages, statuses, and what befell processes, in order.
        documents: the events, as they arrived over MQTT.
        retained: what a late subscriber got.
        logs: each side's own log of the connection, as its admin reads it; where the story looked at them.
        timings_ms: how long each part took, by name; pauses between steps are not counted.
    """

    source: str
    seen: list[Seen] = field(default_factory=list)
    documents: list[dict[str, Any]] = field(default_factory=list)
    retained: list[Event] = field(default_factory=list)
    logs: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    timings_ms: dict[str, int] = field(default_factory=dict)

    def took(self, what: str) -> str:
        """How long a part took, for people."""
        return f"{self.timings_ms[what]} ms"

    @property
    def messages(self) -> list[Message]:
        """The signed messages that were exchanged."""
        return [one for one in self.seen if isinstance(one, Message)]

    @property
    def statuses(self) -> list[Status]:
        """The statuses that were broadcast."""
        return [one for one in self.seen if isinstance(one, Status)]

    @property
    def attempts(self) -> list[Attempt]:
        """The tries that reached nobody."""
        return [one for one in self.seen if isinstance(one, Attempt)]

    @property
    def fates(self) -> list[Killed | Restarted]:
        """What befell the processes."""
        return [one for one in self.seen if isinstance(one, Killed | Restarted)]
