"""One end of a link in memory: the transport that aiohttp's protocol writes to and is fed by."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from contextvars import Context

_END = object()
_RESET = object()


class LinkSide(Protocol):
    """What a link does with what comes out of an end."""

    def wrote(self, data: bytes) -> None:
        """The protocol sends these bytes."""
        ...

    def closed(self) -> None:
        """The protocol closed its end."""
        ...


class End(asyncio.Transport):
    """The transport of one protocol; its callbacks run in the context of the machine that it is on.

    What arrives waits in a queue and is handed over one piece at a step, so that its order is kept however the
    steps are ordered.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        context: Context,
        factory: Callable[[], asyncio.BaseProtocol],
        side: LinkSide,
        *,
        here: tuple[str, int],
        there: tuple[str, int],
    ) -> None:
        super().__init__({"sockname": here, "peername": there})
        self._loop = loop
        self._context = context
        self._side = side
        self._arrived: deque[Any] = deque()
        self._is_paused = False
        self._is_open = True
        self.protocol: Any = factory()

    # What the link calls

    def arrive(self, pieces: Iterable[bytes]) -> None:
        """Bytes come in."""
        for piece in pieces:
            self._arrived.append(piece)
            self._loop.call_soon(self._hand_over, context=self._context)

    def end(self) -> None:
        """The other side has said all that it will say."""
        self._arrived.append(_END)
        self._loop.call_soon(self._hand_over, context=self._context)

    def reset(self) -> None:
        """The other side does not know this link."""
        self._arrived.append(_RESET)
        self._loop.call_soon(self._hand_over, context=self._context)

    def _hand_over(self) -> None:
        if self._is_paused or not self._arrived or not self._is_open:
            return
        item = self._arrived.popleft()
        if item is _END:
            self.protocol.eof_received()
            self._shut(None)
        elif item is _RESET:
            self._shut(ConnectionResetError("The link was reset."))
        else:
            self.protocol.data_received(item)

    def _shut(self, error: Exception | None) -> None:
        if self._is_open:
            self._is_open = False
            self._side.closed()
            self._loop.call_soon(self.protocol.connection_lost, error, context=self._context)

    # What the protocol calls

    def is_closing(self) -> bool:
        """See asyncio."""
        return not self._is_open

    def close(self) -> None:
        """See asyncio; what was written is on its way already."""
        self._shut(None)

    def abort(self) -> None:
        """See asyncio."""
        self._shut(None)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """See asyncio."""
        if self._is_open:
            self._side.wrote(bytes(data))

    def writelines(self, list_of_data: Iterable[bytes | bytearray | memoryview]) -> None:
        """See asyncio."""
        self.write(b"".join(list_of_data))

    def get_write_buffer_size(self) -> int:
        """Nothing waits here."""
        return 0

    def pause_reading(self) -> None:
        """See asyncio."""
        self._is_paused = True

    def resume_reading(self) -> None:
        """See asyncio."""
        self._is_paused = False
        for _ in range(len(self._arrived)):
            self._loop.call_soon(self._hand_over, context=self._context)

    def get_protocol(self) -> asyncio.BaseProtocol:
        """See asyncio."""
        protocol: asyncio.BaseProtocol = self.protocol
        return protocol
