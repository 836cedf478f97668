"""A proxy before a node: partners reach it only through here, so it can be seen and disturbed what they say.

It is what stands between nodes in real networks: it takes a whole request, hands it on, and gives the answer back.
What it may do beside that is its watcher's to say: hold a question back, or lose an answer that has come.
"""

from __future__ import annotations

import time
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self

import aiohttp
from aiohttp import web
from node.delivery.exchange import PEER_PATH
from node.free_ports import LOOPBACK
from protocol.envelope import CONTENT_TYPE, Head, peek
from protocol.errors import EnvelopeError

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from aiohttp.abc import AbstractStreamWriter

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

    def handed(self, passage: Passage) -> None:
        """Told when a question has been handed on."""

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
        self._http = await self._stack.enter_async_context(
            aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0),
                auto_decompress=False,
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
                data=_Noted(passage, self._watcher.handed) if passage is not None else body or None,
                headers=headers,
                allow_redirects=False,
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


class _Noted(aiohttp.BytesPayload):
    """A question's bytes, which tell when the last of them is in the hands of the system.

    aiohttp's own tracing tells before a chunk is written, not after.
    """

    def __init__(self, passage: Passage, handed: Callable[[Passage], None]) -> None:
        super().__init__(passage.question, content_type=CONTENT_TYPE)
        self._passage = passage
        self._told = handed

    async def write_with_length(self, writer: AbstractStreamWriter, content_length: int | None) -> None:
        await super().write_with_length(writer, content_length)
        self._passage.handed_at = time.monotonic()
        self._told(self._passage)


def _passage(request: web.Request, body: bytes) -> Passage | None:
    if request.path != PEER_PATH:
        return None
    try:
        return Passage(head=peek(body).head, question=body)
    except EnvelopeError:
        return None
