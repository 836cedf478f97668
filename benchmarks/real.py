"""The real nodes as a thing to measure: two node processes, their broker, and a driver of whole handshakes."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING

import msgspec
from node.data_directory import read_admin_token
from node.free_ports import LOOPBACK
from node.local_pair.processes import LocalPair

from benchmarks.statuses import ActiveWatch

if TYPE_CHECKING:
    from pathlib import Path

    import aiohttp

ACTIVE_S_MAX = 30.0
"""How long a handshake may take; none takes a hundredth of that."""

_CREATED = 201


class _Connection(msgspec.Struct):
    sys_id: str


class _Answer(msgspec.Struct):
    connection: _Connection
    invitation_code: str = ""


class RealPair:
    """Two nodes with all that they do: signatures, durable commits, broadcasts, admins who authenticate.

    Codes are unbound and nobody is asked (`ask_me` is false). No destination URL is given, so nothing is checked
    and nothing announced: with one, a handshake has more hops.
    """

    def __init__(self, folder: Path) -> None:
        self._pair = LocalPair(folder)
        self._watch = ActiveWatch()
        self._headers: list[dict[str, str]] = []

    @property
    def broker(self) -> str:
        """Which broker it is."""
        return self._pair.broker.kind.value

    @property
    def pids(self) -> tuple[int, int]:
        """The process ids of source and destination."""
        source, destination = (node.pid or 0 for node in self._pair.nodes)
        return source, destination

    async def start(self) -> None:
        """Start the broker and the nodes; return when they are ready.

        Raises:
            PairStartError: one of them did not start.
        """
        await self._pair.start()
        for node in self._pair.nodes:
            token = read_admin_token(node.data)
            self._headers.append({"Authorization": f"Bearer {token}", "Content-Type": "application/json"})
        await self._watch.start(LOOPBACK, self._pair.broker.port)

    async def stop(self) -> None:
        """Stop all."""
        await self._watch.stop()
        await self._pair.stop()

    async def handshake(self, http: aiohttp.ClientSession, number: int) -> None:
        """One whole handshake: done when both sides were broadcast as Active."""
        wish = {"name": f"handshake {number}", "local_short_name": "a", "remote_short_name": "b", "ask_me": False}
        initiated = await self._ask(http, 0, "/connections", wish)
        active = self._watch.expect(initiated.connection.sys_id)
        await self._ask(http, 1, "/invitations/accept", {"code": initiated.invitation_code})
        async with asyncio.timeout(ACTIVE_S_MAX):
            await active

    async def _ask(self, http: aiohttp.ClientSession, side: int, path: str, body: dict[str, object]) -> _Answer:
        url = f"{self._pair.nodes[side].node_url}/api/v1{path}"
        async with http.post(url, data=msgspec.json.encode(body), headers=self._headers[side]) as answer:
            data = await answer.read()
        if answer.status != _CREATED:
            sys.exit(f"The node {self._pair.nodes[side].name} answered {answer.status}: {data.decode()[:300]}")
        return msgspec.json.decode(data, type=_Answer)
