"""The brokers that Handclasp starts itself, and what is mended in amqtt."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import stat
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from node.brokers import amqtt_child, amqtt_mended, children
from node.brokers.children import BrokerChild, BrokerKind, BrokerStartError, choose_kind, find_mosquitto
from tests.node.mqtt_world import (
    BOTH_BROKERS,
    CONNACK,
    DISCONNECT,
    MOSQUITTO_NOW_AMQTT_SLOWLY,
    PATIENCE_S,
    connect,
    eventually,
    packet,
    packets,
    publish,
    raw_link,
    running,
    subscribe,
)

ROOT = Path(__file__).parents[2]


@pytest.fixture(params=BOTH_BROKERS)
def kind(request):
    return request.param


@pytest.fixture
def taken_port():
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield other.getsockname()[1]


@pytest.fixture
def free_port():
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        return other.getsockname()[1]


def listening_addresses(port):
    """Of the sockets of this machine that listen on a port: their addresses as the kernel writes them."""
    found = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        for line in Path(table).read_text().splitlines()[1:]:
            local, _, state = line.split()[1:4]
            address, hex_port = local.split(":")
            if state == "0A" and int(hex_port, 16) == port:
                found.add(address)
    return found


async def answer_to(port, data):
    """All that the broker sends before it closes the connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(data)
        if data.endswith(DISCONNECT):
            writer.write_eof()
        async with asyncio.timeout(4):
            return await reader.read()
    except ConnectionError:
        return b""
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


def is_alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


async def test_a_started_broker_takes_clients_alone_on_loopback_and_a_stopped_one_is_gone(kind, tmp_path):
    async with running(kind, tmp_path) as child:
        assert child.url == f"mqtt://127.0.0.1:{child.port}"
        assert child.is_running
        pid = child.pid
        async with raw_link(child.port, client_id="anyone"):
            pass
        await child.start()
        assert child.pid == pid, "to start it twice starts one"
        assert os.getsid(pid) == pid != os.getsid(0), "Ctrl-C reaches the parent alone"
        if sys.platform == "linux":  # it reads the kernel's own table
            assert listening_addresses(child.port) == {"0100007F"}
    assert child.pid is None
    assert not is_alive(pid)
    assert child._process.returncode == 0, "SIGTERM ends it cleanly"


async def test_a_port_that_is_taken_is_named(kind, tmp_path, taken_port):
    child = BrokerChild(kind=kind, data=tmp_path, port=taken_port)
    with pytest.raises(BrokerStartError, match=rf"Port {taken_port} on 127.0.0.1 is taken by another"):
        await child.start()
    assert child.pid is None


@pytest.mark.parametrize("kind", MOSQUITTO_NOW_AMQTT_SLOWLY)
async def test_a_broker_that_is_killed_starts_again_on_the_same_port(kind, tmp_path):
    async with running(kind, tmp_path) as child:
        port = child.port
        os.kill(child.pid, signal.SIGKILL)
        await eventually(lambda: not child.is_running)
        await child.start()
        assert child.port == port
        async with raw_link(port, client_id="anyone"):
            pass


@pytest.mark.parametrize("kind", MOSQUITTO_NOW_AMQTT_SLOWLY)
async def test_two_brokers_with_free_ports_do_not_meet(kind, tmp_path):
    async with running(kind, tmp_path / "a") as one, running(kind, tmp_path / "b") as other:
        assert one.port != other.port


@pytest.mark.mosquitto
async def test_mosquitto_keeps_what_is_retained_over_a_clean_restart(tmp_path):
    async with running(BrokerKind.MOSQUITTO, tmp_path) as child:
        async with raw_link(child.port, client_id="writer") as (_, writer):
            writer.write(publish("a/b", b"kept", retain=True) + DISCONNECT)
            await writer.drain()
        await child.stop()
        await child.start()
        async with raw_link(child.port, client_id="reader") as (reader, writer):
            writer.write(subscribe("#"))
            assert any(b"kept" in body for _, body in await packets(reader))


async def test_only_the_owner_can_read_its_directory_and_files(kind, tmp_path):
    before = os.umask(0)
    try:
        async with running(kind, tmp_path) as child:
            folder = child.log_path.parent
            assert stat.S_IMODE(folder.stat().st_mode) == 0o700
            modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}
            assert "broker.log" in modes
            assert set(modes.values()) == {0o600}
    finally:
        os.umask(before)


@pytest.mark.parametrize("kind", MOSQUITTO_NOW_AMQTT_SLOWLY)
async def test_a_broker_that_does_not_listen_to_sigterm_is_killed(kind, tmp_path, monkeypatch):
    monkeypatch.setattr(children, "STOP_S_MAX", 0.2)
    async with running(kind, tmp_path) as child:
        pid = child.pid
        os.kill(pid, signal.SIGSTOP)
        await child.stop()
        assert not is_alive(pid)


