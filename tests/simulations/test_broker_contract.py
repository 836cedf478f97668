"""One contract for the broker port: the simulated broker does what a real one does, step for step."""

from __future__ import annotations

import asyncio

import pytest

from node.brokers.children import BrokerChild, BrokerKind
from node.delivery.broker_url import BrokerUrl
from node.delivery.mqtt import MqttBroker
from node.ports import BrokerDownError, Publication
from simulations.broker import SimulatedBroker, matches
from simulations.core.loop import SimulationLoop

PAUSE_S = 0.3


class Calm:
    """The overseer of a broker that nothing befalls, or that repeats everything."""

    def __init__(self, *, repeats: bool = False):
        self.repeats = repeats

    def broker_takes_s(self):
        return 0.001

    def acknowledgement_is_lost(self, client_id):
        return False

    def is_repeated(self, client_id):
        return self.repeats

    def published(self, *_):
        pass

    refused = linked = unlinked = published


def said(topic: str, payload: bytes, *, retain: bool = False, qos: int = 1) -> Publication:
    return Publication(topic=topic, payload=payload, retain=retain, qos=qos)


async def collected(link, into):
    try:
        async for message in link.messages():
            into.append((message.topic, message.payload, message.retain))
    except BrokerDownError:
        into.append("lost")


async def contract(broker) -> dict[str, object]:
    """What a publisher and a subscriber see of a broker."""
    found: dict[str, object] = {}
    live, late, wills, replaced = [], [], [], []
    async with broker.connect("publisher", will=said("will/p", b"gone", retain=True)) as publisher:
        await publisher.publish(said("status/a/1", b"invited", retain=True))
        await publisher.publish(said("status/a/1", b"active", retain=True))
        await publisher.publish(said("other/a", b"not subscribed to"))
        async with broker.connect("subscriber") as subscriber:
            await subscriber.subscribe("status/+/1")
            reading = asyncio.create_task(collected(subscriber, live))
            await asyncio.sleep(PAUSE_S)
            for number in range(5):
                await publisher.publish(said("status/b/1", b"%d" % number))
            await publisher.publish(said("status/c/2", b"another level"))
            await publisher.publish(said("status/b/1", b"at most once", qos=0))
            await asyncio.sleep(PAUSE_S)
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)
        await publisher.publish(said("status/a/1", b"", retain=True))
        async with broker.connect("late") as subscriber:
            await subscriber.subscribe("#")
            reading = asyncio.create_task(collected(subscriber, late))
            await asyncio.sleep(PAUSE_S)
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)
    async with broker.connect("watcher") as watcher:
        await watcher.subscribe("will/#")
        reading = asyncio.create_task(collected(watcher, wills))
        await asyncio.sleep(PAUSE_S)
        found["wills after a goodbye"] = list(wills)
        async with broker.connect("twice", will=said("will/t", b"replaced")) as first:
            lost = asyncio.create_task(first.lost())
            watching = asyncio.create_task(collected(first, replaced))
            with pytest.raises(BrokerDownError):
                async with broker.connect("twice"):
                    await asyncio.sleep(PAUSE_S)
                    await first.publish(said("too/late", b""))
            await lost
            await watching
            found["wills after a replacement"] = list(wills)
            found["who is replaced"] = replaced
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)
    return {**found, "live": live, "late": late}


EXPECTED = {
    "wills after a goodbye": [],
    "wills after a replacement": [("will/t", b"replaced", False)],
    "who is replaced": ["lost"],
    "live": [
        ("status/a/1", b"active", True),
        *(("status/b/1", b"%d" % number, False) for number in range(5)),
        ("status/b/1", b"at most once", False),
    ],
    "late": [],
}


def test_the_simulated_broker_keeps_the_contract():
    loop = SimulationLoop()
    assert loop.run_until_complete(contract(SimulatedBroker(Calm()))) == EXPECTED
    loop.close()


@pytest.mark.mosquitto
async def test_mosquitto_keeps_the_contract(tmp_path):
    child = BrokerChild(kind=BrokerKind.MOSQUITTO, data=tmp_path / "broker")
    await child.start()
    try:
        assert await contract(MqttBroker(BrokerUrl.parse(child.url))) == EXPECTED
    finally:
        await child.stop()


def test_a_broker_that_is_down_gives_no_link_and_ends_those_that_are():
    broker, ended = SimulatedBroker(Calm()), []

    async def use():
        async with broker.connect("a", will=said("will/a", b"")) as link:
            asyncio.get_running_loop().call_later(5, lambda: broker.go_down(forgets=True))
            await link.publish(said("kept", b"1", retain=True))
            assert set(broker.retained) == {"kept"}
            await link.lost()
            ended.append(asyncio.get_running_loop().time())
            with pytest.raises(BrokerDownError):
                await link.publish(said("late", b""))
        with pytest.raises(BrokerDownError):
            async with broker.connect("a"):
                pass
        assert broker.retained == {}

    loop = SimulationLoop()
    loop.run_until_complete(use())
    assert ended == [pytest.approx(5.001)]
    loop.close()


def test_a_message_may_come_twice():
    broker, seen = SimulatedBroker(Calm(repeats=True)), []
    broker.watch("#", lambda publication: seen.append(publication.payload))

    async def use():
        async with broker.connect("a") as link:
            await link.publish(said("x", b"1"))
            await link.publish(said("x", b"2", qos=0))

    loop = SimulationLoop()
    loop.run_until_complete(use())
    assert seen == [b"1", b"1", b"2"]
    loop.close()


@pytest.mark.parametrize(
    ("topic_filter", "topic", "expected"),
    [
        ("a/b", "a/b", True),
        ("a/b", "a/b/c", False),
        ("a/b/c", "a/b", False),
        ("a/+", "a/b", True),
        ("a/+", "a/b/c", False),
        ("+/b", "a/b", True),
        ("a/#", "a/b/c", True),
        ("#", "a", True),
        ("a/#", "b/a", False),
    ],
)
def test_filters_match_as_mqtt_says(topic_filter, topic, expected):
    assert matches(topic_filter, topic) is expected
