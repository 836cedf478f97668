"""amqtt 0.12.1 with the faults mended that would show in a node's broadcasts.

What it does wrong by itself, each held by a test:

1. A new client gets every retained message that matches any *other* client's subscription.
2. A silent peer is never given up, so its will is never sent (MQTT 3.1.1, 3.1.2.10).
3. What a client published just before its DISCONNECT is dropped, though it was acknowledged.
4. Packets read in one go with the end of the stream are dropped, a DISCONNECT too: a will is sent after a
   goodbye (3.1.2.5).
5. A second link with the client id of a living one leaves the first alive (3.1.4.2); its late will then says
   *lost* of a node that is online.
6. Replaying retained messages waits for the subscriber's acknowledgements, and breaks if someone subscribes
   meanwhile.
7. A connection on which no CONNECT comes is never closed.
8. A will comes at its own QoS to whoever subscribed at a lower one (3.8.4).

Left as they are: no MQTT 5, no memory over a restart, delivery at the subscriber's QoS and not the lower one.
The names overridden are private to amqtt, which is why its version is pinned exactly.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
from typing import TYPE_CHECKING, Any, Final

import amqtt.broker
from amqtt.broker import Broker
from amqtt.mqtt.protocol import handler as protocol_handler
from amqtt.mqtt.protocol.broker_handler import BrokerProtocolHandler
from amqtt.plugins.base import BaseAuthPlugin

if TYPE_CHECKING:
    from amqtt.adapters import ReaderAdapter, WriterAdapter
    from amqtt.mqtt.disconnect import DisconnectPacket
    from amqtt.session import ApplicationMessage, Session

LOOPBACK: Final = "127.0.0.1"
KEEPALIVE_FACTOR: Final = 1.5
CONNECT_S_MAX: Final = 10.0
"""How long a connection may stay without a CONNECT."""

GOODBYE_S_MAX: Final = 0.05
"""How long a link that is to be taken over may still say goodbye: what was sent before is already on its way."""

RETIRE_S_MAX: Final = 1.0
"""How long a link that is taken over may take to close."""


class EveryoneMayEnter(BaseAuthPlugin):  # type: ignore[misc]  # amqtt is not marked as typed
    """Lets every client in: the broker listens on loopback only. amqtt's own one would load argon2 first."""

    async def authenticate(self, *, session: Session) -> bool:
        """True; an anonymous session is forgotten when its link ends."""
        session.is_anonymous = True
        return True


class PatientHeader(protocol_handler.MQTTFixedHeader):  # type: ignore[misc]  # amqtt is not marked as typed
    """Lets the tasks of the packets before it run before the next packet is read (fault 4)."""

    @classmethod
    async def from_stream(cls, reader: ReaderAdapter) -> Any:
        """The next packet's header, None at the end of the stream."""
        await asyncio.sleep(0)
        return await super().from_stream(reader)


class MendedHandler(BrokerProtocolHandler):  # type: ignore[misc]  # amqtt is not marked as typed
    """One client's link."""

    def handle_read_timeout(self) -> None:
        """End a link that was silent for too long, as a loss, so that the will is sent (fault 2)."""
        waiter: asyncio.Future[DisconnectPacket | None] | None = self._disconnect_waiter
        if waiter and not waiter.done():
            waiter.set_result(None)


