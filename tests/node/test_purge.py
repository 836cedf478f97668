"""Tombstones: a source's goes once nobody can need it, a destination's own never."""

import asyncio
from contextlib import asynccontextmanager

import pytest

from node.connections import purging
from tests.node.local_nodes import running_node

DAY_S = 24 * 3600


@pytest.fixture
async def a(tmp_path):
    async with running_node(tmp_path / "a", name="a") as node:
        yield node


@pytest.fixture
async def b(tmp_path):
    async with running_node(tmp_path / "b", name="b") as node:
        yield node


def rows(node):
    """Every connection in the node's database, hidden ones too."""

    def unit(tx):
        found = tx.exec_driver_sql("SELECT sys_id, hidden, owed FROM connections ORDER BY n").all()
        return {row.sys_id: (bool(row.hidden), bool(row.owed)) for row in found}

    return node.node.context.store.run(unit)


async def purged(node, *, ahead_s=0.0):
    node.clock.ahead_s = ahead_s
    await purging.purge(node.node.context)
    return await rows(node)


async def removed(a, b, *, hidden=True):
    offered = await a.initiate(b)
    sys_id = offered["connection"]["sys_id"]
    await b.accept(offered["invitation_code"])
    await a.until(sys_id, "active")
    await b.until(sys_id, "active")
    for node in (a, b):
        for _ in range(2 if hidden else 1):
            await node.admin("POST", f"/connections/{sys_id}/remove", {})
            await node_settled(node, sys_id)
    return sys_id, offered["invitation_code"]


async def node_settled(node, sys_id):
    for _ in range(300):
        if not (await rows(node))[sys_id][1]:
            return
        await asyncio.sleep(0.02)
    raise AssertionError("still owed")


async def test_a_sources_tombstone_goes_after_the_codes_expiry_and_late_messages_are_still_refused(a, b):
    sys_id, code = await removed(a, b)
    assert sys_id in await purged(a), "its code could still come"
    assert await purged(a, ahead_s=8 * DAY_S) == {}
    a.clock.ahead_s = 0
    assert sys_id in await purged(b, ahead_s=400 * DAY_S), "a destination keeps its own for good"
    b.clock.ahead_s = 0
    status, problem = await b.accept(code)
    assert (status, problem["type"]) == (422, "/problems/code-refused")


async def test_what_is_shown_stays(a, b):
    sys_id, _ = await removed(a, b, hidden=False)
    assert sys_id in await purged(a, ahead_s=400 * DAY_S)


async def test_what_is_owed_stays(a, tmp_path):
    async with running_node(tmp_path / "away", name="away") as away:
        offered = await a.initiate(away)
        sys_id = offered["connection"]["sys_id"]
        await away.accept(offered["invitation_code"])
        await a.until(sys_id, "active")
    for _ in range(2):
        await a.admin("POST", f"/connections/{sys_id}/remove", {})
    assert await purged(a, ahead_s=400 * DAY_S) == {sys_id: (True, True)}


@asynccontextmanager
async def mute(node):
    """Nothing of what it says arrives; yields where that would have gone."""
    heard, post = [], node.node.context.network.post

    async def lost(url, body, *, content_type):
        heard.append(url)
        raise ConnectionResetError

    node.node.context.network.post = lost
    yield heard
    while not heard:
        await asyncio.sleep(0.02)
    node.node.context.network.post = post


async def announced_tombstone(a, b):
    """A withdrawal that reaches a destination which has never heard of the connection."""
    async with mute(a):
        offered = await a.initiate(b)
    sys_id = offered["connection"]["sys_id"]
    await a.admin("POST", f"/connections/{sys_id}/withdraw", {})
    await a.admin("POST", f"/connections/{sys_id}/retry", {})
    await node_settled(a, sys_id)
    return sys_id


async def test_a_tombstone_that_only_anothers_word_made_goes_after_thirty_days(a, b):
    sys_id = await announced_tombstone(a, b)
    assert await rows(b) == {sys_id: (True, False)}
    assert sys_id in await purged(b, ahead_s=29 * DAY_S)
    assert await purged(b, ahead_s=31 * DAY_S) == {}


