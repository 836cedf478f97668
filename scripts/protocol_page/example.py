"""The worked example: the shortest handshake, byte for byte, out of the vectors; node info and events as JSON."""

from __future__ import annotations

import asyncio
import json
import zlib
from typing import TYPE_CHECKING, Any

from node.delivery.events import presence_event, status_event, trace_event
from protocol import code_format
from protocol.code_format import PREFIX
from protocol.envelope import Head, Sealed, peek
from protocol.identity import INVITATION_DOMAIN, INVITATION_KEY_DOMAIN, MESSAGE_DOMAIN, PROOF_DOMAIN, fingerprint
from protocol.invitation import Invitation, read_code
from protocol.packing import pack, unpack

from scripts.vectors.handshakes import immediate
from scripts.vectors.material import ACME, AT, CONNECTION, GLOBEX, plain
from scripts.vectors.nodes import info_of
from scripts.vectors.telling import Story

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_HEX_WIDTH = 68
_FIELDS = (
    *Head.__struct_fields__,
    "serial", "revision", "phase", "enabled", "reason", "echo", "proof", "details",
)  # fmt: skip
_BYTES_MAX = 1 << 16


def node_info() -> str:
    """A node info, laid out."""
    return _json(info_of(ACME))


def events() -> str:
    """One event of each type."""
    at, topic_id = float(AT), "acme"
    event_id, session = "3a7b0f6e-0c4d-4d52-8b6d-5a0f7b1c9d2e", "9f1c2b3a-4d5e-4f60-8a7b-0c1d2e3f4a5b"
    presence = presence_event(event_id=event_id, at=at, node=topic_id, state="online", session=session)
    status = status_event(
        event_id=event_id,
        at=at,
        node=topic_id,
        connection=CONNECTION.hex(),
        role="source",
        seq=2,
        status="active",
        phase="active",
        reason=None,
        enabled_here=True,
        enabled_there=True,
        mode="script",
        revision=2,
        partner=fingerprint(GLOBEX.key),
        name="Incidents",
        local_short_name="ACME",
        remote_short_name="Globex",
    )
    trace = trace_event(
        event_id=event_id,
        at=at,
        node=topic_id,
        connection=CONNECTION.hex(),
        direction="received",
        kind="accept",
        phase="accepted",
        serial=AT,
        revision=1,
        echo_phase=None,
        answer=False,
        message="cd7c2c4f0f2a9d10",
        bytes=458,
    )
    return "\n\n".join(map(_json, (presence, status, trace)))


def handshake() -> str:
    """The whole story, with every byte named."""
    steps = asyncio.run(_steps())
    code = next(step["code"] for step in steps if step.get("act") == "accept")
    asked = next(step for step in steps if "asks" in step)
    heard = next(step for step in steps if "answer" in step)
    taken = steps[-1]
    return "\n\n".join(
        (
            "**The code.** ACME's admin initiates at 2026-01-01T00:00:00Z, for whoever has the code.",
            _block([code]),
            _block(_code_lines(code)),
            "**The question.** A minute later Globex's admin accepts. Its record is now",
            _block(_record_lines(next(step for step in steps if step.get("act") == "accept")["record"])),
            f"and it posts this envelope to `{ACME.node_url}/peer`:",
            _block(_envelope_lines(bytes.fromhex(asked["envelope"]))),
            f"**The answer.** ACME finds row {heard['row']} of the source's table; after the commit its record is",
            _block(_record_lines(heard["record"])),
            "and it answers 200 with this envelope:",
            _block(_envelope_lines(bytes.fromhex(heard["answer"]["envelope"]))),
            f"Globex finds row {taken['row']} of the destination's table. It is echoed, so it owes nothing:",
            _block(_record_lines(taken["record"])),
        )
    )


async def _steps() -> list[dict[str, Any]]:
    story = Story()
    try:
        await immediate(story)
    finally:
        story.close()
    return story.steps


