"""A text for whoever reports a bug: what runs here, and nothing of whom it is connected to."""

from __future__ import annotations

import platform
from typing import TYPE_CHECKING, Final

from aiohttp import web

from node.connections import attention
from node.console.console import PREFIX
from node.delivery.broadcast import broker_state
from node.store.browsing import counts
from node.version import VERSION
from node.words import STATUSES, day_and_time
from protocol.limits import PROTOCOL_VERSION

if TYPE_CHECKING:
    from collections.abc import Sequence

    from node.console.shell import Shell

REPORT: Final = f"{PREFIX}/report"


class ReportPages:
    """The handler."""

    def __init__(self, shell: Shell) -> None:
        self._shell = shell

    def routes(self) -> Sequence[web.RouteDef]:
        """Where it stands."""
        return [web.get(REPORT, self.show)]

    async def show(self, request: web.Request) -> web.Response:
        """The text, to be read before it is sent to anybody."""
        return self._shell.page(request, "report.html", title="Report a bug", text=await self._text())

    async def _text(self) -> str:
        context = self._shell.context
        now = context.clock.now()
        by_status = await context.store.run(lambda tx: counts(tx, now=now))
        _, owed_count, broadcast_count = await attention.owed(context)
        connections = ", ".join(f"{count} {STATUSES[status].lower()}" for status, count in by_status) or "none"
        return "\n".join(
            (
                "What I did:",
                "",
                "What I expected:",
                "",
                "What happened instead:",
                "",
                f"Handclasp {VERSION}, protocol {PROTOCOL_VERSION}, {day_and_time(context.clock.now())}",
                f"Python {platform.python_version()} on {platform.system()} {platform.machine()}",
                f"Reach: {'public' if context.node_url is not None else 'private'}",
                f"Broker: {broker_state(self._shell.broadcaster)}, {broadcast_count} broadcasts wait",
                f"Connections: {connections}; {owed_count} owe their partner a statement",
            )
        )
