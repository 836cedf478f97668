"""The destination's conditions and effects, as `protocol.tables` names them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from protocol.limits import CLOCKS_APART_S_MAX, CODE_LIFETIME_S_MAX
from protocol.merging import closed, hear_echo, merge, merged, revision_past, settle, switched
from protocol.records import DestinationRecord
from protocol.tables import Condition, Effect
from protocol.vocabulary import Phase, Preview, Reason, Side, Statement

if TYPE_CHECKING:
    from protocol.events import Code, Heard

_AHEAD_S_MAX = CODE_LIFETIME_S_MAX + CLOCKS_APART_S_MAX


def holds(condition: Condition, record: DestinationRecord | None, heard: Heard, now: float) -> bool:  # noqa: ARG001 - one shape for both roles
    """Whether a condition of a statement row holds."""
    question_under_caps = not heard.is_answer and heard.announcement_allowed
    match condition:
        case Condition.ANSWER:
            return heard.is_answer
        case Condition.QUESTION_UNDER_CAPS:
            return question_under_caps
        case Condition.ANNOUNCEABLE:
            told = heard.statement.details
            return question_under_caps and isinstance(told, Preview) and now < told.expires_at <= now + _AHEAD_S_MAX
        case _:
            raise AssertionError(f"{condition} is no condition of the destination's statement table")


def allows(condition: Condition, record: DestinationRecord | None) -> bool:
    """Whether a condition of an act row holds."""
    theirs = record.theirs.phase if record is not None and record.theirs is not None else None
    facts = {
        Condition.ACCEPTING: theirs in {None, Phase.PENDING},
        Condition.NOT_YET_ACTIVE: theirs is not Phase.ACTIVE,
        Condition.BOTH_ACTIVE: theirs is Phase.ACTIVE,
        Condition.NOT_REMOVED: record is not None and not record.hidden,
    }
    return facts[condition]


def apply(effect: Effect, record: DestinationRecord | None, heard: Heard) -> DestinationRecord | None:
    """The record after a statement row."""
    statement = heard.statement
    match effect:
        case Effect.NOTHING:
            return record
        case Effect.ANNOUNCE:
            return _new(statement, Side(1, Phase.ANNOUNCED), expires_at=_expiry(statement))
        case Effect.ENTOMB:
            return _tombstone(record, statement, Reason.BY_PARTNER)
        case Effect.ENTOMB_RESTORED:
            return _tombstone(record, statement, Reason.RESTORED)
    if record is None:
        raise AssertionError("every other row of the destination's table has a record")
    match effect:
        case Effect.MERGE:
            return merge(record, statement)
        case Effect.MERGE_ECHO:
            return hear_echo(merge(record, statement), statement)
        case Effect.CLOSE_BY_PARTNER:
            return closed(merge(record, statement), Reason.BY_PARTNER, owed=False)
        case Effect.CLOSE_RESTORED:
            side = Side(revision_past(record, statement), Phase.CLOSED, reason=Reason.RESTORED)
            return replace(merge(record, statement), mine=side, owed=True)
        case Effect.SETTLE:
            return _settle_closed(record, statement)
        case _:
            raise AssertionError(f"{effect} is no effect of the destination's statement table")


def _new(statement: Statement, mine: Side, *, expires_at: int | None = None) -> DestinationRecord:
    """A record that replaces whatever there was. A tombstone's serial says until when its code could have lived."""
    return DestinationRecord(
        serial=statement.serial,
        mine=mine,
        theirs=statement.side,
        expires_at=statement.serial + CODE_LIFETIME_S_MAX if expires_at is None else expires_at,
    )


def _tombstone(record: DestinationRecord | None, statement: Statement, reason: Reason) -> DestinationRecord:
    """What came and went in the partner's word alone is shown only where something of it was shown before."""
    new = _new(statement, Side(1, Phase.CLOSED, reason=reason))
    return replace(new, hidden=record is None or record.hidden)


def _expiry(statement: Statement) -> int | None:
    return statement.details.expires_at if isinstance(statement.details, Preview) else None


def _settle_closed(record: DestinationRecord, statement: Statement) -> DestinationRecord:
    if statement.side.phase is Phase.CLOSED:
        record = replace(record, theirs=merged(record.theirs, statement.side))
    return settle(record, statement)


def perform(effect: Effect, record: DestinationRecord | None, code: Code | None) -> DestinationRecord | None:
    """The record after an act of the admin."""
    if effect in {Effect.ACCEPT, Effect.DECLINE_CODE}:
        if code is None:
            raise TypeError("accepting, and declining a code, come with the code")
        return _pasted(effect, code)
    if record is None:
        raise AssertionError("every other act of the destination has a record")
    match effect:
        case Effect.DECLINE:
            return closed(record, Reason.DECLINED, owed=True)
        case Effect.CANCEL:
            return closed(record, Reason.CANCELLED, owed=True)
        case Effect.SWITCH_ON | Effect.SWITCH_OFF:
            return switched(record, on=effect is Effect.SWITCH_ON)
        case Effect.REMOVE:
            return closed(record, Reason.REMOVED, owed=True)
        case Effect.HIDE:
            return replace(record, hidden=True)
        case Effect.FORGET_OWED:
            return replace(record, owed=False)
        case _:
            raise AssertionError(f"{effect} is no effect of the destination's admin table")


def _pasted(effect: Effect, code: Code) -> DestinationRecord:
    accepted = Side(1, Phase.ACCEPTED, enabled=True)
    declined = Side(1, Phase.CLOSED, reason=Reason.DECLINED)
    return DestinationRecord(
        serial=code.serial,
        mine=accepted if effect is Effect.ACCEPT else declined,
        owed=True,
        proof=code.proof,
        expires_at=code.expires_at,
    )
