"""The envelope: what goes onto the wire, and each check that refuses, in its order."""

from hashlib import sha256

import msgpack
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.envelope import (
    CONTENT_TYPE,
    admit_answer,
    envelope_bytes,
    is_envelope_type,
    open_message,
    peek,
    read_answer,
    read_question,
    seal,
    verify_signature,
)
from protocol.errors import EnvelopeError, Refusal
from protocol.identity import MESSAGE_DOMAIN, PROOF_DOMAIN, SigningKey
from protocol.limits import CODE_LIFETIME_S_MAX, COUNTER_LIMIT, INSTANT_LIMIT, MESSAGE_BYTES_MAX
from protocol.modes import Mode
from protocol.vocabulary import (
    Details,
    Echo,
    Kind,
    Phase,
    Preview,
    Reason,
    Role,
    Side,
    Statement,
)
from simulations.kit import envelopes

A, B, C = (SigningKey(bytes([n]) * 32) for n in (1, 2, 3))
CONNECTION = bytes(range(16))
PREVIEW = Preview("a_to_b", "a", "b", Mode.SCRIPT, "http://127.0.0.1:8101", 2_000)
DETAILS = Details(
    b"n" * 16, "b", "http://127.0.0.1:8002", "http://127.0.0.1:8102", "a_to_b", "a", "b", "handclasp 0.1.0"
)
PENDING = Statement(serial=7, side=Side(1, Phase.PENDING), details=PREVIEW)
ACCEPTED = Statement(
    serial=7,
    side=Side(2, Phase.ACCEPTED, enabled=True),
    echo=Echo(1, Phase.PENDING, enabled=False),
    proof=b"p" * 64,
    details=DETAILS,
)


def sealed(statement=ACCEPTED, *, kind=Kind.ACCEPT, role=Role.DESTINATION, sender=B, recipient=A, reply_to=None):
    return seal(
        statement,
        kind=kind,
        role=role,
        recipient=recipient.public,
        connection=CONNECTION,
        time_ms=1_000,
        in_reply_to=reply_to,
        key=sender,
    )


def signed(fields, *, key=B, domain=MESSAGE_DOMAIN):
    body = msgpack.packb(fields)
    return msgpack.packb([body, key.sign(domain, body)])


def refusal_of(data, **how):
    with pytest.raises(EnvelopeError) as caught:
        read_question(data, me=A.public) if not how else read_answer(data, me=A.public, **how)
    return caught.value.refusal


def altered(position, value):
    fields = list(sealed().fields)
    fields[position] = value
    return signed(fields)


# What is written is read


@given(envelopes())
def test_every_statement_survives_the_wire(said):
    message = read_question(said.data, me=said.recipient)
    assert message.statement == said.statement
    assert (message.role, message.sender, message.connection) == (said.role, said.sender.public, said.connection)
    assert (message.kind, message.time_ms, message.is_answer) == (said.kind, said.time_ms, False)
    body, _signature = msgpack.unpackb(said.data)
    assert message.message_id == sha256(body).digest()


@given(st.binary(max_size=400))
def test_hostile_bytes_are_malformed_and_nothing_else_comes_out(data):
    assert refusal_of(data) is Refusal.MALFORMED


@given(st.integers(0), st.integers(0, 7))
def test_a_single_flipped_bit_is_refused(place, bit):
    data = bytearray(envelope_bytes(sealed()))
    data[place % len(data)] ^= 1 << bit
    assert refusal_of(bytes(data)) in set(Refusal)


def test_an_unknown_tail_is_ignored():
    assert read_question(signed([*sealed().fields, "later", [1, 2]]), me=A.public).statement == ACCEPTED


def test_the_wire_reads_as_in_this_golden_hex():
    message = sealed(PENDING, kind=Kind.INITIATE, role=Role.SOURCE)
    assert envelope_bytes(message).hex() == GOLDEN
    assert message.message_id.hex() == GOLDEN_ID


