"""The events that a node broadcasts: CloudEvents 1.0, structured JSON, one MQTT topic for each subject.

An event is a hint for people and programs that watch; it is unsigned and no node acts on one. So it holds
nothing that is secret, and its `data` admits no field that is not listed here.

    handclasp/v1/nodes/{node}/presence                        retained   PresenceData
    handclasp/v1/nodes/{node}/connections/{connection}/status retained   StatusData, empty = the row is gone
    handclasp/v1/nodes/{node}/connections/{connection}/trace  live only  TraceData

Ids in topics match one narrow pattern: a `+`, `#`, `/` or `$` in one would break topics and access rules.
"""

import re
from datetime import UTC, datetime
from typing import Annotated, Any, Final, Literal, TypeVar

import msgspec
from msgspec import Meta

from protocol.limits import (
    CONNECTION_NAME_CHARACTERS_MAX,
    COUNTER_LIMIT,
    MESSAGE_BYTES_MAX,
    NAME_CHARACTERS_MAX,
)
from protocol.modes import Mode
from protocol.vocabulary import Kind, Phase, Reason, Role

TOPIC_PREFIX: Final = "handclasp/v1"
CLIENT_ID: Final = "handclasp-{node}"
PRESENCE_FILTER: Final = f"{TOPIC_PREFIX}/nodes/+/presence"
STATUS_FILTER: Final = f"{TOPIC_PREFIX}/nodes/+/connections/+/status"
TRACE_FILTER: Final = f"{TOPIC_PREFIX}/nodes/+/connections/+/trace"

PRESENCE_TYPE: Final = "handclasp.node.presence.v1"
STATUS_TYPE: Final = "handclasp.connection.status.v1"
TRACE_TYPE: Final = "handclasp.handshake.trace.v1"

SEQ_BITS_OF_ONE_MEMORY: Final = 20
"""A node's memory tells a million events of a connection before their numbers reach those of a later restore."""

_RESTORE_MAX: Final = (COUNTER_LIMIT >> SEQ_BITS_OF_ONE_MEMORY) - 2
"""A clock that is wrong by centuries must not make the next `seq` one that no reader takes."""

ENTROPY_BYTES: Final = 16
"""How many random bytes `uuid_from` makes a UUID of."""

ID_PATTERN: Final = "[a-z0-9][a-z0-9-]{0,63}"
_ID: Final = re.compile(ID_PATTERN)
_TOPIC: Final = re.compile(
    rf"{TOPIC_PREFIX}/nodes/(?P<node>{_ID.pattern})/"
    rf"(?:(?P<presence>presence)|connections/(?P<connection>{_ID.pattern})/(?P<subject>status|trace))"
)

Id = Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9-]{0,63}\Z")]
ConnectionId = Annotated[str, Meta(pattern=r"^[0-9a-f]{32}\Z")]
Slug = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9-]{0,63}\Z")]
Name = Annotated[str, Meta(max_length=CONNECTION_NAME_CHARACTERS_MAX)]
ShortName = Annotated[str, Meta(max_length=NAME_CHARACTERS_MAX)]
Fingerprint = Annotated[str, Meta(pattern=r"^[A-Za-z2-7][A-Za-z2-7 -]{0,63}\Z")]
Counter = Annotated[int, Meta(ge=0, lt=COUNTER_LIMIT)]
Seq = Annotated[int, Meta(ge=1, lt=COUNTER_LIMIT)]
MessagePrefix = Annotated[str, Meta(pattern=r"^[0-9a-f]{16}\Z")]
Uuid = Annotated[str, Meta(pattern=r"^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}\Z")]
PresenceState = Literal["online", "offline", "lost"]
Direction = Literal["sent", "received"]


def seq_floor(restored_at: int) -> int:
    """Above which number the events go on of a node whose memory was put back at that instant (Unix seconds; 0: never).

    What the lost memory told after its backup is not known any more. A later restore gives higher numbers, so a higher
    `seq` is the later status across restores, too.
    """
    return min(restored_at, _RESTORE_MAX) << SEQ_BITS_OF_ONE_MEMORY


def are_of_one_memory(seq: int, other: int) -> bool:
    """Whether no restore lies between two events of a connection, so that each number between them is an event."""
    return seq >> SEQ_BITS_OF_ONE_MEMORY == other >> SEQ_BITS_OF_ONE_MEMORY


class EventError(ValueError):
    """A text is not the event that it should be, or an event can't be made of what was given."""


