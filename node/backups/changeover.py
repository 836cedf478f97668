"""How a node's databases are replaced by others: all of them, or none, whatever ends the process or the machine.

    restore.preparing   the new databases, while they are made ready; rubbish after a crash
    restore.ready       the same directory, once all of them are whole and on the disk

Giving the directory its second name is the moment from which the new ones count. Each is then moved into place; whoever
takes the data directory next finishes that (see `node.data_directory`), so nobody works with one old and one new one.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Final

from node.private_files import DataDirectoryError, flush

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

PREPARING: Final = "restore.preparing"
READY: Final = "restore.ready"

_LOGS: Final = ("-wal", "-journal")
"""What SQLite keeps beside a database and would bring into whatever has its name."""


def begin(directory: Path) -> Path:
    """An empty place for the new databases, within the data directory; raises OSError."""
    place = directory / PREPARING
    _drop(place)
    place.mkdir(mode=0o700)
    return place


def is_cut_off(directory: Path) -> bool:
    """Whether databases wait to be moved into place."""
    return (directory / READY).is_dir()


def commit(directory: Path) -> Mapping[str, Path | None]:
    """Let the databases that were made ready count; see `finish` for what it returns. Raises OSError."""
    place = directory / PREPARING
    for file in place.iterdir():
        _give_to_owner(file, directory)
        flush(file)
    _give_to_owner(place, directory)
    flush(place)
    place.rename(directory / READY)
    flush(directory)
    return finish(directory)


def finish(directory: Path) -> Mapping[str, Path | None]:
    """Move what is ready into place; by name where the database is kept that it replaces, if there was one.

    The caller holds the directory's lock.

    Raises:
        OSError: it can't be done now; the next call goes on.
    """
    replaced: dict[str, Path | None] = {}
    if is_cut_off(directory):
        place = directory / READY
        for new in sorted(place.iterdir()):
            database = directory / new.name
            replaced[new.name] = _set_aside(database)
            flush(directory)  # an old log must never be seen beside a new database
            new.replace(database)
            flush(directory)
        place.rmdir()
        flush(directory)
    return replaced


def settle(directory: Path) -> None:
    """Finish what was cut off, and clear away what had not come so far. The caller holds the directory's lock.

    Raises:
        DataDirectoryError: it can't be done.
    """
    try:
        finish(directory)
        _drop(directory / PREPARING)
    except OSError as error:
        raise DataDirectoryError(
            f"A restore of {directory} was cut off and can't be finished ({error.strerror}): {directory / READY} holds "
            "what has to be moved into place. Give this user the right to, and start again."
        ) from None


def drop_prepared(directory: Path) -> None:
    """Clear away what was being made ready; nothing was changed."""
    with contextlib.suppress(OSError):
        _drop(directory / PREPARING)


def _drop(place: Path) -> None:
    if place.is_dir():
        shutil.rmtree(place)


def _give_to_owner(new: Path, directory: Path) -> None:
    """What root puts back must be the node's to open, which runs as the owner of its directory."""
    if os.geteuid() == 0:
        owner = directory.stat()
        os.chown(new, owner.st_uid, owner.st_gid)


def _set_aside(database: Path) -> Path | None:
    """Give the present database another name, with what its log still holds. A second time finds nothing to do."""
    aside = None
    if database.exists():
        _empty_log(database)
        aside = _free_name(database)
        for suffix in _LOGS:  # of a database that can't be opened; they go first, so that none is ever an orphan
            if (log := database.with_name(database.name + suffix)).exists():
                log.replace(aside.with_name(aside.name + suffix))
        database.rename(aside)
    for suffix in (*_LOGS, "-shm"):
        database.with_name(database.name + suffix).unlink(missing_ok=True)
    return aside


def _empty_log(database: Path) -> None:
    """Bring what the log of a killed node holds into the database, if it can be read."""
    with contextlib.suppress(sqlite3.Error), closing(sqlite3.connect(database)) as link:
        link.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _free_name(database: Path) -> Path:
    number = 1
    while (name := database.with_name(f"{database.name}.before-restore-{number}")).exists():
        number += 1
    return name