def test_an_answer_is_read_with_its_question():
    question = sealed(sender=A, recipient=B)
    answer = sealed(
        Statement(serial=7, side=Side(2, Phase.ACTIVE, enabled=True)),
        kind=Kind.STATUS,
        role=Role.SOURCE,
        reply_to=question.message_id,
    )
    message = read_answer(envelope_bytes(answer), me=A.public, question=question)
    assert message.is_answer


# Each check refuses


@pytest.mark.parametrize(
    "data",
    [
        b"",
        msgpack.packb([]),
        msgpack.packb(7),
        msgpack.packb([b"body"]),
        msgpack.packb(["body", b"s" * 64]),
        msgpack.packb([b"\x90", b"s" * 63]),
        msgpack.packb([b"\x90", "s" * 64]),
        msgpack.packb([b"\x07", b"s" * 64]),
        msgpack.packb([b"\x90", b"s" * 64]),
        msgpack.packb([b"\x90", b"s" * 64]) + b"\0",
        msgpack.packb([b"x" * MESSAGE_BYTES_MAX, b"s" * 64]),
    ],
)
def test_what_has_not_the_shape_of_an_envelope_is_malformed(data):
    assert refusal_of(data) is Refusal.MALFORMED


@pytest.mark.parametrize(
    ("position", "value"),
    [
        (0, "1"),
        (1, 5),
        (3, b"short"),
        (4, b"x" * 33),
        (5, b"x" * 15),
        (6, -1),
        (6, COUNTER_LIMIT),
        (7, b"x" * 31),
        (8, 0),
        (8, COUNTER_LIMIT),
        (8, True),
        (9, -1),
        (9, COUNTER_LIMIT),
        (9, 0),
        (10, "asleep"),
        (10, "none"),
        (10, "active"),
        (10, "closed"),
        (11, 1),
        (12, "removed"),
        (13, [1, "pending"]),
        (13, [COUNTER_LIMIT, "pending", False]),
        (13, [1, "announced", False]),
        (13, [1, "pending", True]),
        (14, b"p" * 63),
        (14, "p" * 64),
        (15, ["preview", "a_to_b", "a", "b", "script", None, 2_000]),
        (15, ["details", b"n" * 15, "b", None, None, "a_to_b", "a", "b", "software"]),
        (15, ["details", b"n" * 16, "", None, None, "a_to_b", "a", "b", "software"]),
        (15, ["details", b"n" * 16, "b", "ftp://b", None, "a_to_b", "a", "b", "software"]),
        (15, ["details", b"n" * 16, "b", None, "nowhere", "a_to_b", "a", "b", "software"]),
        (15, ["details", b"n" * 16, "b", None, None, "a\u202eb", "a", "b", "software"]),
        (15, ["other"]),
    ],
)
def test_a_field_out_of_its_limits_is_malformed(position, value):
    assert refusal_of(altered(position, value)) is Refusal.MALFORMED


@pytest.mark.parametrize(
    ("statement", "kind", "role"),
    [
        (Statement(serial=7, side=Side(0, Phase.CLOSED)), Kind.STATUS, Role.SOURCE),
        (Statement(serial=7, side=Side(1, Phase.NONE)), Kind.STATUS, Role.DESTINATION),
        (Statement(serial=7, side=Side(1, Phase.PENDING, enabled=True)), Kind.STATUS, Role.SOURCE),
        (Statement(serial=7, side=Side(1, Phase.ACTIVE, enabled=True)), Kind.INITIATE, Role.SOURCE),
        (Statement(serial=7, side=Side(1, Phase.ANNOUNCED)), Kind.ACCEPT, Role.DESTINATION),
        (
            Statement(serial=7, side=Side(1, Phase.ACCEPTED, enabled=True), proof=b"p" * 64),
            Kind.ACCEPT,
            Role.DESTINATION,
        ),
        (Statement(serial=7, side=Side(1, Phase.ACCEPTED), proof=b"p" * 64), Kind.STATUS, Role.DESTINATION),
        *(
            (
                Statement(
                    serial=serial,
                    side=Side(1, Phase.PENDING),
                    details=Preview("a_to_b", "a", "b", Mode.SCRIPT, None, expires_at),
                ),
                Kind.INITIATE,
                Role.SOURCE,
            )
            for serial, expires_at in ((7, 0), (7, 8 + CODE_LIFETIME_S_MAX), (INSTANT_LIMIT, INSTANT_LIMIT))
        ),
    ],
)
def test_what_no_honest_node_says_is_malformed(statement, kind, role):
    assert refusal_of(envelope_bytes(sealed(statement, kind=kind, role=role))) is Refusal.MALFORMED


