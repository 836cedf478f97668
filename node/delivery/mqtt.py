"""The Broker port on a real MQTT broker: MQTT 3.1.1 by aiomqtt, a new client for every link.

aiomqtt 2.5 needs some care, and all of it lies here:

- A client that is used again after an outage sends paho's leftovers, or hangs: each link has its own.
- A publish that waits for its PUBACK is not woken when the link drops: it is raced against the disconnection.
- A PUBACK proves neither that the publish was permitted nor that anyone gets it: 3.1.1 can't say so.
- A clean DISCONNECT suppresses the will, also after an error: a link that broke is cut instead.
- Connecting blocks in a thread that nothing can stop: a cancellation waits for it (5 s at most, then TLS).

aiomqtt is imported at the first link, since a node starts without waiting for its broker.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import re
import socket
from typing import TYPE_CHECKING, Final, TypeVar

from node.delivery.mqtt_tls import client_context
from node.ports import BrokerDownError, Publication

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator, Coroutine
    from pathlib import Path

    import aiomqtt
    from paho.mqtt.client import Client, SocketLike

    from node.delivery.broker_url import BrokerUrl

T = TypeVar("T")

KEEPALIVE_S: Final = 15
"""How often the broker hears of a silent node; its will is sent after 1.5 times that (3.1.1, 3.1.2.10)."""

OPERATION_S_MAX: Final = 5.0
"""How long the broker may take to answer one packet before the link counts as broken."""

ARRIVED_MAX: Final = 100
"""How many received messages wait for a node to read them; more are dropped, since it acts on none of them."""

NOBODYS_TOPIC: Final = "handclasp/round-trip"
"""A topic that is neither published nor subscribed to."""

SUBACK_FAILURE: Final = 0x80
"""The return code of a refused subscription (MQTT 3.1.1, 3.9.3)."""

_REFUSALS: Final = {
    2: "it refuses the client id",
    3: "it is not available at the moment",
    4: "user name or password is wrong",
    5: "it does not let this user in",
}
"""CONNACK return codes (MQTT 3.1.1, 3.2.2.3); paho keeps the first, a wrong version, to itself."""

_NUMBERS: Final = re.compile(r"^\[(Errno -?\d+|code:\w+|SSL: \w+)\] *| *\(_ssl\.c:\d+\)")
""""[Errno 111] Connection refused": what an error's text holds for programmers."""


