"""Your own MQTT programs in a simulated world: a client with aiomqtt's shape, and decoded events."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self, TypeAlias

import aiomqtt

from node.delivery.events import decode_event
from node.ports import BrokerDownError, Publication

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable

    from node.delivery.events import PresenceEvent, StatusEvent, TraceEvent
    from simulations.broker import SimulatedBroker, SimulatedLink

    Received: TypeAlias = Callable[["Delivery"], object]

ALL_TOPICS: Final = "handclasp/#"
RECONNECT_S: Final = 1.0


class MqttClient:
    """A client of the simulated broker, to be used as an `aiomqtt.Client` is: `World.mqtt` makes it.

    It has what a program needs of that class: `async with`, `messages`, `subscribe`, `unsubscribe`, `publish` and
    `identifier`; messages are `aiomqtt.Message`, and what fails is `aiomqtt.MqttError`. So the function that you test
    can take either.
    """

    def __init__(self, broker: SimulatedBroker, identifier: str, will: aiomqtt.Will | None) -> None:
        self._broker = broker
        self._will = will
        self._stack = contextlib.AsyncExitStack()
        self._link: SimulatedLink | None = None
        self._numbers = 0
        self.identifier = identifier

    async def __aenter__(self) -> Self:
        """Connect.

        Raises:
            aiomqtt.MqttError: the broker is down.
        """
        will = None
        if self._will is not None:
            will = Publication(
                topic=self._will.topic,
                payload=_payload(self._will.payload),
                qos=self._will.qos,
                retain=self._will.retain,
            )
        with _as_mqtt_error():
            self._link = await self._stack.enter_async_context(self._broker.connect(self.identifier, will=will))
        return self

    async def __aexit__(self, *error: object) -> None:
        """Say goodbye: the will is not sent."""
        self._link = None
        await self._stack.aclose()

    @property
    def messages(self) -> AsyncIterator[aiomqtt.Message]:
        """What arrives, one at a time; the iteration ends with `aiomqtt.MqttError` when the link breaks."""
        return self._messages()

    async def _messages(self) -> AsyncIterator[aiomqtt.Message]:
        with _as_mqtt_error():
            async for publication in self._linked.messages():
                self._numbers += 1
                yield aiomqtt.Message(
                    topic=publication.topic,
                    payload=publication.payload,
                    qos=publication.qos,
                    retain=publication.retain,
                    mid=self._numbers,
                    properties=None,
                )

    def has_taken_all(self) -> bool:
        """Whether the link holds, and nothing that the broker has sent on it waits to be taken from `messages`."""
        return self._link is not None and self._link.has_taken_all()

    async def subscribe(self, topic: str | Iterable[tuple[str, Any]], qos: int = 0, **_more: object) -> None:
        """Ask for the messages of a topic filter, or of several; what is retained comes at once.

        The quality of service that is asked for does not matter here: nothing is lost on a link that holds.

        Raises:
            aiomqtt.MqttError: the link broke.
        """
        del qos
        for one in [topic] if isinstance(topic, str) else [each for each, _ in topic]:
            with _as_mqtt_error():
                await self._linked.subscribe(one)

    async def unsubscribe(self, topic: str | Iterable[str], **_more: object) -> None:
        """Ask for no more of them."""
        for one in [topic] if isinstance(topic, str) else list(topic):
            with contextlib.suppress(ValueError):
                self._linked.filters.remove(one)

    async def publish(
        self, topic: str, payload: str | bytes | float | None = None, qos: int = 0, *, retain: bool = False, **_: object
    ) -> None:
        """Publish; with `qos` 1 or 2 return when the broker has acknowledged it.

        Raises:
            aiomqtt.MqttError: the link broke before that.
        """
        publication = Publication(topic=topic, payload=_payload(payload), qos=qos, retain=retain)
        with _as_mqtt_error():
            await self._linked.publish(publication)

    @property
    def _linked(self) -> SimulatedLink:
        if self._link is None:
            raise aiomqtt.MqttError("This client is not connected: use it within `async with`.")
        return self._link


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One message as `World.subscribe` hands it on.

    Attributes:
        topic: where it was published.
        event: what it says; none: the payload is empty, so what was retained there is gone.
        payload: the same as bytes.
        is_retained: whether it is of the past: the broker had kept it for whoever subscribes.
    """

    topic: str
    event: PresenceEvent | StatusEvent | TraceEvent | None
    payload: bytes
    is_retained: bool


class Subscription:
    """Hands on what comes, and connects again whenever the link has broken, as a good subscriber does."""

    def __init__(self, client: Callable[[], MqttClient], topic_filter: str, received: Received) -> None:
        self._client = client
        self._received = received
        self._linked: MqttClient | None = None
        self._is_receiving = False
        self.topic_filter = topic_filter
        self.subscribed = asyncio.Event()

    def is_told_all(self) -> bool:
        """Whether it is subscribed now, and its function has returned from all that the broker has sent."""
        return self._linked is not None and self._linked.has_taken_all() and not self._is_receiving

    async def keep(self) -> None:
        """Do it, and never return.

        Raises:
            BaseException: whatever the function raised that receives.
        """
        while True:
            with contextlib.suppress(aiomqtt.MqttError):
                async with self._client() as client:
                    await client.subscribe(self.topic_filter, qos=1)
                    self._linked = client
                    self.subscribed.set()
                    async for message in client.messages:
                        await self._receive(_delivery(message))
            await asyncio.sleep(RECONNECT_S)

    async def _receive(self, delivery: Delivery) -> None:
        self._is_receiving = True
        try:
            told = self._received(delivery)
            if inspect.isawaitable(told):
                await told
        finally:
            self._is_receiving = False


def _delivery(message: aiomqtt.Message) -> Delivery:
    payload = bytes(message.payload)
    return Delivery(
        topic=message.topic.value,
        event=decode_event(payload) if payload else None,
        payload=payload,
        is_retained=message.retain,
    )


def _payload(given: object) -> bytes:
    match given:
        case None:
            return b""
        case bytes() | bytearray():
            return bytes(given)
        case _:
            return str(given).encode()


@contextlib.contextmanager
def _as_mqtt_error() -> Any:
    try:
        yield
    except BrokerDownError as error:
        raise aiomqtt.MqttError(str(error)) from error
