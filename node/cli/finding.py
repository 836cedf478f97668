"""Which connection a command means, and how an act's outcome is told."""

from __future__ import annotations

import re
import sys
import time
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from node import words
from node.cli.failures import EXIT_REFUSED, CommandError
from node.cli.output import STYLES
from node.real_ports import SystemClock
from node.standing import Reader, owed_to_partner, waits_for

if TYPE_CHECKING:
    from node.cli.client import AdminClient
    from node.cli.output import Output

POLL_S: Final = 0.05
TOLD_S_MAX: Final = 2.0
"""How long a command looks whether the partner has been told: it is milliseconds if the partner can be reached."""

_SYS_ID: Final = re.compile(r"[0-9a-f]{32}")

IdArgument = Annotated[
    str, typer.Argument(metavar="ID", help="Its ID, the first characters of it, or its name.", show_default=False)
]
YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Don't ask whether you mean it.")]


def find_sys_id(client: AdminClient, wanted: str) -> str:
    """The sys_id that an ID, its beginning or a name means.

    Raises:
        CommandError: it means none, or several.
    """
    if _SYS_ID.fullmatch(wanted):
        return wanted
    found = _meant(wanted, client.connections()) or _meant(wanted, client.connections(removed="true"))
    if not found:
        raise CommandError(
            f"{client.title[:1].upper()}{client.title[1:]} has no connection {wanted!r}.",
            "`handclasp connections list` shows those that there are.",
        )
    if len(found) > 1:
        ids = ", ".join(one["sys_id"][:12] for one in found[:5])
        raise CommandError(f"{wanted!r} means {len(found)} connections.", f"Write more of the ID: {ids}.")
    return str(found[0]["sys_id"])


def _meant(wanted: str, known: list[dict[str, Any]]) -> list[dict[str, Any]]:
    by_name = [one for one in known if one["name"] == wanted]
    return by_name or [one for one in known if wanted and one["sys_id"].startswith(wanted.lower())]


def confirm(question: str, *, yes: bool) -> None:
    """Ask whoever sits at a terminal; programs are taken at their word.

    Raises:
        CommandError: the answer is not yes.
    """
    if yes or not sys.stdin.isatty():
        return
    sys.stderr.write(f"{question} Go on? [y/N] ")
    sys.stderr.flush()
    if sys.stdin.readline().strip().lower() not in {"y", "yes"}:
        raise CommandError("It was not done, since you did not say yes.", exit_code=EXIT_REFUSED)


def once_told(client: AdminClient, connection: dict[str, Any]) -> dict[str, Any]:
    """The connection once its partner was told, or as it is when that takes too long."""
    until = time.monotonic() + TOLD_S_MAX
    while connection["owed"] and time.monotonic() < until:
        time.sleep(POLL_S)  # noqa: TID251 - a command has no loop, and is not simulated
        connection = client.connection(connection["sys_id"])["connection"]
    return connection


def tell_status(out: Output, connection: dict[str, Any]) -> None:
    """How a connection stands after an act, and whether the partner knows."""
    out.line(
        f'"{connection["name"]}" is {words.status(connection).lower()}.', style=STYLES.get(connection["status"], "")
    )
    now, reader = SystemClock().now(), Reader.COMMAND_LINE
    for line in owed_to_partner(connection, now=now, reader=reader) or waits_for(connection, reader=reader):
        out.line(line)
