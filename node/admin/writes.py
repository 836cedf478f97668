"""The admin API's writes: parse, run one use case once, show."""

from __future__ import annotations

import hashlib
import re
from functools import partial
from typing import TYPE_CHECKING

import msgspec

from node.admin.answers import connection_id, json_answer
from node.admin.bodies import AcceptBody, CodeBody, DescribeBody, InitiateBody, NewCodeBody, NothingBody, read_body
from node.admin.operations import IDEMPOTENCY_PATTERN, act_id
from node.connections import accepting, acting, initiating
from node.connections.once import Once
from node.connections.views import connection_view
from node.problems import Problem, ProblemError

if TYPE_CHECKING:
    from aiohttp import web
    from aiohttp.typedefs import Handler

    from node.connections.context import Context
    from node.connections.initiating import Offered
    from node.connections.shapes import ActAnswer, CodeAnswer, ConnectionAnswer, ConnectionView
    from node.connections.stored import Connection
    from node.delivery.dispatcher import Dispatcher
    from protocol.tables import Act

_KEY = re.compile(IDEMPOTENCY_PATTERN)


class Writes:
    """The handlers; each takes an `Idempotency-Key` and answers JSON."""

    def __init__(self, context: Context, dispatcher: Dispatcher) -> None:
        self._context = context
        self._dispatcher = dispatcher

    def handlers(self) -> dict[str, Handler]:
        """Those of the operations that change something."""
        return {
            "initiateConnection": self.initiate,
            "acceptInvitation": self.accept,
            "declineInvitation": self.decline,
            "describeConnection": self.describe,
            "newInvitationCode": self.new_code,
            "retryDelivery": self.retry,
            **{act_id(act): partial(self.act, act) for act in acting.ADMIN_ACTS},
        }

    async def initiate(self, request: web.Request) -> web.Response:
        """Make a connection; the answer holds the invitation code."""
        body = await read_body(request, InitiateBody)
        return self._with_code(await initiating.initiate(self._context, body.wish(), once=_once(request, body)))

    async def accept(self, request: web.Request) -> web.Response:
        """Accept a code; the source is told as soon as it can be reached."""
        body = await read_body(request, AcceptBody)
        once = _once(request, body)
        connection = await accepting.accept(self._context, body.code, body.adapted(), once=once)
        return self._shown(connection, status=201)

    async def decline(self, request: web.Request) -> web.Response:
        """Refuse a code: it is used up, and the source is told as soon as it can be reached."""
        body = await read_body(request, CodeBody)
        connection = await accepting.decline(self._context, body.code, once=_once(request, body))
        return self._shown(connection, status=201)

    async def act(self, wanted: Act, request: web.Request) -> web.Response:
        """Do what this side's admin may do now; `connection` is null once its row has gone."""
        body = await read_body(request, NothingBody, may_be_absent=True)
        connection = await acting.perform(self._context, connection_id(request), wanted, once=_once(request, body))
        answer: ActAnswer = {"connection": self._view(connection) if connection is not None else None}
        return json_answer(answer)

    async def new_code(self, request: web.Request) -> web.Response:
        """Replace the code of a connection that nobody has taken; the answer holds the new one."""
        body = await read_body(request, NewCodeBody, may_be_absent=True)
        return self._with_code(
            await acting.new_code(
                self._context, connection_id(request), lifetime_s=body.lifetime(), once=_once(request, body)
            )
        )

    async def describe(self, request: web.Request) -> web.Response:
        """Change the description, which is this side's own."""
        body = await read_body(request, DescribeBody)
        connection = await acting.describe(
            self._context, connection_id(request), body.checked(), once=_once(request, body)
        )
        return self._shown(connection)

    async def retry(self, request: web.Request) -> web.Response:
        """Try to reach the partner now instead of at the next try."""
        await read_body(request, NothingBody, may_be_absent=True)
        connection = await acting.retry(self._context, connection_id(request))
        return self._shown(connection, status=202)

    def _shown(self, connection: Connection, *, status: int = 200) -> web.Response:
        answer: ConnectionAnswer = {"connection": self._view(connection)}
        return json_answer(answer, status=status)

    def _with_code(self, offered: Offered) -> web.Response:
        answer: CodeAnswer = {"connection": self._view(offered.connection), "invitation_code": offered.code}
        return json_answer(answer, status=201, secret=True)

    def _view(self, connection: Connection) -> ConnectionView:
        return connection_view(self._context, connection, self._dispatcher.waiting(connection))


def _once(request: web.Request, body: msgspec.Struct) -> Once:
    """The request's idempotency key, bound to what is asked."""
    key = request.headers.get("Idempotency-Key")
    if key is None:
        return Once()
    if not _KEY.fullmatch(key):
        raise ProblemError(
            Problem.INVALID_FIELD, "Idempotency-Key has 1 to 255 visible ASCII characters.", field="Idempotency-Key"
        )
    asked = f"{request.method} {request.path}\n".encode() + msgspec.json.encode(body)
    return Once(key=key, digest=hashlib.sha256(asked).digest())
