"""The real client against real servers on loopback."""

from __future__ import annotations

import asyncio
import gzip
import socket

import pytest
from aiohttp import ClientConnectionResetError, web

from node.causes import Cause
from node.network.client import AiohttpPeerNetwork
from node.network.failures import network_error
from node.ports import HttpAnswer
from tests.node.loopback_servers import (
    LOOPBACK_NODE,
    Names,
    failure,
    free_port,
    hello,
    network,
    says,
    site,
    stay_silent,
    wire,
)

# What an honest exchange looks like


async def test_a_get_brings_status_headers_in_lower_case_and_body():
    async with site(web.get("/x", hello)) as port, network() as peer_network:
        answer = await peer_network.get(f"http://127.0.0.1:{port}/x")
        assert (answer.status, answer.headers["x-greeting"], answer.body) == (200, "hi", b"hello")
        assert (await peer_network.get(f"http://127.0.0.1:{port}/y")).status == 404


async def test_a_post_carries_its_body_and_type_and_asks_for_no_encoding():
    seen = {}

    async def take(request):
        seen.update(request.headers, body=await request.read())
        return web.Response(status=429, headers={"Retry-After": "7"})

    async with site(web.post("/peer", take)) as port, network() as peer_network:
        answer = await peer_network.post(f"http://127.0.0.1:{port}/peer", b"\x00\x01", content_type="a/b")
    assert (answer.status, answer.headers["retry-after"]) == (429, "7")
    assert seen["body"] == b"\x00\x01"
    assert seen["Content-Type"] == "a/b"
    assert seen["Accept-Encoding"] == "identity"
    assert seen["Content-Length"] == "2"
    assert seen["Host"] == f"127.0.0.1:{port}"


async def test_the_name_localhost_is_resolved_and_called():
    async with site(web.get("/", hello)) as port, network() as peer_network:
        assert (await peer_network.get(f"http://localhost:{port}/")).body == b"hello"


async def test_a_name_is_looked_up_once_for_a_link_that_is_kept():
    ports = set()

    async def note(request):
        ports.add(request.transport.get_extra_info("peername")[1])
        return web.Response()

    names = Names(node_test=[["127.0.0.1"]])
    async with site(web.get("/", note)) as port, network(resolver=names) as peer_network:
        for _ in range(3):
            await peer_network.get(f"http://node.test:{port}/")
    assert names.asked == ["node.test"]
    assert len(ports) == 1


async def test_the_second_address_is_called_if_the_first_refuses():
    names = Names(node_test=[["127.0.0.2", "127.0.0.1"]])
    async with site(web.get("/", hello)) as port, network(resolver=names) as peer_network:
        assert (await peer_network.get(f"http://node.test:{port}/")).body == b"hello"


async def test_no_cookie_is_kept_and_no_proxy_of_the_environment_used(monkeypatch):
    cookies = []

    async def cookie(request):
        cookies.append(request.headers.get("Cookie"))
        return web.Response(headers={"Set-Cookie": "a=b; Path=/"})

    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{free_port()}")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    names = Names(node_test=[["127.0.0.1"]])
    async with site(web.get("/", cookie)) as port, network(resolver=names) as peer_network:
        for _ in range(2):
            await peer_network.get(f"http://node.test:{port}/")
    assert cookies == [None, None]


async def test_nothing_is_opened_before_the_first_call_and_nothing_called_after_close():
    peer_network = AiohttpPeerNetwork(LOOPBACK_NODE)
    await peer_network.close()
    async with site(web.get("/", hello)) as port:
        error = await failure(peer_network, f"http://127.0.0.1:{port}/")
    assert error.cause is Cause.UNREACHABLE
    assert "stopping" in str(error)


# Nobody there


async def test_a_closed_port_is_unreachable():
    port = free_port()
    async with network() as peer_network:
        error = await failure(peer_network, f"http://127.0.0.1:{port}/secret")
    assert error.cause is Cause.UNREACHABLE
    assert f"127.0.0.1:{port} can't be connected to (connection refused)" in str(error)


@pytest.mark.parametrize("name", ["no-such-host.invalid", "a" * 64 + ".invalid", "a..invalid"])
async def test_a_name_that_nobody_has_is_unreachable(name):
    async with network(request_s_max=20) as peer_network:
        error = await failure(peer_network, f"http://{name}:1/")
    assert error.cause is Cause.UNREACHABLE
    assert f"The name in {name}:1 could not be resolved" in str(error)


async def test_a_server_that_hangs_up_is_unreachable():
    async with wire(says()) as (port, _), network() as peer_network:
        error = await failure(peer_network, f"http://127.0.0.1:{port}/")
    assert error.cause is Cause.UNREACHABLE
    assert f"127.0.0.1:{port}" in str(error)


async def test_a_link_that_is_reset_is_unreachable():
    async def reset(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        linger = socket.SO_LINGER
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, linger, b"\1\0\0\0\0\0\0\0")

    async with wire(reset) as (port, _), network() as peer_network:
        error = await failure(peer_network, f"http://127.0.0.1:{port}/")
    assert error.cause is Cause.UNREACHABLE


async def test_a_kept_link_that_ends_while_it_is_written_to_is_unreachable():
    error = network_error(ClientConnectionResetError("Cannot write to closing transport"), "a.test:80", limit_s=5)
    assert error.cause is Cause.UNREACHABLE


async def drip_head(_reader, writer):
    writer.write(b"HTTP/1.1 200 OK\r\nX: ")
    while True:
        writer.write(b"a")
        await writer.drain()
        await asyncio.sleep(0.02)


