"""The admin API's reads, and the list of all its routes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aiohttp import web

from node.admin.answers import API, YesNo, choice, connection_id, json_answer, number, query
from node.admin.bodies import CheckBody, CodeBody, LicenseBody, read_body
from node.admin.writes import Writes
from node.connections import accepting, initiating, licensing
from node.connections.acting import found
from node.connections.views import connection_view, events_view, license_view, notice_view
from node.problems import PROBLEMS, Problem, ProblemError
from node.store import listing, statements
from protocol.identity import fingerprint
from protocol.limits import COUNTER_LIMIT, SECURITY_NOTICES_MAX
from protocol.records import Status, status_of
from protocol.vocabulary import Role

if TYPE_CHECKING:
    from node.connections.context import Context
    from node.connections.stored import Connection
    from node.delivery.dispatcher import Dispatcher
    from node.ports import Transaction

PAGE_MAX = 500
PAGE_DEFAULT = 100


class AdminApi:
    """The handlers; each answers JSON."""

    def __init__(self, context: Context, dispatcher: Dispatcher) -> None:
        self._context = context
        self._dispatcher = dispatcher

    def routes(self) -> list[web.RouteDef]:
        """All routes below `/api/v1`."""
        return [
            web.get(f"{API}/node", self.node),
            web.get(f"{API}/license", self.license),
            web.put(f"{API}/license", self.enter_license),
            web.post(f"{API}/check", self.check),
            web.get(f"{API}/connections", self.list),
            web.get(f"{API}/connections/{{sys_id}}", self.show),
            web.get(f"{API}/connections/{{sys_id}}/events", self.events),
            web.get(f"{API}/connections/{{sys_id}}/invitation", self.invitation),
            web.post(f"{API}/invitations/show", self.show_invitation),
            *Writes(self._context, self._dispatcher).routes(),
        ]

    async def node(self, request: web.Request) -> web.Response:
        """Who this node is."""
        query(request, ())
        context = self._context
        return json_answer(
            {
                "name": context.name,
                "node_id": context.topic_id,
                "fingerprint": fingerprint(context.key),
                "node_url": context.node_url,
                "instance_url": context.instance_url,
                "software": context.software,
            }
        )

    async def license(self, request: web.Request) -> web.Response:
        """What the license allows now."""
        query(request, ())
        return json_answer({"license": license_view(licensing.standing(self._context))})

    async def enter_license(self, request: web.Request) -> web.Response:
        """Let another license key count."""
        body = await read_body(request, LicenseBody)
        return json_answer({"license": license_view(licensing.enter(self._context, body.key))})

    async def check(self, request: web.Request) -> web.Response:
        """Look at a destination; every outcome is a result, not a problem."""
        body = await read_body(request, CheckBody)
        result = await initiating.check(self._context, body.url)
        info = result.info
        return json_answer(
            {
                "outcome": result.outcome.value,
                "sentence": result.sentence,
                "remedy": result.remedy,
                "modes": [mode.value for mode in result.modes],
                "reason": result.reason.value if result.reason is not None else None,
                "node_url": result.node_url,
                "instance_url": info.instance_url if info is not None else None,
                "name": info.name if info is not None else None,
                "fingerprint": fingerprint(info.key) if info is not None else None,
            }
        )

    async def show_invitation(self, request: web.Request) -> web.Response:
        """The public part of a code, and whether this node could accept it."""
        body = await read_body(request, CodeBody)
        code = accepting.read(self._context, body.code)
        return json_answer({"invitation": await accepting.preview(self._context, code)})

    async def list(self, request: web.Request) -> web.Response:
        """A page of connections by number; `next` is the `after` of the next page.

        `removed=true`: instead of those in the list, those that were removed and whose partner has not been told.
        """
        given = query(request, ("status", "role", "removed", "limit", "after"))
        removed = choice(given, "removed", YesNo) is YesNo.YES
        limit = number(given, "limit", PAGE_DEFAULT, lowest=1, highest=PAGE_MAX)
        after = number(given, "after", 0, lowest=0, highest=COUNTER_LIMIT)
        status, role = choice(given, "status", Status), choice(given, "role", Role)

        def unit(tx: Transaction) -> list[Connection]:
            if removed:
                return listing.removed(tx, after=after, most=limit, status=status, role=role)
            now = self._context.clock.now()
            return listing.page(tx, now=now, after=after, most=limit, status=status, role=role)

        shown = await self._context.store.run(unit)
        more = len(shown) == limit
        return json_answer({"connections": [self._view(one) for one in shown], "next": shown[-1].n if more else None})

    async def show(self, request: web.Request) -> web.Response:
        """One connection, with its notices."""
        query(request, ())
        sys_id = connection_id(request)

        def unit(tx: Transaction) -> tuple[Connection, list[dict[str, Any]]]:
            connection = found(tx, sys_id)
            notices = statements.notices_of(tx, n=connection.n, most=SECURITY_NOTICES_MAX)
            return connection, [notice_view(row) for row in notices]

        connection, notices = await self._context.store.run(unit)
        return json_answer({"connection": self._view(connection), "notices": notices})

    async def events(self, request: web.Request) -> web.Response:
        """The connection's event log after a seq, oldest first."""
        given = query(request, ("after", "limit"))
        after = number(given, "after", 0, lowest=0, highest=COUNTER_LIMIT)
        limit = number(given, "limit", PAGE_DEFAULT, lowest=1, highest=PAGE_MAX)

        sys_id = connection_id(request)

        def unit(tx: Transaction) -> list[dict[str, Any]]:
            rows = statements.events_after(tx, n=found(tx, sys_id).n, after=after, most=limit)
            return events_view(rows)

        return json_answer({"events": await self._context.store.run(unit)})

    async def invitation(self, request: web.Request) -> web.Response:
        """The living code of a pending connection, once more."""
        query(request, ())
        sys_id = connection_id(request)
        connection = await self._context.store.run(lambda tx: found(tx, sys_id))
        code = initiating.invitation_code(self._context, connection)
        if code is None:
            raise ProblemError(
                Problem.NOT_POSSIBLE_NOW,
                f"This connection has no code that could be taken: the status is {status_of(connection.record)}.",
            )
        return json_answer({"invitation_code": code}, secret=True)

    def _view(self, connection: Connection) -> dict[str, Any]:
        return connection_view(self._context, connection, self._dispatcher.waiting(connection))


async def problem_page(request: web.Request) -> web.Response:
    """What a problem type means and what to do about it: the page that `type` leads to."""
    slug = request.match_info["slug"]
    if slug not in {problem.value for problem in Problem}:
        raise ProblemError(Problem.NOT_FOUND, "There is no such problem type.")
    row = PROBLEMS[Problem(slug)]
    return web.Response(text=f"{slug} (HTTP {row.status})\n\n{row.title}.\n{row.remedy}\n")
