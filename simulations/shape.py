"""How large a world is, drawn from its seed: small, for most faults need few nodes and a short story."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self

from node.settings import Announcements

if TYPE_CHECKING:
    from simulations.core.dice import Dice

HOSTS: Final = (2, 2, 3)
CONNECTIONS: Final = (1, 1, 2, 2, 3)
CHAOS_S: Final = (300.0, 86400.0)
ANNOUNCEMENTS: Final = (Announcements.ANYONE,) * 3 + (Announcements.KNOWN, Announcements.OFF)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """What a world has.

    Attributes:
        hosts: how many machines.
        connections: how many connections its admins begin.
        chaos_s: how long faults strike and admins act.
        announcements: whose invitations the nodes show.
    """

    hosts: int
    connections: int
    chaos_s: float
    announcements: Announcements

    @classmethod
    def drawn(cls, dice: Dice) -> Self:
        """The shape of a seed's world."""
        shortest, longest = CHAOS_S
        return cls(
            hosts=HOSTS[dice.below(len(HOSTS), "hosts")],
            connections=CONNECTIONS[dice.below(len(CONNECTIONS), "connections")],
            chaos_s=shortest * (longest / shortest) ** dice.fraction("chaos"),
            announcements=ANNOUNCEMENTS[dice.below(len(ANNOUNCEMENTS), "announcements")],
        )
