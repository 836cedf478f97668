"""Bodies of answers, as large as they may be: a small one stands in memory, a large one in a file until it is sent.

So whatever fails fails before the head of an answer is sent, its length is known, and a client that reads slowly holds
no reader of the database. A file has no name: it is gone when the answer is, also after a crash.
"""

from __future__ import annotations

import asyncio
import errno
import tempfile
import threading
from typing import TYPE_CHECKING, Final, TypeVar

from node.instance.errors import InstanceError
from node.instance.places import Places
from node.ports import StoreFullError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path
    from typing import BinaryIO

    from node.instance.database import InstanceDatabase, Transaction

T = TypeVar("T")

MEMORY_BYTES_MAX: Final = 2 * 1024 * 1024
"""How much of a body stands in memory; a page of 100 whole records has less."""

ANSWER_BYTES_MAX: Final = 128 * 1024 * 1024
"""Of one answer. 10,000 incidents with all their display values have 55 MB."""

FILES_MAX: Final = 8
"""How many requests may hold their answers in files at once, so that their disk is bounded: to one GiB."""

WAIT_S_MAX: Final = 30.0
"""How long a request waits for others to be sent."""

PIECE_BYTES: Final = 192 * 1024
"""How much is read and sent at a time; a multiple of three, so that pieces can be written in Base64 one by one."""

FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT})


class AnswerTooLargeError(InstanceError):
    """An answer has more bytes than it may have."""

    def __init__(self, bytes_max: int) -> None:
        super().__init__(
            400,
            "Response too large",
            f"The answer has more than {bytes_max} bytes. Ask for fewer records (sysparm_limit) or fields "
            "(sysparm_fields).",
        )


class TooManyLargeAnswersError(InstanceError):
    """Other large answers are still being sent."""

    def __init__(self) -> None:
        super().__init__(
            429,
            "Too many requests",
            f"{FILES_MAX} large answers are being sent already. Ask again later, or for fewer records (sysparm_limit).",
        )


class NoRoomError(Exception):
    """A body needs a file, and its request has no right to one yet."""


class Rooms:
    """The right to files, of all requests of one instance."""

    def __init__(self, folder: Path) -> None:
        """Say where the files shall be: on a disk, not in memory."""
        self._folder = folder
        self._places = Places(FILES_MAX)

    @property
    def free(self) -> int:
        """How many more requests could have files."""
        return self._places.free

    def room(self) -> Room:
        """That of one request, to be closed at its end."""
        return Room(self._folder, self._places)


class Room:
    """The right of one request to files, which it takes when it needs one."""

    def __init__(self, folder: Path, places: Places) -> None:
        self._folder = folder
        self._places = places
        self._is_taken = False
        self._is_closed = False
        self._open: list[BinaryIO] = []
        self._opening = threading.Lock()

    @property
    def is_empty(self) -> bool:
        """Whether it has no file open."""
        return not self._open

    async def take(self) -> None:
        """Wait for the right.

        Raises:
            TooManyLargeAnswersError: for too long.
        """
        if self._is_taken:
            return
        try:
            async with asyncio.timeout(WAIT_S_MAX):
                await self._places.take()
        except TimeoutError as error:
            raise TooManyLargeAnswersError from error
        self._is_taken = True

    async def read(self, database: InstanceDatabase, unit: Callable[[Transaction], T]) -> T:
        """What a unit finds that writes a body. It is run again if it finds no file free, once there is one.

        Raises:
            TooManyLargeAnswersError: its body needs a file, and others have them all.
        """
        try:
            return await database.read(unit)
        except NoRoomError:
            await self.take()
            return await database.read(unit)
        finally:
            if self.is_empty:
                self._give_back()

    def file(self) -> BinaryIO:
        """A new file; the reader's thread asks for it.

        Raises:
            NoRoomError: no request may have another file now, or this one is over.
        """
        with self._opening:
            if self._is_closed or not (self._is_taken or self._places.take_now()):
                raise NoRoomError
            self._is_taken = True
            opened = tempfile.TemporaryFile(dir=self._folder)  # noqa: SIM115 - it stays open until the answer is sent
            self._open.append(opened)
            return opened

    def forget(self, file: BinaryIO) -> None:
        """Close a file."""
        file.close()
        if file in self._open:
            self._open.remove(file)

    def close(self) -> None:
        """End it all: the request was answered, or will not be, even if a reader still works for it."""
        with self._opening:
            self._is_closed = True
            for file in self._open:
                file.close()
            self._open.clear()
        self._give_back()

    def _give_back(self) -> None:
        if self._is_taken:
            self._is_taken = False
            self._places.give_back()


class Body:
    """A body that is being written; by one thread at a time."""

    def __init__(self, room: Room, bytes_max: int) -> None:
        self._room = room
        self._bytes_max = bytes_max
        self._memory = bytearray()
        self._file: BinaryIO | None = None
        self.size = 0

    @property
    def in_memory(self) -> bytes:
        """What of it stands in memory."""
        return bytes(self._memory)

    @property
    def is_in_file(self) -> bool:
        """Whether it stands in a file, and nothing in memory."""
        return self._file is not None

    def write(self, data: bytes) -> None:
        """Add to it.

        Raises:
            AnswerTooLargeError, NoRoomError, StoreFullError: what was written before is of no use either.
        """
        size = self.size + len(data)
        if size > self._bytes_max:
            self.discard()
            raise AnswerTooLargeError(self._bytes_max)
        if self._file is None and size <= MEMORY_BYTES_MAX:
            self._memory += data
        else:
            self._write_to_file(data)
        self.size = size

    def discard(self) -> None:
        """Give up its file."""
        if self._file is not None:
            self._room.forget(self._file)

    def _write_to_file(self, data: bytes) -> None:
        try:
            if self._file is None:
                self._file = self._room.file()
                self._file.write(self._memory)
                self._memory.clear()
            self._file.write(data)
            self._file.flush()
        except OSError as error:
            if error.errno in FULL:
                raise StoreFullError from error
            raise

    async def pieces(self) -> AsyncIterator[bytes]:
        """What stands in its file, from the beginning."""
        file = self._file
        if file is None:
            return
        await asyncio.to_thread(file.seek, 0)
        while piece := await asyncio.to_thread(file.read, PIECE_BYTES):
            yield piece
        self.discard()
