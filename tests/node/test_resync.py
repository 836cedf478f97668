"""Resync: what lives is stated again, spread out, though nothing is owed; a lost memory is noticed by it."""

import asyncio

import pytest

from node.delivery import dispatcher, resync
from node.store import statements
from tests.node.local_nodes import running_node

OFTEN_S = 0.2


@pytest.fixture
async def b(tmp_path):
    async with running_node(tmp_path / "b", name="b") as node:
        yield node


async def active(a, b, **more):
    offered = await a.initiate(b, **more)
    sys_id = offered["connection"]["sys_id"]
    await b.accept(offered["invitation_code"])
    for node in (a, b):
        await node.until(sys_id, "active")
    return sys_id


def counted(node):
    """How often the node has asked each connection's partner."""
    counts, post = {}, node.node.context.network.post

    async def counting(url, body, *, content_type):
        from protocol.envelope import peek

        connection = peek(body).head.connection.hex()
        counts[connection] = counts.get(connection, 0) + 1
        return await post(url, body, content_type=content_type)

    node.node.context.network.post = counting
    return counts


async def until(condition):
    for _ in range(500):
        if condition():
            return
        await asyncio.sleep(0.02)
    raise AssertionError("never")


async def test_every_living_connection_is_stated_again_round_by_round_and_nothing_becomes_owed(tmp_path, b):
    async with running_node(tmp_path / "a", resync_s=OFTEN_S) as a:
        sys_ids = [await active(a, b, name=f"n{number}") for number in range(3)]
        await a.admin("POST", f"/connections/{sys_ids[0]}/remove", {})
        await b.until(sys_ids[0], "closed")
        await asyncio.sleep(0.5)
        counts = counted(a)
        await until(lambda: all(counts.get(sys_id, 0) >= 3 for sys_id in sys_ids[1:]))
        assert sys_ids[0] not in counts
        assert await a.node.context.store.run(statements.owed_count) == 0


async def test_a_round_rests_between_portions_but_not_after_a_restore(tmp_path, b, monkeypatch):
    monkeypatch.setattr(resync, "PAGE", 2)
    rests = []

    async def resting(delay_s):
        rests.append(delay_s)
        await asyncio.sleep(0)

    async with running_node(tmp_path / "a") as a:
        sys_ids = {await active(a, b, name=f"n{number}") for number in range(5)}
        stated = []
        monkeypatch.setattr(a.node.dispatcher, "restate", lambda connection: stated.append(connection.sys_id))
        again = resync.Resync(a.node.context, a.node.dispatcher)
        monkeypatch.setattr("node.delivery.resync.sleep", resting)
        await again._round(rests=True)
        assert len(rests) == 2
        assert all(0 <= rest_s < resync.PAUSE_S for rest_s in rests)
        await again._round(rests=False)
        assert len(rests) == 2
        assert sorted(stated) == sorted([*sys_ids, *sys_ids])


async def test_connections_that_go_before_their_turn_leave_none_of_the_others_unstated(tmp_path, b, monkeypatch):
    monkeypatch.setattr(dispatcher, "WINDOW", 2)
    async with running_node(tmp_path / "a") as a:
        sys_ids = [await active(a, b, name=f"n{number}") for number in range(5)]
        kept, restate = [], a.node.dispatcher.restate
        monkeypatch.setattr(a.node.dispatcher, "restate", kept.append)
        await resync.Resync(a.node.context, a.node.dispatcher)._round(rests=False)
        for gone in (0, 1, 3):
            await a.admin("POST", f"/connections/{sys_ids[gone]}/remove", {})
            await b.until(sys_ids[gone], "closed")
        await until(
            lambda: not any(one.worker for urls in a.node.dispatcher._targets.values() for one in urls.values())
        )
        counts = counted(a)
        for connection in kept:
            restate(connection)
        await until(lambda: counts.keys() == {sys_ids[2], sys_ids[4]})


async def test_rounds_are_about_a_day_apart(tmp_path, monkeypatch):
    rests = []

    async def resting(delay_s):
        rests.append(delay_s)
        if len(rests) >= 50:
            raise StopAsyncIteration

    async with running_node(tmp_path / "a") as a:
        again = resync.Resync(a.node.context, a.node.dispatcher)
        monkeypatch.setattr("node.delivery.resync.sleep", resting)
        with pytest.raises(StopAsyncIteration):
            await again.run()
    hours = [rest_s / 3600 for rest_s in rests]
    assert 21.6 <= min(hours) < 24 < max(hours) <= 26.4


async def test_a_partner_that_is_away_is_asked_until_it_answers(tmp_path):
    async with running_node(tmp_path / "a", resync_s=OFTEN_S) as a:
        async with running_node(tmp_path / "b", name="b") as b:
            sys_id = await active(a, b)
            port = int(b.url.rpartition(":")[2])
        target = a.node.dispatcher._targets[b.node.context.key][b.url]
        await until(lambda: target.failure is not None)
        assert (await a.connection(sys_id))["waiting"] is None, "nothing is owed, so nothing is shown to wait"
        async with running_node(tmp_path / "b", name="b", port=port) as b:
            await until(lambda: target.failure is None)


async def test_a_job_that_fails_once_is_begun_again(tmp_path, b, monkeypatch):
    monkeypatch.setattr("node.app.JOB_PAUSE_S", 0.05)
    async with running_node(tmp_path / "a", resync_s=OFTEN_S) as a:
        sys_id = await active(a, b)
        live, failed = statements.live, []

        def failing(tx, **wanted):
            if not failed:
                failed.append(True)
                raise OSError("the disk is full")
            return live(tx, **wanted)

        monkeypatch.setattr("node.delivery.resync.statements.live", failing)
        counts = counted(a)
        await until(lambda: failed and counts.get(sys_id, 0) >= 2)
