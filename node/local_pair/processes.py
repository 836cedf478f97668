"""Node processes and their broker, started together and ended together, however their parent ends."""

from __future__ import annotations

import asyncio
import os
import subprocess
from dataclasses import dataclass
from itertools import cycle
from typing import TYPE_CHECKING

from node.brokers.children import BrokerChild, BrokerKind, BrokerStartError, choose_kind
from node.child_processes import die_with_parent, module_command, module_path
from node.data_directory import read_runtime
from node.endings import last_words
from node.free_ports import LOOPBACK, free_ports
from node.private_files import DataDirectoryError
from node.settings_table import Accent
from node.tls.trust import Trust

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from node.local_pair.certificates import NodeCertificate, PairCertificates

ACCENTS = tuple(accent for accent in Accent if accent is not Accent.AUTO)
"""Neighbours get different ones."""

START_S_MAX = 30.0
STOP_S_MAX = 10.0
POLL_S = 0.01


class PairStartError(Exception):
    """The processes can't be started; the text is a sentence. None of them is left running."""


class PairFailedError(Exception):
    """The pair was started, but is of no use; the text is a sentence. None of it is left running."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NodePorts:
    """Where one node listens: for partners and admins, and for people."""

    node: int
    instance: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PairPorts:
    """All ports of a pair: one entry for each node, and the broker's."""

    nodes: tuple[NodePorts, ...]
    broker: int


def any_ports(count: int) -> PairPorts:
    """Free ports for that many nodes and a broker."""
    broker, *others = free_ports(1 + 2 * count)
    pairs = zip(others[::2], others[1::2], strict=True)
    return PairPorts(nodes=tuple(NodePorts(node=node, instance=instance) for node, instance in pairs), broker=broker)


