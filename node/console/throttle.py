"""How often a password may be tried: a few times at once, then ever more seldom.

Each network (an IPv4 /24, an IPv6 /48) has its own count of wrong tries in a row; all of them together share a rate,
since each try costs this node tens of milliseconds. Kept in memory, for a bounded number of networks.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from node.ports import Clock

FREE_TRIES: Final = 5
WAIT_S_MAX: Final = 900
FORGOTTEN_S: Final = 3600
NETWORKS_MAX: Final = 4096
BURST_MAX: Final = 20
TRIES_PER_S_MAX: Final = 5.0


@dataclass(slots=True)
class _Network:
    wrong: int
    at: float

    @property
    def wait_s(self) -> int:
        """How long after its last wrong try it has to wait."""
        beyond = self.wrong - FREE_TRIES
        return 0 if beyond < 0 else min(2 ** min(beyond, 30), WAIT_S_MAX)


class SignInTries:
    """The wrong tries of each network, and the rate of all."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._networks: OrderedDict[str, _Network] = OrderedDict()
        self._left = float(BURST_MAX)
        self._at = clock.now()

    def wait_s(self, network: str) -> int:
        """How many seconds a network has to wait before its next try; 0: it may try."""
        now = self._clock.now()
        self._left = min(self._left + max(now - self._at, 0) * TRIES_PER_S_MAX, BURST_MAX)
        self._at = now
        if self._left < 1:
            return 1
        known = self._networks.get(network)
        if known is None:
            return 0
        passed_s = now - known.at
        if not 0 <= passed_s <= FORGOTTEN_S:  # the clock may be set back
            del self._networks[network]
            return 0
        return max(0, math.ceil(known.wait_s - passed_s))

    def tried(self, network: str) -> None:
        """Count a try as wrong, before it is known whether it is: many at once are many."""
        self._left -= 1
        known = self._networks.get(network)
        self._networks[network] = _Network((known.wrong if known else 0) + 1, self._clock.now())
        self._networks.move_to_end(network)
        if len(self._networks) > NETWORKS_MAX:
            self._networks.popitem(last=False)

    def was_right(self, network: str) -> None:
        """Forget the wrong tries of a network."""
        self._networks.pop(network, None)
