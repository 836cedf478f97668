"""The machine: (record, event, now) → (record, effects, answer), with no clock, no dice and no log.

`hear` takes a statement from the other side, `act` takes an act of this side's admin or timer. Both look the row
up in `protocol.tables` and carry it out; the rules themselves stand there and nowhere else.

    step = hear(role, record, heard, now=now)
    store step.record if it differs, then send step.answer

The caller must commit before it lets the answer leave, and must give `record` as it is stored at that moment.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

import msgspec

from protocol import destination, source
from protocol.errors import LocalProtocolError
from protocol.records import DestinationRecord, Record, SourceRecord, speak, status_of
from protocol.tables import (
    DESTINATION_ACTS,
    DESTINATION_HEARS,
    SOURCE_ACTS,
    SOURCE_HEARS,
    Act,
    Condition,
    Effect,
    Reply,
    Serial,
    State,
)
from protocol.vocabulary import Details, Phase, Reason, Role, Side, Statement, computed_closed

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from protocol.events import Code, Heard, Offer
    from protocol.tables import ActRow, StatementRow


class Notice(Enum):
    """What the admin should be told beside the change itself."""

    OTHER_HOLDER = "another key holds a valid code"
    OLDER_DATA = "this side's data are older than what it once said"


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """What came of an event.

    Attributes:
        row: the number of the row that fired (of an act: its name).
        effect: what the row did.
        record: the record as it must now be stored; none when there is none (any more).
        answer: what is said back; none when the event was an answer or an act.
        details: the partner's details to keep, when it told any that count.
        notice: what the admin should be told.
    """

    row: str
    effect: Effect
    record: Record | None
    answer: Statement | None = None
    details: Details | None = None
    notice: Notice | None = None


_REPLIES: dict[Reply, Reason] = {
    Reply.UNKNOWN: Reason.UNKNOWN,
    Reply.REPLACED: Reason.REPLACED,
    Reply.BAD_PROOF: Reason.BAD_PROOF,
    Reply.NOT_FOR_YOU: Reason.NOT_FOR_YOU,
    Reply.USED: Reason.USED,
}


def state_of(record: Record | None) -> State:
    """The state under which the tables know a record."""
    return State.NO_RECORD if record is None else State(record.mine.phase.value)


def serial_relation(serial: int, record: Record | None) -> Serial:
    """A statement's or code's serial against the record's; without a record the rows do not ask."""
    if record is None or serial == record.serial:
        return Serial.SAME
    return Serial.OLDER if serial < record.serial else Serial.NEWER


def find_statement_row(
    role: Role, state: State, serial: Serial, phase: Phase, holds: Callable[[Condition], bool]
) -> StatementRow:
    """The first row that matches; the tables are total, so there is one."""
    table = SOURCE_HEARS if role is Role.SOURCE else DESTINATION_HEARS
    return next(
        row
        for row in table
        if state in row.state and serial in row.serial and phase in row.phase and all(map(holds, row.when))
    )


def find_act_row(
    role: Role, act: Act, state: State, serial: Serial, holds: Callable[[Condition], bool]
) -> ActRow | None:
    """The row that allows an act now, if there is one."""
    table: Sequence[ActRow] = SOURCE_ACTS if role is Role.SOURCE else DESTINATION_ACTS
    for row in table:
        if row.act is act and state in row.state and serial in row.serial and all(map(holds, row.when)):
            return row
    return None


def hear(role: Role, record: Record | None, heard: Heard, *, now: float) -> Step:
    """What a statement from the partner's role does; `role` is mine.

    A record given for the wrong role is a programming error and raises TypeError.
    """
    statement = heard.statement
    state, serial = state_of(record), serial_relation(statement.serial, record)
    if role is Role.SOURCE:
        mine = _source(record)
        row = find_statement_row(
            role, state, serial, statement.side.phase, lambda one: source.holds(one, mine, heard, now)
        )
        after: Record | None = source.apply(row.effect, mine, heard)
    else:
        own = _destination(record)
        row = find_statement_row(
            role, state, serial, statement.side.phase, lambda one: destination.holds(one, own, heard, now)
        )
        after = destination.apply(row.effect, own, heard)
    return Step(
        row=row.number,
        effect=row.effect,
        record=after,
        answer=None if heard.is_answer else _answer(row.answer, after, statement),
        details=_details_taken(row.effect, statement),
        notice=_notice(row.effect, record, after),
    )


