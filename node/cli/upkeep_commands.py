"""`handclasp connections describe`, `retry` and `events`."""

import json
import sys
import time
from collections.abc import Callable
from typing import Annotated, Any, Final

import typer

from node.cli.client import AdminClient
from node.cli.failures import CommandError, visible
from node.cli.finding import IdArgument, find_sys_id, once_told, tell_status
from node.cli.output import Output
from node.cli.show_command import cells_of, tell_events
from protocol.limits import COUNTER_LIMIT

FOLLOW_S: Final = 0.5


def describe(
    connect: Callable[[], AdminClient],
    out: Output,
    *,
    connection: IdArgument,
    text: Annotated[str, typer.Argument(metavar="TEXT", help='The description; "" for none.', show_default=False)],
) -> None:
    """Change the description of a connection.

    It is your side's own note: the other side is not told. It has at most 1000 characters.

    \b
    Example:
      handclasp connections describe a_to_b "for incidents of the night shift"

    Next: `handclasp connections show ID` shows it.
    """  # noqa: D301 - \b is typer's mark for lines that stay as they are
    client = connect()
    answer = client.describe(find_sys_id(client, connection), text)
    out.document(answer)
    out.line(f'"{answer["connection"]["name"]}" has its new description.')


def retry(connect: Callable[[], AdminClient], out: Output, *, connection: IdArgument) -> None:
    """Try to reach the partner now.

    A node tries by itself for as long as it takes, at least once an hour. This tries at once, for when you know
    that the partner is back.

    \b
    Example:
      handclasp connections retry a_to_b

    Next: it tells whether the partner could be told, or why not.
    """  # noqa: D301 - \b is typer's mark for lines that stay as they are
    client = connect()
    tried = once_told(client, client.act(find_sys_id(client, connection), "retry")["connection"])
    out.document({"connection": tried})
    if not tried["owed"]:
        out.line("The partner has been told.", style="green")
    tell_status(out, tried)


def events(
    connect: Callable[[], AdminClient],
    out: Output,
    *,
    connection: IdArgument,
    after: Annotated[str, typer.Option(metavar="SEQ", help="Only the events behind the one with this number.")] = "0",
    follow: Annotated[bool, typer.Option("--follow", help="Go on with what comes, until Ctrl-C.")] = False,
) -> None:
    """Show every change of a connection's status, oldest first.

    Each is exactly what was broadcast over MQTT, and has the next number: whoever missed some gets them here.

    \b
    Examples:
      handclasp connections events a_to_b
      handclasp connections events a_to_b --after 3 --json
      handclasp connections events a_to_b --follow

    Next: `handclasp watch` shows all connections of all nodes as they change.
    """  # noqa: D301 - \b is typer's mark for lines that stay as they are
    seq = _seq(after)
    client = connect()
    sys_id = find_sys_id(client, connection)
    found = client.events(sys_id, after=seq)
    if follow:
        _follow(client, out, sys_id, found, seq)
        return
    out.document({"events": found})
    if found:
        tell_events(out, found)
    else:
        out.line("There is no such event.")


def _seq(after: str) -> int:
    if not (after.isascii() and after.isdecimal() and int(after[:20]) < COUNTER_LIMIT):
        raise CommandError(f"--after is {after!r}; it is the number of an event, as the list shows it.")
    return int(after)


def _follow(client: AdminClient, out: Output, sys_id: str, found: list[dict[str, Any]], seq: int) -> None:
    try:
        while True:
            for event in found:
                seq = event["data"]["seq"]
                line = (
                    json.dumps(event, ensure_ascii=False)
                    if out.as_json
                    else visible("  ".join(cells_of(event)).rstrip())
                )
                sys.stdout.write(line + "\n")
            sys.stdout.flush()
            time.sleep(FOLLOW_S)  # noqa: TID251 - a command has no loop, and is not simulated
            found = client.events(sys_id, after=seq)
    except KeyboardInterrupt:
        return
