"""The REST APIs on a socket: what stands in the heads of requests and answers."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import web

from node.instance.first_records import ADMIN
from node.instance.rest import api
from tests.node.instance.rest_world import SHARED, RestWorld, served

if TYPE_CHECKING:
    from node.instance.database import Transaction
    from node.instance.rest.calls import Answer
    from node.instance.viewer import Viewer

pytestmark = SHARED

ENDLESS = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT count(*) FROM n"
RECORD = "/api/now/table/incident/{}?sysparm_fields=opened_by"


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (b"Host: acme.example:8443", "http://acme.example:8443"),
        (b"Host: a\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: acme.example", "https://acme.example"),
        (b"Host: a\r\nX-Forwarded-Proto: https, http\r\nX-Forwarded-Host: acme.example, b", "https://acme.example"),
        (b"Host: a\r\nX-Forwarded-Proto: javascript", "http://a"),
        (b"Host: a\r\nX-Forwarded-Host: b/c", "http://localhost"),
        (b"Host: a\r\nX-Forwarded-Host: b\xff", "http://localhost"),
    ],
)
async def test_links_begin_with_the_instance_as_the_client_reached_it(
    rest: RestWorld, head: bytes, expected: str
) -> None:
    record = await rest.make("incident", opened_by=ADMIN)
    async with served(rest) as client:
        reader, writer = await asyncio.open_connection("127.0.0.1", client.server.port)
        writer.write(f"GET {RECORD.format(record)} HTTP/1.1\r\n".encode() + head + b"\r\nConnection: close\r\n\r\n")
        answer = (await reader.read()).decode()
        writer.close()
    assert answer.startswith("HTTP/1.1 200 ")
    assert f'"link":"{expected}/api/now/table/sys_user/{ADMIN}"' in answer


async def test_no_answer_is_kept_by_what_lies_between(rest: RestWorld) -> None:
    async with served(rest) as client:
        for path, status in (("table/incident", 200), ("table/none", 400)):
            async with client.get(f"/api/now/{path}") as answer:
                assert (answer.status, answer.headers["Cache-Control"]) == (status, "no-store")


async def test_a_refusal_of_who_asks_is_handed_on_whole(rest: RestWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    async def nobody(_request: web.Request) -> Viewer:
        raise web.HTTPUnauthorized(text="who?", headers={"WWW-Authenticate": "Basic"})

    monkeypatch.setattr(rest.api, "_viewer_of", nobody)
    async with served(rest) as client, client.get("/api/now/table/incident") as answer:
        assert (answer.status, answer.headers["WWW-Authenticate"], await answer.text()) == (401, "Basic", "who?")


async def test_a_body_that_is_too_large_is_refused_in_the_form_of_the_apis(rest: RestWorld) -> None:
    large = b"x" * 1_001
    async with served(rest, bytes_max=1_000) as client, client.post("/api/now/table/incident", data=large) as answer:
        told = await answer.json()
    assert (answer.status, told["status"], told["error"]["message"]) == (413, "failure", "Request entity too large")


async def test_a_path_is_read_with_its_signs_decoded_and_slashes_at_its_ends(rest: RestWorld) -> None:
    group = await rest.make("sys_user_group", sys_id="of_a-group", name="Desk")
    for path in ("table/sys%5Fuser_group/of%5Fa%2Dgroup", "v2/table/sys_user_group/of_a-group/"):
        assert (await rest("GET", path)).result["sys_id"] == group


async def test_a_search_ends_with_the_client_that_asked_for_it(
    rest: RestWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api, "LOOKS_AGAIN_S", 0.02)
    begun, ended = asyncio.Event(), asyncio.Event()
    router, loop = rest.api.router, asyncio.get_running_loop()

    def search(tx: Transaction) -> None:
        loop.call_soon_threadsafe(begun.set)
        try:
            tx.connection.exec_driver_sql(ENDLESS).fetchall()
        finally:
            loop.call_soon_threadsafe(ended.set)

    async def searching(_call: Any) -> Answer:
        await (await rest.instance.database()).read(search)
        raise AssertionError

    monkeypatch.setattr(router, "find", lambda _call: (searching, []))
    app = web.Application()
    app.router.add_route("*", "/api/{rest:.*}", rest.api.handle)
    runner = web.AppRunner(
        app
    )  # as the node's own, and unlike one of aiohttp's for tests, it cancels no handler itself
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        _, writer = await asyncio.open_connection(*runner.addresses[0])
        writer.write(b"GET /api/now/table/incident HTTP/1.1\r\nHost: x\r\n\r\n")
        await begun.wait()
        writer.close()
        async with asyncio.timeout(20):
            await ended.wait()
    finally:
        await runner.cleanup()
