"""A node's identity is its Ed25519 key; all use of keys is here.

PyNaCl signs and verifies. Its verification refuses keys of small order, under which signatures can be made
without a secret; `is_acceptable_key` refuses them and all that no honest key is, before a key is kept.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from nacl import bindings
from nacl.exceptions import CryptoError

from protocol.errors import LocalProtocolError, RemoteProtocolError
from protocol.limits import ADDRESSEE_BYTES, KEY_BYTES, SIGNATURE_BYTES

MESSAGE_DOMAIN: Final = b"handclasp/1 message\0"
INVITATION_DOMAIN: Final = b"handclasp/1 invitation\0"
INVITATION_KEY_DOMAIN: Final = b"handclasp/1 invitation key\0"
PROOF_DOMAIN: Final = b"handclasp/1 proof\0"
"""What stands before the signed data, so that a signature made for one purpose is void for every other."""

_FINGERPRINT_BYTES = 15
_FINGERPRINT_GROUP = 4
_X_PATTERN = re.compile(r"[A-Za-z0-9_-]{43}")


class SigningKey:
    """An Ed25519 key pair.

    Attributes:
        public: the public key, 32 bytes (RFC 8032 section 5.1.5).
    """

    __slots__ = ("_secret", "public")

    def __init__(self, seed: bytes) -> None:
        if len(seed) != KEY_BYTES:
            raise LocalProtocolError(f"The seed of a signing key has {KEY_BYTES} bytes, not {len(seed)}.")
        self.public, self._secret = bindings.crypto_sign_seed_keypair(seed)

    def __repr__(self) -> str:
        return f"<SigningKey {fingerprint(self.public)}>"

    def sign(self, domain: bytes, data: bytes) -> bytes:
        """The signature over domain + data, 64 bytes; the same for the same input."""
        return bindings.crypto_sign(domain + data, self._secret)[:SIGNATURE_BYTES]


def verify(public: bytes, domain: bytes, data: bytes, signature: bytes) -> bool:
    """Whether the holder of the key signed domain + data; wrong lengths and small-order keys are a no."""
    if len(public) != KEY_BYTES or len(signature) != SIGNATURE_BYTES:
        return False
    try:
        bindings.crypto_sign_open(signature + domain + data, public)
    except CryptoError:
        return False
    return True


def is_acceptable_key(public: bytes) -> bool:
    """Whether an honest node could have this key: a canonical point of the curve's main subgroup."""
    return len(public) == KEY_BYTES and bindings.crypto_core_ed25519_is_valid_point(public)


def thumbprint(public: bytes) -> bytes:
    """The key's JWK thumbprint, 32 bytes (RFC 7638 section 3, RFC 8037 section 2)."""
    return hashlib.sha256(b'{"crv":"Ed25519","kty":"OKP","x":"%s"}' % _base64url(public)).digest()


@lru_cache(maxsize=1024)
def fingerprint(public: bytes) -> str:
    """What people compare: 120 bits of the thumbprint as 6 groups of 4 base32 characters."""
    text = base64.b32encode(thumbprint(public)[:_FINGERPRINT_BYTES]).decode().lower()
    return "-".join(text[start : start + _FINGERPRINT_GROUP] for start in range(0, len(text), _FINGERPRINT_GROUP))


def addressee(public: bytes) -> bytes:
    """What a bound code names its addressee by: the first 16 bytes of the key's thumbprint."""
    return thumbprint(public)[:ADDRESSEE_BYTES]


def to_jwk(public: bytes) -> dict[str, str]:
    """The public key as a JWK (RFC 8037 section 2)."""
    return {"kty": "OKP", "crv": "Ed25519", "x": _base64url(public).decode()}


def from_jwk(jwk: object) -> bytes:
    """The public key in a JWK, 32 bytes; members that are not needed are ignored (RFC 7517 section 4).

    Raises:
        RemoteProtocolError: not an Ed25519 JWK, or a key that no honest node has.
    """
    if not isinstance(jwk, Mapping) or jwk.get("kty") != "OKP" or jwk.get("crv") != "Ed25519":
        raise RemoteProtocolError("The key is not an Ed25519 key in JWK form.")
    x = jwk.get("x")
    if not isinstance(x, str) or not _X_PATTERN.fullmatch(x):
        raise RemoteProtocolError('The member "x" of the key is not 32 bytes in base64url.')
    public = base64.urlsafe_b64decode(x + "=")
    if _base64url(public).decode() != x:
        raise RemoteProtocolError('The member "x" of the key is not in its one canonical form.')
    if not is_acceptable_key(public):
        raise RemoteProtocolError("The key is not one that an honest node can have.")
    return public


def _base64url(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")
