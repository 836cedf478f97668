"""Small files for their owner's eyes: read with care, written completely or not at all."""

from __future__ import annotations

import errno
import os
import stat
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FILE_BYTES_MAX: Final = 16 * 1024
"""The most that is read of such a file."""

ELSEWHERE: Final = "choose another directory with --data"

_NO_SUCH_CALL: Final = frozenset({errno.EINVAL, errno.ENOTSUP})
"""What some network file systems say when a directory is to be flushed."""


class DataDirectoryError(Exception):
    """The directory can't be used; the text is a sentence that says why and what to do."""


def read_text(file: Path, *, is_secret: bool = False) -> str | None:
    """The file's text; None if there is no such file.

    Raises:
        DataDirectoryError: it can't be read, or it is secret and others than its owner could read it.
    """
    try:
        with file.open("rb") as stream:
            mode = stat.S_IMODE(os.fstat(stream.fileno()).st_mode)
            if is_secret and mode & 0o077:
                raise DataDirectoryError(
                    f"{file} can be read by other users of this machine (mode {mode:04o}): "
                    f"run `chmod 600 {file}`, and start again."
                )
            return stream.read(FILE_BYTES_MAX).decode(errors="replace")
    except FileNotFoundError:
        return None
    except OSError as error:
        raise DataDirectoryError(
            f"{file} can't be read ({error.strerror}): give this user the right to, or {ELSEWHERE}."
        ) from None


def write_atomically(file: Path, text: str) -> None:
    """Write a file for its owner alone; after a crash or power loss it is there as a whole or not at all.

    The caller holds the directory's lock.

    Raises:
        DataDirectoryError: it can't be written; what was there is still there.
    """
    new = file.with_name(file.name + ".new")
    try:
        new.unlink(missing_ok=True)  # left over from a crash; this process holds the lock
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        new.rename(file)
        flush(file.parent)
    except OSError as error:
        raise DataDirectoryError(
            f"{file} can't be written ({error.strerror}): make room or give this user the right to, or {ELSEWHERE}."
        ) from None


@contextmanager
def for_the_owner_alone() -> Iterator[None]:
    """What this process makes meanwhile is its owner's alone: SQLite makes its files with the process's mask."""
    before = os.umask(0o077)
    try:
        yield
    finally:
        os.umask(before)


def flush(path: Path) -> None:
    """Bring a file, or a directory's list of names, onto the disk; raises OSError."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in _NO_SUCH_CALL:
            raise
    finally:
        os.close(descriptor)
