"""`handclasp connections list`."""

from collections.abc import Callable
from typing import Annotated

import typer

from node import words
from node.cli.client import AdminClient
from node.cli.output import STYLES, Output
from protocol.records import Status
from protocol.vocabulary import Role


def list_connections(
    connect: Callable[[], AdminClient],
    out: Output,
    *,
    status: Annotated[Status | None, typer.Option(help="Only those with this status.", show_default=False)] = None,
    role: Annotated[
        Role | None, typer.Option(help="Only those in which this node has this role.", show_default=False)
    ] = None,
    removed: Annotated[
        bool, typer.Option("--removed", help="Those taken off the list whose partner has not been told yet.")
    ] = False,
) -> None:
    """List the connections of a node.

    \b
    Examples:
      handclasp connections list
      handclasp connections list --status active --json

    Next: `handclasp connections show ID` tells all about one; the first characters of its ID are enough.
    """  # noqa: D301 - \b is typer's mark for lines that stay as they are
    found = connect().connections(
        status=status.value if status is not None else None,
        role=role.value if role is not None else None,
        removed="true" if removed else None,
    )
    out.document({"connections": found})
    if not found:
        out.line(
            "There is no such connection."
            if status or role or removed
            else "There is no connection yet. Make one with `handclasp connections initiate` or `… accept`."
        )
        return
    out.table(
        ("ID", "NAME", "STATUS", "ROLE", "PARTNER", "CHANGED"),
        [
            (
                (one["sys_id"][:8], ""),
                (one["name"], ""),
                (words.status(one), STYLES.get(one["status"], "")),
                (one["role"], ""),
                (one["partner"]["name"] or one["remote_short_name"], ""),
                (words.moment(one["changed_at"]), ""),
            )
            for one in found
        ],
    )
