"""`handclasp connections accept`: this node becomes the destination of a connection."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from node import words
from node.cli.client import AdminClient
from node.cli.code_input import read_code_text
from node.cli.failures import EXIT_REFUSED, CommandError
from node.cli.output import Output
from node.real_ports import SystemClock
from node.standing import Reader, standing

POLL_S: Final = 0.1
WAIT_S_MAX: Final = 86_400.0


def accept(  # noqa: PLR0913 - one parameter an option
    connect: Callable[[], AdminClient],
    out: Output,
    *,
    code: Annotated[
        str | None,
        typer.Argument(metavar="-", help="`-` reads the code from standard input.", show_default=False),
    ] = None,
    file: Annotated[
        Path | None,
        typer.Option(
            "--file", metavar="FILE", help="Read the code, or the e-mail with it, from a file.", show_default=False
        ),
    ] = None,
    name: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Name of the connection here. [default: as proposed]", show_default=False),
    ] = None,
    local: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="A short name for your instance. [default: as proposed]", show_default=False),
    ] = None,
    remote: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="A short name for the other one. [default: as proposed]", show_default=False),
    ] = None,
    description: Annotated[
        str, typer.Option(metavar="TEXT", help="Description of the connection here.", show_default=False)
    ] = "",
    wait: Annotated[str, typer.Option(metavar="SECONDS", help="How long to wait until it is Active.")] = "10",
) -> None:
    """Accept an invitation code; wait until it is Active.

    The code is asked for, or read from standard input or a file. It is never an argument: other users of this
    machine could read it there. `handclasp invitation show` tells what a code says before you accept it.

    \b
    Examples:
      handclasp connections accept
      handclasp connections accept --file invitation.txt --name b_to_a

    Next: the source is told as soon as it can be reached, for as long as it takes. Exit code 0: Active; 1: not yet
    (it says what it waits for), or refused.
    """  # noqa: D301 - \b is typer's mark for lines that stay as they are
    wait_s = _seconds(wait)
    text = read_code_text(code, file, command="handclasp connections accept")
    client = connect()
    connection = client.accept(
        {
            "code": text,
            "name": name,
            "local_short_name": local,
            "remote_short_name": remote,
            "description": description,
        }
    )["connection"]
    connection = _after(client, connection, wait_s)
    out.document({"connection": connection})
    is_active = connection["status"] == "active"
    out.line(f'"{connection["name"]}" is {words.status(connection).lower()}.', style="green" if is_active else "")
    for line in standing(connection, now=SystemClock().now(), reader=Reader.COMMAND_LINE):
        out.line(line)
    if not is_active:
        out.line(f"See how it goes on: handclasp connections show {connection['sys_id'][:8]}")
        raise typer.Exit(EXIT_REFUSED)


def _seconds(wait: str) -> float:
    try:
        seconds = float(wait)
    except ValueError:
        seconds = -1
    if not 0 <= seconds <= WAIT_S_MAX:
        raise CommandError(f"--wait is {wait!r}; it is a number of seconds from 0 to {WAIT_S_MAX:.0f}.")
    return seconds


def _after(client: AdminClient, connection: dict[str, Any], wait_s: float) -> dict[str, Any]:
    """The connection once it is more than accepted, or when the wait is over."""
    until = time.monotonic() + wait_s
    while connection["status"] == "accepting" and time.monotonic() < until:
        time.sleep(POLL_S)  # noqa: TID251 - a command has no loop, and is not simulated
        connection = client.connection(connection["sys_id"])["connection"]
    return connection
