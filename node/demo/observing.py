"""The demo's eyes: an ordinary MQTT subscriber that turns the nodes' events into what was seen."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from node.delivery.broker_url import BrokerUrl
from node.delivery.events import EventError, PresenceEvent, StatusEvent, TraceEvent, decode_event
from node.delivery.mqtt import MqttBroker
from node.demo.expecting import MissingError
from node.demo.seen import Message, Presence, Status
from node.ports import BrokerDownError
from node.real_ports import SystemClock

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

    from node.demo.expecting import Expected
    from node.demo.seen import Event
    from node.ports import BrokerLink, Clock, Publication

ALL: Final = "handclasp/#"
EVENT_S_MAX: Final = 10.0
"""How long an expected event may take; it takes some milliseconds."""


class Observer:
    """Collects what arrives on one link.

    Attributes:
        documents: every event as it arrived: its topic, whether it was retained, the whole event.
        seen: presences and statuses, and messages that both ends have told of; in order of arrival.
    """

    def __init__(self, names: Mapping[str, str], *, clock: Clock | None = None) -> None:
        """`names`: what each node is called, by its id in topics."""
        self._clock = clock or SystemClock()
        self.documents: list[dict[str, Any]] = []
        self.seen: list[Event] = []
        self._names = names
        self._halves: dict[str, TraceEvent] = {}
        self._ids: set[str] = set()
        self._told = 0
        self._news = asyncio.Event()
        self._lost: BrokerDownError | None = None

    async def expect(self, expected: Sequence[Expected], *, within_s: float = EVENT_S_MAX) -> list[Event]:
        """Wait until all of them have come; what came since the last call, in the order in which it happened.

        Raises:
            MissingError: some did not come in time.
            BrokerDownError: the link to the broker broke.
        """
        missing = list(expected)
        begin = self._told
        try:
            async with asyncio.timeout(within_s):
                while missing := [one for one in missing if not any(map(one.fits, self.seen[begin:]))]:
                    await self._until_news()
        except TimeoutError:
            raise MissingError([one.title for one in missing]) from None
        return self.news()

    def news(self) -> list[Event]:
        """What came since the last call, in the order in which it happened: all nodes here have one clock."""
        begin, self._told = self._told, len(self.seen)
        return sorted(self.seen[begin:], key=lambda one: one.at_s)

    async def next_news(self) -> list[Event]:
        """The same, once there is any.

        Raises:
            BrokerDownError: the link to the broker broke.
        """
        while self._told == len(self.seen):
            await self._until_news()
        return self.news()

    async def read(self, link: BrokerLink) -> None:
        """Take in what arrives, until the link breaks."""
        try:
            async for publication in link.messages():
                self._take(publication)
                self._news.set()
        except BrokerDownError as error:
            self._lost = error
            self._news.set()

    async def _until_news(self) -> None:
        self._news.clear()
        if self._lost is not None:
            raise self._lost
        await self._news.wait()

    def _take(self, publication: Publication) -> None:
        try:
            event = decode_event(publication.payload)
        except EventError:
            return  # a cleared topic, or a stranger's: this broker listens to every program of the machine
        side = self._names.get(event.data.node)
        if side is None or event.id in self._ids:
            return  # delivered a second time, as QoS 1 may
        self._ids.add(event.id)
        self.documents.append(
            {"topic": publication.topic, "retained": publication.retain, "event": json.loads(publication.payload)}
        )
        at_s = datetime.fromisoformat(event.time).timestamp()
        match event:
            case PresenceEvent(data=data):
                if data.state == "lost":
                    at_s = self._clock.now()  # a will is written when the link begins: its time is not the loss's
                self.seen.append(
                    Presence(
                        at_s=at_s, side=side, topic=publication.topic, state=data.state, retained=publication.retain
                    )
                )
            case StatusEvent(data=data):
                self.seen.append(
                    Status(
                        at_s=at_s,
                        side=side,
                        topic=publication.topic,
                        status=data.status,
                        seq=data.seq,
                        retained=publication.retain,
                    )
                )
            case TraceEvent():
                self._pair_up(event)

    def _pair_up(self, event: TraceEvent) -> None:
        """A message counts when both ends have told of it, whichever did so first."""
        data = event.data
        other = self._halves.pop(data.message, None)
        if other is None or other.data.direction == data.direction:
            self._halves[data.message] = event
            return
        sent, received = (event, other) if data.direction == "sent" else (other, event)
        self.seen.append(
            Message(
                at_s=datetime.fromisoformat(sent.time).timestamp(),
                received_at_s=datetime.fromisoformat(received.time).timestamp(),
                sender=self._names[sent.data.node],
                recipient=self._names[received.data.node],
                kind=data.kind.value,
                phase=data.phase.value,
                message=data.message,
                size_bytes=data.bytes,
                answer=data.answer,
            )
        )


@asynccontextmanager
async def observing(mqtt_url: str, client_id: str, names: Mapping[str, str]) -> AsyncIterator[Observer]:
    """A subscriber of everything, for as long as the context is open.

    Raises:
        BrokerDownError: on entering, when the broker can't be reached.
    """
    broker = MqttBroker(BrokerUrl.parse(mqtt_url))
    observer = Observer(names)
    async with broker.connect(client_id) as link:
        await link.subscribe(ALL)
        reading = asyncio.create_task(observer.read(link))
        try:
            yield observer
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)
