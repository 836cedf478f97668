"""The worlds, each packed into one int, and what each leads to."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, TypeAlias

from protocol.records import DestinationRecord, Record, SourceRecord
from protocol.vocabulary import Phase
from simulations.exploring.properties import Known
from simulations.exploring.rules import CODES_MAX, PROOF, Bounds, Who, lies
from simulations.exploring.seats import NO_BITS, Bits, Message, Move, Numbered, Post, Seat, numbers, union

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from simulations.exploring.coverage import Coverage

VIEW_BITS: Final = 24
_MASK: Final = (1 << VIEW_BITS) - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """What of a world is nobody's: codes made, the clock, the acts that are left, the backup.

    `backup`: the record that was kept aside. `restored`: it was put back.
    """

    issued: int
    passed: int
    acts_left: int
    backup: tuple[Who, int] | None = None
    restored: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Passed:
    """The expiry of this code passed."""

    code: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """This node's record was kept aside."""

    who: Who


@dataclass(frozen=True, slots=True, kw_only=True)
class PutBack:
    """This node's record was put back; nobody noticed."""

    who: Who
    record: Record | None


NO_LIES: Final[Sequence[Sequence[int]]] = ((),) * (CODES_MAX + 1)

Cause: TypeAlias = Move | Passed | Kept | PutBack
Records: TypeAlias = tuple[int, int, int]
ViewsAt: TypeAlias = tuple[int, int, int]
Choice: TypeAlias = tuple[Move, int, Bits]
"""A move that changes the record, the view after it, and all that is said by it: what was quiet may not be so now."""

Choices: TypeAlias = tuple[int, tuple[Choice, ...]]
"""How many moves are possible, and those that change the record."""


class Views:
    """One seat's views: a record, and what lies before it."""

    def __init__(self, seat: Seat, lies_by_issued: Sequence[Sequence[int]]) -> None:
        self.seat = seat
        self._lies = lies_by_issued
        self._views: Numbered[tuple[int, int]] = Numbered()
        self.start = self._views.number((seat.empty, 0))
        self.known = self._views.values
        self._quiet: dict[tuple[int, int], Bits] = {}
        self._added: dict[tuple[int, int], int] = {}
        self._hearings: dict[tuple[int, int, int], Choices] = {}
        self._acts: dict[tuple[int, int, int], Choices] = {}
        self._after_lies: dict[tuple[int, int, int], list[Move]] = {}

    def add(self, view: int, bits: int) -> int:
        """The view with these messages too."""
        found = self._added.get((view, bits))
        if found is None:
            record, before = self.known[view]
            found = self._added[view, bits] = self._views.number((record, before | bits))
        return found

    def become(self, view: int, record: int) -> int:
        """The view with another record."""
        return self._views.number((record, self.known[view][1]))

    def quiet(self, view: int, passed: int) -> Bits:
        """The answers to questions that change nothing here (rule 5)."""
        found = self._quiet.get((view, passed))
        if found is None:
            record, before = self.known[view]
            found = NO_BITS
            for message in numbers(before):
                for move in self.seat.hearings(record, message, passed):
                    found = union(found, move.said) if move.record == record else found
            self._quiet[view, passed] = found
        return found

    def hearings(self, view: int, issued: int, passed: int) -> Choices:
        """How many hearings are possible, and those that change the record."""
        key = (view, issued, passed)
        found = self._hearings.get(key)
        if found is None:
            record, before = self.known[view]
            moves = self._heard(record, numbers(before), passed)
            moves += self._lied(record, issued, passed)
            found = self._hearings[key] = self._choices(view, record, moves, passed)
        return found

    def acts(self, view: int, issued: int, passed: int) -> Choices:
        """How many acts are possible, and those that change the record."""
        key = (view, issued, passed)
        found = self._acts.get(key)
        if found is None:
            record = self.known[view][0]
            found = self._acts[key] = self._choices(view, record, self.seat.acts(record, issued, passed), passed)
        return found

    def _heard(self, record: int, messages: Iterable[int], passed: int) -> list[Move]:
        return [move for message in messages for move in self.seat.hearings(record, message, passed)]

    def _lied(self, record: int, issued: int, passed: int) -> list[Move]:
        key = (record, issued, passed)
        if key not in self._after_lies:
            self._after_lies[key] = self._heard(record, self._lies[issued], passed)
        return self._after_lies[key]

    def _choices(self, view: int, record: int, moves: Sequence[Move], passed: int) -> Choices:
        changing = []
        for move in moves:
            if move.record != record:
                after = self.become(view, move.record)
                changing.append((move, after, union(move.said, self.quiet(after, passed))))
        return len(moves), tuple(changing)


