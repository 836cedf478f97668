"""The admin API's reads, and the list of all its routes."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import msgspec
from aiohttp import web

from node.admin import parameters
from node.admin.answers import choice, connection_id, json_answer, json_text, number, query
from node.admin.bodies import CheckBody, CodeBody, LicenseBody, read_body
from node.admin.operations import BY_ID, OPERATIONS
from node.admin.parameters import YesNo
from node.admin.programs import Programs
from node.admin.writes import Writes
from node.connections import accepting, initiating, licensing
from node.connections.acting import found
from node.connections.views import connection_view, license_view, notice_view
from node.problems import PROBLEMS, Problem, ProblemError
from node.store import listing, statements
from protocol.identity import fingerprint
from protocol.limits import SECURITY_NOTICES_MAX
from protocol.records import status_of

if TYPE_CHECKING:
    from aiohttp.typedefs import Handler

    from node.connections.context import Context
    from node.connections.shapes import (
        CheckAnswer,
        ConnectionsAnswer,
        ConnectionView,
        EventsAnswer,
        InvitationAnswer,
        InvitationCodeAnswer,
        LicenseAnswer,
        NodeView,
        NoticeView,
        ShownAnswer,
    )
    from node.connections.stored import Connection
    from node.delivery.dispatcher import Dispatcher
    from node.delivery.events import StatusEvent
    from node.instance.front import InstanceFront
    from node.ports import Transaction


class AdminApi:
    """The handlers; each answers JSON."""

    def __init__(self, context: Context, dispatcher: Dispatcher, instance: InstanceFront | None = None) -> None:
        self._context = context
        self._dispatcher = dispatcher
        self._programs = Programs(instance)

    def routes(self) -> list[web.RouteDef]:
        """All routes below `/api/v1`: one of each operation."""
        handlers = self.handlers()
        return [web.route(one.method, one.url, handlers[one.id]) for one in OPERATIONS]

    def handlers(self) -> dict[str, Handler]:
        """Who carries out each operation."""
        return {
            "getNode": self.node,
            "getLicense": self.license,
            "enterLicense": self.enter_license,
            "checkDestination": self.check,
            "listConnections": self.list,
            "getConnection": self.show,
            "listEvents": self.events,
            "getInvitationCode": self.invitation,
            "showInvitation": self.show_invitation,
            "getOpenApi": self.openapi,
            "getAsyncApi": self.asyncapi,
            **Writes(self._context, self._dispatcher).handlers(),
            **self._programs.handlers(),
        }

    async def node(self, request: web.Request) -> web.Response:
        """Who this node is."""
        query(request, ())
        context = self._context
        node: NodeView = {
            "name": context.name,
            "node_id": context.topic_id,
            "fingerprint": fingerprint(context.key),
            "node_url": context.node_url,
            "instance_url": context.instance_url,
            "software": context.software,
        }
        return json_answer(node)

    async def license(self, request: web.Request) -> web.Response:
        """What the license allows now."""
        query(request, ())
        answer: LicenseAnswer = {"license": license_view(licensing.standing(self._context))}
        return json_answer(answer)

    async def enter_license(self, request: web.Request) -> web.Response:
        """Let another license key count."""
        body = await read_body(request, LicenseBody)
        answer: LicenseAnswer = {"license": license_view(licensing.enter(self._context, body.key))}
        return json_answer(answer)

    async def check(self, request: web.Request) -> web.Response:
        """Look at a destination; every outcome is a result, not a problem."""
        body = await read_body(request, CheckBody)
        result = await initiating.check(self._context, body.url)
        info = result.info
        found: CheckAnswer = {
            "outcome": result.outcome,
            "sentence": result.sentence,
            "remedy": result.remedy,
            "modes": list(result.modes),
            "reason": result.reason,
            "node_url": result.node_url,
            "instance_url": info.instance_url if info is not None else None,
            "name": info.name if info is not None else None,
            "fingerprint": fingerprint(info.key) if info is not None else None,
        }
        return json_answer(found)

    async def show_invitation(self, request: web.Request) -> web.Response:
        """The public part of a code, and whether this node could accept it."""
        body = await read_body(request, CodeBody)
        code = accepting.read(self._context, body.code)
        answer: InvitationAnswer = {"invitation": await accepting.preview(self._context, code)}
        return json_answer(answer)

    async def list(self, request: web.Request) -> web.Response:
        """A page of connections by number; `next` is the `after` of the next page.

        `removed=true`: instead of those in the list, those that were removed and whose partner has not been told.
        """
        given = query(request, BY_ID["listConnections"].query)
        removed = choice(given, parameters.REMOVED) is YesNo.YES
        limit, after = number(given, parameters.LIMIT), number(given, parameters.AFTER_NUMBER)
        status, role = choice(given, parameters.STATUS), choice(given, parameters.ROLE)

        def unit(tx: Transaction) -> list[Connection]:
            if removed:
                return listing.removed(tx, after=after, most=limit, status=status, role=role)
            now = self._context.clock.now()
            return listing.page(tx, now=now, after=after, most=limit, status=status, role=role)

        shown = await self._context.store.run(unit)
        more = len(shown) == limit
        answer: ConnectionsAnswer = {
            "connections": [self._view(one) for one in shown],
            "next": shown[-1].n if more else None,
        }
        return json_answer(answer)

    async def show(self, request: web.Request) -> web.Response:
        """One connection, with its notices."""
        query(request, ())
        sys_id = connection_id(request)

        def unit(tx: Transaction) -> tuple[Connection, list[NoticeView]]:
            connection = found(tx, sys_id)
            notices = statements.notices_of(tx, n=connection.n, most=SECURITY_NOTICES_MAX)
            return connection, [notice_view(row) for row in notices]

        connection, notices = await self._context.store.run(unit)
        answer: ShownAnswer = {"connection": self._view(connection), "notices": notices}
        return json_answer(answer)

    async def events(self, request: web.Request) -> web.Response:
        """The connection's event log after a seq, oldest first."""
        given = query(request, BY_ID["listEvents"].query)
        after, limit = number(given, parameters.AFTER_SEQ), number(given, parameters.LIMIT)
        sys_id = connection_id(request)

        def unit(tx: Transaction) -> EventsAnswer:
            rows = statements.events_after(tx, n=found(tx, sys_id).n, after=after, most=limit)
            return {"events": cast("list[StatusEvent]", [msgspec.Raw(row.data) for row in rows])}  # byte for byte

        return json_answer(await self._context.store.run(unit))

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
        answer: InvitationCodeAnswer = {"invitation_code": code}
        return json_answer(answer, secret=True)

    async def openapi(self, request: web.Request) -> web.Response:
        """This API's description."""
        query(request, ())
        from node.describing.openapi import openapi_json  # noqa: PLC0415 - a start need not wait for it

        return json_text(openapi_json())

    async def asyncapi(self, request: web.Request) -> web.Response:
        """The description of the broadcasts."""
        query(request, ())
        from node.describing.asyncapi import asyncapi_json  # noqa: PLC0415 - a start need not wait for it

        return json_text(asyncapi_json())

    def _view(self, connection: Connection) -> ConnectionView:
        return connection_view(self._context, connection, self._dispatcher.waiting(connection))


async def problem_page(request: web.Request) -> web.Response:
    """What a problem type means and what to do about it: the page that `type` leads to."""
    slug = request.match_info["slug"]
    if slug not in {problem.value for problem in Problem}:
        raise ProblemError(Problem.NOT_FOUND, "There is no such problem type.")
    row = PROBLEMS[Problem(slug)]
    return web.Response(text=f"{slug} (HTTP {row.status})\n\n{row.title}.\n{row.when}\n{row.remedy}\n")
