"""The envelope: one signed message between two nodes, and the order in which it is checked.

    envelope = msgpack([body: bin, signature: bin 64])
    body     = msgpack([version, kind, role, sender 32, recipient 32, connection 16, time_ms, in_reply_to 32 | nil,
                        serial, revision, phase, enabled, reason | nil, echo | nil, proof | nil, details | nil])

The signature covers a domain and the body. The message's id is SHA-256(body); an answer names the id of its
question. Fields are only ever appended: an unknown tail is ignored. The checks run cheap ones first:

    peek      outer shape, no trailing bytes, the fixed head         nothing of the sender is believed yet
    admit     version, recipient = me, sender ≠ me, kind allowed     no signature is checked for what isn't mine
    verify    the signature
    statement every field, and what they may not say together

Nothing is written, and nothing about any state revealed, before `verify` has passed.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import msgspec

from protocol.errors import EnvelopeError, Refusal, RemoteProtocolError
from protocol.identity import MESSAGE_DOMAIN, verify
from protocol.limits import (
    ANNOUNCEMENT_BYTES_MAX,
    CONNECTION_ID_BYTES,
    COUNTER_LIMIT,
    KEY_BYTES,
    MESSAGE_BYTES_MAX,
    MESSAGE_ID_BYTES,
    PROTOCOL_VERSION,
    SIGNATURE_BYTES,
)
from protocol.packing import convert_fields, pack, unpack
from protocol.statements import checked
from protocol.vocabulary import Details, Echo, Kind, Phase, Preview, Reason, Role, Side, Statement

if TYPE_CHECKING:
    from collections.abc import Callable

    from protocol.identity import SigningKey

CONTENT_TYPE = "application/vnd.handclasp.v1+msgpack"


def is_envelope_type(content_type: str | None) -> bool:
    """Whether a Content-Type header names an envelope: in any case, whatever parameters follow (RFC 9110 8.3.1)."""
    return (content_type or "").partition(";")[0].strip().lower() == CONTENT_TYPE


class Head(msgspec.Struct, frozen=True, array_like=True):
    """The fixed head of a body: what can be judged before a signature is checked."""

    version: int
    kind: str
    role: str
    sender: bytes
    recipient: bytes
    connection: bytes
    time_ms: int
    in_reply_to: bytes | None


class _Fields(msgspec.Struct, frozen=True, array_like=True):
    """What follows the head."""

    serial: int
    revision: int
    phase: Phase
    enabled: bool
    reason: Reason | None
    echo: Echo | None
    proof: bytes | None
    details: Preview | Details | None


_HEAD_FIELDS = len(Head.__struct_fields__)
_LENGTHS = (("sender", KEY_BYTES), ("recipient", KEY_BYTES), ("connection", CONNECTION_ID_BYTES))


class Sealed(msgspec.Struct, frozen=True):
    """An envelope as it travels; only its head has been looked at."""

    head: Head
    body: bytes
    signature: bytes
    fields: list[object]

    @property
    def message_id(self) -> bytes:
        """SHA-256(body), 32 bytes: what an answer is bound to."""
        return message_id(self.body)


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """A verified message: all its fields are valid and it was signed by `sender`."""

    message_id: bytes
    kind: Kind
    role: Role
    sender: bytes
    connection: bytes
    time_ms: int
    is_answer: bool
    statement: Statement


def message_id(body: bytes) -> bytes:
    """The name of a message: SHA-256 of its body."""
    return hashlib.sha256(body).digest()


def seal(
    statement: Statement,
    *,
    kind: Kind,
    role: Role,
    recipient: bytes,
    connection: bytes,
    time_ms: int,
    in_reply_to: bytes | None,
    key: SigningKey,
) -> Sealed:
    """Sign a statement; `role` is the sender's. `envelope_bytes` of the result goes onto the wire."""
    side = statement.side
    head = Head(PROTOCOL_VERSION, kind, role, key.public, recipient, connection, time_ms, in_reply_to)
    fields = _Fields(
        statement.serial,
        side.revision,
        side.phase,
        side.enabled,
        side.reason,
        statement.echo,
        statement.proof,
        statement.details,
    )
    positions = [
        *msgspec.to_builtins(head, builtin_types=(bytes,)),
        *msgspec.to_builtins(fields, builtin_types=(bytes,)),
    ]
    body = pack(positions)
    return Sealed(head, body, key.sign(MESSAGE_DOMAIN, body), positions)


def envelope_bytes(sealed: Sealed) -> bytes:
    """The bytes on the wire."""
    return pack([sealed.body, sealed.signature])


def peek(data: bytes) -> Sealed:
    """Read the outer shape and the fixed head.

    Raises:
        EnvelopeError: `malformed`; no library's own error ever comes out.
    """
    try:
        return _peek(data)
    except EnvelopeError:
        raise
    except RemoteProtocolError as error:
        raise EnvelopeError(Refusal.MALFORMED, str(error)) from error


