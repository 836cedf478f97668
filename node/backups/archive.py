"""The file that a backup is: a ZIP archive of databases, and a list of what has to be in it.

    node.db        the node's database, marked as a backup (see `node.backups.marking`)
    instance.db    the instance's, where there was one
    backup.json    the format of the archive; of each member its length and its SHA-256

So any ZIP program shows and unpacks it. Backups of the first format are the node's database alone, no archive.
"""

from __future__ import annotations

import contextlib
import hashlib
import struct
import zipfile
import zlib
from typing import TYPE_CHECKING, Final, Self

import msgspec

from node.backups.marking import BackupError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

FORMAT: Final = 2
"""A higher one is of a newer version of this software."""

NODE: Final = "node.db"
INSTANCE: Final = "instance.db"
MANIFEST: Final = "backup.json"

MANIFEST_BYTES_MAX: Final = 64 * 1024
PIECE_BYTES: Final = 1024 * 1024
LEVEL: Final = 1
"""How hard to compress: this takes away most of what any level does, at a fraction of the time."""

_KIND: Final = "handclasp backup"
_ZIP: Final = b"PK\x03\x04"
_DAMAGE: Final = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    LookupError,
    ValueError,
    ArithmeticError,
    msgspec.MsgspecError,
    RuntimeError,  # also: an encryption or a compression that this is not written in
    OSError,
)
"""What reading an archive of which any byte may be wrong ends in."""


class Member(msgspec.Struct, frozen=True, kw_only=True):
    """What the archive says of one of its members."""

    bytes: int
    sha256: str


class _Format(msgspec.Struct, frozen=True, kw_only=True):
    kind: str
    format: int


class _Manifest(_Format, frozen=True, kw_only=True):
    members: dict[str, Member]


def write(file: Path, members: Mapping[str, Path], *, packed: Callable[[int], None]) -> None:
    """Write an archive; each member's file is removed once it is in it, so that room is needed for one of them only.

    `packed` is told of every piece how many bytes of a member it is.

    Raises:
        OSError: it can't be written.
    """
    told: dict[str, Member] = {}
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=LEVEL) as archive:
        for name, source in members.items():
            told[name] = _pack(archive, name, source, packed)
            source.unlink()
        manifest = _Manifest(kind=_KIND, format=FORMAT, members=told)
        archive.writestr(MANIFEST, msgspec.json.format(msgspec.json.encode(manifest), indent=2) + b"\n")


def _pack(archive: zipfile.ZipFile, name: str, source: Path, packed: Callable[[int], None]) -> Member:
    digest, size = hashlib.sha256(), 0
    with source.open("rb") as stream, archive.open(name, "w", force_zip64=True) as target:
        while piece := stream.read(PIECE_BYTES):
            digest.update(piece)
            size += len(piece)
            target.write(piece)
            packed(len(piece))
    return Member(bytes=size, sha256=digest.hexdigest())


def is_archive(file: Path) -> bool:
    """Whether a file begins as one; what its other bytes are is another question. Raises OSError."""
    with file.open("rb") as stream:
        return stream.read(len(_ZIP)) == _ZIP


class Archive:
    """An archive that is being read; a context manager.

    Attributes:
        members: what it holds, by name.
    """

    def __init__(self, file: Path) -> None:
        """Open it and read what it says of itself.

        Raises:
            BackupError: it is no backup, a damaged one, or of a newer version.
        """
        self._file = file
        with contextlib.ExitStack() as opened:
            with self._damage_told():
                self._zip = opened.enter_context(zipfile.ZipFile(file))
            self.members = self._manifest()
            self._opened = opened.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._opened.close()

    def unpack(self, name: str, target: Path, *, unpacked: Callable[[int], None] = lambda _bytes: None) -> None:
        """Write a member to a new file, and compare it with what the archive says of it.

        Raises:
            BackupError: the archive is damaged.
            OSError: the target can't be written.
        """
        digest = hashlib.sha256()
        with target.open("xb") as stream:
            for piece in self._pieces(name):
                digest.update(piece)
                stream.write(piece)
                unpacked(len(piece))
        if digest.hexdigest() != self.members[name].sha256:
            raise self._damaged(f"{name} in it is not what was backed up")

    def _pieces(self, name: str) -> Iterator[bytes]:
        with self._damage_told(), self._zip.open(name) as stream:
            while piece := stream.read(PIECE_BYTES):
                yield piece

    def _manifest(self) -> Mapping[str, Member]:
        with self._damage_told():
            if MANIFEST not in self._zip.namelist():
                raise BackupError(f"{self._file} is an archive, but no backup that `handclasp backup` made.")
            with self._zip.open(MANIFEST) as stream:
                raw = stream.read(MANIFEST_BYTES_MAX)
            told = msgspec.json.decode(raw, type=_Format)
            if told.kind == _KIND and told.format > FORMAT:
                raise BackupError(
                    f"{self._file} was written by a newer version of Handclasp (format {told.format}, this one knows "
                    f"{FORMAT}). Restore it with that version."
                )
            members = msgspec.json.decode(raw, type=_Manifest).members
        if told.kind != _KIND or NODE not in members or not members.keys() <= {NODE, INSTANCE}:
            raise self._damaged(f"its {MANIFEST} names no databases of a node")
        for name, member in members.items():
            if name not in self._zip.namelist():
                raise self._damaged(f"{name} is missing in it")
            if self._zip.getinfo(name).file_size != member.bytes:  # of which no more is ever read
                raise self._damaged(f"{name} in it is not what was backed up")
        return members

    @contextlib.contextmanager
    def _damage_told(self) -> Iterator[None]:
        try:
            yield
        except BackupError:
            raise
        except _DAMAGE as error:
            raise self._damaged(str(error) or type(error).__name__) from None

    def _damaged(self, how: str) -> BackupError:
        return BackupError(
            f"{self._file} is damaged: {how.rstrip('.')}. Nothing was changed. Use another copy of it, or an older "
            "backup."
        )
