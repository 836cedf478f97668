"""The first page for somebody who has never seen the console."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from node.console.console import PREFIX

if TYPE_CHECKING:
    from collections.abc import Sequence

    from node.console.shell import Shell


class GettingStartedPages:
    """The handler."""

    def __init__(self, shell: Shell) -> None:
        self._shell = shell

    def routes(self) -> Sequence[web.RouteDef]:
        """Where it stands."""
        return [web.get(f"{PREFIX}/getting-started", self.show)]

    async def show(self, request: web.Request) -> web.Response:
        """Tell the story in two steps."""
        return self._shell.page(
            request,
            "getting_started.html",
            title="Getting Started",
            menu="getting-started",
            is_public=self._shell.context.node_url is not None,
        )
