"""The shortcuts of the search lose nothing: a search without them meets the same records.

Here what a side stands for is said only when it chooses to (rule 3 says: at once), and a question is answered only
when it is heard (rule 5: at once, if it changes nothing). That makes many more worlds, so the bounds are small.
"""

from __future__ import annotations

from typing import NamedTuple

import pytest

from simulations.exploring.coverage import Coverage
from simulations.exploring.rules import Bounds, Who
from simulations.exploring.seats import Hearing, Message, Post, Seat, asks
from simulations.exploring.worlds import Worlds


class World(NamedTuple):
    """A world, spelled out."""

    records: tuple[int, ...]
    said: frozenset[tuple[int, int]]  # hearer, and the message's number there
    issued: int
    passed: int
    acts_left: int


class PlainSearch:
    """Depth first, one event after the other; nothing happens by itself."""

    def __init__(self, bounds: Bounds):
        self.post = Post()
        self.seats = [Seat(who, bounds, self.post, Coverage()) for who in Who]
        self.start = World(tuple(seat.empty for seat in self.seats), frozenset(), 0, 0, bounds.acts)

    def run(self) -> set[World]:
        met, todo = {self.start}, [self.start]
        while todo:
            new = set(self.after(todo.pop())) - met
            met |= new
            todo += new
        return met

    def after(self, world: World):
        for seat in self.seats:
            number = world.records[seat.who]
            yield from self.by_saying(world, seat, number)
            for hearer, message in world.said:
                if hearer == seat.who:
                    yield from self.by_hearing(world, seat, number, message)
            if world.acts_left:
                for move in seat.acts(number, world.issued, world.passed):
                    if move.record != number:
                        spent = world._replace(acts_left=world.acts_left - 1, issued=world.issued + move.codes)
                        yield became(spent, seat, move.record)
        source = self.seats[0].records.values[world.records[0]]
        if world.acts_left and source is not None and source.mine.phase == "pending" and world.passed < source.serial:
            yield world._replace(passed=source.serial, acts_left=world.acts_left - 1)

    def by_saying(self, world: World, seat: Seat, number: int):
        to = asks(seat.records.values[number])
        if to is not None:
            said = Message(sender=seat.who, hearer=to, is_answer=False, statement=seat.stands_for(number))
            yield self.told(world, said)

    def by_hearing(self, world: World, seat: Seat, number: int, message: int):
        for move in seat.hearings(number, message, world.passed):
            assert isinstance(move.event, Hearing)
            after = became(world, seat, move.record)
            to, answer = move.event.message.sender, move.event.answer
            if answer is not None:
                after = self.told(after, Message(sender=seat.who, hearer=to, is_answer=True, statement=answer))
            yield after

    def told(self, world: World, message: Message) -> World:
        return world._replace(said=world.said | {(message.hearer, self.post.number(message))})

    def known(self, world: World):
        return tuple(seat.records.values[number] for seat, number in zip(self.seats, world.records, strict=True))


def became(world: World, seat: Seat, number: int) -> World:
    records = list(world.records)
    records[seat.who] = number
    return world._replace(records=tuple(records))


def known_by_the_search(bounds: Bounds):
    worlds = Worlds(bounds, Coverage())
    met, todo = {worlds.start}, [worlds.start]
    while todo:
        new = {child for child, _cause in worlds.next(todo.pop())[1]} - met
        met |= new
        todo += new
    seen = ((worlds.known(worlds.records(world)), worlds.around(world).passed) for world in met)
    return {((known.source, *known.destinations), passed) for known, passed in seen}, len(met)


@pytest.mark.parametrize(
    "bounds",
    [
        Bounds(codes=1, acts=2),
        pytest.param(Bounds(codes=1, acts=3), marks=pytest.mark.slow),
    ],
)
def test_saying_and_answering_at_once_meets_the_same_records_in_fewer_worlds(bounds):
    plain = PlainSearch(bounds)
    met = plain.run()
    records, count = known_by_the_search(bounds)
    assert {(plain.known(world), world.passed) for world in met} == records
    assert len(met) > 3 * count
