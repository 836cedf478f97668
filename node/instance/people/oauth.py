"""`/oauth_token.do`: OAuth 2 tokens for registered clients (RFC 6749), with the answers that ServiceNow gives.

JWT bearer grants and authorization codes are not modelled.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec
from aiohttp import web

from node.instance.people.authentication import CHALLENGE, basic_credentials, too_many
from node.instance.people.passports import TooManyTriesError
from node.instance.query.literals import is_plain
from node.logs import get_logger
from node.peer.endpoint import network_prefix

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from node.instance.people.authentication import Authentication
    from node.instance.people.tokens import Client, Granted

SCOPE: Final = "useraccount"
FORM_BYTES_MAX: Final = 64 * 1024
FORM: Final = "application/x-www-form-urlencoded"

_CLIENT: Final = "client"
_NO_STORE: Final = {"Cache-Control": "no-store", "Pragma": "no-cache"}

_log = get_logger(__name__)


class _RefusedError(Exception):
    """The answer is this error of RFC 6749, section 5.2."""

    def __init__(self, status: int, error: str, description: str) -> None:
        super().__init__(description)
        self.status = status
        self.error = error
        self.description = description


class OAuth:
    """The token endpoint of one instance."""

    def __init__(self, authentication: Authentication) -> None:
        self._authentication = authentication
        self._grants: Mapping[str, Callable[[Client, Mapping[str, str], str], Awaitable[Granted | None]]] = {
            "password": self._by_password,
            "refresh_token": self._by_refresh_token,
            "client_credentials": self._by_client_credentials,
        }

    async def token(self, request: web.Request) -> web.Response:
        """New tokens."""
        network = network_prefix(request.remote)
        try:
            granted = await self._granted(request, network)
        except _RefusedError as refused:
            _log.warning("token_refused", network=network, error=refused.error)
            return _answer({"error": refused.error, "error_description": refused.description}, refused.status)
        except TooManyTriesError as error:
            later = too_many(error)
            return web.Response(status=later.status, body=later.body, headers=later.headers)
        answer = {
            "access_token": granted.access_token,
            "refresh_token": granted.refresh_token,
            "scope": SCOPE,
            "token_type": "Bearer",
            "expires_in": granted.expires_in,
        }
        return _answer({name: value for name, value in answer.items() if value is not None}, 200)

    async def _granted(self, request: web.Request, network: str) -> Granted:
        asked = await self._asked(request, network)
        if asked is None:
            raise _denied()
        return asked

    async def _asked(self, request: web.Request, network: str) -> Granted | None:
        if request.content_type != FORM:
            raise _RefusedError(400, "invalid_request", f"The body has to be {FORM}.")
        try:
            sent = await request.clone(client_max_size=FORM_BYTES_MAX).post()
        except web.HTTPRequestEntityTooLarge:
            raise _RefusedError(413, "invalid_request", f"The body has more than {FORM_BYTES_MAX} bytes.") from None
        except (ValueError, LookupError):  # bytes or an encoding that mean nothing
            raise _RefusedError(400, "invalid_request", f"The body is no {FORM}.") from None
        form = {name: value for name, value in sent.items() if isinstance(value, str)}
        if not all(is_plain(value) for value in form.values()):  # an odd charset can say what no text holds
            raise _RefusedError(400, "invalid_request", f"The body is no {FORM}.")
        grant = self._grants.get(_needed(form, "grant_type"))
        if grant is None:
            raise _RefusedError(400, "unsupported_grant_type", f"grant_type is one of {', '.join(self._grants)}.")
        return await grant(await self._client(request, form, network), form, network)

    async def _client(self, request: web.Request, form: Mapping[str, str], network: str) -> Client:
        """The client that asks: by its id and secret in the body, or in HTTP Basic."""
        scheme, _, given = request.headers.get("Authorization", "").partition(" ")
        named = basic_credentials(given) if scheme.casefold() == "basic" else None
        if "client_secret" in form:
            named = (form.get("client_id", ""), form["client_secret"])
        if named is not None:
            client_id, secret = named
            client = await self._authentication.tokens.client(client_id)
            kept = client.secret if client is not None else None
            passports = self._authentication.passports
            is_right = await passports.is_right(_CLIENT, client_id, secret, kept=kept, network=network)
            if client is not None and is_right:
                return client
        raise _RefusedError(401, "invalid_client", "The client is not known, or its secret is wrong.")

    async def _by_password(self, client: Client, form: Mapping[str, str], network: str) -> Granted | None:
        name, password = _needed(form, "username"), _needed(form, "password")
        user = await self._authentication.signed_in(name, password, network=network)
        if user is None:
            return None
        return await self._authentication.tokens.grant(client, user, may_refresh=True)

    async def _by_refresh_token(self, client: Client, form: Mapping[str, str], _network: str) -> Granted | None:
        return await self._authentication.tokens.refresh(client, _needed(form, "refresh_token"))

    async def _by_client_credentials(self, client: Client, _form: Mapping[str, str], _network: str) -> Granted | None:
        user = await self._authentication.people.of_id(client.user) if client.user is not None else None
        if user is None or not user.is_admitted:
            raise _RefusedError(400, "unauthorized_client", "No active user is set in whose name the client acts.")
        return await self._authentication.tokens.grant(client, user, may_refresh=False)


def _denied() -> _RefusedError:
    """What ServiceNow says of a wrong user, password or refresh token, in place of `invalid_grant`."""
    return _RefusedError(401, "server_error", "access_denied")


def _needed(form: Mapping[str, str], name: str) -> str:
    if not form.get(name):
        raise _RefusedError(400, "invalid_request", f"{name} is missing.")
    return form[name]


def _answer(body: Mapping[str, object], status: int) -> web.Response:
    challenge = {"WWW-Authenticate": CHALLENGE} if body.get("error") == "invalid_client" else {}
    return web.Response(
        body=msgspec.json.encode(body),
        status=status,
        content_type="application/json",
        headers={**_NO_STORE, **challenge},
    )
