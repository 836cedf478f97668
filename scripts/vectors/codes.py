"""codes.json: codes as they are written, and texts with what a reader finds in each."""

from __future__ import annotations

import binascii
from typing import Any

import msgspec
from protocol import code_format
from protocol.code_format import Parts
from protocol.errors import CodeError
from protocol.identity import INVITATION_DOMAIN, SigningKey, addressee
from protocol.invitation import Composed, Invitation, compose_code, invitation_key, read_code
from protocol.modes import Mode
from protocol.packing import pack

from scripts.vectors.keys import CODE_SEED
from scripts.vectors.material import ACME, AT, CONNECTION, EXPIRES_AT, GLOBEX, INITECH, plain

INVITATION = Invitation(
    connection=CONNECTION,
    serial=AT,
    source_id=ACME.node_id,
    source_key=ACME.key,
    node_url=ACME.node_url,
    mode=Mode.SCRIPT,
    name="Incidents",
    source_short_name="ACME",
    destination_short_name="Globex",
    expires_at=EXPIRES_AT,
    bound=None,
    versions=(1,),
)
BOUND = msgspec.structs.replace(INVITATION, bound=addressee(GLOBEX.key))
OTHER = msgspec.structs.replace(INVITATION, connection=bytes(range(16)), name="Problems – Störungen")
NEWER = msgspec.structs.replace(INVITATION, serial=AT + 1)


def codes() -> dict[str, Any]:
    """The whole file."""
    return {
        "written": [
            _written("unbound", INVITATION),
            _written("bound to Globex", BOUND),
            _written("texts beyond ASCII", OTHER),
        ],
        "read": [{"what": what, "text": text, **_outcome(text)} for what, text in _texts()],
    }


def _written(what: str, invitation: Invitation) -> dict[str, Any]:
    made = compose_code(invitation, ACME.signing_key, CODE_SEED)
    head = code_format.encode_head(made.packed)
    key = invitation_key(CODE_SEED, invitation.connection, invitation.serial)
    signature = ACME.signing_key.sign(INVITATION_DOMAIN, head + made.packed + key.public)
    return {
        "what": what,
        "invitation": plain(invitation),
        "source_seed": ACME.seed.hex(),
        "code_seed": CODE_SEED.hex(),
        "head": head.hex(),
        "packed": made.packed.hex(),
        "signature": signature.hex(),
        "invitation_key": made.invitation_key.hex(),
        "public_digest": made.public_digest.hex(),
        "code": made.text,
    }


def _outcome(text: str) -> dict[str, Any]:
    try:
        code = read_code(text)
    except CodeError as error:
        return {"outcome": error.outcome.value, "missing_count": error.missing_count}
    return {
        "outcome": "good",
        "invitation": plain(code.invitation),
        "public_digest": code.public_digest.hex(),
        "code_seed": code.seed.hex(),
    }


def _texts() -> list[tuple[str, str]]:
    code = _code(INVITATION).text
    return [
        ("as it was written", code),
        ("in upper case", code.upper()),
        ("with blanks around it", f"  {code}\n"),
        ("broken into lines by an e-mail", "\n".join(code[start : start + 60] for start in range(0, len(code), 60))),
        ("quoted in an answer", "\n".join(f"> {code[start : start + 64]}" for start in range(0, len(code), 64))),
        ("in a whole e-mail", f"Dear colleague,\n\nplease accept this:\n\n{code}\n\nBest regards\n"),
        ("with soft hyphens and zero-width blanks", code[:50] + "\u00ad" + code[50:99] + "\u200b" + code[99:]),
        ("in HTML", f"<p>Please accept<br><code>{code[:80]}<wbr>{code[80:]}</code></p>"),
        ("an older and a newer code of one connection", f"{code}\n\n{_code(NEWER).text}\n"),
        ("nothing", ""),
        ("a text without a code", "Dear colleague, the code follows tomorrow."),
        ("a text that only mentions the prefix", "A code begins with handclasp_ and is long."),
        ("codes of two connections", f"{code}\n\n{_code(OTHER).text}\n"),
        ("another version of the format", _other_version()),
        ("a mode that this version does not know", _signed(mode="telepathy")),
        ("a source that speaks version 2 only", _signed(versions=[2])),
        ("the last character is missing", code[:-1]),
        ("the last 40 characters are missing", code[:-40]),
        ("cut off in the head", code[:15]),
        ("one character of the packed part changed", _changed(code, 100)),
        ("one character of the secret changed", _changed(code, len(code) - 20)),
        ("two neighbours swapped", _swapped(code, 20)),
        ("one character of the head changed", _changed(code, 12)),
        ("the name edited and all checksums repaired", _repaired(name="Incidents!")),
        ("another seed and the checksum repaired", _reseeded()),
        ("signed by another key than it names", _signed(key=INITECH.seed)),
        ("no expiry that a source gives", _signed(expires_at=AT + 31 * 86_400)),
        ("a name with a character that turns the direction", _signed(name="Inci\u202edents")),
        ("a node URL with a password", _signed(node_url="https://a:b@acme.example")),
        ("a field is missing", _signed(versions=...)),
    ]


def _code(invitation: Invitation) -> Composed:
    return compose_code(invitation, ACME.signing_key, CODE_SEED)


def _fields(**changes: object) -> list[object]:
    fields = msgspec.structs.asdict(INVITATION) | changes
    return [value for value in fields.values() if value is not ...]


def _signed(*, key: bytes = ACME.seed, **changes: object) -> str:
    """A code with these fields, with good checksums and a signature by that key, whatever the fields say."""
    packed = pack(_fields(**changes))
    head = code_format.encode_head(packed)
    invited = invitation_key(CODE_SEED, INVITATION.connection, INVITATION.serial)
    signature = SigningKey(key).sign(INVITATION_DOMAIN, head + packed + invited.public)
    return code_format.encode(Parts(head=head, packed=packed, signature=signature, seed=CODE_SEED))


def _repaired(**changes: object) -> str:
    packed = pack(_fields(**changes))
    signature = _parts().signature
    return code_format.encode(
        Parts(head=code_format.encode_head(packed), packed=packed, signature=signature, seed=CODE_SEED)
    )


def _reseeded() -> str:
    parts = _parts()
    return code_format.encode(
        Parts(head=parts.head, packed=parts.packed, signature=parts.signature, seed=b"another sixteen.")
    )


def _parts() -> Parts:
    characters = _code(INVITATION).text.removeprefix(code_format.PREFIX)
    head = code_format.decode_head(characters)
    parts = code_format.decode(characters, head) if head is not None else None
    if parts is None:
        raise AssertionError("the code that was just written can't be read")
    return parts


def _other_version() -> str:
    start = bytes((2, 0, 200))
    check = binascii.crc_hqx(code_format.PREFIX.encode() + start, 0xFFFF).to_bytes(2, "big")
    return code_format.PREFIX + code_format.base32(start + check + bytes(195)) + "a" * code_format.SECRET_CHARACTERS


def _changed(code: str, place: int) -> str:
    return code[:place] + ("a" if code[place] != "a" else "b") + code[place + 1 :]


def _swapped(code: str, place: int) -> str:
    while code[place] == code[place + 1]:
        place += 1
    return code[:place] + code[place + 1] + code[place] + code[place + 2 :]
