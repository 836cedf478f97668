"""License Details: what the license is, what each kind allows, and a field for a key."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aiohttp import web

from node import words
from node.connections import licensing
from node.console.console import PREFIX
from node.console.forms import read_form
from node.console.shell import see_other
from node.license.keys import KEY_CHARACTERS_MAX
from node.license.license import EVALUATION_S, Kind
from node.problems import ProblemError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from node.console.shell import Shell

LICENSE: Final = f"{PREFIX}/license"

KINDS: Final = {
    Kind.EVALUATION: ("Evaluation", "good", "clock"),
    Kind.PAID: ("Paid", "good", "badge-check"),
    Kind.FREE: ("Free", "off", "lock"),
}
"""What each kind is called, its tone and its icon."""


class LicensePages:
    """The handlers."""

    def __init__(self, shell: Shell) -> None:
        self._shell = shell

    def routes(self) -> Sequence[web.RouteDef]:
        """Where they stand."""
        return [web.get(LICENSE, self.show), web.post(LICENSE, self.enter)]

    async def show(self, request: web.Request) -> web.Response:
        """What the license is now."""
        return self._page(request, done="done" in request.query)

    async def enter(self, request: web.Request) -> web.Response:
        """Let another key count."""
        key = (await read_form(request))["key"]
        try:
            licensing.enter(self._shell.context, key)
        except ProblemError as error:
            return self._page(request, fault=error.sentence, key=key[:KEY_CHARACTERS_MAX], status=422)
        return see_other(f"{LICENSE}?done=1")

    def _page(
        self, request: web.Request, *, status: int = 200, done: bool = False, fault: str = "", key: str = ""
    ) -> web.Response:
        context = self._shell.context
        standing = licensing.standing(context)
        return self._shell.page(
            request,
            "license.html",
            title="License Details",
            menu="license",
            status=status,
            secret=True,
            standing=standing,
            kinds=KINDS,
            kind=KINDS[standing.kind],
            ends=words.day_and_time(standing.ends_at),
            evaluation=words.span(EVALUATION_S, most=1),
            has_public_key=context.license is not None and context.license.has_public_key,
            characters_max=KEY_CHARACTERS_MAX,
            done=done and standing.kind is Kind.PAID,
            fault=fault,
            key=key,
        )
