"""Letting programs into the instance: the handlers of two operations. Their answers hold a secret, once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from node.admin.answers import json_answer
from node.admin.bodies import ApiKeyBody, OauthClientBody, read_body
from node.problems import Problem, ProblemError

if TYPE_CHECKING:
    from aiohttp import web
    from aiohttp.typedefs import Handler

    from node.connections.shapes import ApiKeyAnswer, OauthClientAnswer
    from node.instance.front import InstanceFront
    from node.instance.people.registering import Registering


class Programs:
    """The handlers; each answers JSON."""

    def __init__(self, instance: InstanceFront | None) -> None:
        self._instance = instance

    def handlers(self) -> dict[str, Handler]:
        """Those of the operations that let a program in."""
        return {"makeOauthClient": self.make_oauth_client, "makeApiKey": self.make_api_key}

    async def make_oauth_client(self, request: web.Request) -> web.Response:
        """Register a client."""
        from node.instance.people.registering import NoSuchUserError  # noqa: PLC0415 - a start need not wait for it

        body = await read_body(request, OauthClientBody)
        name = body.checked_name()
        try:
            made = await self._registering().oauth_client(name, user_name=body.user)
        except NoSuchUserError as error:
            raise ProblemError(Problem.INVALID_FIELD, str(error), field="user") from None
        answer: OauthClientAnswer = {"client_id": made.client_id, "client_secret": made.client_secret}
        return json_answer(answer, status=201, secret=True)

    async def make_api_key(self, request: web.Request) -> web.Response:
        """Make a key."""
        from node.instance.people.registering import NoSuchUserError  # noqa: PLC0415 - likewise

        body = await read_body(request, ApiKeyBody)
        try:
            key = await self._registering().api_key(body.user)
        except NoSuchUserError as error:
            raise ProblemError(Problem.INVALID_FIELD, str(error), field="user") from None
        answer: ApiKeyAnswer = {"user": body.user, "api_key": key}
        return json_answer(answer, status=201, secret=True)

    def _registering(self) -> Registering:
        if self._instance is None:
            raise ProblemError(Problem.NOT_FOUND, "This node has no instance.")
        return self._instance.registering
