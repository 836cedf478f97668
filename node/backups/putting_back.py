"""Putting a backup back, on a stopped node: everything is made ready beside the databases, then takes their place."""

from __future__ import annotations

import os
import shutil
import sqlite3
import stat
from contextlib import ExitStack, closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from node.backups import archive, changeover
from node.backups.archive import Archive
from node.backups.disk_space import refuse_without_space
from node.backups.marking import BackupError, Facts, read_facts
from node.store.database import Database, StoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """What is in a backup.

    Attributes:
        facts: of the node's database.
        instance_bytes: the size of the instance's database; none: it holds none.
        is_archive: whether it is of a version whose backups hold the instance, if there is one.
    """

    facts: Facts
    instance_bytes: int | None
    is_archive: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PutBack:
    """What was put back.

    Attributes:
        contents: of the backup.
        replaced: by name, where each database is now that was there before.
    """

    contents: Contents
    replaced: Mapping[str, Path]


def look(backup: Path, directory: Path) -> Contents:
    """What a backup holds, as far as it can be said without unpacking the instance; nothing stays in the directory.

    The caller holds the directory's lock.

    Raises:
        BackupError: it is no backup, a damaged one, or of a newer version.
    """
    try:
        place = changeover.begin(directory)
        return _unpack_node(backup, place)
    except OSError as error:
        raise _not_written(directory, error) from None
    finally:
        changeover.drop_prepared(directory)


def put_back(
    backup: Path,
    directory: Path,
    *,
    key: bytes,
    with_instance: bool = True,
    progressed: Callable[[float], None] = lambda _part: None,
) -> PutBack:
    """Replace the databases of a node that does not run by those of a backup.

    The replaced ones stay beside them, whole, also where they are damaged. A database that is not in the backup leaves
    the present one as it is. `progressed` is told how large a part is done. The caller holds the directory's lock.

    Raises:
        BackupError: it is no backup, a damaged one, of another node, or there is no room; nothing was changed.
        StoreError: it was written by a newer version; likewise.
    """
    try:
        place = changeover.begin(directory)
        contents = _unpack_node(backup, place)
        if contents.facts.key != key:
            raise BackupError(f"{backup} is a backup of another node.")
        _bring_up_to_date(place / archive.NODE, called=backup)
        if with_instance and contents.instance_bytes is not None:
            _unpack_instance(backup, place, contents.instance_bytes, progressed)
        replaced = changeover.commit(directory)
    except OSError as error:
        raise _not_written(directory, error) from None
    finally:
        changeover.drop_prepared(directory)
    return PutBack(contents=contents, replaced={name: path for name, path in replaced.items() if path is not None})


def _not_written(directory: Path, error: OSError) -> BackupError:
    if changeover.is_cut_off(directory):
        return BackupError(
            f"The backup was unpacked in {directory} but is not in place ({error.strerror}). "
            "The next start of the node finishes that, once it can."
        )
    return BackupError(f"{directory} can't be written ({error.strerror}). Nothing was changed.")


def _unpack_node(backup: Path, place: Path) -> Contents:
    new, instance_bytes = place / archive.NODE, None
    with ExitStack() as opened:
        try:
            told = backup.stat()
            if not stat.S_ISREG(told.st_mode):
                raise BackupError(f"{backup} is no regular file.")
            is_archive = archive.is_archive(backup)
        except OSError as error:
            raise BackupError(f"{backup} can't be read ({error.strerror}).") from None
        if is_archive:
            found = opened.enter_context(Archive(backup))
            if archive.INSTANCE in found.members:
                instance_bytes = found.members[archive.INSTANCE].bytes
            refuse_without_space(place.parent, found.members[archive.NODE].bytes, doing="for the backup")
            found.unpack(archive.NODE, new)
        else:
            refuse_without_space(place.parent, told.st_size, doing="for the backup")
            _copy(backup, new)
    new.chmod(0o600)
    facts = read_facts(new, called=backup)
    return Contents(facts=facts, instance_bytes=instance_bytes, is_archive=is_archive)


def _unpack_instance(backup: Path, place: Path, size: int, progressed: Callable[[float], None]) -> None:
    refuse_without_space(place.parent, size, doing="for the instance of the backup")
    new, done = place / archive.INSTANCE, 0

    def unpacked(more: int) -> None:
        nonlocal done
        done += more
        progressed(min(done / max(size, 1), 1.0))

    with Archive(backup) as found:
        found.unpack(archive.INSTANCE, new, unpacked=unpacked)
    new.chmod(0o600)
    _check_instance(new, called=backup)


def _check_instance(new: Path, *, called: Path) -> None:
    """Refuse what this version can't open; its bytes are those that were backed up."""
    from node.instance.growing import FORMAT  # noqa: PLC0415 - few backups come so far

    try:
        with closing(sqlite3.connect(f"{new.absolute().as_uri()}?mode=ro", uri=True)) as link:
            ((version,),) = link.execute("PRAGMA user_version")
    except sqlite3.Error as error:
        raise BackupError(f"The instance in {called} can't be used ({error}). Nothing was changed.") from None
    if version > FORMAT:
        raise StoreError(
            f"The instance in {called} was written by a newer version of Handclasp (format {version}). Restore it with "
            "that version, or the connections alone: --without-instance."
        )


def _copy(backup: Path, new: Path) -> None:
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as target, backup.open("rb") as source:
        shutil.copyfileobj(source, target)


def _bring_up_to_date(new: Path, *, called: Path) -> None:
    """Migrate it; closing it leaves one file without a log beside it."""
    try:
        database = Database(new)
    except StoreError as error:
        raise StoreError(str(error).replace(str(new), str(called))) from None
    database.close()