@pytest.mark.skipif(sys.platform != "linux", reason="Linux alone ends a child with its parent")
def test_a_broker_dies_with_its_parent_even_if_that_is_killed(kind, tmp_path):
    program = textwrap.dedent(f"""
        import asyncio, pathlib, sys, time
        from node.brokers.children import BrokerChild, BrokerKind
        child = BrokerChild(kind=BrokerKind({str(kind)!r}), data=pathlib.Path({str(tmp_path)!r}))
        asyncio.run(child.start())
        print(child.pid, flush=True)
        sys.stdin.read()
    """)
    with subprocess.Popen(
        [sys.executable, "-c", program], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as parent:
        pid = int(parent.stdout.readline())
        assert is_alive(pid)
        parent.kill()
        parent.wait()
        asyncio.run(eventually(lambda: not is_alive(pid)))


async def test_a_broker_that_ends_at_once_tells_the_end_of_its_log(tmp_path, monkeypatch):
    program = tmp_path / "mosquitto"
    program.write_text("#!/bin/sh\necho 'Error: bad luck' >&2\nexit 3\n")
    program.chmod(0o700)
    monkeypatch.setattr(children, "find_mosquitto", lambda: str(program))
    child = BrokerChild(kind=BrokerKind.MOSQUITTO, data=tmp_path / "broker")
    with pytest.raises(BrokerStartError, match=r"ended at once with exit status 3.*Error: bad luck"):
        await child.start()


async def test_a_mosquitto_that_is_not_there_is_told_with_the_remedy(tmp_path, monkeypatch):
    monkeypatch.setattr(children, "find_mosquitto", lambda: None)
    child = BrokerChild(kind=BrokerKind.MOSQUITTO, data=tmp_path)
    with pytest.raises(BrokerStartError, match=r"mosquitto is not installed: install it"):
        await child.start()
    assert choose_kind() is BrokerKind.AMQTT


@pytest.mark.mosquitto
def test_mosquitto_is_preferred_and_found_outside_the_path(monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert find_mosquitto()
    assert choose_kind() is BrokerKind.MOSQUITTO


async def test_a_directory_that_is_a_file_is_one_sentence(kind, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(BrokerStartError, match=r"directory .*file can't be used"):
        await BrokerChild(kind=kind, data=tmp_path / "file").start()


@pytest.mark.parametrize("arguments", [[], ["x"], ["1", "2"]])
def test_the_amqtt_child_without_one_port_says_so(arguments, capsys):
    assert amqtt_child.main(arguments) == 2
    assert capsys.readouterr().err.startswith("Say the one port")


def test_the_amqtt_child_on_a_taken_port_ends_with_a_sentence(taken_port):
    done = subprocess.run(
        [sys.executable, "-m", "node.brokers.amqtt_child", str(taken_port)],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr.startswith("amqtt can't listen: ")
    assert "Traceback" not in done.stderr


# What holds on mosquitto by itself and on amqtt since it was mended.


async def test_a_client_gets_no_retained_message_that_it_did_not_ask_for(kind, tmp_path):
    async with (
        running(kind, tmp_path) as child,
        raw_link(child.port, client_id="curious") as (_, curious),
        raw_link(child.port, client_id="writer") as (_, writer),
    ):
        curious.write(subscribe("#"))
        writer.write(publish("secret/topic", b"x", retain=True))
        await asyncio.sleep(0.2)
        async with raw_link(child.port, client_id="newcomer") as (reader, newcomer):
            newcomer.write(subscribe("something/else"))
            assert [first >> 4 for first, _ in await packets(reader)] == [9], "a SUBACK and nothing else"


async def test_a_subscriber_that_acknowledges_nothing_is_heard_all_the_same(kind, tmp_path):
    async with (
        running(kind, tmp_path) as child,
        raw_link(child.port, client_id="watcher") as (reader, watcher),
        raw_link(child.port, client_id="lazy") as (lazy_reader, lazy),
    ):
        watcher.write(subscribe("said"))
        lazy.write(publish("kept", b"x", retain=True, qos=1))
        await packets(lazy_reader, most=1)
        lazy.write(subscribe("kept", qos=1))
        assert (await packets(lazy_reader, most=2))[1][1].endswith(b"x"), "it has the retained message"
        lazy.write(publish("said", b"hello"))
        assert (await packets(reader, quiet_s=2, most=2))[-1][1].endswith(b"hello")


async def test_the_will_of_a_silent_client_is_sent(kind, tmp_path):
    async with (
        running(kind, tmp_path) as child,
        raw_link(child.port, client_id="watcher") as (reader, watcher),
        raw_link(child.port, client_id="silent", keepalive_s=1, will=("presence", b"lost")),
    ):
        watcher.write(subscribe("presence"))
        _, message = await packets(reader, quiet_s=10, most=2)
        assert message == (0x30, b"\x00\x08presencelost"), "at the QoS that was subscribed"


async def test_what_is_published_just_before_a_goodbye_arrives_and_no_will_does(kind, tmp_path):
    async with (
        running(kind, tmp_path) as child,
        raw_link(child.port, client_id="watcher") as (reader, watcher),
    ):
        watcher.write(subscribe("#"))
        await packets(reader, quiet_s=0.2)
        burst = b"".join(publish("n", str(number).encode()) for number in range(200))
        async with raw_link(child.port, client_id="hasty", keepalive_s=0, will=("n", b"lost")) as (_, hasty):
            hasty.write(burst + DISCONNECT)
            hasty.write_eof()
            found = await packets(reader)
        assert [body[3:].decode() for _, body in found] == [str(number) for number in range(200)]


async def test_a_client_that_says_all_in_one_breath_is_heard_and_has_no_will(kind, tmp_path):
    async with (
        running(kind, tmp_path) as child,
        raw_link(child.port, client_id="watcher") as (reader, watcher),
    ):
        watcher.write(subscribe("#"))
        await packets(reader, quiet_s=0.2)
        breath = (
            connect("hasty", keepalive_s=0, will=("n", b"lost")) + publish("n", b"1") + publish("n", b"2") + DISCONNECT
        )
        assert await answer_to(child.port, breath) == CONNACK
        assert [body for _, body in await packets(reader)] == [b"\x00\x01n1", b"\x00\x01n2"]


async def test_a_second_link_with_the_same_client_id_ends_the_first_before_it_begins(kind, tmp_path):
    async with (
        running(kind, tmp_path) as child,
        raw_link(child.port, client_id="watcher") as (reader, watcher),
        raw_link(child.port, client_id="node", will=("n", b"lost")) as (old, _),
        raw_link(child.port, client_id="node", will=("n", b"lost again")) as (_, new),
    ):
        watcher.write(subscribe("n"))
        new.write(publish("n", b"online", retain=True))
        async with asyncio.timeout(5):
            assert await old.read() == b"", "the old link is closed"
        assert (await packets(reader))[-1][1] == b"\x00\x01nonline", "the old will does not come after it"


async def test_a_goodbye_that_is_on_its_way_when_the_same_client_comes_again_is_heard_and_no_will_is_sent(tmp_path):
    # mosquitto may send the will: it reads whichever of the two links it sees first.
    async with (
        running(BrokerKind.AMQTT, tmp_path) as child,
        raw_link(child.port, client_id="watcher") as (watched, watcher),
    ):
        watcher.write(subscribe("n"))
        await packet(watched)
        for _ in range(20):
            async with raw_link(child.port, client_id="node", will=("n", b"lost")) as (_, old):
                reader, new = await asyncio.open_connection("127.0.0.1", child.port)
                old.write(DISCONNECT)
                new.write(connect("node") + publish("n", b"again") + DISCONNECT)
                async with asyncio.timeout(PATIENCE_S):
                    assert await packet(reader) == (CONNACK[0], CONNACK[2:])
                    assert (await packet(watched))[1] == b"\x00\x01nagain"
                new.close()


async def test_garbage_is_cut_off_and_harms_nobody(kind, tmp_path):
    async with running(kind, tmp_path) as child:
        endless_length = b"\x10\xff\xff\xff\xff\xff"
        assert await answer_to(child.port, endless_length) == b""
        async with raw_link(child.port, client_id="honest"):
            pass
        assert "Traceback" not in child.log_path.read_text()


async def test_amqtt_closes_a_connection_on_which_no_connect_comes(monkeypatch, free_port):
    monkeypatch.setattr(amqtt_mended, "CONNECT_S_MAX", 0.2)
    broker = amqtt_mended.MendedBroker(free_port)
    await broker.start()
    try:
        for beginning in (b"", b"GET / HTTP/1.1\r\n\r\n", b"\x10\x06\x00\x04\xff\xfe\xfd\xfc"):
            assert await answer_to(free_port, beginning) == b""
        async with raw_link(free_port, client_id="patient"):
            await asyncio.sleep(0.4)
    finally:
        await broker.shutdown()


async def test_amqtt_closes_a_link_that_publishes_to_a_reserved_topic_and_sends_its_will(tmp_path):
    async with (
        running(BrokerKind.AMQTT, tmp_path) as child,
        raw_link(child.port, client_id="watcher") as (reader, watcher),
        raw_link(child.port, client_id="rude", will=("n", b"lost")) as (rude_reader, rude),
    ):
        watcher.write(subscribe("n"))
        rude.write(publish("$reserved", b"x"))
        async with asyncio.timeout(5):
            assert await rude_reader.read() == b""
        assert (await packets(reader))[-1][1] == b"\x00\x01nlost"
