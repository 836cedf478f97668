"""What comes into the machine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from protocol.vocabulary import Statement


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """A verified statement from the other side.

    Attributes:
        sender: the key that signed it.
        statement: what it says.
        is_answer: whether it answers a question of mine; then it is itself not answered.
        proof_good: at the source: the proof is by the invitation key of the record's code and for this sender.
        announcement_allowed: at the destination: the setting and the caps let one more announcement in.
    """

    sender: bytes
    statement: Statement
    is_answer: bool
    proof_good: bool = False
    announcement_allowed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What a source offers with a new code."""

    serial: int
    expires_at: int
    addressee: bytes | None
    ask_me: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """What a destination keeps of a code that its admin pasted; the secret is already spent on the proof."""

    serial: int
    expires_at: int
    proof: bytes
