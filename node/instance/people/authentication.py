"""Who asks: HTTP Basic, OAuth 2 bearer tokens and API keys, as the REST APIs take them."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Final

import msgspec
from aiohttp import web

from node.instance.people.passports import Passports, TooManyTriesError
from node.instance.people.persons import People
from node.instance.people.sign_ins import SignIns
from node.instance.people.tokens import Tokens
from node.logs import get_logger
from node.peer.endpoint import network_prefix

if TYPE_CHECKING:
    from node.instance.people.persons import Opened, Person
    from node.instance.viewer import Viewer
    from node.ports import Clock, Entropy

API_KEY_HEADER: Final = "x-sn-apikey"
CHALLENGE: Final = 'Basic realm="Service-now"'

_USER: Final = "user"
_NAME_CHARACTERS_MAX: Final = 255

_log = get_logger(__name__)


class Authentication:
    """What stands before the REST APIs of one instance.

    Attributes:
        people: the users.
        passports: which credentials were right lately.
        tokens: what OAuth gave out, and API keys.
        sign_ins: who has signed in.
    """

    def __init__(self, opened: Opened, *, clock: Clock, entropy: Entropy) -> None:
        self.people = People(opened)
        self.passports = Passports(clock=clock, entropy=entropy)
        self.tokens = Tokens(self.people, clock=clock, entropy=entropy)
        self.sign_ins = SignIns(opened, clock=clock)

    async def viewer_of(self, request: web.Request) -> Viewer:
        """The user in whose name a request is to be answered.

        Raises:
            HTTPUnauthorized: it names none, or not rightly.
            HTTPTooManyRequests: too many wrong tries came from there.
        """
        person = await self._person(request)
        if person is None:
            raise web.HTTPUnauthorized(
                text=_body("User Not Authenticated", "Required to provide Auth information"),
                content_type="application/json",
                headers={"WWW-Authenticate": CHALLENGE},
            )
        return person.viewer

    async def signed_in(
        self, name: str, password: str, *, network: str, with_each_request: bool = False
    ) -> Person | None:
        """The user with that name and password, who is active and not locked out; none if there is no such one.

        `with_each_request` says that this is asked for each request, and no session or token begins.

        Raises:
            TooManyTriesError: it can't be said now.
        """
        known_name = name if len(name) <= _NAME_CHARACTERS_MAX else ""
        person = await self.people.of_name(known_name)
        kept = person.password if person is not None else None
        is_right = await self.passports.is_right(_USER, known_name, password, kept=kept, network=network)
        if person is not None and is_right and person.is_admitted:
            self.sign_ins.succeeded(person.viewer.sys_id, with_each_request=with_each_request)
            return person
        if person is not None:
            self.sign_ins.failed(person.viewer.sys_id)
        _log.warning("credentials_refused", network=network)
        return None

    async def _person(self, request: web.Request) -> Person | None:
        scheme, _, given = request.headers.get("Authorization", "").partition(" ")
        match scheme.casefold():
            case "basic":
                if (named := basic_credentials(given)) is None:
                    return None
                try:
                    network = network_prefix(request.remote)
                    return await self.signed_in(*named, network=network, with_each_request=True)
                except TooManyTriesError as error:
                    raise too_many(error) from None
            case "bearer":
                return await self.tokens.bearer(given.strip())
        key = request.headers.get(API_KEY_HEADER)
        return await self.tokens.key_holder(key) if key else None


def basic_credentials(given: str) -> tuple[str, str] | None:
    """Name and password of what stands after `Basic`; none if it is none of that."""
    try:
        raw = base64.b64decode(given.strip(), validate=True)
    except (binascii.Error, ValueError):
        return None
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        text = raw.decode("latin-1")  # as many clients still write it
    name, colon, password = text.partition(":")
    return (name, password) if colon else None


def too_many(error: TooManyTriesError) -> web.HTTPTooManyRequests:
    """The answer to one who has to wait."""
    return web.HTTPTooManyRequests(
        text=_body("Too many wrong tries", f"Try again in {error.wait_s} seconds"),
        content_type="application/json",
        headers={"Retry-After": str(error.wait_s), "Cache-Control": "no-store"},
    )


def _body(message: str, detail: str) -> str:
    return msgspec.json.encode({"error": {"message": message, "detail": detail}, "status": "failure"}).decode()
