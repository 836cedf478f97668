"""`handclasp watch` as people run it: real processes on real brokers."""

from __future__ import annotations

import asyncio
import re
from contextlib import asynccontextmanager

import pytest

from node.delivery.events import status_topic
from node.ports import Publication
from node.watching.watcher import SETTLE_S
from tests.node.mqtt_world import BOTH_BROKERS, MOSQUITTO_NOW_AMQTT_SLOWLY, eventually, raw_link
from tests.node.watch_world import (
    BOTH_SIDES,
    CLOSED,
    EMPTY,
    ONE,
    SETTLED,
    TWO,
    A,
    B,
    cells,
    gone,
    once,
    presence,
    publish,
    put,
    status,
    watching,
)

# Once


def test_once_shows_one_row_for_a_connection_and_one_for_each_node(handclasp, child):
    put(child, *BOTH_SIDES)
    result = once(handclasp, child).succeeded()
    titles, row, blank, nodes, *presences = result.out.splitlines()
    assert cells(titles) == ["ID", "NAME", "STATUS", "SOURCE", "DESTINATION", "MISSED"]
    assert cells(row) == ["00000000", "a_to_b", "Active", "a: active", "b: active"]
    assert (blank.strip(), cells(nodes)) == ("", ["NODE", "PRESENCE", "KNOWN AS"])
    assert [cells(line) for line in presences] == [["node-a", "online", "a"], ["node-b", "online", "b"]]


def test_once_shows_both_views_where_they_differ(handclasp, any_broker):
    put(any_broker, *BOTH_SIDES, status(4, **CLOSED))
    row = once(handclasp.here, any_broker).succeeded().out.splitlines()[1]
    assert cells(row)[2:] == ["a: closed / b: active", "a: closed (removed)", "b: active"]


@pytest.mark.parametrize("child", MOSQUITTO_NOW_AMQTT_SLOWLY, indirect=True)
def test_once_with_json_is_one_document(handclasp, child):
    put(child, *BOTH_SIDES, status(1, connection=TWO, name="other"))
    document = once(handclasp.here, child, "--json").succeeded().json
    assert [(one["node"], one["state"]) for one in document["nodes"]] == [(A, "online"), (B, "online")]
    first, second = document["connections"]
    assert (first["connection"], first["name"], first["status"]) == (ONE, "a_to_b", "active")
    assert [(view["node"], view["seq"], view["stale"]) for view in first["views"]] == [(A, 3, None), (B, 2, None)]
    assert (second["connection"], second["status"]) == (TWO, None)
    assert document["left_out"]["refused"] == 0


def test_once_on_a_broker_that_holds_nothing_says_so(handclasp, any_broker):
    result = once(handclasp.here, any_broker).succeeded()
    assert result.out.startswith(EMPTY)
    assert once(handclasp.here, any_broker, "--json").succeeded().json["connections"] == []


async def test_a_node_that_was_lost_is_shown_and_its_views_are_stale(handclasp, child):
    will = presence("lost")
    async with raw_link(child.port, client_id="a", will=(will.topic, will.payload)) as (_, writer):
        await publish(child, *BOTH_SIDES)
        writer.transport.abort()
    async with watching(handclasp, "--mqtt-url", child.url) as watch:
        await watch.until("node node-a is lost")
    out = (await asyncio.to_thread(once, handclasp, child)).succeeded().out
    assert "a: active, stale: lost" in out
    assert "Active (stale)" in out
    assert re.search(r"node-a +lost", out)


@pytest.mark.parametrize("child", MOSQUITTO_NOW_AMQTT_SLOWLY, indirect=True)
def test_thousands_of_connections_arrive_all_of_them(handclasp, child):
    put(child, presence(), *(status(1, connection=f"{number:032x}") for number in range(2000)))
    document = once(handclasp.here, child, "--json").succeeded().json
    assert len(document["connections"]) == 2000


