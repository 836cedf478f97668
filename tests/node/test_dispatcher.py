"""Delivery: said until it is echoed, whatever comes back in between."""

import asyncio

import pytest
from aiohttp import web

from tests.node.local_nodes import running_node


@pytest.fixture
async def b(tmp_path):
    async with running_node(tmp_path / "b", name="b") as node:
        yield node


async def waiting_of(node, sys_id):
    for _ in range(300):
        waiting = (await node.connection(sys_id))["waiting"]
        if waiting is not None:
            return waiting
        await asyncio.sleep(0.02)
    raise AssertionError("it never told what it waits for")


class Impostor:
    """An HTTP server where the source should be; it answers everything alike."""

    def __init__(self, answer) -> None:
        self.answer = answer
        self.posts = 0

    async def __aenter__(self):
        app = web.Application()

        async def handle(request):
            self.posts += request.method == "POST"
            return self.answer()

        app.router.add_route("*", "/{path:.*}", handle)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        return self

    async def listen(self, port):
        self._site = web.TCPSite(self._runner, "127.0.0.1", port, reuse_address=True)
        await self._site.start()

    async def __aexit__(self, *_):
        await self._runner.cleanup()


PORTALS = {
    "a page of a captive portal": (lambda: web.Response(text="<html>log in</html>"), "not-a-node"),
    "a redirect": (lambda: web.Response(status=302, headers={"Location": "http://127.0.0.1:9/"}), "not-a-node"),
    "401": (lambda: web.Response(status=401), "not-a-node"),
    "404": (lambda: web.Response(status=404), "not-a-node"),
    "410": (lambda: web.Response(status=410), "not-a-node"),
    "451": (lambda: web.Response(status=451), "not-a-node"),
    "502": (lambda: web.Response(status=502), "not-a-node"),
    "an unsigned conflict": (lambda: web.json_response({"error": "closed"}, status=409), "not-a-node"),
}


@pytest.mark.parametrize("case", PORTALS)
async def test_portal_what_is_no_verified_answer_is_retried_and_its_cause_is_shown(case, tmp_path, b):
    answer, cause = PORTALS[case]
    async with running_node(tmp_path / "a") as a:
        offered = await a.initiate(b)
        port = int(a.url.rpartition(":")[2])
    sys_id = offered["connection"]["sys_id"]
    async with Impostor(answer) as impostor:
        await impostor.listen(port)
        await b.accept(offered["invitation_code"])
        waiting = await waiting_of(b, sys_id)
        assert waiting["cause"] == cause
        assert waiting["tries"] >= 1
        assert impostor.posts == 0  # nothing is pushed to what does not show the pinned key
    async with running_node(tmp_path / "a", port=port) as a:
        await b.until(sys_id, "active", tries=1500)


async def test_other_node_at_url_is_told_as_such_and_learns_nothing(tmp_path, b):
    async with running_node(tmp_path / "a") as a:
        offered = await a.initiate(b)
        port = int(a.url.rpartition(":")[2])
    sys_id = offered["connection"]["sys_id"]
    async with running_node(tmp_path / "other", port=port) as other:
        await b.accept(offered["invitation_code"])
        assert (await waiting_of(b, sys_id))["cause"] == "other-node"
        assert (await other.admin("GET", "/connections"))[1]["connections"] == []


async def test_what_was_owed_before_a_restart_is_delivered_after_it(tmp_path):
    async with running_node(tmp_path / "a") as a:
        port = int(a.url.rpartition(":")[2])
        offered = await a.initiate(None, ask_me=False)
    async with running_node(tmp_path / "b") as b:
        await b.accept(offered["invitation_code"])
        await waiting_of(b, offered["connection"]["sys_id"])
    async with running_node(tmp_path / "a", port=port) as a, running_node(tmp_path / "b") as b:
        await b.until(offered["connection"]["sys_id"], "active", tries=1500)
        assert not (await b.connection(offered["connection"]["sys_id"]))["owed"]


async def test_a_destination_that_missed_its_activation_learns_it_when_it_starts(tmp_path):
    """The answer is lost after the source's commit; the accept is owed, so it is asked again."""
    async with running_node(tmp_path / "a") as a, running_node(tmp_path / "b") as b:
        offered = await a.initiate(None, ask_me=False)
        post = b.node.context.network.post
        lost = 0

        async def losing(url, body, *, content_type):
            nonlocal lost
            await post(url, body, content_type=content_type)
            lost += 1
            raise ConnectionResetError

        b.node.context.network.post = losing
        await b.accept(offered["invitation_code"])
        await a.until(offered["connection"]["sys_id"], "active")
        assert lost == 1
        assert (await b.connection(offered["connection"]["sys_id"]))["status"] == "accepting"
        b.node.context.network.post = post
        await b.until(offered["connection"]["sys_id"], "active", tries=1500)


async def test_a_partner_that_is_away_delays_nobody_else(tmp_path, b):
    async with running_node(tmp_path / "away") as away:
        offered = await away.initiate(None, ask_me=False, name="away")
    await b.accept(offered["invitation_code"])
    await waiting_of(b, offered["connection"]["sys_id"])
    async with running_node(tmp_path / "here") as here:
        reached = await here.initiate(None, ask_me=False, name="here")
        await b.accept(reached["invitation_code"])
        await b.until(reached["connection"]["sys_id"], "active")
