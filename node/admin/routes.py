"""The admin API: parse, run one use case, show."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import msgspec
from aiohttp import web

from node.admin.bodies import AcceptBody, CheckBody, CodeBody, InitiateBody, read_body
from node.connections import accepting, initiating
from node.connections.views import connection_view, events_view, notice_view
from node.problems import PROBLEMS, Problem, ProblemError
from node.store import statements
from protocol.identity import fingerprint
from protocol.limits import COUNTER_LIMIT, SECURITY_NOTICES_MAX
from protocol.records import Status, status_of
from protocol.vocabulary import Role

if TYPE_CHECKING:
    from node.connections.context import Context
    from node.connections.stored import Connection
    from node.delivery.dispatcher import Dispatcher
    from node.ports import Transaction

API = "/api/v1"
PAGE_MAX = 500
PAGE_DEFAULT = 100
_SYS_ID = re.compile(r"[0-9a-f]{32}")

Handler = "Callable[[web.Request], Awaitable[web.StreamResponse]]"


class AdminApi:
    """The handlers; each answers JSON."""

    def __init__(self, context: Context, dispatcher: Dispatcher) -> None:
        self._context = context
        self._dispatcher = dispatcher

    def routes(self) -> list[web.RouteDef]:
        """All routes below `/api/v1`."""
        return [
            web.get(f"{API}/node", self.node),
            web.post(f"{API}/check", self.check),
            web.get(f"{API}/connections", self.list),
            web.post(f"{API}/connections", self.initiate),
            web.get(f"{API}/connections/{{sys_id}}", self.show),
            web.get(f"{API}/connections/{{sys_id}}/events", self.events),
            web.get(f"{API}/connections/{{sys_id}}/invitation", self.invitation),
            web.post(f"{API}/invitations/show", self.show_invitation),
            web.post(f"{API}/invitations/accept", self.accept),
        ]

    async def node(self, request: web.Request) -> web.Response:
        """Who this node is."""
        _query(request, ())
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

    async def initiate(self, request: web.Request) -> web.Response:
        """Make a connection; the answer holds the invitation code."""
        wish = (await read_body(request, InitiateBody)).wish()
        connection = await initiating.initiate(self._context, wish)
        return json_answer(
            {
                "connection": self._view(connection),
                "invitation_code": initiating.invitation_code(self._context, connection),
            },
            status=201,
            secret=True,
        )

    async def accept(self, request: web.Request) -> web.Response:
        """Accept a code; the source is told as soon as it can be reached."""
        body = await read_body(request, AcceptBody)
        connection = await accepting.accept(self._context, body.code, body.adapted())
        return json_answer({"connection": self._view(connection)}, status=201)

    async def show_invitation(self, request: web.Request) -> web.Response:
        """The public part of a code, and whether this node could accept it."""
        body = await read_body(request, CodeBody)
        code = accepting.read(self._context, body.code)
        return json_answer({"invitation": accepting.preview(self._context, code)})

    async def list(self, request: web.Request) -> web.Response:
        """A page of connections by number; `next` is the `after` of the next page."""
        query = _query(request, ("status", "role", "limit", "after"))
        limit = _number(query, "limit", PAGE_DEFAULT, highest=PAGE_MAX)
        after = _number(query, "after", 0, highest=COUNTER_LIMIT)
        status, role = _choice(query, "status", Status), _choice(query, "role", Role)
        found: list[Connection] = []
        while True:
            page = await self._context.store.run(
                lambda tx, after=after: statements.page(  # type: ignore[misc]
                    tx, now=self._context.clock.now(), after=after, most=limit
                )
            )
            found += [
                one
                for one in page
                if (status is None or status_of(one.record) == status) and (role is None or one.role == role)
            ]
            if len(page) < limit or len(found) >= limit:
                break
            after = page[-1].n
        found = found[:limit]
        more = len(found) == limit
        return json_answer({"connections": [self._view(one) for one in found], "next": found[-1].n if more else None})

    async def show(self, request: web.Request) -> web.Response:
        """One connection, with its notices."""
        _query(request, ())

        def unit(tx: Transaction) -> tuple[Connection, list[dict[str, Any]]]:
            connection = _found(tx, request)
            notices = statements.notices_of(tx, n=connection.n, most=SECURITY_NOTICES_MAX)
            return connection, [notice_view(row) for row in notices]

        connection, notices = await self._context.store.run(unit)
        return json_answer({"connection": self._view(connection), "notices": notices})

    async def events(self, request: web.Request) -> web.Response:
        """The connection's event log after a seq, oldest first."""
        query = _query(request, ("after", "limit"))
        after = _number(query, "after", 0, highest=COUNTER_LIMIT)
        limit = _number(query, "limit", PAGE_DEFAULT, highest=PAGE_MAX)

        def unit(tx: Transaction) -> list[dict[str, Any]]:
            rows = statements.events_after(tx, n=_found(tx, request).n, after=after, most=limit)
            return events_view(rows)

        return json_answer({"events": await self._context.store.run(unit)})

    async def invitation(self, request: web.Request) -> web.Response:
        """The living code of a pending connection, once more."""
        _query(request, ())
        connection = await self._context.store.run(lambda tx: _found(tx, request))
        code = initiating.invitation_code(self._context, connection)
        if code is None:
            raise ProblemError(
                Problem.NOT_POSSIBLE_NOW,
                f"This connection has no code that could be taken: the status is {status_of(connection.record)}.",
            )
        return json_answer({"invitation_code": code}, secret=True)

    def _view(self, connection: Connection) -> dict[str, Any]:
        return connection_view(self._context, connection, self._dispatcher.waiting(connection.recipient))