NORMAL_FORMS = {
    "node_name": (" Zu\u0308rich\u00a0", "Zürich"),
    "instance_url": ("HTTPS://B.example:443/", "https://b.example"),
    "node_url": ("HTTP://EXAMPLE.com:80/a/", "http://example.com/a"),
    "name": ("e\u0301 ", "é"),
    "source_short_name": (" A", "A"),
    "destination_short_name": ("B\t", "B"),
    "software": ("handclasp 1 ", "handclasp 1"),
}


@pytest.mark.parametrize(("statement", "kind", "role"), [(PENDING, Kind.INITIATE, Role.SOURCE),
                                                         (ACCEPTED, Kind.ACCEPT, Role.DESTINATION)])  # fmt: skip
def test_texts_are_read_in_their_normal_form(statement, kind, role):
    texts = {name: forms for name, forms in NORMAL_FORMS.items() if hasattr(statement.details, name)}
    sent, kept = (
        msgspec.structs.replace(statement.details, **{name: forms[place] for name, forms in texts.items()})
        for place in (0, 1)
    )
    written = sealed(msgspec.structs.replace(statement, details=sent), kind=kind, role=role)
    assert read_question(envelope_bytes(written), me=A.public).statement == msgspec.structs.replace(
        statement, details=kept
    )


def test_a_computed_closed_and_a_none_have_revision_0():
    for side in (Side(0, Phase.CLOSED, reason=Reason.UNKNOWN), Side(0, Phase.NONE)):
        statement = Statement(serial=7, side=side)
        read = read_question(envelope_bytes(sealed(statement, kind=Kind.STATUS)), me=A.public)
        assert read.statement == statement


def test_another_version_is_refused_before_anything_of_it_is_read():
    assert refusal_of(altered(0, 2)) is Refusal.VERSION


def test_a_message_for_another_node_is_refused_before_its_signature_is_checked():
    unsigned = envelope_bytes(sealed(recipient=C))[:-64] + b"s" * 64
    assert refusal_of(unsigned) is Refusal.NOT_FOR_ME


def test_reflect():
    assert refusal_of(envelope_bytes(sealed(sender=A, recipient=B))) is Refusal.REFLECTED


@pytest.mark.parametrize(
    ("kind", "role"),
    [("accept", "source"), ("initiate", "destination"), ("hello", "source"), ("status", "x")],
)
def test_cross_kind_a_kind_that_a_role_never_sends_is_refused(kind, role):
    fields = list(sealed().fields)
    fields[1:3] = [kind, role]
    assert refusal_of(signed(fields)) is Refusal.KIND


def test_cross_kind_an_answer_is_no_question():
    assert refusal_of(altered(7, b"q" * 32)) is Refusal.KIND


def test_cross_kind_a_question_or_another_kind_is_no_answer():
    question = sealed(sender=A, recipient=B, kind=Kind.STATUS, role=Role.SOURCE, statement=PENDING)
    assert refusal_of(envelope_bytes(sealed()), question=question) is Refusal.NOT_AN_ANSWER
    accept = sealed(reply_to=question.message_id)
    assert refusal_of(envelope_bytes(accept), question=question) is Refusal.KIND
    same_role = sealed(PENDING, kind=Kind.STATUS, role=Role.SOURCE, reply_to=question.message_id)
    assert refusal_of(envelope_bytes(same_role), question=question) is Refusal.KIND


