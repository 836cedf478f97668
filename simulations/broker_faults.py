"""What goes wrong with the broker, and when."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from simulations.faults import LASTING_S, Fault

if TYPE_CHECKING:
    from node.ports import Publication
    from simulations.faults import Window
    from simulations.world import World

TAKES_S: Final = (0.0005, 0.004)


class BrokerFaults:
    """The broker's overseer; see `simulations.broker.BrokerOverseer`.

    Attributes:
        repeated_by_hand: how many of the next statuses are handed on twice, beside those that the seed chooses.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self._steps = 0
        self._publications = 0
        self._last = b""
        self._last_topic = ""
        self.repeated_by_hand = 0
        self._unacknowledged: set[bytes] = set()

    def schedule(self) -> None:
        """Let the outages of this seed come."""
        world = self._world
        for window in world.plan.windows(
            Fault.BROKER_OUTAGE, "broker", at_most=2, within_s=world.shape.chaos_s, lasts_s=LASTING_S
        ):
            world.later(window.begins_s, self._go_down, window)
            world.later(window.ends_s, self.come_up)

    def _go_down(self, window: Window) -> None:
        world = self._world
        forgets = world.plan.below(2, "forgets", *window.what) == 0
        if world.broker.is_up and not world.is_healed:
            world.plan.struck_now(window.kind, *window.what)
            world.trace.add("broker", "down", forgets=forgets)
            world.broker.go_down(forgets=forgets)

    def come_up(self) -> None:
        """An outage is over."""
        if not self._world.broker.is_up:
            self._world.trace.add("broker", "up")
            self._world.broker.come_up()

    def broker_takes_s(self) -> float:
        """See `BrokerOverseer`."""
        self._steps += 1
        return self._world.dice.between(*TAKES_S, "broker", self._steps)

    def acknowledgement_is_lost(self, client_id: str) -> bool:
        """See `BrokerOverseer`."""
        lost = self._world.plan.strikes(Fault.BROKER_ACK_LOST, client_id[-4:], self._publications)
        if lost:
            self._world.trace.add("broker", "fault", fault=Fault.BROKER_ACK_LOST.value, client=client_id)
            self._unacknowledged.add(self._last)
        return lost

    def is_repeated(self, client_id: str) -> bool:
        """See `BrokerOverseer`."""
        repeated = self._world.plan.strikes(Fault.BROKER_DUPLICATE, client_id[-4:], self._publications)
        if self.repeated_by_hand and self._last_topic.endswith("/status"):
            self.repeated_by_hand -= 1
            repeated = True
        if repeated:
            self._world.trace.add("broker", "fault", fault=Fault.BROKER_DUPLICATE.value, client=client_id)
            self._world.plan.mattered.add(Fault.BROKER_DUPLICATE)
        return repeated

    def refused(self, client_id: str) -> None:
        """See `BrokerOverseer`."""
        self._world.trace.add("broker", "refused", client=client_id)
        self._world.plan.mattered.add(Fault.BROKER_OUTAGE)

    def published(self, client_id: str, link: int, publication: Publication) -> None:
        """See `BrokerOverseer`."""
        self._publications += 1
        self._last, self._last_topic = publication.payload, publication.topic
        if self._last in self._unacknowledged:
            self._world.plan.mattered.add(Fault.BROKER_ACK_LOST)
        self._world.told.published(client_id, link, publication)

    def linked(self, client_id: str, link: int) -> None:
        """See `BrokerOverseer`."""
        self._world.told.linked(client_id, link)

    def unlinked(self, client_id: str, link: int, why: str) -> None:
        """See `BrokerOverseer`."""
        self._world.told.unlinked(client_id, link, why)
