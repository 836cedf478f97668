"""Dice whose every throw has a name: what one throw shows does not depend on which others were made.

So one fault can be switched off, or a new one added, and all other decisions of the seed stay as they were; that is
what makes a failure shrink.
"""

from __future__ import annotations

import hashlib
import random  # noqa: TID251 - streams that a seed and a name determine

_SCALE = 2.0**-64


class Dice:
    """All throws of one seed. Names are joined, so `throw("a", 1)` and `throw("a", 2)` are two dice."""

    __slots__ = ("_base", "seed")

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self._base = hashlib.blake2b(f"handclasp {seed}".encode(), digest_size=8)

    def fraction(self, *name: object) -> float:
        """A number in [0, 1)."""
        thrown = self._base.copy()
        thrown.update("|".join(map(str, name)).encode())
        return int.from_bytes(thrown.digest(), "big") * _SCALE

    def between(self, lowest: float, highest: float, *name: object) -> float:
        """A number from `lowest` up to, not including, `highest`."""
        return lowest + (highest - lowest) * self.fraction(*name)

    def below(self, limit: int, *name: object) -> int:
        """A whole number from 0 up to, not including, `limit`."""
        return int(limit * self.fraction(*name))

    def stream(self, *name: object) -> random.Random:
        """An endless stream of its own."""
        return random.Random(f"{self.seed}|" + "|".join(map(str, name)))  # noqa: S311 - it must be repeatable
