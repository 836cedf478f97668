"""The stage as a web site on loopback: its page, the stream that keeps it up to date, and the way in.

The stage shows nothing secret: what goes over the wire is told by its kind alone, and each console asks who one is.
The way in, a link with a key that the terminal alone tells, signs a browser in to both consoles: cookies know no ports.
"""

from __future__ import annotations

import asyncio
import hmac
from typing import TYPE_CHECKING, Final

from aiohttp import web

from node.console.assets import Assets
from node.console.console import PREFIX
from node.demo.stage.places import STAGE_FILES
from node.demo.stage.signing_in import sign_in

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aiohttp.typedefs import Handler

    from node.demo.stage.stage import Stage

RETRY_MS: Final = 1000
_NUMBER_CHARACTERS_MAX: Final = 15


class StageSite:
    """The site of one stage.

    Attributes:
        app: what is served.
    """

    def __init__(self, stage: Stage, *, origin: str, key: str) -> None:
        """Name the parts.

        Args:
            stage: what is shown.
            origin: where it is served; by another name it answers nobody, whoever leads here.
            key: what stands in the link of the way in.
        """
        self._stage = stage
        self._origin = origin
        self._key = key
        self._once: str | None = None
        self._assets = Assets(STAGE_FILES, prefix="")
        self._headers = _headers([one.url for one in stage.consoles.values()])
        self.app = web.Application(middlewares=[self._guard])
        self.app.router.add_get("/", self._page)
        self.app.router.add_get("/live", self._live)
        self.app.router.add_get("/enter/{key}", self._enter)
        self.app.router.add_get("/assets/{digest}/{name:.+}", self._assets.serve)
        self.app.on_shutdown.append(self._end)

    @property
    def way_in(self) -> str:
        """The link that signs whoever opens it in to both consoles."""
        return f"{self._origin}/enter/{self._key}"

    def way_in_once(self, key: str) -> str:
        """The same with another key, which is spent by its first use.

        It is for the browser that the demo opens: every user of the machine sees what a program is started with.
        """
        self._once = key
        return f"{self._origin}/enter/{key}"

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if f"{request.scheme}://{request.host}" != self._origin:
            answer: web.StreamResponse = _refusal(421, f"This stage is at {self._origin} and nowhere else.")
        else:
            try:
                answer = await handler(request)
            except web.HTTPException as error:
                answer = _refusal(error.status, f"There is no such page. The stage is at {self._origin}.")
        if not answer.prepared:
            answer.headers.update(self._headers)
        return answer

    async def _page(self, _request: web.Request) -> web.Response:
        text = self._stage.page(self._assets.path)
        return web.Response(text=text, content_type="text/html", headers={"Cache-Control": "no-store"})

    async def _enter(self, request: web.Request) -> web.Response:
        key = request.match_info["key"].encode(errors="replace")
        if self._once is not None and hmac.compare_digest(key, self._once.encode()):
            self._once = None
        elif not hmac.compare_digest(key, self._key.encode()):
            return _refusal(403, "This link is not of this demo, or is spent. Open the one that its terminal told.")
        answer = web.Response(status=303, headers={"Location": "/", "Cache-Control": "no-store"})
        consoles = self._stage.consoles.values()
        for session in await asyncio.gather(*(sign_in(one.url, one.password) for one in consoles)):
            if session is not None:
                answer.set_cookie(session.name, session.value, path=PREFIX, httponly=True, samesite="Lax")
        return answer

    async def _live(self, request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse(headers={**self._headers, "Cache-Control": "no-store"})
        answer.content_type = "text/event-stream"
        await answer.prepare(request)
        journal, number = self._stage.journal, _seen(request)
        try:
            await answer.write(f"retry: {RETRY_MS}\n\n".encode())
            self._stage.watched.set()
            while not journal.is_over:
                for one in (entries := await journal.after(number)):
                    lines = "".join(f"data: {line}\n" for line in one.html.splitlines())
                    await answer.write(f"event: {one.event}\nid: {one.number}\n{lines}\n".encode())
                    number = one.number
                if not entries:
                    await answer.write(b": still here\n\n")
        except ConnectionError:  # the page was closed
            pass
        return answer

    async def _end(self, _app: web.Application) -> None:
        self._stage.journal.end()


def _headers(consoles: Sequence[str]) -> Mapping[str, str]:
    return {
        "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        f"connect-src 'self'; frame-src {' '.join(consoles)}; form-action 'none'; base-uri 'none'; "
        "frame-ancestors 'none'",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
    }


def _refusal(status: int, sentence: str) -> web.Response:
    return web.Response(status=status, text=f"{sentence}\n", content_type="text/plain")


def _seen(request: web.Request) -> int:
    """The number that the page was made with, or that was told last before the stream broke off."""
    text = request.headers.get("Last-Event-ID") or request.query.get("seen", "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= _NUMBER_CHARACTERS_MAX else 0
