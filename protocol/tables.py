"""Everything that decides what a connection does is in this file: four tables.

Two *statement tables* say what a statement from the other side does to a record, for the source and for the
destination; two *admin tables* say what this side's admin and timers may do. Rows are tried from the top and
the first that matches wins. The tables are total: every state × statement × serial relation × condition has its
row, and a test walks them all. An act without a row is "not possible now".

How to read a statement row
    state       the phase of my record, or no record at all
    serial      the statement's serial against my record's: older, same, newer
    phase       what the statement says its sender is
    when        conditions that must all hold; each is a fact of record, statement, sender and now
    effect      what happens to the record, in one transaction
    answer      what is said back, after the effect; an answer that arrives is itself not answered

What holds for every effect that takes a statement in
    Merge       closed is always taken, once, and never overwritten; anything else only with a higher revision.
    Echo        only while mine is not closed: equal to mine → nothing is owed any more. Not lower, and not
                equal → my data are older than what I once said (a restored backup): my revision jumps past it and
                is owed. Lower → nothing. The partner's claim of my phase or switch is never adopted.
    Settle      while mine is closed: nothing is owed once the echo says closed, or the partner is closed.
    Owed        a change by my own admin or timer is owed if anybody is known to owe it to; a change that the
                partner's statement caused is told in the answer and not owed (but destination row 8).
    Details     are taken from every accepted statement that is taken in, whatever its revision.

A closed record that is hidden while its partner has not been told can be forgotten all the same: what is tried for
ever can be stopped.

The order matters most at the source: the stranger's row 3a stands before every row that would reveal or store
something, so a statement without standing gets the same answer whatever the state is.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, StrEnum

from protocol.vocabulary import Phase


class State(StrEnum):
    """The state of a record as the tables see it."""

    NO_RECORD = "no record"
    PENDING = "pending"
    AWAITING = "awaiting"
    ACTIVE = "active"
    ANNOUNCED = "announced"
    ACCEPTED = "accepted"
    CLOSED = "closed"


class Serial(StrEnum):
    """A statement's (or a pasted code's) serial against the record's."""

    OLDER = "older"
    SAME = "same"
    NEWER = "newer"


class Condition(StrEnum):
    """A fact that a row may ask for."""

    ANSWER = "it is an answer"
    STRANGER = "sender is neither partner nor addressee, proof not good"
    EXPIRED = "the code is past its expiry"
    OTHER_ADDRESSEE = "the code is bound to another key"
    PROOF_GOOD = "proof good"
    PROOF_GOOD_OR_ADDRESSEE = "proof good or sender is the addressee"
    NO_PARTNER = "no partner"
    OTHER_PARTNER = "partner is another key"
    ANNOUNCEABLE = "a question, not past its expiry nor too far before it, under the caps"
    QUESTION_UNDER_CAPS = "a question, under the caps"
    ACCEPTING = "the source's word is none or pending"
    NOT_YET_ACTIVE = "the source is not active"
    BOTH_ACTIVE = "the source is active"
    PARTNER_ACCEPTED = "the destination is accepted"
    REISSUABLE = "expired or restored, and nobody took the code"
    NOT_REMOVED = "not removed yet"


