"""The composition root: the one place that puts a node together, from settings and ports.

`Node` is complete without a socket: the process (`node.serve`) gives it real ports and listeners, the simulation
gives it simulated ones. Two aiohttp applications belong to it, one for the node URL and one for the instance URL.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from aiohttp import web

from node.admin.bodies import BODY_BYTES_MAX
from node.admin.middleware import authenticate, problems
from node.admin.routes import AdminApi, problem_page
from node.admin.tokens import ApiTokens
from node.connections.acting import expire_codes
from node.connections.context import MODES_OFFERED, Context, Signals, topic_id_of
from node.connections.purging import purge
from node.connections.restoring import close_restored
from node.console.console import Console, ConsoleProfile
from node.delivery.broadcast import Broadcaster
from node.delivery.dispatcher import Dispatcher
from node.delivery.outbox import StoredOutbox
from node.delivery.resync import Resync
from node.health import HealthRoutes
from node.instance.front import BODY_BYTES_MAX as INSTANCE_BODY_BYTES_MAX
from node.logs import get_logger
from node.peer.endpoint import PeerEndpoint
from node.routing import add_routes
from node.version import SOFTWARE
from protocol.limits import PROTOCOL_VERSION, RESYNC_S
from protocol.node_info import WELL_KNOWN_PATH, NodeInfo, to_json

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from node.causes import Cause
    from node.instance.front import InstanceFront
    from node.key_file import NodeIdentity
    from node.license.license import License
    from node.metrics import Metrics
    from node.ports import Broker, Clock, Entropy, PeerNetwork, Publication, Store
    from node.settings import Announcements

EXPIRY_CHECK_S_MAX = 3600
"""The longest rest between two looks for expired codes: a clock that jumps is noticed by then."""

JOB_PAUSE_S = 5
"""The rest before a job of the background that failed is begun again."""

PURGE_S = 24 * 3600
PURGE_PAUSE_S = 5
"""The rest between two portions, when more tombstones may go than one transaction takes."""

BOOT_BYTES = 8

_log = get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """The node's world; see `node.ports`. Without a broker, broadcasts wait."""

    clock: Clock
    entropy: Entropy
    network: PeerNetwork
    store: Store
    broker: Broker | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """What the node is called, and by which URLs it is known."""

    name: str
    node_url: str | None
    instance_url: str
    announcements: Announcements


