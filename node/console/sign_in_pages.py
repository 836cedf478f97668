"""Signing in and out, and the theme."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from aiohttp import web

from node.console.console import PREFIX
from node.console.forms import read_form
from node.console.guarding import SESSION, SIGN_IN, TOKEN, Hosts, place_after_sign_in
from node.console.login import PASSWORD_FILE
from node.console.sessions import AGE_S_MAX
from node.console.shell import THEME_COOKIE, Shell, Theme, see_other
from node.instance.people.passports import TooManyTriesError
from node.logs import get_logger
from node.peer.endpoint import network_prefix
from node.words import span

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from node.console.throttle import SignInTries

WRONG: Final = "The name or the password is wrong, or this user is no admin."
YEAR_S: Final = 365 * 24 * 3600
VISITOR_S: Final = 3600

_log = get_logger(__name__)


class SignInPages:
    """The handlers.

    Attributes:
        cookie: the session cookie's name. Cookies know no ports, so two consoles on one host need two names.
    """

    def __init__(self, shell: Shell, hosts: Hosts, tries: SignInTries) -> None:
        self._shell = shell
        self._hosts = hosts
        self._tries = tries
        self.cookie = f"handclasp_{shell.context.topic_id[:8]}"
        self._visitor_cookie = f"{self.cookie}_visitor"

    def routes(self) -> Sequence[web.RouteDef]:
        """Where they stand."""
        return [
            web.get(SIGN_IN, self.ask),
            web.post(SIGN_IN, self.sign_in),
            web.post(f"{PREFIX}/sign-out", self.sign_out),
            web.post(f"{PREFIX}/theme", self.choose_theme),
        ]

    def ask_first(self, request: web.Request) -> web.Response:
        """Send whoever is not signed in to the sign-in page, and afterwards to where they wanted to go."""
        if "HX-Request" in request.headers:  # a part of a page: the whole page has to go
            return web.Response(status=204, headers={"HX-Redirect": SIGN_IN, "Cache-Control": "no-store"})
        if request.method == "GET" and request.path != f"{PREFIX}/live":
            return see_other(f"{SIGN_IN}?next={quote(request.path_qs, safe='')}")
        return see_other(SIGN_IN)

    def remember_visitor(self, request: web.Request) -> None:
        """Give the sign-in form a token too; `ask` sets the cookie that it is made from."""
        request[TOKEN] = request.cookies.get(self._visitor_cookie) or self._shell.sessions.new_token()

    async def ask(self, request: web.Request) -> web.Response:
        """Ask for name and password."""
        if SESSION in request:
            return see_other(f"{PREFIX}/connections")
        return self._page(request, following=request.query.get("next", ""))

    async def sign_in(self, request: web.Request) -> web.Response:
        """Open a session for an admin; wrong tries are slowed down."""
        form = await read_form(request)
        network = network_prefix(request.remote)
        if wait_s := self._tries.wait_s(network):
            return self._come_back_later(request, form, wait_s)
        self._tries.tried(network)
        try:
            admin = await self._shell.admins.signed_in(form["name"], form["password"], network=network)
        except TooManyTriesError as error:
            return self._come_back_later(request, form, error.wait_s)
        if admin is None:
            _log.warning("sign_in_refused", network=network)
            return self._page(request, following=form["next"], name=form["name"], fault=WRONG, status=401)
        self._tries.was_right(network)
        token = await self._shell.sessions.open(admin.viewer.sys_id, admin.password_mark)
        answer = see_other(place_after_sign_in(form["next"]))
        self._set(request, answer, self.cookie, token, AGE_S_MAX)
        answer.del_cookie(self._visitor_cookie, path=PREFIX)
        _log.info("signed_in", network=network, user=admin.viewer.user_name)
        return answer

    async def sign_out(self, request: web.Request) -> web.Response:
        """End the session."""
        await self._shell.sessions.close(request[SESSION])
        answer = see_other(SIGN_IN)
        answer.del_cookie(self.cookie, path=PREFIX)
        return answer

    async def choose_theme(self, request: web.Request) -> web.Response:
        """Remember a theme for this browser."""
        form = await read_form(request)
        theme = form["theme"] if form["theme"] in {one.value for one in Theme} else Theme.AUTO.value
        answer = see_other(place_after_sign_in(form["next"]))
        self._set(request, answer, THEME_COOKIE, theme, YEAR_S)
        return answer

    def _come_back_later(self, request: web.Request, form: Mapping[str, str], wait_s: int) -> web.Response:
        sentence = f"There were too many wrong tries. Try again in {span(wait_s)}."
        answer = self._page(request, following=form["next"], name=form["name"], fault=sentence, status=429)
        answer.headers["Retry-After"] = str(wait_s)
        return answer

    def _page(
        self, request: web.Request, *, following: str, name: str = "", fault: str = "", status: int = 200
    ) -> web.Response:
        answer = self._shell.page(
            request,
            "sign_in.html",
            title="Sign in",
            status=status,
            secret=True,
            following=following,
            name=name,
            fault=fault,
            first_password_file=PASSWORD_FILE if self._shell.admins.first_password is not None else None,
        )
        self._set(request, answer, self._visitor_cookie, request[TOKEN], VISITOR_S)
        return answer

    def _set(self, request: web.Request, answer: web.Response, name: str, value: str, age_s: int) -> None:
        answer.set_cookie(
            name,
            value,
            path=PREFIX,
            max_age=age_s,
            httponly=True,
            samesite="Lax",
            secure=self._hosts.origin(request).startswith("https:"),
        )
