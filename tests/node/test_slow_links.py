"""Links that say little, slowly or never, and those that end in mid-sentence: cut by limits, and no fault of the node."""

import asyncio
import contextlib
import socket

import pytest
import structlog
from aiohttp import web

from node import http_server
from node.admin import bodies
from tests.node.local_nodes import running_node

PATIENCE_S = 20
BEGUN = b"GET /healthz HTTP/1.1\r\nHost: a\r\n"


@pytest.fixture
async def served(monkeypatch):
    """The port of a server as a node has it, in a hurry."""
    monkeypatch.setattr(http_server, "IDLE_S_MAX", 0.3)
    app = web.Application()
    app.router.add_get("/healthz", _ok)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        runner = await http_server.serve_http(app, listening)
        yield listening.getsockname()[1]
        await runner.cleanup()


async def _ok(_request):
    return web.Response(text="ok")


async def drip(writer, data):
    """Byte for byte, as long as the other side lets it."""
    with contextlib.suppress(ConnectionError):
        while not writer.is_closing():
            for byte in data:
                writer.write(bytes([byte]))
                await writer.drain()
                await asyncio.sleep(0.01)


@pytest.mark.parametrize(
    ("said", "dripped"),
    [
        (b"", b""),
        (BEGUN, b""),
        (BEGUN, b"X-Drip: drip\r\n"),
        (BEGUN + b"\r\n", b""),
        (BEGUN + b"\r\n" + BEGUN, b"X-Drip: drip\r\n"),
    ],
    ids=["silence", "half a head", "a head that drips", "one request and no other", "a second head that drips"],
)
async def test_a_link_without_a_whole_head_is_closed_in_time(served, said, dripped):
    reader, writer = await asyncio.open_connection("127.0.0.1", served)
    writer.write(said)
    dripping = asyncio.create_task(drip(writer, dripped)) if dripped else None
    async with asyncio.timeout(PATIENCE_S):
        with contextlib.suppress(ConnectionError):
            while await reader.read(4096):
                pass
    writer.close()
    if dripping is not None:
        dripping.cancel()
        await asyncio.gather(dripping, return_exceptions=True)


@pytest.fixture
async def node(tmp_path):
    async with running_node(tmp_path / "a") as node:
        yield node


async def half_a_body(node):
    """A link on which an admin has begun to write."""
    link = await asyncio.open_connection("127.0.0.1", int(node.url.rpartition(":")[2]))
    link[1].write(
        b"POST /api/v1/connections HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
        b"Authorization: Bearer " + node.token.encode() + b"\r\nContent-Length: 1000\r\n\r\n{"
    )
    await link[1].drain()
    return link


@pytest.mark.parametrize("dripped", [b"", b" "], ids=["stalls", "drips"])
async def test_an_admins_body_that_stalls_or_drips_is_cut_off(node, monkeypatch, dripped):
    monkeypatch.setattr(bodies, "BODY_S_MAX", 0.3)
    reader, writer = await half_a_body(node)
    dripping = asyncio.create_task(drip(writer, dripped)) if dripped else None
    async with asyncio.timeout(PATIENCE_S):
        answer = await reader.readuntil(b"}")
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"/problems/too-slow" in answer
    writer.close()
    if dripping is not None:
        dripping.cancel()
        await asyncio.gather(dripping, return_exceptions=True)


async def test_an_admin_who_hangs_up_in_mid_body_is_no_failure_of_the_node(node):
    with structlog.testing.capture_logs() as log:
        _, writer = await half_a_body(node)
        await asyncio.sleep(0.1)
        writer.transport.abort()
        await asyncio.sleep(0.3)
    assert log == []
    assert (await node.admin("GET", "/connections"))[0] == 200