class Worlds:
    """Leads from world to world."""

    def __init__(self, bounds: Bounds, coverage: Coverage) -> None:
        self.nodes = bounds.nodes
        self._restores = bounds.restores
        self._hearers = {
            Who.SOURCE: tuple(who for who in self.nodes if who is not Who.SOURCE),
            Who.A: (Who.SOURCE,),
            Who.B: (Who.SOURCE,),
        }
        self.post = Post()
        self.seats = tuple(Seat(who, bounds, self.post, coverage) for who in Who)
        told = self._lies(bounds)
        self.views = tuple(Views(seat, told if seat.who is Who.SOURCE else NO_LIES) for seat in self.seats)
        self._around: Numbered[Around] = Numbered()
        self._after_act: dict[tuple[int, int], int] = {}
        around = self._around.number(Around(issued=0, passed=0, acts_left=bounds.acts))
        source, a, b = (one.start for one in self.views)
        self.start = self._after((source, a, b), Who.SOURCE, source, NO_BITS, around)

    def _lies(self, bounds: Bounds) -> list[list[int]]:
        """What the liar may say to the source, for each number of codes that are made (rule 8)."""
        if not bounds.liars:
            return [[] for _ in range(bounds.codes + 1)]
        unproved = list(lies(range(1, bounds.codes + 1), proof=None))
        said = [[*unproved, *lies(range(1, issued + 1), proof=PROOF)] for issued in range(bounds.codes + 1)]
        return [
            [self.post.number(Message(sender=Who.B, hearer=Who.SOURCE, is_answer=False, statement=one)) for one in all_]
            for all_ in said
        ]

    def records(self, world: int) -> Records:
        """The numbers of the three records."""
        source, a, b = self.views
        return (
            source.known[world & _MASK][0],
            a.known[world >> VIEW_BITS & _MASK][0],
            b.known[world >> 2 * VIEW_BITS & _MASK][0],
        )

    def around(self, world: int) -> Around:
        """What is nobody's."""
        return self._around.values[world >> 3 * VIEW_BITS]

    def known(self, records: Records) -> Known:
        """The records themselves."""
        at_source, at_a, at_b = self.seats
        source, a, b = (
            at_source.records.values[records[0]],
            at_a.records.values[records[1]],
            at_b.records.values[records[2]],
        )
        if isinstance(source, DestinationRecord) or isinstance(a, SourceRecord) or isinstance(b, SourceRecord):
            raise TypeError("a record lies at the wrong seat")
        return Known(source=source, destinations=(a, b), nodes=self.nodes)

    def next(self, world: int) -> tuple[int, list[tuple[int, Cause]]]:
        """How many events are possible, and those that change something, each with the world after it."""
        here = world >> 3 * VIEW_BITS
        around = self._around.values[here]
        views = (world & _MASK, world >> VIEW_BITS & _MASK, world >> 2 * VIEW_BITS & _MASK)
        children: list[tuple[int, Cause]] = []
        count = 0
        for who in self.nodes:
            side, view = self.views[who], views[who]
            hearings, changing = side.hearings(view, around.issued, around.passed)
            count += hearings
            for move, after, said in changing:
                children.append((self._after(views, who, after, said, here), move))
            if around.acts_left:
                acts, changing = side.acts(view, around.issued, around.passed)
                count += acts
                for move, after, said in changing:
                    children.append((self._after(views, who, after, said, self._spent(here, move.codes)), move))
        others = self._others(views, here)
        return count + len(others), children + others

    def _others(self, views: ViewsAt, here: int) -> list[tuple[int, Cause]]:
        """The clock and the backup."""
        around = self._around.values[here]
        found: list[tuple[int, Cause]] = []
        source = views[0]
        record = self.seats[0].records.values[self.views[0].known[source][0]]
        is_running = record is not None and record.mine.phase is Phase.PENDING and around.passed < record.serial
        if record is not None and is_running and around.acts_left:
            late = self._around.number(replace(around, passed=record.serial, acts_left=around.acts_left - 1))
            found.append((self._after(views, Who.SOURCE, source, NO_BITS, late), Passed(code=record.serial)))
        if not self._restores or around.restored:
            return found
        if around.backup is None:
            for who in self.nodes:
                kept = self._around.number(replace(around, backup=(who, self.views[who].known[views[who]][0])))
                found.append((self._after(views, who, views[who], NO_BITS, kept), Kept(who=who)))
        else:
            who, number = around.backup
            after = self.views[who].become(views[who], number)
            back = self._around.number(replace(around, backup=None, restored=True))
            says = union(self.seats[who].says(number), self.views[who].quiet(after, around.passed))
            cause = PutBack(who=who, record=self.seats[who].records.values[number])
            found.append((self._after(views, who, after, says, back), cause))
        return found

    def _after(self, views: ViewsAt, who: Who, view: int, said: Bits, around: int) -> int:
        """The world in which one node has another view and said something: rules 3 to 5.

        Who hears something new may answer it at once; the others have answered before whatever they would.
        """
        at = [*views]
        for hearer in self._hearers[who]:
            if said[hearer]:
                side = self.views[hearer]
                at[hearer] = side.add(views[hearer], said[hearer])
                view = self.views[who].add(view, side.quiet(at[hearer], self._around.values[around].passed)[who])
        at[who] = view
        if max(at) > _MASK:
            raise OverflowError("more views than a packed world has room for: search within smaller bounds")
        return at[0] | at[1] << VIEW_BITS | at[2] << 2 * VIEW_BITS | around << 3 * VIEW_BITS

    def _spent(self, here: int, codes: int) -> int:
        """What is around after an act that made so many codes."""
        found = self._after_act.get((here, codes))
        if found is None:
            around = self._around.values[here]
            later = replace(around, issued=around.issued + codes, acts_left=around.acts_left - 1)
            found = self._after_act[here, codes] = self._around.number(later)
        return found