class Effect(Enum):
    """What happens to the record; the value is the sentence of the table."""

    NOTHING = "nothing"
    # statements, source
    EXPIRE = "closed(expired), revision + 1; owed if there is an addressee"
    TAKE = "partner := sender, theirs := it; awaiting if asked to ask, else active; switched on; not owed"
    TAKE_CLOSED = "partner := sender, theirs := it; closed(by-partner); not owed"
    SETTLE_ANNOUNCED = "echo equal to mine and sender is the addressee → not owed"
    SETTLE_UNTAKEN = "sender is the addressee, and closed or echo closed → not owed"
    NOTICE = "a security notice with the sender's fingerprint"
    ECHO = "echo"
    # statements, destination
    ANNOUNCE = "announced(n), revision 1, theirs := it; what an older attempt owed is dropped"
    ENTOMB = "closed(n, by-partner), revision 1, theirs := it; not owed"
    ENTOMB_RESTORED = "closed(n, restored), revision 1, theirs := it; not owed"
    MERGE = "merge"
    CLOSE_RESTORED = "merge; closed(restored), revision past the echo; owed"
    # statements, both
    MERGE_ECHO = "merge, echo"
    CLOSE_BY_PARTNER = "theirs := it; closed(by-partner), revision + 1; not owed"
    SETTLE = "closed is merged; closed or echo closed → not owed"
    # acts
    INITIATE = "pending, revision 1; owed if there is an addressee"
    REISSUE = "new serial, pending, revision 1, theirs none; owed if there is an addressee"
    WITHDRAW = "closed(withdrawn); owed if there is an addressee"
    EXPIRE_NOW = "closed(expired); owed if there is an addressee"
    RESTORE = "closed(restored); owed if there is an addressee"
    APPROVE = "active; owed"
    REFUSE = "closed(refused); owed"
    SWITCH_ON = "switch on; owed"
    SWITCH_OFF = "switch off; owed"
    REMOVE = "closed(removed); owed"
    HIDE = "hidden"
    FORGET_RECORD = "the record goes"
    FORGET_OWED = "nothing is owed any more; the tombstone stays"
    ACCEPT = "a new record accepted(n), revision 1, theirs none, switched on, proof kept; owed"
    DECLINE = "closed(declined), revision + 1; owed"
    DECLINE_CODE = "a new record closed(n, declined), revision 1, proof kept; owed"
    CANCEL = "closed(cancelled), revision + 1, proof kept; owed"


class Reply(StrEnum):
    """What is answered."""

    MINE = "mine"
    SILENCE = "–"
    NONE = "none, echoing it"
    UNKNOWN = "closed(unknown)"
    REPLACED = "closed(replaced)"
    BAD_PROOF = "closed(bad-proof)"
    NOT_FOR_YOU = "closed(not-for-you)"
    USED = "closed(used)"


class Act(StrEnum):
    """What an admin, a timer or the `restore` command does on this side."""

    INITIATE = "initiate"
    NEW_CODE = "new-code"
    WITHDRAW = "withdraw"
    EXPIRE = "expire"
    RESTORE = "restore"
    APPROVE = "approve"
    REFUSE = "refuse"
    ACCEPT = "accept"
    DECLINE = "decline"
    DECLINE_CODE = "decline-code"
    CANCEL = "cancel"
    ACTIVATE = "activate"
    DEACTIVATE = "deactivate"
    REMOVE = "remove"
    FORGET = "forget"


@dataclass(frozen=True, slots=True)
class StatementRow:
    """One row of a statement table; see the head of this file."""

    number: str
    state: frozenset[State]
    serial: frozenset[Serial]
    phase: frozenset[Phase]
    when: tuple[Condition, ...]
    effect: Effect
    answer: Reply


@dataclass(frozen=True, slots=True)
class ActRow:
    """One row of an admin table: in which state, under which conditions, an act has which effect.

    `serial` matters where a code is given (accept, decline-code): the code's serial against the record's.
    """

    act: Act
    state: frozenset[State]
    serial: frozenset[Serial]
    when: tuple[Condition, ...]
    effect: Effect


_S, _P = State, Phase
_OLDER, _SAME, _NEWER = (frozenset({one}) for one in Serial)
_ANY_SERIAL = frozenset(Serial)

SOURCE_STATES = frozenset({_S.NO_RECORD, _S.PENDING, _S.AWAITING, _S.ACTIVE, _S.CLOSED})
DESTINATION_STATES = frozenset({_S.NO_RECORD, _S.ANNOUNCED, _S.ACCEPTED, _S.CLOSED})