class MqttBroker:
    """Links to one broker."""

    def __init__(
        self,
        url: BrokerUrl,
        *,
        ca_file: Path | None = None,
        keepalive_s: int = KEEPALIVE_S,
        operation_s_max: float = OPERATION_S_MAX,
        arrived_max: int = ARRIVED_MAX,
    ) -> None:
        """Name the broker; nothing is opened yet.

        Args:
            url: where it is and as whom to sign in.
            ca_file: a PEM file of the authorities that `mqtts` is checked against instead of the system's.
            keepalive_s: the interval after which a silent link is probed.
            operation_s_max: how long each answer of the broker may take.
            arrived_max: how many received messages of a link wait for its reader; more are dropped.
        """
        self._url = url
        self._ca_file = ca_file
        self._keepalive_s = keepalive_s
        self._operation_s_max = operation_s_max
        self._arrived_max = arrived_max
        self._tls: ssl.SSLContext | None = None

    @contextlib.asynccontextmanager
    async def connect(self, client_id: str, *, will: Publication | None = None) -> AsyncIterator[MqttLink]:
        """A new link; leaving the context disconnects cleanly, unless the link broke before.

        Raises:
            BrokerDownError: on entering, when no link could be had; the text says why.
        """
        client = self._client(client_id, will)
        await self._enter(client)
        _write_at_once(client)
        link = MqttLink(client, place=self._url.place, operation_s_max=self._operation_s_max)
        try:
            yield link
            await link.close()
        except BrokerDownError:
            raise  # the link broke: a clean goodbye would suppress the will
        except BaseException:
            await link.close()
            raise
        finally:
            _cut(client)

    def _client(self, client_id: str, will: Publication | None) -> aiomqtt.Client:
        import aiomqtt  # noqa: PLC0415 - 60 ms that a node's start need not wait for

        quiet = logging.getLogger(f"{__name__}.paho")
        quiet.setLevel(logging.CRITICAL)  # what it calls an error comes as an exception too, told once
        return aiomqtt.Client(
            self._url.host,
            self._url.port,
            username=self._url.user,
            password=self._url.password,
            identifier=client_id,
            protocol=aiomqtt.ProtocolVersion.V311,
            clean_session=True,
            will=None if will is None else aiomqtt.Will(will.topic, will.payload, qos=will.qos, retain=will.retain),
            timeout=self._operation_s_max,
            keepalive=self._keepalive_s,
            max_queued_incoming_messages=self._arrived_max,
            socket_options=[(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)],  # else each small packet may wait 40 ms
            tls_context=self._tls_context() if self._url.tls else None,
            logger=quiet,
        )

    def _tls_context(self) -> ssl.SSLContext:
        if self._tls is None:
            try:
                self._tls = client_context(self._ca_file)
            except OSError as error:
                raise BrokerDownError(
                    f"The certificate authority file {self._ca_file} can't be used: {error}."
                ) from error
        return self._tls

    async def _enter(self, client: aiomqtt.Client) -> None:
        _retrieve_exceptions(client)
        entering = asyncio.ensure_future(client.__aenter__())
        try:
            await asyncio.shield(entering)
        except asyncio.CancelledError:
            # The thread that connects can't be stopped; abandoned, it would open a socket that nobody closes.
            with contextlib.suppress(Exception):
                await entering
            _cut(client)
            raise
        except (OSError, ValueError, _mqtt_error()) as error:
            _cut(client)
            raise BrokerDownError(self._why_no_link(error)) from error
        _retrieve_exceptions(client)

    def _why_no_link(self, error: Exception) -> str:
        code = getattr(getattr(error, "rc", None), "value", None)
        refusal = _connack_refusal(code)
        if refusal is not None:
            return f"The MQTT broker at {self._url.place} refuses this node: {refusal}."
        return f"The MQTT broker at {self._url.place} can't be reached: {_said(error)}."


