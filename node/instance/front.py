"""Where the instance is mounted: as much of it as a start loads. The rest is loaded by the first request for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aiohttp import web

if TYPE_CHECKING:
    from node.instance.instance import Instance
    from node.instance.people.admins import Admins
    from node.instance.people.authentication import Authentication
    from node.instance.people.oauth import OAuth
    from node.instance.people.registering import Registering
    from node.instance.profile import InstanceProfile
    from node.instance.rest.api import RestApi
    from node.ports import Clock, Entropy

PREFIX: Final = "/api/now"
"""What the paths of all REST APIs begin with."""

OAUTH_PATH: Final = "/oauth_token.do"

BODY_BYTES_MAX: Final = 32 * 1024 * 1024
"""Of a request to the instance: an attachment comes in one body."""


class InstanceFront:
    """The instance of one node."""

    def __init__(self, profile: InstanceProfile, *, clock: Clock, entropy: Entropy) -> None:
        self._profile = profile
        self._clock = clock
        self._entropy = entropy
        self._parts: _Parts | None = None

    @property
    def instance(self) -> Instance:
        """The instance itself."""
        return self._loaded().instance

    @property
    def authentication(self) -> Authentication:
        """Who its users are."""
        return self._loaded().authentication

    @property
    def admins(self) -> Admins:
        """Which of them may use the console."""
        return self._loaded().admins

    @property
    def registering(self) -> Registering:
        """How programs are let in."""
        return self._loaded().registering

    def routes(self) -> list[web.RouteDef]:
        """Where it answers, below the instance URL."""
        return [
            web.route("*", f"{PREFIX}/{{rest:.*}}", self._rest),
            web.post(OAUTH_PATH, self._token),
        ]

    async def close(self) -> None:
        """Finish what was begun."""
        if self._parts is not None:
            await self._parts.close()

    async def _rest(self, request: web.Request) -> web.StreamResponse:
        return await self._loaded().rest.handle(request)

    async def _token(self, request: web.Request) -> web.StreamResponse:
        return await self._loaded().oauth.token(request)

    def _loaded(self) -> _Parts:
        if self._parts is None:
            self._parts = _Parts(self._profile, clock=self._clock, entropy=self._entropy)
        return self._parts


class _Parts:
    """What the first request loads."""

    instance: Instance
    authentication: Authentication
    admins: Admins
    registering: Registering
    rest: RestApi
    oauth: OAuth

    def __init__(self, profile: InstanceProfile, *, clock: Clock, entropy: Entropy) -> None:
        from node.instance.instance import Instance  # noqa: PLC0415 - see the head of this file
        from node.instance.people.admins import Admins  # noqa: PLC0415 - likewise
        from node.instance.people.authentication import Authentication  # noqa: PLC0415 - likewise
        from node.instance.people.first_admin import FirstAdmin  # noqa: PLC0415 - likewise
        from node.instance.people.oauth import OAuth  # noqa: PLC0415 - likewise
        from node.instance.people.registering import Registering  # noqa: PLC0415 - likewise
        from node.instance.rest.api import RestApi  # noqa: PLC0415 - likewise

        self.instance = Instance(profile, clock=clock, entropy=entropy)
        self._first = first = FirstAdmin(self.instance.database, profile.login)
        self.authentication = Authentication(first.database, clock=clock, entropy=entropy)
        self.admins = Admins(self.authentication, first, clock=clock)
        self.registering = Registering(self.authentication.people, clock=clock, entropy=entropy)
        self.rest = RestApi(self.instance, viewer_of=self.authentication.viewer_of)
        self.oauth = OAuth(self.authentication)

    async def close(self) -> None:
        await self.authentication.sign_ins.settle()
        await self._first.close()
        await self.instance.close()
