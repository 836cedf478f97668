"""The right to files, for answers that are too large for memory: bounded for all requests together, and for each user.

A file has no name: it is gone when the answer is, also after a crash.
"""

from __future__ import annotations

import asyncio
import tempfile
import threading
from collections import Counter
from typing import TYPE_CHECKING, Final, TypeVar

from node.instance.errors import InstanceError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import BinaryIO

    from node.instance.database import InstanceDatabase, Transaction

T = TypeVar("T")

FILES_MAX: Final = 8
"""How many requests may hold their answers in files at once, so that their disk is bounded: to one GiB."""

FILES_PER_USER_MAX: Final = 2
"""How many of them may be one user's, who may read as slowly as he likes: the others' places are not his to hold."""

WAIT_S_MAX: Final = 30.0
"""How long a request waits for others to be sent."""


class TooManyLargeAnswersError(InstanceError):
    """Other large answers are still being sent."""

    def __init__(self) -> None:
        super().__init__(
            429,
            "Too many requests",
            f"{FILES_MAX} large answers are being sent already, or {FILES_PER_USER_MAX} of yours. Ask again later, or "
            "for fewer records (sysparm_limit).",
        )


class Rooms:
    """The right to files, of all requests of one instance."""

    def __init__(self, folder: Path) -> None:
        """Say where the files shall be: on a disk, not in memory."""
        self.folder = folder
        self._taken: Counter[str] = Counter()
        self._counting = threading.Lock()
        self._given_back = asyncio.Event()

    def room(self, user: str) -> Room:
        """That of one request of a user, to be closed at its end."""
        return Room(self, user)

    def take_now(self, user: str) -> bool:
        """Take a place for a user if he may have one. Any thread may do that."""
        with self._counting:
            if self._taken.total() >= FILES_MAX or self._taken[user] >= FILES_PER_USER_MAX:
                return False
            self._taken[user] += 1
            return True

    async def take(self, user: str) -> None:
        """Take a place for a user, waiting for one if need be."""
        while not self.take_now(user):
            await self._given_back.wait()

    def give_back(self, user: str) -> None:
        """Leave a user's place to whoever waits; in the event loop."""
        with self._counting:
            self._taken[user] -= 1
            self._taken += Counter()  # those who have none are not kept
        self._given_back.set()
        self._given_back = asyncio.Event()


class Room:
    """The right of one request to files, which it takes when it needs one."""

    def __init__(self, rooms: Rooms, user: str) -> None:
        self._rooms = rooms
        self._user = user
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
                await self._rooms.take(self._user)
                self._is_taken = True
        except TimeoutError as error:
            raise TooManyLargeAnswersError from error

    async def read(self, database: InstanceDatabase, unit: Callable[[Transaction], T]) -> T:
        """What a unit finds that writes a body. It is run again if it finds no file free, once there is one.

        Raises:
            TooManyLargeAnswersError: its body needs a file, and others have them all.
        """
        try:
            return await database.read(unit)
        except TooManyLargeAnswersError:
            await self.take()
            return await database.read(unit)
        finally:
            if self.is_empty:
                self._give_back()

    def file(self) -> BinaryIO:
        """A new file; the reader's thread asks for it.

        Raises:
            TooManyLargeAnswersError: the user may have no other file now, or the request is over.
        """
        with self._opening:
            if self._is_closed or not (self._is_taken or self._rooms.take_now(self._user)):
                raise TooManyLargeAnswersError
            self._is_taken = True
            opened = tempfile.TemporaryFile(dir=self._rooms.folder)  # noqa: SIM115 - open until the answer is sent
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
            self._rooms.give_back(self._user)
