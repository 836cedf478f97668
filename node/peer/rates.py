"""How much a network may send that brings this node nothing: above that it is turned away before anything is read.

A network is an IPv4 /24 or an IPv6 /48. What was refused counts (a wrong carrier, a malformed envelope, a bad
signature), and so does a good envelope of a stranger, which costs as much and is as easily made: keys are free, so
there is no measure for each key. A busy partner is never slowed. Where a flood and a partner share a network, the
partner's key is known from its earlier messages, and its envelopes are taken all the same; the flood's cost no
signature check. All of it is kept in memory, for a bounded number of networks, and forgotten at a restart.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from node.ports import Clock

REFUSED_BURST_MAX: Final = 100
REFUSED_PER_S_MAX: Final = 10.0
NETWORKS_MAX: Final = 4096
PARTNERS_PER_NETWORK_MAX: Final = 256


@dataclass(slots=True)
class _Network:
    at: float
    left: float = REFUSED_BURST_MAX
    partners: OrderedDict[bytes, None] = field(default_factory=OrderedDict)


class RefusalRates:
    """A bucket for each network of what is not welcome, and the partners that speak from there."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._networks: OrderedDict[str, _Network] = OrderedDict()

    def wait_s(self, network: str) -> int:
        """How many seconds a network is to stay away; 0: it may speak."""
        known = self._networks.get(network)
        if known is None:
            return 0
        left = self._refilled(known)
        return 0 if left >= 1 else max(1, math.ceil((1 - left) / REFUSED_PER_S_MAX))

    def has_partners(self, network: str) -> bool:
        """Whether a partner was heard from there."""
        known = self._networks.get(network)
        return known is not None and bool(known.partners)

    def is_partner(self, network: str, key: bytes) -> bool:
        """Whether that key was heard from there as a partner."""
        known = self._networks.get(network)
        return known is not None and key in known.partners

    def refused(self, network: str) -> None:
        """Tell that an envelope from there was refused, or was a stranger's."""
        known = self._known(network)
        known.left = max(self._refilled(known) - 1, 0)

    def heard_partner(self, network: str, key: bytes) -> None:
        """Tell that a verified envelope of a partner came from there."""
        partners = self._known(network).partners
        partners[key] = None
        partners.move_to_end(key)
        if len(partners) > PARTNERS_PER_NETWORK_MAX:
            partners.popitem(last=False)

    def _known(self, network: str) -> _Network:
        known = self._networks.get(network)
        if known is None:
            known = self._networks[network] = _Network(self._clock.now())
            if len(self._networks) > NETWORKS_MAX:
                self._networks.popitem(last=False)
        self._networks.move_to_end(network)
        return known

    def _refilled(self, known: _Network) -> float:
        now = self._clock.now()
        passed_s = max(now - known.at, 0)  # the clock may be set back
        known.at = now
        known.left = min(known.left + passed_s * REFUSED_PER_S_MAX, REFUSED_BURST_MAX)
        return known.left
