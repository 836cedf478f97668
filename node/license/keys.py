r"""License keys: what one says, how it is made and how it is verified; all of it without a network.

    handclasp-license_ b32(body ‖ signature)        RFC 4648 base32, lower case, no padding
    body       msgpack [1, licensee, issued_at, expires_at], instants in Unix seconds
    signature  64 bytes: Ed25519(license key pair, "handclasp/1 license\0" ‖ body)

Whoever runs nodes makes the key pair (`handclasp license new-keys`), gives every node its public half by a setting,
and issues keys with the other. Blanks and line breaks in a key, and upper case, are forgiven.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import msgspec

from protocol.code_format import base32
from protocol.errors import TextError
from protocol.identity import is_acceptable_key, verify
from protocol.limits import KEY_BYTES, SIGNATURE_BYTES
from protocol.text import check_name

if TYPE_CHECKING:
    from protocol.identity import SigningKey

PREFIX: Final = "handclasp-license_"
DOMAIN: Final = b"handclasp/1 license\0"
VERSION: Final = 1

KEY_CHARACTERS_MAX: Final = 1_000
"""The most that is looked at; the longest valid key has about 600."""

LIFETIME_S_MIN: Final = 60
LIFETIME_S_MAX: Final = 100 * 366 * 86_400
INSTANT_S_MAX: Final = 253_402_300_799
"""The last second of the year 9999: what a date can show."""

_BLANKS: Final = re.compile(r"\s+")
_LETTERS: Final = re.compile(r"[a-z2-7]+")
_PUBLIC: Final = re.compile(r"[A-Za-z0-9_-]{43}")


class LicenseKeyError(Exception):
    """A text is no license key that counts here; the text is a sentence that says why and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LicenseKey:
    """What a key says: who may initiate, and until when (Unix seconds)."""

    licensee: str
    issued_at: int
    expires_at: int


class _Body(msgspec.Struct, frozen=True, array_like=True):
    version: int
    licensee: str
    issued_at: int
    expires_at: int


def issue(signing_key: SigningKey, key: LicenseKey) -> str:
    """The key's text, signed.

    Raises:
        LicenseKeyError: what it is to say is not allowed.
    """
    lifetime_s = key.expires_at - key.issued_at
    if not LIFETIME_S_MIN <= lifetime_s <= LIFETIME_S_MAX or not 0 <= key.issued_at < key.expires_at <= INSTANT_S_MAX:
        raise LicenseKeyError("A license lasts between a minute and 100 years, and ends by the year 9999.")
    body = msgspec.msgpack.encode(
        _Body(VERSION, _licensee(key.licensee), issued_at=key.issued_at, expires_at=key.expires_at)
    )
    signed = body + signing_key.sign(DOMAIN, body)
    return PREFIX + base32(signed)


def read(text: str, public: bytes) -> LicenseKey:
    """What a key says, if the holder of the license key pair has signed it; whether it has ended is not judged.

    Raises:
        LicenseKeyError: it is none, is damaged, of a newer version, or of another key pair.
    """
    signed = _bytes(text)
    body, signature = signed[:-SIGNATURE_BYTES], signed[-SIGNATURE_BYTES:]
    if not verify(public, DOMAIN, body, signature):
        raise LicenseKeyError(
            "This license key is damaged, or was signed by another key pair than HANDCLASP_LICENSE_PUBLIC_KEY names "
            "on this node. Copy it again as a whole, or ask whoever runs this node."
        )
    said = _said(body)
    if not 0 <= said.issued_at < said.expires_at <= INSTANT_S_MAX:
        raise _nonsense()
    return LicenseKey(licensee=_licensee(said.licensee), issued_at=said.issued_at, expires_at=said.expires_at)


def _said(body: bytes) -> _Body:
    try:
        if msgspec.msgpack.decode(body, type=list[Any])[0] != VERSION:
            raise LicenseKeyError("This license key was made by a newer Handclasp: upgrade this node.")
        return msgspec.msgpack.decode(body, type=_Body)
    except (msgspec.MsgspecError, ValueError, IndexError, RecursionError):
        raise _nonsense() from None


def _nonsense() -> LicenseKeyError:
    return LicenseKeyError("This license key is signed, but says what no license says: ask for another.")


def write_public(public: bytes) -> str:
    """The license key pair's public half as the setting takes it: base64url, 43 characters."""
    return base64.urlsafe_b64encode(public).decode().rstrip("=")


def read_public(text: str) -> bytes:
    """The public half from a text.

    Raises:
        ValueError: it is none; the text says what to write.
    """
    if not _PUBLIC.fullmatch(text):
        raise ValueError("write the 43 characters that `handclasp license new-keys` has shown")
    public = base64.urlsafe_b64decode(text + "=")
    if len(public) != KEY_BYTES or write_public(public) != text or not is_acceptable_key(public):
        raise ValueError("no key pair has this public key; copy the 43 characters again")
    return public


def _bytes(text: str) -> bytes:
    if len(text) > KEY_CHARACTERS_MAX:
        raise LicenseKeyError(f"A license key has at most {KEY_CHARACTERS_MAX} characters; paste the key alone.")
    letters = _BLANKS.sub("", text).lower()
    if not letters:
        raise LicenseKeyError("Paste the license key.")
    if not letters.startswith(PREFIX):
        raise LicenseKeyError(f"This is no license key: it begins with {PREFIX}. Paste the key alone.")
    letters = letters.removeprefix(PREFIX)
    if not _LETTERS.fullmatch(letters):
        raise LicenseKeyError("This license key is damaged: it holds characters that no key has. Copy it again.")
    try:
        signed = base64.b32decode(letters.upper() + "=" * (-len(letters) % 8))
    except binascii.Error:
        raise LicenseKeyError("This license key is damaged: characters are missing. Copy it again.") from None
    return signed


def _licensee(text: str) -> str:
    try:
        return check_name(text, what="licensee")
    except TextError as error:
        raise LicenseKeyError(error.sentence) from None
