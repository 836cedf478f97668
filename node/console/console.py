"""Where the console is mounted: as much of it as a start loads.

The pages are loaded when the node has been at rest for a while, or by the first request for one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from aiohttp import web

from node.console.changes import Changes
from node.console.traces import Traces

if TYPE_CHECKING:
    from aiohttp.typedefs import Handler

    from node.connections.context import Context
    from node.console.pages import Pages
    from node.delivery.broadcast import Broadcaster
    from node.delivery.dispatcher import Dispatcher
    from node.instance.front import InstanceFront
    from node.settings import Accent

PREFIX: Final = "/console"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsoleProfile:
    """What a console is put together from, beside its node.

    Attributes:
        instance: whose admins may sign in.
        accent: the colour that tells this instance from others.
        url: where people find the console: the node URL, or where this machine reaches a private node.
        hosts: further host names by which it may be called.
        framed_by: the origin whose pages may show it in a frame; none: no page may.
    """

    instance: InstanceFront
    accent: Accent
    url: str
    hosts: tuple[str, ...] = ()
    framed_by: str | None = None


class Console:
    """The console of one node.

    Attributes:
        changes: tell it that something has changed.
        traces: tell it of each message.
    """

    def __init__(
        self, context: Context, dispatcher: Dispatcher, broadcaster: Broadcaster | None, profile: ConsoleProfile
    ) -> None:
        self.changes = Changes()
        self.traces = Traces()
        self._parts = (context, dispatcher, broadcaster, profile)
        self._pages: Pages | None = None

    @property
    def pages(self) -> Pages:
        """All pages; the first use loads them."""
        if self._pages is None:
            from node.console.pages import Pages  # noqa: PLC0415 - see the head of this file

            self._pages = Pages(*self._parts, changes=self.changes, traces=self.traces)
        return self._pages

    @staticmethod
    def warm_up() -> None:
        """Load what pages are made by, so that the first request for one is as quick as the next.

        It takes a quarter of a second and may be called in a thread of its own.
        """
        from node.console import pages  # noqa: F401, PLC0415 - see the head of this file
        from node.console.rendering import compile_templates  # noqa: PLC0415 - likewise

        compile_templates()

    def add_to(self, app: web.Application) -> None:
        """Mount it in an application, whose middlewares hold `guard`."""
        for path in ("/", PREFIX, f"{PREFIX}/{{page:.*}}"):
            app.router.add_route("*", path, self._page)
        app.on_shutdown.append(self._end)

    async def _page(self, request: web.Request) -> web.StreamResponse:
        return await self.pages.page(request)

    async def _end(self, _app: web.Application) -> None:
        self.changes.end()

    @web.middleware
    async def guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Look at whoever asks for a page, and at nobody else."""
        if request.path in {"/", PREFIX} or request.path.startswith(f"{PREFIX}/"):
            return await self.pages.guard(request, handler)
        return await handler(request)
