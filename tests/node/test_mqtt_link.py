"""Links to real brokers, and to some that misbehave."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import signal
import socket
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from node.delivery.broker_url import BrokerUrl
from node.delivery.mqtt import MqttBroker
from node.ports import BrokerDownError, Publication
from tests.node.loopback_servers import certificate
from tests.node.mqtt_world import CONNACK, MOSQUITTO_NOW_AMQTT_SLOWLY, eventually, packet, running

ROOT = Path(__file__).parents[2]
RETAINED = Publication(topic="a/b", payload=b"kept", retain=True)


@pytest.fixture(autouse=True)
async def unhandled():
    """What the loop was told of and nobody looked at; checked to be nothing at the end."""
    found = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: found.append(context))
    gc.freeze()  # what is older needs no look
    yield found
    gc.collect()
    await asyncio.sleep(0)
    assert found == []


@pytest.fixture(params=MOSQUITTO_NOW_AMQTT_SLOWLY)
async def child(request, tmp_path):
    async with running(request.param, tmp_path) as child:
        yield child


def broker_at(url, **options):
    return MqttBroker(BrokerUrl.parse(url), **options)


@contextlib.asynccontextmanager
async def serving(answer, *, tls=None):
    """A server that calls `answer(reader, writer)` for each connection; yields its port."""
    open_links = set()

    async def handle(reader, writer):
        open_links.add(asyncio.current_task())
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            await answer(reader, writer)
        writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0, ssl=tls)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in open_links:
            task.cancel()
        await asyncio.gather(*open_links, return_exceptions=True)
        await server.wait_closed()


def saying(connack, *, then=None):
    """A broker that answers each CONNECT so, and then does `then` with each packet."""

    async def answer(reader, writer):
        await packet(reader)
        writer.write(connack)
        await writer.drain()
        while True:
            first, body = await packet(reader)
            if then is None or not await then(first, body, writer):
                return

    return answer


async def first_message(link):
    return await anext(link.messages())


async def test_a_retained_message_reaches_a_late_subscriber(child):
    broker = broker_at(child.url)
    async with broker.connect("writer") as writer:
        await writer.publish(RETAINED)
    async with broker.connect("reader") as reader, asyncio.timeout(5):
        await reader.subscribe("a/+")
        assert await first_message(reader) == RETAINED


async def test_an_empty_retained_message_clears_the_topic(child):
    broker = broker_at(child.url)
    async with broker.connect("writer") as link:
        await link.publish(RETAINED)
        await link.publish(Publication(topic="a/b", payload=b"", retain=True))
        await link.publish(Publication(topic="a/c", payload=b"last", retain=True))
    async with broker.connect("reader") as link, asyncio.timeout(5):
        await link.subscribe("a/#")
        assert (await first_message(link)).payload == b"last"


async def test_messages_come_in_the_order_in_which_they_were_published(child):
    broker = broker_at(child.url)
    async with broker.connect("reader") as reader, broker.connect("writer") as writer:
        await reader.subscribe("n")
        for number in range(50):
            await writer.publish(Publication(topic="n", payload=b"%d" % number))
        async with asyncio.timeout(5):
            messages = reader.messages()
            assert [int((await anext(messages)).payload) for _ in range(50)] == list(range(50))


async def test_leaving_cleanly_sends_no_will_and_a_broken_link_does(child):
    broker = broker_at(child.url)
    async with broker.connect("reader") as reader:
        await reader.subscribe("will")
        async with broker.connect("polite", will=Publication(topic="will", payload=b"polite")):
            pass
        with pytest.raises(RuntimeError):
            async with broker.connect("raising", will=Publication(topic="will", payload=b"raising")):
                raise RuntimeError
        with pytest.raises(BrokerDownError):
            async with broker.connect("broken", will=Publication(topic="will", payload=b"broken")):
                raise BrokerDownError
        async with asyncio.timeout(5):
            assert (await first_message(reader)).payload == b"broken"


async def test_every_wait_ends_at_once_when_the_broker_is_killed(child):
    broker = broker_at(child.url, operation_s_max=30)
    with pytest.raises(BrokerDownError, match="lost"):  # it is raised where the context ends
        async with broker.connect("node") as link:
            os.kill(child.pid, signal.SIGSTOP)
            waits = [
                asyncio.create_task(wait)
                for wait in (link.publish(RETAINED), link.subscribe("x"), first_message(link), link.lost())
            ]
            await asyncio.sleep(0.1)
            assert not any(wait.done() for wait in waits)
            os.kill(child.pid, signal.SIGKILL)
            async with asyncio.timeout(5):
                results = await asyncio.gather(*waits, return_exceptions=True)
            assert [type(result) for result in results] == [BrokerDownError] * 3 + [type(None)]
            await link.publish(RETAINED)


async def test_an_idle_link_that_is_lost_leaves_no_unseen_exception(child):
    with pytest.raises(BrokerDownError):
        async with broker_at(child.url).connect("node") as link:
            os.kill(child.pid, signal.SIGKILL)
            async with asyncio.timeout(5):
                await link.lost()
            raise BrokerDownError


async def test_a_broker_that_stops_answering_counts_as_down_after_a_while(child):
    broker = broker_at(child.url, operation_s_max=0.3)
    with pytest.raises(BrokerDownError, match="timed out"):  # likewise
        async with broker.connect("node") as link:
            os.kill(child.pid, signal.SIGSTOP)
            try:
                async with asyncio.timeout(5):
                    await link.publish(RETAINED)
            finally:
                os.kill(child.pid, signal.SIGCONT)


async def test_what_a_full_socket_does_not_take_at_once_is_written_when_it_does(child):
    broker = broker_at(child.url, operation_s_max=10)
    large = Publication(topic="a/large", payload=bytes(8 * 1024 * 1024), retain=True)
    async with broker.connect("node") as link:
        os.kill(child.pid, signal.SIGSTOP)
        try:
            publishing = asyncio.create_task(link.publish(large))
            await asyncio.sleep(0.1)
            assert not publishing.done()
        finally:
            os.kill(child.pid, signal.SIGCONT)
        await publishing
        await link.publish(RETAINED)


async def test_the_next_link_sends_nothing_that_the_last_one_left_behind(child):
    broker = broker_at(child.url, operation_s_max=0.3)
    async with broker.connect("reader") as reader:
        await reader.subscribe("a/#")
        with pytest.raises(BrokerDownError):  # likewise
            async with broker.connect("node") as link:
                os.kill(child.pid, signal.SIGSTOP)
                with contextlib.suppress(BrokerDownError):
                    await link.publish(Publication(topic="a/old", payload=b"1"))
                raise BrokerDownError
        os.kill(child.pid, signal.SIGCONT)
        async with broker.connect("node") as link:
            await link.publish(Publication(topic="a/new", payload=b"2"))
        messages = reader.messages()
        topics = []
        async with asyncio.timeout(5):
            while "a/new" not in topics:
                topics.append((await anext(messages)).topic)
        assert topics in (["a/old", "a/new"], ["a/new"]), "once at most"


async def test_a_broker_that_is_not_there_is_named_without_the_password():
    async with serving(saying(CONNACK)) as port:
        pass
    with pytest.raises(BrokerDownError, match=rf"127.0.0.1:{port} can't be reached: .*refused") as caught:
        async with broker_at(f"mqtt://ann:s3cret@127.0.0.1:{port}").connect("node"):
            pass
    assert "s3cret" not in str(caught.value)
    assert str(caught.value).endswith(" can't be reached: Connection refused.")


@pytest.mark.parametrize("host", ["no-such-host.invalid", "a" * 64 + ".invalid"])
async def test_a_name_that_leads_nowhere_is_one_sentence(host):
    with pytest.raises(BrokerDownError, match=rf"The MQTT broker at {host}:1883 can't be reached: .*\.$"):
        async with broker_at(f"mqtt://{host}").connect("node"):
            pass


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        (2, "refuses the client id"),
        (3, "not available"),
        (4, "user name or password is wrong"),
        (5, "does not let this user in"),
    ],
)
async def test_a_refusal_says_why(code, sentence):
    async with serving(saying(bytes([0x20, 2, 0, code]))) as port:
        with pytest.raises(BrokerDownError, match=f"refuses this node: .*{sentence}"):
            async with broker_at(f"mqtt://127.0.0.1:{port}").connect("node"):
                pass


async def test_a_server_that_never_answers_is_left():
    async def answer(reader, _writer):
        await reader.read()

    async with serving(answer) as port:
        with pytest.raises(BrokerDownError, match="timed out"):
            async with broker_at(f"mqtt://127.0.0.1:{port}", operation_s_max=0.2).connect("node"):
                pass


async def test_giving_up_while_connecting_leaves_nothing_open():
    said = asyncio.Queue()

    async def answer(reader, _writer):
        await reader.read(1)
        said.put_nowait("CONNECT")
        await reader.read()
        said.put_nowait("end")

    async with serving(answer) as port:
        broker = broker_at(f"mqtt://127.0.0.1:{port}", operation_s_max=0.3)
        connecting = asyncio.create_task(broker.connect("node").__aenter__())
        async with asyncio.timeout(5):
            assert await said.get() == "CONNECT"
            connecting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await connecting
            assert await said.get() == "end"


async def test_a_refused_subscription_is_an_error():
    async def suback(first, body, writer):
        if first == 0x82:
            writer.write(b"\x90\x03" + body[:2] + b"\x80")
        return first != 0xE0

    async with (
        serving(saying(CONNACK, then=suback)) as port,
        broker_at(f"mqtt://127.0.0.1:{port}").connect("node") as link,
    ):
        with pytest.raises(BrokerDownError, match="refuses to send secret/#"):
            await link.subscribe("secret/#")


async def test_credentials_and_client_id_are_sent_as_mqtt_3_1_1():
    heard = []

    async def answer(reader, writer):
        heard.append((await packet(reader))[1])
        writer.write(CONNACK)
        await reader.read()

    async with serving(answer) as port:
        url = f"mqtt://ann:s3cret@127.0.0.1:{port}"
        async with broker_at(url).connect("handclasp-x"):
            pass
    assert heard == [b"\x00\x04MQTT\x04\xc2\x00\x0f\x00\x0bhandclasp-x\x00\x03ann\x00\x06s3cret"]


async def test_mqtts_needs_an_authority_that_vouches_for_the_broker(tmp_path):
    ca_file, context = certificate(tmp_path, "broker", "IP:127.0.0.1")
    async with serving(saying(CONNACK), tls=context) as port:
        url = f"mqtts://127.0.0.1:{port}"
        async with broker_at(url, ca_file=ca_file).connect("node"):
            pass
        with pytest.raises(BrokerDownError, match="certificate verify failed"):
            async with broker_at(url).connect("node"):
                pass
        with pytest.raises(BrokerDownError, match="can't be reached"):
            async with broker_at(url.replace("mqtts", "mqtt"), operation_s_max=0.5).connect("node"):
                pass


@pytest.mark.parametrize("content", [None, "not a certificate"])
async def test_an_authority_file_that_is_none_is_named(content, tmp_path):
    path = tmp_path / "ca.pem"
    if content:
        path.write_text(content)
    with pytest.raises(BrokerDownError, match=r"authority file .*ca.pem can't be used"):
        async with broker_at("mqtts://127.0.0.1", ca_file=path).connect("node"):
            pass


@pytest.mark.parametrize(("options", "most"), [({}, 100), ({"arrived_max": 120}, 120)])
async def test_no_more_than_some_messages_wait_for_a_reader(child, options, most):
    broker = broker_at(child.url, **options)
    async with broker.connect("reader") as reader, broker.connect("writer") as writer:
        await reader.subscribe("n")
        for number in range(150):
            await writer.publish(Publication(topic="n", payload=b"%d" % number))
        await eventually(lambda: len(reader._iterator) >= most)
        await asyncio.sleep(0.2)
        assert len(reader._iterator) == most


def test_a_node_starts_without_loading_the_mqtt_library():
    program = "import sys, node.delivery.mqtt, node.delivery.broadcast; sys.exit('aiomqtt' in sys.modules)"
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True)


async def test_a_link_that_is_reset_while_it_is_written_to_leaves_no_unseen_exception():
    peers = []

    async def accept(reader, writer):
        await packet(reader)
        writer.write(CONNACK)
        peers.append(writer)
        await asyncio.sleep(3600)

    async with serving(accept) as port, broker_at(f"mqtt://127.0.0.1:{port}").connect("n") as link:
        await eventually(lambda: peers)
        peers[0].get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        peers[0].transport.abort()
        await asyncio.sleep(0)  # it is reset in this turn of the loop, which sees that in the next one
        with contextlib.suppress(BrokerDownError):
            await link.publish(Publication(topic="a", payload=b"", qos=0, retain=False))
        async with asyncio.timeout(5):
            await link.lost()
