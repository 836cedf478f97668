"""The source's conditions and effects, as `protocol.tables` names them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from protocol.merging import closed, hear_echo, merge, merged, revision_past, settle, switched
from protocol.records import SourceRecord
from protocol.tables import Condition, Effect
from protocol.vocabulary import Phase, Reason, Side

if TYPE_CHECKING:
    from protocol.events import Heard, Offer

_REISSUABLE = frozenset({Reason.EXPIRED, Reason.RESTORED})


def holds(condition: Condition, record: SourceRecord | None, heard: Heard, now: float) -> bool:
    """Whether a condition of a statement row holds. Rows ask for a record's facts only where there is one."""
    if condition is Condition.ANSWER or record is None:
        return heard.is_answer
    facts = {
        Condition.STRANGER: heard.sender not in {record.partner, record.addressee} and not heard.proof_good,
        Condition.EXPIRED: now >= record.expires_at,
        Condition.OTHER_ADDRESSEE: record.addressee not in {None, heard.sender},
        Condition.PROOF_GOOD: heard.proof_good,
        Condition.PROOF_GOOD_OR_ADDRESSEE: heard.proof_good or heard.sender == record.addressee,
        Condition.NO_PARTNER: record.partner is None,
        Condition.OTHER_PARTNER: record.partner != heard.sender,
    }
    return facts[condition]


def allows(condition: Condition, record: SourceRecord | None, now: float) -> bool:
    """Whether a condition of an act row holds."""
    if record is None:
        return False
    facts = {
        Condition.EXPIRED: now >= record.expires_at,
        Condition.REISSUABLE: record.partner is None and record.mine.reason in _REISSUABLE,
        Condition.PARTNER_ACCEPTED: record.theirs is not None and record.theirs.phase is Phase.ACCEPTED,
        Condition.NOT_REMOVED: not record.hidden,
    }
    return facts[condition]


def apply(effect: Effect, record: SourceRecord | None, heard: Heard) -> SourceRecord | None:
    """The record after a statement row."""
    if effect in {Effect.NOTHING, Effect.NOTICE}:
        return record
    if record is None:
        raise AssertionError("every other row of the source's table has a record")
    statement, from_addressee = heard.statement, heard.sender == record.addressee
    match effect:
        case Effect.EXPIRE:
            return closed(record, Reason.EXPIRED, owed=record.addressee is not None)
        case Effect.TAKE:
            return _take(record, heard)
        case Effect.TAKE_CLOSED:
            taken = replace(record, partner=heard.sender, theirs=statement.side)
            return closed(taken, Reason.BY_PARTNER, owed=False)
        case Effect.SETTLE_ANNOUNCED:
            echoed = from_addressee and statement.echo == record.mine.echo
            return replace(record, owed=False) if echoed else record
        case Effect.SETTLE_UNTAKEN:
            return settle(record, statement) if from_addressee else record
        case Effect.CLOSE_BY_PARTNER:
            return closed(merge(record, statement), Reason.BY_PARTNER, owed=False)
        case Effect.MERGE_ECHO:
            return hear_echo(merge(record, statement), statement)
        case Effect.ECHO:
            return hear_echo(record, statement)
        case Effect.SETTLE:
            return _settle_closed(record, heard)
        case _:
            raise AssertionError(f"{effect} is no effect of the source's statement table")


def _take(record: SourceRecord, heard: Heard) -> SourceRecord:
    """Row 6: the one conditional write that makes the sender the partner."""
    phase = Phase.AWAITING if record.ask_me else Phase.ACTIVE
    return replace(
        record,
        partner=heard.sender,
        theirs=heard.statement.side,
        mine=Side(revision_past(record, heard.statement), phase, enabled=True),
        owed=False,
    )


def _settle_closed(record: SourceRecord, heard: Heard) -> SourceRecord:
    said = heard.statement.side
    if said.phase is Phase.CLOSED:
        record = replace(record, theirs=merged(record.theirs, said))
    return settle(record, heard.statement)


def perform(effect: Effect, record: SourceRecord | None, offer: Offer | None) -> SourceRecord | None:
    """The record after an act of the admin or a timer."""
    if effect in {Effect.INITIATE, Effect.REISSUE}:
        if offer is None:
            raise TypeError("an initiation and a new code come with an offer")
        return _offered(offer)
    if record is None:
        raise AssertionError("every other act of the source has a record")
    known = record.addressee is not None
    match effect:
        case Effect.WITHDRAW:
            return closed(record, Reason.WITHDRAWN, owed=known)
        case Effect.EXPIRE_NOW:
            return closed(record, Reason.EXPIRED, owed=known)
        case Effect.RESTORE:
            return closed(record, Reason.RESTORED, owed=known)
        case Effect.APPROVE:
            mine = Side(record.mine.revision + 1, Phase.ACTIVE, record.mine.enabled)
            return replace(record, mine=mine, owed=True)
        case Effect.REFUSE:
            return closed(record, Reason.REFUSED, owed=True)
        case Effect.SWITCH_ON | Effect.SWITCH_OFF:
            return switched(record, on=effect is Effect.SWITCH_ON)
        case Effect.REMOVE:
            return closed(record, Reason.REMOVED, owed=True)
        case Effect.HIDE:
            return replace(record, hidden=True)
        case Effect.FORGET_RECORD:
            return None
        case _:
            raise AssertionError(f"{effect} is no effect of the source's admin table")


def _offered(offer: Offer) -> SourceRecord:
    return SourceRecord(
        serial=offer.serial,
        mine=Side(1, Phase.PENDING),
        owed=offer.addressee is not None,
        addressee=offer.addressee,
        expires_at=offer.expires_at,
        ask_me=offer.ask_me,
    )
