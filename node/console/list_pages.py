"""The list of connections."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

from aiohttp import web

from node.console.console import PREFIX
from node.store.browsing import Column, Found, Wanted, browse, is_empty
from node.words import STATUSES
from protocol.limits import CONNECTION_NAME_CHARACTERS_MAX
from protocol.records import Status
from protocol.vocabulary import Role

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from node.console.shell import Shell
    from node.ports import Transaction

LIST: Final = f"{PREFIX}/connections"
PER_PAGE: Final = 50
PAGE_DIGITS_MAX: Final = 7

HEADINGS: Final[Mapping[Column, str]] = {
    Column.NAME: "Connection",
    Column.ROLE: "Role",
    Column.MODE: "Mode",
    Column.OTHER: "Other instance",
    Column.STATUS: "Status",
    Column.SINCE: "Since",
    Column.ACTIVITY: "Last activity",
}


class ListPages:
    """The handlers."""

    def __init__(self, shell: Shell) -> None:
        self._shell = shell

    def routes(self) -> Sequence[web.RouteDef]:
        """Where they stand."""
        return [web.get(LIST, self.list)]

    async def list(self, request: web.Request) -> web.Response:
        """A page of the list, or of it the part that an open page asks for again."""
        wanted = _wanted(request.query)
        now = self._shell.context.clock.now()

        def unit(tx: Transaction) -> tuple[Found, bool]:
            return browse(tx, wanted, now=now, per_page=PER_PAGE), is_empty(tx)

        found, empty = await self._shell.context.store.run(unit)
        return self._shell.page(
            request,
            "connections_part.html" if request.query.get("part") == "list" else "connections.html",
            title="Connections",
            menu="connections",
            rows=[self._shell.shown(one) for one in found.rows],
            found=found,
            first=(found.page - 1) * PER_PAGE + 1,
            is_empty=empty,
            wanted=wanted,
            is_filtered=bool(wanted.words or wanted.status or wanted.role),
            headings=[_heading(column, wanted) for column in Column],
            statuses=STATUSES,
            link=lambda **more: link(wanted, **more),
        )


def link(wanted: Wanted, **more: Any) -> str:
    """The address of the list with something changed."""
    fields = {
        "words": wanted.words,
        "status": wanted.status.value if wanted.status else "",
        "role": wanted.role.value if wanted.role else "",
        "sort": wanted.sort.value,
        "order": "desc" if wanted.descending else "asc",
        "page": wanted.page,
    } | more
    return f"{LIST}?{urlencode({name: value for name, value in fields.items() if value not in {'', None}})}"


def _heading(column: Column, wanted: Wanted) -> dict[str, Any]:
    """A column's heading: a link that sorts by it, or turns the order around."""
    is_here = wanted.sort is column
    descending = not wanted.descending if is_here else column in {Column.SINCE, Column.ACTIVITY}
    order = "desc" if descending else "asc"
    return {
        "title": HEADINGS[column],
        "slug": column.value,
        "link": link(wanted, sort=column.value, order=order, page=1),
        "sorted": ("descending" if wanted.descending else "ascending") if is_here else None,
    }


def _wanted(query: Mapping[str, str]) -> Wanted:
    """What the address asks for; whatever makes no sense is not asked for."""
    page = query.get("page", "")
    return Wanted(
        words=query.get("words", "").strip()[:CONNECTION_NAME_CHARACTERS_MAX],
        status=_one_of(Status, query.get("status")),
        role=_one_of(Role, query.get("role")),
        sort=_one_of(Column, query.get("sort")) or Column.ACTIVITY,
        descending=query.get("order", "desc") != "asc",
        page=int(page) if page.isascii() and page.isdecimal() and len(page) <= PAGE_DIGITS_MAX else 1,
    )


def _one_of(vocabulary: type[Any], text: str | None) -> Any:
    words = {one.value for one in vocabulary}
    return vocabulary(text) if text in words else None
