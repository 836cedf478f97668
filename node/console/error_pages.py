"""Errors: what goes wrong now or went wrong lately, what it means, and what to do about it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from aiohttp import web

from node import words
from node.connections import errors
from node.console.console import PREFIX
from node.console.error_words import BROKER, LOST, UNREACHED
from node.console.forms import read_form
from node.console.presenting import passed
from node.console.shell import see_other
from node.problems import Problem, ProblemError
from protocol.limits import KEY_BYTES
from protocol.records import Status, reason_of
from protocol.tables import Act

if TYPE_CHECKING:
    from collections.abc import Sequence

    from node.connections.stored import Connection
    from node.console.shell import Shell

ERRORS: Final = f"{PREFIX}/errors"


class ErrorPages:
    """The handlers."""

    def __init__(self, shell: Shell) -> None:
        self._shell = shell

    def routes(self) -> Sequence[web.RouteDef]:
        """Where they stand."""
        return [web.get(ERRORS, self.show), web.post(f"{ERRORS}/retry", self.retry)]

    async def show(self, request: web.Request) -> web.Response:
        """All errors, or of that page the part that an open one asks for again."""
        found = await errors.look(self._shell.context, self._shell.dispatcher.failing())
        return self._shell.page(
            request,
            "errors_part.html" if request.query.get("part") == "errors" else "errors.html",
            title="Errors",
            menu="errors",
            failures=[
                *self._broadcasting(found.broadcast_count),
                *(self._unreached(number, one) for number, one in enumerate(found.unreached)),
            ],
            lost=[self._lost(one) for one in found.lost],
        )

    async def retry(self, request: web.Request) -> web.Response:
        """Try a partner that does not answer now.

        Raises:
            ProblemError: the form names none.
        """
        partner = (await read_form(request))["partner"]
        if len(partner) != 2 * KEY_BYTES or not set(partner) <= set("0123456789abcdef"):
            raise ProblemError(Problem.MALFORMED, "The form names no partner.")
        self._shell.dispatcher.retry(bytes.fromhex(partner))
        return see_other(ERRORS)

    def _unreached(self, number: int, one: errors.Unreached) -> dict[str, Any]:
        failing = one.failing
        connections = [self._shell.shown(connection) for connection in one.connections]
        partner = next((shown["partner"]["name"] for shown in connections if shown["partner"]["name"]), failing.url)
        title, remedy = UNREACHED[failing.cause]
        return {
            "id": f"partner-{number}",
            "title": title.format(partner=partner),
            "where": failing.url,
            "sentence": failing.sentence,
            "impact": _impact(partner, one.owed_count, {shown["status"] for shown in connections}),
            "remedy": remedy.format(partner=partner),
            "connections": connections,
            "more_count": one.count - len(connections),
            "partner": failing.key.hex(),
            **self._times(failing.since, failing.last_at, failing.tries, failing.next_at),
        }

    def _broadcasting(self, waiting_count: int) -> list[dict[str, Any]]:
        broadcaster = self._shell.broadcaster
        if broadcaster is None or broadcaster.last_error is None or broadcaster.failing_since is None:
            return []
        title, remedy = BROKER
        told = f"{waiting_count} broadcast{'' if waiting_count == 1 else 's'}" if waiting_count else "What is broadcast"
        return [
            {
                "id": "broker",
                "title": title,
                "where": None,
                "sentence": broadcaster.last_error,
                "impact": f"{told} will be late for those who watch this node. Handshakes go on without it.",
                "remedy": remedy,
                "connections": [],
                "more_count": 0,
                "partner": None,
                **self._times(broadcaster.failing_since, None, broadcaster.failures, None),
            }
        ]

    def _times(self, since: float, last_at: float | None, tries: int, next_at: float | None) -> dict[str, Any]:
        now = self._shell.context.clock.now()
        return {
            "since": f"{words.day_and_time(since)} ({passed(now - since)})",
            "last": passed(now - last_at) if last_at is not None else None,
            "tries": tries,
            "next": f"in {words.span(next_at - now)}" if next_at is not None and next_at - now >= 1 else None,
        }

    def _lost(self, connection: Connection) -> dict[str, Any]:
        shown, reason = self._shell.shown(connection), reason_of(connection.record)
        return {
            **shown,
            "remedy": LOST[connection.role][reason] if reason is not None else "",
            "has_new_code": Act.NEW_CODE in shown["possible_acts"],
        }


def _impact(partner: str, owed_count: int, statuses: set[str]) -> str:
    if not owed_count:
        return f"Nothing waits to be told; whether {partner} is still well is not known."
    if statuses == {Status.PENDING.value}:
        return f"{partner} does not see that it is invited. The invitation code works all the same."
    changes = f"{owed_count} connection{'' if owed_count == 1 else 's'}"
    return f"{partner} has not been told how {changes} stand{'s' if owed_count == 1 else ''} here now. Nothing is lost."
