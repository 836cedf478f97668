"""The directory in which one node lives: its key, its database, its admin token, and who is using it now.

    version         the layout of this directory, a number
    node.lock       locked while a node runs; holds its process id
    node.key        identity and master secret (0600); made once, never rewritten, not part of a database backup
    admin.token     what an admin API call must bear (0600); delete it and restart for a new one
    admin.password  the first-run password of the user admin, or the hash of a chosen one (0600); likewise
    node.license    when the evaluation began, and the license key (0600; made by the node, see node.license)
    node.db         the database (not made here)
    instance.db     the records of the instance (likewise; made when they are first asked for)
    node.run        where the running node listens; only there while it runs
    restore.ready   databases of a backup that are being put back; only there if that was cut off

What is odd here is an error for a person to solve: nothing is repaired or overwritten silently. But a restore that was
cut off is finished by whoever takes the directory next, for a person has wanted it.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import shutil
import stat
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Final, Self

from node.backups import changeover
from node.bearer import new_secret
from node.console.login import PASSWORD_FILE, make_login, read_login
from node.key_file import make_key, read_key
from node.private_files import ELSEWHERE, FILE_BYTES_MAX, DataDirectoryError, read_text, write_atomically
from node.tls.trust import Trust

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

    from node.ports import Entropy

__all__ = ["DataDirectory", "DataDirectoryError", "Runtime", "read_admin_token", "read_runtime"]

LAYOUT_VERSION: Final = 1

LOCK_TRIES: Final = 5
LOCK_RETRY_S: Final = 0.02
"""A command that looks whether the node runs holds the lock for some microseconds; a start waits that out."""

VERSION_FILE: Final = "version"
LOCK_FILE: Final = "node.lock"
KEY_FILE: Final = "node.key"
TOKEN_FILE: Final = "admin.token"  # a file's name  # noqa: S105 - a file's name
DATABASE_FILE: Final = "node.db"
INSTANCE_DATABASE_FILE: Final = "instance.db"
RUNTIME_FILE: Final = "node.run"

_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{43}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Runtime:
    """Where a running node is found: what `node.run` holds."""

    pid: int
    node_url: str
    """The URL by which this machine reaches the node, whatever partners use."""
    instance_url: str | None
    listen: str
    instance_listen: str | None
    started_at: float
    trust: Trust | None = None
    """How commands of this machine know the node, when it speaks https."""


class DataDirectory:
    """A data directory, held by this process until it is closed; a context manager.

    Attributes:
        path: the directory.
        identity: who this node is.
        admin_token: 43 characters, what admin API calls must bear.
        login: who may sign in to the console.
        made_login: whether it was made just now, so that its password is to be told.
    """

    def __init__(self, path: Path, *, entropy: Entropy) -> None:
        """Take the directory for this process; at first start, make it, the key and the token.

        Raises:
            DataDirectoryError: it can't be used; nothing of what it holds was changed.
        """
        self.path = path
        self._made = [one for one in (path, *path.parents) if not one.exists()]
        _make_directory(path)
        _check_version(path)
        self._lock = _lock(path)
        self._is_new = {entry.name for entry in path.iterdir()} == {LOCK_FILE}
        try:
            _check_version(path)  # again: whoever held the lock until now may have brought it to a newer one
            _refuse_lost_key(path)
            changeover.settle(path)
            self.identity = read_key(path / KEY_FILE) or make_key(path / KEY_FILE, entropy)
            self.admin_token = _read_token(path) or _make_token(path, entropy)
            login = read_login(path / PASSWORD_FILE)
            self.made_login = login is None
            self.login = login or make_login(path / PASSWORD_FILE, entropy)
            if not (path / VERSION_FILE).exists():
                write_atomically(path / VERSION_FILE, f"{LAYOUT_VERSION}\n")
            (path / RUNTIME_FILE).unlink(missing_ok=True)  # left over from a crash
        except BaseException:
            self.discard()
            os.close(self._lock)
            raise

    def __repr__(self) -> str:
        return f"DataDirectory({str(self.path)!r})"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _type: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def database_path(self) -> Path:
        """Where the database belongs."""
        return self.path / DATABASE_FILE

    @property
    def instance_database_path(self) -> Path:
        """Where the instance's database belongs."""
        return self.path / INSTANCE_DATABASE_FILE

    def write_runtime(self, runtime: Runtime) -> None:
        """Tell other processes of this user where the node listens; call it when it is ready.

        Raises:
            DataDirectoryError: the file can't be written.
        """
        write_atomically(self.path / RUNTIME_FILE, json.dumps(asdict(runtime), indent=2) + "\n")

    def discard(self) -> None:
        """Remove what a first start has made, when nothing came of it; a directory that held anything is left alone.

        Call it before `close`, when nobody uses the files any more.
        """
        if not self._is_new:
            return
        key = self.path / KEY_FILE
        for entry in sorted(self.path.iterdir(), key=lambda one: one == key):  # a key without a database is a start
            if entry.is_dir():
                shutil.rmtree(entry)
            else:
                entry.unlink()
        for directory in self._made:
            with contextlib.suppress(OSError):  # somebody has put something there meanwhile
                directory.rmdir()

    def close(self) -> None:
        """Give the directory up; a second call does nothing."""
        if self._lock < 0:
            return
        (self.path / RUNTIME_FILE).unlink(missing_ok=True)
        os.close(self._lock)  # which unlocks; the file stays, so that no two processes lock different files
        self._lock = -1


