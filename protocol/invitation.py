"""The invitation code: what one admin hands to another so that two nodes connect.

`write_code` and `read_code` are inverse. A code is read in steps, each with its own outcome: found in the
text, checksums, signature of the source, meaning. The format is told in `protocol.code_format`.
"""

import hashlib
from dataclasses import dataclass, field
from typing import Final

from protocol import code_format
from protocol.code_format import PREFIX, Parts
from protocol.code_outcomes import CodeOutcome
from protocol.code_search import Candidate, candidates, views
from protocol.errors import CodeError, LocalProtocolError, RemoteProtocolError
from protocol.identity import INVITATION_DOMAIN, SigningKey, is_acceptable_key, verify
from protocol.invitation_content import Invitation, Origin, fields_of, pack_invitation, unpack_invitation
from protocol.limits import PROTOCOL_VERSION
from protocol.modes import Mode
from protocol.packing import convert_fields
from protocol.seeds import SEED_BYTES, invitation_key, seed_of

__all__ = [
    "Code",
    "Composed",
    "Invitation",
    "compose_code",
    "invitation_key",
    "pack_invitation",
    "read_code",
    "seed_of",
    "unpack_invitation",
    "write_code",
]

_MODE_POSITION = Invitation.__struct_fields__.index("mode")
_MODES = frozenset(Mode)
_PLAUSIBLE_CHARACTERS = 200
"""Fewer than any code has: behind a damaged head they are words of the text that mention the prefix."""

_WORST_FIRST: Final = (
    CodeOutcome.FORGED,
    CodeOutcome.NEWER_VERSION,
    CodeOutcome.MISTYPED,
    CodeOutcome.TRUNCATED,
    CodeOutcome.NOT_A_CODE,
)
"""Which outcome is told when a text holds several beginnings of codes and none is good."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """A code that was read: checksums, signature and texts are good; if it still works, the source knows.

    Attributes:
        public_digest: SHA-256 of the public part (H ‖ P ‖ S of `protocol.code_format`); proofs cover it.
        seed: the secret; not shown.
        key: the invitation key pair that is made of it, for the proof.
    """

    invitation: Invitation
    public_digest: bytes
    seed: bytes = field(repr=False)
    key: SigningKey = field(repr=False, compare=False)

    @property
    def label(self) -> str:
        """What logs call the code: the prefix and 8 characters of the public digest.

        Not the code's own first 8: they hold its length only and are alike in most codes.
        """
        return PREFIX + code_format.base32(self.public_digest)[:8]


@dataclass(frozen=True, slots=True, kw_only=True)
class Composed:
    """A code as its source makes it, and what the source keeps of it.

    Attributes:
        text: the whole code; not shown.
        packed: the packed invitation.
        invitation_key: the public key that proofs of it are made by.
        public_digest: see `Code`.
    """

    text: str = field(repr=False)
    packed: bytes
    invitation_key: bytes
    public_digest: bytes


def compose_code(invitation: Invitation, source: SigningKey, seed: bytes) -> Composed:
    """The code that hands over the invitation, signed by the source; the same for the same input.

    Raises:
        TextError: a name or the URL is not taken.
        LocalProtocolError: another field is out of its limits, or names another key than `source`.
    """
    if invitation.source_key != source.public or len(seed) != SEED_BYTES:
        raise LocalProtocolError("A code is signed by the key that its invitation names, and its seed has 16 bytes.")
    packed = pack_invitation(invitation)
    head = code_format.encode_head(packed)
    public_key = invitation_key(seed, invitation.connection, invitation.serial).public
    signature = source.sign(INVITATION_DOMAIN, head + packed + public_key)
    parts = Parts(head=head, packed=packed, signature=signature, seed=seed)
    return Composed(
        text=code_format.encode(parts),
        packed=packed,
        invitation_key=public_key,
        public_digest=hashlib.sha256(parts.public).digest(),
    )


def write_code(invitation: Invitation, source: SigningKey, seed: bytes) -> str:
    """The text of `compose_code`, which see."""
    return compose_code(invitation, source, seed).text


def read_code(text: str) -> Code:
    """Find and read the invitation code in a text, which may be a whole e-mail (see `protocol.code_search`).

    Of several codes of one connection the newest is taken. What a genuine source would not have put in (a
    text beyond its limits, a key that no honest node has) is `forged`.

    Raises:
        CodeError: with its outcome; no other error comes out.
    """
    errors: list[CodeError] = []
    for view in views(text):
        codes: list[Code] = []
        told: list[CodeError] = []
        for candidate in candidates(view):
            try:
                codes.append(_read(candidate))
            except CodeError as error:
                told.append(error)
        if codes:
            return _newest(codes)
        errors = told or errors
    if not errors:
        raise CodeError(CodeOutcome.NOT_A_CODE)
    raise min(errors, key=lambda error: (_WORST_FIRST.index(error.outcome), error.missing_count is None))


def _newest(codes: list[Code]) -> Code:
    connections = {(code.invitation.connection, code.invitation.source_key) for code in codes}
    newest = max(codes, key=lambda code: code.invitation.serial)
    same_serial = {code.public_digest for code in codes if code.invitation.serial == newest.invitation.serial}
    if len(connections) > 1 or len(same_serial) > 1:
        raise CodeError(CodeOutcome.SEVERAL_CODES)
    return newest


def _read(candidate: Candidate) -> Code:
    characters = candidate.characters
    head = code_format.decode_head(characters)
    if head is None:
        if candidate.visible_count >= _PLAUSIBLE_CHARACTERS:
            raise CodeError(CodeOutcome.MISTYPED)
        is_start = code_format.START.startswith(characters[: len(code_format.START)])
        raise CodeError(CodeOutcome.TRUNCATED if is_start else CodeOutcome.NOT_A_CODE)
    if head.version > code_format.CODE_VERSION:
        raise CodeError(CodeOutcome.NEWER_VERSION)
    parts = code_format.decode(characters, head)
    if parts is None:
        missing_count = head.characters - candidate.visible_count
        if missing_count > 0:
            raise CodeError(CodeOutcome.TRUNCATED, missing_count=missing_count)
        raise CodeError(CodeOutcome.MISTYPED)
    return _open(parts)


def _open(parts: Parts) -> Code:
    try:
        invitation, key = _verified(parts)
    except RemoteProtocolError:
        raise CodeError(CodeOutcome.FORGED) from None
    digest = hashlib.sha256(parts.public).digest()
    return Code(invitation=invitation, public_digest=digest, seed=parts.seed, key=key)


def _verified(parts: Parts) -> tuple[Invitation, SigningKey]:
    fields = fields_of(parts.packed)
    origin = convert_fields(fields, Origin)
    key = invitation_key(parts.seed, origin.connection, origin.serial)
    signed = parts.head + parts.packed + key.public
    if not (
        is_acceptable_key(origin.source_key) and verify(origin.source_key, INVITATION_DOMAIN, signed, parts.signature)
    ):
        raise CodeError(CodeOutcome.FORGED)
    # Only a later version's source signs a mode that is unknown here, or speaks no version that is known.
    mode = fields[_MODE_POSITION] if len(fields) > _MODE_POSITION else None
    if isinstance(mode, str) and mode not in _MODES:
        raise CodeError(CodeOutcome.NEWER_VERSION)
    invitation = unpack_invitation(parts.packed)
    if PROTOCOL_VERSION not in invitation.versions:
        raise CodeError(CodeOutcome.NEWER_VERSION)
    return invitation, key
