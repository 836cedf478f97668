"""`handclasp watch` when the broker goes, when it is stopped, and when it is asked for nonsense."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import json
import os
import pty
import signal
import struct
import sys
import termios

import pytest

from tests.e2e.processes import free_port
from tests.node.mqtt_world import BOTH_BROKERS, MOSQUITTO_NOW_AMQTT_SLOWLY, PATIENCE_S, eventually, packet
from tests.node.watch_world import (
    BOTH_SIDES,
    CLOSED,
    EMPTY,
    SETTLED,
    gone,
    presence,
    publish,
    put,
    status,
    watching,
)

# A broker that goes away


def test_a_broker_that_is_not_there_is_one_sentence(handclasp):
    port = free_port()
    as_process, here = handclasp, handclasp.here
    for command, *more in ((as_process,), (here, "--once"), (here, "--json"), (here, "--once", "--json")):
        sentence = command("watch", "--mqtt-url", f"mqtt://127.0.0.1:{port}", *more).refused(2)
        assert sentence.startswith(f"Error: The MQTT broker at 127.0.0.1:{port} can't be reached")
        assert "--mqtt-url" in sentence


@pytest.mark.parametrize("child", MOSQUITTO_NOW_AMQTT_SLOWLY, indirect=True)
@pytest.mark.parametrize("as_json", [False, pytest.param(True, marks=pytest.mark.slow)])
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
        assert sum("is being restored" in line for line in said) == 1
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


@pytest.mark.slow
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


async def test_on_a_terminal_it_is_a_table_that_stays_true(handclasp, any_broker):
    await publish(any_broker, *BOTH_SIDES)
    mine, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 120, 0, 0))
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "node", "watch", "--mqtt-url", any_broker.url,
        stdin=theirs, stdout=theirs, stderr=theirs, cwd=handclasp.home,
        env=handclasp.environment(TERM="xterm", COLUMNS="120"),
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
        await publish(any_broker, status(4, **CLOSED))
        await eventually(lambda: shows("a: closed / b: active"))
        await any_broker.stop()
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
async def test_to_be_stopped_is_a_clean_end(handclasp, any_broker, how):
    async with watching(handclasp, "--mqtt-url", any_broker.url) as watch:
        await watch.until(EMPTY)
        assert await watch.stop(how) == 0
        assert watch.errors == []


async def test_it_can_be_stopped_while_the_broker_is_away(handclasp, any_broker):
    async with watching(handclasp, "--mqtt-url", any_broker.url) as watch:
        await watch.until(EMPTY)
        await any_broker.stop()
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


async def test_a_reader_that_goes_away_ends_it_without_a_word(handclasp, any_broker):
    process = await asyncio.create_subprocess_shell(
        f'"{sys.executable}" -m node watch --mqtt-url {any_broker.url}; echo "ended with $?" >&2',
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, env=handclasp.environment(),
        cwd=handclasp.home,
    )  # fmt: skip
    assert EMPTY in (await process.stdout.readline()).decode()
    process._transport.get_pipe_transport(1).close()
    await asyncio.sleep(0.1)
    await publish(any_broker, *BOTH_SIDES)
    async with asyncio.timeout(PATIENCE_S):
        errors = (await process.stderr.read()).decode()
        await process.wait()
    assert errors == "ended with 141\n"


# Which broker


def pair(handclasp, content):
    folder = handclasp.home / "share" / "handclasp" / "pair"
    folder.mkdir(parents=True)
    (folder / "pair.json").write_text(content if isinstance(content, str) else json.dumps(content))


def test_the_running_pairs_broker_is_found(handclasp, any_broker):
    pair(handclasp, {"nodes": {}, "broker": {"url": any_broker.url}})
    put(any_broker, *BOTH_SIDES)
    result = handclasp.here("watch", "--once", "--json")
    assert len(result.succeeded().json["connections"]) == 1


def test_a_flag_wins_over_the_variable_and_the_variable_over_the_pair(handclasp, any_broker):
    nobody = f"mqtt://127.0.0.1:{free_port()}"
    pair(handclasp, {"broker": {"url": nobody}})
    handclasp.here("watch", "--once", HANDCLASP_MQTT_URL=any_broker.url).succeeded()
    handclasp.here("watch", "--once", "--mqtt-url", any_broker.url, HANDCLASP_MQTT_URL=nobody).succeeded()


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
    result = handclasp.here("watch", HANDCLASP_MQTT_URL=url, HANDCLASP_BROKER="amqtt", HANDCLASP_LISTEN="x")
    assert f"127.0.0.1:{port} can't be reached" in result.refused(2)


def test_the_password_of_the_variable_is_told_to_the_broker_and_to_nobody_else(handclasp):
    url = f"mqtt://u:s3cret@127.0.0.1:{free_port()}"
    assert "s3cret" not in handclasp.here("watch", HANDCLASP_MQTT_URL=url).refused(2)


def test_its_help_teaches_it(handclasp):
    out = handclasp.here("watch", "--help").succeeded().out
    for text in ("handclasp watch --once --json", "HANDCLASP_MQTT_URL", "Ctrl-C", "stale"):
        assert text in out
