"""What a node keeps of a connection: one record a side.

A source's record is found by the connection id; a destination's by the connection id and the source's key,
so that no stranger can speak into a record by naming its id.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TypeAlias

import msgspec

from protocol.vocabulary import Kind, Phase, Reason, Role, Side, Statement


class SourceRecord(msgspec.Struct, frozen=True, kw_only=True):
    """The initiating side's record.

    Attributes:
        serial: which invitation code is the living one.
        mine: this side.
        theirs: the partner's last merged statement, or none.
        partner: the partner's key; none until a code was taken (rows 6 and 7).
        owed: whether the partner or addressee has not echoed `mine` yet. This *is* the outbox.
        addressee: the key that the code is bound to, or none: whoever has the code.
        expires_at: until when the code may be taken, in Unix seconds, by this node's clock.
        ask_me: whether an accepted code waits for this admin's approval.
        hidden: removed from the admin's list; what is owed is owed, and a tombstone answers, all the same.
    """

    serial: int
    mine: Side
    theirs: Side | None = None
    partner: bytes | None = None
    owed: bool = False
    addressee: bytes | None = None
    expires_at: int
    ask_me: bool = False
    hidden: bool = False

    @property
    def recipient(self) -> bytes | None:
        """Whom this side speaks to, as far as anybody is known."""
        return self.partner or self.addressee


class DestinationRecord(msgspec.Struct, frozen=True, kw_only=True):
    """The accepting side's record; its partner is the source, from the start.

    Attributes:
        serial: which invitation code this is about.
        mine: this side.
        theirs: the source's last merged statement, or none.
        owed: whether the source has not echoed `mine` yet. This *is* the outbox.
        proof: made once from the code's secret, which is then dropped; none for a mere announcement.
        expires_at: what the code or announcement said, in Unix seconds; only the source judges by it.
        hidden: removed from the admin's list; what is owed is owed all the same, and the tombstone stays for good.
    """

    serial: int
    mine: Side
    theirs: Side | None = None
    owed: bool = False
    proof: bytes | None = None
    expires_at: int
    hidden: bool = False


Record: TypeAlias = SourceRecord | DestinationRecord


def role_of(record: Record) -> Role:
    """Which role this node has in the connection."""
    return Role.SOURCE if isinstance(record, SourceRecord) else Role.DESTINATION


def speak(record: Record) -> Statement:
    """My present statement: what I am, what I hold of the other, and the proof once there is one.

    The node adds the details (`Preview` or `Details`), which are its business and not the machine's.
    """
    return Statement(
        serial=record.serial,
        side=record.mine,
        echo=record.theirs.echo if record.theirs is not None else None,
        proof=record.proof if isinstance(record, DestinationRecord) else None,
    )


def kind_of(record: Record) -> Kind:
    """The kind of the question that carries `speak(record)`; every answer is a `status`."""
    if record.mine.phase is Phase.PENDING:
        return Kind.INITIATE
    decided = record.theirs is not None and record.theirs.phase in {Phase.ACTIVE, Phase.CLOSED}
    if record.mine.phase is Phase.ACCEPTED and not decided:
        return Kind.ACCEPT
    return Kind.STATUS


class Status(StrEnum):
    """What an admin is shown and what is broadcast."""

    PENDING = "pending"
    INVITED = "invited"
    ACCEPTING = "accepting"
    AWAITING_APPROVAL = "awaiting-approval"
    ACTIVE = "active"
    DEACTIVATED_HERE = "deactivated-here"
    DEACTIVATED_THERE = "deactivated-there"
    DEACTIVATED_BOTH = "deactivated-both"
    CLOSED = "closed"


def status_of(record: Record) -> Status:
    """The shown status (protocol section 4, "Shown status")."""
    mine, theirs = record.mine, record.theirs
    match mine.phase:
        case Phase.CLOSED:
            return Status.CLOSED
        case Phase.PENDING:
            return Status.PENDING
        case Phase.ANNOUNCED:
            return Status.INVITED
        case Phase.AWAITING:
            return Status.AWAITING_APPROVAL
        case Phase.ACCEPTED if theirs is None or theirs.phase is Phase.PENDING:
            return Status.ACCEPTING
        case Phase.ACCEPTED if theirs is not None and theirs.phase is Phase.AWAITING:
            return Status.AWAITING_APPROVAL
        case _:
            return _switches(mine.enabled, theirs is None or theirs.enabled)


def _switches(here: bool, there: bool) -> Status:  # noqa: FBT001 - two switches, named by place
    match here, there:
        case True, True:
            return Status.ACTIVE
        case False, True:
            return Status.DEACTIVATED_HERE
        case True, False:
            return Status.DEACTIVATED_THERE
        case _:
            return Status.DEACTIVATED_BOTH


def reason_of(record: Record) -> Reason | None:
    """Why the connection is closed, as far as this node knows: the partner's own reason where it closed."""
    if record.mine.reason is Reason.BY_PARTNER and record.theirs is not None and record.theirs.reason:
        return record.theirs.reason
    return record.mine.reason
