"""Once faults stop: whatever is said and heard in whatever order, it ends, and it ends in agreement.

From the records of a world, with nothing left in the mail, the nodes go on by themselves: whoever owes asks, and
everybody who is not closed asks once more (the resync). An exchange is a question that arrives and an answer that
arrives. All orders of exchanges are followed, and both choices of an announcement.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from simulations.exploring.properties import broken_by_rest
from simulations.exploring.seats import Hearing, Message, Move, asks

if TYPE_CHECKING:
    from collections.abc import Iterator

    from simulations.exploring.rules import Who
    from simulations.exploring.worlds import Records, Worlds

EXCHANGES_MAX: Final = 100
"""So many exchanges on end are without end; a handful is usual."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """Why a world does not come to rest in agreement, and the exchanges that lead there."""

    sentence: str
    path: tuple[Move, ...] = ()


class Settling:
    """Follows exchanges; each set of records is judged once."""

    def __init__(self, worlds: Worlds) -> None:
        self._worlds = worlds
        self._judged: dict[tuple[Records, int], Trouble | None] = {}
        self._open: set[Records] = set()
        self._exchanged: dict[tuple[Who, int, Who, int, int], list[tuple[Move, Move]]] = {}

    @property
    def judged(self) -> int:
        """How many sets of records were followed to their end."""
        return len(self._judged)

    def trouble(self, records: Records, passed: int) -> Trouble | None:
        """What goes wrong from here; none if every order of exchanges ends in agreement."""
        key = (records, passed)
        if key not in self._judged:
            if records in self._open or len(self._open) > EXCHANGES_MAX:
                return Trouble(sentence="Two nodes go on and on answering each other.")
            self._open.add(records)
            self._judged[key] = self._follow(records, passed)
            self._open.remove(records)
        return self._judged[key]

    def _follow(self, records: Records, passed: int) -> Trouble | None:
        is_at_rest = True
        for moves, after in self._exchanges(records, passed):
            if after == records:
                continue
            is_at_rest = False
            trouble = self.trouble(after, passed)
            if trouble is not None:
                return Trouble(sentence=trouble.sentence, path=(*moves, *trouble.path))
        if not is_at_rest:
            return None
        broken = broken_by_rest(self._worlds.known(records))
        return Trouble(sentence=broken) if broken is not None else None

    def _exchanges(self, records: Records, passed: int) -> Iterator[tuple[tuple[Move, ...], Records]]:
        nodes = self._worlds.nodes
        for asker in nodes:
            hearer = asks(self._worlds.seats[asker].records.values[records[asker]])
            if hearer is None or hearer not in nodes:
                continue
            for moves in self._exchange(asker, records[asker], hearer, records[hearer], passed):
                after = [*records]
                after[hearer], after[asker] = (move.record for move in moves)
                source, a, b = after
                yield moves, (source, a, b)

    def _exchange(self, asker: Who, asking: int, hearer: Who, hearing: int, passed: int) -> list[tuple[Move, Move]]:
        """What can come of one question: how it is heard, and how its answer is."""
        key = (asker, asking, hearer, hearing, passed)
        found = self._exchanged.get(key)
        if found is None:
            ask, listen, post = self._worlds.seats[asker], self._worlds.seats[hearer], self._worlds.post
            question = Message(sender=asker, hearer=hearer, is_answer=False, statement=ask.stands_for(asking))
            found = []
            for heard in listen.hearings(hearing, post.number(question), passed):
                if not isinstance(heard.event, Hearing) or heard.event.answer is None:
                    raise TypeError("a question is heard, and answered")
                answer = Message(sender=hearer, hearer=asker, is_answer=True, statement=heard.event.answer)
                found += [(heard, told) for told in ask.hearings(asking, post.number(answer), passed)]
            self._exchanged[key] = found
        return found