_FROM_DESTINATION = frozenset({_P.NONE, _P.ANNOUNCED, _P.ACCEPTED, _P.CLOSED})
_FROM_SOURCE = frozenset({_P.PENDING, _P.AWAITING, _P.ACTIVE, _P.CLOSED})
_DECIDED = frozenset({_P.AWAITING, _P.ACTIVE})


def _in(*states: State) -> frozenset[State]:
    return frozenset(states)


def _says(*phases: Phase) -> frozenset[Phase]:
    return frozenset(phases)


_TAKEN = _in(_S.AWAITING, _S.ACTIVE)

# fmt: off
SOURCE_HEARS: tuple[StatementRow, ...] = (
    StatementRow("0", _in(_S.NO_RECORD), _ANY_SERIAL, _FROM_DESTINATION, (Condition.ANSWER,), Effect.NOTHING, Reply.SILENCE),
    StatementRow("1", _in(_S.NO_RECORD), _ANY_SERIAL, _FROM_DESTINATION, (), Effect.NOTHING, Reply.UNKNOWN),
    StatementRow("2", SOURCE_STATES, _OLDER, _FROM_DESTINATION, (), Effect.NOTHING, Reply.REPLACED),
    StatementRow("3", SOURCE_STATES, _NEWER, _FROM_DESTINATION, (), Effect.NOTHING, Reply.UNKNOWN),
    StatementRow("3a", SOURCE_STATES, _SAME, _FROM_DESTINATION, (Condition.STRANGER,), Effect.NOTHING, Reply.BAD_PROOF),
    StatementRow("4", _in(_S.PENDING), _SAME, _says(_P.ACCEPTED), (Condition.EXPIRED,), Effect.EXPIRE, Reply.MINE),
    StatementRow("5", _in(_S.PENDING), _SAME, _FROM_DESTINATION, (Condition.OTHER_ADDRESSEE,), Effect.NOTHING, Reply.NOT_FOR_YOU),
    StatementRow("6", _in(_S.PENDING), _SAME, _says(_P.ACCEPTED), (Condition.PROOF_GOOD,), Effect.TAKE, Reply.MINE),
    StatementRow("7", _in(_S.PENDING), _SAME, _says(_P.CLOSED), (Condition.PROOF_GOOD_OR_ADDRESSEE,), Effect.TAKE_CLOSED, Reply.MINE),
    StatementRow("8", _in(_S.PENDING), _SAME, _says(_P.ACCEPTED), (), Effect.NOTHING, Reply.BAD_PROOF),
    StatementRow("9", _in(_S.PENDING), _SAME, _says(_P.ANNOUNCED, _P.NONE), (), Effect.SETTLE_ANNOUNCED, Reply.MINE),
    StatementRow("10a", _in(_S.CLOSED), _SAME, _FROM_DESTINATION, (Condition.NO_PARTNER, Condition.OTHER_ADDRESSEE), Effect.NOTHING, Reply.NOT_FOR_YOU),
    StatementRow("10", _in(_S.CLOSED), _SAME, _FROM_DESTINATION, (Condition.NO_PARTNER,), Effect.SETTLE_UNTAKEN, Reply.MINE),
    StatementRow("11", _in(*_TAKEN, _S.CLOSED), _SAME, _FROM_DESTINATION, (Condition.OTHER_PARTNER, Condition.PROOF_GOOD), Effect.NOTICE, Reply.USED),
    StatementRow("11a", _in(*_TAKEN, _S.CLOSED), _SAME, _FROM_DESTINATION, (Condition.OTHER_PARTNER,), Effect.NOTHING, Reply.USED),
    StatementRow("12", _TAKEN, _SAME, _says(_P.CLOSED), (), Effect.CLOSE_BY_PARTNER, Reply.MINE),
    StatementRow("13", _TAKEN, _SAME, _says(_P.ACCEPTED), (), Effect.MERGE_ECHO, Reply.MINE),
    StatementRow("14", _TAKEN, _SAME, _says(_P.ANNOUNCED, _P.NONE), (), Effect.ECHO, Reply.MINE),
    StatementRow("15", _in(_S.CLOSED), _SAME, _FROM_DESTINATION, (), Effect.SETTLE, Reply.MINE),
)

