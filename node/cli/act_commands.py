"""`handclasp connections withdraw`, `approve`, … : the acts of the table, each a command made from its row."""

from collections.abc import Callable
from typing import Any

from node.cli.act_table import TAUGHT_ACTS, TaughtAct
from node.cli.client import AdminClient
from node.cli.finding import IdArgument, YesOption, confirm, find_sys_id, once_told, tell_status
from node.cli.output import Output
from protocol.tables import Act


def act_commands() -> dict[str, Callable[..., None]]:
    """The commands by name; each still lacks the options by which it finds its node."""
    return {taught.name: _asking(taught) if taught.asks else _plain(taught) for taught in TAUGHT_ACTS}


def _plain(taught: TaughtAct) -> Callable[..., None]:
    def command(connect: Callable[[], AdminClient], out: Output, *, connection: IdArgument) -> None:
        _do(taught, connect(), out, connection, yes=True)

    return _taught(command, taught)


def _asking(taught: TaughtAct) -> Callable[..., None]:
    def command(
        connect: Callable[[], AdminClient], out: Output, *, connection: IdArgument, yes: YesOption = False
    ) -> None:
        _do(taught, connect(), out, connection, yes=yes)

    return _taught(command, taught)


def _taught(command: Callable[..., None], taught: TaughtAct) -> Callable[..., None]:
    command.__name__ = taught.name
    command.__doc__ = taught.help
    return command


def _do(taught: TaughtAct, client: AdminClient, out: Output, wanted: str, *, yes: bool) -> None:
    sys_id = find_sys_id(client, wanted)
    before = client.connection(sys_id)["connection"]
    if taught.asks is not None:
        confirm(taught.asks.format(name=before["name"]), yes=yes)
    after = client.act(sys_id, taught.name)["connection"]
    was_closed = before["status"] == "closed"
    is_gone = after is None or (taught.act is Act.REMOVE and was_closed)
    if after is not None and not was_closed:  # a closed one may be gone as soon as its partner is told
        after = once_told(client, after)
    out.document({"connection": after})
    _tell(taught, out, before, None if is_gone else after)
    if is_gone and after is not None and after["owed"]:
        out.line(
            "Its partner has not been told yet, and is told as soon as it can be reached. "
            f"`handclasp connections forget {sys_id[:8]}` ends that."
        )


def _tell(taught: TaughtAct, out: Output, before: dict[str, Any], after: dict[str, Any] | None) -> None:
    if after is not None:
        tell_status(out, after)
    elif taught.act is Act.FORGET:
        out.line(f'"{before["name"]}" is forgotten.')
    else:
        out.line(f'"{before["name"]}" is no longer in the list.')