class MendedBroker(Broker):  # type: ignore[misc]  # amqtt is not marked as typed
    """The embedded broker, on one port of the loopback interface."""

    def __init__(self, port: int) -> None:
        """Prepare it; `start` opens the port."""
        amqtt.broker.BrokerProtocolHandler = MendedHandler
        protocol_handler.MQTTFixedHeader = PatientHeader
        super().__init__(
            {
                "listeners": {"default": {"type": "tcp", "bind": f"{LOOPBACK}:{port}"}},
                "plugins": {f"{EveryoneMayEnter.__module__}.{EveryoneMayEnter.__name__}": {}},
            }
        )
        self._replays: set[asyncio.Task[None]] = set()

    async def stream_connected(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, listener_name: str
    ) -> None:
        """Serve one connection and close it, whatever it sent (fault 7)."""
        try:
            # A client's garbage is its own trouble: amqtt lets several kinds of decoding errors through.
            with contextlib.suppress(Exception):
                await super().stream_connected(reader, writer, listener_name)
        finally:
            writer.close()

    async def _initialize_client_session(
        self, reader: ReaderAdapter, writer: WriterAdapter, remote_address: str, remote_port: int
    ) -> tuple[BrokerProtocolHandler, Session]:
        async with asyncio.timeout(CONNECT_S_MAX):
            handler, session = await super()._initialize_client_session(reader, writer, remote_address, remote_port)
        session.keep_alive = math.ceil(session.keep_alive * KEEPALIVE_FACTOR)
        if session.client_id is not None:
            await self._retire(session.client_id)
        return handler, session

    async def _delete_session(self, client_id: str) -> None:
        await self._retire(client_id)
        await super()._delete_session(client_id)

    async def _retire(self, client_id: str) -> None:
        """End the living link of a client id before another takes its place, by its goodbye or its will (fault 5)."""
        session, handler = self._sessions.get(client_id, (None, None))
        if session is None or handler is None:
            return
        if not await _has_ended(session, within_s=GOODBYE_S_MAX):
            # The link's own task sends the will and marks the session; a peer that reads nothing may hold it up.
            await handler.handle_disconnect(None)
            await _has_ended(session, within_s=RETIRE_S_MAX)

    async def _publish_retained_messages_for_subscription(
        self, subscription: tuple[str, int], session: Session
    ) -> None:
        topic_filter, _ = subscription
        holders = self._subscriptions.get(topic_filter, [])
        granted = next((qos for holder, qos in holders if holder.client_id == session.client_id), None)
        if granted is None:
            return  # someone else's subscription (fault 1)
        replay = asyncio.create_task(
            super()._publish_retained_messages_for_subscription((topic_filter, granted), session)
        )
        self._replays.add(replay)  # fault 6
        replay.add_done_callback(self._replays.discard)

    async def _broadcast_message(
        self,
        session: Session | None,
        topic: str | None,
        data: bytes | bytearray | None,
        force_qos: int | None = None,  # noqa: ARG002 - the will's own QoS (fault 8)
    ) -> None:
        await super()._broadcast_message(session, topic, data)

    async def _client_message_loop(self, client_session: Session, handler: BrokerProtocolHandler) -> None:
        """Serve a client until it is gone: first what it published, its goodbye last (fault 3)."""
        gone = asyncio.ensure_future(handler.wait_disconnect())
        deliver = asyncio.ensure_future(handler.mqtt_deliver_next_message())
        subscribe = asyncio.ensure_future(handler.get_next_pending_subscription())
        unsubscribe = asyncio.ensure_future(handler.get_next_pending_unsubscription())
        try:
            while True:
                waiters: list[asyncio.Future[Any]] = [gone, deliver, subscribe, unsubscribe]
                done, _ = await asyncio.wait(waiters, return_when=asyncio.FIRST_COMPLETED)
                if deliver in done:
                    if not await self._handle_message_delivery(client_session, handler, deliver):
                        await handler.handle_disconnect(None)  # it broke the protocol: that is a loss
                    deliver = asyncio.ensure_future(handler.mqtt_deliver_next_message())
                if subscribe in done:
                    await self._handle_subscription(client_session, handler, subscribe)
                    subscribe = asyncio.ensure_future(handler.get_next_pending_subscription())
                if unsubscribe in done:
                    await self._handle_unsubscription(client_session, handler, unsubscribe)
                    unsubscribe = asyncio.ensure_future(handler.get_next_pending_unsubscription())
                if gone in done:
                    await self._deliver_the_rest(client_session, handler, deliver)
                    await self._handle_disconnect(client_session, handler, gone)
                    return
        finally:
            for waiter in (gone, deliver, subscribe, unsubscribe):
                waiter.cancel()

    async def _deliver_the_rest(
        self,
        session: Session,
        handler: BrokerProtocolHandler,
        deliver: asyncio.Future[ApplicationMessage | None],
    ) -> None:
        # Cancelled, it takes nothing out of the queue any more; done, it has the oldest message.
        deliver.cancel()
        first = (await asyncio.gather(deliver, return_exceptions=True))[0]
        rest = [] if first is None or isinstance(first, BaseException) else [first]
        while not session.delivered_message_queue.empty():
            rest.append(session.delivered_message_queue.get_nowait())
        for message in rest:
            finished: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
            finished.set_result(message)
            if not await self._handle_message_delivery(session, handler, finished):
                return


async def _has_ended(session: Session, *, within_s: float) -> bool:
    loop = asyncio.get_running_loop()
    until = loop.time() + within_s
    while session.transitions.state == "connected" and loop.time() < until:  # noqa: ASYNC110 - no event tells
        await asyncio.sleep(0.001)
    return bool(session.transitions.state != "connected")
