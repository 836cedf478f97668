"""`handclasp backup` and `handclasp restore`: a node's memory as one file, without its key."""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Final

import typer

from node import words
from node.cli.directories import find_directory
from node.cli.failures import CommandError
from node.cli.finding import YesOption, confirm
from node.cli.options import JsonOption
from node.cli.output import Output
from node.cli.places import PAIR_FILE
from node.data_directory import DATABASE_FILE, KEY_FILE, DataDirectory
from node.key_file import NodeIdentity, read_key
from node.private_files import for_the_owner_alone
from node.real_ports import SystemClock, SystemEntropy
from node.store import backup as backups
from protocol.identity import fingerprint

PROGRESS_BYTES_MIN: Final = 16 * 1024 * 1024
"""A smaller database is copied before anybody could read how far it is."""

DataOption = Annotated[
    Path | None,
    typer.Option(
        "--data", metavar="DIRECTORY", help="The node's data directory. [env: HANDCLASP_DATA]", show_default=False
    ),
]
NodeOption = Annotated[
    str | None,
    typer.Option(
        "--node",
        metavar="NAME",
        help="That node of the pair, such as a or b. [env: HANDCLASP_NODE]",
        show_default=False,
    ),
]


def backup(
    *,
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="Where to write it; nothing may be there yet.", show_default=False)
    ],
    data: DataOption = None,
    node: NodeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Back up a node's connections into one file, while it runs or not.

    The file holds everything up to this moment, and no secret: with it alone nobody can accept, sign or open a
    code. The node's key is NOT in it. The key is who the node is, and no backup brings it back: keep a copy of
    node.key in another place, once; it never changes.

    \b
    Example:
      handclasp backup 2025-03-01.backup --data ./a

    Next: `handclasp restore FILE` puts it back, on the stopped node.
    """  # noqa: D301 - \b is typer's mark for lines that stay as they are
    directory = find_directory(data, node, os.environ)
    identity, database = _identity(directory), directory / DATABASE_FILE
    facts = backups.take(
        database,
        file,
        key=identity.signing_key.public,
        now=SystemClock().now(),
        progressed=_progress(database),
    )
    out = Output(as_json=as_json)
    out.document({"file": str(file), "bytes": file.stat().st_size, "connections": facts.connections})
    out.line(f"{_count(facts.connections, 'connection')} backed up into {file}.")
    out.line(f"The node's key is not in it: keep a copy of {directory / KEY_FILE} in another place.")


def restore(
    *,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What `handclasp backup` wrote.", show_default=False)],
    data: DataOption = None,
    node: NodeOption = None,
    yes: YesOption = False,
    as_json: JsonOption = False,
) -> None:
    """Put a backup back, on a stopped node.

    What happened since the backup is not in it. Invitation codes that were open then die, because they may have
    been used since; when the node starts, it compares every connection with its partner, and both agree. A
    connection that was made since closes on the other side ("the source does not know the connection any more").
    The present database is kept beside it.

    \b
    Example:
      handclasp restore 2025-03-01.backup --data ./a

    Next: start the node. `handclasp connections list` shows what is closed; `new-code` gives one that was pending a
    new code.
    """  # noqa: D301 - \b is typer's mark for lines that stay as they are
    directory = find_directory(data, node, os.environ)
    with for_the_owner_alone(), DataDirectory(directory, entropy=SystemEntropy()) as held:
        facts = backups.read_facts(file, called=file)
        mine = held.identity.signing_key.public
        if facts.key != mine:
            raise CommandError(
                f"{file} is a backup of the node {fingerprint(facts.key)}, and {directory} holds the key of "
                f"{fingerprint(mine)}.",
                "Name that node's directory with --data, or put its key file into a new one first.",
            )
        taken_at = words.day_and_time(facts.taken_at)
        confirm(f"What this node learnt since {taken_at} is set aside.", yes=yes)
        facts, replaced = backups.put_back(file, held.database_path, key=mine)
    is_of_a_pair = (directory.absolute().parent / PAIR_FILE).exists()
    out = Output(as_json=as_json)
    out.document(
        {
            "taken_at": words.rfc3339(facts.taken_at),
            "connections": facts.connections,
            "codes_that_die": facts.pending,
            "replaced": str(replaced) if replaced is not None else None,
        }
    )
    out.line(f"The backup of {taken_at} is back: {_count(facts.connections, 'connection')}.")
    if facts.pending:
        out.line(
            f"{_count(facts.pending, 'invitation code')} of it will die: what was open then may have been used since."
        )
    if replaced is not None:
        out.line(f"What was there before is kept as {replaced}.")
    starting = "run `handclasp pair` again" if is_of_a_pair else "start the node as before, with the same settings"
    out.line(f"Next: {starting}. The node then compares every connection with its partner.")


def _identity(directory: Path) -> NodeIdentity:
    identity = read_key(directory / KEY_FILE)
    if identity is None:
        raise CommandError(f"There is no key file {directory / KEY_FILE}.", "Name another directory with --data.")
    return identity


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}{'' if number == 1 else 's'}"


def _progress(database: Path) -> Callable[[float], None]:
    if not sys.stderr.isatty() or not database.exists() or database.stat().st_size < PROGRESS_BYTES_MIN:
        return lambda _part: None
    shown = -1

    def progressed(part: float) -> None:
        nonlocal shown
        if int(part * 100) != shown:
            shown = int(part * 100)
            sys.stderr.write(f"\r{shown:3} %" + ("\n" if part >= 1 else ""))
            sys.stderr.flush()

    return progressed
