"""What all vectors are made of: three nodes with known keys, one instant, and how values are written as JSON."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

import msgspec
from protocol.identity import SigningKey
from protocol.limits import CODE_LIFETIME_S_DEFAULT
from protocol.records import SourceRecord, status_of

if TYPE_CHECKING:
    from protocol.records import Record
    from protocol.vocabulary import Statement

AT = 1_767_225_600
"""2026-01-01T00:00:00Z: when every story begins, and the first serial of each connection."""

EXPIRES_AT = AT + CODE_LIFETIME_S_DEFAULT
SOFTWARE = "example 1.0"
CONNECTION = bytes.fromhex("c0ffee00c0ffee00c0ffee00c0ffee00")


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """A node of the vectors; none of its secrets is one."""

    name: str
    seed: bytes

    @property
    def signing_key(self) -> SigningKey:
        """The key pair of its seed."""
        return SigningKey(self.seed)

    @property
    def key(self) -> bytes:
        """Its public key."""
        return self.signing_key.public

    @property
    def node_id(self) -> bytes:
        """Its UUID: the first 16 bytes of its name's digest, marked as version 4."""
        digest = bytearray(hashlib.sha256(self.name.encode()).digest()[:16])
        digest[6], digest[8] = digest[6] & 0x0F | 0x40, digest[8] & 0x3F | 0x80
        return bytes(digest)

    @property
    def node_url(self) -> str:
        """Where partners reach it."""
        return f"https://{self.name.lower()}.example/handclasp"

    @property
    def instance_url(self) -> str:
        """Where people reach it."""
        return f"https://{self.name.lower()}.example"


ACME = Party(name="ACME", seed=bytes([0xA1]) * 32)
GLOBEX = Party(name="Globex", seed=bytes([0xB2]) * 32)
INITECH = Party(name="Initech", seed=bytes([0xC3]) * 32)
PARTIES = (ACME, GLOBEX, INITECH)


def plain(value: Any) -> Any:
    """As JSON: bytes in hexadecimal, words as themselves, structures by their fields' names."""
    match value:
        case bytes():
            return value.hex()
        case Enum():
            return value.value
        case msgspec.Struct():
            return {name: plain(getattr(value, name)) for name in value.__struct_fields__}
        case dict():
            return {key: plain(each) for key, each in value.items()}
        case list() | tuple():
            return [plain(each) for each in value]
    return value


def statement_view(statement: Statement) -> dict[str, Any]:
    """What a statement says; its details with the word that they begin with."""
    details = statement.details
    about = {} if details is None else {"about": details.__struct_config__.tag}
    return {
        "serial": statement.serial,
        **plain(statement.side),
        "echo": plain(statement.echo),
        "proof": plain(statement.proof),
        "details": None if details is None else about | plain(details),
    }


def record_view(record: Record | None) -> dict[str, Any] | None:
    """What a side keeps, by the names of the document's section on records."""
    if record is None:
        return None
    view: dict[str, Any] = {
        "serial": record.serial,
        "mine": plain(record.mine),
        "theirs": plain(record.theirs),
        "owed": record.owed,
        "expires_at": record.expires_at,
        "hidden": record.hidden,
    }
    if isinstance(record, SourceRecord):
        return view | {
            "partner": plain(record.partner),
            "addressee": plain(record.addressee),
            "ask_me": record.ask_me,
            "status": status_of(record).value,
        }
    return view | {"proof": plain(record.proof), "status": status_of(record).value}
