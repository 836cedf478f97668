"""Faults as values: what goes wrong, where and when; a plan of them can be drawn, printed, shrunk and repeated."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from simulations.kit import given

if TYPE_CHECKING:
    from simulations.kit.nodes import Node
    from simulations.kit.script import MessageKind
    from simulations.kit.world import World


@dataclass(frozen=True, slots=True, kw_only=True)
class Drop:
    """A message never arrives; see `World.drop`.

    Attributes:
        kind: only messages of that kind; none: any.
        answer: not the question, but its answer.
        nth: the how many-th of those, counted from 1, from when the plan is given to the world.
    """

    kind: MessageKind | None = None
    answer: bool = False
    nth: int = 1

    def strike(self, world: World) -> None:
        """Begin."""
        world.drop(self.kind, answer=self.answer, nth=self.nth)


@dataclass(frozen=True, slots=True, kw_only=True)
class Delay:
    """A message arrives late; see `World.delay`.

    Attributes:
        kind, answer, nth: as of `Drop`.
        by_s: how late, in virtual seconds.
    """

    kind: MessageKind | None = None
    answer: bool = False
    nth: int = 1
    by_s: float = 1.0

    def strike(self, world: World) -> None:
        """Begin."""
        world.delay(self.kind, answer=self.answer, nth=self.nth, by_s=self.by_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class Duplicate:
    """A question arrives once more; see `World.duplicate`.

    Attributes:
        kind, nth: as of `Drop`.
        after_s: how long after it was sent, in virtual seconds.
    """

    kind: MessageKind | None = None
    nth: int = 1
    after_s: float = 1.0

    def strike(self, world: World) -> None:
        """Begin."""
        world.duplicate(self.kind, nth=self.nth, after_s=self.after_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class Partition:
    """Nobody reaches anybody, from `at_s` on, for `lasts_s` seconds."""

    at_s: float = 0.0
    lasts_s: float = 60.0

    def __post_init__(self) -> None:
        given.seconds(at_s=self.at_s, lasts_s=self.lasts_s)

    def strike(self, world: World) -> None:
        """Begin; in a world of one node there is nobody to be reached."""
        if len(world.all_nodes) > 1:
            world.later(self.at_s, lambda: world.partition(*world.all_nodes))
        world.later(self.at_s + self.lasts_s, world.mend_partition)


@dataclass(frozen=True, slots=True, kw_only=True)
class Crash:
    """A node, by its number, loses its power after `at_s` seconds and is turned on again `away_s` seconds later."""

    node: int = 0
    at_s: float = 0.0
    away_s: float = 1.0

    def __post_init__(self) -> None:
        given.seconds(at_s=self.at_s, away_s=self.away_s)

    def strike(self, world: World) -> None:
        """Begin."""
        node: Node = world.all_nodes[self.node % len(world.all_nodes)]
        world.later(self.at_s, node.crash)
        world.later(self.at_s + self.away_s, node.restart)


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerOutage:
    """The broker is away from `at_s` on, for `lasts_s` seconds; `forgets`: without its retained messages afterwards."""

    at_s: float = 0.0
    lasts_s: float = 60.0
    forgets: bool = False

    def __post_init__(self) -> None:
        given.seconds(at_s=self.at_s, lasts_s=self.lasts_s)

    def strike(self, world: World) -> None:
        """Begin."""
        world.later(self.at_s, lambda: world.stop_broker(forgets=self.forgets))
        world.later(self.at_s + self.lasts_s, world.start_broker)


@dataclass(frozen=True, slots=True, kw_only=True)
class RepeatedBroadcasts:
    """The broker hands the next status events on twice, so many of them (`times`); see `World.repeat_broadcasts`."""

    times: int = 1

    def strike(self, world: World) -> None:
        """Begin."""
        world.repeat_broadcasts(self.times)


PlannedFault: TypeAlias = Drop | Delay | Duplicate | Partition | Crash | BrokerOutage | RepeatedBroadcasts
"""One fault of a plan."""
