"""What comes into the machine."""

from __future__ import annotations

import msgspec

from protocol.vocabulary import Statement


class Heard(msgspec.Struct, frozen=True, kw_only=True):
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


class Offer(msgspec.Struct, frozen=True, kw_only=True):
    """What a source offers with a new code."""

    serial: int
    expires_at: int
    addressee: bytes | None
    ask_me: bool


class Code(msgspec.Struct, frozen=True, kw_only=True):
    """What a destination keeps of a code that its admin pasted; the secret is already spent on the proof."""

    serial: int
    expires_at: int
    proof: bytes
