"""How requests get into and out of one running node: the level of a world.

At the direct level the application is called without a socket (`server`), at the http level real clients and servers
exchange bytes over links in memory (`simulations.http`). The node, the store, the broker, the faults and the checks
are the same.
"""

from __future__ import annotations

import contextvars
from typing import TYPE_CHECKING, Protocol

from node.causes import Cause
from node.ports import HttpAnswer, NetworkError
from protocol.limits import REQUEST_S_MAX
from simulations.server import DirectServer

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Mapping

    from node.app import Node
    from node.ports import PeerNetwork
    from simulations.calls import Call
    from simulations.core.loop import SimulationLoop
    from simulations.host import Host
    from simulations.network import Network


class Carrier(Protocol):
    """One running node's way to others, and theirs to it.

    Attributes:
        network: the port that the node reaches others by.
    """

    network: PeerNetwork

    async def listen(self, node: Node) -> None:
        """Begin to take requests."""
        ...

    async def stop(self) -> None:
        """Take none any more, as the node's process does when it ends."""
        ...

    def receive(self, call: Call) -> None:
        """Take a request of another node in; `call.answered` is told what comes of it."""
        ...

    async def ask(self, method: str, path: str, *, headers: Mapping[str, str], body: bytes) -> HttpAnswer:
        """What the node answers to somebody at its own machine; no fault is on that way. It may never come."""
        ...

    def let_go(self) -> None:
        """The world is over."""
        ...


def path_of(url: str) -> tuple[str, str]:
    """The host of a URL and the path on it."""
    host, slash, path = url.removeprefix("http://").partition("/")
    return host, slash + path


class DirectCarrier:
    """The direct level."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._servers: dict[str, DirectServer]
        self.network: PeerNetwork = _DirectNetwork(host)

    async def listen(self, node: Node) -> None:
        """See `Carrier`."""
        plan = self._host.plan
        self._servers = {
            plan.node_host: DirectServer(node.node_app),
            plan.instance_host: DirectServer(node.instance_app),
        }

    async def stop(self) -> None:
        """See `Carrier`."""

    def server_at(self, url_host: str) -> DirectServer:
        """Its server at a host name; a request that went astray names another one: it is for the node URL."""
        return self._servers.get(url_host) or self._servers[self._host.plan.node_host]

    def receive(self, call: Call) -> None:
        """See `Carrier`."""
        self._host.spawn(self._serve(call))

    async def _serve(self, call: Call) -> None:
        host = self._host
        host.open_requests += 1
        call.answered(
            await self.server_at(call.target).answer(
                call.method, call.path, host=call.target, headers=call.headers, body=call.body, remote=call.remote
            )
        )
        host.open_requests -= 1

    async def ask(self, method: str, path: str, *, headers: Mapping[str, str], body: bytes) -> HttpAnswer:
        """See `Carrier`."""
        host, loop = self._host, self._host.world.loop
        answered: asyncio.Future[HttpAnswer] = loop.create_future()

        async def serve() -> None:
            answer = await self._servers[host.plan.node_host].answer(
                method, path, host=host.plan.node_host, headers=headers, body=body, remote="127.0.0.1"
            )
            if not answered.done():
                answered.set_result(answer)

        host.spawn(serve())
        return await answered

    def let_go(self) -> None:
        """See `Carrier`."""


class _Waiting:
    """The `Asker` of the direct level: the caller waits for a future."""

    def __init__(self, loop: SimulationLoop) -> None:
        self.future: asyncio.Future[HttpAnswer] = loop.create_future()

    def is_waiting(self) -> bool:
        """See `Asker`."""
        return not self.future.done()

    def take(self, answer: HttpAnswer) -> None:
        """See `Asker`."""
        self.future.set_result(answer)

    def take_part(self, answer: HttpAnswer, share: float) -> bool:
        """See `Asker`: an odd number of bytes stands for a transport that notices."""
        kept = int(share * (len(answer.body) + 1))
        if kept % 2:
            self.break_off(Cause.UNREACHABLE, "The answer broke off.")
            return False
        self.take(HttpAnswer(status=answer.status, headers=answer.headers, body=answer.body[:kept]))
        return True

    def break_off(self, cause: Cause, sentence: str) -> None:
        """See `Asker`."""
        if not self.future.done():
            self.future.set_exception(NetworkError(cause, sentence))
            self.future.exception()  # whoever asked may have lost its power, and nobody looks at it then


class _DirectNetwork:
    """The `PeerNetwork` port of one machine at the direct level."""

    def __init__(self, host: Host) -> None:
        self._host = host

    async def get(self, url: str) -> HttpAnswer:
        """See `PeerNetwork.get`."""
        return await self._call("GET", url, headers={}, body=b"")

    async def post(self, url: str, body: bytes, *, content_type: str) -> HttpAnswer:
        """See `PeerNetwork.post`."""
        return await self._call("POST", url, headers={"Content-Type": content_type}, body=body)

    async def _call(self, method: str, url: str, *, headers: dict[str, str], body: bytes) -> HttpAnswer:
        network: Network = self._host.world.network
        loop = self._host.world.loop
        host, path = path_of(url)
        call = network.begin(self._host.name, self._host.plan.remote, method, host, path, headers=headers, body=body)
        asker = call.asker = _Waiting(loop)
        late = f"{host} did not answer within {REQUEST_S_MAX} s."
        timer = loop.call_later(REQUEST_S_MAX, asker.break_off, Cause.UNREACHABLE, late, context=contextvars.Context())
        network.send(call)
        try:
            return await asker.future
        except NetworkError as error:
            network.no_answer(call, error.cause)
            raise
        finally:
            timer.cancel()
