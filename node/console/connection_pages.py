"""One connection: its page, its code, and what its admin may do with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from aiohttp import web

from node import words
from node.admin.answers import connection_id
from node.admin.bodies import DescribeBody
from node.connections import acting, initiating
from node.connections.acting import found
from node.connections.views import events_view, notice_view
from node.console.accept_pages import ACCEPT
from node.console.error_pages import ERRORS
from node.console.forms import as_body, read_form
from node.console.list_pages import LIST
from node.console.refusing import PageError
from node.console.sequence import drawing
from node.console.shell import see_other
from node.console.tidy_pages import CLEAN_UP, QUEUE
from node.problems import Problem, ProblemError
from node.store import statements
from protocol.limits import CODE_LIFETIME_S_DEFAULT, DESCRIPTION_CHARACTERS_MAX, SECURITY_NOTICES_MAX
from protocol.tables import Act

if TYPE_CHECKING:
    from collections.abc import Sequence

    from node.connections.shapes import NoticeView
    from node.connections.stored import Connection
    from node.console.shell import Shell
    from node.console.traces import Traces
    from node.ports import Transaction

EVENTS_SHOWN: Final = 100
_BACK_TO: Final = {"list": LIST, "queue": QUEUE, "clean-up": CLEAN_UP, "errors": ERRORS}
"""Where a button leads that stands on a page of several connections."""


class ConnectionPages:
    """The handlers."""

    def __init__(self, shell: Shell, traces: Traces) -> None:
        self._shell = shell
        self._traces = traces

    def routes(self) -> Sequence[web.RouteDef]:
        """Where they stand."""
        one = f"{LIST}/{{sys_id}}"
        return [
            web.get(one, self.show),
            web.post(f"{one}/act", self.act),
            web.post(f"{one}/describe", self.describe),
            web.post(f"{one}/retry", self.retry),
            web.get(f"{one}/code", self.code),
        ]

    async def show(self, request: web.Request) -> web.Response:
        """All about it, or of that the part that an open page asks for again."""
        sys_id = connection_id(request)
        context = self._shell.context

        def unit(tx: Transaction) -> tuple[Connection, list[dict[str, Any]], list[NoticeView]]:
            connection = found(tx, sys_id)
            after = max(connection.seq - EVENTS_SHOWN, 0)
            events = events_view(statements.events_after(tx, n=connection.n, after=after, most=EVENTS_SHOWN))
            notices = statements.notices_of(tx, n=connection.n, most=SECURITY_NOTICES_MAX)
            return connection, events, [notice_view(row) for row in notices]

        connection, events, notices = await context.store.run(unit)
        view, is_part = self._shell.shown(connection), request.query.get("part") == "state"
        return self._shell.page(
            request,
            "connection_part.html" if is_part else "connection.html",
            is_part=is_part,
            title=view["name"] or "Invitation",
            menu="connections",
            one=view,
            sides=_sides(view, context.name),
            timeline=[_line(event) for event in reversed(events)],
            notices=[{**one, "sentence": words.notice(one["kind"])} for one in notices],
            messages=drawing(self._traces.of(sys_id), view),
            description_characters_max=DESCRIPTION_CHARACTERS_MAX,
            has_code=initiating.invitation_code(context, connection) is not None,
        )

    async def act(self, request: web.Request) -> web.Response:
        """Do what a button says."""
        form, sys_id = await read_form(request), connection_id(request)
        wanted = form["act"]
        back = f"{LIST}/{sys_id}"
        if wanted == Act.NEW_CODE:
            await acting.new_code(self._shell.context, sys_id, lifetime_s=CODE_LIFETIME_S_DEFAULT)
            return see_other(f"{back}/code?new=1")
        if wanted not in acting.ADMIN_ACTS:
            raise ProblemError(Problem.NOT_POSSIBLE_NOW, "There is no such act.")
        before = await self._shell.context.store.run(lambda tx: found(tx, sys_id))
        after = await acting.perform(self._shell.context, sys_id, Act(wanted))
        has_gone = after is None or (after.record.hidden and not before.record.hidden)
        return see_other(_BACK_TO.get(form["from"], LIST if has_gone else back))

    async def describe(self, request: web.Request) -> web.Response:
        """Change the description."""
        form, sys_id = await read_form(request), connection_id(request)
        body = as_body(DescribeBody, {"description": form["description"]})
        await acting.describe(self._shell.context, sys_id, body.checked())
        return see_other(f"{LIST}/{sys_id}")

    async def retry(self, request: web.Request) -> web.Response:
        """Try to reach the partner now."""
        form, sys_id = await read_form(request), connection_id(request)
        await acting.retry(self._shell.context, sys_id)
        return see_other(_BACK_TO.get(form["from"], f"{LIST}/{sys_id}"))

    async def code(self, request: web.Request) -> web.Response:
        """The living invitation code, and what to do with it."""
        sys_id = connection_id(request)
        context = self._shell.context
        connection = await context.store.run(lambda tx: found(tx, sys_id))
        code, view = initiating.invitation_code(context, connection), self._shell.shown(connection)
        if code is None:
            raise PageError(
                409,
                "This code can't be taken any more",
                f'The status of "{view["name"]}" is {view["status_word"]}, so it has no living invitation code.',
                "Look at the connection to see what may be done.",
            )
        url = view["partner"]["node_url"]
        return self._shell.page(
            request,
            "code.html",
            title="Invitation code",
            menu="connections",
            secret=True,
            one=view,
            code=code,
            is_new="new" in request.query,
            host=urlsplit(url).netloc if url else None,
            remote_accept=f"{url}{ACCEPT}" if url else None,
        )


def _sides(view: dict[str, Any], instance: str) -> list[dict[str, Any]]:
    """Both sides, the source first: two people who compare them read the same order."""
    partner = view["partner"]
    mine = {
        "title": instance,
        "whose": "this instance",
        "short_name": view["local_short_name"],
        "fingerprint": view["fingerprint"],
        "side": view["mine"],
        "node_url": None,
        "software": None,
    }
    theirs = {
        "title": partner["name"] or view["remote_short_name"] or "not known yet",
        "whose": "the partner",
        "short_name": view["remote_short_name"],
        "fingerprint": partner["fingerprint"],
        "side": view["theirs"],
        "node_url": partner["node_url"],
        "software": partner["software"],
    }
    order = (mine, theirs) if view["role"] == "source" else (theirs, mine)
    return [{**side, "role": role} for side, role in zip(order, ("Source", "Destination"), strict=True)]


def _line(event: dict[str, Any]) -> dict[str, Any]:
    """One line of the timeline."""
    data = event["data"]
    word = words.status(data)
    return {
        "at": words.moment(event["time"]),
        "word": word,
        "status": data["status"],
        "why": words.reason(data),
        "seq": data["seq"],
    }
