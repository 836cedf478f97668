"""The broadcaster on real brokers, watched by `mosquitto_sub`, a subscriber that is not ours."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
import structlog
from structlog.testing import capture_logs

from node.brokers.children import BrokerKind
from node.delivery import self_test
from node.delivery.broadcast import TRACES_MAX, Broadcaster
from node.delivery.broker_url import BrokerUrl
from node.delivery.events import decode_event, trace_topic
from node.delivery.mqtt import MqttBroker
from node.ports import Publication
from node.real_ports import SystemClock, SystemEntropy
from tests.node.mqtt_world import (
    BOTH_BROKERS,
    CONNECTION,
    MOSQUITTO_NOW_AMQTT_SLOWLY,
    NODE,
    PRESENCE,
    ListOutbox,
    eventually,
    running,
    status,
    watching,
)

pytestmark = pytest.mark.mosquitto
ROOT = Path(__file__).parents[2]
STATUS = status(1)[0]
TRACE = Publication(topic=trace_topic(NODE, CONNECTION), payload=b"{}", qos=0)


@pytest.fixture(autouse=True)
def log():
    structlog.reset_defaults()
    with capture_logs() as events:
        yield events


@pytest.fixture(params=BOTH_BROKERS)
async def child(request, tmp_path):
    async with running(request.param, tmp_path) as child:
        yield child


soon_on_mosquitto = pytest.mark.parametrize("child", MOSQUITTO_NOW_AMQTT_SLOWLY, indirect=True)
"""On amqtt in the slow tests only: what a node asks of it there is held on it by others."""


@pytest.fixture
def outbox():
    return ListOutbox()


def broadcaster_at(url, outbox, *, node=NODE):
    made = Broadcaster(
        broker=MqttBroker(BrokerUrl.parse(url)),
        outbox=outbox,
        clock=SystemClock(),
        entropy=SystemEntropy(),
        node=node,
    )
    outbox.on_add = made.wake
    return made


@contextlib.asynccontextmanager
async def broadcasting(child, outbox, *, url=None, until_connected=True):
    made = broadcaster_at(url or child.url, outbox)
    task = asyncio.create_task(made.run())
    try:
        if until_connected:
            await eventually(lambda: made.connected)
        yield made
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


@soon_on_mosquitto
async def test_it_tells_when_the_link_stands_and_when_it_ends(child, outbox):
    made, told = broadcaster_at(child.url, outbox), []
    made.changed = lambda: told.append((made.connected, made.last_error is None))
    task = asyncio.create_task(made.run())
    await eventually(lambda: told == [(True, True)])
    await child.stop()
    await eventually(lambda: told[1:3] == [(False, True), (False, False)])
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


@soon_on_mosquitto
async def test_presence_is_online_while_it_runs_and_offline_after(child, outbox):
    async with watching(child) as watcher:
        async with broadcasting(child, outbox):
            await eventually(lambda: watcher.states() == ["online"])
        await eventually(lambda: watcher.states() == ["online", "offline"])
        online, offline = (decode_event(message.payload.encode()) for message in watcher.of(PRESENCE))
        assert online.data.session == offline.data.session
        assert online.id != offline.id
        assert online.data.node == NODE
    async with watching(child) as late:
        await eventually(lambda: late.states() == ["offline"])
        assert late.seen[0].is_retained


async def test_a_node_that_is_killed_is_lost(child):
    program = f"""
        import asyncio, sys
        from tests.node.mqtt_world import ListOutbox
        from tests.node.test_broadcast import broadcaster_at
        asyncio.run(broadcaster_at({child.url!r}, ListOutbox()).run())
    """
    async with watching(child) as watcher:
        node = await asyncio.create_subprocess_exec(sys.executable, "-c", textwrap.dedent(program), cwd=ROOT)
        try:
            await eventually(lambda: watcher.states() == ["online"])
        finally:
            node.kill()
            await node.wait()
        await eventually(lambda: watcher.states() == ["online", "lost"])
        assert len({message.data["session"] for message in watcher.of(PRESENCE)}) == 1
    async with watching(child) as late:
        await eventually(lambda: late.states() == ["lost"])


@soon_on_mosquitto
async def test_each_link_has_a_session_of_its_own(child, outbox):
    async with watching(child) as watcher:
        for _ in range(2):
            async with broadcasting(child, outbox):
                pass
        await eventually(lambda: watcher.states() == ["online", "offline"] * 2)
        assert len({message.data["session"] for message in watcher.of(PRESENCE)}) == 2


async def test_statuses_arrive_in_the_order_of_the_outbox_and_then_it_is_empty(child, outbox):
    for seq in range(1, 121):
        outbox.add(*status(seq))
    async with watching(child) as watcher, broadcasting(child, outbox) as made:
        await eventually(lambda: not outbox.rows)
        for seq in range(121, 141):
            outbox.add(*status(seq))
            await asyncio.sleep(0.002)
        await eventually(lambda: len(watcher.of(STATUS)) == 140)
        assert [message.data["seq"] for message in watcher.of(STATUS)] == list(range(1, 141))
        assert not any(message.is_retained for message in watcher.of(STATUS))
        await eventually(lambda: not outbox.rows)
        assert made.counts.published == 140


async def test_one_that_comes_late_sees_the_present_state(child, outbox):
    other = status(5, connection="f" * 32)
    for topic, payload in (status(1), status(2), other):
        outbox.add(topic, payload)
    async with broadcasting(child, outbox):
        await eventually(lambda: not outbox.rows)
        async with watching(child) as late:
            await eventually(lambda: len(late.seen) == 3)
            assert all(message.is_retained for message in late.seen)
            assert {message.topic: message.data.get("seq") for message in late.seen} == {
                PRESENCE: None,
                STATUS: 2,
                other[0]: 5,
            }


@soon_on_mosquitto
async def test_an_empty_payload_clears_a_status(child, outbox):
    outbox.add(*status(1))
    outbox.add(STATUS, b"")
    async with broadcasting(child, outbox):
        await eventually(lambda: not outbox.rows)
        async with watching(child) as late:
            await eventually(lambda: late.states() == ["online"])
            await asyncio.sleep(0.2)
            assert late.of(STATUS) == []


async def test_a_broker_that_lost_its_memory_is_told_all_again(tmp_path, outbox, log):
    for key in range(1, 121):
        outbox.add(*status(3, connection=f"{key:032x}"), key=key)
    async with running(BrokerKind.AMQTT, tmp_path) as child, broadcasting(child, outbox) as made:
        await eventually(lambda: not outbox.rows)
        assert made.counts.published == 120
        await eventually(lambda: made.counts.healed == 120)
        await child.stop()
        await eventually(lambda: not made.connected)
        assert made.last_error
        await child.start()
        await eventually(lambda: made.counts.healed == 240)
        async with watching(child) as late:
            await eventually(lambda: len({message.topic for message in late.seen}) == 121)
            assert {message.topic for message in late.seen} >= {topic for topic, _ in outbox.live.values()}
            assert late.states() == ["online"]
        assert made.last_error is None
    assert [event["event"] for event in log if event["log_level"] != "debug"].count("broadcast_link_down") == 1


async def test_mosquitto_killed_in_mid_stream_loses_nothing(tmp_path, outbox):
    memory = ("-c", "-i", "observer")
    async with running(BrokerKind.MOSQUITTO, tmp_path) as child, watching(child, *memory) as watcher:
        await persist(child)
        async with broadcasting(child, outbox):
            for seq in range(1, 301):
                outbox.add(*status(seq))
                if seq in {90, 200}:
                    # What a subscriber has not fetched yet dies with the broker's memory: it must be back first.
                    await eventually(lambda seq=seq: watcher.of(STATUS)[-1].data["seq"] == seq)
                if seq in {100, 210}:
                    os.kill(child.pid, signal.SIGKILL)
                    await eventually(lambda: not child.is_running)
                    await asyncio.sleep(0.1)
                    await child.start()
                await asyncio.sleep(0.004)
            await eventually(lambda: not outbox.rows)
            await eventually(lambda: watcher.of(STATUS)[-1].data["seq"] == 300)
        first_seen = list(dict.fromkeys(message.data["seq"] for message in watcher.of(STATUS)))
        assert first_seen == list(range(1, 301)), "none is missing, and the first time each comes in order"
        ids = {message.data["seq"]: set() for message in watcher.of(STATUS)}
        for message in watcher.of(STATUS):
            ids[message.data["seq"]].add(message.event["id"])
        assert {len(of_one) for of_one in ids.values()} == {1}, "a duplicate has the id of the first"


async def test_amqtt_killed_in_mid_stream_ends_with_the_present_state(tmp_path, outbox):
    async with running(BrokerKind.AMQTT, tmp_path) as child, broadcasting(child, outbox) as made:
        for seq in range(1, 301):
            outbox.add(*status(seq), key=1)
            if seq == 100:
                os.kill(child.pid, signal.SIGKILL)
                await eventually(lambda: not child.is_running)
                await child.start()
            await asyncio.sleep(0.002)
        await eventually(lambda: not outbox.rows and made.connected)
        async with watching(child) as late:
            await eventually(lambda: [message.data["seq"] for message in late.of(STATUS)][-1:] == [300])


async def persist(child):
    """Let mosquitto write what it knows, as it does by itself every 5 s."""
    store = child.log_path.parent / "mosquitto.db"
    os.kill(child.pid, signal.SIGUSR1)
    await eventually(lambda: store.exists() and b"observer" in store.read_bytes())


@soon_on_mosquitto
async def test_a_broker_that_freezes_delays_and_loses_nothing(child, outbox):
    async with watching(child) as watcher, broadcasting(child, outbox):
        outbox.add(*status(1))
        await eventually(lambda: not outbox.rows)
        os.kill(child.pid, signal.SIGSTOP)
        outbox.add(*status(2))
        await asyncio.sleep(0.3)
        assert len(outbox.rows) == 1
        os.kill(child.pid, signal.SIGCONT)
        await eventually(lambda: not outbox.rows)
        await eventually(lambda: [message.data["seq"] for message in watcher.of(STATUS)] == [1, 2])


@soon_on_mosquitto
async def test_a_node_starts_before_its_broker(child, outbox):
    await child.stop()
    outbox.add(*status(1))
    async with broadcasting(child, outbox, until_connected=False) as made:
        await eventually(lambda: made.last_error is not None)
        assert "can't be reached" in made.last_error
        await child.start()
        await eventually(lambda: not outbox.rows)


@soon_on_mosquitto
async def test_traces_arrive_between_rows_and_are_never_retained(child, outbox):
    async with watching(child) as watcher, broadcasting(child, outbox) as made:
        made.trace(TRACE)
        await eventually(lambda: len(watcher.of(TRACE.topic)) == 1)
        for seq in range(1, 4):
            outbox.add(*status(seq))
            made.trace(TRACE)
        await eventually(lambda: len(watcher.of(TRACE.topic)) == 4)
        assert made.counts.traces_sent == 4
        for _ in range(TRACES_MAX + 10):
            made.trace(TRACE)
        assert made.counts.traces_dropped == 10
        await eventually(lambda: len(watcher.of(TRACE.topic)) == TRACES_MAX + 4)
        async with watching(child) as late:
            await eventually(lambda: late.of(STATUS))
            assert late.of(TRACE.topic) == []


@soon_on_mosquitto
async def test_traces_are_dropped_and_counted_while_the_link_is_down(child, outbox):
    async with broadcasting(child, outbox) as made:
        await child.stop()
        await eventually(lambda: not made.connected)
        made.trace(TRACE)
        assert made.counts.traces_dropped == 1


@soon_on_mosquitto
async def test_two_processes_with_one_node_id_are_told(child, outbox, log):
    async with broadcasting(child, outbox), broadcasting(child, ListOutbox(), until_connected=False):
        await eventually(lambda: any(event["event"] == "node_id_in_use" for event in log))
    event = next(event for event in log if event["event"] == "node_id_in_use")
    assert "another process uses this node id" in event["explanation"]
    assert event["client_id"] == f"handclasp-{NODE}"


@soon_on_mosquitto
async def test_a_broker_that_gives_the_presence_back_passes_the_self_test(child, outbox, log):
    async with broadcasting(child, outbox) as made:
        await eventually(lambda: made._self_tested)
    assert not [event for event in log if event["log_level"] == "warning"]


@pytest.mark.parametrize("rule", ["topic read handclasp/#", "topic write handclasp/#", ""])
async def test_a_broker_that_refuses_the_topics_is_told_once(tmp_path, outbox, log, monkeypatch, rule):
    monkeypatch.setattr(self_test, "SELF_TEST_S_MAX", 0.5)
    async with strict_mosquitto(tmp_path, rule) as url:
        for _ in range(2):
            outbox.add(*status(1))
        async with broadcasting(None, outbox, url=url) as made:
            await eventually(lambda: made._self_tested)
            await eventually(lambda: not outbox.rows)
            assert made.connected
    (event,) = [event for event in log if event["log_level"] == "warning"]
    assert event["event"] == "broadcasts_not_seen"
    assert f"read and write {PRESENCE}" in event["explanation"]


async def test_the_password_is_in_no_log_and_no_error(tmp_path, outbox, log):
    async with strict_mosquitto(tmp_path, "topic readwrite #") as url:
        wrong = url.replace("node-pw", "s3cret-wrong")
        async with broadcasting(None, outbox, url=wrong, until_connected=False) as made:
            await eventually(lambda: made.last_error is not None)
            assert "user name or password is wrong" in made.last_error or "not let this user" in made.last_error
            assert "s3cret" not in repr(vars(made)) + repr(vars(made._broker)) + made.last_error
        async with broadcasting(None, outbox, url=url):
            pass
    assert "s3cret" not in json.dumps(log, default=repr)
    assert "node-pw" not in json.dumps(log, default=repr)


@contextlib.asynccontextmanager
async def strict_mosquitto(folder, rule):
    """A mosquitto with passwords and access rules; yields the URL of the node's user."""
    passwords, rules = folder / "passwords", folder / "acl"
    passwords.write_text("")
    passwords.chmod(0o600)
    await asyncio.to_thread(subprocess.run, ["mosquitto_passwd", "-b", passwords, "node", "node-pw"], check=True)
    rules.write_text(f"user node\n{rule}\n")
    rules.chmod(0o600)
    async with running(BrokerKind.MOSQUITTO, folder) as child:
        await child.stop()
        configuration = child.log_path.parent / "mosquitto.conf"
        strict = configuration.read_text().replace("allow_anonymous true", "allow_anonymous false")
        child._mosquitto_conf = lambda _port: strict + f"password_file {passwords}\nacl_file {rules}\n"
        await child.start()
        yield child.url.replace("//", "//node:node-pw@")
