"""A proxy before a node: partners reach it only through here, so it can be seen and disturbed what they say.

It is what stands between nodes in real networks: it takes a whole request, hands it on, and gives the answer back.
What it may do beside that is its watcher's to say: hold a question back, or lose an answer that has come.
"""

from __future__ import annotations

import time
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self

import aiohttp
from aiohttp import web
from node.delivery.exchange import PEER_PATH
from node.free_ports import LOOPBACK
from protocol.envelope import Head, peek
from protocol.errors import EnvelopeError

if TYPE_CHECKING:
    from types import TracebackType

_KEPT_HEADERS: Final = ("Content-Type", "Retry-After", "Cache-Control")
_BAD_GATEWAY: Final = 502


@dataclass(slots=True, kw_only=True)
class Passage:
    """One envelope on its way to the node, and its answer on the way back.

    Attributes:
        head: of the question.
        question: the question's bytes.
        answer: the answer's bytes, once it has come.
        handed_at: when the last byte of the question was in the hands of the system, on its way to the node.
        answered_at: when the head of the answer was read. Both by this process's clock, in seconds.
    """

    head: Head
    question: bytes
    answer: bytes | None = None
    handed_at: float = 0.0
    answered_at: float = 0.0


class Watcher:
    """Sees every envelope that passes; disturbs none."""

    async def before(self, passage: Passage) -> None:
        """Awaited before a question is handed on."""

    def keeps(self, passage: Passage) -> bool:  # noqa: ARG002 - for those who judge
        """Whether an answer that has come is given back; else the link is cut in its place."""
        return True


class Proxy:
    """Listens at a port of its own for one node; a context manager."""

    def __init__(self, target: str, watcher: Watcher) -> None:
        """Name the node's own URL and who watches."""
        self._target = target
        self._watcher = watcher
        self._stack = AsyncExitStack()
        self._http: aiohttp.ClientSession | None = None
        self.url = ""

    async def __aenter__(self) -> Self:
        tracing = aiohttp.TraceConfig()
        tracing.on_request_chunk_sent.append(_note_handed)
        self._http = await self._stack.enter_async_context(
            aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0, force_close=True),
                auto_decompress=False,
                trace_configs=[tracing],
            )
        )
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._pass)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1, auto_decompress=False)
        await runner.setup()
        self._stack.push_async_callback(runner.cleanup)
        await web.TCPSite(runner, LOOPBACK, 0).start()
        self.url = f"http://{LOOPBACK}:{runner.addresses[0][1]}"
        return self

    async def __aexit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    async def _pass(self, request: web.Request) -> web.Response:
        body = await request.read()
        passage = _passage(request, body)
        if passage is not None:
            await self._watcher.before(passage)
        assert self._http is not None  # noqa: S101 - it is entered
        headers = {name: request.headers[name] for name in ("Content-Type",) if name in request.headers}
        try:
            async with self._http.request(
                request.method,
                self._target + request.raw_path,
                data=body or None,
                headers=headers,
                allow_redirects=False,
                trace_request_ctx=passage,
            ) as answer:
                if passage is not None:
                    passage.answered_at = time.monotonic()
                content = await answer.read()
        except aiohttp.ClientError:
            return web.Response(status=_BAD_GATEWAY)
        if passage is not None:
            passage.answer = content
            if not self._watcher.keeps(passage) and request.transport is not None:
                request.transport.abort()
        kept = {name: answer.headers[name] for name in _KEPT_HEADERS if name in answer.headers}
        return web.Response(status=answer.status, body=content, headers=kept)


def _passage(request: web.Request, body: bytes) -> Passage | None:
    if request.path != PEER_PATH:
        return None
    try:
        return Passage(head=peek(body).head, question=body)
    except EnvelopeError:
        return None


async def _note_handed(_session: aiohttp.ClientSession, context: Any, _chunk: object) -> None:
    passage = context.trace_request_ctx
    if passage is not None:
        passage.handed_at = time.monotonic()