DESTINATION_HEARS: tuple[StatementRow, ...] = (
    StatementRow("0", _in(_S.NO_RECORD), _ANY_SERIAL, _FROM_SOURCE, (Condition.ANSWER,), Effect.NOTHING, Reply.SILENCE),
    StatementRow("1", _in(_S.NO_RECORD), _ANY_SERIAL, _says(_P.PENDING), (Condition.ANNOUNCEABLE,), Effect.ANNOUNCE, Reply.MINE),
    StatementRow("2", _in(_S.NO_RECORD), _ANY_SERIAL, _says(_P.PENDING), (), Effect.NOTHING, Reply.NONE),
    StatementRow("3", _in(_S.NO_RECORD), _ANY_SERIAL, _DECIDED, (), Effect.NOTHING, Reply.UNKNOWN),
    StatementRow("4", _in(_S.NO_RECORD), _ANY_SERIAL, _says(_P.CLOSED), (Condition.QUESTION_UNDER_CAPS,), Effect.ENTOMB, Reply.MINE),
    StatementRow("4a", _in(_S.NO_RECORD), _ANY_SERIAL, _says(_P.CLOSED), (), Effect.NOTHING, Reply.UNKNOWN),
    StatementRow("5", DESTINATION_STATES, _OLDER, _FROM_SOURCE, (), Effect.NOTHING, Reply.REPLACED),
    StatementRow("6", DESTINATION_STATES, _NEWER, _says(_P.PENDING), (Condition.ANNOUNCEABLE,), Effect.ANNOUNCE, Reply.MINE),
    StatementRow("6a", DESTINATION_STATES, _NEWER, _says(_P.PENDING), (), Effect.NOTHING, Reply.NONE),
    StatementRow("6b", DESTINATION_STATES, _NEWER, _says(_P.CLOSED), (), Effect.ENTOMB, Reply.MINE),
    StatementRow("6c", DESTINATION_STATES, _NEWER, _DECIDED, (), Effect.ENTOMB_RESTORED, Reply.MINE),
    StatementRow("7", _in(_S.ANNOUNCED), _SAME, _says(_P.PENDING), (), Effect.MERGE, Reply.MINE),
    StatementRow("7a", _in(_S.ANNOUNCED), _SAME, _says(_P.CLOSED), (), Effect.CLOSE_BY_PARTNER, Reply.MINE),
    StatementRow("8", _in(_S.ANNOUNCED), _SAME, _DECIDED, (), Effect.CLOSE_RESTORED, Reply.MINE),
    StatementRow("9", _in(_S.ACCEPTED), _SAME, _says(_P.PENDING, *_DECIDED), (), Effect.MERGE_ECHO, Reply.MINE),
    StatementRow("10", _in(_S.ACCEPTED), _SAME, _says(_P.CLOSED), (), Effect.CLOSE_BY_PARTNER, Reply.MINE),
    StatementRow("11", _in(_S.CLOSED), _SAME, _FROM_SOURCE, (), Effect.SETTLE, Reply.MINE),
)