def test_answer_swap_an_answer_to_one_question_does_not_answer_another():
    first = sealed(sender=A, recipient=B)
    second = seal(
        ACCEPTED,
        kind=Kind.ACCEPT,
        role=Role.DESTINATION,
        recipient=B.public,
        connection=CONNECTION,
        time_ms=1_001,
        in_reply_to=None,
        key=A,
    )
    answer = sealed(
        Statement(serial=7, side=Side(2, Phase.ACTIVE, enabled=True)),
        kind=Kind.STATUS,
        role=Role.SOURCE,
        reply_to=first.message_id,
    )
    admit_answer(answer, me=A.public, question=first)
    assert refusal_of(envelope_bytes(answer), question=second) is Refusal.NOT_AN_ANSWER


def test_announcement_spam_one_that_is_too_long_is_refused_before_its_signature_is_checked():
    announcement = sealed(PENDING, kind=Kind.INITIATE, role=Role.SOURCE)
    body = msgpack.packb([*announcement.fields, b"x" * 2048])
    assert refusal_of(msgpack.packb([body, b"s" * 64])) is Refusal.MALFORMED


def test_a_signature_by_another_key_or_for_another_purpose_is_refused():
    assert refusal_of(signed(sealed().fields, key=C)) is Refusal.SIGNATURE
    assert refusal_of(signed(sealed().fields, domain=PROOF_DOMAIN)) is Refusal.SIGNATURE


def test_small_order_key_as_a_sender_is_refused():
    identity_point = b"\x01" + b"\0" * 31
    fields = list(sealed().fields)
    fields[3] = identity_point
    body = msgpack.packb(fields)
    always_valid = b"\x01" + b"\0" * 63
    assert refusal_of(msgpack.packb([body, always_valid])) is Refusal.SIGNATURE


def test_nothing_of_the_fields_is_read_before_the_signature():
    forged = peek(msgpack.packb([msgpack.packb([*sealed().fields[:8], "nonsense"]), b"s" * 64]))
    with pytest.raises(EnvelopeError, match="signature"):
        verify_signature(forged)
    with pytest.raises(EnvelopeError, match="revision is missing"):
        open_message(forged)


GOLDEN = (
    "92c4b0dc001001a8696e697469617465a6736f75726365c4208139770ea87d175f56a35466c34c7ecccb8d8a91b4ee37"
    "a25df60f5b8fc9b394c4208a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5cc410000102"
    "030405060708090a0b0c0d0e0fcd03e8c00701a770656e64696e67c2c0c0c097a770726576696577a6615f746f5f62a1"
    "61a162a6736372697074b5687474703a2f2f3132372e302e302e313a38313031cd07d0c440f878d71ef692551ed05216"
    "c708cff36c0c89ca458a05e9dbedea8c0256a107e34c0bf05f71ecfa426f55a5dbc60e193f074764723a1b2384a7b308"
    "97bcaa5605"
)
GOLDEN_ID = "f97e99c1294821703b275d1dd659e8c43e9be81e12888603c09380564b49fef1"


@pytest.mark.parametrize(
    ("content_type", "is_envelope"),
    [
        (CONTENT_TYPE, True),
        (CONTENT_TYPE.upper(), True),
        (f"{CONTENT_TYPE} ; charset=utf-8", True),
        (f"{CONTENT_TYPE}2", False),
        (f"x; {CONTENT_TYPE}", False),
        ("", False),
        (None, False),
    ],
)
def test_an_envelope_is_known_by_its_media_type_in_any_case_and_with_any_parameter(content_type, is_envelope):
    assert is_envelope_type(content_type) is is_envelope
