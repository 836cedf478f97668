"""The tree of commands. Each is loaded only when it is used, or when its help is listed."""

from __future__ import annotations

import difflib
import sys
from importlib import import_module
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from typer.core import TyperGroup

from node.cli.failures import EXIT_REFUSED, EXIT_USAGE, CommandError
from node.version import VERSION

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

PROGRAM: Final = "handclasp"
ENTRY_POINTS: Final = "handclasp.commands"
"""Packages that stand above this one bring their commands by this group; nothing here imports them."""

COMMANDS: Final = {
    "demo": "node.cli.demo_command:demo",
    "pair": "node.cli.pair_commands:pair_app",
    "node": "node.cli.node_command:command()",
    "connections": "node.cli.connections_app:connections_app",
    "invitation": "node.cli.invitation_commands:invitation_app",
    "watch": "node.cli.watch_command:watch",
    "instance": "node.cli.instance_commands:instance_app",
    "license": "node.cli.license_commands:license_app",
    "backup": "node.cli.backup_commands:backup",
    "restore": "node.cli.backup_commands:restore",
}
"""Where each command stands: a module and in it a typer application or a function; `()`: a function that makes it."""

PURPOSES: Final = {
    "demo": "Watch two nodes shake hands; ends by itself.",
    "pair": "Start two nodes and a broker to keep.",
    "node": "Run one node, and the instance beside it.",
    "connections": "Initiate, accept, switch, remove connections.",
    "invitation": "Look at invitation codes.",
    "watch": "Watch statuses as they are broadcast.",
    "instance": "Load an instance, let programs into it.",
    "license": "Make license keys for your own nodes.",
    "backup": "Back up a node and its instance into a file.",
    "restore": "Put a backup back, on a stopped node.",
}
"""What the list of commands says of each: at most 45 characters fit."""

_COMPLETION: Final = {"install_completion", "show_completion"}

HELP = """Connect two ITSM instances, peer to peer, by an invitation code.

One admin initiates a connection on the source instance and gets a code; another admin accepts it on the
destination instance; both sides become Active. No server stands between them.

\b
Start here:
  handclasp demo                  watch two nodes shake hands; ends by itself
  handclasp pair                  start two nodes and a broker to keep
  handclasp connections --help    initiate, accept, show, and every other act

Every command has --help, and --json for programs.
"""


class LazyGroup(TyperGroup):
    """A group whose commands are loaded when they are asked for."""

    is_shown: Callable[[str], bool] = staticmethod(bool)

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 - the library's signature
        """The names, ours in the order in which they are learnt, then those of other packages."""
        return [name for name in _targets() if self.is_shown(name)]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002 - the library's signature
        """The command of that name, loaded; none if there is none."""
        target = COMMANDS.get(cmd_name) or _targets().get(cmd_name)
        return _load(cmd_name, target) if target is not None else None

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """List what can be loaded: another package's broken command must not hide ours."""
        self.is_shown = _can_load
        super().format_help(ctx, formatter)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command that the first argument names.

        Raises:
            CommandError: there is none; the nearest one is named.
        """
        name = args[0]
        if name not in COMMANDS and not name.startswith("-") and name not in (known := _targets()):
            nearest = _nearest(name, known)
            raise CommandError(
                f"There is no command {name!r}.",
                f"Did you mean `{PROGRAM} {nearest}`?" if nearest else f"`{PROGRAM} --help` lists them all.",
            )
        return super().resolve_command(ctx, args)


def _nearest(name: str, known: Iterable[str]) -> str | None:
    """The command that was meant: `retry` is what `connections` does, and not a misspelt `restore`."""
    acts = import_module("node.cli.connections_app").COMMANDS
    meant = {one: one for one in known} | {act: f"connections {act}" for act in acts}
    nearest = difflib.get_close_matches(name, meant, n=1)
    return meant[nearest[0]] if nearest else None


def run_root(arguments: list[str]) -> int:
    """Parse and run a command line; the exit code.

    Raises:
        CommandError: it can't be done; see there.
    """
    command = typer.main.get_command(root_app())
    try:
        result = command.main(arguments or ["--help"], prog_name=PROGRAM, standalone_mode=False)
    except typer.TyperException as error:
        raise CommandError(_sentence(error), _where_to_look(error), exit_code=EXIT_USAGE) from error
    except SystemExit as end:  # typer's own way to end when its reader has gone
        raise end.__context__ if isinstance(end.__context__, BrokenPipeError) else end from None
    except typer.Abort:
        sys.stderr.write("\n")
        return EXIT_REFUSED
    return result if isinstance(result, int) else 0


def root_app() -> typer.Typer:
    """The program, as typer knows it."""
    app = typer.Typer(
        cls=LazyGroup,
        help=HELP,
        add_completion=False,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"]},
    )

    app.callback()(_root_options)
    return app


def _print_version(asked: bool) -> None:  # noqa: FBT001 - typer's signature
    if asked:
        sys.stdout.write(f"{PROGRAM} {VERSION}\n")
        raise typer.Exit


def _root_options(
    *,
    version: Annotated[
        bool,
        typer.Option("--version", help="Print the version and end.", callback=_print_version, is_eager=True),
    ] = False,
    debug: Annotated[
        bool, typer.Option("--debug", help="Show the traceback of an error; stands before the command.")
    ] = False,
) -> None:
    """Both are dealt with before: the version by its callback, --debug by `main`."""


def _targets() -> dict[str, str]:
    from importlib.metadata import entry_points  # noqa: PLC0415 - our own commands are found without

    others = {point.name: point.value for point in sorted(entry_points(group=ENTRY_POINTS))}
    return {**COMMANDS, **{name: value for name, value in others.items() if name not in COMMANDS}}


def _load(name: str, target: str) -> Any:
    module_name, _, attribute = target.partition(":")
    try:
        found = getattr(import_module(module_name), attribute.removesuffix("()"))
        made = found() if attribute.endswith("()") else found
    except (ImportError, AttributeError) as error:
        raise CommandError(
            f"The command {name!r} can't be loaded ({type(error).__name__}: {error}).",
            f"Install the package that brings it ({module_name.partition('.')[0]}) anew.",
        ) from error
    if not isinstance(made, typer.Typer):
        app = typer.Typer(add_completion=False, rich_markup_mode=None)
        app.command(name)(made)
        made = app
    loaded = typer.main.get_command(made)
    loaded.name = name
    loaded.short_help = PURPOSES.get(name) or loaded.short_help
    _make_plain(loaded)
    return loaded


def _make_plain(command: Any) -> None:
    """Help is plain text everywhere, and there is no completion to install, however the command was made."""
    command.rich_markup_mode = None
    command.params = [one for one in command.params if one.name not in _COMPLETION]
    for below in getattr(command, "commands", {}).values():
        _make_plain(below)


def _can_load(name: str) -> bool:
    try:
        _load(name, _targets()[name])
    except CommandError:
        return False
    return True


def _sentence(error: typer.TyperException) -> str:
    possible = getattr(error, "possibilities", None)
    if possible:
        return f"{error.message}, did you mean {' or '.join(sorted(possible))}?"
    text = error.format_message().strip()
    return text if text.endswith((".", "!", "?", ")")) else f"{text}."


def _where_to_look(error: typer.TyperException) -> str:
    context = getattr(error, "ctx", None)
    path = context.command_path if context is not None else PROGRAM
    return f"`{path} --help` tells how it is used."