SOURCE_ACTS: tuple[ActRow, ...] = (
    ActRow(Act.INITIATE, _in(_S.NO_RECORD), _ANY_SERIAL, (), Effect.INITIATE),
    ActRow(Act.NEW_CODE, _in(_S.PENDING), _ANY_SERIAL, (), Effect.REISSUE),
    ActRow(Act.NEW_CODE, _in(_S.CLOSED), _ANY_SERIAL, (Condition.REISSUABLE,), Effect.REISSUE),
    ActRow(Act.WITHDRAW, _in(_S.PENDING), _ANY_SERIAL, (), Effect.WITHDRAW),
    ActRow(Act.EXPIRE, _in(_S.PENDING), _ANY_SERIAL, (Condition.EXPIRED,), Effect.EXPIRE_NOW),
    ActRow(Act.RESTORE, _in(_S.PENDING), _ANY_SERIAL, (), Effect.RESTORE),
    ActRow(Act.APPROVE, _in(_S.AWAITING), _ANY_SERIAL, (), Effect.APPROVE),
    ActRow(Act.REFUSE, _in(_S.AWAITING), _ANY_SERIAL, (), Effect.REFUSE),
    ActRow(Act.ACTIVATE, _in(_S.ACTIVE), _ANY_SERIAL, (Condition.PARTNER_ACCEPTED,), Effect.SWITCH_ON),
    ActRow(Act.DEACTIVATE, _in(_S.ACTIVE), _ANY_SERIAL, (Condition.PARTNER_ACCEPTED,), Effect.SWITCH_OFF),
    ActRow(Act.REMOVE, _in(_S.PENDING), _ANY_SERIAL, (), Effect.WITHDRAW),
    ActRow(Act.REMOVE, _in(_S.AWAITING), _ANY_SERIAL, (), Effect.REFUSE),
    ActRow(Act.REMOVE, _in(_S.ACTIVE), _ANY_SERIAL, (), Effect.REMOVE),
    ActRow(Act.REMOVE, _in(_S.CLOSED), _ANY_SERIAL, (Condition.NOT_REMOVED,), Effect.HIDE),
    ActRow(Act.FORGET, _in(_S.CLOSED), _ANY_SERIAL, (), Effect.FORGET_RECORD),
)

DESTINATION_ACTS: tuple[ActRow, ...] = (
    ActRow(Act.ACCEPT, _in(_S.NO_RECORD), _ANY_SERIAL, (), Effect.ACCEPT),
    ActRow(Act.ACCEPT, _in(_S.ANNOUNCED), _SAME | _NEWER, (), Effect.ACCEPT),
    ActRow(Act.ACCEPT, _in(_S.CLOSED), _NEWER, (), Effect.ACCEPT),
    ActRow(Act.ACCEPT, _in(_S.ACCEPTED), _NEWER, (Condition.ACCEPTING,), Effect.ACCEPT),
    ActRow(Act.DECLINE, _in(_S.ANNOUNCED), _ANY_SERIAL, (), Effect.DECLINE),
    ActRow(Act.DECLINE_CODE, _in(_S.NO_RECORD), _ANY_SERIAL, (), Effect.DECLINE_CODE),
    ActRow(Act.DECLINE_CODE, _in(_S.ANNOUNCED), _SAME | _NEWER, (), Effect.DECLINE_CODE),
    ActRow(Act.DECLINE_CODE, _in(_S.CLOSED), _NEWER, (), Effect.DECLINE_CODE),
    ActRow(Act.DECLINE_CODE, _in(_S.ACCEPTED), _NEWER, (Condition.ACCEPTING,), Effect.DECLINE_CODE),
    ActRow(Act.CANCEL, _in(_S.ACCEPTED), _ANY_SERIAL, (Condition.NOT_YET_ACTIVE,), Effect.CANCEL),
    ActRow(Act.ACTIVATE, _in(_S.ACCEPTED), _ANY_SERIAL, (Condition.BOTH_ACTIVE,), Effect.SWITCH_ON),
    ActRow(Act.DEACTIVATE, _in(_S.ACCEPTED), _ANY_SERIAL, (Condition.BOTH_ACTIVE,), Effect.SWITCH_OFF),
    ActRow(Act.REMOVE, _in(_S.ACCEPTED), _ANY_SERIAL, (Condition.BOTH_ACTIVE,), Effect.REMOVE),
    ActRow(Act.REMOVE, _in(_S.CLOSED), _ANY_SERIAL, (Condition.NOT_REMOVED,), Effect.HIDE),
    ActRow(Act.FORGET, _in(_S.CLOSED), _ANY_SERIAL, (), Effect.FORGET_OWED),
)
# fmt: on
