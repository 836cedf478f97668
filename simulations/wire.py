"""What stands in an envelope, read by position and believed in nothing: the simulation looks over nodes' shoulders.

It is read by hand, not by `protocol.envelope`, so that a fault of that module can't hide itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any, NamedTuple

import msgpack  # type: ignore[import-untyped]  # it ships no types

if TYPE_CHECKING:
    from typing import Self


class Mark(NamedTuple):
    """A side as an echo says it."""

    revision: int
    phase: str
    enabled: bool


@dataclass(frozen=True, slots=True)
class Said:
    """One message: who says what of which connection to whom."""

    message: bytes
    kind: str
    role: str
    sender: bytes
    recipient: bytes
    connection: bytes
    question: bytes | None
    serial: int
    mine: Mark
    reason: str | None
    echo: Mark | None
    has_proof: bool

    @classmethod
    def read(cls, envelope: bytes) -> Self | None:
        """What an envelope says; None if it is none."""
        try:
            body, _signature = msgpack.unpackb(envelope)
            fields: list[Any] = msgpack.unpackb(body)
            _version, kind, role, sender, recipient, connection, _time_ms, question = fields[:8]
            serial, revision, phase, enabled, reason, echo, proof = fields[8:15]
            return cls(
                message=sha256(body).digest(),
                kind=kind,
                role=role,
                sender=sender,
                recipient=recipient,
                connection=connection,
                question=question,
                serial=serial,
                mine=Mark(revision, phase, enabled),
                reason=reason,
                echo=None if echo is None else Mark(*echo),
                has_proof=proof is not None,
            )
        except (ValueError, TypeError, msgpack.UnpackException):
            return None
