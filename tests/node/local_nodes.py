"""Real nodes in the test's own process: real store, real HTTP on loopback, no broker unless one is given."""

from __future__ import annotations

import contextlib
import shutil
import socket
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING, Any

import aiohttp
from aiohttp import web

from node.app import Node, Ports, Profile
from node.console.console import ConsoleProfile
from node.data_directory import DataDirectory
from node.instance.front import InstanceFront
from node.instance.profile import InstanceProfile
from node.license.license import LICENSE_FILE, open_license
from node.metrics import Metrics
from node.network.addresses import AddressPolicy
from node.network.client import AiohttpPeerNetwork
from node.network.reach import Reach
from node.real_ports import SystemEntropy
from node.settings import Accent, Announcements
from node.store.database import Database
from node.store.writer import GroupCommitStore
from protocol.limits import RESYNC_S
from tests.node.people_world import image

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from node.ports import Broker


@cache
def node_image() -> Path:
    """A new node's database, made once for all nodes of this process: its schema takes half of a start."""
    path = Path(mkdtemp()) / "node.db"
    Database(path).close()
    return path


class MovableClock:
    """A real clock that a test can move."""

    def __init__(self) -> None:
        import time

        self._time = time.time
        self.ahead_s = 0.0

    def now(self) -> float:
        return self._time() + self.ahead_s


@dataclass
class LocalNode:
    """A running node and an admin's view of it."""

    node: Node
    url: str
    token: str
    password: str
    data: Path
    clock: MovableClock
    instance: InstanceFront
    http: aiohttp.ClientSession

    async def admin(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        headers = {"Authorization": f"Bearer {self.token}"}
        async with self.http.request(method, f"{self.url}/api/v1{path}", json=body, headers=headers) as answer:
            return answer.status, await answer.json(content_type=None)

    async def initiate(self, to: LocalNode | str | None, *, name: str = "a_to_b", **more: Any) -> Any:
        url = to.url if isinstance(to, LocalNode) else to
        body = {"destination_url": url, "name": name, "local_short_name": "a", "remote_short_name": "b"} | more
        status, answer = await self.admin("POST", "/connections", body)
        assert status == 201, answer
        return answer

    async def accept(self, code: str, **more: Any) -> tuple[int, Any]:
        return await self.admin("POST", "/invitations/accept", {"code": code} | more)

    async def connection(self, sys_id: str) -> Any:
        status, answer = await self.admin("GET", f"/connections/{sys_id}")
        return answer["connection"] if status == 200 else None

    async def until(self, sys_id: str, status: str, *, tries: int = 300) -> Any:
        import asyncio

        found = None
        for _ in range(tries):
            found = await self.connection(sys_id)
            if found is not None and found["status"] == status:
                return found
            await asyncio.sleep(0.02)
        raise AssertionError(f"still {found and found['status']}, not {status}: {found}")


@contextlib.asynccontextmanager
async def running_node(
    data: Path,
    *,
    name: str = "a",
    announcements: Announcements = Announcements.ANYONE,
    broker: Broker | None = None,
    port: int = 0,
    public: bool = True,
    resync_s: float = RESYNC_S,
    framed_by: str | None = None,
    license_public_key: bytes | None = None,
) -> AsyncIterator[LocalNode]:
    """A node at a loopback URL, until the context ends."""
    async with contextlib.AsyncExitStack() as stack:
        clock, entropy = MovableClock(), SystemEntropy()
        directory = stack.enter_context(DataDirectory(data, entropy=entropy))
        listening = socket.create_server(("127.0.0.1", port))
        stack.callback(listening.close)
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        if not directory.database_path.exists():
            shutil.copyfile(node_image(), directory.database_path)
        store = GroupCommitStore(Database(directory.database_path))
        stack.push_async_callback(store.close)
        network = AiohttpPeerNetwork(AddressPolicy(own=Reach.LOOPBACK))
        stack.push_async_callback(network.close)
        if not directory.instance_database_path.exists():
            shutil.copyfile(image(), directory.instance_database_path)
        instance = InstanceFront(
            InstanceProfile(
                path=directory.instance_database_path,
                node_database=directory.database_path,
                login=directory.login,
            ),
            clock=clock,
            entropy=entropy,
        )
        stack.push_async_callback(instance.close)
        node = Node(
            identity=directory.identity,
            admin_token=directory.admin_token,
            profile=Profile(name=name, node_url=url if public else None, instance_url=url, announcements=announcements),
            ports=Ports(clock=clock, entropy=entropy, network=network, store=store, broker=broker),
            metrics=Metrics(version="test", process=False),
            resync_s=resync_s,
            license_=open_license(directory.path / LICENSE_FILE, now=clock.now(), public=license_public_key),
            console=ConsoleProfile(instance=instance, accent=Accent.AUTO, url=url, framed_by=framed_by),
            instance=instance,
        )
        await node.prepare()
        runner = web.AppRunner(
            node.node_app, access_log=None, handle_signals=False, shutdown_timeout=0.1, auto_decompress=False
        )
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        await web.SockSite(runner, listening).start()
        node.start()
        stack.push_async_callback(node.stop)
        http = await stack.enter_async_context(aiohttp.ClientSession())
        yield LocalNode(
            node=node,
            url=url,
            token=directory.admin_token,
            password=directory.login.first_password,
            data=data,
            clock=clock,
            instance=instance,
            http=http,
        )