_TAKES_DETAILS = frozenset({Effect.TAKE, Effect.MERGE_ECHO})
_MAY_JUMP = frozenset({Effect.MERGE_ECHO, Effect.ECHO})


def _details_taken(effect: Effect, statement: Statement) -> Details | None:
    taken = effect in _TAKES_DETAILS and statement.side.phase is Phase.ACCEPTED
    return statement.details if taken and isinstance(statement.details, Details) else None


def _notice(effect: Effect, before: Record | None, after: Record | None) -> Notice | None:
    if effect is Effect.NOTICE:
        return Notice.OTHER_HOLDER
    if before is None or after is None or effect not in _MAY_JUMP:
        return None
    return Notice.OLDER_DATA if after.mine.revision > before.mine.revision else None


def _answer(reply: Reply, record: Record | None, asked: Statement) -> Statement:
    if reply is Reply.NONE:
        return Statement(serial=asked.serial, side=Side(0, Phase.NONE), echo=asked.side.echo)
    if reply in _REPLIES:
        return computed_closed(asked.serial, _REPLIES[reply])
    if record is None:
        raise AssertionError("a row that answers `mine` leaves a record")
    return speak(record)


def act(
    role: Role,
    record: Record | None,
    wanted: Act,
    *,
    now: float,
    offer: Offer | None = None,
    code: Code | None = None,
) -> Step:
    """What an act of this side's admin or timer does.

    `offer` goes with INITIATE and NEW_CODE, `code` with ACCEPT and DECLINE_CODE.

    Raises:
        LocalProtocolError: the act is not possible now; its sentence says what the status is.
    """
    state = state_of(record)
    serial = serial_relation(code.serial, record) if code is not None else Serial.SAME
    if role is Role.SOURCE:
        mine = _source(record)
        row = find_act_row(role, wanted, state, serial, lambda one: source.allows(one, mine, now))
        after: Record | None = source.perform(_possible(row, record, wanted).effect, mine, offer)
    else:
        own = _destination(record)
        row = find_act_row(role, wanted, state, serial, lambda one: destination.allows(one, own))
        after = destination.perform(_possible(row, record, wanted).effect, own, code)
    return Step(row=wanted.value, effect=_possible(row, record, wanted).effect, record=after)


def possible_acts(record: Record, *, now: float) -> list[Act]:
    """The acts that this side's admin may do now, in the tables' order (those that need no code)."""
    if isinstance(record, SourceRecord):
        rows: Sequence[ActRow] = SOURCE_ACTS
        return _acts(rows, record, lambda one: source.allows(one, record, now), {Act.EXPIRE, Act.RESTORE})
    return _acts(DESTINATION_ACTS, record, lambda one: destination.allows(one, record), {Act.ACCEPT, Act.DECLINE_CODE})


def _acts(
    rows: Sequence[ActRow], record: Record, holds: Callable[[Condition], bool], not_offered: set[Act]
) -> list[Act]:
    switch = Act.ACTIVATE if record.mine.enabled else Act.DEACTIVATE
    return [
        row.act
        for row in rows
        if row.act not in {*not_offered, switch} and state_of(record) in row.state and all(map(holds, row.when))
    ]


def _possible(row: ActRow | None, record: Record | None, wanted: Act) -> ActRow:
    if row is None:
        status = "there is no such connection" if record is None else f"the status is {status_of(record)}"
        raise LocalProtocolError(f"The act {wanted} is not possible now: {status}.")
    return row


def _source(record: Record | None) -> SourceRecord | None:
    if isinstance(record, DestinationRecord):
        raise TypeError("a destination's record was given to the source's table")
    return record


def _destination(record: Record | None) -> DestinationRecord | None:
    if isinstance(record, SourceRecord):
        raise TypeError("a source's record was given to the destination's table")
    return record
