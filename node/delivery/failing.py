"""What is known of partners that do not answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from node.connections.views import instant

if TYPE_CHECKING:
    from node.causes import Cause
    from node.connections.shapes import WaitingView


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """What a statement to a partner waits for.

    Attributes:
        cause: why the last try brought no answer; none before the first.
        sentence: the same for people.
        tries: how many tries in a row brought none.
        next_at: when the next one is, in Unix seconds; none while one is under way.
    """

    cause: Cause | None
    sentence: str
    tries: int
    next_at: float | None

    def view(self) -> WaitingView:
        """As JSON."""
        return {
            "cause": self.cause,
            "sentence": self.sentence,
            "tries": self.tries,
            "next_at": instant(self.next_at) if self.next_at is not None else None,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Failing:
    """A partner that does not answer at one of its URLs, as far as this process has tried.

    Attributes:
        key: whom it is.
        url: where it does not answer.
        cause: why the last try brought no answer.
        sentence: the same for people.
        tries: how many in a row brought none.
        since: when the first of them ended, in Unix seconds; `last_at`: likewise the last one.
        next_at: when the next one is; none while one is under way.
        restated: the numbers of connections that are to be stated there again though nothing is owed.
    """

    key: bytes
    url: str
    cause: Cause
    sentence: str
    tries: int
    since: float
    last_at: float
    next_at: float | None
    restated: frozenset[int]
