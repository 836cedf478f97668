"""The shipped aiohttp application, called without a socket: its router, middlewares and handlers, all of them.

What is left out is aiohttp's HTTP parser and transport; the http level has them.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from aiohttp import web, web_app
from aiohttp.http import HttpVersion11, RawRequestMessage
from aiohttp.streams import EMPTY_PAYLOAD, StreamReader
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from node.ports import HttpAnswer

if TYPE_CHECKING:
    from collections.abc import Mapping

_PAYLOAD_LIMIT = 64 * 1024


class _NoTransport:
    """What a request asks of its connection, when it has none."""

    transport = None
    ssl_context = None
    peername = None
    sockname = None
    _reading_paused = False

    def resume_reading(self, *, resume_parser: bool = True) -> None:
        """Nothing is paused."""


_CONNECTION: Any = _NoTransport()


class DirectServer:
    """Calls one application."""

    def __init__(self, app: web.Application) -> None:
        app.freeze()
        self._app = app

    async def answer(  # the parts of a request, by name
        self, method: str, path: str, *, host: str, headers: Mapping[str, str], body: bytes = b"", remote: str
    ) -> HttpAnswer:
        """What the application answers; an exception that it does not handle is HTTP 500, as it is on a socket."""
        loop = asyncio.get_running_loop()
        named = CIMultiDict(headers, Host=host)
        if body:
            named["Content-Length"] = str(len(body))
        message = RawRequestMessage(
            method=method,
            path=path,
            version=HttpVersion11,
            headers=CIMultiDictProxy(named),
            raw_headers=(),
            should_close=False,
            compression=None,
            upgrade=False,
            chunked=False,
            url=URL(path, encoded=True),
        )
        request = web.Request(
            message,
            _payload(loop, body),
            _CONNECTION,
            _CONNECTION,
            _CONNECTION,
            loop,
            client_max_size=self._app._client_max_size,  # noqa: SLF001 - what `AppRunner` passes on
            remote=remote,
        )
        try:
            answered = await self._app._handle(request)  # noqa: SLF001 - `AppRunner` calls it; aiohttp has no other door
        except web.HTTPException as error:
            answered = error
        return _flat(answered)


def forget_handlers() -> None:
    """Let go what aiohttp keeps for the next request: the last 1,024 handlers, and on each hangs a whole world."""
    web_app._cached_build_middleware.cache_clear()  # noqa: SLF001 - aiohttp has no other way to forget them


def _payload(loop: asyncio.AbstractEventLoop, body: bytes) -> StreamReader:
    if not body:
        return EMPTY_PAYLOAD
    reader = StreamReader(_CONNECTION, _PAYLOAD_LIMIT, loop=loop)
    reader.feed_data(body)
    reader.feed_eof()
    return reader


def _flat(answered: web.StreamResponse) -> HttpAnswer:
    body = answered.body if isinstance(answered, web.Response) else b""
    return HttpAnswer(
        status=answered.status,
        headers={name.lower(): value for name, value in answered.headers.items()},
        body=bytes(body) if isinstance(body, bytes | bytearray) else b"",
    )
