"""Draws that a seed determines, and how drawn values are written as an instance stores them."""

from __future__ import annotations

import hashlib
import random  # noqa: TID251 - streams that a seed and a name determine
from bisect import bisect
from datetime import UTC, datetime
from functools import cache, lru_cache
from itertools import accumulate
from typing import TYPE_CHECKING, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Sequence

T = TypeVar("T")

MINUTE_S: Final = 60
HOUR_S: Final = 3600
DAY_S: Final = 86_400

_SYS_ID_BYTES: Final = 16
_TWO_DIGITS: Final = tuple(f"{number:02}" for number in range(60))


class Draw:
    """An endless stream of its own for each seed and name: what one part draws moves nothing in another."""

    __slots__ = ("_bits", "_fraction", "_whole")

    def __init__(self, seed: int, *name: object) -> None:
        stream = random.Random("|".join(map(str, (seed, *name))))  # noqa: S311 - it must be repeatable
        self._fraction = stream.random
        self._whole = stream.randrange
        self._bits = stream.getrandbits

    def chance(self, part: float) -> bool:
        """True in that part of all cases."""
        return self._fraction() < part

    def between(self, lowest: float, highest: float) -> float:
        """A number from `lowest` up to, not including, `highest`."""
        return lowest + (highest - lowest) * self._fraction()

    def whole(self, lowest: int, highest: int) -> int:
        """A whole number; both ends may come."""
        return lowest + int((highest - lowest + 1) * self._fraction())

    def one(self, of: Sequence[T]) -> T:
        """One of them."""
        return of[int(len(of) * self._fraction())]

    def some(self, count: int, of: Sequence[T]) -> list[T]:
        """Several different ones, or all of them in another order."""
        rest = list(of)
        return [rest.pop(int(len(rest) * self._fraction())) for _ in range(min(count, len(rest)))]

    def weighted(self, of: Sequence[T], weights: Sequence[float]) -> T:
        """One of them, as often as its weight says."""
        limits = _limits(tuple(weights))
        return of[bisect(limits, self._fraction() * limits[-1])]

    def digits(self, count: int) -> str:
        """As many decimal digits, the first one no zero."""
        return str(self._whole(10 ** (count - 1), 10**count))

    def sys_id(self) -> str:
        """A sys_id of no name; quicker than one that has a name."""
        return f"{self._bits(8 * _SYS_ID_BYTES):032x}"


def sys_id(seed: int, *name: object) -> str:
    """The sys_id of what a seed has under that name."""
    text = "|".join(map(str, ("handclasp demo data", seed, *name)))
    return hashlib.blake2b(text.encode(), digest_size=_SYS_ID_BYTES).hexdigest()


def instant(at_s: float) -> str:
    """Seconds since 1970 as `YYYY-MM-DD HH:MM:SS`, UTC."""
    day, second = divmod(int(at_s), DAY_S)
    minute, second = divmod(second, MINUTE_S)
    return f"{_day(day)} {_TWO_DIGITS[minute // 60]}:{_TWO_DIGITS[minute % 60]}:{_TWO_DIGITS[second]}"


def day(at_s: float) -> str:
    """The day of it, `YYYY-MM-DD`."""
    return _day(int(at_s) // DAY_S)


def flag(value: object) -> str:
    """A boolean as the instance stores it."""
    return "true" if value else "false"


def number(prefix: str, position: int) -> str:
    """The number of a demo record, as in `INC0000042`; those that an instance gives itself begin higher."""
    return f"{prefix}{position:07}"


@lru_cache(maxsize=4096)
def _day(day_number: int) -> str:
    return datetime.fromtimestamp(day_number * DAY_S, UTC).strftime("%Y-%m-%d")


@cache
def _limits(weights: tuple[float, ...]) -> tuple[float, ...]:
    return tuple(accumulate(weights))
