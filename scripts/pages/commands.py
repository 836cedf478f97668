"""The page of every command: its help, as the command line tells it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from node.cli.root import PROGRAM, root_app
from typer.main import get_command

if TYPE_CHECKING:
    from collections.abc import Iterator

COLUMNS: Final = 100

HEAD: Final = f"""# Commands

*Made from the code by `make pages`.*

Every command has `--help`, which says what stands here, and `--json` for programs. Exit code 0: it is done; 1: it was
refused or failed, and the sentence says why; 2: it was called wrongly; 130: Ctrl-C ended it. From a clone the command
is `.venv/bin/{PROGRAM}`.
"""


def commands() -> Iterator[tuple[str, Any, Any]]:
    """Each command with its whole name and its context, groups before what is in them."""
    root = get_command(root_app())
    yield from _walk(root, root.make_context(PROGRAM, [], resilient_parsing=True))


def page() -> str:
    """The page."""
    found = list(commands())
    lines = [HEAD, "| command | what it does |", "| --- | --- |"]
    lines += [f"| [`{name}`](#{_anchor(name)}) | {command.get_short_help_str(200)} |" for name, command, _ in found]
    for name, command, context in found:
        context.terminal_width = context.max_content_width = COLUMNS
        lines += ["", f"## {name}", "", "```text", command.get_help(context).rstrip(), "```"]
    return "\n".join(lines) + "\n"


def _walk(command: Any, context: Any) -> Iterator[tuple[str, Any, Any]]:
    yield context.command_path, command, context
    for name in command.list_commands(context) if hasattr(command, "list_commands") else ():
        inner = command.get_command(context, name)
        yield from _walk(inner, inner.context_class(inner, info_name=name, parent=context))


def _anchor(name: str) -> str:
    return name.replace(" ", "-")
