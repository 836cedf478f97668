"""The listeners of a node that speaks https: real sockets, clients that know how, and others."""

import asyncio
import contextlib
import errno
import socket
import ssl
import warnings

import aiohttp
import pytest
import structlog
from aiohttp import web

from node.http_server import serve_http
from node.tls import links
from node.tls.certificate import ServerCertificate
from tests.node.tls_files import certified

PATIENCE_S = 20
HELLO = bytes.fromhex("16030100f8010000f40303")
"""The beginning of a TLS greeting."""


class Served:
    """An https server as a node has it, in the test's own process."""

    def __init__(self, one, port, runner):
        self._runner = runner
        self.certified = one
        self.port = port
        self._writers = []

    async def link(self, **more):
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port, **more)
        self._writers.append(writer)
        return reader, writer

    async def stop(self):
        async with asyncio.timeout(PATIENCE_S):
            await self._runner.cleanup()

    async def close_links(self):
        for writer in self._writers:
            writer.transport.abort()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def tls_link(self, context=None):
        return await self.link(ssl=context or self.certified.client(), server_hostname="localhost")

    async def said(self, data):
        """All that is answered to bare bytes, until the server hangs up."""
        reader, writer = await self.link()
        writer.write(data)
        try:
            async with asyncio.timeout(PATIENCE_S):
                return await reader.read()
        except ConnectionError:
            return b"reset"


async def _scheme(request):
    return web.Response(text=request.scheme)


@contextlib.asynccontextmanager
async def serving(one):
    app = web.Application()
    app.router.add_get("/", _scheme)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        runner = await serve_http(app, listening, certificate=ServerCertificate(one.files))
        served = Served(one, listening.getsockname()[1], runner)
        try:
            yield served
        finally:
            await served.stop()
            await served.close_links()


@pytest.fixture
async def served(tmp_path):
    async with serving(certified(tmp_path / "tls")) as served:
        yield served


@pytest.fixture
def told(caplog):
    """What is logged: this project's lines, and nothing may come from asyncio or aiohttp."""
    with structlog.testing.capture_logs() as log:
        yield log
    assert caplog.records == []


async def until_told(log):
    async with asyncio.timeout(PATIENCE_S):
        while not log:
            await asyncio.sleep(0.01)
    (line,) = log
    assert (line["log_level"], line["event"], line["remote"]) == ("debug", "malformed_tls", "127.0.0.1")
    return line["why"]


GET = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"


async def get(reader, writer):
    """One answer, over a link that is kept."""
    writer.write(GET)
    async with asyncio.timeout(PATIENCE_S):
        head = await reader.readuntil(b"\r\n\r\n")
        return head.splitlines()[0], await reader.readexactly(5)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_a_client_that_trusts_the_authority_is_served(served, host):
    connector = aiohttp.TCPConnector(ssl=served.certified.client())
    async with aiohttp.ClientSession(connector=connector) as http:
        for _ in range(2):
            async with http.get(f"https://{host}:{served.port}/") as answer:
                assert (answer.status, await answer.text()) == (200, "https")


async def test_a_client_that_offers_http_2_gets_http_1(served):
    context = served.certified.client()
    context.set_alpn_protocols(["h2", "http/1.1"])
    _, writer = await served.tls_link(context)
    assert writer.get_extra_info("ssl_object").selected_alpn_protocol() == "http/1.1"
    assert writer.get_extra_info("ssl_object").version() == "TLSv1.3"


async def test_tls_1_2_is_spoken_and_nothing_older(served, told):
    context = served.certified.client()
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    reader, writer = await served.tls_link(context)
    assert writer.get_extra_info("ssl_object").version() == "TLSv1.2"
    assert await get(reader, writer) == (b"HTTP/1.1 200 OK", b"https")
    old = served.certified.client()
    with warnings.catch_warnings(action="ignore", category=DeprecationWarning):
        old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
    old.set_ciphers("DEFAULT:@SECLEVEL=0")
    with pytest.raises(OSError, match=r".*"):
        await served.tls_link(old)
    assert await until_told(told) == "UNSUPPORTED_PROTOCOL"


