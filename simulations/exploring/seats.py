"""What one node can do: the shipped machine, given its record and all that was said to it.

A *view* is all that a node can know: its record, and the set of messages that lie before it. What it can do depends
on its view alone, so each view is worked out once, however many worlds have it. Records, messages and views are
numbered as they are met; sets of messages are the bits of an int, one set for each hearer (`Bits`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Generic, TypeAlias, TypeVar

from msgspec.structs import replace

from protocol.errors import LocalProtocolError
from protocol.events import Heard, Offer
from protocol.machine import act, hear, state_of
from protocol.records import DestinationRecord, Record, SourceRecord, speak
from protocol.tables import Act
from protocol.vocabulary import Phase, Statement
from simulations.exploring.properties import broken_by_step
from simulations.exploring.rules import (
    ADDRESSEES,
    ADDRESSEES_AND_LIAR,
    BY_KEY,
    PROOF,
    Bounds,
    Who,
    expiry_of,
    pasted,
    preview,
)

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator

    from simulations.exploring.coverage import Coverage

Bits: TypeAlias = tuple[int, int, int]
"""Messages, as a set for each of the three who hear them."""

NO_BITS: Final[Bits] = (0, 0, 0)
T = TypeVar("T", bound="Hashable")


class Numbered(Generic[T]):
    """Values under numbers, given as they are met."""

    def __init__(self) -> None:
        self.values: list[T] = []
        self._numbers: dict[T, int] = {}

    def number(self, value: T) -> int:
        """The number of a value, a new one where it is new."""
        found = self._numbers.get(value)
        if found is None:
            found = self._numbers[value] = len(self.values)
            self.values.append(value)
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A statement on its way; it stays there (rule 4)."""

    sender: Who
    hearer: Who
    is_answer: bool
    statement: Statement


@dataclass(frozen=True, slots=True, kw_only=True)
class Acted:
    """An admin or a timer acted; `code`: the one that is made or pasted."""

    who: Who
    act: Act
    code: int | None = None
    addressee: Who | None = None
    ask_me: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Hearing:
    """A message was heard in this row of its table; `allowed`: an announcement would be taken in."""

    who: Who
    message: Message
    allowed: bool
    row: str
    answer: Statement | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """What one node can do next.

    Attributes:
        event: what happens.
        record: the number of the record after it.
        said: what is said by it, to whom: the answer, and what it now stands for.
        codes: how many codes it makes.
        broken: which property this step breaks, if it does.
        cleared: nothing is owed any more of what was owed before.
    """

    event: Acted | Hearing
    record: int
    said: Bits
    codes: int = 0
    broken: str | None = None
    cleared: bool = False


def union(one: Bits, other: Bits) -> Bits:
    """Both sets of messages."""
    return one[0] | other[0], one[1] | other[1], one[2] | other[2]


class Post:
    """All messages of a search, numbered for each hearer."""

    def __init__(self) -> None:
        self.boxes: tuple[Numbered[Message], ...] = tuple(Numbered() for _ in Who)

    def number(self, message: Message) -> int:
        """The message's number in its hearer's box."""
        return self.boxes[message.hearer].number(message)

    def bits(self, message: Message) -> Bits:
        """The set of this one message."""
        bits = [0, 0, 0]
        bits[message.hearer] = 1 << self.number(message)
        source, a, b = bits
        return source, a, b


def numbers(bits: int) -> Iterator[int]:
    """The numbers of the messages in a hearer's set."""
    while bits:
        lowest = bits & -bits
        bits ^= lowest
        yield lowest.bit_length() - 1