async def drip_body(_reader, writer):
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 60000\r\n\r\n")
    while True:
        writer.write(b"a")
        await writer.drain()
        await asyncio.sleep(0.02)


async def interim_for_ever(_reader, writer):
    while True:
        writer.write(b"HTTP/1.1 103 Early Hints\r\n\r\n")
        await writer.drain()
        await asyncio.sleep(0.001)


@pytest.mark.parametrize("talk", [stay_silent, drip_head, drip_body, interim_for_ever])
async def test_redirect_bomb_a_slow_drip_is_cut_by_the_time_limit(talk):
    async with wire(talk) as (port, _), network(request_s_max=0.3) as peer_network:
        error = await failure(peer_network, f"http://127.0.0.1:{port}/")
    assert error.cause is Cause.UNREACHABLE
    assert "did not answer within 0.3 s" in str(error)


async def test_a_slow_look_up_counts_in_the_time_limit():
    class Slow(Names):
        async def resolve(self, host, port=0, family=socket.AF_INET):
            await asyncio.sleep(60)
            return await super().resolve(host, port, family)

    async with network(request_s_max=0.2, resolver=Slow(node_test=[["127.0.0.1"]])) as peer_network:
        assert (await failure(peer_network, "http://node.test/")).cause is Cause.UNREACHABLE


# Somebody there, who is no node


@pytest.mark.parametrize(
    "garbage",
    [
        b"\x00\xff" * 40,
        b"SSH-2.0-OpenSSH_9.9\r\n",
        b"<html>hello</html>\r\n\r\n",
        b"HTTP/1.1 two hundred\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nab\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\n" + b"X: " + b"a" * 100_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: a\r\n" * 100 + b"\r\n",
    ],
)
async def test_garbage_is_not_a_node(garbage):
    async with wire(says(garbage)) as (port, _), network() as peer_network:
        error = await failure(peer_network, f"http://127.0.0.1:{port}/")
    assert error.cause is Cause.NOT_A_NODE
    assert f"127.0.0.1:{port}" in str(error)


async def test_redirect_bomb_a_redirect_is_an_answer_and_not_followed():
    called = []

    async def internal(_request):
        called.append(1)
        return web.Response()

    async def away(_request):
        raise web.HTTPTemporaryRedirect("/internal")

    async with (
        site(web.get("/", away), web.get("/internal", internal)) as port,
        network() as peer_network,
    ):
        answer = await peer_network.get(f"http://127.0.0.1:{port}/")
    assert (answer.status, answer.headers["location"], called) == (307, "/internal", [])


def gigabyte(head: bytes, sent: list[int]):
    async def talk(_reader, writer):
        writer.write(head)
        for _ in range(1024):
            writer.write(b"x" * 2**20 if b"chunked" not in head else b"100000\r\n" + b"x" * 2**20 + b"\r\n")
            await writer.drain()
            sent[0] += 2**20

    return talk


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 1073741824\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nX-Endless-Header: ",
    ],
)
async def test_redirect_bomb_a_body_of_a_gigabyte_is_cut_by_the_size_limit(head):
    sent = [0]
    async with wire(gigabyte(head, sent)) as (port, tasks), network() as peer_network:
        error = await failure(peer_network, f"http://127.0.0.1:{port}/")
        await asyncio.wait(tasks, timeout=30)
        assert all(task.done() for task in tasks), "the link is still open"
    assert error.cause is Cause.NOT_A_NODE
    assert sent[0] < 32 * 2**20


async def test_a_body_that_is_announced_too_long_is_not_waited_for():
    async def announce(reader, writer):
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1073741824\r\n\r\n")
        await reader.read()

    async with wire(announce) as (port, _), network() as peer_network:
        assert (await failure(peer_network, f"http://127.0.0.1:{port}/")).cause is Cause.NOT_A_NODE


@pytest.mark.parametrize(("size", "fits"), [(1000, True), (1001, False)])
@pytest.mark.parametrize("chunked", [True, False])
async def test_the_largest_body_is_read_and_one_byte_more_is_not(size, fits, chunked):
    async def body(request):
        response = web.StreamResponse()
        if chunked:
            response.enable_chunked_encoding()
        else:
            response.content_length = size
        await response.prepare(request)
        await response.write(b"x" * size)
        return response

    async with site(web.get("/", body)) as port, network(answer_bytes_max=1000) as peer_network:
        if fits:
            assert len((await peer_network.get(f"http://127.0.0.1:{port}/")).body) == size
        else:
            error = await failure(peer_network, f"http://127.0.0.1:{port}/")
            assert error.cause is Cause.NOT_A_NODE
            assert "more than 1,000 bytes" in str(error)


async def test_redirect_bomb_a_gzip_bomb_stays_packed():
    bomb = gzip.compress(bytes(20 * 2**20))

    async def packed(_request):
        return web.Response(body=bomb, headers={"Content-Encoding": "gzip"})

    async with site(web.get("/", packed)) as port, network() as peer_network:
        answer = await peer_network.get(f"http://127.0.0.1:{port}/")
    assert answer.body == bomb
    assert answer.headers["content-encoding"] == "gzip"


async def test_a_header_that_is_repeated_is_joined():
    head = b"HTTP/1.1 200 OK\r\nX-A: 1\r\nx-a: 2\r\nContent-Length: 0\r\n\r\n"
    async with wire(says(head)) as (port, _), network() as peer_network:
        answer = await peer_network.get(f"http://127.0.0.1:{port}/")
    assert answer == HttpAnswer(status=200, headers={"x-a": "1, 2", "content-length": "0"}, body=b"")
