"""Invitation codes: what is written is read, what is not genuine is not, and the secret shows nowhere."""

from __future__ import annotations

import hashlib
import hmac
import traceback

import msgpack
import msgspec
import pytest
from hypothesis import given

from protocol import code_format, invitation_content
from protocol.code_format import Parts
from protocol.code_outcomes import SENTENCES, CodeOutcome
from protocol.errors import CodeError, LocalProtocolError, TextError
from protocol.identity import INVITATION_DOMAIN, SigningKey
from protocol.invitation import (
    Invitation,
    compose_code,
    invitation_key,
    pack_invitation,
    read_code,
    seed_of,
    unpack_invitation,
    write_code,
)
from protocol.limits import CODE_CHARACTERS_MAX, CODE_LIFETIME_S_MAX, COUNTER_LIMIT, INSTANT_LIMIT
from protocol.modes import Mode
from simulations.kit import invitation_codes
from tests.protocol.codes import (
    GOLDEN,
    INVITATION,
    SEED,
    SOURCE,
    code_of,
    outcome_of,
    replaced,
    with_fields,
)


@given(invitation_codes())
def test_what_is_written_is_read(drawn):
    invitation, seed, source = drawn.invitation, drawn.seed, drawn.source
    composed = compose_code(invitation, source, seed)
    written = composed.text
    code = read_code(written)
    assert written == drawn.text
    assert code.invitation == invitation
    assert code.seed == seed
    assert code.public_digest == composed.public_digest
    assert composed.invitation_key == invitation_key(seed, invitation.connection, invitation.serial).public
    assert composed.packed == pack_invitation(invitation)
    assert unpack_invitation(pack_invitation(invitation)) == invitation
    assert write_code(code.invitation, source, seed) == written
    assert len(written) <= CODE_CHARACTERS_MAX


def test_a_code_is_these_characters():
    assert write_code(INVITATION, SOURCE, SEED) == GOLDEN


def test_a_code_is_made_as_the_design_says():
    # Built by hand from the description alone, not by the module under test.
    code = write_code(INVITATION, SOURCE, SEED)
    packed = msgpack.packb(list(msgspec.structs.astuple(INVITATION)))
    start = b"\x01" + (5 + len(packed) + 64).to_bytes(2, "big")
    crc = 0xFFFF
    for byte in b"handclasp_" + start:
        crc ^= byte << 8
        for _ in range(8):
            crc = (crc << 1 ^ (0x1021 if crc & 0x8000 else 0)) & 0xFFFF
    head = start + crc.to_bytes(2, "big")
    identity = INVITATION.connection + INVITATION.serial.to_bytes(8, "big")
    key = SigningKey(hmac.new(SEED, b"handclasp/1 invitation key\0" + identity, hashlib.sha256).digest())
    signature = SOURCE.sign(b"handclasp/1 invitation\0", head + packed + key.public)
    public = head + packed + signature
    assert code.startswith("handclasp_" + code_format.base32(public))
    assert len(code) == 10 + len(code_format.base32(public)) + 32
    assert read_code(code).public_digest == hashlib.sha256(public).digest()
    assert 360 <= len(code) <= 430


def test_the_seed_is_made_as_the_design_says():
    data = INVITATION.connection + (7).to_bytes(8, "big") + b"salt"
    seed = hmac.new(b"master", data, hashlib.sha256).digest()[:16]
    assert seed_of(b"master", INVITATION.connection, 7, b"salt") == seed
    others = [
        seed_of(b"Master", INVITATION.connection, 7, b"salt"),
        seed_of(b"master", bytes(16), 7, b"salt"),
        seed_of(b"master", INVITATION.connection, 8, b"salt"),
        seed_of(b"master", INVITATION.connection, 7, b"sal"),
    ]
    assert len({seed, *others}) == 5


@pytest.mark.parametrize(("connection", "serial"), [(bytes(15), 1), (bytes(16), -1), (bytes(16), 2**53)])
def test_no_seed_is_made_beyond_the_limits(connection, serial):
    with pytest.raises(LocalProtocolError):
        seed_of(b"master", connection, serial, b"salt")


def test_the_longest_code_is_as_long_as_the_limit_says():
    longest = Invitation(
        connection=bytes(16),
        serial=COUNTER_LIMIT - 1,
        source_id=bytes(16),
        source_key=SOURCE.public,
        node_url="https://a.example/" + "x" * 237,
        mode=max(Mode, key=len),
        name="🤝" * 100,
        source_short_name="🤝" * 64,
        destination_short_name="🤝" * 64,
        expires_at=INSTANT_LIMIT - 1,
        bound=bytes(16),
        versions=(1, *(255,) * 7),
    )
    code = write_code(longest, SOURCE, SEED)
    assert read_code(code).invitation == longest
    # One version is 1 here, which takes a byte less than 255; that can save at most two characters.
    assert CODE_CHARACTERS_MAX - 2 <= len(code) <= CODE_CHARACTERS_MAX
    all_high = write_code(msgspec.structs.replace(longest, versions=(255,) * 8), SOURCE, SEED)
    assert len(all_high) == CODE_CHARACTERS_MAX