class MqttLink:
    """One connection to the broker; it is used until it breaks and never again."""

    def __init__(self, client: aiomqtt.Client, *, place: str, operation_s_max: float) -> None:
        self._link = client
        self._place = place
        self._operation_s_max = operation_s_max
        self._iterator = client.messages
        self._under_way: set[asyncio.Timeout] = set()
        client._disconnected.add_done_callback(self._abandon)  # noqa: SLF001 - see `lost`

    async def publish(self, publication: Publication) -> None:
        """Return once the broker has acknowledged it (QoS 1) or it is written (QoS 0).

        Raises:
            BrokerDownError: the link broke before that; whether the broker has it is then unknown.
        """
        if publication.qos == 0 and not self._link._client.want_write():  # noqa: SLF001 - aiomqtt gives no other way
            self._send(publication)
            return
        await self._until_lost(
            self._link.publish(
                publication.topic,
                publication.payload,
                qos=publication.qos,
                retain=publication.retain,
                timeout=math.inf,
            )
        )

    def _send(self, publication: Publication) -> None:
        """Hand it to a socket that waits for nothing, and wait for nothing either."""
        paho = self._link._client  # noqa: SLF001 - see `publish`
        # paho tells that it has written it with two objects that cost more than the writing, and nobody asks.
        told, paho.on_publish = paho.on_publish, None
        try:
            sent = paho.publish(publication.topic, publication.payload, 0, publication.retain)
        finally:
            paho.on_publish = told
        if sent.rc:
            raise BrokerDownError(self._lost_text(None))

    async def subscribe(self, topic_filter: str) -> None:
        """Ask for the messages of a topic filter at QoS 1.

        Raises:
            BrokerDownError: the link broke, or the broker refused.
        """
        codes = await self._until_lost(self._link.subscribe(topic_filter, qos=1, timeout=math.inf))
        if any(getattr(code, "value", code) >= SUBACK_FAILURE for code in codes):
            raise BrokerDownError(f"The MQTT broker at {self._place} refuses to send {topic_filter}.")

    async def round_trip(self) -> int:
        """Return once the broker has answered all that this link sent before; how much waits for the reader.

        Any broker answers an UNSUBSCRIBE, also of what nobody had asked for (3.1.1, 3.10.4), without looking at
        rights; paho has no public way to send a PINGREQ.

        Raises:
            BrokerDownError: the link broke before that.
        """
        await self._until_lost(self._link.unsubscribe(NOBODYS_TOPIC, timeout=math.inf))
        return len(self._iterator)

    async def messages(self) -> AsyncIterator[Publication]:
        """What arrives, for one reader; ends with BrokerDownError when the link breaks."""
        while True:
            try:
                message = await anext(self._iterator)
            except _mqtt_error() as error:
                raise BrokerDownError(self._lost_text(error)) from error
            yield Publication(
                topic=str(message.topic),
                payload=message.payload,
                qos=message.qos,
                retain=message.retain,
            )

    async def lost(self) -> None:
        """Return when the link is lost."""
        await asyncio.wait({self._link._disconnected})  # noqa: SLF001 - aiomqtt tells it nowhere else

    async def close(self) -> None:
        """Say goodbye, so that the will is not sent; a broker that does not listen is left all the same."""
        with contextlib.suppress(_mqtt_error(), OSError, ValueError):
            await self._link.__aexit__(None, None, None)

    async def _until_lost(self, operation: Coroutine[None, None, T]) -> T:
        """The operation's result; its time is limited here, since aiomqtt's own limit costs a task each time."""
        disconnected = self._link._disconnected  # noqa: SLF001 - see `lost`
        try:
            async with asyncio.timeout(self._operation_s_max) as until_lost:
                self._under_way.add(until_lost)
                try:
                    if disconnected.done():
                        self._abandon(disconnected)
                    return await operation
                finally:
                    self._under_way.discard(until_lost)
        except TimeoutError as error:
            why = disconnected.exception() if disconnected.done() else TimeoutError("the operation timed out")
            raise BrokerDownError(self._lost_text(why)) from error
        except (OSError, _mqtt_error()) as error:
            raise BrokerDownError(self._lost_text(error)) from error

    def _abandon(self, _disconnected: asyncio.Future[None]) -> None:
        for operation in self._under_way:
            if not operation.expired():
                operation.reschedule(0)

    def _lost_text(self, error: BaseException | None) -> str:
        detail = f": {_said(error)}" if error is not None else ""
        return f"The link to the MQTT broker at {self._place} was lost{detail}."


def _said(error: BaseException) -> str:
    """An error's own words, without the numbers for programmers around them."""
    return _NUMBERS.sub("", str(error)).rstrip(".")


def _mqtt_error() -> type[Exception]:
    import aiomqtt  # noqa: PLC0415 - loaded by then, or loaded for the first link

    return aiomqtt.MqttError


def _connack_refusal(code: object) -> str | None:
    # paho hands out 3.1.1's codes as MQTT 5's reason codes.
    as_mqtt_5 = {0x85: 2, 0x88: 3, 0x86: 4, 0x87: 5}
    number = as_mqtt_5.get(code, code) if isinstance(code, int) else None
    return _REFUSALS.get(number) if number is not None else None


def _retrieve_exceptions(client: aiomqtt.Client) -> None:
    """Look at the exception of a lost link, so that asyncio does not report it as never retrieved."""
    client._disconnected.add_done_callback(  # noqa: SLF001 - aiomqtt gives no other way
        lambda future: None if future.cancelled() else future.exception()
    )


def _write_at_once(client: aiomqtt.Client) -> None:
    """Have packets written when they are made, and wait for the socket only while it is full.

    aiomqtt waits for it before each packet, which costs seven system calls and two turns of the loop.
    """
    paho = client._client  # noqa: SLF001 - aiomqtt gives no other way
    paho.disable_logger()  # it is told of every packet, and says nothing that no exception says
    wait_for_socket = paho.on_socket_register_write

    def write(paho: Client, userdata: object, sock: SocketLike) -> None:
        paho.loop_write()
        if sock.fileno() >= 0 and paho.want_write() and wait_for_socket is not None:  # paho closes what broke
            wait_for_socket(paho, userdata, sock)

    paho.on_socket_register_write = write


def _cut(client: aiomqtt.Client) -> None:
    """Close the socket if it is still open, without a goodbye."""
    client._client._sock_close()  # noqa: SLF001 - paho's public ways all say goodbye first
