"""`handclasp watch` as people run it: real processes on real brokers."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import itertools
import json
import os
import pty
import re
import signal
import struct
import sys
import termios

import pytest

from node.delivery.broker_url import BrokerUrl
from node.delivery.events import presence_event, presence_topic, status_event, status_topic
from node.delivery.mqtt import MqttBroker
from node.ports import Publication
from tests.e2e.processes import free_port
from tests.node.mqtt_world import BOTH_BROKERS, PATIENCE_S, eventually, packet, raw_link, running

A, B = "node-a", "node-b"
ONE, TWO = f"{1:032x}", f"{2:032x}"
VIEW = {
    "role": "source", "status": "active", "phase": "active", "reason": None, "enabled_here": True,
    "enabled_there": True, "mode": "script", "revision": 1, "partner": None, "name": "a_to_b",
    "local_short_name": "a", "remote_short_name": "b",
}  # fmt: skip
OTHER_SIDE = {"role": "destination", "phase": "accepted", "local_short_name": "b", "remote_short_name": "a"}
CLOSED = {"status": "closed", "phase": "closed", "reason": "removed"}
SETTLED = "That is how it stands."
EMPTY = "No node has told anything there yet."

ids = (f"{number:08x}-0000-4000-8000-000000000000" for number in itertools.count())


@pytest.fixture(params=BOTH_BROKERS)
async def child(request, tmp_path):
    async with running(request.param, tmp_path) as child:
        yield child


@pytest.fixture
async def amqtt(tmp_path):
    async with running(BOTH_BROKERS[1], tmp_path) as child:
        yield child


def status(seq, *, node=A, connection=ONE, **data):
    payload = status_event(event_id=next(ids), at=0, node=node, connection=connection, seq=seq, **VIEW | data)
    return Publication(topic=status_topic(node, connection), payload=payload, retain=True)


def presence(state="online", *, node=A, session=1):
    payload = presence_event(
        event_id=next(ids), at=0, node=node, state=state, session=f"{session:08x}-0000-4000-8000-00000000000a"
    )
    return Publication(topic=presence_topic(node), payload=payload, retain=True)


def gone(node=A, connection=ONE):
    return Publication(topic=status_topic(node, connection), payload=b"", retain=True)


BOTH_SIDES = (presence(), presence(node=B), status(3), status(2, node=B, **OTHER_SIDE))


async def publish(child, *publications):
    async with MqttBroker(BrokerUrl.parse(child.url)).connect("publisher") as link:
        for each in publications:
            await link.publish(each)


class Watch:
    """A running `handclasp watch`."""

    def __init__(self, process):
        self.process = process
        self.lines = []
        self.errors = []
        self._reading = [
            asyncio.create_task(self._read(process.stdout, self.lines)),
            asyncio.create_task(self._read(process.stderr, self.errors)),
        ]

    @staticmethod
    async def _read(stream, lines):
        async for line in stream:
            lines.append(line.decode().rstrip("\n"))

    def has(self, text):
        return any(text in line for line in self.lines)

    async def until(self, text):
        try:
            await eventually(lambda: self.has(text))
        except TimeoutError:
            pytest.fail(f"never said {text!r}, but {self.lines} and {self.errors}")

    @property
    def changes(self):
        return [json.loads(line) for line in self.lines]

    async def stop(self, how=signal.SIGINT):
        self.process.send_signal(how)
        async with asyncio.timeout(PATIENCE_S):
            code = await self.process.wait()
            await asyncio.gather(*self._reading)
        return code


@contextlib.asynccontextmanager
async def watching(handclasp, *arguments, **variables):
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "node", "watch", *arguments,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        env=handclasp.environment(**variables), cwd=handclasp.home,
    )  # fmt: skip
    watch = Watch(process)
    try:
        yield watch
        if process.returncode is None:
            assert await watch.stop() == 0
        assert "Traceback" not in "\n".join(watch.lines + watch.errors)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def once(handclasp, child, *arguments):
    return await asyncio.to_thread(handclasp, "watch", "--once", "--mqtt-url", child.url, *arguments)


def cells(line):
    return re.split(r"\s{2,}", line.strip())


# Once


async def test_once_shows_one_row_for_a_connection_and_one_for_each_node(handclasp, child):
    await publish(child, *BOTH_SIDES)
    result = (await once(handclasp, child)).succeeded()
    titles, row, blank, nodes, *presences = result.out.splitlines()
    assert cells(titles) == ["ID", "NAME", "STATUS", "SOURCE", "DESTINATION", "MISSED"]
    assert cells(row) == ["00000000", "a_to_b", "Active", "a: active", "b: active"]
    assert (blank.strip(), cells(nodes)) == ("", ["NODE", "PRESENCE", "KNOWN AS"])
    assert [cells(line) for line in presences] == [["node-a", "online", "a"], ["node-b", "online", "b"]]


async def test_once_shows_both_views_where_they_differ(handclasp, amqtt):
    await publish(amqtt, *BOTH_SIDES, status(4, **CLOSED))
    row = (await once(handclasp, amqtt)).succeeded().out.splitlines()[1]
    assert cells(row)[2:] == ["a: closed / b: active", "a: closed (removed)", "b: active"]


async def test_once_with_json_is_one_document(handclasp, child):
    await publish(child, *BOTH_SIDES, status(1, connection=TWO, name="other"))
    document = (await once(handclasp, child, "--json")).succeeded().json
    assert [(one["node"], one["state"]) for one in document["nodes"]] == [(A, "online"), (B, "online")]
    first, second = document["connections"]
    assert (first["connection"], first["name"], first["status"]) == (ONE, "a_to_b", "active")
    assert [(view["node"], view["seq"], view["stale"]) for view in first["views"]] == [(A, 3, None), (B, 2, None)]
    assert (second["connection"], second["status"]) == (TWO, None)
    assert document["left_out"]["refused"] == 0


async def test_once_on_a_broker_that_holds_nothing_says_so(handclasp, amqtt):
    result = (await once(handclasp, amqtt)).succeeded()
    assert result.out.startswith(EMPTY)
    assert (await once(handclasp, amqtt, "--json")).succeeded().json["connections"] == []


async def test_a_node_that_was_lost_is_shown_and_its_views_are_stale(handclasp, child):
    will = presence("lost")
    async with raw_link(child.port, client_id="a", will=(will.topic, will.payload)) as (_, writer):
        await publish(child, *BOTH_SIDES)
        writer.transport.abort()
    async with watching(handclasp, "--mqtt-url", child.url) as watch:
        await watch.until("node node-a is lost")
    out = (await once(handclasp, child)).succeeded().out
    assert "a: active, stale: lost" in out
    assert "Active (stale)" in out
    assert re.search(r"node-a +lost", out)


async def test_thousands_of_connections_arrive_all_of_them(handclasp, child):
    await publish(child, presence(), *(status(1, connection=f"{number:032x}") for number in range(2000)))
    document = (await once(handclasp, child, "--json")).succeeded().json
    assert len(document["connections"]) == 2000


async def test_what_is_published_by_others_is_left_out_and_can_not_write_to_the_terminal(handclasp, amqtt):
    rogue = status(1, node=B, name="\x1b[2J\x9b2J").payload
    await publish(
        amqtt,
        Publication(topic=status_topic(A, ONE), payload=rogue, retain=True),
        Publication(topic=status_topic(A, TWO), payload=b"\xff" * 20_000, retain=True),
        Publication(topic=status_topic(B, ONE), payload=rogue, retain=True),
    )
    out = (await once(handclasp, amqtt)).succeeded().out
    assert out.replace("\n", "").isprintable()
    assert "\ufffd[2J" in out
    document = (await once(handclasp, amqtt, "--json")).succeeded().json
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


async def test_a_removed_connection_is_not_shown(handclasp, child):
    await publish(child, *BOTH_SIDES, gone(), gone(B))
    document = (await once(handclasp, child, "--json")).succeeded().json
    assert document["connections"] == []


# A broker that goes away


async def test_a_broker_that_is_not_there_is_one_sentence(handclasp):
    port = free_port()
    for more in ([], ["--once"], ["--json"], ["--once", "--json"]):
        result = await asyncio.to_thread(handclasp, "watch", "--mqtt-url", f"mqtt://127.0.0.1:{port}", *more)
        sentence = result.refused(2)
        assert sentence.startswith(f"Error: The MQTT broker at 127.0.0.1:{port} can't be reached")
        assert "--mqtt-url" in sentence


@pytest.mark.parametrize("as_json", [False, True])
async def test_a_broker_that_restarts_is_told_and_watched_on(handclasp, child, as_json):
    await publish(child, *BOTH_SIDES)
    async with watching(handclasp, "--mqtt-url", child.url, *(["--json"] if as_json else [])) as watch:
        await eventually(lambda: len(watch.lines) >= 4)
        if not as_json:
            await watch.until(SETTLED)
        else:
            await asyncio.sleep(1)
        said = watch.errors if as_json else watch.lines
        await child.stop()
        await eventually(lambda: any("was lost" in line for line in said))
        await asyncio.sleep(1)
        await child.start()
        await publish(child, status(7, **CLOSED))
        await eventually(lambda: any("is back" in line for line in said))
        await eventually(lambda: any("closed" in line for line in watch.lines))
        assert sum("was lost" in line for line in said) == 1
        assert sum("active" in line for line in watch.lines) == 2, "what was known is not told again"
        await publish(child, presence("offline"))
        await eventually(lambda: any("offline" in line for line in watch.lines))


@pytest.mark.parametrize("child", BOTH_BROKERS[:1], indirect=True)  # amqtt forgets all when it restarts
async def test_what_was_removed_while_there_was_no_link_is_told_as_gone(handclasp, child):
    await publish(child, *BOTH_SIDES)
    async with watching(handclasp, "--mqtt-url", child.url) as watch:
        await watch.until(SETTLED)
        os.kill(watch.process.pid, signal.SIGSTOP)
        await child.stop()
        await child.start()
        await publish(child, gone())
        os.kill(watch.process.pid, signal.SIGCONT)
        await watch.until("a, the source, no longer has it")
        await watch.until("is back")


async def test_a_broker_that_refuses_the_topics_is_one_sentence(handclasp):
    async def refuse(reader, writer):
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            await packet(reader)
            writer.write(b"\x20\x02\x00\x00")
            _, body = await packet(reader)
            writer.write(b"\x90\x03" + body[:2] + b"\x80")
            await packet(reader)
        writer.close()

    server = await asyncio.start_server(refuse, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        result = await asyncio.to_thread(handclasp, "watch", "--mqtt-url", f"mqtt://127.0.0.1:{port}")
    assert "refuses to send handclasp/v1/nodes/+/presence" in result.refused(2)


async def test_a_server_that_is_no_broker_is_one_sentence(handclasp):
    async def speak(reader, writer):
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(speak, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        result = await asyncio.to_thread(handclasp, "watch", "--once", "--mqtt-url", f"mqtt://127.0.0.1:{port}")
    assert f"127.0.0.1:{port}" in result.refused(2)


# On a terminal


async def test_on_a_terminal_it_is_a_table_that_stays_true(handclasp, amqtt):
    await publish(amqtt, *BOTH_SIDES)
    mine, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 120, 0, 0))
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "node", "watch", "--mqtt-url", amqtt.url,
        stdin=theirs, stdout=theirs, stderr=theirs, cwd=handclasp.home,
        env=handclasp.environment(TERM="xterm"),
    )  # fmt: skip
    os.close(theirs)
    os.set_blocking(mine, False)
    written = bytearray()

    def shows(text):
        with contextlib.suppress(OSError):  # nothing yet, or the other end is closed
            while data := os.read(mine, 65_536):
                written.extend(data)
        return text in written.decode(errors="replace")

    try:
        await eventually(lambda: shows("Watching the MQTT broker"))
        assert "a: active" in written.decode()
        await publish(amqtt, status(4, **CLOSED))
        await eventually(lambda: shows("a: closed / b: active"))
        await amqtt.stop()
        await eventually(lambda: shows("was lost"))
        process.send_signal(signal.SIGINT)
        assert await asyncio.wait_for(process.wait(), PATIENCE_S) == 0
        assert not shows("Traceback")
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        os.close(mine)


# How it ends


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
async def test_to_be_stopped_is_a_clean_end(handclasp, amqtt, how):
    async with watching(handclasp, "--mqtt-url", amqtt.url) as watch:
        await watch.until(EMPTY)
        assert await watch.stop(how) == 0
        assert watch.errors == []


async def test_it_can_be_stopped_while_the_broker_is_away(handclasp, amqtt):
    async with watching(handclasp, "--mqtt-url", amqtt.url) as watch:
        await watch.until(EMPTY)
        await amqtt.stop()
        await watch.until("was lost")
        assert await watch.stop() == 0
        assert watch.errors == []


async def test_once_that_is_interrupted_was_not_done(handclasp):
    heard = asyncio.Event()

    async def hang(reader, writer):
        heard.set()
        await reader.read()
        writer.close()

    server = await asyncio.start_server(hang, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        async with watching(handclasp, "--once", "--mqtt-url", f"mqtt://127.0.0.1:{port}") as watch:
            await heard.wait()
            assert await watch.stop() == 130
        assert watch.lines == []


async def test_a_reader_that_goes_away_ends_it_without_a_word(handclasp, amqtt):
    process = await asyncio.create_subprocess_shell(
        f'"{sys.executable}" -m node watch --mqtt-url {amqtt.url}; echo "ended with $?" >&2',
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, env=handclasp.environment(),
        cwd=handclasp.home,
    )  # fmt: skip
    assert EMPTY in (await process.stdout.readline()).decode()
    process._transport.get_pipe_transport(1).close()
    await asyncio.sleep(0.1)
    await publish(amqtt, *BOTH_SIDES)
    async with asyncio.timeout(PATIENCE_S):
        errors = (await process.stderr.read()).decode()
        await process.wait()
    assert errors == "ended with 141\n"


# Which broker


def pair(handclasp, content):
    folder = handclasp.home / "share" / "handclasp" / "pair"
    folder.mkdir(parents=True)
    (folder / "pair.json").write_text(content if isinstance(content, str) else json.dumps(content))


async def test_the_running_pairs_broker_is_found(handclasp, amqtt):
    pair(handclasp, {"nodes": {}, "broker": {"url": amqtt.url}})
    await publish(amqtt, *BOTH_SIDES)
    result = await asyncio.to_thread(handclasp, "watch", "--once", "--json")
    assert len(result.succeeded().json["connections"]) == 1


async def test_a_flag_wins_over_the_variable_and_the_variable_over_the_pair(handclasp, amqtt):
    nobody = f"mqtt://127.0.0.1:{free_port()}"
    pair(handclasp, {"broker": {"url": nobody}})
    right = await asyncio.to_thread(handclasp, "watch", "--once", HANDCLASP_MQTT_URL=amqtt.url)
    right.succeeded()
    right = await asyncio.to_thread(handclasp, "watch", "--once", "--mqtt-url", amqtt.url, HANDCLASP_MQTT_URL=nobody)
    right.succeeded()


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[]",
        "null",
        '{"broker": 1}',
        '{"broker": {}}',
        '{"broker": {"url": 1}}',
        '{"broker": {"url": "http://h"}}',
    ],
)
def test_a_damaged_pair_is_one_sentence(handclasp, content):
    pair(handclasp, content)
    assert "pair.json is damaged" in handclasp.here("watch").refused(2)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--mqtt-url", "http://h"], "it must begin with mqtt:// or mqtts://"),
        (["--mqtt-url", "mqtt://h:0"], "a port from 1 to 65535"),
        (["--mqtt-url", "mqtt://u:s3cret@h"], "--mqtt-url holds a password"),
        (["--mqtt-url", "mqtt://h/topic"], "nothing may follow the port"),
        (["--mqtt-url"], "requires an argument"),
        (["--mqtt"], "did you mean"),
        (["now"], "unexpected extra argument"),
        (["--once", "3"], "unexpected extra argument"),
    ],
)
def test_wrong_usage_is_one_sentence(handclasp, arguments, said):
    text = handclasp.here("watch", *arguments).refused(2)
    assert said.lower() in text.lower()
    assert "s3cret" not in text


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"HANDCLASP_MQTT_URL": "mqtt://u:s3cret@"}, "HANDCLASP_MQTT_URL in the environment is"),
        ({"HANDCLASP_MQTT_ULR": "mqtt://h"}, "did you mean HANDCLASP_MQTT_URL?"),
        ({"HANDCLASP_MQTT_CA_FILE": "missing.pem"}, "HANDCLASP_MQTT_CA_FILE"),
    ],
)
def test_a_wrong_variable_is_one_sentence(handclasp, variables, said):
    text = handclasp.here("watch", **variables).refused(2)
    assert said in text
    assert "s3cret" not in text


def test_settings_of_nodes_that_mean_nothing_here_are_left_alone(handclasp):
    port = free_port()
    url = f"mqtt://127.0.0.1:{port}"
    result = handclasp("watch", HANDCLASP_MQTT_URL=url, HANDCLASP_BROKER="amqtt", HANDCLASP_LISTEN="x")
    assert f"127.0.0.1:{port} can't be reached" in result.refused(2)


def test_the_password_of_the_variable_is_told_to_the_broker_and_to_nobody_else(handclasp):
    url = f"mqtt://u:s3cret@127.0.0.1:{free_port()}"
    assert "s3cret" not in handclasp("watch", HANDCLASP_MQTT_URL=url).refused(2)


def test_its_help_teaches_it(handclasp):
    out = handclasp.here("watch", "--help").succeeded().out
    for text in ("handclasp watch --once --json", "HANDCLASP_MQTT_URL", "Ctrl-C", "stale"):
        assert text in out
