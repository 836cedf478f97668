"""Whether the node lives and is ready, and its metrics."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import msgspec
from aiohttp import web

from node.delivery.broadcast import broker_state
from node.metrics import METRICS_CONTENT_TYPE
from node.ports import StoreFullError
from node.problems import Problem
from node.store import statements
from node.version import SOFTWARE

if TYPE_CHECKING:
    from aiohttp.typedefs import Handler

    from node.connections.context import Context
    from node.delivery.broadcast import Broadcaster
    from node.delivery.dispatcher import Dispatcher
    from node.metrics import Metrics
    from node.ports import Transaction

READY_S_MAX = 2.0


class HealthRoutes:
    """`/healthz`, `/readyz`, `/metrics`."""

    def __init__(
        self, context: Context, dispatcher: Dispatcher, broadcaster: Broadcaster | None, metrics: Metrics
    ) -> None:
        self._context = context
        self._dispatcher = dispatcher
        self._broadcaster = broadcaster
        self._metrics = metrics

    def routes(self) -> list[web.RouteDef]:
        """For the node URL."""
        return [*self.instance_routes(), web.get("/readyz", self.readyz), web.get("/metrics", self.metrics)]

    def instance_routes(self) -> list[web.RouteDef]:
        """For the instance URL."""
        return [web.get("/healthz", self.healthz)]

    async def healthz(self, _request: web.Request) -> web.Response:
        """The process answers."""
        return _json({"status": "ok", "software": SOFTWARE})

    async def readyz(self, _request: web.Request) -> web.Response:
        """The store answers too; a broker that is down delays broadcasts and makes nobody unready.

        A store whose disk was found full is written to: reading alone does not tell that there is room again.
        """
        store = self._context.store
        try:
            async with asyncio.timeout(READY_S_MAX):
                await store.run(statements.broadcast_count)
                if store.is_full:
                    await store.run(statements.try_to_write)
        except StoreFullError as error:
            return _json({"status": "not ready", "store": Problem.DISK_FULL, "reason": str(error)}, status=503)
        except Exception as error:  # noqa: BLE001 - whatever it is, the node can't keep anything now
            return _json({"status": "not ready", "store": type(error).__name__}, status=503)
        return _json({"status": "ready", "store": "ok", "broker": broker_state(self._broadcaster)})

    async def metrics(self, _request: web.Request) -> web.Response:
        """All metrics as Prometheus text."""

        def unit(tx: Transaction) -> tuple[int, int]:
            return statements.owed_count(tx), statements.broadcast_count(tx)

        owed, broadcasts = await self._context.store.run(unit)
        self._metrics.set_owed(owed)
        self._metrics.set_broadcasts_waiting(broadcasts)
        self._metrics.set_broker_connected(connected=self._broadcaster is not None and self._broadcaster.connected)
        return web.Response(body=self._metrics.render(), headers={"Content-Type": METRICS_CONTENT_TYPE})

    @web.middleware
    async def count_requests(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Count each request under its route's template."""
        clock = asyncio.get_running_loop().time  # never steps back, and a simulation owns it too
        began, status = clock(), 500
        try:
            answer = await handler(request)
            status = answer.status
        except web.HTTPException as error:
            status = error.status
            raise
        finally:
            resource = request.match_info.route.resource
            self._metrics.request_answered(
                route=resource.canonical if resource is not None else "none",
                method=request.method,
                status=status,
                duration_s=clock() - began,
            )
        return answer


def _json(content: dict[str, Any], *, status: int = 200) -> web.Response:
    return web.Response(
        body=msgspec.json.encode(content),
        status=status,
        content_type="application/json",
        headers={"Cache-Control": "no-store"},
    )
