"""Proofs: bound to the code, both keys and every byte of the code's public part."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.errors import LocalProtocolError
from protocol.identity import MESSAGE_DOMAIN, SigningKey
from protocol.proof import is_good_proof, make_proof
from protocol.seeds import invitation_key

SEED = bytes(range(16))
PARTS = {
    "connection": b"c" * 16,
    "serial": 1_764_000_000,
    "source_key": b"s" * 32,
    "destination_key": b"d" * 32,
    "public_digest": b"p" * 32,
}
KEY = invitation_key(SEED, PARTS["connection"], PARTS["serial"])
PROOF = make_proof(KEY, **PARTS)


def is_good(proof=PROOF, **changes):
    return is_good_proof(proof, **({"invitation_key": KEY.public} | PARTS | changes))


def test_a_proof_is_exactly_these_bytes_signed():
    signed = b"c" * 16 + (1_764_000_000).to_bytes(8, "big") + b"s" * 32 + b"d" * 32 + b"p" * 32
    assert KEY.sign(b"handclasp/1 proof\0", signed) == PROOF
    assert len(PROOF) == 64
    assert is_good()


@pytest.mark.parametrize(
    "changes",
    [
        {"connection": b"C" + b"c" * 15},
        {"serial": 1_764_000_001},
        {"source_key": b"d" * 32},
        {"destination_key": b"D" + b"d" * 31},
        {"public_digest": b"p" * 31 + b"P"},
        {"invitation_key": SigningKey(bytes(32)).public},
        {"invitation_key": b""},
        {"invitation_key": bytes(32)},
        {"source_key": b"d" * 32, "destination_key": b"s" * 32},
        {"connection": b"c" * 15},
        {"connection": b""},
        {"source_key": b"s" * 31, "destination_key": b"s" + b"d" * 32},
        {"public_digest": b"p" * 33},
        {"serial": -1},
        {"serial": 2**53},
        {"serial": 2**64},
        {"proof": None},
        {"proof": b""},
        {"proof": PROOF[:-1]},
        {"proof": PROOF + b"\0"},
        {"proof": KEY.sign(MESSAGE_DOMAIN, b"c" * 16)},
    ],
)
def test_a_proof_for_anything_else_is_not_good(changes):
    assert not is_good(**changes)


@given(st.integers(0, 511))
def test_a_proof_with_one_bit_changed_is_not_good(bit):
    changed = bytearray(PROOF)
    changed[bit // 8] ^= 1 << bit % 8
    assert not is_good(bytes(changed))


@given(st.none() | st.binary(max_size=80), st.binary(max_size=40), st.integers(), st.binary(max_size=40))
def test_judging_a_proof_never_raises(proof, short, serial, key):
    assert not is_good(proof, connection=short, serial=serial, invitation_key=key)


def test_a_proof_by_another_seed_is_not_good():
    assert not is_good(make_proof(invitation_key(bytes(16), PARTS["connection"], PARTS["serial"]), **PARTS))


@pytest.mark.parametrize(
    "changes",
    [{"connection": b""}, {"serial": -1}, {"serial": 2**53}, {"source_key": b"s"}, {"public_digest": b""}],
)
def test_no_proof_is_made_of_parts_of_wrong_length(changes):
    with pytest.raises(LocalProtocolError):
        make_proof(KEY, **(PARTS | changes))
