"""The http level of one running node: the shipped client and the shipped server, on links in memory."""

from __future__ import annotations

import contextlib
from ipaddress import ip_network
from typing import TYPE_CHECKING, Any, Final

import aiohttp
from aiohttp.abc import AbstractResolver

from node.http_server import serve_http
from node.network.addresses import AddressPolicy, AllowEntry
from node.network.client import AiohttpPeerNetwork
from node.network.reach import own_reach
from node.ports import HttpAnswer, NetworkError
from simulations.carriers import path_of
from simulations.http.links import CALL, Exchange, ListeningSocket, OwnSocket, PeerSocket, ServerLink, pieces_of

if TYPE_CHECKING:
    from collections.abc import Coroutine, Mapping

    from aiohttp import web
    from aiohttp.abc import ResolveResult

    from node.app import Node
    from node.ports import PeerNetwork
    from simulations.calls import Call
    from simulations.host import Host
    from simulations.http.messages import WireAnswer

NETWORK: Final = ip_network("10.0.0.0/8")
"""Where all machines of a world are."""


class HttpCarrier:
    """See `simulations.carriers.Carrier`."""

    def __init__(self, host: Host, addresses: Mapping[str, str]) -> None:
        self.host = host
        self.loop = host.world.loop
        self.node_host = host.plan.node_host
        self.addresses = addresses
        self._listening: dict[str, ListeningSocket] = {}
        self._servers: list[web.AppRunner] = []
        self._client = AiohttpPeerNetwork(
            AddressPolicy(own=own_reach(host.node_url), allow=(AllowEntry(network=NETWORK),), allow_http_private=True),
            resolver=Names(addresses),
            socket_factory=lambda _address: PeerSocket(self),  # type: ignore[arg-type,return-value]  # stands for one
        )
        self._own: aiohttp.ClientSession | None = None
        self.network: PeerNetwork = _HttpNetwork(host, self._client)

    async def listen(self, node: Node) -> None:
        """See `Carrier`."""
        plan = self.host.plan
        for url_host, app in ((plan.node_host, node.node_app), (plan.instance_host, node.instance_app)):
            listening: Any = ListeningSocket(self.addresses[url_host])
            self._servers.append(await serve_http(app, listening))
            self._listening[url_host] = listening

    async def stop(self) -> None:
        """See `Carrier`."""
        for server in reversed(self._servers):
            await server.cleanup()
        await self._client.close()

    def accept(self, url_host: str, *, there: str) -> ServerLink:
        """Take a new link, from that address; one that went astray is for the node URL."""
        listening = self._listening.get(url_host) or self._listening[self.node_host]
        return ServerLink(self.loop, listening, there=there)

    def receive(self, call: Call) -> None:
        """See `Carrier`."""
        exchange, link = call.asker, None
        if isinstance(exchange, Exchange) and call.linked_to is self.host:
            link = exchange.link.server
            if exchange.link.taken_by is not self or link is None or link.end.is_closing():
                exchange.link.end.reset()  # the process that had this link is gone
                return
        single = link or self.accept(call.target, there=call.remote)
        host = self.host
        host.open_requests += 1

        def answered(answer: WireAnswer) -> None:
            host.open_requests -= 1
            if isinstance(exchange, Exchange):
                exchange.is_answered = True
            call.answered(answer)
            if link is None:
                single.end.end()

        single.take(pieces_of(call.raw, call), answered)

    async def ask(self, method: str, path: str, *, headers: Mapping[str, str], body: bytes) -> HttpAnswer:
        """See `Carrier`."""
        if self._own is None:
            self._own = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(
                    resolver=Names(self.addresses),
                    socket_factory=lambda _address: OwnSocket(self),  # type: ignore[arg-type,return-value]  # likewise
                    force_close=True,
                ),
                timeout=aiohttp.ClientTimeout(total=None),
            )
        url = f"http://{self.node_host}{path}"
        async with self._own.request(method, url, headers=headers, data=body) as response:
            return HttpAnswer(
                status=response.status,
                headers={name.lower(): value for name, value in response.headers.items()},
                body=await response.read(),
            )

    def let_go(self) -> None:
        """See `Carrier`: what is left open would complain when it is collected."""
        _step(self._client.close())
        if self._own is not None:
            _step(self._own.close())


class _HttpNetwork:
    """The `PeerNetwork` port: the shipped one, looked over the shoulder of."""

    def __init__(self, host: Host, client: AiohttpPeerNetwork) -> None:
        self._host = host
        self._client = client

    async def get(self, url: str) -> HttpAnswer:
        """See `PeerNetwork.get`."""
        return await self._watched("GET", url, b"", self._client.get(url))

    async def post(self, url: str, body: bytes, *, content_type: str) -> HttpAnswer:
        """See `PeerNetwork.post`."""
        return await self._watched("POST", url, body, self._client.post(url, body, content_type=content_type))

    async def _watched(
        self, method: str, url: str, body: bytes, request: Coroutine[Any, Any, HttpAnswer]
    ) -> HttpAnswer:
        network = self._host.world.network
        host, path = path_of(url)
        call = network.begin(self._host.name, self._host.plan.remote, method, host, path, headers={}, body=body)
        before = CALL.set(call)
        try:
            return await request
        except NetworkError as error:
            network.no_answer(call, error.cause)
            raise
        finally:
            CALL.reset(before)


class Names(AbstractResolver):
    """The world's name service; it is never wrong."""

    def __init__(self, addresses: Mapping[str, str]) -> None:
        self._addresses = addresses

    async def resolve(self, host: str, port: int = 0, family: int = 0) -> list[ResolveResult]:  # noqa: ARG002 - there is one
        """See aiohttp.

        Raises:
            OSError: there is no such name.
        """
        if host not in self._addresses:
            raise OSError(None, f"{host} is no name of this world.")
        return [
            {
                "hostname": host,
                "host": self._addresses[host],
                "port": port,
                "family": ListeningSocket.family,
                "proto": 0,
                "flags": 0,
            }
        ]

    async def close(self) -> None:
        """There is nothing to give back."""


def _step(closing: Coroutine[Any, Any, None]) -> None:
    """Begin to close something that nobody will wait for."""
    with contextlib.suppress(BaseException):
        closing.send(None)
    closing.close()
