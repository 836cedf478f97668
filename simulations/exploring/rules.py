"""The rules of the worlds that are searched. `handshake.pml` is the same rules for spin, by the same numbers.

A *world* is one connection: the records of a source and of two destinations, A and B, everything that was said, and
what is left of the bounds. An *event* leads from one world to another.

1.  Codes are numbered from 1. The first offer is bound to A or to nobody, and asks the source's admin before it
    activates or not; a new code keeps both. Who may paste a code: both destinations, from when it is made.
2.  An *act* is one row of the admin tables, or the clock passing the expiry of the code that is pending. All acts
    together are bounded. One that changes nothing that matters here (hiding a closed connection) costs nothing.
3.  What a side stands for is said as soon as it stands, as the outbox and the resync would say it: by whoever owes
    it, and by everybody who is not closed and has a partner. A destination's partner is the source, always.
4.  Whatever was said stays said: it may be heard at any later time, any number of times, or never. This one rule is
    loss, delay, reordering, duplication, and a crash at any point: before the commit (not heard), and between the
    commit and the answer (heard, and the answer never arrives). What was committed is durable.
5.  A question that changes nothing where it is heard is answered at once. That loses no world: the answer might
    never be heard, and so being said rules nothing out. It saves most of the worlds that differ only in the mail.
6.  Whether a destination takes in an announcement (its setting, its caps, its own clock) is open at each hearing.
7.  With `restores`, the record of one side may be kept aside once, and be put back later, without that side noticing.
8.  With `liars`, B is no node but a liar: whatever is in `LIES` may be heard from it at any time, with a good proof
    from when the code is made, and the code may be bound to it. What is said to B is of no interest then.
9.  Not in it: cryptography (a proof is there, and good, or it is not there), details and texts, a second source,
    clones, and whether a record is hidden.

So a world is finite, and the number of worlds within bounds is a fact about the tables. Numbers are of different
worlds; two ways to the same world are one.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Final

from protocol.events import Code
from protocol.modes import Mode
from protocol.vocabulary import Echo, Phase, Preview, Reason, Role, Side, Statement

if TYPE_CHECKING:
    from collections.abc import Iterator

CODES_MAX: Final = 3
ACTS_MAX: Final = 9
RESTORES_MAX: Final = 1
LIARS_MAX: Final = 1


class Who(IntEnum):
    """The three nodes."""

    SOURCE = 0
    A = 1
    B = 2

    @property
    def role(self) -> Role:
        """What it is in the connection."""
        return Role.SOURCE if self is Who.SOURCE else Role.DESTINATION

    @property
    def key(self) -> bytes:
        """Its identity."""
        return bytes([self.value]) * 32

    def __str__(self) -> str:
        return "the source" if self is Who.SOURCE else self.name


DESTINATIONS: Final = (Who.A, Who.B)
BY_KEY: Final = {who.key: who for who in Who}
ADDRESSEES: Final = (None, Who.A)
"""Whom the first code may be bound to (rule 1). B instead of A would be the same worlds under other names."""

ADDRESSEES_AND_LIAR: Final = (*ADDRESSEES, Who.B)

PROOF: Final = b"good"

LIES: Final = tuple(
    (side, echo)
    for side in (
        Side(0, Phase.NONE),
        Side(1, Phase.ANNOUNCED),
        Side(1, Phase.ACCEPTED, enabled=True),
        Side(3, Phase.ACCEPTED),
        Side(2, Phase.CLOSED, reason=Reason.CANCELLED),
    )
    for echo in (None, Echo(1, Phase.PENDING, False), Echo(4, Phase.ACTIVE, True), Echo(5, Phase.CLOSED, False))  # noqa: FBT003 - as it stands on the wire
)
"""What a liar says (rule 8): every phase, an old and a new revision, and echoes that are true, wrong and too new."""


def lies(serials: range, *, proof: bytes | None) -> Iterator[Statement]:
    """All that a liar says about these codes."""
    for serial in serials:
        for side, echo in LIES:
            yield Statement(serial=serial, side=side, echo=echo, proof=proof)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """How far the search goes.

    Attributes:
        codes: how many codes the source can make.
        acts: how many acts there are in all (rule 2).
        restores: how many backups are put back (rule 7).
        liars: whether B is a liar (rule 8).
    """

    codes: int
    acts: int
    restores: int = 0
    liars: int = 0

    def __post_init__(self) -> None:
        """Check the limits; ValueError."""
        limits = {
            "codes": (1, CODES_MAX),
            "acts": (1, ACTS_MAX),
            "restores": (0, RESTORES_MAX),
            "liars": (0, LIARS_MAX),
        }
        for name, (least, most) in limits.items():
            if not least <= getattr(self, name) <= most:
                raise ValueError(f"{name} is {getattr(self, name)}: it goes from {least} to {most}")

    @property
    def nodes(self) -> tuple[Who, ...]:
        """Who is a node, and no liar."""
        return (Who.SOURCE, Who.A) if self.liars else (Who.SOURCE, Who.A, Who.B)


def expiry_of(serial: int) -> int:
    """When a code can no longer be taken: the world's clock shows the number of the newest one that is past it."""
    return serial


def pasted(serial: int) -> Code:
    """A code as a destination's admin pastes it."""
    return Code(serial=serial, expires_at=expiry_of(serial), proof=PROOF)


def preview(serial: int) -> Preview:
    """What a pending source tells of its offer; only the expiry matters."""
    return Preview("a_to_b", "a", "b", Mode.SCRIPT, None, expiry_of(serial))
