"""What waits and what is over: Notifications, Sync Queue, Clean-up Tools."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aiohttp import web

from node import words
from node.connections import attention
from node.console.console import PREFIX
from node.console.shell import see_other

if TYPE_CHECKING:
    from collections.abc import Sequence

    from node.console.shell import Shell

QUEUE: Final = f"{PREFIX}/queue"
NOTIFICATIONS: Final = f"{PREFIX}/notifications"
CLEAN_UP: Final = f"{PREFIX}/clean-up"


class QueuePages:
    """The outbox: what has not been told to whom."""

    def __init__(self, shell: Shell) -> None:
        self._shell = shell

    def routes(self) -> Sequence[web.RouteDef]:
        """Where it stands."""
        return [web.get(QUEUE, self.show)]

    async def show(self, request: web.Request) -> web.Response:
        """What is owed, or of that page the part that an open one asks for again."""
        owed, count, broadcast_count = await attention.owed(self._shell.context)
        return self._shell.page(
            request,
            "queue_part.html" if request.query.get("part") == "queue" else "queue.html",
            title="Sync Queue",
            menu="queue",
            rows=[self._shell.shown(one) for one in owed],
            count=count,
            broadcast_count=broadcast_count,
        )


class NotificationPages:
    """What this admin should look at."""

    def __init__(self, shell: Shell) -> None:
        self._shell = shell

    def routes(self) -> Sequence[web.RouteDef]:
        """Where it stands."""
        return [web.get(NOTIFICATIONS, self.show)]

    async def show(self, request: web.Request) -> web.Response:
        """What waits for a decision, and notices; or the part of the page that an open one asks for again."""
        found = await attention.look(self._shell.context)
        return self._shell.page(
            request,
            "notifications_part.html" if request.query.get("part") == "notifications" else "notifications.html",
            title="Notifications",
            menu="notifications",
            waiting=[self._shell.shown(one) for one in found.waiting],
            notices=[
                {
                    "at": words.day_and_time(row.at_ms / 1000),
                    "sentence": words.notice(row.kind),
                    "about": row.about,
                    "sys_id": row.sys_id,
                    "name": row.name,
                }
                for row in found.notices
            ],
        )


class CleanUpPages:
    """Taking what is over off the list."""

    def __init__(self, shell: Shell) -> None:
        self._shell = shell

    def routes(self) -> Sequence[web.RouteDef]:
        """Where they stand."""
        return [web.get(CLEAN_UP, self.show), web.post(CLEAN_UP, self.tidy)]

    async def show(self, request: web.Request) -> web.Response:
        """What could be tidied up."""
        closed_count, removed = await attention.leftovers(self._shell.context)
        return self._shell.page(
            request,
            "clean_up.html",
            title="Clean-up Tools",
            menu="clean-up",
            closed_count=closed_count,
            removed=[self._shell.shown(one) for one in removed],
            at_once=attention.TIDIED_AT_ONCE_MAX,
        )

    async def tidy(self, _request: web.Request) -> web.Response:
        """Take closed connections off the list."""
        await attention.tidy(self._shell.context)
        return see_other(CLEAN_UP)
