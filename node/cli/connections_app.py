"""`handclasp connections`: its commands."""

from collections.abc import Callable
from typing import Any, Final

import typer
from typer.core import TyperGroup

from node.cli.accept_command import accept
from node.cli.act_commands import act_commands
from node.cli.check_command import check
from node.cli.code_commands import decline, new_code
from node.cli.initiate_command import initiate
from node.cli.list_command import list_connections
from node.cli.options import with_node
from node.cli.show_command import show
from node.cli.upkeep_commands import describe, events, retry


class TeachingGroup(TyperGroup):
    """A group that shows its help when nothing more is said."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """What is said, or else `--help`."""
        return super().parse_args(ctx, args or ["--help"])


connections_app = typer.Typer(
    cls=TeachingGroup,
    help="""Initiate, accept, switch, remove and look at connections.

    The admin of the source runs `initiate` and hands the invitation code to the admin of the destination, who
    runs `accept`; `list` and `show` tell how far a connection is, on either side. Every act works while the
    partner is away: it is told as soon as it can be reached. Each command talks to a node that runs: the only one
    here, or the one that --node, --data or --url names.
    """,
)
COMMANDS: Final[dict[str, Callable[..., None]]] = {
    "initiate": initiate,
    "accept": accept,
    "list": list_connections,
    "show": show,
    "check": check,
    **act_commands(),
    "decline": decline,
    "new-code": new_code,
    "describe": describe,
    "retry": retry,
    "events": events,
}
for _name, _command in COMMANDS.items():
    connections_app.command(_name)(with_node(_command))
