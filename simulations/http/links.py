"""Links between machines: what a client writes becomes a request on the network, what a server writes an answer.

Bytes are handed to the network a whole message at a time, since that is what faults befall; they are handed to the
protocols in pieces, as a network does. Requests of one link come one after the other (HTTP/1.1).
"""

from __future__ import annotations

import asyncio
import contextvars
from contextvars import ContextVar
from typing import TYPE_CHECKING, Final

from simulations.core.loop import SimulatedSocket
from simulations.http.ends import End
from simulations.http.messages import bytes_of, read_answer, take_message

if TYPE_CHECKING:
    from collections.abc import Callable

    from node.causes import Cause
    from node.ports import HttpAnswer
    from simulations.calls import Call, Destination
    from simulations.core.loop import SimulationLoop
    from simulations.http.carrier import HttpCarrier
    from simulations.http.messages import WireAnswer

    Factory = Callable[[], asyncio.BaseProtocol]

HTTP_PORT: Final = 80
PIECES_MAX: Final = 3

CALL: ContextVar[Call] = ContextVar("call")
"""The request that a node's client is at work on."""


class ListeningSocket(SimulatedSocket):
    """Where a server of a machine takes links."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.factory: Factory | None = None
        self.context = contextvars.Context()

    def getsockname(self) -> tuple[str, int]:
        """See the socket module."""
        return self.address, HTTP_PORT

    def listen(self, factory: Factory) -> asyncio.AbstractServer:
        """See `SimulatedSocket`."""
        self.factory, self.context = factory, contextvars.copy_context()
        return _Server(self)


class _Server(asyncio.AbstractServer):
    def __init__(self, listening: ListeningSocket) -> None:
        self._listening = listening

    def close(self) -> None:
        self._listening.factory = None

    def is_serving(self) -> bool:
        return self._listening.factory is not None

    def get_loop(self) -> asyncio.AbstractEventLoop:
        return asyncio.get_running_loop()

    async def start_serving(self) -> None:
        """It does."""

    async def serve_forever(self) -> None:
        """Not needed: aiohttp keeps a server by itself."""
        raise NotImplementedError

    async def wait_closed(self) -> None:
        """Links that are open are aiohttp's to close."""


class ServerLink:
    """The server's side of a link: requests go in, an answer comes out for each."""

    def __init__(self, loop: SimulationLoop, listening: ListeningSocket, *, there: str) -> None:
        assert listening.factory is not None  # noqa: S101 - callers ask a machine that serves
        self._received = bytearray()
        self._answered: Callable[[WireAnswer], None] | None = None
        self.gone: Callable[[], None] = lambda: None
        self.end = End(
            loop, listening.context, listening.factory, self, here=(listening.address, HTTP_PORT), there=(there, 0)
        )
        loop.call_soon(self.end.protocol.connection_made, self.end, context=listening.context)

    def take(self, pieces: list[bytes], answered: Callable[[WireAnswer], None]) -> None:
        """A whole request arrives; `answered` is told the whole answer."""
        self._answered = answered
        self.end.arrive(pieces)

    def wrote(self, data: bytes) -> None:
        """See `LinkSide`."""
        self._received += data
        raw = take_message(self._received)
        if raw is not None and self._answered is not None:
            answered, self._answered = self._answered, None
            answered(read_answer(raw))

    def closed(self) -> None:
        """See `LinkSide`."""
        self.gone()


class PeerSocket(SimulatedSocket):
    """A socket of a node's client, on its way to a partner."""

    def __init__(self, carrier: HttpCarrier) -> None:
        self._carrier = carrier
        self._call: Call
        self._destination: Destination | None = None

    async def connect(self, address: tuple[str, int]) -> None:  # noqa: ARG002 - it is the one that the call is for
        """See `SimulatedSocket`."""
        world, self._call = self._carrier.host.world, CALL.get()
        await asyncio.sleep(world.plan.between(*world.network.latency_s, "connects", self._call.name))
        try:
            self._destination = world.network.reach(self._call)
        except LookupError:
            await world.loop.create_future()  # until the client's time is over

    def attach(self, factory: Factory) -> tuple[asyncio.Transport, asyncio.BaseProtocol]:
        """See `SimulatedSocket`."""
        link = PeerLink(self._carrier, self._call, self._destination, factory)
        return _connected(link.end)


