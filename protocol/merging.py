"""The rules that both sides follow when they take a statement in (protocol section 4, rules 2 and 3)."""

from __future__ import annotations

from typing import TypeVar

from msgspec.structs import replace

from protocol.limits import COUNTER_LIMIT, JUMP_LIMIT
from protocol.records import DestinationRecord, SourceRecord
from protocol.vocabulary import Phase, Reason, Side, Statement

R = TypeVar("R", SourceRecord, DestinationRecord)


def merged(theirs: Side | None, said: Side) -> Side:
    """Closed is taken once and never overwritten; anything else only with a higher revision."""
    if theirs is None:
        return said
    if theirs.phase is Phase.CLOSED:
        return theirs
    if said.phase is Phase.CLOSED or said.revision > theirs.revision:
        return said
    return theirs


def merge(record: R, statement: Statement) -> R:
    """Take in what the partner says of its own side."""
    return replace(record, theirs=merged(record.theirs, statement.side))


def hear_echo(record: R, statement: Statement) -> R:
    """Compare the partner's echo with mine (rule 3); its claim of my phase or switch is never adopted."""
    echo, mine = statement.echo, record.mine
    if echo is None or echo.revision < mine.revision:
        return record
    if echo == mine.echo:
        return replace(record, owed=False)
    if echo.revision >= JUMP_LIMIT:
        return record
    return replace(record, mine=replace_side(mine, revision=echo.revision + 1), owed=True)


def settle(record: R, statement: Statement) -> R:
    """While mine is closed: nothing is owed once the echo says closed or the partner is closed."""
    closed = statement.side.phase is Phase.CLOSED
    echoed = statement.echo is not None and statement.echo.phase is Phase.CLOSED
    return replace(record, owed=False) if closed or echoed else record


def revision_past(record: SourceRecord | DestinationRecord, statement: Statement) -> int:
    """max(mine, echo) + 1; a jump to the end of the counter is not made."""
    claimed = statement.echo.revision if statement.echo is not None else 0
    return max(record.mine.revision, claimed if claimed < JUMP_LIMIT else 0) + 1


def closed(record: R, reason: Reason, *, owed: bool) -> R:
    """Close my side, for good."""
    return replace(record, mine=Side(record.mine.revision + 1, Phase.CLOSED, reason=reason), owed=owed)


def switched(record: R, *, on: bool) -> R:
    """Set my switch; nothing happens, and nothing is owed, when it stands so already.

    A switch that would reach the revision limit is not made.
    """
    mine = record.mine
    if mine.enabled is on or mine.revision + 1 >= COUNTER_LIMIT:
        return record
    return replace(record, mine=Side(mine.revision + 1, mine.phase, enabled=on), owed=True)


def replace_side(side: Side, *, revision: int) -> Side:
    """The same side under another revision."""
    return Side(revision, side.phase, side.enabled, side.reason)