def _peek(data: bytes) -> Sealed:
    outer = unpack(data, bytes_max=MESSAGE_BYTES_MAX)
    if not (isinstance(outer, list) and len(outer) == 2):  # noqa: PLR2004 - body and signature
        raise _malformed("An envelope is an array of a body and a signature.")
    body, signature = outer
    if not isinstance(body, bytes) or not isinstance(signature, bytes) or len(signature) != SIGNATURE_BYTES:
        raise _malformed("An envelope holds a binary body and a signature of 64 bytes.")
    fields = unpack(body, bytes_max=MESSAGE_BYTES_MAX)
    if not isinstance(fields, list):
        raise _malformed("The body of an envelope is an array.")
    head = convert_fields(fields[:_HEAD_FIELDS], Head)
    for name, length in _LENGTHS:
        if len(getattr(head, name)) != length:
            raise _malformed(f"The field {name} has {length} bytes.")
    if head.in_reply_to is not None and len(head.in_reply_to) != MESSAGE_ID_BYTES:
        raise _malformed(f"The field in_reply_to has {MESSAGE_ID_BYTES} bytes.")
    if not 0 <= head.time_ms < COUNTER_LIMIT:
        raise _malformed("The field time_ms is below 2^53.")
    return Sealed(head, body, signature, fields)


def admit_question(sealed: Sealed, *, me: bytes) -> None:
    """Check the head of what arrived at the door: for me, by another, and a question.

    Raises:
        EnvelopeError: with the check that refused it.
    """
    _admit(sealed.head, me=me)
    if sealed.head.in_reply_to is not None:
        raise EnvelopeError(Refusal.KIND, "An answer came where questions are taken.")
    if sealed.head.kind == Kind.INITIATE and len(sealed.body) > ANNOUNCEMENT_BYTES_MAX:
        raise _malformed(f"An announcement has at most {ANNOUNCEMENT_BYTES_MAX} bytes.")


def admit_answer(sealed: Sealed, *, me: bytes, question: Sealed) -> None:
    """Check the head of what came back for `question`; whose signature it must bear is the caller's to judge.

    Raises:
        EnvelopeError: with the check that refused it.
    """
    _admit(sealed.head, me=me)
    asked = question.head
    if sealed.head.in_reply_to != question.message_id or sealed.head.connection != asked.connection:
        raise EnvelopeError(Refusal.NOT_AN_ANSWER, "What came back does not answer the question that was sent.")
    if sealed.head.kind != Kind.STATUS or sealed.head.role == asked.role:
        raise EnvelopeError(Refusal.KIND, "Every answer is a status by the partner's role.")


def _admit(head: Head, *, me: bytes) -> None:
    if head.version != PROTOCOL_VERSION:
        raise EnvelopeError(
            Refusal.VERSION,
            f"This node speaks version {PROTOCOL_VERSION} of the protocol, not {head.version}.",
        )
    if head.sender == me:
        raise EnvelopeError(Refusal.REFLECTED, "A node does not talk to itself.")
    if head.recipient != me:
        raise EnvelopeError(Refusal.NOT_FOR_ME, "This message is for another node.")
    if head.kind not in _KINDS_SAID.get(head.role, ()):
        raise EnvelopeError(Refusal.KIND, "No such kind of message comes from that role.")


_KINDS_SAID = {
    Role.SOURCE.value: (Kind.INITIATE.value, Kind.STATUS.value),
    Role.DESTINATION.value: (Kind.ACCEPT.value, Kind.STATUS.value),
}


def verify_signature(sealed: Sealed) -> None:
    """Check that the sender named in the head signed the body.

    Raises:
        EnvelopeError: `bad-signature`, also for a key that no honest node has (small order, not canonical).
    """
    if not verify(sealed.head.sender, MESSAGE_DOMAIN, sealed.body, sealed.signature):
        raise EnvelopeError(Refusal.SIGNATURE, "The signature is not the sender's.")


def open_message(sealed: Sealed) -> Message:
    """Read every field of a verified envelope.

    Raises:
        EnvelopeError: `malformed`.
    """
    head = sealed.head
    try:
        fields = convert_fields(sealed.fields[_HEAD_FIELDS:], _Fields)
        statement = Statement(
            serial=fields.serial,
            side=Side(fields.revision, fields.phase, fields.enabled, fields.reason),
            echo=fields.echo,
            proof=fields.proof,
            details=fields.details,
        )
        statement = checked(statement, kind=Kind(head.kind), role=Role(head.role))
    except RemoteProtocolError as error:
        raise EnvelopeError(Refusal.MALFORMED, str(error)) from error
    return Message(
        message_id=sealed.message_id,
        kind=Kind(head.kind),
        role=Role(head.role),
        sender=head.sender,
        connection=head.connection,
        time_ms=head.time_ms,
        is_answer=head.in_reply_to is not None,
        statement=statement,
    )


def read_question(data: bytes, *, me: bytes) -> Message:
    """All checks of a question, in their order.

    Raises:
        EnvelopeError: with the check that refused it.
    """
    return _read(data, lambda sealed: admit_question(sealed, me=me))


def read_answer(data: bytes, *, me: bytes, question: Sealed) -> Message:
    """All checks of an answer, in their order. It must still be compared with the key that was asked.

    Raises:
        EnvelopeError: with the check that refused it: then it is no answer at all.
    """
    return _read(data, lambda sealed: admit_answer(sealed, me=me, question=question))


def _read(data: bytes, admit: Callable[[Sealed], None]) -> Message:
    sealed = peek(data)
    admit(sealed)
    verify_signature(sealed)
    return open_message(sealed)


def _malformed(sentence: str) -> EnvelopeError:
    return EnvelopeError(Refusal.MALFORMED, sentence)