class PeerLink:
    """The client's side of a link between nodes."""

    def __init__(self, carrier: HttpCarrier, call: Call, destination: Destination | None, factory: Factory) -> None:
        self._world = carrier.host.world
        self._destination = destination
        self._name = call.name
        self._sent = bytearray()
        self._is_server_gone = False
        self.current: Exchange | None = None
        self.end = End(
            carrier.loop,
            contextvars.copy_context(),
            factory,
            self,
            here=(call.remote, 0),
            there=(carrier.addresses[call.target], HTTP_PORT),
        )
        self.server: ServerLink | None = None
        self.taken_by = taken_by = carrier_of(destination) if destination is not None else None
        if taken_by is not None:
            self.server = taken_by.accept(call.target, there=call.remote)
            self.server.gone = self._server_gone

    def wrote(self, data: bytes) -> None:
        """See `LinkSide`."""
        self._sent += data
        raw = take_message(self._sent)
        if raw is None:
            return
        network, call = self._world.network, CALL.get()
        if call.raw:  # aiohttp itself asks once more, when a link that it kept turns out to be gone
            call = network.repeat(call)
        call.raw, call.linked_to = raw, self._destination
        call.asker = self.current = Exchange(self, call)
        network.send(call)

    def closed(self) -> None:
        """See `LinkSide`."""
        self.current = None
        if self.server is not None:
            self._later(self.server.end.end)

    def deliver(self, call: Call, raw: bytes) -> None:
        """Bytes of an answer reach the client."""
        self.current = None
        self.end.arrive(pieces_of(raw, call))
        if self._is_server_gone:
            self.end.end()

    def _server_gone(self) -> None:
        self._is_server_gone = True
        self._later(self._end_arrives)

    def _end_arrives(self) -> None:
        if self.current is None or not self.current.is_answered:  # else the answer is before it on the link
            self.end.end()

    def _later(self, callback: Callable[[], None]) -> None:
        world = self._world
        delay_s = world.plan.between(*world.network.latency_s, "link's end", self._name)
        world.loop.call_later(delay_s, callback, context=contextvars.Context())


class Exchange:
    """One request of a link, until its answer is there: the `Asker` of the http level."""

    def __init__(self, link: PeerLink, call: Call) -> None:
        self.link = link
        self.is_answered = False
        self._call = call

    def is_waiting(self) -> bool:
        """See `Asker`."""
        return self.link.current is self

    def take(self, answer: HttpAnswer) -> None:
        """See `Asker`."""
        self.link.deliver(self._call, bytes_of(answer))

    def take_part(self, answer: HttpAnswer, share: float) -> bool:
        """See `Asker`: whoever reads HTTP notices."""
        raw = bytes_of(answer)
        kept = int(share * len(raw))
        self.link.deliver(self._call, raw[:kept])
        (self.link.end.end if kept % 2 else self.link.end.reset)()
        return False

    def break_off(self, cause: Cause, sentence: str) -> None:  # noqa: ARG002 - the client finds its own words
        """See `Asker`."""
        if self.is_waiting():
            self.link.end.reset()


class OwnSocket(SimulatedSocket):
    """A socket of somebody at a node's own machine; nothing befalls what goes over it."""

    def __init__(self, carrier: HttpCarrier) -> None:
        self._carrier = carrier

    async def connect(self, address: tuple[str, int]) -> None:
        """See `SimulatedSocket`."""

    def attach(self, factory: Factory) -> tuple[asyncio.Transport, asyncio.BaseProtocol]:
        """See `SimulatedSocket`."""
        own = ("127.0.0.1", 0)
        return _connected(PlainLink(self._carrier, self._carrier.node_host, factory, here=own, there=own).end)


class PlainLink:
    """To a node's machine: bytes go to its server, bytes come back, and nothing befalls them."""

    def __init__(
        self,
        carrier: HttpCarrier,
        url_host: str,
        factory: Factory,
        *,
        here: tuple[str, int],
        there: tuple[str, int],
    ) -> None:
        self._sent = bytearray()
        self._server = carrier.accept(url_host, there=here[0])
        self.end = End(carrier.loop, contextvars.copy_context(), factory, self, here=here, there=there)
        self._server.gone = self.end.end

    def wrote(self, data: bytes) -> None:
        """See `LinkSide`."""
        self._sent += data
        raw = take_message(self._sent)
        if raw is not None:
            self._server.take([raw], lambda answer: self.end.arrive([answer.raw]))

    def closed(self) -> None:
        """See `LinkSide`."""
        self._server.end.end()


def _connected(end: End) -> tuple[asyncio.Transport, asyncio.BaseProtocol]:
    """What `create_connection` returns: the protocol knows its transport by then."""
    end.protocol.connection_made(end)
    return end, end.get_protocol()


def carrier_of(destination: Destination) -> HttpCarrier:
    """What takes links at a machine; all machines of a world are of one level."""
    carrier: HttpCarrier = destination.carrier  # type: ignore[attr-defined]
    return carrier


def pieces_of(raw: bytes, call: Call) -> list[bytes]:
    """The bytes in order, in some pieces, as they come out of a network."""
    plan = call.network.plan
    count = plan.below(PIECES_MAX, "pieces", call.name)
    places = sorted(plan.below(len(raw) + 1, "piece", call.name, number) for number in range(count))
    return [raw[begin:end] for begin, end in zip([0, *places], [*places, len(raw)], strict=True) if begin < end]