def read_runtime(path: Path) -> Runtime | None:
    """Where the node that runs on this directory now is found; None if none runs or it isn't ready yet.

    Raises:
        DataDirectoryError: the directory's files can't be read.
    """
    file = path / RUNTIME_FILE
    text = read_text(file)
    if text is None or not _is_locked(path):
        return None
    try:
        content = json.loads(text)
        trust = content.pop("trust", None)
        return Runtime(**content, trust=Trust(**trust) if trust is not None else None)
    except (ValueError, TypeError, AttributeError):
        raise DataDirectoryError(f"{file} is damaged: restart the node that runs on {path}.") from None


def read_admin_token(path: Path) -> str | None:
    """The admin token of the node on this directory; None before its first start.

    Raises:
        DataDirectoryError: it can't be read, or others than its owner could read it.
    """
    return _read_token(path)


def _make_directory(path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.mkdir(mode=0o700, exist_ok=True)
        mode = path.stat().st_mode
    except (FileExistsError, NotADirectoryError) as error:
        where = "is" if error.filename == str(path) and path.exists() else "lies below"
        raise DataDirectoryError(f"{path} {where} a file, not a directory: {ELSEWHERE}.") from None
    except OSError as error:
        raise DataDirectoryError(f"{path} can't be made ({error.strerror}): {ELSEWHERE}.") from None
    if mode & stat.S_IWOTH:
        raise DataDirectoryError(
            f"{path} can be written by every user of this machine: run `chmod o-w {path}`, or {ELSEWHERE}."
        )


def _check_version(path: Path) -> None:
    file = path / VERSION_FILE
    text = read_text(file)
    if text is None:
        return
    if not (text.strip().isascii() and text.strip().isdecimal()):
        raise DataDirectoryError(f"{file} holds no number, so {path} is not a node's data: {ELSEWHERE}.")
    if int(text) > LAYOUT_VERSION:
        raise DataDirectoryError(
            f"{path} was written by a newer Handclasp (layout {int(text)}, this one knows {LAYOUT_VERSION}): "
            f"upgrade Handclasp, or {ELSEWHERE}."
        )


def _lock(path: Path) -> int:
    file = path / LOCK_FILE
    try:
        descriptor = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise DataDirectoryError(
            f"{path} can't be written ({error.strerror}): give this user the right to, or {ELSEWHERE}."
        ) from None
    try:
        _wait_for_lock(descriptor, path)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _wait_for_lock(descriptor: int, path: Path) -> None:
    for _ in range(LOCK_TRIES):
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(LOCK_RETRY_S)  # only a real process, before its loop runs, opens this  # noqa: TID251 - before there is a loop, or the real port itself
        except OSError as error:
            raise DataDirectoryError(
                f"{path} can't be locked ({error.strerror}): its file system has no locks; {ELSEWHERE}."
            ) from None
        else:
            return
    holder = os.pread(descriptor, FILE_BYTES_MAX, 0).decode(errors="replace").strip()
    if not holder.isdecimal():
        holder = "another one"
    raise DataDirectoryError(f"{path} is in use by process {holder}: stop that node, or {ELSEWHERE}.")


def _is_locked(path: Path) -> bool:
    try:
        descriptor = os.open(path / LOCK_FILE, os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def _refuse_lost_key(path: Path) -> None:
    key, database = path / KEY_FILE, path / DATABASE_FILE
    if database.exists() and not key.exists():
        raise DataDirectoryError(
            f"{database} is there but its key file {key} is missing, and without it no partner knows this "
            f"node: put back the copy of the key file, or, for a new node, {ELSEWHERE}."
        )


def _make_token(path: Path, entropy: Entropy) -> str:
    token = new_secret(entropy)
    write_atomically(path / TOKEN_FILE, f"{token}\n")
    return token


def _read_token(path: Path) -> str | None:
    file = path / TOKEN_FILE
    text = read_text(file, is_secret=True)
    if text is None:
        return None
    token = text.strip()
    if not _TOKEN.fullmatch(token):
        raise DataDirectoryError(f"{file} holds no admin token: delete it and start the node for a new one.")
    return token
