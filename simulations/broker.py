"""The broker port: one MQTT broker for the whole world, in virtual time, that faults may break.

It does what the shipped node needs of MQTT 3.1.1: retained messages, wildcards, wills, one session for each client id
(a second link with the same id ends the first), QoS 1 acknowledgements. Messages of one link keep their order.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from functools import lru_cache
from typing import TYPE_CHECKING, Protocol

from msgspec import structs

from node.ports import BrokerDownError, Publication

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

_DOWN = "The simulated broker is down."
_LOST = "The link to the simulated broker was lost."


class BrokerOverseer(Protocol):
    """What the world decides of the broker, and is told of it."""

    def broker_takes_s(self) -> float:
        """How long the broker takes for one step, in virtual seconds."""
        ...

    def acknowledgement_is_lost(self, client_id: str) -> bool:
        """Whether the link breaks after the broker took a message and before it said so."""
        ...

    def is_repeated(self, client_id: str) -> bool:
        """Whether subscribers get a message twice, as QoS 1 permits."""
        ...

    def published(self, client_id: str, link: int, publication: Publication) -> None:
        """The broker has taken a message that arrived on that link."""
        ...

    def refused(self, client_id: str) -> None:
        """A client that wanted a link found no broker."""
        ...

    def linked(self, client_id: str, link: int) -> None:
        """A client has a link."""
        ...

    def unlinked(self, client_id: str, link: int, why: str) -> None:
        """It has it no more."""
        ...


@lru_cache(maxsize=4096)
def matches(topic_filter: str, topic: str) -> bool:
    """Whether a topic is meant by a filter with wildcards (MQTT 3.1.1, 4.7.1)."""
    wanted, levels = topic_filter.split("/"), topic.split("/")
    for place, level in enumerate(wanted):
        if level == "#":
            return True
        if place >= len(levels) or level not in ("+", levels[place]):
            return False
    return len(wanted) == len(levels)


class SimulatedBroker:
    """The broker of a world.

    Attributes:
        retained: what a client that subscribes now is sent.
        is_up: whether links can be had.
    """

    def __init__(self, overseer: BrokerOverseer) -> None:
        self._overseer = overseer
        self._links: dict[str, SimulatedLink] = {}
        self._watchers: list[tuple[str, Callable[[Publication], None]]] = []
        self._link_count = 0
        self.retained: dict[str, Publication] = {}
        self.is_up = True

    def watch(self, topic_filter: str, received: Callable[[Publication], None]) -> None:
        """Subscribe as a program that watches; it is never cut off, and gets what a subscriber gets."""
        self._watchers.append((topic_filter, received))

    @contextlib.asynccontextmanager
    async def connect(self, client_id: str, *, will: Publication | None = None) -> AsyncIterator[SimulatedLink]:
        """See `node.ports.Broker`."""
        await asyncio.sleep(self._overseer.broker_takes_s())
        if not self.is_up:
            self._overseer.refused(client_id)
            raise BrokerDownError(_DOWN)
        self._drop(client_id, "replaced")
        self._link_count += 1
        link = self._links[client_id] = SimulatedLink(self, self._overseer, client_id, self._link_count, will)
        self._overseer.linked(client_id, link.number)
        try:
            yield link
        except BrokerDownError:
            self._drop(client_id, "lost", link)
            raise
        except BaseException:
            self._forget(link)
            raise
        self._forget(link)

    def go_down(self, *, forgets: bool) -> None:
        """The broker dies: no will is sent. `forgets`: its retained messages are gone when it comes back."""
        self.is_up = False
        links, self._links = self._links, {}
        for link in links.values():
            link.break_off()
            self._overseer.unlinked(link.client_id, link.number, "broker down")
        if forgets:
            self.retained.clear()

    def come_up(self) -> None:
        """Links can be had again."""
        self.is_up = True

    def client_lost(self, client_id: str) -> None:
        """A client is silent for too long, or its machine is off: its will is published."""
        self._drop(client_id, "silent")

    def take(self, link: SimulatedLink, publication: Publication) -> None:
        """Keep and hand on what arrived on a link."""
        self._overseer.published(link.client_id, link.number, publication)
        self._route(link.client_id, publication)

    def present(self, link: SimulatedLink, topic_filter: str) -> None:
        """Send a new subscriber what is retained."""
        for topic in sorted(self.retained):
            if matches(topic_filter, topic):
                link.arrive(self.retained[topic])

    def _route(self, client_id: str, publication: Publication) -> None:
        if publication.retain:
            if publication.payload:
                self.retained[publication.topic] = publication
            else:
                self.retained.pop(publication.topic, None)
        times = 2 if publication.qos and self._overseer.is_repeated(client_id) else 1
        live = structs.replace(publication, retain=False)  # retained is what comes of the past (MQTT 3.1.1, 3.3.1.3)
        for _ in range(times):
            for topic_filter, received in self._watchers:
                if matches(topic_filter, publication.topic):
                    received(publication)
            for link in self._links.values():
                if any(matches(topic_filter, publication.topic) for topic_filter in link.filters):
                    link.arrive(live)

    def _drop(self, client_id: str, why: str, link: SimulatedLink | None = None) -> None:
        dropped = self._links.get(client_id)
        if dropped is None or (link is not None and dropped is not link):
            return
        del self._links[client_id]
        dropped.break_off()
        self._overseer.unlinked(client_id, dropped.number, why)
        if dropped.will is not None:
            self._overseer.published(client_id, dropped.number, dropped.will)
            self._route(client_id, dropped.will)

    def _forget(self, link: SimulatedLink) -> None:
        """The client said goodbye."""
        if self._links.get(link.client_id) is link:
            del self._links[link.client_id]
            link.break_off()
            self._overseer.unlinked(link.client_id, link.number, "goodbye")


class SimulatedLink:
    """One client's link; see `node.ports.BrokerLink`."""

    def __init__(
        self,
        broker: SimulatedBroker,
        overseer: BrokerOverseer,
        client_id: str,
        number: int,
        will: Publication | None,
    ) -> None:
        self._broker = broker
        self._overseer = overseer
        self._lost = asyncio.Event()
        self._arrived: deque[Publication] = deque()
        self._news = asyncio.Event()
        self.client_id = client_id
        self.number = number
        self.will = will
        self.filters: list[str] = []

    def break_off(self) -> None:
        """It is of no use any more."""
        self._lost.set()
        self._news.set()

    def arrive(self, publication: Publication) -> None:
        """Something comes in."""
        self._arrived.append(publication)
        self._news.set()

    def has_taken_all(self) -> bool:
        """Whether the link holds, and nothing that came in on it waits to be taken from `messages`."""
        return not self._lost.is_set() and not self._arrived

    async def publish(self, publication: Publication) -> None:
        """See `BrokerLink.publish`."""
        await asyncio.sleep(self._overseer.broker_takes_s())
        self._check()
        self._broker.take(self, publication)
        if publication.qos:
            if self._overseer.acknowledgement_is_lost(self.client_id):
                self._broker.client_lost(self.client_id)
            await asyncio.sleep(self._overseer.broker_takes_s())
            self._check()

    async def subscribe(self, topic_filter: str) -> None:
        """See `BrokerLink.subscribe`."""
        await asyncio.sleep(self._overseer.broker_takes_s())
        self._check()
        self.filters.append(topic_filter)
        self._broker.present(self, topic_filter)

    async def round_trip(self) -> int:
        """See `BrokerLink.round_trip`."""
        await asyncio.sleep(self._overseer.broker_takes_s())
        self._check()
        return len(self._arrived)

    async def messages(self) -> AsyncIterator[Publication]:
        """See `BrokerLink.messages`."""
        while True:
            while self._arrived:
                yield self._arrived.popleft()
            self._check()
            self._news.clear()
            await self._news.wait()

    async def lost(self) -> None:
        """See `BrokerLink.lost`."""
        await self._lost.wait()

    def _check(self) -> None:
        if self._lost.is_set():
            raise BrokerDownError(_LOST)
