"""Taking a backup, while the node runs or not: a copy of each database, put into one file."""

from __future__ import annotations

import os
import shutil
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING, Final

from node.backups import archive
from node.backups.changeover import is_cut_off
from node.backups.disk_space import refuse_without_space
from node.backups.marking import BackupError, Facts, mark
from node.instance.people.keeping import TOKENS
from node.private_files import flush
from node.store.database import is_disk_full

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

STEP_INSTRUCTIONS: Final = 100_000
"""How many instructions of SQLite's machine lie between two reports of progress."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What is in a backup that was taken.

    Attributes:
        facts: of the node's database.
        instance_bytes: the size of the instance's database; none: it is not in it.
    """

    facts: Facts
    instance_bytes: int | None


def take(
    directory: Path,
    target: Path,
    *,
    key: bytes,
    now: float,
    with_instance: bool = True,
    progressed: Callable[[float], None] = lambda _part: None,
) -> Taken:
    """Write a backup of a data directory whose node may be running; what was committed before is in it.

    The target appears once it is whole and on the disk, readable by its owner alone. `progressed` is told how large
    a part is done.

    Raises:
        BackupError: the target exists already or can't be written, or a database can't be read.
    """
    sources = _sources(directory, with_instance=with_instance)
    _refuse_existing(target)
    scratch = _scratch(target)
    try:
        return _take(sources, scratch, target, key=key, now=now, progressed=progressed)
    except FileExistsError:
        raise _exists(target) from None
    except OSError as error:
        raise BackupError(f"{target} can't be written ({error.strerror}).") from None
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _sources(directory: Path, *, with_instance: bool) -> dict[str, Path]:
    if is_cut_off(directory):
        raise BackupError(
            f"A restore of {directory} was cut off before it was whole. Start the node, which finishes it, and then "
            "back it up."
        )
    node, instance = directory / archive.NODE, directory / archive.INSTANCE
    if not node.exists():
        raise BackupError(f"There is no database {node}.")
    found = {archive.NODE: node}
    if with_instance and instance.exists():
        found[archive.INSTANCE] = instance
    return found


def _take(
    sources: dict[str, Path],
    scratch: Path,
    target: Path,
    *,
    key: bytes,
    now: float,
    progressed: Callable[[float], None],
) -> Taken:
    sizes = {name: _size(source) for name, source in sources.items()}
    if not sizes.get(archive.INSTANCE, 1):  # its node died before it had made the first table
        del sources[archive.INSTANCE], sizes[archive.INSTANCE]
    refuse_without_space(target.parent, sum(sizes.values()), doing="while the backup is written")
    before = [_file_of(source) for source in sources.values()]
    progress = _Progress(2 * sum(sizes.values()), progressed)
    copies = {name: scratch / name for name in sources}
    for name, source in sources.items():
        _copy(source, copies[name], sizes[name], progress)
    facts = _marked(sources, copies, key=key, now=now)
    if [_file_of(source) for source in sources.values()] != before:
        raise BackupError("A backup was put back while this one was taken. Take it again.")
    packed = scratch / "packed"
    packed.touch(mode=0o600)
    instance_bytes = copies[archive.INSTANCE].stat().st_size if archive.INSTANCE in copies else None
    archive.write(packed, copies, packed=progress.add)
    progressed(1.0)
    flush(packed)
    _name_too(packed, target)
    flush(target.parent)
    return Taken(facts=facts, instance_bytes=instance_bytes)


class _Progress:
    """How large a part is done of so many bytes."""

    def __init__(self, expected: int, progressed: Callable[[float], None]) -> None:
        self._expected = max(expected, 1)
        self._progressed = progressed
        self._done = 0

    def add(self, more: int) -> None:
        self._done += more
        self.tell(0)

    def tell(self, ahead: int) -> None:
        """Say it, with what is done but not yet added."""
        self._progressed(min((self._done + ahead) / self._expected, 1.0))


def _size(database: Path) -> int:
    """How many bytes a copy will have; 0: it has no tables yet."""
    try:
        with closing(_opened(database)) as link:
            ((tables,),) = link.execute("SELECT count(*) FROM sqlite_master")
            ((pages,),) = link.execute("PRAGMA page_count")
            ((free,),) = link.execute("PRAGMA freelist_count")
            ((page_bytes,),) = link.execute("PRAGMA page_size")
    except sqlite3.Error as error:
        raise _unreadable(database, error) from None
    return int(pages - free) * int(page_bytes) if tables else 0


def _copy(source: Path, copy: Path, size: int, progress: _Progress) -> None:
    def step() -> int:
        progress.tell(min(copy.stat().st_size, size) if copy.exists() else 0)
        return 0

    try:
        with closing(_opened(source)) as link:
            link.set_progress_handler(step, STEP_INSTRUCTIONS)
            link.execute("VACUUM INTO ?", (str(copy),))  # one reader's snapshot: it waits for no writer and stops none
    except sqlite3.Error as error:
        if error.sqlite_errorcode == sqlite3.SQLITE_INTERRUPT:
            raise KeyboardInterrupt from None  # it met `step`; SQLite knows no more of it
        if is_disk_full(error):
            raise BackupError(f"{copy.parent.parent} has no room for a copy of {source}. Make room there.") from None
        raise _unreadable(source, error) from None
    progress.add(size)


def _unreadable(database: Path, error: sqlite3.Error) -> BackupError:
    remedy = " A backup --without-instance holds the connections alone." if database.name == archive.INSTANCE else ""
    return BackupError(f"The database {database} can't be copied ({error}).{remedy}")


def _opened(database: Path) -> sqlite3.Connection:
    link = sqlite3.connect(f"{database.absolute().as_uri()}?mode=rw", uri=True, isolation_level=None)
    link.execute("PRAGMA busy_timeout = 5000")
    return link


def _marked(sources: Mapping[str, Path], copies: Mapping[str, Path], *, key: bytes, now: float) -> Facts:
    """Make the copies what a backup holds; what the node's says of itself."""
    name = archive.NODE
    try:
        facts = mark(copies[name], key=key, now=now)
        if archive.INSTANCE in copies:
            name = archive.INSTANCE
            _end_tokens(copies[name])
    except sqlite3.Error as error:
        raise _unreadable(sources[name], error) from None
    return facts


def _end_tokens(instance: Path) -> None:
    """Leave out the OAuth tokens: one that has been ended since must not live again when the backup is put back."""
    with closing(sqlite3.connect(instance, isolation_level=None)) as link:
        link.execute("PRAGMA secure_delete = ON")
        link.execute(f"DELETE FROM {TOKENS}")  # noqa: S608 - a constant


def _file_of(database: Path) -> tuple[int, int] | None:
    try:
        found = database.stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino


def _scratch(target: Path) -> Path:
    """A new directory beside the target, of this run alone: two backups to one target must not write one file."""
    try:
        return Path(mkdtemp(dir=target.parent, prefix=f"{target.name}.", suffix=".partial"))
    except OSError as error:
        raise BackupError(f"{target} can't be written ({error.strerror}).") from None


def _name_too(file: Path, name: Path) -> None:
    """Give a file a second name, which must be free; where the file system has no such thing, copy it."""
    try:
        os.link(file, name)
    except OSError:  # a name that is taken is refused again
        descriptor = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as target, file.open("rb") as source:
            shutil.copyfileobj(source, target)
            target.flush()
            os.fsync(descriptor)


def _refuse_existing(target: Path) -> None:
    if target.exists() or target.is_symlink():
        raise _exists(target)


def _exists(target: Path) -> BackupError:
    return BackupError(f"{target} exists already.")
