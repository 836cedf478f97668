"""One node as a process: real ports, real listeners, a clean stop."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import signal
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING

from node.app import Node, Ports, Profile
from node.brokers.children import BrokerChild, BrokerKind, BrokerStartError, choose_kind
from node.brokers.keeping import kept_up
from node.console.console import Console, ConsoleProfile
from node.data_directory import DataDirectory, Runtime, read_runtime
from node.delivery.broker_url import BrokerUrl
from node.delivery.mqtt import MqttBroker
from node.http_server import INSTANCE_HEADS, NODE_HEADS, serve_http
from node.instance.front import InstanceFront
from node.instance.profile import InstanceProfile
from node.license.license import LICENSE_FILE, open_license
from node.logs import get_logger
from node.metrics import Metrics
from node.network.addresses import AddressPolicy
from node.network.client import AiohttpPeerNetwork
from node.network.reach import own_reach
from node.real_ports import SystemClock, SystemEntropy
from node.settings import BrokerChoice, HostPort, HttpAllowed
from node.store.database import Database
from node.store.writer import GroupCommitStore
from node.tls.certificate import CertificateFiles, ServerCertificate
from node.version import VERSION
from protocol.identity import fingerprint

if TYPE_CHECKING:
    from collections.abc import Callable

    from node.settings import Settings

MQTT_PORT = 1883
WARM_UP_AFTER_S = 3.0
"""How long after it is ready a node loads what only its console needs: later than a pair or a demo has things to do."""

_log = get_logger(__name__)


class ListenError(Exception):
    """A place to listen at can't be had; the text is a sentence that names it."""


async def serve(
    settings: Settings, *, ready: Callable[[Runtime, str | None], None] = lambda _runtime, _password: None
) -> None:
    """Run a node until the process is asked to end (SIGINT, SIGTERM).

    `ready` is told where it listens and, once in its life, the console's first-run password.

    Raises:
        CertificateError, DataDirectoryError, StoreError, ListenError, BrokerStartError: the node can't start; nothing
            was changed.
    """
    certificate = _certificate(settings)
    asked_to_end = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, asked_to_end.set)
    os.umask(0o077)  # SQLite makes its files with the process's mask, and they are nobody else's business
    async with contextlib.AsyncExitStack() as stack:
        places = _listen_all(settings, stack)  # first: a port that is taken leaves no new directory behind
        directory = stack.enter_context(DataDirectory(settings.data, entropy=SystemEntropy()))
        is_ready = False
        stack.callback(lambda: None if is_ready else directory.discard())
        node = await _node(settings, directory, places, stack)
        await node.prepare()
        apps, limits = (node.node_app, node.instance_app), (NODE_HEADS, INSTANCE_HEADS)
        for app, place, heads in zip(apps, places, limits, strict=False):
            runner = await serve_http(app, place.listening, certificate=certificate, heads=heads)
            stack.push_async_callback(runner.cleanup)
        node.start()
        stack.push_async_callback(node.stop)
        runtime = _runtime(places, certificate)
        directory.write_runtime(runtime)
        is_ready = True
        _log.info(
            "ready",
            name=settings.name,
            listen=runtime.listen,
            instance_listen=runtime.instance_listen,
            fingerprint=fingerprint(node.context.key),
            data=str(settings.data),
        )
        ready(runtime, directory.login.first_password if directory.made_login else None)
        await _warmed_up(asked_to_end)
        await asked_to_end.wait()
        _log.info("stopping")