@pytest.mark.parametrize("child", BOTH_BROKERS[:1], indirect=True)
async def test_a_broker_that_pauses_in_the_midst_of_what_it_had_kept_is_waited_for(handclasp, child):
    await publish(child, presence(), *(status(1, connection=f"{number:032x}") for number in range(500)))
    async with pausing_relay(child.port, after=50_000, pause_s=3 * SETTLE_S) as port:
        result = await asyncio.to_thread(
            handclasp, "watch", "--once", "--json", "--mqtt-url", f"mqtt://127.0.0.1:{port}"
        )
    assert len(result.succeeded().json["connections"]) == 500


@asynccontextmanager
async def pausing_relay(broker_port, *, after, pause_s):
    """A way to the broker on which what comes from it stands still once, after so many bytes."""

    async def pass_on(reader, writer, *, pauses):
        passed = 0
        while data := await reader.read(1000):
            if pauses and passed < after <= passed + len(data):
                await asyncio.sleep(pause_s)
            passed += len(data)
            writer.write(data)
        writer.close()

    async def relay(reader, writer):
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", broker_port)
        await asyncio.gather(
            pass_on(reader, far_writer, pauses=False), pass_on(far_reader, writer, pauses=True), return_exceptions=True
        )

    async with await asyncio.start_server(relay, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1]


def test_what_is_published_by_others_is_left_out_and_can_not_write_to_the_terminal(handclasp, any_broker):
    rogue = status(1, node=B, name="\x1b[2J\x9b2J").payload
    put(
        any_broker,
        Publication(topic=status_topic(A, ONE), payload=rogue, retain=True),
        Publication(topic=status_topic(A, TWO), payload=b"\xff" * 20_000, retain=True),
        Publication(topic=status_topic(B, ONE), payload=rogue, retain=True),
    )
    out = once(handclasp.here, any_broker).succeeded().out
    assert out.replace("\n", "").isprintable()
    assert "\ufffd[2J" in out
    document = once(handclasp.here, any_broker, "--json").succeeded().json
    assert [one["connection"] for one in document["connections"]] == [ONE]
    assert document["left_out"]["refused"] == 2


# Lines


async def test_a_late_subscriber_sees_what_stands_and_then_each_change(handclasp, child):
    await publish(child, *BOTH_SIDES)
    async with watching(handclasp, "--mqtt-url", child.url) as watch:
        await watch.until(SETTLED)
        assert sorted(watch.lines[:-1]) == [
            "connection 00000000 a_to_b: a, the source, says active",
            "connection 00000000 a_to_b: b, the destination, says active",
            "node node-a is online",
            "node node-b is online",
        ]
        before = len(watch.lines)
        await publish(child, status(6, **CLOSED), gone(B), presence("offline"))
        await watch.until("node-a is offline")
        assert watch.lines[before:] == [
            "connection 00000000 a_to_b: a, the source, says closed (removed); 2 events were missed",
            "connection 00000000 a_to_b: b, the destination, no longer has it",
            "node node-a is offline; 1 of its views is stale",
        ]
        assert watch.errors == []


@pytest.mark.parametrize("child", MOSQUITTO_NOW_AMQTT_SLOWLY, indirect=True)
async def test_json_is_one_object_for_each_change(handclasp, child):
    await publish(child, *BOTH_SIDES[:3])
    async with watching(handclasp, "--json", HANDCLASP_MQTT_URL=child.url) as watch:
        await eventually(lambda: len(watch.lines) == 2 + 1)
        again = status(4, status="deactivated-here")
        await publish(child, again, again, gone())
        await eventually(lambda: len(watch.lines) == 5)
        kept, news = watch.changes[:3], watch.changes[3:]
        assert {each["change"] for each in kept} == {"presence", "status"}
        assert all(each["retained"] for each in kept)
        assert [(each["change"], each["seq"], each["status"], each["retained"]) for each in news] == [
            ("status", 4, "deactivated-here", False),
            ("gone", 4, "deactivated-here", False),
        ]
        assert await watch.stop() == 0
        assert watch.errors == []


@pytest.mark.parametrize("child", MOSQUITTO_NOW_AMQTT_SLOWLY, indirect=True)
def test_a_removed_connection_is_not_shown(handclasp, child):
    put(child, *BOTH_SIDES, gone(), gone(B))
    document = once(handclasp.here, child, "--json").succeeded().json
    assert document["connections"] == []
