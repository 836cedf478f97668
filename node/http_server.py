"""How this node's applications are served by HTTP: one set of limits, whatever socket they listen at."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from functools import partial
from html import escape
from typing import TYPE_CHECKING, Any, Final, cast

from aiohttp import web
from aiohttp.http_exceptions import LineTooLong

from node.malformed_http import server_logger
from node.tls.links import TlsLinks

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from node.tls.certificate import ServerCertificate

IDLE_S_MAX: Final = 75.0
"""How long a link may be without a whole request head: from its beginning, or from the last answer, to the last line
of the next head, however it drips in. Longer than the minute for which proxies keep idle links, so that it is they who
close them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadLimits:
    """How long the lines in the head of a request may be; longer ones are refused by a page, as ServiceNow does.

    The two differ, since it is by its limit that it is known which line was too long.

    Attributes:
        remedy: what a page says to whoever asked for a longer URL.
    """

    url_bytes_max: int
    field_bytes_max: int
    remedy: str = ""

    def __post_init__(self) -> None:
        if self.url_bytes_max == self.field_bytes_max:
            raise ValueError("the two limits are the same")


INSTANCE_HEADS: Final = HeadLimits(url_bytes_max=16 * 1024, field_bytes_max=20 * 1024)
"""ServiceNow's own client writes up to 10,000 characters of query into a URL before it turns to the Batch API."""


NODE_HEADS: Final = HeadLimits(
    url_bytes_max=8_190,
    field_bytes_max=8_192,
    remedy="In the console, a query of any length can be pasted under Encoded query, in the list of a table.",
)
"""As short as aiohttp has them: partners, programs and the console's own pages need no more."""


async def serve_http(
    app: web.Application,
    listening: socket.socket,
    *,
    certificate: ServerCertificate | None = None,
    heads: HeadLimits | None = None,
) -> web.AppRunner:
    """Answer requests at a listening socket, until the runner is asked to `cleanup`.

    Args:
        app: answers.
        listening: a socket that listens.
        certificate: by which links are encrypted; none: they are plain.
        heads: how long heads may be; by default as aiohttp has it, 8 KiB.
    """
    runner = web.AppRunner(app, handle_signals=False, shutdown_timeout=2)
    await runner.setup()
    server = cast("web.Server", runner.server)  # it is there from the set-up on
    options: dict[str, Any] = {
        "loop": asyncio.get_running_loop(),
        "access_log": None,
        "logger": server_logger(),
        "keepalive_timeout": IDLE_S_MAX,  # aiohttp begins to count when a link is made: its only limit for a head
        "auto_decompress": False,  # nothing compressed is taken, so no stranger's bomb is opened either
    }
    handler: Callable[..., asyncio.Protocol] = web.RequestHandler
    if heads is not None:
        handler = partial(_RefusesInHtml, remedy=heads.remedy)
        options |= {"max_line_size": heads.url_bytes_max, "max_field_size": heads.field_bytes_max}
    try:
        await _Site(runner, listening, partial(handler, server, **options), certificate).start()
    except BaseException:
        await runner.cleanup()
        raise
    return runner


class _Site(web.BaseSite):
    """Where links are taken."""

    __slots__ = ("_certificate", "_links", "_listening", "_make")

    def __init__(
        self,
        runner: web.AppRunner,
        listening: socket.socket,
        make: Callable[[], asyncio.Protocol],
        certificate: ServerCertificate | None,
    ) -> None:
        super().__init__(runner)
        self._listening = listening
        self._make = make
        self._certificate = certificate
        self._links: TlsLinks | None = None

    @property
    def name(self) -> str:
        return f"{'http' if self._certificate is None else 'https'} at {self._listening.getsockname()}"

    async def start(self) -> None:
        await super().start()
        if self._certificate is not None:
            self._links = TlsLinks(self._listening, self._make, self._certificate)
        else:
            loop = asyncio.get_running_loop()
            self._server = await loop.create_server(self._make, sock=self._listening, backlog=self._backlog)

    async def stop(self) -> None:
        if self._links is not None:
            await self._links.close()
        await super().stop()


class _RefusesInHtml(web.RequestHandler):
    """Tells by a page, not by a line of text, that a head is too long."""

    __slots__ = ("_remedy",)

    def __init__(self, *given: Any, remedy: str, **options: Any) -> None:
        super().__init__(*given, **options)
        self._remedy = remedy

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        answer = super().handle_error(request, status, exc, message)
        if not isinstance(exc, LineTooLong):
            return answer
        is_url = exc.args[1] == self.max_line_size
        status, title = (414, "URI Too Long") if is_url else (431, "Request Header Fields Too Large")
        limit = self.max_line_size if is_url else self.max_field_size
        what = "The URL" if is_url else "A header field"
        remedy = f" {self._remedy}" if is_url and self._remedy else ""
        text = escape(f"{what} of the request is longer than {limit:,} bytes.{remedy}")
        page = f"<html><head><title>{title}</title></head><body><h1>{title}</h1><p>{text}</p></body></html>\n"
        return web.Response(status=status, reason=title, text=page, content_type="text/html")
