"""`handclasp invitation show`: what a code says, read without any node."""

from pathlib import Path
from typing import Annotated, Any

import typer

from node import words
from node.cli.code_input import read_code_text
from node.cli.connections_app import TeachingGroup
from node.cli.options import JsonOption
from node.cli.output import Output
from node.real_ports import SystemClock
from protocol.identity import fingerprint
from protocol.invitation import Code, read_code

invitation_app = typer.Typer(
    cls=TeachingGroup,
    help="""Look at invitation codes.

    A code is what one admin hands to another so that two instances connect.
    """,
)


@invitation_app.callback()
def invitation() -> None:
    """Make `show` a command of its own: typer would fold a single one into its group."""


@invitation_app.command("show")
def show(
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
    as_json: JsonOption = False,  # noqa: FBT002 - a flag
) -> None:
    """Show what an invitation code says; needs no node and tells nobody.

    Its checksums and its source's signature are verified. Only its public part is shown: the names as they would
    stand on your side, who made it, until when it can be accepted, and who can use it.

    \b
    Examples:
      handclasp invitation show
      handclasp invitation show --file invitation.txt

    Next: compare the fingerprint with the source's admin, then `handclasp connections accept`.
    """  # noqa: D301 - \b is typer's mark for lines that stay as they are
    read = read_code(read_code_text(code, file, command="handclasp invitation show"))
    now = SystemClock().now()
    out = Output(as_json=as_json)
    content = public_part(read, now=now)
    out.document({"invitation": content})
    _tell(out, read, content, now)


def public_part(code: Code, *, now: float) -> dict[str, Any]:
    """What may be shown of a code; the names as the destination would use them."""
    invitation = code.invitation
    return {
        "label": code.label,
        "connection": invitation.connection.hex(),
        "name": invitation.name,
        "local_short_name": invitation.destination_short_name,
        "remote_short_name": invitation.source_short_name,
        "mode": invitation.mode.value,
        "source": {
            "node_url": invitation.node_url,
            "fingerprint": fingerprint(invitation.source_key),
        },
        "expires_at": words.rfc3339(invitation.expires_at),
        "expired": invitation.expires_at <= now,
        "bound": invitation.bound is not None,
    }


def _tell(out: Output, code: Code, content: dict[str, Any], now: float) -> None:
    left_s = code.invitation.expires_at - now
    when = words.day_and_time(code.invitation.expires_at)
    expiry = f"in {words.span(left_s)} ({when})" if left_s > 0 else f"{words.span(-left_s)} ago ({when})"
    out.line(f'An invitation to the connection "{content["name"]}", genuine as it stands.')
    out.pairs(
        [
            ("code", content["label"]),
            ("source", content["source"]["node_url"]),
            ("fingerprint", content["source"]["fingerprint"]),
            ("short names", f"{content['local_short_name']} here, {content['remote_short_name']} there"),
            ("mode", content["mode"]),
            ("expires" if left_s > 0 else "expired", expiry),
            ("for", "one node, chosen by the source" if content["bound"] else "whoever accepts it first"),
        ]
    )
    out.line(
        "Only the source knows whether it still works. Accept it with `handclasp connections accept`."
        if left_s > 0
        else "By this machine's clock it is too late to accept it. Ask the admin of the source for a new one."
    )
