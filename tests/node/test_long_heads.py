"""How long the head of a request to the instance may be, on real sockets: ServiceNow's clients write long URLs."""

import asyncio
import re
import socket
from contextlib import asynccontextmanager

import pytest
import structlog
from aiohttp import web

from node.http_server import INSTANCE_HEADS, NODE_HEADS, HeadLimits, serve_http
from node.tls.certificate import ServerCertificate
from tests.node.tls_files import certified

URL_MAX, FIELD_MAX = INSTANCE_HEADS.url_bytes_max, INSTANCE_HEADS.field_bytes_max
SLACK = 100


async def _echo(request):
    return web.Response(text=f"{len(request.raw_path)} {len(request.headers.get('X', ''))}")


@asynccontextmanager
async def served(*, heads=INSTANCE_HEADS, certificate=None):
    app = web.Application()
    app.router.add_get("/{path:.*}", _echo)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        runner = await serve_http(app, listening, certificate=certificate, heads=heads)
        try:
            yield listening.getsockname()[1]
        finally:
            await runner.cleanup()


async def answer(port, *, url=10, field=10, context=None):
    """Status, headers and body, for a URL and a field of that length."""
    names = {"ssl": context, "server_hostname": "localhost"} if context else {}
    reader, writer = await asyncio.open_connection("127.0.0.1", port, **names)
    head = f"GET /{'a' * (url - 1)} HTTP/1.1\r\nHost: a\r\nX: {'b' * field}\r\nConnection: close\r\n\r\n"
    writer.write(head.encode())
    async with asyncio.timeout(20):
        said = (await reader.read()).decode()
    writer.close()
    head, _, body = said.partition("\r\n\r\n")
    return int(head.split()[1]), head, body


@pytest.mark.parametrize("url", [8_191, 12_000, URL_MAX])
async def test_a_url_up_to_the_limit_reaches_the_instance(url):
    async with served() as port:
        status, _, body = await answer(port, url=url)
    assert (status, body) == (200, f"{url} 10")


@pytest.mark.parametrize("url", [URL_MAX + 1, 23_000, 200_000])
async def test_a_longer_url_is_refused_by_414_with_a_page(url):
    async with served() as port:
        with structlog.testing.capture_logs() as log:
            status, head, body = await answer(port, url=url)
        assert status == 414
        assert re.match(r"HTTP/1\.[01] 414 URI Too Long", head)
        assert "Content-Type: text/html; charset=utf-8" in head
        assert re.match(r"^<.*html>", body), "this is how ServiceNow's own client knows it"
        assert "16,384 bytes" in body
        assert "aaaa" not in body
        assert [(line["event"], line["log_level"]) for line in log] == [("malformed_http", "debug")]
        assert (await answer(port))[0] == 200


async def test_at_the_node_url_the_page_says_where_a_long_query_belongs():
    async with served(heads=NODE_HEADS) as port:
        assert (await answer(port, url=8_190))[0] == 200
        status, head, body = await answer(port, url=8_191)
    assert (status, "text/html" in head) == (414, True)
    assert "8,190 bytes. In the console, a query of any length can be pasted under Encoded query" in body


@pytest.mark.parametrize("field", [8_191, URL_MAX, FIELD_MAX - SLACK])
async def test_a_field_up_to_the_limit_reaches_the_instance(field):
    async with served() as port:
        status, _, body = await answer(port, field=field)
    assert (status, body) == (200, f"10 {field}")


async def test_a_longer_field_is_refused_by_431_with_a_page():
    async with served() as port:
        _, head, body = await answer(port, field=FIELD_MAX + 1)
    assert re.match(r"HTTP/1\.[01] 431 Request Header Fields Too Large", head)
    assert body.startswith("<html>")
    assert "bbbb" not in body


async def test_the_same_holds_over_https(tmp_path):
    one = certified(tmp_path)
    async with served(certificate=ServerCertificate(one.files)) as port:
        assert (await answer(port, url=URL_MAX, context=one.client()))[0] == 200
        status, _, body = await answer(port, url=23_000, context=one.client())
    assert (status, body.startswith("<html>")) == (414, True)


async def test_other_mistakes_are_answered_as_ever():
    async with served() as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET / HTTP/9.9\r\n\r\n")
        said = await reader.read()
        writer.close()
    assert said.startswith((b"HTTP/1.0 400 Bad Request", b"HTTP/1.1 400 Bad Request"))
    assert b"text/plain" in said


@pytest.mark.parametrize("length", [{"url": 8_191}, {"field": 8_191}], ids=["url", "field"])
async def test_where_nothing_is_said_heads_are_as_short_as_aiohttp_has_them(length):
    async with served(heads=None) as port:
        status, head, _ = await answer(port, **length)
    assert status == 400
    assert "text/plain" in head


def test_the_two_limits_differ_for_it_is_by_them_that_a_long_line_is_known():
    with pytest.raises(ValueError, match="the same"):
        HeadLimits(url_bytes_max=1, field_bytes_max=1)
