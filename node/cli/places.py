"""Which node a command talks to.

Flags come before variables, and what is named before what is found:

1. `--url` with a token from `--token-file` or HANDCLASP_TOKEN (never from a flag: every user of the machine can
   read the list of processes);
2. `--data`, or HANDCLASP_DATA: the node that runs on that directory;
3. `--node`, or HANDCLASP_NODE: that node of the pair in HANDCLASP_PAIR;
4. nothing said: the one node that runs in the usual places.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from node.cli.failures import CommandError
from node.data_directory import TOKEN_FILE, read_admin_token, read_runtime
from node.private_files import read_text
from node.settings import default_data_directory, refuse_unknown_variables

if TYPE_CHECKING:
    from collections.abc import Mapping

    from node.tls.trust import Trust

PAIR_FILE: Final = "pair.json"

_TOKEN: Final = re.compile(r"[!-~]{1,512}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What the flags of a command say about its node."""

    node: str | None = None
    data: Path | None = None
    url: str | None = None
    token_file: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A running node and what it takes to talk to it as its admin."""

    title: str
    """How sentences call it."""
    url: str
    token: str = field(repr=False)
    trust: Trust | None = None
    """How the node is known; none: over https, by the authorities that the system trusts."""


def find_place(choice: Choice, environ: Mapping[str, str]) -> Place:
    """The node that the flags, the environment or the circumstances name.

    Raises:
        CommandError: none runs there, or it is not clear which one is meant.
        SettingsError: a variable is misspelt.
        DataDirectoryError: a node's files can't be read.
    """
    refuse_unknown_variables(environ)
    _refuse_contradictions(choice)
    if choice.url is not None:
        return _by_url(choice.url, choice.token_file, environ)
    if choice.data is not None:
        return _on(choice.data, f"the node on {choice.data}")
    if choice.node is not None:
        return _of_pair(choice.node, environ)
    if environ.get("HANDCLASP_DATA") and environ.get("HANDCLASP_NODE"):
        raise CommandError(
            "HANDCLASP_DATA and HANDCLASP_NODE are both set, and each names a node.",
            "Unset one of them, or say which with --data or --node.",
        )
    if environ.get("HANDCLASP_DATA"):
        path = Path(environ["HANDCLASP_DATA"])
        return _on(path, f"the node on {path}")
    if environ.get("HANDCLASP_NODE"):
        return _of_pair(environ["HANDCLASP_NODE"], environ)
    return _only_one(environ)


def pair_directory(environ: Mapping[str, str]) -> Path:
    """Where a pair's state and its nodes' data are.

    Raises:
        SettingsError: this user has no home directory.
    """
    if environ.get("HANDCLASP_PAIR"):
        return Path(environ["HANDCLASP_PAIR"]).expanduser().absolute()
    return default_data_directory(environ).with_name("pair")


def pair_nodes(environ: Mapping[str, str]) -> dict[str, Path]:
    """The data directories of the pair's nodes, by name; none if there is no pair.

    Raises:
        CommandError: the pair's state can't be understood.
        DataDirectoryError: it can't be read.
    """
    directory = pair_directory(environ)
    text = read_text(directory / PAIR_FILE)
    if text is None:
        return {}
    try:
        state: Any = json.loads(text)
        return {str(name): directory / row["data"] for name, row in state["nodes"].items()}
    except (ValueError, TypeError, KeyError, AttributeError):
        raise CommandError(f"{directory / PAIR_FILE} is damaged.", "Start the pair anew: `handclasp pair`.") from None


def _refuse_contradictions(choice: Choice) -> None:
    said = {"--url": choice.url, "--data": choice.data, "--node": choice.node}
    given = [flag for flag, value in said.items() if value is not None]
    if len(given) > 1:
        raise CommandError(f"{' and '.join(given)} each name a node.", "Give one of them.")
    if choice.token_file is not None and choice.url is None:
        raise CommandError(
            "--token-file belongs to --url; a node of this machine is found with its token.",
            "Leave it out, or name the node with --url.",
        )


def _by_url(url: str, token_file: Path | None, environ: Mapping[str, str]) -> Place:
    from protocol.text import check_url  # noqa: PLC0415 - nodes of this machine are found without

    checked = check_url(url, what="URL of --url")
    if token_file is not None:
        text, origin = read_text(token_file, is_secret=True), str(token_file)
        if text is None:
            raise CommandError(
                f"There is no file {token_file}.", f"Name the {TOKEN_FILE} of that node's data directory."
            )
    else:
        text, origin = environ.get("HANDCLASP_TOKEN", ""), "HANDCLASP_TOKEN"
    token = text.strip()
    if not token:
        raise CommandError(
            f"Nothing says which admin token the node at {checked} takes.",
            f"Name its file with --token-file, or put it into HANDCLASP_TOKEN; it is in {TOKEN_FILE} "
            "in the node's data directory.",
        )
    if not _TOKEN.fullmatch(token):
        raise CommandError(f"What stands in {origin} is not an admin token.", f"Use the text of {TOKEN_FILE}.")
    return Place(title=f"the node at {checked}", url=checked, token=token)


def _on(path: Path, title: str) -> Place:
    place = running_on(path, title)
    if place is None:
        raise CommandError(f"No node runs on {path}.", f"Start it with `handclasp node --data {path}`.")
    return place


def running_on(path: Path, title: str) -> Place | None:
    """The node that runs on that data directory now; none if none does.

    Raises:
        DataDirectoryError: its files can't be read.
    """
    runtime = read_runtime(path)
    token = read_admin_token(path) if runtime is not None else None
    if runtime is None or token is None:
        return None
    return Place(title=title, url=runtime.node_url, token=token, trust=runtime.trust)


def _of_pair(name: str, environ: Mapping[str, str]) -> Place:
    nodes = pair_nodes(environ)
    if not nodes:
        raise CommandError(
            f"There is no pair in {pair_directory(environ)}, so no node {name!r} of one.",
            "Start one with `handclasp pair`, or name a node with --data or --url.",
        )
    if name not in nodes:
        raise CommandError(f"The pair has no node {name!r}.", f"It has: {', '.join(nodes)}.")
    place = running_on(nodes[name], f"node {name} of the pair")
    if place is None:
        raise CommandError(f"The node {name!r} of the pair does not run.", "Start it with `handclasp pair`.")
    return place


def _only_one(environ: Mapping[str, str]) -> Place:
    usual = default_data_directory(environ)
    nodes = [(f"--node {name}", path) for name, path in pair_nodes(environ).items()]
    nodes.append((f"--data {usual}", usual))
    running = [(flag, place) for flag, path in nodes if (place := running_on(path, flag)) is not None]
    if not running:
        raise CommandError(
            "No node runs in the usual places of this machine.",
            "Start one with `handclasp node`, or two with `handclasp pair`; another one is named by --data or --url.",
        )
    if len(running) > 1:
        flags = [flag for flag, _ in running]
        raise CommandError(
            "More than one node runs here, and nothing says which one is meant.",
            f"Say it: {', '.join(flags[:-1])} or {flags[-1]}.",
        )
    return running[0][1]
