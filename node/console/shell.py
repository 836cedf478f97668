"""What every page of the console has in common: the frame around it, and how a handler answers."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from aiohttp import web

from node.connections.views import connection_view
from node.console.console import PREFIX
from node.console.guarding import ADMIN, SESSION, TOKEN
from node.console.presenting import shown
from node.console.rendering import render
from node.console.sessions import form_token
from node.delivery.broadcast import broker_state
from node.version import VERSION
from protocol.identity import fingerprint
from protocol.limits import PROTOCOL_VERSION

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from node.connections.context import Context
    from node.connections.stored import Connection
    from node.console.assets import Assets
    from node.console.changes import Changes
    from node.console.health import Health
    from node.console.sessions import Sessions
    from node.delivery.broadcast import Broadcaster
    from node.delivery.dispatcher import Dispatcher
    from node.instance.people.admins import Admins
    from node.instance.viewer import Viewer
    from node.settings import Accent

THEME_COOKIE: Final = "handclasp_theme"


class Theme(StrEnum):
    """Light, dark, or as the system is set."""

    AUTO = "auto"
    LIGHT = "light"
    DARK = "dark"


@dataclass(frozen=True, slots=True)
class MenuEntry:
    """One line of the menu, there once its page is real."""

    slug: str
    title: str
    icon: str

    @property
    def path(self) -> str:
        """Where its page is."""
        return f"{PREFIX}/{self.slug}"


MENU: Final[Sequence[MenuEntry]] = (
    MenuEntry("getting-started", "Getting Started", "rocket"),
    MenuEntry("settings", "General Settings", "settings"),
    MenuEntry("connections", "Connections", "cable"),
    MenuEntry("records", "Records", "table-2"),
    MenuEntry("errors", "Errors", "octagon-alert"),
    MenuEntry("notifications", "Notifications", "bell"),
    MenuEntry("license", "License Details", "badge-check"),
    MenuEntry("queue", "Sync Queue", "list-checks"),
    MenuEntry("clean-up", "Clean-up Tools", "brush-cleaning"),
)
"""In the order of the page that the console follows; it has none for records; they stand by the connections."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shell:
    """What handlers share."""

    context: Context
    dispatcher: Dispatcher
    broadcaster: Broadcaster | None
    admins: Admins
    sessions: Sessions
    changes: Changes
    health: Health
    assets: Assets
    accent: Accent
    headers: Mapping[str, str]

    def page(
        self,
        request: web.Request,
        template: str,
        *,
        title: str,
        menu: str = "",
        status: int = 200,
        secret: bool = False,
        **values: Any,
    ) -> web.Response:
        """A page; one that holds a code is kept by no cache.

        Pages are for one admin at one moment, so no shared cache keeps any of them.
        """
        text = render(
            template,
            title=title,
            menu_here=menu,
            menu=MENU,
            is_signed_in=SESSION in request,
            form_token=form_token(request[TOKEN]) if TOKEN in request else "",
            path=request.path_qs,
            changes_seen=self.changes.number,
            **self._frame(request),
            **values,
        )
        return web.Response(
            text=text,
            status=status,
            content_type="text/html",
            headers={"Cache-Control": "no-store" if secret else "private, no-cache"},
        )

    async def admin_of(self, session: str) -> Viewer | None:
        """Whose session that is; whoever is no admin any more, or has another password now, has none.

        Raises:
            StoreError: the instance can't be opened.
        """
        found = await self.sessions.user_of(session)
        if found is None:
            return None
        admin = await self.admins.admin(*found)
        if admin is None:
            await self.sessions.close(session)
        return admin

    async def go_on(self, request: web.Request) -> None:
        """Let the session of an admin who has just set another password of their own go on, alone."""
        admin = request[ADMIN]
        if (mark := await self.admins.password_mark_of(admin)) is not None:
            await self.sessions.close_others(request[SESSION], admin.sys_id, mark)

    def shown(self, connection: Connection) -> dict[str, Any]:
        """A connection as templates show it."""
        view = connection_view(self.context, connection, self.dispatcher.waiting(connection))
        return shown(view, now=self.context.clock.now())

    def _frame(self, request: web.Request) -> dict[str, Any]:
        context = self.context
        return {
            "instance": context.name,
            "accent": self.accent.value,
            "fingerprint": fingerprint(context.key),
            "theme": theme_of(request).value,
            "asset": self.assets.path,
            "version": VERSION,
            "protocol_version": PROTOCOL_VERSION,
            "admin": request.get(ADMIN),
            "partners": self.health.partners,
            "broker": broker_state(self.broadcaster),
        }


def theme_of(request: web.Request) -> Theme:
    """Which theme this browser has chosen."""
    chosen = request.cookies.get(THEME_COOKIE, "")
    return Theme(chosen) if chosen in {one.value for one in Theme} else Theme.AUTO


def see_other(place: str) -> web.Response:
    """After a form: go and look at a page, so that loading it again sends nothing again."""
    return web.Response(status=303, headers={"Location": place, "Cache-Control": "no-store"})