def test_a_code_may_live_as_long_as_the_limit_says_whatever_the_readers_clock_shows():
    longest = replaced(expires_at=INVITATION.serial + CODE_LIFETIME_S_MAX)
    assert read_code(write_code(longest, SOURCE, SEED)).invitation == longest


def test_texts_are_written_in_their_normal_form():
    code = read_code(write_code(replaced(name=" Incidents ", node_url="HTTPS://Acme.example/"), SOURCE, SEED))
    assert code.invitation == replaced(node_url="https://acme.example")


@pytest.mark.parametrize(
    "changes",
    [
        {"name": ""},
        {"name": "x" * 101},
        {"source_short_name": "x" * 65},
        {"destination_short_name": "a\u202eb"},
        {"node_url": "ftp://a.example"},
    ],
)
def test_a_text_beyond_its_limits_is_not_written(changes):
    with pytest.raises(TextError):
        write_code(replaced(**changes), SOURCE, SEED)


@pytest.mark.parametrize(
    "changes",
    [
        {"connection": bytes(15)},
        {"serial": 0},
        {"serial": COUNTER_LIMIT},
        {"source_id": bytes(17)},
        {"expires_at": -1},
        {"expires_at": COUNTER_LIMIT},
        {"expires_at": INVITATION.serial + CODE_LIFETIME_S_MAX + 1},
        {"bound": bytes(15)},
        {"versions": ()},
        {"versions": (1,) * 9},
        {"versions": (0,)},
        {"versions": (256,)},
        {"mode": "quantum"},
    ],
)
def test_a_field_beyond_its_limits_is_not_written(changes):
    with pytest.raises(LocalProtocolError) as caught:
        write_code(replaced(**changes), SOURCE, SEED)
    assert next(iter(changes)) in str(caught.value)


def test_only_the_named_source_writes_and_only_with_a_whole_seed():
    with pytest.raises(LocalProtocolError):
        write_code(INVITATION, SigningKey(bytes(32)), SEED)
    with pytest.raises(LocalProtocolError):
        write_code(INVITATION, SOURCE, SEED + b"x")


def test_an_appended_field_of_a_later_version_is_ignored():
    packed = msgpack.packb([*msgspec.structs.astuple(INVITATION), "later", [1, b"x"]])
    code = read_code(code_of(packed))
    assert code.invitation == INVITATION
    assert unpack_invitation(packed) == INVITATION


