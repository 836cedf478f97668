"""How often wrong credentials may be tried: a number at once, then so many a second, for each who is counted.

Kept in memory, for a bounded number of keys, and forgotten at a restart.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Hashable

    from node.ports import Clock

KEYS_MAX: Final = 4_096


@dataclass(slots=True)
class _Bucket:
    left: float
    at: float


class Tries:
    """A bucket of tries for each key."""

    def __init__(self, clock: Clock, *, at_once: int, per_s: float) -> None:
        self._clock = clock
        self._at_once = at_once
        self._per_s = per_s
        self._buckets: OrderedDict[Hashable, _Bucket] = OrderedDict()

    def wait_s(self, key: Hashable) -> int:
        """How many seconds it is to the next try of that key; 0: it may try."""
        if key not in self._buckets:
            return 0
        left = self._refilled(key).left
        return 0 if left >= 1 else math.ceil((1 - left) / self._per_s)

    def take(self, key: Hashable) -> None:
        """Count a try as wrong, before it is known whether it is: many at once are many."""
        bucket = self._refilled(key)
        bucket.left = max(bucket.left - 1, 0)

    def give_back(self, key: Hashable) -> None:
        """The try was right."""
        bucket = self._refilled(key)
        bucket.left = min(bucket.left + 1, self._at_once)

    def _refilled(self, key: Hashable) -> _Bucket:
        now = self._clock.now()
        bucket = self._buckets.setdefault(key, _Bucket(self._at_once, now))
        self._buckets.move_to_end(key)
        if len(self._buckets) > KEYS_MAX:
            self._buckets.popitem(last=False)
        passed_s = max(now - bucket.at, 0)  # the clock may be set back
        bucket.left, bucket.at = min(bucket.left + passed_s * self._per_s, self._at_once), now
        return bucket
