"""How much of what is broadcast is under way at once: a broker by hand that acknowledges when it is told to."""

from __future__ import annotations

import asyncio
import contextlib
import json

from node.delivery.broadcast import Broadcaster
from node.delivery.broker_url import BrokerUrl
from node.delivery.mqtt import MqttBroker
from node.real_ports import SystemClock, SystemEntropy
from tests.node.mqtt_world import CONNACK, NODE, ListOutbox, eventually, packet, status


class Reluctant:
    """A broker that acknowledges a status only when it is told to; what waits for that, by connection and `seq`."""

    def __init__(self):
        self.waiting = []
        self._acknowledge = []
        self._writer = None

    async def serve(self, reader, writer):
        self._writer = writer
        with contextlib.suppress(asyncio.IncompleteReadError):
            while True:
                first, body = await packet(reader)
                topic, rest = body[2 : 2 + int.from_bytes(body[:2], "big")], body[2 + int.from_bytes(body[:2], "big") :]
                if first & 0xF0 == 0x10:
                    writer.write(CONNACK)
                elif first & 0xF6 == 0x32 and topic.endswith(b"/status"):
                    event = json.loads(rest[2:])["data"]
                    self.waiting.append((event["connection"][-1], event["seq"]))
                    self._acknowledge.append(lambda mid=rest[:2]: writer.write(b"\x40\x02" + mid))
                elif first & 0xF6 == 0x32:
                    writer.write(b"\x40\x02" + rest[:2])
        writer.close()

    def acknowledge(self, most=100):
        del self.waiting[:most]
        for acknowledge in self._acknowledge[:most]:
            acknowledge()
        del self._acknowledge[:most]

    def leave(self):
        self.waiting.clear()
        self._acknowledge.clear()
        self._writer.close()


@contextlib.asynccontextmanager
async def broadcasting(outbox):
    """A broadcaster and its reluctant broker."""
    broker = Reluctant()
    server = await asyncio.start_server(broker.serve, "127.0.0.1", 0)
    url = BrokerUrl.parse(f"mqtt://127.0.0.1:{server.sockets[0].getsockname()[1]}")
    made = Broadcaster(broker=MqttBroker(url), outbox=outbox, clock=SystemClock(), entropy=SystemEntropy(), node=NODE)
    async with server:
        running = asyncio.create_task(made.run())
        yield broker
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_statuses_of_many_connections_are_under_way_at_once_and_one_of_each():
    outbox = ListOutbox()
    told = [("a", 1), ("b", 1), ("c", 1), ("a", 2), ("d", 1), ("a", 3), *((f"{n:x}", 9) for n in range(16))]
    for connection, seq in told:
        outbox.add(*status(seq, connection=f"{connection:0>32}"))
    async with broadcasting(outbox) as broker:
        for expected in (told[:3], told[3:5], told[5:16], told[16:]):
            await eventually(lambda expected=expected: len(broker.waiting) >= len(expected))
            await asyncio.sleep(0.05)
            assert broker.waiting == expected
            broker.acknowledge()
        await eventually(lambda: not outbox.rows)


async def test_what_a_slow_broker_has_acknowledged_is_not_told_again_when_the_link_breaks():
    outbox = ListOutbox()
    for connection in "abcde":
        outbox.add(*status(1, connection=f"{connection:0>32}"))
    async with broadcasting(outbox) as broker:
        await eventually(lambda: len(broker.waiting) == 5)
        broker.acknowledge(2)
        await asyncio.sleep(0.05)
        broker.leave()
        await eventually(lambda: len(broker.waiting) == 3)
        assert broker.waiting == [("c", 1), ("d", 1), ("e", 1)]