async def test_a_tombstone_that_nobody_saw_is_not_shown_when_a_newer_code_ends_unheard_too(a, b):
    async with mute(a):
        offered = await a.initiate(b, code_lifetime_s=60)
    sys_id = offered["connection"]["sys_id"]
    a.clock.ahead_s = 61
    a.node.context.signals.expiry(0)
    await a.until(sys_id, "closed")
    await a.admin("POST", f"/connections/{sys_id}/retry", {})
    await node_settled(a, sys_id)
    assert await rows(b) == {sys_id: (True, False)}
    async with mute(a):
        status, _ = await a.admin("POST", f"/connections/{sys_id}/new-code", {})
        assert status == 201
    await a.admin("POST", f"/connections/{sys_id}/withdraw", {})
    await a.admin("POST", f"/connections/{sys_id}/retry", {})
    await node_settled(a, sys_id)
    assert await rows(b) == {sys_id: (True, False)}
    assert (await b.admin("GET", "/connections"))[1]["connections"] == []


async def test_watchers_are_told_when_a_newer_code_that_was_never_seen_ends_what_was_accepted(a, b):
    offered = await a.initiate(b)
    sys_id = offered["connection"]["sys_id"]
    await b.until(sys_id, "invited")
    await node_settled(a, sys_id)  # else the answer to its announcement may tell of the acceptance
    async with mute(b):
        await b.accept(offered["invitation_code"])
        async with mute(a):
            assert (await a.admin("POST", f"/connections/{sys_id}/new-code", {}))[0] == 201
        await a.admin("POST", f"/connections/{sys_id}/withdraw", {})
        await a.admin("POST", f"/connections/{sys_id}/retry", {})
        await b.until(sys_id, "closed")
    told = (await b.admin("GET", f"/connections/{sys_id}/events"))[1]["events"]
    assert [event["data"]["status"] for event in told] == ["accepting", "closed"]


async def test_what_the_destinations_admin_declined_stays_for_good(a, b):
    offered = await a.initiate(b)
    sys_id = offered["connection"]["sys_id"]
    await b.until(sys_id, "invited")
    await b.admin("POST", f"/connections/{sys_id}/decline", {})
    await node_settled(b, sys_id)
    await b.admin("POST", f"/connections/{sys_id}/remove", {})
    assert await purged(b, ahead_s=400 * DAY_S) == {sys_id: (True, False)}


async def test_a_run_is_bounded_and_says_that_there_is_more(a, b, monkeypatch):
    monkeypatch.setattr(purging, "PURGED_AT_ONCE_MAX", 2)
    for _ in range(3):
        offered = await a.initiate(None)
        for _ in range(2):
            await a.admin("POST", f"/connections/{offered['connection']['sys_id']}/remove", {})
    a.clock.ahead_s = 8 * DAY_S
    assert await purging.purge(a.node.context)
    assert len(await rows(a)) == 1
    assert not await purging.purge(a.node.context)
    assert await rows(a) == {}


async def test_it_happens_by_itself(a, tmp_path, monkeypatch):
    monkeypatch.setattr("node.app.PURGE_S", 0.05)
    async with running_node(tmp_path / "c") as c:
        offered = await c.initiate(None)
        for _ in range(2):
            await c.admin("POST", f"/connections/{offered['connection']['sys_id']}/remove", {})
        c.clock.ahead_s = 8 * DAY_S
        for _ in range(100):
            if not await rows(c):
                return
            await asyncio.sleep(0.02)
        raise AssertionError("it stays")


async def test_a_repeated_write_about_a_connection_that_has_gone_is_told_so(a):
    body = {"name": "once", "local_short_name": "a", "remote_short_name": "b"}
    headers = {"Authorization": f"Bearer {a.token}", "Idempotency-Key": "k"}

    async def initiate():
        async with a.http.post(f"{a.url}/api/v1/connections", json=body, headers=headers) as answer:
            return answer.status, await answer.json(content_type=None)

    _, made = await initiate()
    for act in ("withdraw", "forget"):
        await a.admin("POST", f"/connections/{made['connection']['sys_id']}/{act}", {})
    status, problem = await initiate()
    assert (status, problem["type"]) == (404, "/problems/not-found")
