"""The small ports of a simulated node: its clock, its dice, and who counts what it does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from node.metrics import Metrics

if TYPE_CHECKING:
    import random  # noqa: TID251 - the type of a seeded stream
    from collections.abc import Callable

    from node.causes import Cause

EPOCH_S = 1_800_000_000
"""The instant at which every world begins, in Unix seconds."""


class SimulatedClock:
    """The `Clock` port: virtual time, and how far this machine's clock is off."""

    __slots__ = ("_now", "ahead_s")

    def __init__(self, now: Callable[[], float], *, ahead_s: float = 0.0) -> None:
        self._now = now
        self.ahead_s = ahead_s

    def now(self) -> float:
        """The instant that this machine takes for the present one, in Unix seconds."""
        return EPOCH_S + self._now() + self.ahead_s


class SimulatedEntropy:
    """The `Entropy` port on a stream that the seed determines."""

    __slots__ = ("_stream",)

    def __init__(self, stream: random.Random) -> None:
        self._stream = stream

    def token(self, size_bytes: int) -> bytes:
        """That many bytes."""
        return self._stream.randbytes(size_bytes)

    def fraction(self) -> float:
        """A number in [0, 1)."""
        return self._stream.random()


class ObservedMetrics(Metrics):
    """What a node counts, handed on to the world; the real counters read the machine's clock when they are made."""

    def __init__(  # no call of super: there is no registry
        self, *, heard: Callable[[str, str], None], attempted: Callable[[Cause | None], None]
    ) -> None:
        self._heard = heard
        self._attempted = attempted

    def message_received(self, *, kind: str, result: str) -> None:
        """See `Metrics`."""
        self._heard(kind, result)

    def delivery_attempted(self, cause: Cause | None) -> None:
        """See `Metrics`."""
        self._attempted(cause)

    def set_owed(self, count: int) -> None:
        """Nobody asks."""

    def set_broadcasts_waiting(self, count: int) -> None:
        """Nobody asks."""

    def set_broker_connected(self, *, connected: bool) -> None:
        """Nobody asks."""

    def committed(self, *, duration_s: float, unit_count: int) -> None:
        """Nobody asks."""

    def request_answered(self, *, route: str, method: str, status: int, duration_s: float) -> None:
        """Nobody asks."""

    def render(self) -> bytes:
        """There is nothing to show."""
        return b""
