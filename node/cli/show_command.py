"""`handclasp connections show`."""

from collections.abc import Callable
from typing import Annotated, Any

import typer

from node import words
from node.cli.client import AdminClient
from node.cli.finding import IdArgument, find_sys_id
from node.cli.initiate_command import who_can_use
from node.cli.output import STYLES, Output
from node.real_ports import SystemClock
from node.standing import Reader, standing
from protocol.vocabulary import Role


def show(
    connect: Callable[[], AdminClient],
    out: Output,
    *,
    connection: IdArgument,
    code: Annotated[
        bool, typer.Option("--code", help="Show the invitation code again, while nobody has accepted it.")
    ] = False,
    events: Annotated[bool, typer.Option("--events", help="Show every change of its status.")] = False,
) -> None:
    """Show one connection: what it waits for, both sides.

    \b
    Examples:
      handclasp connections show 1f0c
      handclasp connections show a_to_b --code
      handclasp connections show a_to_b --events

    Next: compare the two fingerprints with the other admin, by telephone, if you want to be sure who it is.
    """  # noqa: D301 - \b is typer's mark for lines that stay as they are
    client = connect()
    sys_id = find_sys_id(client, connection)
    content = client.connection(sys_id)
    if code:
        content["invitation_code"] = client.invitation_code(sys_id)
    if events:
        content["events"] = client.events(sys_id)
    out.document(content)
    _tell(out, content["connection"])
    for notice in content["notices"]:
        out.line(f"{words.moment(notice['at'])}: {words.notice(notice['kind'])} {notice['about']}", style="yellow")
    if events:
        out.line()
        tell_events(out, content["events"])
    if code:
        out.line()
        out.line(who_can_use(content["connection"]))
        out.line(content["invitation_code"], whole=True)


def _tell(out: Output, connection: dict[str, Any]) -> None:
    status, partner = connection["status"], connection["partner"]
    out.line(f"{connection['name']}: {words.status(connection)}", style=STYLES.get(status, ""))
    for line in standing(connection, now=SystemClock().now(), reader=Reader.COMMAND_LINE):
        out.line(line)
    expires_at = connection["expires_at"]
    out.pairs(
        [
            ("ID", connection["sys_id"]),
            ("mode", connection["mode"]),
            ("short names", f"{connection['local_short_name']} here, {connection['remote_short_name']} there"),
            ("description", connection["description"]),
            *_both_sides(connection),
            ("partner", partner["name"] or connection["remote_short_name"]),
            ("  node URL", partner["node_url"]),
            ("  instance URL", partner["instance_url"]),
            ("code expires", words.moment(expires_at) if expires_at else None),
            ("made", words.moment(connection["created_at"])),
            ("changed", words.moment(connection["changed_at"])),
        ]
    )


def _both_sides(connection: dict[str, Any]) -> list[tuple[str, str]]:
    """Both fingerprints, the source's first: two people who compare them read the same order."""
    mine = f"{connection['fingerprint']}  (this node)"
    theirs = f"{connection['partner']['fingerprint'] or 'not known yet'}  (the partner)"
    source, destination = (mine, theirs) if connection["role"] == Role.SOURCE else (theirs, mine)
    return [("source", source), ("destination", destination)]


def tell_events(out: Output, events: list[dict[str, Any]]) -> None:
    """A page of a connection's history as a table."""
    out.table(
        ("SEQ", "AT", "STATUS", "WHY"),
        [
            tuple(zip(cells_of(event), ("", "", STYLES.get(event["data"]["status"], ""), ""), strict=True))
            for event in events
        ],
    )


def cells_of(event: dict[str, Any]) -> tuple[str, str, str, str]:
    """One event in words: its seq, when, the status that it tells, and why."""
    data = event["data"]
    return (
        str(data["seq"]),
        words.moment(event["time"]),
        words.STATUSES.get(data["status"], data["status"]),
        words.REASONS.get(data["reason"] or "", ""),
    )
