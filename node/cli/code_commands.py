"""`handclasp connections new-code` and `decline`: the two acts that have to do with a code."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from node.cli.client import AdminClient
from node.cli.code_input import STANDARD_INPUT, read_code_text
from node.cli.failures import CommandError
from node.cli.finding import IdArgument, YesOption, confirm, find_sys_id, once_told, tell_status
from node.cli.initiate_command import lifetime_seconds, tell_code
from node.cli.output import Output
from protocol.code_format import PREFIX
from protocol.tables import Act


def new_code(
    connect: Callable[[], AdminClient],
    out: Output,
    *,
    connection: IdArgument,
    lifetime: Annotated[
        str, typer.Option(metavar="SPAN", help="How long the code can be accepted: 30m, 12h, 7d; at most 30d.")
    ] = "7d",
    yes: YesOption = False,
) -> None:
    """Replace the code of a connection that nobody has accepted.

    The old code dies at once: whoever uses it is told that there is a newer one. It also gives a connection that
    expired, or whose code died when its node was restored from a backup, a code again. Only the source can do it.

    \b
    Example:
      handclasp connections new-code a_to_b --lifetime 12h

    Next: send the new code to the other admin, who runs `handclasp connections accept`.
    """  # noqa: D301 - \b is typer's mark for lines that stay as they are
    lifetime_s = lifetime_seconds(lifetime)
    client = connect()
    sys_id = find_sys_id(client, connection)
    before = client.connection(sys_id)["connection"]
    if before["status"] == "pending":
        confirm(f'The present code of "{before["name"]}" dies.', yes=yes)
    answer = client.new_code(sys_id, lifetime_s)
    out.document(answer)
    tell_code(out, answer["connection"], answer["invitation_code"])


def decline(
    connect: Callable[[], AdminClient],
    out: Output,
    *,
    which: Annotated[
        str | None,
        typer.Argument(
            metavar="ID", help="The invitation in the list; `-` reads a code from standard input.", show_default=False
        ),
    ] = None,
    file: Annotated[
        Path | None,
        typer.Option(
            "--file", metavar="FILE", help="Read the code, or the e-mail with it, from a file.", show_default=False
        ),
    ] = None,
    yes: YesOption = False,
) -> None:
    """Decline an invitation, by its ID or by its code.

    The source is told as soon as it can be reached, and the code is used up. Without an ID the code is asked for,
    or read from standard input or a file; it is never an argument.

    \b
    Examples:
      handclasp connections decline 1f0c
      handclasp connections decline --file invitation.txt

    Next: the source's admin sees that you declined. To ignore an invitation you need do nothing: it expires.
    """  # noqa: D301 - \b is typer's mark for lines that stay as they are
    is_code = which is None or which == STANDARD_INPUT or PREFIX in which.lower()
    if not is_code and file is not None:
        raise CommandError("The invitation is named by its ID and by a file with its code.", "Give one of them.")
    if which is None or is_code:
        text = read_code_text(which, file, command="handclasp connections decline")
        client = connect()
        connection = client.decline(text)["connection"]
    else:
        client = connect()
        sys_id = find_sys_id(client, which)
        confirm(f'The invitation to "{client.connection(sys_id)["connection"]["name"]}" is declined for good.', yes=yes)
        connection = client.act(sys_id, Act.DECLINE.value)["connection"]
    connection = once_told(client, connection)
    out.document({"connection": connection})
    tell_status(out, connection)