class PresenceData(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whether a node's link to the broker is up.

    A state other than online whose session is not the present one is an old will: ignore it.

    Attributes:
        node: whose link it is.
        state: online, offline (it was stopped), or lost (the broker's last will says so).
        session: new with every link.
    """

    node: Id
    state: PresenceState
    session: Uuid


class StatusData(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One node's whole view of one connection.

    Attributes:
        node: whose view it is.
        connection: 32 hexadecimal digits, the same on both nodes.
        role: what this node is in it.
        seq: 1 for this node's first event of the connection, then 1 more each, without gaps. After a restore it goes on
            above all that the lost memory may have told; see `seq_floor`.
        status: the status that people are shown, as a slug.
        phase: how far this side is.
        reason: why it is closed; None unless the phase is closed.
        enabled_here: this side's switch.
        enabled_there: the partner's switch as last heard, None while unknown.
        mode: the connection's mode.
        revision: this side's counter of changes.
        partner: the fingerprint of the partner's key, None while unknown.
        name: the connection's name.
        local_short_name: this instance's short name in it.
        remote_short_name: the partner's, None while unknown.
    """

    node: Id
    connection: ConnectionId
    role: Role
    seq: Seq
    status: Slug
    phase: Phase
    reason: Reason | None
    enabled_here: bool
    enabled_there: bool | None
    mode: Mode
    revision: Counter
    partner: Fingerprint | None
    name: Name
    local_short_name: ShortName
    remote_short_name: ShortName | None


class TraceData(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One handshake message that this node sent or received: what kind, never what it holds in free text.

    Attributes:
        node: who saw it.
        connection: 32 hexadecimal digits.
        direction: sent or received, from this node.
        kind: the message's kind.
        phase: what its sender says of itself.
        serial: which code it is about.
        revision: of the sender's side.
        echo_phase: what the sender holds of the recipient, None if nothing.
        answer: whether it answers another message.
        message: the first 8 bytes of the message's id, as hexadecimal digits; the same on both nodes.
        bytes: the length of the envelope.
    """

    node: Id
    connection: ConnectionId
    direction: Direction
    kind: Kind
    phase: Phase
    serial: Counter
    revision: Counter
    echo_phase: Phase | None
    answer: bool
    message: MessagePrefix
    bytes: Annotated[int, Meta(ge=0, le=MESSAGE_BYTES_MAX)]


class _Event(msgspec.Struct, frozen=True, kw_only=True):
    """The attributes of CloudEvents 1.0 that every event has; a reader ignores others."""

    specversion: Annotated[Literal["1.0"], Meta(description="Of CloudEvents.")] = "1.0"
    id: Annotated[Uuid, Meta(description="An event that is sent again has the same.")]
    source: Annotated[str, Meta(min_length=1, max_length=160, description="Which node, and which of its connections.")]
    time: Annotated[
        str,
        Meta(min_length=20, max_length=35, description="When it happened.", extra_json_schema={"format": "date-time"}),
    ]
    datacontenttype: Annotated[Literal["application/json"], Meta(description="Of `data`.")] = "application/json"


class PresenceEvent(_Event, frozen=True, kw_only=True, tag_field="type", tag=PRESENCE_TYPE):
    """`handclasp.node.presence.v1`; a will is written when the link begins: its time is not the loss's."""

    data: PresenceData


class StatusEvent(_Event, frozen=True, kw_only=True, tag_field="type", tag=STATUS_TYPE):
    """`handclasp.connection.status.v1`: how a connection is now, as one node has it."""

    data: StatusData


class TraceEvent(_Event, frozen=True, kw_only=True, tag_field="type", tag=TRACE_TYPE):
    """`handclasp.handshake.trace.v1`: a message between nodes passed, sent or received."""

    data: TraceData


class Subject(msgspec.Struct, frozen=True, kw_only=True):
    """How the events about one thing are published; `address` is the topic with places for the ids."""

    name: str
    address: str
    qos: int
    retain: bool
    event: type[_Event]


PRESENCE: Final = Subject(
    name="presence", address=f"{TOPIC_PREFIX}/nodes/{{node}}/presence", qos=1, retain=True, event=PresenceEvent
)
STATUS: Final = Subject(
    name="status",
    address=f"{TOPIC_PREFIX}/nodes/{{node}}/connections/{{connection}}/status",
    qos=1,
    retain=True,
    event=StatusEvent,
)
TRACE: Final = Subject(
    name="trace",
    address=f"{TOPIC_PREFIX}/nodes/{{node}}/connections/{{connection}}/trace",
    qos=0,
    retain=False,
    event=TraceEvent,
)
SUBJECTS: Final = (PRESENCE, STATUS, TRACE)

Event = PresenceEvent | StatusEvent | TraceEvent
_E = TypeVar("_E", PresenceEvent, StatusEvent, TraceEvent)

_ENCODER: Final = msgspec.json.Encoder()
_DECODER: Final[msgspec.json.Decoder[Event]] = msgspec.json.Decoder(Event)


class TopicParts(msgspec.Struct, frozen=True, kw_only=True):
    """What a topic says: presence, status or trace, of whom; `connection` is None for presence."""

    node: str
    subject: str
    connection: str | None = None


def presence_topic(node: str) -> str:
    """Where a node's presence stands; raises EventError for an id that no topic can hold."""
    return PRESENCE.address.format(node=_checked(node))


def status_topic(node: str, connection: str) -> str:
    """Where a node's view of a connection stands; raises EventError for an id that no topic can hold."""
    return STATUS.address.format(node=_checked(node), connection=_checked(connection))


def trace_topic(node: str, connection: str) -> str:
    """Where a node tells of the messages of a connection; raises EventError like `status_topic`."""
    return TRACE.address.format(node=_checked(node), connection=_checked(connection))


def parse_topic(topic: str) -> TopicParts | None:
    """What a topic says, or None if it is none of ours."""
    found = _TOPIC.fullmatch(topic)
    if found is None:
        return None
    return TopicParts(
        node=found["node"],
        subject=found["presence"] or found["subject"],
        connection=found["connection"],
    )


def presence_event(*, event_id: str, at: float, node: str, state: PresenceState, session: str) -> bytes:
    """A node's presence as JSON; `at` in Unix seconds.

    Raises:
        EventError: a value lies outside what the event admits.
    """
    return _encoded(
        PresenceEvent,
        event_id=event_id,
        at=at,
        source=f"/nodes/{_checked(node)}",
        data={"node": node, "state": state, "session": session},
    )


def status_event(*, event_id: str, at: float, **data: Any) -> bytes:
    """A node's view of a connection as JSON; `at` in Unix seconds, `data` the fields of StatusData.

    Raises:
        EventError: a field is missing, unknown, or lies outside what the event admits.
    """
    return _encoded(StatusEvent, event_id=event_id, at=at, source=_connection_source(data), data=data)


def trace_event(*, event_id: str, at: float, **data: Any) -> bytes:
    """One message of a handshake as JSON; `at` in Unix seconds, `data` the fields of TraceData.

    Raises:
        EventError: a field is missing, unknown, or lies outside what the event admits.
    """
    return _encoded(TraceEvent, event_id=event_id, at=at, source=_connection_source(data), data=data)


def decode_event(payload: bytes) -> Event:
    """The event that a payload is.

    Raises:
        EventError: it is none of ours, or its data hold a field that is not listed here.
    """
    try:
        return _DECODER.decode(payload)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise EventError(f"This is not an event of Handclasp: {error}.") from None


def uuid_from(entropy: bytes) -> str:
    """A version 4 UUID of 16 random bytes, as text (RFC 9562, section 5.4)."""
    text = bytes((*entropy[:6], entropy[6] & 0x0F | 0x40, entropy[7], entropy[8] & 0x3F | 0x80, *entropy[9:])).hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def _encoded(event: type[_E], *, event_id: str, at: float, source: str, data: dict[str, Any]) -> bytes:
    written = {
        "type": event.__struct_config__.tag,
        "id": event_id,
        "source": source,
        "time": _rfc_3339(at),
        "data": data,
    }
    try:
        return _ENCODER.encode(msgspec.convert(written, event))
    except msgspec.MsgspecError as error:
        raise EventError(f"An event can't be made of this: {error}.") from None


def _connection_source(data: dict[str, Any]) -> str:
    node, connection = _checked(data.get("node")), _checked(data.get("connection"))
    return f"/nodes/{node}/connections/{connection}"


def _checked(identifier: object) -> str:
    if not isinstance(identifier, str) or not _ID.fullmatch(identifier):
        raise EventError(
            f"The id {str(identifier)[:80]!r} can't stand in an MQTT topic: "
            "write 1 to 64 lower-case letters, digits and hyphens, a letter or digit first."
        )
    return identifier


def _rfc_3339(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