class Seat:
    """One node: its records so far, and what can become of each."""

    def __init__(self, who: Who, bounds: Bounds, post: Post, coverage: Coverage) -> None:
        self.who = who
        self.records: Numbered[Record | None] = Numbered()
        self.empty = self.records.number(None)
        self._bounds = bounds
        self._post = post
        self._coverage = coverage
        self._acts: dict[tuple[int, int, int], tuple[Move, ...]] = {}
        self._hearings: dict[tuple[int, int, int], tuple[Move, ...]] = {}

    def says(self, number: int) -> Bits:
        """What this record says of itself unasked (rule 3)."""
        to = asks(self.records.values[number])
        if to is None:
            return NO_BITS
        return self._post.bits(Message(sender=self.who, hearer=to, is_answer=False, statement=self.stands_for(number)))

    def stands_for(self, number: int) -> Statement:
        """The statement of this record."""
        record = self.records.values[number]
        if record is None:
            raise TypeError("who has no record says nothing unasked")
        return speak(record)

    def acts(self, number: int, issued: int, passed: int) -> tuple[Move, ...]:
        """What the admin and the timers can do."""
        key = (number, issued, passed)
        found = self._acts.get(key)
        if found is None:
            record = self.records.values[number]
            wanted = self._of_source(record, issued) if self.who is Who.SOURCE else self._of_destination(issued)
            moves = (self._act(record, one, passed) for one in wanted)
            found = self._acts[key] = tuple(move for move in moves if move is not None)
        return found

    def hearings(self, number: int, message_number: int, passed: int) -> tuple[Move, ...]:
        """What hearing a message does: once, or once for each answer to an open question (rule 6)."""
        passed = passed if self.who is Who.SOURCE else 0
        key = (number, message_number, passed)
        found = self._hearings.get(key)
        if found is None:
            message = self._post.boxes[self.who].values[message_number]
            both = (False, True) if is_open(message) else (False,)
            found = self._hearings[key] = tuple(
                self._hear(self.records.values[number], message, passed, allowed=allowed) for allowed in both
            )
        return found

    def _of_source(self, record: Record | None, issued: int) -> Iterator[Acted]:
        if record is None:
            addressees = ADDRESSEES_AND_LIAR if self._bounds.liars else ADDRESSEES
            for addressee in addressees if issued == 0 else ():
                for ask_me in (False, True):
                    yield Acted(who=self.who, act=Act.INITIATE, code=1, addressee=addressee, ask_me=ask_me)
            return
        if issued < self._bounds.codes and isinstance(record, SourceRecord):
            addressee = BY_KEY[record.addressee] if record.addressee is not None else None
            yield Acted(who=self.who, act=Act.NEW_CODE, code=issued + 1, addressee=addressee, ask_me=record.ask_me)
        for wanted in Act:
            if wanted not in {Act.INITIATE, Act.NEW_CODE, Act.ACCEPT, Act.DECLINE_CODE}:
                yield Acted(who=self.who, act=wanted)

    def _of_destination(self, issued: int) -> Iterator[Acted]:
        for code in range(1, issued + 1):
            yield Acted(who=self.who, act=Act.ACCEPT, code=code)
            yield Acted(who=self.who, act=Act.DECLINE_CODE, code=code)
        for wanted in Act:
            if wanted not in {Act.ACCEPT, Act.DECLINE_CODE}:
                yield Acted(who=self.who, act=wanted)

    def _act(self, record: Record | None, wanted: Acted, passed: int) -> Move | None:
        """The move that an act is; none where it is not possible, or flips a switch to where it stands."""
        offer = code = None
        if wanted.code is not None and self.who is Who.SOURCE:
            bound = wanted.addressee.key if wanted.addressee is not None else None
            offer = Offer(serial=wanted.code, expires_at=expiry_of(wanted.code), addressee=bound, ask_me=wanted.ask_me)
        elif wanted.code is not None:
            code = pasted(wanted.code)
        if record is not None and wanted.act is (Act.ACTIVATE if record.mine.enabled else Act.DEACTIVATE):
            return None
        try:
            step = act(self.who.role, record, wanted.act, now=passed, offer=offer, code=code)
        except LocalProtocolError:
            return None
        self._coverage.acted(self.who.role, wanted.act, state_of(record))
        return self._move(wanted, record, step.record, wanted.act, NO_BITS, passed, codes=int(offer is not None))

    def _hear(self, record: Record | None, message: Message, passed: int, *, allowed: bool) -> Move:
        said = message.statement
        heard = Heard(
            sender=message.sender.key,
            statement=_with_preview(said),
            is_answer=message.is_answer,
            proof_good=said.proof == PROOF,
            announcement_allowed=allowed,
        )
        step = hear(self.who.role, record, heard, now=passed)
        self._coverage.heard(self.who.role, step.row)
        answer = NO_BITS
        if step.answer is not None:
            answer = self._post.bits(
                Message(sender=self.who, hearer=message.sender, is_answer=True, statement=step.answer)
            )
        event = Hearing(who=self.who, message=message, allowed=allowed, row=step.row, answer=step.answer)
        return self._move(event, record, step.record, heard, answer, passed)

    def _move(
        self,
        event: Acted | Hearing,
        before: Record | None,
        after: Record | None,
        cause: Act | Heard,
        answer: Bits,
        passed: int,
        *,
        codes: int = 0,
    ) -> Move:
        after = _what_matters(after)
        number = self.records.number(after)
        owed = before is not None and before.owed and after is not None and not after.owed
        same = before is not None and after is not None and (before.serial, before.mine) == (after.serial, after.mine)
        return Move(
            event=event,
            record=number,
            said=union(answer, self.says(number)) if before != after else answer,
            codes=codes,
            broken=broken_by_step(before, after, cause, passed=passed),
            cleared=owed and same and isinstance(cause, Heard),
        )


def is_open(message: Message) -> bool:
    """Whether it is the destination's choice to take this in (rule 6)."""
    return (
        message.hearer is not Who.SOURCE
        and not message.is_answer
        and message.statement.side.phase in {Phase.PENDING, Phase.CLOSED}
    )


def asks(record: Record | None) -> Who | None:
    """Whom a node with this record speaks to unasked, if it does: what is owed, and what a resync says."""
    if record is None or (record.mine.phase is Phase.CLOSED and not record.owed):
        return None
    if not isinstance(record, SourceRecord):
        return Who.SOURCE
    to = record.recipient if record.owed else record.partner
    return BY_KEY[to] if to is not None else None


def _with_preview(said: Statement) -> Statement:
    if said.side.phase is not Phase.PENDING:
        return said
    return Statement(serial=said.serial, side=said.side, echo=said.echo, proof=said.proof, details=preview(said.serial))


def _what_matters(record: Record | None) -> Record | None:
    """The record without what is not in the worlds: whether it is hidden, and a date that no destination judges by."""
    if record is None:
        return None
    if isinstance(record, DestinationRecord):
        return replace(record, hidden=False, expires_at=expiry_of(record.serial))
    return replace(record, hidden=False)