async def _warmed_up(asked_to_end: asyncio.Event) -> None:
    """Load the console's pages in a thread, once whoever started the node has got what they were waiting for."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(WARM_UP_AFTER_S):
            await asked_to_end.wait()
    if not asked_to_end.is_set():
        await asyncio.to_thread(Console.warm_up)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """A listening socket and where it is; the node's comes first, the instance's second."""

    listening: socket.socket
    where: HostPort
    url: str
    """By which this machine reaches it."""


def _certificate(settings: Settings) -> ServerCertificate | None:
    if settings.tls_cert_file is None or settings.tls_key_file is None:
        return None
    return ServerCertificate(CertificateFiles(certificate=settings.tls_cert_file, key=settings.tls_key_file))


def _listen_all(settings: Settings, stack: contextlib.AsyncExitStack) -> list[_Place]:
    """Take the ports; when the same node runs already, that is what is told, rather than that it has its ports."""
    try:
        return _listening(settings, stack)
    except ListenError:
        if read_runtime(settings.data) is not None:
            DataDirectory(settings.data, entropy=SystemEntropy()).close()
        raise


def _listening(settings: Settings, stack: contextlib.AsyncExitStack) -> list[_Place]:
    places = []
    for wanted in (settings.listen, settings.instance_listen):
        if wanted is not None:
            listening = _listen(wanted)
            stack.callback(listening.close)
            host, port = listening.getsockname()[:2]
            where = HostPort(host=host, port=port)
            places.append(_Place(listening=listening, where=where, url=where.url(settings.scheme)))
    return places


async def _node(
    settings: Settings, directory: DataDirectory, places: list[_Place], stack: contextlib.AsyncExitStack
) -> Node:
    """The node on its real ports; what they hold is given back when the stack unwinds."""
    metrics = Metrics(version=VERSION)
    store = GroupCommitStore(
        Database(directory.database_path),
        committed=lambda duration_s, units: metrics.committed(duration_s=duration_s, unit_count=units),
    )
    stack.push_async_callback(store.close)
    broker = await _broker(settings, stack)
    network = AiohttpPeerNetwork(
        AddressPolicy(
            own=own_reach(settings.node_url),
            allow=settings.allow_addresses,
            allow_http_private=settings.allow_http is HttpAllowed.PRIVATE,
        ),
        ca_file=settings.ca_file,
    )
    stack.push_async_callback(network.close)
    clock, entropy = SystemClock(), SystemEntropy()
    instance = InstanceFront(
        InstanceProfile(
            path=directory.instance_database_path,
            node_database=directory.database_path,
            login=directory.login,
            demo_seed=settings.demo_data,
        ),
        clock=clock,
        entropy=entropy,
    )
    stack.push_async_callback(instance.close)
    return Node(
        identity=directory.identity,
        license_=open_license(directory.path / LICENSE_FILE, now=clock.now(), public=settings.license_public_key),
        admin_token=directory.admin_token,
        profile=Profile(
            name=settings.name,
            node_url=settings.node_url,
            instance_url=settings.instance_url or places[-1].url,
            announcements=settings.announcements,
        ),
        ports=Ports(clock=clock, entropy=entropy, network=network, store=store, broker=broker),
        metrics=metrics,
        console=ConsoleProfile(
            instance=instance,
            accent=settings.accent,
            url=settings.node_url or places[0].url,
            hosts=settings.console_hosts,
            framed_by=settings.console_framed_by,
        ),
        instance=instance,
    )


def _runtime(places: list[_Place], certificate: ServerCertificate | None) -> Runtime:
    node, instance = places[0], places[1] if len(places) > 1 else None
    return Runtime(
        pid=os.getpid(),
        node_url=node.url,
        instance_url=instance.url if instance is not None else None,
        listen=str(node.where),
        instance_listen=str(instance.where) if instance is not None else None,
        started_at=SystemClock().now(),
        trust=certificate.trust if certificate is not None else None,
    )


async def _broker(settings: Settings, stack: contextlib.AsyncExitStack) -> MqttBroker | None:
    """The broker that the settings name, else one as a child process, which is kept up, else none."""
    if settings.mqtt_url is not None:
        return MqttBroker(settings.mqtt_url, ca_file=settings.mqtt_ca_file)
    if settings.broker is BrokerChoice.NONE:
        return None
    kind = choose_kind() if settings.broker is BrokerChoice.AUTO else BrokerKind(settings.broker.value)
    child = BrokerChild(kind=kind, data=settings.data / "broker", port=MQTT_PORT)
    try:
        await child.start()
    except BrokerStartError:
        child = BrokerChild(kind=kind, data=settings.data / "broker")
        await child.start()
    stack.push_async_callback(child.stop)
    _log.info("broker_started", kind=kind.value, url=child.url, pid=child.pid)
    await stack.enter_async_context(kept_up(child))
    return MqttBroker(BrokerUrl.parse(child.url))


def _listen(where: HostPort) -> socket.socket:
    family = socket.AF_INET6 if ":" in where.host else socket.AF_INET
    try:
        return socket.create_server((where.host, where.port), family=family, backlog=512, reuse_port=False)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            from node.port_owner import port_owner  # noqa: PLC0415 - psutil is needed for this sentence only

            owner = port_owner(where.port)
            by = f" by {owner}" if owner else ""
            raise ListenError(f"The port {where} is taken{by}. Stop that, or listen at another one.") from None
        raise ListenError(f"This machine can't listen at {where}: {error.strerror}.") from None
