"""Servers on loopback for the tests of the peer network, well-behaved and hostile, and a client for them."""

from __future__ import annotations

import asyncio
import socket
import ssl
import subprocess
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from aiohttp.abc import AbstractResolver

from node.network.addresses import AddressPolicy, Reach
from node.network.client import AiohttpPeerNetwork
from node.ports import NetworkError

LOOPBACK_NODE = AddressPolicy(own=Reach.LOOPBACK)
PRIVATE_NODE = AddressPolicy(own=Reach.PRIVATE)
PUBLIC_NODE = AddressPolicy(own=Reach.PUBLIC)


class Names(AbstractResolver):
    """A resolver with its own telephone book; the last list of a name repeats."""

    def __init__(self, **book):
        self.book = {name.replace("_", "."): list(answers) for name, answers in book.items()}
        self.asked = []

    async def resolve(self, host, port=0, family=socket.AF_INET):  # aiohttp's signature
        self.asked.append(host)
        answers = self.book[host]
        texts = answers.pop(0) if len(answers) > 1 else answers[0]
        return [
            {
                "hostname": host,
                "host": text,
                "port": port,
                "family": socket.AF_INET6 if ":" in text else socket.AF_INET,
                "proto": 0,
                "flags": socket.AI_NUMERICHOST,
            }
            for text in texts
        ]

    async def close(self):
        pass


@asynccontextmanager
async def network(policy=LOOPBACK_NODE, **options):
    peer_network = AiohttpPeerNetwork(policy, **{"request_s_max": 5, **options})
    try:
        yield peer_network
    finally:
        await peer_network.close()


@asynccontextmanager
async def site(*routes, host="127.0.0.1", ssl_context=None):
    """An aiohttp server; yields its port."""
    app = web.Application()
    app.add_routes(routes)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, 0, ssl_context=ssl_context).start()
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


@asynccontextmanager
async def wire(talk, *, ssl_context=None):
    """A server of bare bytes; `talk(reader, writer)` gets each link. Yields port and links' tasks."""
    tasks = []

    async def serve(reader, writer):
        tasks.append(asyncio.current_task())
        try:
            await talk(reader, writer)
        except (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.transport.abort()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=ssl_context)
    try:
        yield server.sockets[0].getsockname()[1], tasks
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await server.wait_closed()


def says(*parts: bytes):
    """A talk that reads a request's head, writes the parts and hangs up."""

    async def talk(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        for part in parts:
            writer.write(part)
        await writer.drain()
        writer.write_eof()
        await reader.read()

    return talk


async def failure(peer_network, url) -> NetworkError:
    with pytest.raises(NetworkError) as caught:
        await peer_network.get(url)
    sentence = str(caught.value)
    assert sentence[-1] == "."
    assert "/secret" not in sentence
    return caught.value


async def hello(_request):
    return web.Response(text="hello", headers={"X-Greeting": "hi"})


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


async def stay_silent(reader, _writer):
    await reader.read()


def certificate(folder, name: str, san: str, *options: str):
    key, cert = folder / f"{name}.key", folder / f"{name}.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
         "-keyout", key, "-out", cert, "-days", "2", "-subj", f"/CN={name}",
         "-addext", f"subjectAltName={san}",
         *options],
        check=True, capture_output=True,
    )  # fmt: skip
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    return cert, context
