"""Initiating a connection in three steps: destination, information, code.

What was typed travels with the forms, so going back keeps everything and nothing is stored before the last step.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec
from aiohttp import web

from node.admin import bodies
from node.admin.bodies import InitiateBody
from node.connections import initiating
from node.connections.acting import found
from node.console.console import PREFIX
from node.console.forms import Form, as_body, read_form
from node.console.list_pages import LIST
from node.console.presenting import MODES
from node.console.shell import see_other
from node.network.findings import CheckOutcome
from node.problems import Problem, ProblemError
from protocol.identity import fingerprint
from protocol.limits import (
    CONNECTION_NAME_CHARACTERS_MAX,
    DESCRIPTION_CHARACTERS_MAX,
    NAME_CHARACTERS_MAX,
    URL_CHARACTERS_MAX,
)
from protocol.modes import Mode
from protocol.text import check_description

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from node.console.shell import Shell
    from node.network.check import CheckResult

INITIATE: Final = f"{PREFIX}/initiate"
WITHOUT_RECORDS: Final = "needs record synchronisation, which this version does not have"

CHECKS: Final[dict[str, Callable[[str], str]]] = {
    "local_short_name": bodies.local_short_name,
    "remote_short_name": bodies.remote_short_name,
    "name": bodies.connection_name,
    "description": check_description,
}

LIMITS: Final = {
    "url": URL_CHARACTERS_MAX,
    "short_name": NAME_CHARACTERS_MAX,
    "name": CONNECTION_NAME_CHARACTERS_MAX,
    "description": DESCRIPTION_CHARACTERS_MAX,
}


class InitiatePages:
    """The handlers."""

    def __init__(self, shell: Shell) -> None:
        self._shell = shell

    def routes(self) -> Sequence[web.RouteDef]:
        """Where they stand."""
        return [
            web.get(INITIATE, self.begin),
            web.post(INITIATE, self.go_on),
            web.post(f"{INITIATE}/check", self.check),
            web.post(f"{INITIATE}/field", self.field),
        ]

    async def begin(self, request: web.Request) -> web.Response:
        """Ask for the destination; `again` names a connection of which the answers are proposed."""
        form = Form(once=self._shell.sessions.new_token())
        if "again" in request.query:
            form |= await self._answers_of(request.query["again"])
        return self._destination(request, form, None)

    async def _answers_of(self, sys_id: str) -> dict[str, str]:
        one = await self._shell.context.store.run(lambda tx: found(tx, sys_id))
        return {
            "destination_url": one.partner.instance_url or one.partner.node_url or "",
            "local_short_name": one.names.local_short_name,
            "remote_short_name": one.names.remote_short_name,
            "name": one.names.name,
            "description": one.names.description,
        }

    async def check(self, request: web.Request) -> web.Response:
        """Look at the destination as soon as its field is left; the answer is a part of the page."""
        form = await read_form(request)
        verdict = await self._verdict(form)
        return self._shell.page(
            request, "verdict.html", title="", form=form, modes=MODES_SHOWN, unlicensed=self._unlicensed(), **verdict
        )

    async def field(self, request: web.Request) -> web.Response:
        """Look at one field as soon as it is left; the answer is what is wrong with it, or nothing."""
        form = await read_form(request)
        name = request.query.get("of", "")
        fault = await self._fault(form, name) if form[name] and name in CHECKS else ""
        return self._shell.page(request, "fault.html", title="", fault=fault)

    async def go_on(self, request: web.Request) -> web.Response:
        """Go on to the next step, or back."""
        form = await read_form(request)
        match form["go"]:
            case "back":
                return self._destination(request, form, await self._verdict(form))
            case "create":
                return await self._create(request, form)
            case _:
                return await self._to_information(request, form)

    def _unlicensed(self) -> str:
        return initiating.why_unlicensed(self._shell.context) or ""

    async def _to_information(self, request: web.Request, form: Form) -> web.Response:
        verdict = await self._verdict(form)
        if self._unlicensed() or form["mode"] not in verdict["modes_offered"]:
            return self._destination(request, form, verdict, status=200 if verdict["modes_offered"] else 422)
        result: CheckResult | None = verdict["result"]
        form.setdefault("local_short_name", self._shell.context.name)
        if result is not None and result.info is not None:
            form.setdefault("remote_short_name", result.info.name)
        if "name" not in form and form["remote_short_name"]:
            form["name"] = _proposed(form)
        if "described" not in form:  # the first time: an unknown destination is asked about
            form["ask_me"] = "on" if form.is_on("no_url") else ""
        return self._information(request, form, {})

    async def _create(self, request: web.Request, form: Form) -> web.Response:
        if not form["name"].strip():
            form["name"] = _proposed(form)
        body = as_body(
            InitiateBody,
            {
                "destination_url": None if form.is_on("no_url") else form["destination_url"],
                "mode": form["mode"],
                "ask_me": form.is_on("ask_me"),
                **{name: form[name] for name in CHECKS},
            },
        )
        once = form.once(msgspec.json.encode(body))
        try:
            offered = await initiating.initiate(self._shell.context, body.wish(), once=once)
        except ProblemError as error:
            field = error.extra.get("field")
            if field in CHECKS:
                return self._information(request, form, {field: error.sentence})
            if error.problem in {
                Problem.CHECK_FAILED,
                Problem.MODE_NOT_OFFERED,
                Problem.NOT_LICENSED,
                Problem.INVALID_FIELD,
            }:
                return self._destination(request, form, await self._verdict(form), status=422)
            raise
        return see_other(f"{LIST}/{offered.connection.sys_id}/code?new=1")

    def _destination(
        self, request: web.Request, form: Form, verdict: dict[str, Any] | None, *, status: int = 200
    ) -> web.Response:
        return self._shell.page(
            request,
            "initiate_destination.html",
            title="Initiate connection",
            menu="connections",
            status=status,
            form=form,
            is_public=self._shell.context.node_url is not None,
            modes=MODES_SHOWN,
            unlicensed=self._unlicensed(),
            limits=LIMITS,
            **(verdict or {**_judged(None), "is_judged": False}),
        )

    def _information(self, request: web.Request, form: Form, faults: dict[str, str]) -> web.Response:
        return self._shell.page(
            request,
            "initiate_information.html",
            title="Connection information",
            menu="connections",
            status=422 if faults else 200,
            form=form,
            faults=faults,
            limits=LIMITS,
            mode_word=MODES[form["mode"]],
        )

    async def _verdict(self, form: Form) -> dict[str, Any]:
        """What is known of the destination, and which modes may be chosen."""
        if form.is_on("no_url"):
            return _judged(None, modes=(Mode.SCRIPT,))
        if not form["destination_url"].strip():
            return _judged(None, fault="Type the destination's URL, or say that you don't have one.")
        try:
            result = await initiating.check(self._shell.context, form["destination_url"], field="destination_url")
        except ProblemError as error:
            return _judged(None, fault=error.sentence)
        return _judged(result, modes=result.modes if result.outcome is CheckOutcome.OK else ())

    async def _fault(self, form: Form, name: str) -> str:
        try:
            value = bodies.text(name, form[name], CHECKS[name])
            if name == "name":
                await initiating.refuse_taken(self._shell.context, value)
        except ProblemError as error:
            return error.sentence
        return ""


MODES_SHOWN: Final = tuple(
    {"slug": mode.value, "title": MODES[mode], "missing": None if mode is Mode.SCRIPT else WITHOUT_RECORDS}
    for mode in Mode
)


def _judged(result: CheckResult | None, *, modes: Sequence[Mode] = (), fault: str = "") -> dict[str, Any]:
    info = result.info if result is not None else None
    return {
        "result": result,
        "modes_offered": tuple(mode.value for mode in modes),
        "fault": fault,
        "is_judged": True,
        "destination_fingerprint": fingerprint(info.key) if info is not None else None,
    }


def _proposed(form: Form) -> str:
    return f"{form['local_short_name'].strip()}_to_{form['remote_short_name'].strip()}"[:CONNECTION_NAME_CHARACTERS_MAX]