class Node:
    """One node: its use cases, its applications, and what runs in the background.

    Attributes:
        context: for the use cases.
        node_app: answers at the node URL: partners, admins, health.
        instance_app: answers at the instance URL.
    """

    def __init__(  # noqa: PLR0913 - the composition root names all parts
        self,
        *,
        identity: NodeIdentity,
        admin_token: str,
        profile: Profile,
        ports: Ports,
        metrics: Metrics,
        resync_s: float = RESYNC_S,
        console: ConsoleProfile | None = None,
        license_: License | None = None,
        instance: InstanceFront | None = None,
    ) -> None:
        signals = Signals()
        self.context = context = Context(
            identity=identity,
            name=profile.name,
            node_url=profile.node_url,
            instance_url=profile.instance_url,
            software=SOFTWARE,
            announcements=profile.announcements,
            clock=ports.clock,
            entropy=ports.entropy,
            network=ports.network,
            store=ports.store,
            signals=signals,
            topic_id=topic_id_of(identity),
            license=license_,
        )
        self._told: list[Callable[[], None]] = []
        self.dispatcher = Dispatcher(context, attempted=partial(self._attempted, metrics))
        self._resync = Resync(context, self.dispatcher, every_s=resync_s)
        self._was_restored = False
        self.broadcaster = _broadcaster(context, ports.broker)
        self._expiry_due = asyncio.Event()
        self._expiry_look_at = 0.0
        self._tasks: list[asyncio.Task[None]] = []
        signals.owed = self.dispatcher.owe
        signals.heard_from = self.dispatcher.heard_from
        signals.expiry = self._expires
        traced: list[Callable[[Publication], None]] = []
        if self.broadcaster is not None:
            self._told.append(self.broadcaster.wake)
            traced.append(self.broadcaster.trace)
        self.console: Console | None = None
        if console is not None:
            self.console = Console(context, self.dispatcher, self.broadcaster, console)
            self._told.append(self.console.changes.tell)
            traced.append(self.console.traces.tell)
            if self.broadcaster is not None:
                self.broadcaster.changed = self.console.changes.tell
        signals.broadcast = lambda: _all(self._told)
        signals.trace = lambda publication: _all(traced, publication)
        health = HealthRoutes(context, self.dispatcher, self.broadcaster, metrics)
        info = to_json(_node_info(context, profile, boot=ports.entropy.token(BOOT_BYTES).hex()))
        self.node_app = _node_app(context, self.dispatcher, admin_token, metrics, health, info, self.console, instance)
        self.instance_app = _instance_app(profile, health, info, console, instance)

    async def prepare(self) -> None:
        """Notice whether the memory is a restored one; call it before anything reaches the applications."""
        self._was_restored = await close_restored(self.context)

    def start(self) -> None:
        """Begin to deliver, to broadcast, to watch expiries and to clear up."""
        jobs: list[Callable[[], Awaitable[None]]] = [
            self.dispatcher.run,
            partial(self._resync.run, at_once=self._was_restored),
            self._watch_expiries,
            self._purge,
        ]
        if self.broadcaster is not None:
            jobs.append(self.broadcaster.run)
        self._tasks = [asyncio.create_task(_kept_up(job)) for job in jobs]

    async def stop(self) -> None:
        """End what runs in the background; presence says `offline` first. The ports stay open."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _attempted(self, metrics: Metrics, cause: Cause | None) -> None:
        metrics.delivery_attempted(cause)
        if self.console is not None:
            self.console.changes.tell()  # when the next try is, is shown

    async def _watch_expiries(self) -> None:
        while True:
            self._expiry_due.clear()
            self._expiry_look_at = math.inf
            following = await expire_codes(self.context)
            now, rest_s = self.context.clock.now(), float(EXPIRY_CHECK_S_MAX)
            if following is not None:
                rest_s = min(rest_s, max(following - now, 0) + 1)
            self._expiry_look_at = now + rest_s
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(rest_s):
                    await self._expiry_due.wait()

    def _expires(self, at: float) -> None:
        if at < self._expiry_look_at:
            self._expiry_due.set()

    async def _purge(self) -> None:
        while True:
            more = await purge(self.context)
            await asyncio.sleep(PURGE_PAUSE_S if more else PURGE_S)


def _all(told: Iterable[Callable[..., None]], *what: object) -> None:
    for tell in told:
        tell(*what)


async def _kept_up(job: Callable[[], Awaitable[None]]) -> None:
    """Run a job until it is cancelled: a disk that is full for a minute must not end it for life."""
    while True:
        try:
            await job()
        except Exception:  # noqa: BLE001 - whatever it is, it is told and tried again
            _log.exception("job_failed")
        await asyncio.sleep(JOB_PAUSE_S)


def _broadcaster(context: Context, broker: Broker | None) -> Broadcaster | None:
    if broker is None:
        return None
    return Broadcaster(
        broker=broker,
        outbox=StoredOutbox(context.store, context.topic_id),
        clock=context.clock,
        entropy=context.entropy,
        node=context.topic_id,
    )


def _node_info(context: Context, profile: Profile, *, boot: str) -> NodeInfo:
    return NodeInfo(
        protocol_versions=(PROTOCOL_VERSION,),
        software=context.software,
        node_id=context.topic_id,
        name=context.name,
        instance_url=profile.instance_url,
        node_url=context.node_url,
        key=context.key,
        modes=MODES_OFFERED,
        takes_invitations=True,
        not_taking_reason=None,
        boot=boot,
    )


def _node_app(
    context: Context,
    dispatcher: Dispatcher,
    admin_token: str,
    metrics: Metrics,
    health: HealthRoutes,
    info: bytes,
    console: Console | None,
    instance: InstanceFront | None,
) -> web.Application:
    app = web.Application(
        middlewares=[
            health.count_requests,
            problems(),
            authenticate(admin_token, ApiTokens(context)),
            *([console.guard] if console is not None else []),
        ],
        client_max_size=BODY_BYTES_MAX,
    )
    endpoint = PeerEndpoint(context, heard=lambda kind, result: metrics.message_received(kind=kind, result=result))
    add_routes(
        app,
        [
            web.post("/peer", endpoint.handle),
            web.get(WELL_KNOWN_PATH, _shows(info)),
            web.get("/problems/{slug}", problem_page),
            *AdminApi(context, dispatcher, instance).routes(),
            *health.routes(),
        ],
    )
    if console is not None:
        console.add_to(app)
    return app


def _instance_app(
    profile: Profile, health: HealthRoutes, info: bytes, console: ConsoleProfile | None, instance: InstanceFront | None
) -> web.Application:
    """The instance: its REST APIs, its health, and where its node and the console are.

    A private node has no node URL to lead to, so its instance URL answers the node info itself.
    """
    app = web.Application(middlewares=[problems()], client_max_size=INSTANCE_BODY_BYTES_MAX)

    async def well_known(request: web.Request) -> web.Response:
        if profile.node_url is None:
            return await _shows(info)(request)
        raise web.HTTPTemporaryRedirect(profile.node_url + WELL_KNOWN_PATH)

    front = [web.get("/", _leads_to(console.url))] if console is not None else []
    apis = instance.routes() if instance is not None else []
    add_routes(app, [web.get(WELL_KNOWN_PATH, well_known), *front, *apis, *health.instance_routes()])
    return app


def _leads_to(url: str) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def lead(_request: web.Request) -> web.Response:
        raise web.HTTPSeeOther(url)

    return lead


def _shows(info: bytes) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def show(_request: web.Request) -> web.Response:
        return web.Response(body=info, content_type="application/json", headers={"Cache-Control": "no-store"})

    return show
