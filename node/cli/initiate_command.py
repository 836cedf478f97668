"""`handclasp connections initiate`: this node becomes the source of a connection."""

from collections.abc import Callable
from typing import Annotated, Any
from urllib.parse import urlsplit

import typer

from node import words
from node.cli.client import AdminClient
from node.cli.failures import CommandError
from node.cli.output import Output
from protocol.limits import CODE_LIFETIME_S_MAX, CODE_LIFETIME_S_MIN, CONNECTION_NAME_CHARACTERS_MAX
from protocol.modes import Mode

ModeOption = Annotated[
    Mode, typer.Option(help="Basic and Visual need record synchronisation, which this version does not have.")
]
AskMeOption = Annotated[
    bool | None,
    typer.Option(
        "--ask-me/--no-ask-me",
        help="Whether an accepted code waits for your approval. [default: only with --no-url]",
        show_default=False,
    ),
]


def initiate(  # noqa: PLR0913 - one parameter an option
    connect: Callable[[], AdminClient],
    out: Output,
    *,
    local: Annotated[
        str, typer.Option("--local", metavar="NAME", help="A short name for your instance.", show_default=False)
    ],
    remote: Annotated[
        str, typer.Option("--remote", metavar="NAME", help="A short name for the other one.", show_default=False)
    ],
    to: Annotated[
        str | None,
        typer.Option(
            "--to", metavar="URL", help="The destination: its instance URL or its node URL.", show_default=False
        ),
    ] = None,
    no_url: Annotated[
        bool, typer.Option("--no-url", help="You don't have a URL: whoever has the code first may accept it.")
    ] = False,
    name: Annotated[
        str | None,
        typer.Option(
            "--name", metavar="NAME", help="Name of the connection. [default: LOCAL_to_REMOTE]", show_default=False
        ),
    ] = None,
    description: Annotated[
        str, typer.Option(metavar="TEXT", help="Description of the connection.", show_default=False)
    ] = "",
    mode: ModeOption = Mode.SCRIPT,
    ask_me: AskMeOption = None,
    lifetime: Annotated[
        str, typer.Option(metavar="SPAN", help="How long the code can be accepted: 30m, 12h, 7d; at most 30d.")
    ] = "7d",
) -> None:
    """Initiate a connection and get its invitation code.

    A destination that is given with --to is checked first, and then only that very node can use the code. The
    connection is pending until the code is accepted there; both sides then become Active.

    \b
    Example:
      handclasp connections initiate --to https://b.example --local A --remote B

    Next: send the code to the other admin, who runs `handclasp connections accept` and pastes it. The code works
    once. `handclasp connections show ID --code` shows it again while nobody has accepted it.
    """  # noqa: D301 - \b is typer's mark for lines that stay as they are
    if (to is None) is not no_url:
        raise CommandError(
            "The destination is given twice: as a URL and as unknown."
            if no_url
            else "Nothing says where the destination is.",
            "Give --to URL, or --no-url if you don't have one.",
        )
    wish = {
        "destination_url": to,
        "name": name if name is not None else f"{local}_to_{remote}"[:CONNECTION_NAME_CHARACTERS_MAX],
        "local_short_name": local,
        "remote_short_name": remote,
        "description": description,
        "mode": mode.value,
        "ask_me": ask_me,
        "code_lifetime_s": lifetime_seconds(lifetime),
    }
    answer = connect().initiate(wish)
    out.document(answer)
    tell_code(out, answer["connection"], answer["invitation_code"], to)


def lifetime_seconds(lifetime: str) -> int:
    """The seconds that --lifetime means.

    Raises:
        CommandError: it means none, or too many or too few.
    """
    try:
        seconds = words.lifetime_s(lifetime)
    except ValueError as error:
        raise CommandError(f"--lifetime is {lifetime!r}, which is no span of time: {error}.") from None
    if not CODE_LIFETIME_S_MIN <= seconds <= CODE_LIFETIME_S_MAX:
        raise CommandError(
            f"--lifetime is {lifetime!r}; a code lives from {words.span(CODE_LIFETIME_S_MIN)} "
            f"to {words.span(CODE_LIFETIME_S_MAX)}."
        )
    return seconds


def tell_code(out: Output, connection: dict[str, Any], code: str | None, to: str | None = None) -> None:
    """A pending connection's code, what it promises, and what to do with it."""
    sys_id = connection["sys_id"]
    out.line(f'"{connection["name"]}" is {words.status(connection).lower()}. Its invitation code:')
    out.line()
    out.line(code or "", whole=True)
    out.line()
    out.line(who_can_use(connection, to))
    if connection["expires_at"]:
        out.line(f"It can be accepted once, until {words.moment(connection['expires_at'])}.")
    if connection["ask_me"]:
        out.line("An accepted connection then waits for your approval.")
    out.line()
    out.line("Next: send it to the admin of the other instance, who runs `handclasp connections accept`.")
    out.line(f"See whether it was accepted: handclasp connections show {sys_id[:8]}")


def who_can_use(connection: dict[str, Any], to: str | None = None) -> str:
    """The honest promise beside a code."""
    if not connection["bound"]:
        return "Whoever has this code first can become the destination; exactly one will."
    url = connection["partner"]["node_url"] or to or ""
    return f"Only the node at {urlsplit(url).netloc or url} can use it."
