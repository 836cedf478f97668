"""The nodes, the broker and what stands between them, for one trial; nothing of it outlives the trial."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Final, Self

import aiohttp
from node.brokers.children import BrokerChild, BrokerKind, choose_kind
from node.data_directory import read_admin_token
from node.local_pair.processes import NodeChild, NodePorts

from scripts.trials.admin import Admin
from scripts.trials.memory import Memory
from scripts.trials.ports import lasting_ports
from scripts.trials.proxy import Proxy, Watcher
from scripts.trials.trial import require

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType


USUAL_LEVELS: Final = frozenset({"debug", "info", "warning"})


class TrialNode:
    """One node process, its admin, and its memory on disk.

    Attributes:
        name: what it is called.
        url: the URL by which partners know it: its own, or that of the proxy before it.
        admin: its admin.
        memory: its database.
    """

    def __init__(self, child: NodeChild, *, url: str, http: aiohttp.ClientSession) -> None:
        self._child = child
        self.name = child.name
        self.url = url
        self.admin = Admin(name=self.name, url=child.node_url, token=lambda: read_admin_token(child.data), http=http)
        self.memory = Memory(child.data)
        self._http = http

    @property
    def own_url(self) -> str:
        """Where the process itself listens."""
        return self._child.node_url

    async def start(self) -> None:
        """Start it and return when it is ready.

        Raises:
            PairStartError: it ended instead.
        """
        await self._child.start()

    async def stop(self) -> None:
        """Ask it to end, and wait for that."""
        await self._child.stop()

    def kill(self) -> None:
        """Kill -9."""
        self._child.kill()

    def failures(self) -> list[str]:
        """What its log tells of failures of its own: errors, and whatever is no line of a log."""
        return [f"{self.name}: {line}" for line in self._child.log_path.read_text().splitlines() if _is_failure(line)]

    def pause(self) -> None:
        """Let it do nothing; what is sent to it waits at its door."""
        self._signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """Let it go on after a pause."""
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        if self._child.pid is not None:
            os.kill(self._child.pid, number)

    async def missing_link(self) -> str:
        """What is missing of its link to the broker; empty: it is up."""
        async with self._http.get(f"{self.own_url}/readyz") as answer:
            broker = (await answer.json())["broker"]
        return "" if broker == "connected" else f"the link of the node {self.name} to its broker is {broker}"


def _is_failure(line: str) -> bool:
    try:
        return json.loads(line)["level"] not in USUAL_LEVELS
    except (ValueError, KeyError, TypeError):
        return True


class World:
    """A folder, a broker, nodes; a context manager that ends them all.

    Leaving it raises NotHeldError when a node's log tells of a failure: whatever the trial looked at, that is one.
    """

    def __init__(self, folder: Path, *, broker: BrokerKind | None = None) -> None:
        """Name the parts; the broker starts on entering, each node when it is told to."""
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._folder = folder
        self._stack = AsyncExitStack()
        self.broker = BrokerChild(kind=broker or choose_kind(), data=folder / "broker", port=lasting_ports(1)[0])
        self._nodes: list[TrialNode] = []
        self._http: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._stack.push_async_callback(self.broker.stop)
        try:
            self._http = await self._stack.enter_async_context(
                aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
            )
            await self.broker.start()
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def __aexit__(
        self, _type: type[BaseException] | None, error: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        await self._stack.aclose()
        if error is None:
            failures = [failure for node in self._nodes for failure in node.failures()]
            require(not failures, f"{len(failures)} failures stand in the nodes' logs, the first: {failures[:1]}")

    async def node(self, name: str, *, watcher: Watcher | None = None) -> TrialNode:
        """A node that is not started yet; with a watcher, partners reach it only through a proxy that asks it."""
        assert self._http is not None  # noqa: S101 - it is entered
        node_port, instance_port = lasting_ports(2)
        ports = NodePorts(node=node_port, instance=instance_port)
        url, settings = f"http://127.0.0.1:{node_port}", {}
        if watcher is not None:
            proxy = await self._stack.enter_async_context(Proxy(url, watcher))
            url = settings["HANDCLASP_NODE_URL"] = proxy.url
        child = NodeChild(name=name, data=self._folder / name, ports=ports, mqtt_url=self.broker.url, settings=settings)
        node = TrialNode(child, url=url, http=self._http)
        self._stack.callback(node.kill)
        self._nodes.append(node)
        return node

    async def nodes(self, *names: str) -> list[TrialNode]:
        """Nodes that are started, all at once."""
        made = [await self.node(name) for name in names]
        await start_all(made)
        return made


async def start_all(nodes: list[TrialNode]) -> None:
    """Start nodes at once; return when all are ready.

    Raises:
        PairStartError: one of them did not start.
    """
    await asyncio.gather(*(node.start() for node in nodes))
