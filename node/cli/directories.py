"""Which data directory a command means, whether or not a node runs on it.

As for commands that talk to a node (`node.cli.places`): flags come before variables, and what is named before what
is found.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from node.cli.failures import CommandError
from node.cli.places import pair_directory, pair_nodes
from node.data_directory import KEY_FILE
from node.settings import default_data_directory, refuse_unknown_variables

if TYPE_CHECKING:
    from collections.abc import Mapping


def find_directory(data: Path | None, node: str | None, environ: Mapping[str, str]) -> Path:
    """The data directory that --data or --node, the environment or the circumstances name; a node's key is in it.

    Raises:
        CommandError: there is none, or it is not clear which one is meant.
        SettingsError: a variable is misspelt.
        DataDirectoryError: the pair's state can't be read.
    """
    refuse_unknown_variables(environ)
    if data is not None and node is not None:
        raise CommandError("--data and --node each name a node.", "Give one of them.")
    if data is None and node is None:
        data, node = _by_variables(environ)
    if node is not None:
        return _with_key(_of_pair(node, environ))
    if data is not None:
        return _with_key(data)
    return _only_one(environ)


def _by_variables(environ: Mapping[str, str]) -> tuple[Path | None, str | None]:
    data, node = environ.get("HANDCLASP_DATA"), environ.get("HANDCLASP_NODE")
    if data and node:
        raise CommandError(
            "HANDCLASP_DATA and HANDCLASP_NODE are both set, and each names a node.",
            "Unset one of them, or say which with --data or --node.",
        )
    return Path(data) if data else None, node or None


def _of_pair(name: str, environ: Mapping[str, str]) -> Path:
    nodes = pair_nodes(environ)
    if name not in nodes:
        raise CommandError(
            f"There is no pair with a node {name!r} in {pair_directory(environ)}.",
            f"It has: {', '.join(nodes)}." if nodes else "Name the node's data directory with --data.",
        )
    return nodes[name]


def _with_key(directory: Path) -> Path:
    if not (directory / KEY_FILE).exists():
        raise CommandError(
            f"{directory} is no node's data directory: it has no key file {KEY_FILE}.",
            f"Name another one with --data; to move a node, put the copy of its {KEY_FILE} there first.",
        )
    return directory


def _only_one(environ: Mapping[str, str]) -> Path:
    usual = default_data_directory(environ)
    known = [(f"--node {name}", path) for name, path in pair_nodes(environ).items()]
    known.append((f"--data {usual}", usual))
    found = [(flag, path) for flag, path in known if (path / KEY_FILE).exists()]
    if not found:
        raise CommandError(
            "There is no node in the usual places of this machine.", "Name its data directory with --data."
        )
    if len(found) > 1:
        flags = [flag for flag, _ in found]
        raise CommandError(
            "There is more than one node here, and nothing says which one is meant.",
            f"Say it: {', '.join(flags[:-1])} or {flags[-1]}.",
        )
    return found[0][1]
