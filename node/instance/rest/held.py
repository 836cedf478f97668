"""Bodies of answers, as large as they may be: a small one stands in memory, a large one in a file until it is sent.

So whatever fails fails before the head of an answer is sent, its length is known, and a client that reads slowly holds
no reader of the database.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from node.instance.errors import InstanceError
from node.out_of_space import is_out_of_space
from node.ports import StoreFullError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from typing import BinaryIO

    from node.instance.rest.rooms import Room

MEMORY_BYTES_MAX: Final = 2 * 1024 * 1024
"""How much of a body stands in memory; a page of 100 whole records has less."""

ANSWER_BYTES_MAX: Final = 128 * 1024 * 1024
"""Of one answer. 10,000 incidents with all their display values have 55 MB."""

PIECE_BYTES: Final = 192 * 1024
"""How much is read and sent at a time; a multiple of three, so that pieces can be written in Base64 one by one."""


class AnswerTooLargeError(InstanceError):
    """An answer has more bytes than it may have."""

    def __init__(self, bytes_max: int) -> None:
        super().__init__(
            400,
            "Response too large",
            f"The answer has more than {bytes_max} bytes. Ask for fewer records (sysparm_limit) or fields "
            "(sysparm_fields).",
        )


class Body:
    """A body that is being written; by one thread at a time.

    Attributes:
        size: how many bytes have been written.
    """

    def __init__(self, room: Room, bytes_max: int) -> None:
        """Take a room for what becomes too large for memory, and how large it may become at all."""
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

    async def make_room(self, bytes_: int) -> None:
        """Wait until so many bytes more can be written without a file, or to one that is open from now on.

        Raises:
            TooManyLargeAnswersError: others have all files.
            StoreFullError: as for `write`.
        """
        if self._file is None and self.size + bytes_ > MEMORY_BYTES_MAX:
            await self._room.take()
            await asyncio.to_thread(self._write_to_file, b"")

    def write(self, data: bytes) -> None:
        """Add to it.

        Raises:
            AnswerTooLargeError, TooManyLargeAnswersError, StoreFullError: what was written before is of no use either.
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
            if is_out_of_space(error):
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
