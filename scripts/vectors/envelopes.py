"""envelopes.json: envelopes as they are read, and each way in which one is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from protocol.envelope import Message, envelope_bytes, read_answer, read_question, seal
from protocol.errors import EnvelopeError
from protocol.identity import INVITATION_DOMAIN, MESSAGE_DOMAIN
from protocol.limits import (
    ANNOUNCEMENT_BYTES_MAX,
    ARRAY_ITEMS_MAX,
    COUNTER_LIMIT,
    MESSAGE_BYTES_MAX,
    NESTING_MAX,
    PROTOCOL_VERSION,
)
from protocol.modes import Mode
from protocol.packing import pack
from protocol.vocabulary import Details, Echo, Kind, Phase, Preview, Reason, Role, Side, Statement

from scripts.vectors.material import (
    ACME,
    AT,
    CONNECTION,
    EXPIRES_AT,
    GLOBEX,
    INITECH,
    SOFTWARE,
    Party,
    statement_view,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from protocol.envelope import Sealed

PROOF = bytes(range(64))
PREVIEW = Preview("Incidents", "ACME", "Globex", Mode.SCRIPT, ACME.node_url, EXPIRES_AT)
DETAILS = Details(
    GLOBEX.node_id, GLOBEX.name, GLOBEX.instance_url, GLOBEX.node_url, "Incidents", "ACME", "Globex", SOFTWARE
)
PENDING = Statement(serial=AT, side=Side(1, Phase.PENDING), details=PREVIEW)
ACCEPTED = Statement(serial=AT, side=Side(1, Phase.ACCEPTED, enabled=True), proof=PROOF, details=DETAILS)
ACTIVE = Statement(
    serial=AT, side=Side(2, Phase.ACTIVE, enabled=True), echo=Echo(1, Phase.ACCEPTED, enabled=True)
)  # fmt: skip
UNKNOWN = Statement(serial=AT, side=Side(0, Phase.CLOSED, reason=Reason.UNKNOWN))
NONE = Statement(serial=AT, side=Side(0, Phase.NONE), echo=Echo(1, Phase.PENDING, enabled=False))

VERSION, KIND, ROLE, SENDER, RECIPIENT, ID, TIME, REPLY = range(8)
SERIAL, REVISION, PHASE, ENABLED, REASON, ECHO, PROVEN, TOLD = range(8, 16)


def envelopes() -> dict[str, Any]:
    """The whole file."""
    question = _seal(ACCEPTED, Kind.ACCEPT, Role.DESTINATION, GLOBEX, ACME)
    return {
        "me": ACME.key.hex(),
        "questions": [
            {"what": what, "envelope": data.hex(), **_read_question(data)} for what, data in _questions(question)
        ],
        "asked": {"by": GLOBEX.key.hex(), "envelope": envelope_bytes(question).hex(), "id": question.message_id.hex()},
        "answers": [
            {"what": what, "envelope": data.hex(), **_read_answer(data, question)} for what, data in _answers(question)
        ],
    }


def _read_question(data: bytes) -> dict[str, Any]:
    try:
        return _taken(read_question(data, me=ACME.key))
    except EnvelopeError as error:
        return {"refusal": error.refusal.value}


def _read_answer(data: bytes, question: Sealed) -> dict[str, Any]:
    try:
        message = read_answer(data, me=GLOBEX.key, question=question)
    except EnvelopeError as error:
        return {"refusal": error.refusal.value}
    return _taken(message) if message.sender == ACME.key else {"refusal": "other-node"}


def _taken(message: Message) -> dict[str, Any]:
    return {
        "refusal": None,
        "id": message.message_id.hex(),
        "kind": message.kind.value,
        "role": message.role.value,
        "sender": message.sender.hex(),
        "connection": message.connection.hex(),
        "time_ms": message.time_ms,
        "statement": statement_view(message.statement),
    }


def _seal(
    statement: Statement, kind: Kind, role: Role, sender: Party, recipient: Party, *, reply_to: bytes | None = None
) -> Sealed:
    return seal(
        statement,
        kind=kind,
        role=role,
        recipient=recipient.key,
        connection=CONNECTION,
        time_ms=AT * 1000,
        in_reply_to=reply_to,
        key=sender.signing_key,
    )


def _signed(fields: object, *, by: Party = GLOBEX, domain: bytes = MESSAGE_DOMAIN) -> bytes:
    body = pack(fields)
    return pack([body, by.signing_key.sign(domain, body)])


def _altered(sealed: Sealed, changes: dict[int, object], *, by: Party = GLOBEX) -> bytes:
    fields = list(sealed.fields)
    for position, value in changes.items():
        fields[position] = value
    return _signed(fields, by=by)


def _questions(accept: Sealed) -> Iterator[tuple[str, bytes]]:
    good = envelope_bytes(accept)
    initiate = _seal(PENDING, Kind.INITIATE, Role.SOURCE, GLOBEX, ACME)
    yield "accept, by a destination", good
    yield "initiate, by a source", envelope_bytes(initiate)
    yield "status, by a source", envelope_bytes(_seal(ACTIVE, Kind.STATUS, Role.SOURCE, GLOBEX, ACME))
    yield "with an unknown tail, which is ignored", _signed([*accept.fields, "later", [1, 2]])
    yield (
        "texts come to their normal form",
        _altered(accept, {TOLD: [*_details()[:2], " Zu\u0308rich ", "HTTPS://Z.example:443/", *_details()[4:]]}),
    )
    yield "with an integer of 64 bits in the tail, which is ignored", _tailed(accept, b"\xcf" + b"\xff" * 8)
    yield "with one more field, written by hand", _tailed(accept, b"\xc0")
    yield from _misshapen(accept)
    yield from _misfilled(accept)
    yield "another version", _altered(accept, {VERSION: PROTOCOL_VERSION + 1})
    yield "for another node", _altered(accept, {RECIPIENT: INITECH.key})
    yield "my own message, sent back to me", envelope_bytes(_seal(ACTIVE, Kind.STATUS, Role.SOURCE, ACME, GLOBEX))
    yield "a kind that the role never sends", _altered(accept, {KIND: "initiate"})
    yield "a kind that does not exist", _altered(accept, {KIND: "hello"})
    yield "a role that does not exist", _altered(accept, {ROLE: "broker"})
    yield "an answer where questions are taken", _altered(accept, {KIND: "status", REPLY: bytes(32)})
    yield "signed by another key", _signed(accept.fields, by=INITECH)
    yield "signed for another purpose", _signed(accept.fields, domain=INVITATION_DOMAIN)
    yield "the last bit of the signature flipped", good[:-1] + bytes([good[-1] ^ 1])
    neutral = [*accept.fields[:SENDER], b"\x01" + bytes(31), *accept.fields[RECIPIENT:]]
    yield "by a key of small order", pack([pack(neutral), b"\x01" + bytes(63)])


def _misshapen(accept: Sealed) -> Iterator[tuple[str, bytes]]:
    good = envelope_bytes(accept)
    yield "nothing", b""
    yield "not msgpack", b"\xc1"
    yield "a number", pack(7)
    yield "one element", pack([accept.body])
    yield "three elements", pack([accept.body, accept.signature, None])
    yield "the body is a text", pack(["body", accept.signature])
    yield "a signature of 63 bytes", pack([accept.body, accept.signature[:-1]])
    yield "a byte behind the end", good + b"\0"
    yield "cut short", good[:-1]
    yield f"longer than {MESSAGE_BYTES_MAX} bytes", pack([bytes(MESSAGE_BYTES_MAX), accept.signature])
    yield "the body is a map", pack([b"\x80", accept.signature])
    yield "a map in the tail", _tailed(accept, b"\x80")
    yield "bytes behind the end of the body", pack([accept.body + b"\0", accept.signature])
    yield "a float", _signed([*accept.fields[:TIME], 1.0, *accept.fields[REPLY:]])
    yield "a text that is not UTF-8, in the tail", _tailed(accept, b"\xa1\xff")
    yield "an extension type in the tail", _tailed(accept, b"\xd4\x01\x00")
    nested: object = 0
    for _ in range(NESTING_MAX):
        nested = [nested]
    yield f"arrays nested deeper than {NESTING_MAX}, in the tail", _signed([*accept.fields, nested])
    yield (
        f"an array of more than {ARRAY_ITEMS_MAX}, in the tail",
        _signed([*accept.fields, [0] * (ARRAY_ITEMS_MAX + 1)]),
    )
    yield (
        "an announcement that is too long",
        _signed([*_seal(PENDING, Kind.INITIATE, Role.SOURCE, GLOBEX, ACME).fields, bytes(ANNOUNCEMENT_BYTES_MAX)]),
    )


def _tailed(accept: Sealed, tail: bytes) -> bytes:
    """One more field, of raw bytes: an array of 16 begins with dc 0010, one of 17 with dc 0011."""
    body = b"\xdc\x00\x11" + accept.body[3:] + tail
    return pack([body, GLOBEX.signing_key.sign(MESSAGE_DOMAIN, body)])


def _details() -> list[object]:
    return [
        "details",
        *(getattr(DETAILS, name) for name in DETAILS.__struct_fields__),
    ]


def _misfilled(accept: Sealed) -> Iterator[tuple[str, bytes]]:
    pending = _seal(PENDING, Kind.STATUS, Role.SOURCE, GLOBEX, ACME)
    details = _details()
    for what, changes in (
        ("a sender of 31 bytes", {SENDER: GLOBEX.key[:-1]}),
        ("a recipient as a text", {RECIPIENT: ACME.key.hex()}),
        ("a connection id of 15 bytes", {ID: CONNECTION[:-1]}),
        ("a time below 0", {TIME: -1}),
        ("a time of 2^53", {TIME: COUNTER_LIMIT}),
        ("in_reply_to of 31 bytes", {REPLY: bytes(31)}),
        ("serial 0", {SERIAL: 0}),
        ("serial 2^53", {SERIAL: COUNTER_LIMIT}),
        ("a boolean as the serial", {SERIAL: True}),
        ("revision 2^53", {REVISION: COUNTER_LIMIT}),
        ("revision 0 with a record", {REVISION: 0}),
        ("an unknown phase", {PHASE: "asleep"}),
        ("a phase of the other role", {PHASE: "active"}),
        ("an accept that is not accepted", {PHASE: "announced", ENABLED: False}),
        ("a switch that is a number", {ENABLED: 1}),
        ("a reason though not closed", {REASON: "removed"}),
        ("an echo of two", {ECHO: [1, "pending"]}),
        ("an echo of revision 2^53", {ECHO: [COUNTER_LIMIT, "pending", False]}),
        ("an echo of the sender's own role", {ECHO: [1, "announced", False]}),
        ("an echo that is switched on too early", {ECHO: [1, "pending", True]}),
        ("a proof of 63 bytes", {PROVEN: PROOF[:-1]}),
        ("accepted without details", {TOLD: None}),
        ("details of the other role", {TOLD: ["preview", "a", "b", "c", "script", None, EXPIRES_AT]}),
        ("details of an unknown kind", {TOLD: ["gossip"]}),
        ("a node id of 15 bytes", {TOLD: ["details", bytes(15), *details[2:]]}),
        ("an empty name", {TOLD: [*details[:2], "", *details[3:]]}),
        ("a name that turns the direction", {TOLD: [*details[:5], "a\u202eb", *details[6:]]}),
        ("a URL that is none", {TOLD: [*details[:4], "nowhere", *details[5:]]}),
    ):
        yield what, _altered(accept, dict(changes))
    yield "a field is missing", _signed(accept.fields[:-1])
    yield "closed without a reason", _altered(pending, {PHASE: "closed", TOLD: None})
    yield "a switch on while pending", _altered(pending, {ENABLED: True})
    yield (
        "an expiry more than 30 days after the serial",
        _altered(pending, {TOLD: ["preview", "a", "b", "c", "script", None, AT + 30 * 86_400 + 1]}),
    )


def _answers(question: Sealed) -> Iterator[tuple[str, bytes]]:
    asked = question.message_id
    active = _seal(ACTIVE, Kind.STATUS, Role.SOURCE, ACME, GLOBEX, reply_to=asked)
    yield "active", envelope_bytes(active)
    yield (
        "closed(unknown), computed",
        envelope_bytes(_seal(UNKNOWN, Kind.STATUS, Role.SOURCE, ACME, GLOBEX, reply_to=asked)),
    )
    yield "malformed", envelope_bytes(active)[:-1]
    yield "another version", _altered(active, {VERSION: PROTOCOL_VERSION + 1}, by=ACME)
    yield "to another node", _altered(active, {RECIPIENT: INITECH.key}, by=ACME)
    yield "my own question, sent back to me", envelope_bytes(question)
    yield "to another question", _altered(active, {REPLY: bytes(32)}, by=ACME)
    yield "no answer but a question", _altered(active, {REPLY: None}, by=ACME)
    yield "of another connection", _altered(active, {ID: bytes(16)}, by=ACME)
    yield (
        "of another kind than status",
        envelope_bytes(_seal(PENDING, Kind.INITIATE, Role.SOURCE, ACME, GLOBEX, reply_to=asked)),
    )
    yield (
        "by the asker's own role",
        envelope_bytes(_seal(NONE, Kind.STATUS, Role.DESTINATION, ACME, GLOBEX, reply_to=asked)),
    )
    yield "signed by another key than its sender's", _signed(active.fields, by=INITECH)
    yield "well signed, by another node than was asked", _altered(active, {SENDER: INITECH.key}, by=INITECH)
