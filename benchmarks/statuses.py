"""What the broker tells of the nodes, read as cheaply as can be: the driver must not take the nodes' time.

A subscriber of MQTT 3.1.1 at QoS 0 that knows three kinds of packets; the numbers are those of the standard.
"""

from __future__ import annotations

import asyncio
from typing import Final

from node.delivery.events import STATUS_FILTER, StatusEvent, decode_event
from protocol.records import Status

_CONNECT, _CONNACK, _PUBLISH, _SUBSCRIBE, _SUBACK = 0x10, 0x20, 0x30, 0x82, 0x90
_CLEAN_SESSION: Final = 0x02
_MORE: Final = 0x80
SIDES: Final = 2


class ActiveWatch:
    """Tells when both sides of a connection were broadcast as Active."""

    def __init__(self) -> None:
        self._seen: dict[str, set[str]] = {}
        self._waiting: dict[str, asyncio.Future[None]] = {}
        self._reader: asyncio.Task[None] | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def start(self, host: str, port: int) -> None:
        """Connect and subscribe; return when the broker has granted it."""
        reader, self._writer = await asyncio.open_connection(host, port)
        connect = _text("MQTT") + bytes((4, _CLEAN_SESSION, 0, 0)) + _text("handclasp-benchmark")
        self._writer.write(bytes((_CONNECT, len(connect))) + connect)
        await _packet(reader, _CONNACK)
        subscribe = bytes((0, 1)) + _text(STATUS_FILTER) + bytes((0,))
        self._writer.write(bytes((_SUBSCRIBE, len(subscribe))) + subscribe)
        await _packet(reader, _SUBACK)
        self._reader = asyncio.create_task(self._read(reader))

    async def stop(self) -> None:
        """Leave."""
        if self._reader is not None:
            self._reader.cancel()
        if self._writer is not None:
            self._writer.close()

    def expect(self, sys_id: str) -> asyncio.Future[None]:
        """Done when both sides are seen as Active; call it before anybody accepts."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._seen[sys_id], self._waiting[sys_id] = set(), future
        return future

    async def _read(self, reader: asyncio.StreamReader) -> None:
        while True:
            payload = await _packet(reader, _PUBLISH)
            topic_bytes = int.from_bytes(payload[:2], "big")
            self._take_in(payload[2 + topic_bytes :])

    def _take_in(self, payload: bytes) -> None:
        event = decode_event(payload)
        if not isinstance(event, StatusEvent) or event.data.status != Status.ACTIVE:
            return
        sys_id = event.data.connection
        seen = self._seen.get(sys_id)
        if seen is None:
            return
        seen.add(event.data.node)
        if len(seen) == SIDES:
            del self._seen[sys_id]
            self._waiting.pop(sys_id).set_result(None)


def _text(text: str) -> bytes:
    return len(text).to_bytes(2, "big") + text.encode()


async def _packet(reader: asyncio.StreamReader, kind: int) -> bytes:
    """The rest of the next packet of a kind; others are skipped (3.1.1, 2.2.3)."""
    while True:
        first = (await reader.readexactly(1))[0]
        length, shift = 0, 0
        while True:
            digit = (await reader.readexactly(1))[0]
            length |= (digit & ~_MORE) << shift
            shift += 7
            if not digit & _MORE:
                break
        body = await reader.readexactly(length)
        if first & 0xF0 == kind & 0xF0:
            return body
