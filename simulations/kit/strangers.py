"""Your own HTTP programs in a simulated world: any aiohttp application as a service or as a peer, and a client."""

from __future__ import annotations

import contextvars
from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Final

import aiohttp
from aiohttp import web
from yarl import URL

from simulations.core.loop import SimulatedSocket
from simulations.host import HostPlan
from simulations.http.carrier import HttpCarrier, Names
from simulations.http.ends import End
from simulations.http.links import HTTP_PORT, PlainLink
from simulations.http.messages import bytes_of, take_message

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Coroutine

    from node.ports import HttpAnswer
    from simulations.calls import Call
    from simulations.server import DirectServer
    from simulations.world import World as SeededWorld

FIRST_NUMBER: Final = 101
"""Addresses of programs begin behind those of nodes."""

STRANGERS_MAX: Final = 100
HERE: Final = "10.255.255.1"
"""The address of your programs as clients."""


class Stranger:
    """A machine on which no node of ours runs, but an application of yours; a destination of requests.

    Attributes:
        name: its host name, such as `tickets.test`.
        carrier: how requests get into it.
    """

    stays_away = False

    def __init__(self, world: SeededWorld, name: str, app: web.Application, number: int) -> None:
        self.world = world
        self.name = name
        self.app = app
        self.node_url = f"http://{name}"
        self.open_requests = 0
        self.plan = replace(HostPlan.numbered(number, name=name), node_host=name, instance_host=f"other.{name}")
        world.machines.addresses |= {name: self.plan.remote, self.plan.instance_host: self.plan.instance_address}
        self.carrier = world.new_carrier(self)  # type: ignore[arg-type]  # all that a carrier asks of a machine is here
        self._is_up = False

    async def start(self) -> None:
        """Take requests."""
        if not isinstance(self.carrier, HttpCarrier):
            self.app.freeze()
            await self.app.startup()  # at the http level its server does that
        both: Any = SimpleNamespace(node_app=self.app, instance_app=web.Application())
        await self.carrier.listen(both)
        self._is_up = True

    def is_reachable(self) -> bool:
        """See `simulations.calls.Destination`."""
        return self._is_up

    def receive(self, call: Call) -> None:
        """See `simulations.calls.Destination`."""
        self.carrier.receive(call)

    def spawn(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Run something on this machine, which never loses its power."""
        task = self.world.loop.create_task(work, context=contextvars.Context())
        task.add_done_callback(self.world.loop.expect_success)
        return task


def new_session(world: SeededWorld, **more: Any) -> aiohttp.ClientSession:
    """An `aiohttp.ClientSession` that reaches every URL of the world, and no other."""
    addresses = world.machines.addresses
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(
            resolver=Names(addresses),
            socket_factory=lambda address: _Socket(world, str(address[4][0])),  # type: ignore[arg-type,return-value]
            force_close=True,
        ),
        cookie_jar=aiohttp.DummyCookieJar(),  # others ask the machine's clock
        **more,
    )


class _Socket(SimulatedSocket):
    """A socket of your program; no fault is on the way from it."""

    def __init__(self, world: SeededWorld, address: str) -> None:
        self._world = world
        self._url_host = next(name for name, one in world.machines.addresses.items() if one == address)

    async def connect(self, address: tuple[str, int]) -> None:
        """See `SimulatedSocket`."""
        destination = self._world.machines.at(self._url_host)
        if destination is None or not destination.is_reachable():
            raise ConnectionRefusedError(f"Nothing listens at {self._url_host} ({address[0]}).")

    def attach(self, factory: Callable[[], asyncio.BaseProtocol]) -> tuple[asyncio.Transport, asyncio.BaseProtocol]:
        """See `SimulatedSocket`."""
        destination: Any = self._world.machines.at(self._url_host)
        link: PlainLink | _DirectLink
        if isinstance(destination.carrier, HttpCarrier):
            there = (self._url_host, HTTP_PORT)
            link = PlainLink(destination.carrier, self._url_host, factory, here=(HERE, 0), there=there)
        else:
            link = _DirectLink(self._world, destination, self._url_host, factory)
        link.end.protocol.connection_made(link.end)
        return link.end, link.end.get_protocol()


class _DirectLink:
    """To a machine of the direct level: what was written is read here, and its application is called."""

    def __init__(
        self, world: SeededWorld, destination: Any, url_host: str, factory: Callable[[], asyncio.BaseProtocol]
    ) -> None:
        self._sent = bytearray()
        self._destination = destination
        self._url_host = url_host
        context = contextvars.copy_context()
        self.end = End(world.loop, context, factory, self, here=(HERE, 0), there=(url_host, HTTP_PORT))

    def wrote(self, data: bytes) -> None:
        """See `LinkSide`."""
        self._sent += data
        raw = take_message(self._sent)
        if raw is not None:
            self._destination.spawn(self._serve(raw))

    async def _serve(self, raw: bytes) -> None:
        head, _, body = raw.partition(b"\r\n\r\n")
        request_line, *lines = head.decode("latin-1").split("\r\n")
        method, target, _version = request_line.split(" ")
        headers = {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}
        headers.pop("Host", None)
        server: DirectServer = self._destination.carrier.server_at(self._url_host)
        answer: HttpAnswer = await server.answer(
            method, str(URL(target, encoded=True)), host=self._url_host, headers=headers, body=body, remote=HERE
        )
        self.end.arrive([bytes_of(answer)])

    def closed(self) -> None:
        """See `LinkSide`."""
