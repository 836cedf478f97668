"""The real clock and the real dice: the only module that may ask the operating system for either.

`node.app` puts them behind the ports of `node.ports`; a simulation puts its own there instead.
"""

import secrets
import time
from typing import Final

FRACTION_BITS: Final = 53
"""How many random bits a float in [0, 1) can hold without rounding up to 1."""


class SystemClock:
    """The `Clock` port on this machine's wall clock."""

    __slots__ = ()

    def now(self) -> float:
        """The present instant, in Unix seconds; it may step back when the machine's clock is set."""
        return time.time()  # this is the Clock port  # noqa: TID251 - before there is a loop, or the real port itself


class SystemEntropy:
    """The `Entropy` port on the operating system's generator, fit for keys."""

    __slots__ = ()

    def token(self, size_bytes: int) -> bytes:
        """That many unpredictable bytes."""
        return secrets.token_bytes(size_bytes)

    def fraction(self) -> float:
        """A number in [0, 1), each multiple of 2^-53 equally likely."""
        return secrets.randbits(FRACTION_BITS) / (1 << FRACTION_BITS)
