"""Abuse by what a partner tells of itself (protocol section 8): its URL and its texts, at a running node."""

from __future__ import annotations

import asyncio

import pytest
from aiohttp import web

from protocol.envelope import envelope_bytes
from tests.node.envelopes import STRANGER, acceptance, ask, details, tell
from tests.node.local_nodes import running_node
from tests.node.loopback_servers import site


@pytest.fixture
async def a(tmp_path):
    async with running_node(tmp_path / "a", name="a") as node:
        yield node


async def taken_by_a_stranger(a, **told):
    """A connection whose destination tells this of itself, once its source has something to say to it."""
    offered = await a.initiate(None, ask_me=False)
    sys_id = offered["connection"]["sys_id"]
    await ask(a, acceptance(a, offered["invitation_code"], STRANGER, details(**told)), STRANGER)
    await a.until(sys_id, "active")
    await a.admin("POST", f"/connections/{sys_id}/deactivate", {})
    return sys_id


async def told_why(a, sys_id):
    for _ in range(300):
        connection = await a.connection(sys_id)
        if connection["waiting"] is not None:
            return connection["waiting"]["cause"], connection["partner"]["node_url"]
        await asyncio.sleep(0.02)
    raise AssertionError("it never told what it waits for")


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "http://user@127.0.0.1:5432", "http://u:p@127.0.0.1", "ftp://127.0.0.1", "//h", ""]
)
async def test_move_to_internal_what_is_no_plain_url_makes_nobody_a_partner(a, url):
    offered = await a.initiate(None, ask_me=False)
    accept = acceptance(a, offered["invitation_code"], STRANGER, details(node_url=url))
    assert (await tell(a, envelope_bytes(accept))).status == 400
    assert (await a.connection(offered["connection"]["sys_id"]))["status"] == "pending"


@pytest.mark.parametrize("url", ["http://169.254.169.254", "http://[fd00:ec2::254]", "http://0.0.0.0:5432"])
async def test_move_to_internal_a_blocked_address_is_shown_as_text_and_not_called(a, url):
    sys_id = await taken_by_a_stranger(a, node_url=url)
    assert await told_why(a, sys_id) == ("address-blocked", url)


async def test_move_to_internal_what_is_not_the_partners_node_is_sent_nothing(a):
    """The port of somebody else at an address that may be called: it is asked who it is, and no more."""
    seen = []

    async def somebody_else(request):
        seen.append((request.method, request.path))
        return web.Response(text="a database")

    async with site(web.route("*", "/{path:.*}", somebody_else)) as port:
        sys_id = await taken_by_a_stranger(a, node_url=f"http://127.0.0.1:{port}")
        assert await told_why(a, sys_id) == ("not-a-node", f"http://127.0.0.1:{port}")
    assert set(seen) == {("GET", "/.well-known/handclasp")}


@pytest.mark.parametrize("field", ["node_name", "name", "source_short_name", "destination_short_name", "software"])
@pytest.mark.parametrize(
    "text", ["safe\u202etxt.exe", "two\nlines", "nul\0", "n" * 10_000], ids=["marks", "a new line", "nul", "too long"]
)
async def test_peer_text_that_is_unfit_to_be_shown_makes_nobody_a_partner(a, field, text):
    offered = await a.initiate(None, ask_me=False)
    accept = acceptance(a, offered["invitation_code"], STRANGER, details(**{field: text}))
    assert (await tell(a, envelope_bytes(accept))).status == 400
    assert (await a.connection(offered["connection"]["sys_id"]))["status"] == "pending"


async def test_peer_text_that_is_markup_is_text(a):
    markup = "<script>alert(1)</script>"
    sys_id = await taken_by_a_stranger(a, node_name=markup)
    headers = {"Authorization": f"Bearer {a.token}"}
    async with a.http.get(f"{a.url}/api/v1/connections/{sys_id}", headers=headers) as answer:
        assert answer.content_type == "application/json"
        assert (await answer.json())["connection"]["partner"]["name"] == markup