class NodeChild:
    """One `handclasp node` process; it can be stopped, killed and started again on the same data."""

    def __init__(
        self,
        *,
        name: str,
        data: Path,
        ports: NodePorts,
        mqtt_url: str,
        certificate: NodeCertificate | None = None,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        """Name the node; nothing is started yet.

        Args:
            name: what partners call it.
            data: its data directory.
            ports: where it listens.
            mqtt_url: its broker.
            certificate: with it the node speaks https; none: http.
            settings: further variables, which win over the usual ones.
        """
        self.name = name
        self.data = data
        self.ports = ports
        self._mqtt_url = mqtt_url
        self._certificate = certificate
        self._settings = settings or {}
        self._process: subprocess.Popen[bytes] | None = None
        self._log_began = 0

    @property
    def node_url(self) -> str:
        """The URL by which partners reach it."""
        return f"{self._scheme}://{LOOPBACK}:{self.ports.node}"

    @property
    def instance_url(self) -> str:
        """The URL by which people know its instance."""
        return f"{self._scheme}://{LOOPBACK}:{self.ports.instance}"

    @property
    def trust(self) -> Trust | None:
        """How a client of this machine knows it; none: it speaks http."""
        if self._certificate is None:
            return None
        return Trust(certificate_file=str(self._certificate.certificate_file), server_name=LOOPBACK)

    @property
    def _scheme(self) -> str:
        return "http" if self._certificate is None else "https"

    @property
    def log_path(self) -> Path:
        """Where it logs, over all its starts."""
        return self.data.parent / f"{self.name}.log"

    @property
    def pid(self) -> int | None:
        """Its process id while it runs."""
        return self._process.pid if self._process is not None and self.is_running else None

    @property
    def is_running(self) -> bool:
        """Whether the process lives."""
        return self._process is not None and self._process.poll() is None

    @property
    def exit_status(self) -> int | None:
        """How its last start ended, as `subprocess` tells it; none while it runs."""
        return self._process.poll() if self._process is not None else None

    async def start(self) -> None:
        """Start it and return when it is ready. Call it in the main thread (see `BrokerChild.start`).

        Raises:
            PairStartError: it ended instead, with the end of what it said, or its files can't be used.
        """
        if self.is_running:
            return
        try:
            await self._start()
        except (OSError, DataDirectoryError) as error:
            await self.stop()
            why = error.strerror if isinstance(error, OSError) else error
            raise PairStartError(f"The node {self.name} can't be started: {why}") from error

    async def _start(self) -> None:
        self._process = self._spawn()
        deadline = asyncio.get_running_loop().time() + START_S_MAX
        while True:
            runtime = read_runtime(self.data) if self.data.exists() else None
            if runtime is not None and runtime.pid == self._process.pid:
                return
            if self._process.poll() is not None:
                raise PairStartError(f"The node {self.name} did not start: {self.last_words() or 'it said nothing.'}")
            if asyncio.get_running_loop().time() > deadline:
                await self.stop()
                raise PairStartError(f"The node {self.name} was not ready within {START_S_MAX:.0f} s.")
            await asyncio.sleep(POLL_S)

    async def stop(self) -> None:
        """End it and wait for that; it is killed if it takes too long."""
        process = self._process
        if process is None:
            return
        if process.poll() is None:
            process.terminate()
        try:
            async with asyncio.timeout(STOP_S_MAX):
                while process.poll() is None:  # noqa: ASYNC110 - another process is waited for
                    await asyncio.sleep(POLL_S)
        except TimeoutError:
            process.kill()
        process.wait()

    def kill(self) -> None:
        """End it as a power cut would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def last_words(self) -> str:
        """What it said at the end of its last start, as sentences; empty if nothing."""
        return last_words(self.log_path, since=self._log_began)

    def _spawn(self) -> subprocess.Popen[bytes]:
        self.data.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        environment = {name: value for name, value in os.environ.items() if not name.startswith("HANDCLASP_")} | {
            "HANDCLASP_NAME": self.name,
            "HANDCLASP_DATA": str(self.data),
            "HANDCLASP_LISTEN": f"{LOOPBACK}:{self.ports.node}",
            "HANDCLASP_INSTANCE_LISTEN": f"{LOOPBACK}:{self.ports.instance}",
            "HANDCLASP_NODE_URL": self.node_url,
            "HANDCLASP_INSTANCE_URL": self.instance_url,
            "HANDCLASP_MQTT_URL": self._mqtt_url,
            "HANDCLASP_ANNOUNCEMENTS": "anyone",
            "HANDCLASP_LOG_FORMAT": "json",
            "PYTHONPATH": module_path(),
            **(self._certificate.settings if self._certificate is not None else {}),
            **self._settings,
        }
        with self.log_path.open("ab") as log:
            self.log_path.chmod(0o600)
            self._log_began = log.tell()
            return subprocess.Popen(  # noqa: S603 - our own module
                module_command("node", "node"),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=environment,
                start_new_session=True,  # Ctrl-C is for the parent, which stops its children in order
                preexec_fn=die_with_parent(os.getpid()),  # noqa: PLW1509 - two system calls, prepared before the fork
            )


class LocalPair:
    """Nodes, usually two, and their broker.

    Attributes:
        nodes: the node processes, in the order of their names.
        broker: the broker process.
    """

    def __init__(
        self,
        directory: Path,
        *,
        names: Sequence[str] = ("a", "b"),
        broker_kind: BrokerKind | None = None,
        ports: PairPorts | None = None,
        certificates: PairCertificates | None = None,
        has_demo_data: bool = False,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        """Name the parts; nothing is started yet.

        Args:
            directory: holds each node's data, logs and the broker's memory.
            names: the nodes' names.
            broker_kind: which broker; mosquitto if it is installed, else amqtt, when none is named.
            ports: where everybody listens; free ones when none are given.
            certificates: with them the nodes speak https, to each other too; none: http.
            has_demo_data: whether each new instance gets a demo company, each another one.
            settings: further variables for each node.
        """
        chosen = ports if ports is not None else any_ports(len(names))
        self.broker = BrokerChild(kind=broker_kind or choose_kind(), data=directory / "broker", port=chosen.broker)
        self.nodes = [
            NodeChild(
                name=name,
                data=directory / name,
                ports=own,
                mqtt_url=f"mqtt://{LOOPBACK}:{chosen.broker}",
                certificate=certificates.of(name) if certificates is not None else None,
                settings={
                    "HANDCLASP_ACCENT": accent.value,
                    "HANDCLASP_DEMO_DATA": str(seed) if has_demo_data else "",
                    **(settings or {}),
                },
            )
            for seed, (name, own, accent) in enumerate(zip(names, chosen.nodes, cycle(ACCENTS), strict=False), 1)
        ]

    async def start(self) -> None:
        """Start all at once; return when all are ready.

        Raises:
            PairStartError: one of them did not start; none is left running.
        """
        starts = [self.broker.start(), *(node.start() for node in self.nodes)]
        results = await asyncio.gather(*starts, return_exceptions=True)
        failures = [result for result in results if isinstance(result, BaseException)]
        if not failures:
            return
        await self.stop()
        if isinstance(failures[0], BrokerStartError):
            raise PairStartError(str(failures[0])) from failures[0]
        raise failures[0]

    async def stop(self) -> None:
        """Stop the nodes, which say goodbye to the broker, and then the broker."""
        await asyncio.gather(*(node.stop() for node in self.nodes))
        await self.broker.stop()
