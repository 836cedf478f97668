"""Brokers, subscribers and packets for the tests of broadcasting: real programs, and MQTT 3.1.1 by hand."""

from __future__ import annotations

import asyncio
import contextlib
import json
import struct

import pytest

from node.brokers.children import BrokerChild, BrokerKind
from node.delivery.broadcast_outbox import OutboxRow, PresentStatus
from node.delivery.events import status_topic

BOTH_BROKERS = [pytest.param(BrokerKind.MOSQUITTO, marks=pytest.mark.mosquitto), BrokerKind.AMQTT]
MOSQUITTO_NOW_AMQTT_SLOWLY = [BOTH_BROKERS[0], pytest.param(BrokerKind.AMQTT, marks=pytest.mark.slow)]
"""Where amqtt is worth a run, but not in `make test`: it takes half a second to start."""
PATIENCE_S = 60
NODE = "4f1c2d3e-0000-4000-8000-00000000000a"
CONNECTION = "00000000000000000000000000000001"

CONNACK = b"\x20\x02\x00\x00"
DISCONNECT = b"\xe0\x00"
PRESENCE = f"handclasp/v1/nodes/{NODE}/presence"


@contextlib.asynccontextmanager
async def running(kind, folder, **options):
    """A broker of that kind, stopped at the end however the test ends."""
    child = BrokerChild(kind=kind, data=folder / "broker", **options)
    await child.start()
    try:
        yield child
    finally:
        await child.stop()


async def eventually(condition, *, within_s=PATIENCE_S):
    """Wait until it is true; the time limit is only for failures."""
    async with asyncio.timeout(within_s):
        while not condition():  # what is waited for lies in other processes
            await asyncio.sleep(0.01)


class Seen:
    """One message as mosquitto_sub printed it."""

    def __init__(self, line):
        flag, self.topic, self.payload = line.split(" ", 2)
        self.is_retained = flag == "1"

    @property
    def event(self):
        return json.loads(self.payload)

    @property
    def data(self):
        return self.event["data"]


class Watcher:
    """A subscriber that is not ours: `mosquitto_sub`."""

    def __init__(self, process):
        self.process = process
        self.seen = []
        self._reading = asyncio.create_task(self._read())

    async def _read(self):
        async for line in self.process.stdout:
            self.seen.append(Seen(line.decode().rstrip("\n")))

    def of(self, topic):
        return [message for message in self.seen if message.topic == topic]

    def states(self, topic=PRESENCE):
        return [message.data["state"] for message in self.of(topic)]

    async def stop(self):
        with contextlib.suppress(ProcessLookupError):
            self.process.terminate()
        await self.process.wait()
        await self._reading


@contextlib.asynccontextmanager
async def watching(child, *arguments, topic="handclasp/#"):
    """mosquitto_sub on a broker, subscribed when the body begins."""
    probe = f"handclasp-test/{id(arguments)}"
    process = await asyncio.create_subprocess_exec(
        "mosquitto_sub", "-h", "127.0.0.1", "-p", str(child.port), "-q", "1",
        "-t", topic, "-t", probe, "-F", "%r %t %p", *arguments,
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    watcher = Watcher(process)
    try:
        async with raw_link(child.port, client_id="probe") as (_, writer):
            async with asyncio.timeout(PATIENCE_S):
                while not watcher.of(probe):
                    writer.write(publish(probe, b""))
                    await writer.drain()
                    await asyncio.sleep(0.02)
            writer.write(DISCONNECT)
            await writer.drain()
        watcher.seen[:] = [message for message in watcher.seen if message.topic != probe]
        yield watcher
    finally:
        await watcher.stop()


class ListOutbox:
    """The outbox in memory: what the store does, with no more than lists."""

    def __init__(self):
        self.rows = []
        self.live = {}
        self.last_n = 0
        self.on_add = lambda: None

    def add(self, topic, payload, *, key=None):
        self.last_n += 1
        self.rows.append(OutboxRow(n=self.last_n, topic=topic, payload=payload))
        if key is not None:
            self.live[key] = (topic, payload)
        self.on_add()

    async def pending(self, after_n, limit):
        return [row for row in self.rows if row.n > after_n][:limit]

    async def done(self, last_n):
        self.rows = [row for row in self.rows if row.n > last_n]

    async def snapshot(self, after_key, limit):
        owing = {row.topic for row in self.rows}
        live = sorted((key, *rest) for key, rest in self.live.items() if key > after_key)
        return [
            PresentStatus(key=key, topic=topic, payload=payload) for key, topic, payload in live if topic not in owing
        ][:limit]


def status(seq, *, connection=CONNECTION):
    """A status row's topic and payload, small."""
    event = {"id": f"{connection}-{seq}", "data": {"node": NODE, "connection": connection, "seq": seq}}
    return status_topic(NODE, connection), json.dumps(event).encode()


@contextlib.asynccontextmanager
async def raw_link(port, *, client_id, **options):
    """A TCP connection on which CONNECT was said and CONNACK was heard."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(connect(client_id, **options))
        async with asyncio.timeout(PATIENCE_S):
            assert await reader.readexactly(4) == CONNACK
        yield reader, writer
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


def connect(client_id, *, keepalive_s=60, will=None):
    """CONNECT, clean session; `will` is (topic, payload), retained, QoS 1."""
    flags = 0x02 | (0x04 | 0x08 | 0x20 if will else 0)
    body = _text("MQTT") + bytes([4, flags]) + struct.pack("!H", keepalive_s) + _text(client_id)
    for part in will or ():
        body += _text(part)
    return _packet(0x10, body)


def publish(topic, payload, *, retain=False, qos=0):
    """PUBLISH; its packet id is 1 if its QoS is 1."""
    first = 0x30 | qos << 1 | retain
    return _packet(first, _text(topic) + (b"\x00\x01" if qos else b"") + payload)


def subscribe(topic_filter, *, qos=0):
    """SUBSCRIBE, packet id 1."""
    return _packet(0x82, b"\x00\x01" + _text(topic_filter) + bytes([qos]))


async def packets(reader, *, quiet_s=0.3, most=1000):
    """(first byte, body) of all packets until nothing comes for a while, or there are enough."""
    found = []
    with contextlib.suppress(TimeoutError, asyncio.IncompleteReadError):
        while len(found) < most:
            async with asyncio.timeout(quiet_s):
                found.append(await packet(reader))
    return found


async def packet(reader):
    """(first byte, body) of the next packet."""
    first = (await reader.readexactly(1))[0]
    length, shift = 0, 0
    while True:
        byte = (await reader.readexactly(1))[0]
        length |= (byte & 0x7F) << shift
        shift += 7
        if not byte & 0x80:
            return first, await reader.readexactly(length)


def _packet(first, body):
    length, digits = len(body), []
    while True:
        length, digit = divmod(length, 128)
        digits.append(digit | (0x80 if length else 0))
        if not length:
            return bytes([first, *digits]) + body


def _text(text):
    data = text if isinstance(text, bytes) else text.encode()
    return struct.pack("!H", len(data)) + data
