"""General Settings: who this instance is, the password, and the admin API's tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from aiohttp import web

from node import words
from node.connections import initiating
from node.console.console import PREFIX
from node.console.forms import read_form
from node.console.guarding import ADMIN, SESSION
from node.console.login import ADMIN_NAME
from node.console.shell import see_other
from node.instance.people.passports import TooManyTriesError
from node.network.findings import CheckOutcome
from node.passwords import PASSWORD_CHARACTERS_MAX, PASSWORD_CHARACTERS_MIN
from node.peer.endpoint import network_prefix
from node.problems import ProblemError
from protocol.limits import NAME_CHARACTERS_MAX

if TYPE_CHECKING:
    from collections.abc import Sequence

    from node.admin.tokens import ApiTokens
    from node.console.shell import Shell
    from node.console.throttle import SignInTries
    from node.instance.viewer import Viewer
    from node.network.check import CheckResult

SETTINGS: Final = f"{PREFIX}/settings"
_NUMBER_CHARACTERS_MAX: Final = 15


class SettingsPages:
    """The handlers."""

    def __init__(self, shell: Shell, tokens: ApiTokens, tries: SignInTries) -> None:
        self._shell = shell
        self._tokens = tokens
        self._tries = tries

    def routes(self) -> Sequence[web.RouteDef]:
        """Where they stand."""
        return [
            web.get(SETTINGS, self.show),
            web.post(f"{SETTINGS}/self-check", self.self_check),
            web.post(f"{SETTINGS}/password", self.change_password),
            web.post(f"{SETTINGS}/tokens", self.make_token),
            web.post(f"{SETTINGS}/tokens/revoke", self.revoke_token),
        ]

    async def show(self, request: web.Request) -> web.Response:
        """All of it."""
        return await self._page(request, done=request.query.get("done", ""))

    async def self_check(self, request: web.Request) -> web.Response:
        """Call this node's own URL as a partner would."""
        url = self._shell.context.node_url
        result = await initiating.check(self._shell.context, url) if url is not None else None
        return await self._page(request, checked=result)

    async def change_password(self, request: web.Request) -> web.Response:
        """Let another password count; all other sessions of this admin end."""
        form, admin = await read_form(request), request[ADMIN]
        network = network_prefix(request.remote)
        fault = ""
        if wait_s := self._tries.wait_s(network):
            fault = f"There were too many wrong tries. Try again in {words.span(wait_s)}."
        elif not PASSWORD_CHARACTERS_MIN <= len(form["new"]) <= PASSWORD_CHARACTERS_MAX:
            fault = f"The new password has {len(form['new'])} characters; it needs {PASSWORD_CHARACTERS_MIN} at least."
        elif form["new"] != form["again"]:
            fault = "The new password is not the same both times."
        else:
            self._tries.tried(network)
            if await self._is_password_of(admin, form["present"], network):
                self._tries.was_right(network)
            else:
                fault = "The present password is wrong."
        if fault:
            return await self._page(request, password_fault=fault, status=422)
        mark = await self._shell.admins.change_password(admin, form["new"])
        await self._shell.sessions.close_others(request[SESSION], admin.sys_id, mark)
        return see_other(f"{SETTINGS}?done=password#password")

    async def make_token(self, request: web.Request) -> web.Response:
        """Make a token and show it, this once."""
        form = await read_form(request)
        try:
            secret = await self._tokens.make(form["name"])
        except ProblemError as error:
            return await self._page(request, token_fault=error.sentence, token_name=form["name"], status=422)
        return await self._page(request, made=secret, token_name=form["name"])

    async def revoke_token(self, request: web.Request) -> web.Response:
        """Let a token count no more."""
        number = (await read_form(request))["n"]
        if number.isascii() and number.isdecimal() and len(number) <= _NUMBER_CHARACTERS_MAX:
            await self._tokens.revoke(int(number))
        return see_other(f"{SETTINGS}?done=revoked#tokens")

    async def _is_password_of(self, admin: Viewer, password: str, network: str) -> bool:
        try:
            found = await self._shell.admins.signed_in(admin.user_name, password, network=network)
        except TooManyTriesError:
            return False
        return found is not None and found.viewer.sys_id == admin.sys_id

    async def _page(
        self,
        request: web.Request,
        *,
        status: int = 200,
        done: str = "",
        checked: CheckResult | None = None,
        password_fault: str = "",
        token_fault: str = "",
        token_name: str = "",
        made: str | None = None,
    ) -> web.Response:
        context = self._shell.context
        return self._shell.page(
            request,
            "settings.html",
            title="General Settings",
            menu="settings",
            status=status,
            secret=True,
            done=done,
            node_url=context.node_url,
            instance_url=context.instance_url,
            node_id=context.topic_id,
            checked=checked,
            is_reached=checked is not None and checked.outcome is CheckOutcome.THIS_INSTANCE,
            password_fault=password_fault,
            password_characters_min=PASSWORD_CHARACTERS_MIN,
            is_first_password=self._shell.admins.first_password is not None and request[ADMIN].user_name == ADMIN_NAME,
            tokens=[_token(one) for one in await self._tokens.all()],
            token_fault=token_fault,
            token_name=token_name,
            made=made,
            name_characters_max=NAME_CHARACTERS_MAX,
        )


def _token(row: Any) -> dict[str, Any]:
    return {
        "n": row.n,
        "name": row.name,
        "made": words.day_and_time(row.made_at),
        "seen": words.day_and_time(row.seen_at) if row.seen_at is not None else "never",
    }
