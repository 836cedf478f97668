"""Accepting an invitation in two steps: paste the code, look at what it says and decide."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import msgspec
from aiohttp import web

from node.admin.bodies import AcceptBody
from node.connections import accepting
from node.connections.views import instant
from node.console.console import PREFIX
from node.console.forms import Form, as_body, read_form
from node.console.initiate_pages import LIMITS
from node.console.list_pages import LIST
from node.console.presenting import MODES, expiry
from node.console.shell import see_other
from node.problems import ProblemError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from node.console.shell import Shell

ACCEPT: Final = f"{PREFIX}/accept"
FIELDS: Final = ("name", "local_short_name", "remote_short_name", "description")


class AcceptPages:
    """The handlers."""

    def __init__(self, shell: Shell) -> None:
        self._shell = shell

    def routes(self) -> Sequence[web.RouteDef]:
        """Where they stand."""
        return [
            web.get(ACCEPT, self.begin),
            web.post(ACCEPT, self.go_on),
            web.post(f"{ACCEPT}/preview", self.preview),
        ]

    async def begin(self, request: web.Request) -> web.Response:
        """Ask for the code."""
        return self._paste(request, Form(once=self._shell.sessions.new_token()))

    async def preview(self, request: web.Request) -> web.Response:
        """Say what a pasted code says, at once; the answer is a part of the page."""
        form = await read_form(request)
        invitation, fault, seen = await self._read(form["code"]) if form["code"].strip() else (None, "", None)
        return self._shell.page(
            request, "invitation.html", title="", secret=True, invitation=invitation, fault=fault, seen=seen
        )

    async def go_on(self, request: web.Request) -> web.Response:
        """Go on to the next step, or back, or decide."""
        form = await read_form(request)
        match form["go"]:
            case "back":
                return self._paste(request, form)
            case "decline":
                once = form.once(b"decline")
                connection = await accepting.decline(self._shell.context, form["code"], once=once)
                return see_other(f"{LIST}/{connection.sys_id}")
            case "accept":
                return await self._accept(request, form)
            case _:
                return await self._confirm(request, form, {})

    async def _accept(self, request: web.Request, form: Form) -> web.Response:
        body = as_body(AcceptBody, {"code": form["code"], **{name: form[name] for name in FIELDS}})
        try:
            connection = await accepting.accept(
                self._shell.context, body.code, body.adapted(), once=form.once(msgspec.json.encode(body))
            )
        except ProblemError as error:
            field = error.extra.get("field")
            return await self._confirm(request, form, {field: error.sentence} if field in FIELDS else {}, error)
        return see_other(f"{LIST}/{connection.sys_id}")

    async def _confirm(
        self, request: web.Request, form: Form, faults: dict[str, str], error: ProblemError | None = None
    ) -> web.Response:
        invitation, fault, seen = await self._read(form["code"])
        if error is not None and not faults:
            fault, seen = error.sentence, error.extra.get("connection")
        if invitation is None or (error is not None and not faults):
            return self._paste(request, form, fault=fault, seen=seen)
        form.setdefault("name", invitation["name"])
        form.setdefault("local_short_name", invitation["destination_short_name"] or self._shell.context.name)
        form.setdefault("remote_short_name", invitation["source"]["short_name"])
        return self._shell.page(
            request,
            "accept_confirm.html",
            title="Accept invitation",
            menu="connections",
            status=422 if faults else 200,
            secret=True,
            form=form,
            faults=faults,
            limits=LIMITS,
            invitation=invitation,
        )

    def _paste(self, request: web.Request, form: Form, *, fault: str = "", seen: str | None = None) -> web.Response:
        return self._shell.page(
            request,
            "accept_code.html",
            title="Accept invitation",
            menu="connections",
            status=422 if fault else 200,
            secret=True,
            form=form,
            invitation=None,
            fault=fault,
            seen=seen,
        )

    async def _read(self, text: str) -> tuple[dict[str, Any] | None, str, str | None]:
        """What a code says; or what is wrong with it, and which connection here it is about if that is the reason."""
        context = self._shell.context
        try:
            code = accepting.read(context, text)
            await accepting.judge(context, code)
            said = await accepting.preview(context, code)
        except ProblemError as error:
            return None, error.sentence, error.extra.get("connection")
        source: Any = said["source"]
        expires_at: Any = said["expires_at"]
        shown = {
            **said,
            "host": urlsplit(source["node_url"]).netloc or source["node_url"],
            "mode_word": MODES[str(said["mode"])],
            "expires": expiry(instant(expires_at), now=context.clock.now()),
        }
        return shown, "", None