@pytest.mark.parametrize(
    "data",
    [GET, b"POST /peer HTTP/1.1\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"\x00", b"a" * 40_000],
    ids=["a request", "half a head", "HTTP/2 in clear", "a zero byte", "a long line"],
)
async def test_who_does_not_speak_tls_is_told_so_by_http(served, told, data):
    answer = await served.said(data)
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert b"Content-Length: %d" % len(body) in head
    assert body == b"This port speaks https only: begin the URL with https:// instead of http://.\n"
    assert await until_told(told) == "no TLS"


@pytest.mark.parametrize(
    "data", [HELLO + b"\x00" * 400, b"\x16", HELLO], ids=["a broken greeting", "one byte", "half a greeting"]
)
async def test_a_broken_greeting_is_one_quiet_line(served, told, monkeypatch, data):
    monkeypatch.setattr(links, "HANDSHAKE_S_MAX", 0.3)
    assert await served.said(data) in {b"", b"reset"}
    assert await until_told(told)


async def test_silence_is_cut_off(served, told, monkeypatch):
    monkeypatch.setattr(links, "SILENCE_S_MAX", 0.2)
    assert await served.said(b"") == b""
    assert await until_told(told) == "TimeoutError"


async def test_a_look_whether_the_port_is_open_is_one_quiet_line(served, told):
    _, writer = await served.link()
    writer.close()
    assert await until_told(told) == "no TLS"


async def test_a_client_that_does_not_trust_the_authority_is_one_quiet_line(served, told):
    with pytest.raises(ssl.SSLCertVerificationError):
        await served.tls_link(ssl.create_default_context())
    assert await until_told(told)


async def test_garbage_behind_the_handshake_ends_the_link_and_nothing_else(served, told):
    reader, writer = await served.tls_link()
    bare = writer.transport._ssl_protocol._transport
    bare.write(b"\x17\x03\x03\x00\x05garba")
    async with asyncio.timeout(PATIENCE_S):
        with contextlib.suppress(OSError):
            assert await reader.read() == b""
    assert told == []
    assert await get(*await served.tls_link()) == (b"HTTP/1.1 200 OK", b"https")


async def test_links_that_say_nothing_do_not_keep_others_waiting(served):
    for _ in range(20):
        await served.link()
    assert await get(*await served.tls_link()) == (b"HTTP/1.1 200 OK", b"https")


async def test_a_renewed_certificate_is_shown_to_new_links_and_old_ones_go_on(served, tmp_path):
    reader, writer = await served.tls_link()
    before = served.certified.client()
    served.certified = certified(tmp_path / "tls")
    assert await get(*await served.tls_link()) == (b"HTTP/1.1 200 OK", b"https")
    with pytest.raises(ssl.SSLCertVerificationError):
        await served.tls_link(before)
    assert await get(reader, writer) == (b"HTTP/1.1 200 OK", b"https")


async def test_no_room_for_a_link_is_told_and_passes(served, monkeypatch):
    monkeypatch.setattr(links, "PAUSE_S", 0.01)
    loop = asyncio.get_running_loop()
    accept, fails = loop.sock_accept, [OSError(errno.EMFILE, "Too many open files"), ConnectionAbortedError()]

    async def full(listening):
        if fails:
            raise fails.pop(0)
        return await accept(listening)

    monkeypatch.setattr(loop, "sock_accept", full)
    with structlog.testing.capture_logs() as log:
        for _ in range(2):
            assert await get(*await served.tls_link()) == (b"HTTP/1.1 200 OK", b"https")
    assert [(line["event"], line["why"]) for line in log] == [("no_link_taken", "Too many open files")]


async def test_the_server_ends_with_links_in_every_state(tmp_path, monkeypatch):
    """The silent one, the one in mid-handshake, and the idle one: none is waited for."""
    for limit in ("SILENCE_S_MAX", "HANDSHAKE_S_MAX"):
        monkeypatch.setattr(links, limit, 3 * PATIENCE_S)
    async with serving(certified(tmp_path / "tls")) as served:
        silent, half, idle = await served.link(), await served.link(), await served.tls_link()
        half[1].write(HELLO)
        await get(*idle)
        await served.stop()
        async with asyncio.timeout(PATIENCE_S):
            for reader, _ in (silent, half, idle):
                with contextlib.suppress(ConnectionError):
                    assert await reader.read() == b""
        with pytest.raises(ConnectionRefusedError):
            await served.link()
