"""The characters of an invitation code, and its checksums.

    handclasp_ b32(H ‖ P ‖ S) b32(K ‖ C)          RFC 4648 base32, lower case, no padding
    H   5 bytes: version u8 ‖ length u16 of H‖P‖S ‖ CRC-16 over "handclasp_" ‖ version ‖ length
    P   the packed invitation
    S   64 bytes: the source's signature
    K   16 bytes: the seed, the code's secret
    C   4 bytes: CRC-32 over H‖P‖S‖K

CRC-16 is CRC-16/CCITT-FALSE (polynomial 0x1021, initial value 0xFFFF, not reflected); CRC-32 is that of zlib.
H stands on exactly 8 characters and guards itself, so a cut code still tells how much of it is missing.
K ‖ C stands on exactly the last 32 characters: all of the code that is secret.
"""

from __future__ import annotations

import base64
import binascii
import re
import zlib
from dataclasses import dataclass, field
from typing import Final

from protocol.limits import SIGNATURE_BYTES
from protocol.seeds import SEED_BYTES

PREFIX: Final = "handclasp_"
CODE_VERSION: Final = 1
HEAD_CHARACTERS: Final = 8
SECRET_CHARACTERS: Final = 32

START: Final = "ae"
"""What every code of this version begins with behind the prefix: version 1, a length below 2^14."""

_BASE32: Final = re.compile("[a-z2-7]*")
_DIGITS: Final = str.maketrans("abcdefghijklmnopqrstuvwxyz234567", "0123456789abcdefghijklmnopqrstuv")
_CHARACTER_BITS = 5
_HEAD_BYTES = 5
_CRC_16_INITIAL = 0xFFFF


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """What the first 8 characters behind the prefix say: the format's version, the bytes of H‖P‖S."""

    version: int
    length: int

    @property
    def characters(self) -> int:
        """How many characters stand behind the prefix in the whole code."""
        return -(-self.length * 8 // 5) + SECRET_CHARACTERS


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """A code whose checksums are right; nothing of it is believed yet."""

    head: bytes
    packed: bytes
    signature: bytes
    seed: bytes = field(repr=False)

    @property
    def public(self) -> bytes:
        """H ‖ P ‖ S, the public part."""
        return self.head + self.packed + self.signature


def encode_head(packed: bytes) -> bytes:
    """H for this P; its length must fit, which the limits of an invitation see to."""
    length = _HEAD_BYTES + len(packed) + SIGNATURE_BYTES
    start = bytes((CODE_VERSION,)) + length.to_bytes(2, "big")
    return start + _crc_16(start)


def encode(parts: Parts) -> str:
    """The code, in lower case."""
    secret = parts.seed + zlib.crc32(parts.public + parts.seed).to_bytes(4, "big")
    return PREFIX + base32(parts.public) + base32(secret)


def decode_head(characters: str) -> Head | None:
    """H of the characters behind the prefix, or None if it is damaged or was never one."""
    head = _unbase32(characters[:HEAD_CHARACTERS])
    if head is None or len(head) != _HEAD_BYTES or head[3:] != _crc_16(head[:3]):
        return None
    version, length = head[0], int.from_bytes(head[1:3], "big")
    if version == 0 or length < _HEAD_BYTES + SIGNATURE_BYTES:
        return None
    return Head(version=version, length=length)


def decode(characters: str, head: Head) -> Parts | None:
    """The parts, if the characters suffice and the checksum is right; what stands behind is ignored."""
    cut = head.characters - SECRET_CHARACTERS
    public = _unbase32(characters[:cut])
    secret = _unbase32(characters[cut : head.characters])
    if public is None or secret is None:
        return None
    seed = secret[:SEED_BYTES]
    if len(public) != head.length or secret[SEED_BYTES:] != zlib.crc32(public + seed).to_bytes(4, "big"):
        return None
    return Parts(
        head=public[:_HEAD_BYTES],
        packed=public[_HEAD_BYTES:-SIGNATURE_BYTES],
        signature=public[-SIGNATURE_BYTES:],
        seed=seed,
    )


def base32(data: bytes) -> str:
    """RFC 4648 section 6, lower case, no padding."""
    return base64.b32encode(data).decode().rstrip("=").lower()


def _unbase32(characters: str) -> bytes | None:
    if not _BASE32.fullmatch(characters):
        return None
    # As one number in base 32: base64.b32decode goes through the characters one by one, in Python.
    unused_bits = len(characters) * 5 % 8
    number = int(f"0{characters.translate(_DIGITS)}", 32)
    # What is unused is zero, otherwise the last character could change unnoticed; and it is less than a character.
    if unused_bits >= _CHARACTER_BITS or number & ((1 << unused_bits) - 1):
        return None
    return (number >> unused_bits).to_bytes(len(characters) * 5 // 8, "big")


def _crc_16(start: bytes) -> bytes:
    return binascii.crc_hqx(PREFIX.encode() + start, _CRC_16_INITIAL).to_bytes(2, "big")