def test_a_signature_with_one_bit_changed_is_forged():
    packed = pack_invitation(INVITATION)
    head = code_format.encode_head(packed)
    key = invitation_key(SEED, INVITATION.connection, INVITATION.serial).public
    whole = SOURCE.sign(INVITATION_DOMAIN, head + packed + key)
    for bit in range(0, 8 * 64, 7):
        signature = bytearray(whole)
        signature[bit // 8] ^= 1 << bit % 8
        forged = Parts(head=head, packed=packed, signature=bytes(signature), seed=SEED)
        assert outcome_of(code_format.encode(forged)) is CodeOutcome.FORGED, bit


@pytest.mark.parametrize("changes", [{"name": "Incident"}, {"mode": "basic"}, {"expires_at": 1}, {"bound": None}])
def test_an_edited_code_with_repaired_checksums_is_forged(changes):
    head, signature = parts_of(write_code(INVITATION, SOURCE, SEED))
    packed = msgpack.packb(list((msgspec.structs.asdict(INVITATION) | changes).values()))
    edited = Parts(head=code_format.encode_head(packed), packed=packed, signature=signature, seed=SEED)
    assert outcome_of(code_format.encode(edited)) is CodeOutcome.FORGED
    assert head


def test_a_code_with_another_seed_is_forged():
    packed = pack_invitation(INVITATION)
    right = invitation_key(SEED, INVITATION.connection, INVITATION.serial).public
    assert outcome_of(code_of(packed, seed=bytes(16), key=right)) is CodeOutcome.FORGED


def test_a_code_signed_by_another_key_is_forged():
    assert outcome_of(code_of(pack_invitation(INVITATION), source=SigningKey(bytes(32)))) is CodeOutcome.FORGED


@pytest.mark.parametrize(
    "public",
    [
        bytes(32),
        (1).to_bytes(32, "little"),
        bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"),
        bytes.fromhex("ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
        (2).to_bytes(32, "little"),
    ],
)
def test_a_key_that_no_honest_node_has_is_forged(public):
    assert outcome_of(with_fields(source_key=public)) is CodeOutcome.FORGED


def test_a_key_of_mixed_order_is_forged_though_its_signature_may_hold(monkeypatch):
    monkeypatch.setattr("protocol.invitation.is_acceptable_key", lambda _: False)
    assert outcome_of(write_code(INVITATION, SOURCE, SEED)) is CodeOutcome.FORGED


@pytest.mark.parametrize("changes", [{"mode": "quantum"}, {"versions": [2, 3]}])
def test_a_signed_code_that_needs_what_is_not_known_here_is_of_a_newer_version(changes):
    assert outcome_of(with_fields(**changes)) is CodeOutcome.NEWER_VERSION


@pytest.mark.parametrize(
    ("version", "outcome"),
    [(0, CodeOutcome.MISTYPED), (2, CodeOutcome.NEWER_VERSION), (255, CodeOutcome.NEWER_VERSION)],
)
def test_a_head_of_another_version_is_told_by_its_version(version, outcome, monkeypatch):
    monkeypatch.setattr(code_format, "CODE_VERSION", version)
    code = write_code(INVITATION, SOURCE, SEED)
    monkeypatch.undo()
    assert outcome_of(code) is outcome
    if version:
        assert outcome_of(code[:60]) is outcome


@pytest.mark.parametrize("length", [0, 5, 68])
def test_a_head_that_names_less_than_a_head_and_a_signature_is_none(length):
    start = b"\x01" + length.to_bytes(2, "big")
    head = start + code_format._crc_16(start)
    assert outcome_of("handclasp_" + code_format.base32(head) + "a" * 300) is CodeOutcome.MISTYPED


def test_unused_bits_of_the_last_public_character_are_guarded():
    names = ["x" * n for n in range(1, 9)]
    codes = [write_code(replaced(name=name), SOURCE, SEED) for name in names]
    code = next(code for code in codes if (len(code) - 42) % 8)  # the public part does not end on a whole byte
    alphabet = "abcdefghijklmnopqrstuvwxyz234567"
    last = code[-33]
    for character in alphabet:
        if character != last:
            assert outcome_of(code[:-33] + character + code[-32:]) is CodeOutcome.MISTYPED


def test_the_label_tells_codes_apart_and_is_no_part_of_them():
    code = write_code(INVITATION, SOURCE, SEED)
    other = write_code(replaced(name="Incidentz"), SOURCE, SEED)
    label = read_code(code).label
    assert label.startswith("handclasp_")
    assert len(label) == 18
    assert label != read_code(other).label
    assert not code.startswith(label)


def test_the_secret_shows_in_no_repr_and_no_error():
    written = write_code(INVITATION, SOURCE, SEED)
    code = read_code(written)
    secrets = [repr(SEED), SEED.decode(), SEED.hex(), written[-32:], written[-32:].upper()]
    shown = [repr(code), str(code), code.label]
    for damaged in (
        written[:-1],
        written[:-1] + "a",
        written[:50] + "a" + written[51:],
        with_fields(name=""),
    ):
        with pytest.raises(CodeError) as caught:
            read_code(damaged)
        shown += [repr(caught.value), "".join(traceback.format_exception(caught.value))]
    shown += [repr(Parts(head=b"", packed=b"", signature=b"", seed=SEED))]
    assert not [secret for secret in secrets for text in shown if secret in text]


@pytest.mark.parametrize("outcome", CodeOutcome)
def test_every_outcome_has_a_sentence_of_its_own(outcome):
    error = CodeError(outcome, missing_count=12 if outcome is CodeOutcome.TRUNCATED else None)
    assert error.sentence == str(error)
    assert error.sentence.endswith(".")
    assert "{" not in error.sentence
    assert list(SENTENCES.values()).count(SENTENCES[outcome]) == 1


@pytest.mark.parametrize("outcome", [CodeOutcome.TRUNCATED, CodeOutcome.MISTYPED])
def test_truncated_and_mistyped_both_say_to_copy_it_again(outcome):
    assert "Copy it again" in CodeError(outcome).sentence
    assert "Copy it again" in CodeError(outcome, missing_count=12).sentence
    assert "(12)" in CodeError(CodeOutcome.TRUNCATED, missing_count=12).sentence


def test_the_fields_stand_in_the_order_of_the_format():
    assert Invitation.__struct_fields__ == (
        "connection", "serial", "source_id", "source_key", "node_url", "mode", "name", "source_short_name",
        "destination_short_name", "expires_at", "bound", "versions",
    )  # fmt: skip
    assert invitation_content.Origin.__struct_fields__ == Invitation.__struct_fields__[:4]


def parts_of(code):
    head = code_format.decode_head(code[10:])
    parts = code_format.decode(code[10:], head)
    return head, parts.signature