async def problem_page(request: web.Request) -> web.Response:
    """What a problem type means and what to do about it: the page that `type` leads to."""
    slug = request.match_info["slug"]
    if slug not in {problem.value for problem in Problem}:
        raise ProblemError(Problem.NOT_FOUND, "There is no such problem type.")
    row = PROBLEMS[Problem(slug)]
    return web.Response(text=f"{slug} (HTTP {row.status})\n\n{row.title}.\n{row.remedy}\n")


def json_answer(content: dict[str, Any], *, status: int = 200, secret: bool = False) -> web.Response:
    """A JSON answer; one that holds a code is kept by no cache."""
    headers = {"Cache-Control": "no-store"} if secret else None
    return web.Response(
        body=msgspec.json.encode(content), status=status, content_type="application/json", headers=headers
    )


def _found(tx: Transaction, request: web.Request) -> Connection:
    sys_id = request.match_info["sys_id"]
    connection = statements.find_by_sys_id(tx, sys_id) if _SYS_ID.fullmatch(sys_id) else None
    if connection is None or connection.record.hidden:
        raise ProblemError(Problem.NOT_FOUND, "This instance has no connection with that sys_id.")
    return connection


def _query(request: web.Request, known: tuple[str, ...]) -> dict[str, str]:
    for name in request.query:
        if name not in known:
            raise ProblemError(
                Problem.UNKNOWN_FIELD, f"The parameter {name[:60]!a} is not known here.", field=name[:60]
            )
        if len(request.query.getall(name)) > 1:
            raise ProblemError(Problem.INVALID_FIELD, f"The parameter {name} is given twice.", field=name)
    return dict(request.query)


def _number(query: dict[str, str], name: str, default: int, *, highest: int) -> int:
    text = query.get(name)
    if text is None:
        return default
    lowest = 0 if name == "after" else 1
    if not (text.isascii() and text.isdecimal() and lowest <= int(text[:20]) <= highest):
        raise ProblemError(
            Problem.INVALID_FIELD,
            f"The parameter {name} is a whole number from {lowest} to {highest}.",
            field=name,
        )
    return int(text)


def _choice(query: dict[str, str], name: str, words: type[Status | Role]) -> str | None:
    text = query.get(name)
    if text is not None and text not in {word.value for word in words}:
        raise ProblemError(
            Problem.INVALID_FIELD,
            f"The parameter {name} is one of: {', '.join(word.value for word in words)}.",
            field=name,
        )
    return text