def _code_lines(text: str) -> Iterator[str]:
    code = read_code(text)
    characters = text.removeprefix(PREFIX)
    head = code_format.decode_head(characters)
    parts = code_format.decode(characters, head) if head is not None else None
    if parts is None:
        raise AssertionError("the code of the story can't be read")
    yield from _named(parts.head[:1], "H: version of the format")
    yield from _named(parts.head[1:3], f"H: length of H, P and S: {int.from_bytes(parts.head[1:3], 'big')}")
    yield from _named(parts.head[3:], "H: CRC-16")
    fields = unpack(parts.packed, bytes_max=_BYTES_MAX)
    yield from _array(parts.packed, fields, Invitation.__struct_fields__, "P: ")
    yield from _named(parts.signature, "S: signature by the source")
    yield from _named(parts.seed, "K: seed")
    yield from _named(zlib.crc32(parts.public + parts.seed).to_bytes(4, "big"), "C: CRC-32 of H, P, S and K")
    yield ""
    yield "signed for S      = ASCII " + _domain(INVITATION_DOMAIN) + ", 00, H, P, and the invitation key:"
    yield from _named(code.key.public, "invitation key, public")
    yield (
        "its Ed25519 seed  = HMAC-SHA256(K, ASCII "
        + _domain(INVITATION_KEY_DOMAIN)
        + ", 00, connection, serial as u64)"
    )
    yield from _named(code.public_digest, "SHA-256 of H, P and S, for the proof")


def _envelope_lines(data: bytes) -> Iterator[str]:
    sealed = peek(data)
    body_at = data.index(sealed.body)
    yield from _named(data[:body_at], f"array of 2; binary of {len(sealed.body)} bytes: the body")
    yield from _array(sealed.body, sealed.fields, _FIELDS, "")
    yield from _named(data[body_at + len(sealed.body) : -len(sealed.signature)], "binary of 64 bytes: the signature")
    yield from _named(sealed.signature, "")
    yield ""
    yield "signed  = ASCII " + _domain(MESSAGE_DOMAIN) + ", 00, body"
    yield from _named(sealed.message_id, "SHA-256 of the body: the message's id")
    yield from _proof_lines(sealed)


def _proof_lines(sealed: Sealed) -> Iterator[str]:
    if sealed.fields[_FIELDS.index("proof")] is not None:
        yield (
            "proof   = by the invitation key over ASCII " + _domain(PROOF_DOMAIN) + ", 00, connection, serial as u64, "
            "source key, destination key, SHA-256 of H, P and S"
        )


def _array(packed: bytes, fields: object, names: Sequence[str], prefix: str) -> Iterator[str]:
    if not isinstance(fields, list):
        raise TypeError("an array is laid out")
    items = [pack(field) for field in fields]
    header = packed[: len(packed) - sum(map(len, items))]
    if header + b"".join(items) != packed:
        raise AssertionError("the bytes are not those of the fields")
    yield from _named(header, f"{prefix}array of {len(fields)}")
    for name, item, value in zip(names, items, fields, strict=True):
        yield from _named(item, f"{prefix}{name}{_shown(value)}")


def _shown(value: object) -> str:
    if isinstance(value, bytes):
        return ""
    if isinstance(value, list):
        return ": " + ", ".join("…" if isinstance(each, bytes) else json.dumps(each) for each in value)
    return f": {json.dumps(value)}"


def _named(data: bytes, name: str) -> Iterator[str]:
    text = data.hex()
    rows = [text[start : start + _HEX_WIDTH] for start in range(0, len(text), _HEX_WIDTH)]
    yield f"{rows[0]:<{_HEX_WIDTH}}  {name}".rstrip()
    yield from rows[1:]


def _record_lines(record: dict[str, Any]) -> Iterator[str]:
    for name, value in record.items():
        yield f"{name:<11}{json.dumps(plain(value))}"


def _domain(domain: bytes) -> str:
    return f'"{domain[:-1].decode()}"'


def _block(lines: Sequence[str] | Iterator[str]) -> str:
    return "\n".join(["```text", *lines, "```"])


def _json(data: bytes) -> str:
    return "```json\n" + json.dumps(json.loads(data), indent=2, ensure_ascii=False) + "\n```"
