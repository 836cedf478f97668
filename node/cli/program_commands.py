"""`handclasp instance oauth-client` and `api-key`: programs that use the REST APIs of a running node's instance.

What is made is told once: only a hash of it is kept.
"""

from collections.abc import Callable
from typing import Annotated, Final

import typer

from node.cli.client import AdminClient
from node.cli.output import Output


def oauth_client(
    connect: Callable[[], AdminClient],
    out: Output,
    *,
    name: Annotated[str, typer.Argument(metavar="NAME", help="What admins call the program.", show_default=False)],
    user: Annotated[
        str | None,
        typer.Option("--user", metavar="USER", help="In whose name it acts by itself.", show_default=False),
    ] = None,
) -> None:
    """Register an OAuth client; show its secret once.

    With them a program gets tokens at /oauth_token.do of the instance URL: for a user whose name and password it
    sends (grant password), or, with --user, for that user by itself (grant client_credentials).

    \b
    Examples:
      handclasp instance oauth-client "Service desk dashboard"
      handclasp instance oauth-client "Nightly import" --user robot

    Next: give both to the program, and to nobody else.
    """  # noqa: D301 - \b is typer's mark for lines that stay as they are
    made = connect().make_oauth_client(name, user)
    out.document(made)
    out.pairs([("client id", made["client_id"]), ("client secret", made["client_secret"])])
    out.line("The secret is not shown again.")


def api_key(
    connect: Callable[[], AdminClient],
    out: Output,
    *,
    user: Annotated[str, typer.Argument(metavar="USER", help="In whose name it speaks.", show_default=False)],
) -> None:
    """Make an API key of a user; show it once.

    A program sends it with each request, in the header x-sn-apikey. It counts until it is removed or switched off,
    and only while the user is active.

    \b
    Example:
      handclasp instance api-key robot

    Next: give it to the program, and to nobody else.
    """  # noqa: D301 - \b is typer's mark for lines that stay as they are
    made = connect().make_api_key(user)
    out.document(made)
    out.pairs([("API key", made["api_key"])])
    out.line("It is not shown again.")


PROGRAM_COMMANDS: Final[dict[str, Callable[..., None]]] = {"oauth-client": oauth_client, "api-key": api_key}
"""By name; each still lacks the options by which it finds its node."""
