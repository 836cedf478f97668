"""`handclasp connections check`."""

from collections.abc import Callable
from typing import Annotated

import typer

from node.cli.client import AdminClient
from node.cli.failures import EXIT_REFUSED
from node.cli.output import Output


def check(
    connect: Callable[[], AdminClient],
    out: Output,
    *,
    destination: Annotated[
        str,
        typer.Argument(metavar="URL", help="The other instance: its instance URL or its node URL.", show_default=False),
    ],
) -> None:
    """Check whether a destination can be connected to.

    Nothing is changed. The node looks for a node at the URL, as it does at the start of `initiate`. There is
    exactly one outcome, with what to do about it. Exit code 0: it can be connected to; 1: it can't.

    \b
    Example:
      handclasp connections check https://b.example

    Next: `handclasp connections initiate --to` the same URL.
    """  # noqa: D301 - \b is typer's mark for lines that stay as they are
    result = connect().check(destination)
    out.document(result)
    is_ok = result["outcome"] == "ok"
    out.line(result["sentence"], style="green" if is_ok else "red")
    out.line(result["remedy"])
    out.pairs(
        [
            ("outcome", result["outcome"]),
            ("name", result["name"]),
            ("node URL", result["node_url"]),
            ("instance URL", result["instance_url"]),
            ("fingerprint", result["fingerprint"]),
            ("modes", ", ".join(result["modes"])),
        ]
    )
    if not is_ok:
        raise typer.Exit(EXIT_REFUSED)
