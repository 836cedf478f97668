"""`handclasp backup` and `handclasp restore`: what a node and its instance know as one file, without the key."""

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from node import words
from node.backups.disk_space import bytes_shown
from node.backups.putting_back import look, put_back
from node.backups.taking import take
from node.cli.directories import find_directory
from node.cli.failures import CommandError
from node.cli.finding import YesOption, confirm
from node.cli.options import JsonOption
from node.cli.output import Output
from node.cli.places import PAIR_FILE
from node.data_directory import DATABASE_FILE, INSTANCE_DATABASE_FILE, KEY_FILE, DataDirectory
from node.key_file import NodeIdentity, read_key
from node.private_files import for_the_owner_alone
from node.real_ports import SystemClock, SystemEntropy
from protocol.identity import fingerprint

if TYPE_CHECKING:
    from node.backups.putting_back import PutBack

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


WithoutInstanceOption = Annotated[
    bool, typer.Option("--without-instance", help="The connections alone.", show_default=False)
]


def backup(
    *,
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="Where to write it; nothing may be there yet.", show_default=False)
    ],
    without_instance: WithoutInstanceOption = False,
    data: DataOption = None,
    node: NodeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Back up a node's connections and its instance into one file, while it runs or not.

    The file holds everything up to this moment: the connections, and the instance's records with its users and
    attachments. Keep it as safe as those. Nobody can accept, sign or open a code with it; passwords are in it as
    hashes, OAuth tokens are not. The node's key is NOT in it. The key is who the node is, and no backup brings it
    back: keep a copy of node.key in another place, once; it never changes.

    It is a ZIP archive. While it is written, room for twice the instance may be needed where FILE is.

    \b
    Example:
      handclasp backup 2025-03-01.backup --data ./a

    Next: `handclasp restore FILE` puts it back, on the stopped node.
    """  # noqa: D301 - \b is typer's mark for lines that stay as they are
    directory = find_directory(data, node, os.environ)
    identity = _identity(directory)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C: what was begun is removed
    with for_the_owner_alone():
        taken = take(
            directory,
            file,
            key=identity.signing_key.public,
            now=SystemClock().now(),
            with_instance=not without_instance,
            progressed=_progress(_size(directory / DATABASE_FILE) + _size(directory / INSTANCE_DATABASE_FILE)),
        )
    out, connections = Output(as_json=as_json), _count(taken.facts.connections, "connection")
    out.document(
        {
            "file": str(file),
            "bytes": file.stat().st_size,
            "connections": taken.facts.connections,
            "instance_bytes": taken.instance_bytes,
        }
    )
    if taken.instance_bytes is not None:
        size = bytes_shown(taken.instance_bytes)
        out.line(f"{connections} and the instance ({size}) backed up into {file}, {bytes_shown(file.stat().st_size)}.")
    else:
        why = "was left out" if without_instance else "is not there yet"
        out.line(f"{connections} backed up into {file}. The instance {why}.")
    out.line(f"The node's key is not in it: keep a copy of {directory / KEY_FILE} in another place.")


def restore(
    *,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What `handclasp backup` wrote.", show_default=False)],
    without_instance: WithoutInstanceOption = False,
    data: DataOption = None,
    node: NodeOption = None,
    yes: YesOption = False,
    as_json: JsonOption = False,
) -> None:
    """Put a backup back, on a stopped node.

    What happened since the backup is not in it. Invitation codes that were open then die, because they may have
    been used since; when the node starts, it compares every connection with its partner, and both agree. A
    connection that was made since closes on the other side ("the source does not know the connection any more").
    The instance is as it was then, with its users and their passwords; the user admin keeps the password that the
    file admin.password has. OAuth tokens are given out anew. A backup that holds no instance leaves the present one as
    it is. The present databases are kept beside the new ones.

    \b
    Example:
      handclasp restore 2025-03-01.backup --data ./a

    Next: start the node. `handclasp connections list` shows what is closed; `new-code` gives one that was pending a
    new code.
    """  # noqa: D301 - \b is typer's mark for lines that stay as they are
    directory = find_directory(data, node, os.environ)
    with for_the_owner_alone(), DataDirectory(directory, entropy=SystemEntropy()) as held:
        contents = look(file, directory)
        facts, mine = contents.facts, held.identity.signing_key.public
        if facts.key != mine:
            raise CommandError(
                f"{file} is a backup of the node {fingerprint(facts.key)}, and {directory} holds the key of "
                f"{fingerprint(mine)}.",
                "Name that node's directory with --data, or put its key file into a new one first.",
            )
        has_instance = contents.instance_bytes is not None and not without_instance
        learnt = "this node and its instance" if has_instance else "this node"
        confirm(f"What {learnt} learnt since {words.day_and_time(facts.taken_at)} is set aside.", yes=yes)
        done = put_back(
            file,
            directory,
            key=mine,
            with_instance=not without_instance,
            progressed=_progress(contents.instance_bytes or 0),
        )
        keeps_instance = not has_instance and held.instance_database_path.exists()
    _tell_restored(Output(as_json=as_json), done, directory, has_instance=has_instance, keeps_instance=keeps_instance)


def _tell_restored(out: Output, done: "PutBack", directory: Path, *, has_instance: bool, keeps_instance: bool) -> None:
    contents, facts = done.contents, done.contents.facts
    replaced, replaced_instance = done.replaced.get(DATABASE_FILE), done.replaced.get(INSTANCE_DATABASE_FILE)
    out.document(
        {
            "taken_at": words.rfc3339(facts.taken_at),
            "connections": facts.connections,
            "codes_that_die": facts.pending,
            "replaced": str(replaced) if replaced is not None else None,
            "instance_bytes": contents.instance_bytes if has_instance else None,
            "replaced_instance": str(replaced_instance) if replaced_instance is not None else None,
        }
    )
    what = _count(facts.connections, "connection") + (" and the instance" if has_instance else "")
    out.line(f"The backup of {words.day_and_time(facts.taken_at)} is back: {what}.")
    if not has_instance:
        if contents.instance_bytes is not None:
            why = "The instance in it was left out"
        elif contents.is_archive:
            why = "There is no instance in it"
        else:
            why = "It is of a version that backed up no instance"
        out.line(f"{why}; {'the present one is as it was' if keeps_instance else 'there is none here either'}.")
    if facts.pending:
        out.line(
            f"{_count(facts.pending, 'invitation code')} of it will die: what was open then may have been used since."
        )
    for kept in (replaced, replaced_instance):
        if kept is not None:
            out.line(f"What was there before is kept as {kept}.")
    is_of_a_pair = (directory.absolute().parent / PAIR_FILE).exists()
    starting = "run `handclasp pair` again" if is_of_a_pair else "start the node as before, with the same settings"
    out.line(f"Next: {starting}. The node then compares every connection with its partner.")


def _identity(directory: Path) -> NodeIdentity:
    identity = read_key(directory / KEY_FILE)
    if identity is None:
        raise CommandError(f"There is no key file {directory / KEY_FILE}.", "Name another directory with --data.")
    return identity


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}{'' if number == 1 else 's'}"


def _size(file: Path) -> int:
    return file.stat().st_size if file.exists() else 0


def _progress(size: int) -> Callable[[float], None]:
    """Tells a terminal how far it is; on standard error, so that --json stays one document."""
    if not sys.stderr.isatty() or size < PROGRESS_BYTES_MIN:
        return lambda _part: None
    shown = -1

    def progressed(part: float) -> None:
        nonlocal shown
        if int(part * 100) != shown:
            shown = int(part * 100)
            sys.stderr.write(f"\r{shown:3} %" + ("\n" if part >= 1 else ""))
            sys.stderr.flush()

    return progressed
