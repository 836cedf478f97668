"""Keys: the RFCs' own vectors, and every key that no honest node has."""

from __future__ import annotations

import copy
import traceback

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nacl import bindings

from protocol import identity
from protocol.errors import LocalProtocolError, RemoteProtocolError
from protocol.identity import (
    INVITATION_DOMAIN,
    MESSAGE_DOMAIN,
    SigningKey,
    addressee,
    fingerprint,
    from_jwk,
    is_acceptable_key,
    thumbprint,
    to_jwk,
    verify,
)

# RFC 8032 section 7.1 test 1, which RFC 8037 appendix A uses too.
SEED = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
PUBLIC = bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")
SIGNATURE = bytes.fromhex(
    "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
    "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
)
X = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"

# Every encoding of a point of small order: y = 0, 1, -1 and the two of order 8, those also beyond the prime,
# each with both signs of x.
_SMALL_ORDER_Y = [
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0100000000000000000000000000000000000000000000000000000000000000",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
]
SMALL_ORDER = [
    encoded[:31] + bytes([encoded[31] | sign]) for encoded in map(bytes.fromhex, _SMALL_ORDER_Y) for sign in (0, 0x80)
]
PRIME = 2**255 - 19


def test_a_key_pair_and_its_signature_are_those_of_rfc_8032():
    key = SigningKey(SEED)
    assert key.public == PUBLIC
    assert key.sign(b"", b"") == SIGNATURE
    assert verify(PUBLIC, b"", b"", SIGNATURE)


def test_the_thumbprint_is_that_of_rfc_8037():
    assert to_jwk(PUBLIC) == {"kty": "OKP", "crv": "Ed25519", "x": X}
    assert identity._base64url(thumbprint(PUBLIC)) == b"kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"


def test_the_fingerprint_is_its_first_120_bits_in_base32():
    assert fingerprint(PUBLIC) == "sd5m-v7vj-wfkw-ngcu-b5ym-ael2"
    assert addressee(PUBLIC).hex() == "90facafea9b1556698540f70c0117a22"


def test_the_domains_differ_and_none_begins_another():
    domains = [
        MESSAGE_DOMAIN,
        INVITATION_DOMAIN,
        identity.INVITATION_KEY_DOMAIN,
        identity.PROOF_DOMAIN,
    ]
    assert domains == [
        b"handclasp/1 message\0",
        b"handclasp/1 invitation\0",
        b"handclasp/1 invitation key\0",
        b"handclasp/1 proof\0",
    ]
    assert not [(a, b) for a in domains for b in domains if a is not b and b.startswith(a)]


@given(st.binary(min_size=32, max_size=32), st.binary(), st.integers(0, 511))
def test_a_signature_holds_for_its_key_domain_and_data_only(seed, data, bit):
    key = SigningKey(seed)
    signature = key.sign(MESSAGE_DOMAIN, data)
    assert verify(key.public, MESSAGE_DOMAIN, data, signature)
    assert not verify(key.public, INVITATION_DOMAIN, data, signature)
    assert not verify(key.public, MESSAGE_DOMAIN, data + b"\0", signature)
    assert not verify(PUBLIC, MESSAGE_DOMAIN, data, signature)
    changed = bytearray(signature)
    changed[bit // 8] ^= 1 << bit % 8
    assert not verify(key.public, MESSAGE_DOMAIN, data, bytes(changed))


@given(st.binary(max_size=70), st.binary(), st.binary(max_size=70))
def test_verifying_never_raises(public, data, signature):
    assert not verify(public, MESSAGE_DOMAIN, data, signature)


@given(st.binary(max_size=40))
def test_judging_a_key_never_raises(public):
    assert is_acceptable_key(public) in {True, False}


@given(st.binary(min_size=32, max_size=32))
def test_every_honest_key_is_acceptable(seed):
    assert is_acceptable_key(SigningKey(seed).public)


@pytest.mark.parametrize("length", [0, 31, 33, 64])
def test_a_key_of_another_length_is_refused(length):
    assert not is_acceptable_key((PUBLIC * 2)[:length])
    assert not verify((PUBLIC * 2)[:length], b"", b"", SIGNATURE)
    assert not verify(PUBLIC, b"", b"", (SIGNATURE * 2)[:length] if length != 64 else b"")


@pytest.mark.parametrize("public", SMALL_ORDER, ids=bytes.hex)
def test_a_small_order_key_is_refused(public):
    assert not is_acceptable_key(public)
    with pytest.raises(RemoteProtocolError, match="honest"):
        from_jwk(to_jwk(public))
    # With such a key R = identity, S = 0 would be a good signature for one message in 8, 4, 2 or 1.
    forged = SMALL_ORDER[2] + bytes(32)
    assert not any(verify(public, MESSAGE_DOMAIN, bytes([i]), forged) for i in range(64))


def test_points_beyond_the_prime_off_the_curve_and_of_mixed_order_are_refused():
    beyond = [(PRIME + y).to_bytes(32, "little") for y in range(19)]
    assert not any(map(is_acceptable_key, beyond))
    off_curve = (2).to_bytes(32, "little")
    assert not is_acceptable_key(off_curve)
    mixed = bindings.crypto_core_ed25519_add(PUBLIC, bytes.fromhex(_SMALL_ORDER_Y[2]))
    assert not is_acceptable_key(mixed)


@given(st.binary(min_size=32, max_size=32))
def test_a_jwk_is_read_as_it_was_written(seed):
    public = SigningKey(seed).public
    assert from_jwk(to_jwk(public) | {"kid": "any", "use": "sig"}) == public


@pytest.mark.parametrize(
    "jwk",
    [
        None,
        [],
        "x",
        {},
        {"kty": "OKP", "crv": "Ed25519"},
        {"kty": "OKP", "crv": "X25519", "x": X},
        {"kty": "EC", "crv": "Ed25519", "x": X},
        {"kty": ["OKP"], "crv": "Ed25519", "x": X},
        {"kty": "OKP", "crv": "Ed25519", "x": 5},
        {"kty": "OKP", "crv": "Ed25519", "x": X + "="},
        {"kty": "OKP", "crv": "Ed25519", "x": X[:-1]},
        {"kty": "OKP", "crv": "Ed25519", "x": X[:-1] + "\n"},
        {"kty": "OKP", "crv": "Ed25519", "x": X[:-1] + "p"},  # the unused bits are not zero
        {"kty": "OKP", "crv": "Ed25519", "x": "é" * 43},
    ],
)
def test_what_is_no_ed25519_jwk_is_refused(jwk):
    with pytest.raises(RemoteProtocolError):
        from_jwk(jwk)


def test_a_signing_key_shows_its_fingerprint_and_nothing_else():
    key = SigningKey(SEED)
    assert repr(key) == str(key) == f"<SigningKey {fingerprint(PUBLIC)}>"
    assert not hasattr(key, "__dict__")


@pytest.mark.parametrize("length", [0, 16, 31, 33, 64])
def test_a_seed_of_another_length_is_refused_without_showing_it(length):
    seed = b"Z" * length
    with pytest.raises(LocalProtocolError) as caught:
        SigningKey(seed)
    assert "ZZ" not in "".join(traceback.format_exception_only(caught.value))


def test_a_copied_key_signs_alike():
    assert copy.copy(SigningKey(SEED)).sign(b"", b"") == SIGNATURE
