"""What checks share: how a violation is told, and whose memory went back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NoReturn

from simulations.observer import Observer, ViolationError

if TYPE_CHECKING:
    from simulations.host import Host
    from simulations.rows import Row

Side = tuple[int, str, int, str | None]
"""Revision, phase, switch, reason."""

ACCEPTED: Final = "accepted"
ACTIVE: Final = "active"
ANNOUNCED: Final = "announced"
AWAITING: Final = "awaiting"
CLOSED: Final = "closed"
PENDING: Final = "pending"
BY_PARTNER: Final = "by-partner"
DECLINED: Final = "declined"
SOURCE: Final = "source"
DESTINATION: Final = "destination"
OTHER_ROLE: Final = {SOURCE: DESTINATION, DESTINATION: SOURCE}


def in_words(side: tuple[int | None, str | None, int | None, str | None]) -> str:
    """A side, for a sentence."""
    revision, phase, enabled, reason = side
    return f"{phase} {revision}{' on' if enabled else ''}{f', {reason}' if reason else ''}"


class Check(Observer):
    """An observer that ends the world when its property does not hold."""

    def violated(self, sentence: str) -> NoReturn:
        """The property does not hold.

        Raises:
            ViolationError: always.
        """
        violation = ViolationError(f"{type(self).__name__}: {sentence}")
        self.world.loop.fail(violation)  # the node's code that this comes out in may swallow it
        raise violation

    def called(self, host: Host | str, row: Row) -> str:
        """A connection's row, for a sentence."""
        name = host if isinstance(host, str) else host.name
        label = self.world.network.label(row.connection)
        return f"{name}'s {row.role} {label} (serial {row.serial}, {in_words(row.mine)})"


class Rewinds:
    """How often the memory behind each key was not the continuation of what it was.

    A check that compares a node with its own past compares within one lineage only: what a backup that was put
    back has forgotten, it may do again. A marked backup is told apart from a silent one, for only a silent one
    lets a code live again (protocol section 4, "restore").
    """

    def __init__(self) -> None:
        self._counts: dict[bytes, int] = {}
        self._silent: set[bytes] = set()

    def rewound(self, key: bytes, *, marked: bool) -> None:
        """The memory of that key went back, or was forked."""
        self._counts[key] = self._counts.get(key, 0) + 1
        if not marked:
            self._silent.add(key)

    def lineage(self, key: bytes) -> int:
        """A number that changes with each rewind."""
        return self._counts.get(key, 0)

    def was_silent(self, key: bytes) -> bool:
        """Whether it ever went back unmarked, or was forked."""
        return key in self._silent
