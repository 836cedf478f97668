"""The words of the protocol: roles, phases, reasons, and what one side says of itself.

A *statement* says what its sender's own side is (`side`) and what it holds of the recipient's (`echo`).
There are no commands on the wire: a later statement contains every earlier one, so loss, repetition,
reordering and restarts need no special case.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

from protocol.modes import Mode


class Role(StrEnum):
    """The two fixed roles in a connection: the source initiates, the destination accepts."""

    SOURCE = "source"
    DESTINATION = "destination"

    @property
    def other(self) -> Role:
        """The role of the partner."""
        return Role.DESTINATION if self is Role.SOURCE else Role.SOURCE


class Kind(StrEnum):
    """What a message is for; every answer is a `status`."""

    INITIATE = "initiate"
    ACCEPT = "accept"
    STATUS = "status"


class Phase(StrEnum):
    """How far one side is. Source: pending < awaiting < active < closed. Destination: announced < accepted < closed.

    `none` stands on the wire only: the destination has no record. `closed` is final for its serial.
    """

    NONE = "none"
    PENDING = "pending"
    AWAITING = "awaiting"
    ACTIVE = "active"
    ANNOUNCED = "announced"
    ACCEPTED = "accepted"
    CLOSED = "closed"


PHASES_SAID: dict[Role, frozenset[Phase]] = {
    Role.SOURCE: frozenset({Phase.PENDING, Phase.AWAITING, Phase.ACTIVE, Phase.CLOSED}),
    Role.DESTINATION: frozenset({Phase.NONE, Phase.ANNOUNCED, Phase.ACCEPTED, Phase.CLOSED}),
}
"""Which phases a role may state; any other is malformed."""

PHASES_SWITCHED_ON: frozenset[Phase] = frozenset({Phase.AWAITING, Phase.ACTIVE, Phase.ACCEPTED})
"""The phases in which a side's switch may be on."""


class Reason(StrEnum):
    """Why a side is closed. The last five are computed for the asker and never stored as one's own."""

    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"
    REFUSED = "refused"
    DECLINED = "declined"
    CANCELLED = "cancelled"
    REMOVED = "removed"
    BY_PARTNER = "by-partner"
    RESTORED = "restored"
    USED = "used"
    REPLACED = "replaced"
    NOT_FOR_YOU = "not-for-you"
    BAD_PROOF = "bad-proof"
    UNKNOWN = "unknown"


class Echo(msgspec.Struct, frozen=True, array_like=True):
    """What a sender holds of the recipient's side."""

    revision: int
    phase: Phase
    enabled: bool


class Side(msgspec.Struct, frozen=True):
    """What one side is; its revision grows by one with every change.

    `enabled` is that side's own switch; `reason` is there when, and only when, the phase is closed.
    """

    revision: int
    phase: Phase
    enabled: bool = False
    reason: Reason | None = None

    @property
    def echo(self) -> Echo:
        """This side as the other one says it back."""
        return Echo(self.revision, self.phase, self.enabled)


class Preview(msgspec.Struct, frozen=True, array_like=True, tag="preview", tag_field="about"):
    """What a pending source tells of the connection that it offers (details of `initiate`)."""

    name: str
    source_short_name: str
    destination_short_name: str
    mode: Mode
    node_url: str | None
    expires_at: int


class Details(msgspec.Struct, frozen=True, array_like=True, tag="details", tag_field="about"):
    """What an accepted destination tells of itself and of the names that it uses."""

    node_id: bytes
    node_name: str
    instance_url: str | None
    node_url: str | None
    name: str
    source_short_name: str
    destination_short_name: str
    software: str


class Statement(msgspec.Struct, frozen=True, kw_only=True):
    """One side's whole word on a connection, for one serial (which code)."""

    serial: int
    side: Side
    echo: Echo | None = None
    proof: bytes | None = None
    details: Preview | Details | None = None


def computed_closed(serial: int, reason: Reason) -> Statement:
    """A closed that is computed for the asker: revision 0, no echo, nothing of any record in it."""
    return Statement(serial=serial, side=Side(0, Phase.CLOSED, reason=reason))
