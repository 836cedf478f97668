"""The REST APIs on HTTP: who asks, what is asked, and every failure in ServiceNow's form."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Final

from aiohttp import web

from node.instance.errors import BadRequestError, InstanceError
from node.instance.front import BODY_BYTES_MAX
from node.instance.query.limits import QueryTooLargeError
from node.instance.rest.aggregate import AggregateApi
from node.instance.rest.attachment import AttachmentApi
from node.instance.rest.batch import BatchApi
from node.instance.rest.calls import Call, failure, readable
from node.instance.rest.import_set import ImportSetApi
from node.instance.rest.rooms import Rooms
from node.instance.rest.routes import (
    Router,
    aggregate_routes,
    attachment_routes,
    batch_routes,
    import_routes,
    parts_of,
    table_routes,
    tiny_routes,
)
from node.instance.rest.sending import send
from node.instance.rest.table import TableApi
from node.instance.rest.tiny_urls import TinyUrls
from node.logs import get_logger
from node.ports import StoreFullError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from node.instance.instance import Instance
    from node.instance.rest.calls import Answer
    from node.instance.viewer import Viewer

SCHEMES: Final = frozenset({"http", "https"})

LOOKS_AGAIN_S: Final = 0.5
"""How soon it is seen that a client has gone."""

_HOST: Final = re.compile(r"[A-Za-z0-9._:\[\]-]{1,255}")

_log = get_logger(__name__)


class RestApi:
    """All REST APIs of one instance.

    Attributes:
        router: which handler answers what.
        rooms: where large answers are held until they have been sent.
    """

    def __init__(self, instance: Instance, *, viewer_of: Callable[[web.Request], Awaitable[Viewer]]) -> None:
        self._viewer_of = viewer_of
        self.rooms = Rooms(instance.folder)
        self._tiny_urls = TinyUrls(instance.new_id, is_known=lambda parts: self.router.knows("GET", parts))
        self.router = Router(
            [
                *table_routes(TableApi(instance)),
                *attachment_routes(AttachmentApi(instance)),
                *aggregate_routes(AggregateApi(instance)),
                *import_routes(ImportSetApi(instance)),
                *tiny_routes(self._tiny_urls),
                *batch_routes(BatchApi(self.answer, clock=instance.clock)),
            ]
        )

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer one request."""
        try:
            viewer = await self._viewer_of(request)
        except web.HTTPException as refused:
            return web.Response(status=refused.status, body=refused.body, headers=refused.headers)
        version, parts = parts_of(request.rel_url.raw_path) or ("", tuple(request.path.strip("/").split("/")))
        try:
            body = await request.read()
        except web.HTTPRequestEntityTooLarge:
            error = InstanceError(413, "Request entity too large", f"The body has more than {BODY_BYTES_MAX} bytes")
            return await send(request, failure(error))
        room = self.rooms.room(viewer.sys_id)
        call = Call(
            method=request.method,
            parts=parts,
            version=version,
            parameters=request.query,
            headers={name.lower(): value for name, value in request.headers.items()},
            body=body,
            viewer=viewer,
            base_url=base_url(request),
            path=request.rel_url.raw_path,
            room=room,
        )
        try:
            return await send(request, await self._wanted(request, call))
        except ConnectionResetError:
            return web.Response()  # nobody is there who could get it
        finally:
            room.close()

    async def _wanted(self, request: web.Request, call: Call) -> Answer:
        """The answer to one call. A client that goes away before it is there takes with it what only reads.

        Raises:
            ConnectionResetError: it has gone.
        """
        if call.method != "GET":
            return await self.answer(call)
        answering = asyncio.create_task(self.answer(call))
        try:
            while not (await asyncio.wait({answering}, timeout=LOOKS_AGAIN_S))[0]:
                if request.transport is None:
                    raise ConnectionResetError
            return answering.result()
        finally:
            answering.cancel()

    async def answer(self, call: Call) -> Answer:
        """The answer to one call; a fault of ours is logged and told as one."""
        call = readable(call)
        try:
            call = self._tiny_urls.expanded(call)
            handler, handed = self.router.find(call)
            return await handler(call, *handed)
        except InstanceError as error:
            return failure(error)
        except QueryTooLargeError as error:  # fields, groups and orders lead through as many tables as conditions do
            return failure(BadRequestError("Invalid query", str(error)))
        except StoreFullError as error:
            return failure(InstanceError(507, "Insufficient storage", str(error)))
        except Exception:  # noqa: BLE001 - whatever it is, the client gets an answer in the API's form
            _log.exception("instance_call_failed", method=call.method, parts=call.parts[:2])
            return failure(InstanceError(500, "Internal error", "The instance failed; its log says why"))


def base_url(request: web.Request) -> str:
    """The instance as the client reached it: what a proxy in front of it says counts, if it says anything."""
    scheme = request.headers.get("X-Forwarded-Proto", request.scheme).partition(",")[0].strip()
    host = request.headers.get("X-Forwarded-Host", request.host).partition(",")[0].strip()
    return f"{scheme if scheme in SCHEMES else request.scheme}://{host if _HOST.fullmatch(host) else 'localhost'}"
