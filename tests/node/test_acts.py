"""Every act of both admins between real nodes: done here, known there, also when the partner is away meanwhile."""

import asyncio

import pytest

from node.store import statements
from protocol.identity import fingerprint
from tests.node.local_nodes import running_node


@pytest.fixture
async def a(tmp_path):
    async with running_node(tmp_path / "a", name="a") as node:
        yield node


@pytest.fixture
async def b(tmp_path):
    async with running_node(tmp_path / "b", name="b") as node:
        yield node


async def act(node, sys_id, name, *, status=200, **body):
    got, answer = await node.admin("POST", f"/connections/{sys_id}/{name}", body)
    assert got == status, answer
    return answer


async def active(a, b, **more):
    offered = await a.initiate(b, **more)
    sys_id = offered["connection"]["sys_id"]
    await b.accept(offered["invitation_code"])
    await b.until(sys_id, "active")
    await a.until(sys_id, "active")
    return sys_id


async def closed(node, sys_id, reason):
    assert (await node.until(sys_id, "closed"))["reason"] == reason


async def settled(node, sys_id):
    for _ in range(300):
        if not (await node.connection(sys_id))["owed"]:
            return
        await asyncio.sleep(0.02)
    raise AssertionError("still owed")


async def test_withdraw_kills_the_code_and_tells_the_addressee(a, b):
    offered = await a.initiate(b)
    sys_id = offered["connection"]["sys_id"]
    await b.until(sys_id, "invited")
    await act(a, sys_id, "withdraw")
    await closed(b, sys_id, "withdrawn")
    _, refused = await b.accept(offered["invitation_code"])
    assert refused["outcome"] == "withdrawn"


async def test_a_withdrawn_unbound_code_is_told_to_whoever_comes(a, b):
    offered = await a.initiate(None)
    await act(a, offered["connection"]["sys_id"], "withdraw")
    await b.accept(offered["invitation_code"])
    await closed(b, offered["connection"]["sys_id"], "withdrawn")


async def test_decline_an_announcement_and_a_code(a, b):
    announced = await a.initiate(b, name="announced")
    await b.until(announced["connection"]["sys_id"], "invited")
    await act(b, announced["connection"]["sys_id"], "decline")
    await closed(a, announced["connection"]["sys_id"], "declined")
    pasted = await a.initiate(None, name="pasted")
    status, _ = await b.admin("POST", "/invitations/decline", {"code": pasted["invitation_code"]})
    assert status == 201
    await closed(a, pasted["connection"]["sys_id"], "declined")


async def test_old_serial_a_new_code_replaces_the_old_one(a, b):
    offered = await a.initiate(None, ask_me=False)
    sys_id = offered["connection"]["sys_id"]
    post, may_arrive = b.node.context.network.post, asyncio.Event()
    in_flight = asyncio.Event()

    async def held(url, body, *, content_type):
        in_flight.set()
        await may_arrive.wait()
        return await post(url, body, content_type=content_type)

    b.node.context.network.post = held
    await b.accept(offered["invitation_code"])
    await in_flight.wait()
    newer = await act(a, sys_id, "new-code", status=201)
    assert newer["invitation_code"] != offered["invitation_code"]
    may_arrive.set()
    await closed(b, sys_id, "replaced")
    assert (await a.connection(sys_id))["status"] == "pending"
    status, _ = await b.accept(newer["invitation_code"])
    assert status == 201
    await b.until(sys_id, "active")


async def test_an_expired_connection_gets_a_new_code(a, b):
    offered = await a.initiate(b, code_lifetime_s=60)
    sys_id = offered["connection"]["sys_id"]
    a.clock.ahead_s = 61
    a.node.context.signals.expiry(0)
    await closed(a, sys_id, "expired")
    newer = await act(a, sys_id, "new-code", status=201)
    await b.until(sys_id, "invited")
    await b.accept(newer["invitation_code"])
    await b.until(sys_id, "active")


async def test_an_expired_connection_whose_name_is_taken_since_gets_no_new_code(a):
    sys_id = (await a.initiate(None, code_lifetime_s=60))["connection"]["sys_id"]
    a.clock.ahead_s = 61
    a.node.context.signals.expiry(0)
    await closed(a, sys_id, "expired")
    later = await a.initiate(None)
    refused = await act(a, sys_id, "new-code", status=409)
    assert refused["type"] == "/problems/name-taken"
    await closed(a, sys_id, "expired")
    await act(a, later["connection"]["sys_id"], "withdraw")
    await act(a, sys_id, "new-code", status=201)


@pytest.mark.parametrize(("name", "here", "there"), [("approve", "active", "active"), ("refuse", "closed", "closed")])
async def test_approval_decides_for_both(a, b, name, here, there):
    offered = await a.initiate(None)
    sys_id = offered["connection"]["sys_id"]
    await b.accept(offered["invitation_code"])
    await b.until(sys_id, "awaiting-approval")
    await act(a, sys_id, name)
    await a.until(sys_id, here)
    assert (await b.until(sys_id, there))["reason"] == ("refused" if name == "refuse" else None)


async def test_mail_reader_first_the_refused_one_closes_it_and_the_other_was_told_used(a, b, tmp_path):
    async with running_node(tmp_path / "e", name="e") as e:
        offered = await a.initiate(None)
        sys_id = offered["connection"]["sys_id"]
        await e.accept(offered["invitation_code"])
        await e.until(sys_id, "awaiting-approval")
        await b.accept(offered["invitation_code"])
        await closed(b, sys_id, "used")
        _, shown = await a.admin("GET", f"/connections/{sys_id}")
        assert shown["connection"]["partner"]["fingerprint"] == fingerprint(e.node.context.key)
        assert [(one["kind"], one["about"]) for one in shown["notices"]] == [
            ("other_holder", fingerprint(b.node.context.key))
        ]
        await act(a, sys_id, "refuse")
        await closed(e, sys_id, "refused")
        again = await a.initiate(b)
        await b.accept(again["invitation_code"])
        await b.until(again["connection"]["sys_id"], "active")


async def test_wait_then_activate_a_repeat_after_approval_learns_it(a, b):
    offered = await a.initiate(None)
    sys_id = offered["connection"]["sys_id"]
    await b.accept(offered["invitation_code"])
    await b.until(sys_id, "awaiting-approval")
    post = a.node.context.network.post

    async def lost(url, body, *, content_type):
        raise ConnectionResetError

    a.node.context.network.post = lost
    await act(a, sys_id, "approve")
    await asyncio.sleep(0.1)
    assert (await b.connection(sys_id))["status"] == "awaiting-approval"
    a.node.context.network.post = post
    await b.until(sys_id, "active", tries=1500)


async def test_each_side_has_its_own_switch(a, b):
    sys_id = await active(a, b)
    await act(a, sys_id, "deactivate")
    await b.until(sys_id, "deactivated-there")
    await act(b, sys_id, "deactivate")
    await a.until(sys_id, "deactivated-both")
    await act(a, sys_id, "activate")
    await b.until(sys_id, "deactivated-here")
    await act(b, sys_id, "activate")
    for node in (a, b):
        await node.until(sys_id, "active")
        await settled(node, sys_id)


@pytest.mark.parametrize("side", ["a", "b"])
async def test_remove_closes_both_then_hides_then_forgets(a, b, side):
    node, other = (a, b) if side == "a" else (b, a)
    sys_id = await active(a, b)
    await act(node, sys_id, "remove")
    await closed(other, sys_id, "removed")
    await settled(node, sys_id)
    removed = (await act(node, sys_id, "remove"))["connection"]
    assert (removed["removed"], removed["owed"], removed["possible_acts"]) == (True, False, [])
    assert await node.connection(sys_id) is None
    assert (await node.admin("GET", "/connections"))[1]["connections"] == []
    answer = await act(other, sys_id, "forget")
    assert (answer["connection"] is None) == (side == "b")


async def test_a_partner_without_a_url_can_not_be_tried_and_the_refusal_says_when_it_is_told(a, tmp_path):
    async with running_node(tmp_path / "private", public=False) as private:
        offered = await a.initiate(None, ask_me=False)
        sys_id = offered["connection"]["sys_id"]
        await private.accept(offered["invitation_code"])
        await private.until(sys_id, "active")
    await act(a, sys_id, "deactivate")
    problem = await act(a, sys_id, "retry", status=409)
    assert problem["type"] == "/problems/not-possible-now"
    assert "it is told when it calls next" in problem["detail"]


@pytest.mark.parametrize("side", ["a", "b"])
async def test_what_is_removed_before_its_partner_knows_can_be_found_and_forgotten(side, tmp_path):
    async with running_node(tmp_path / side, name=side) as here:
        async with running_node(tmp_path / "away", name="away") as away:
            sys_id = await active(*((here, away) if side == "a" else (away, here)))
        await act(here, sys_id, "remove")
        assert await listed(here, "?removed=true") == []
        removed = (await act(here, sys_id, "remove"))["connection"]
        assert (removed["removed"], removed["owed"], removed["possible_acts"]) == (True, True, ["forget"])
        assert await listed(here) == await listed(here, "?removed=false") == []
        assert await listed(here, "?removed=true&limit=1") == [sys_id]
        assert (await act(here, sys_id, "remove", status=409))["type"] == "/problems/not-possible-now"
        await act(here, sys_id, "forget")
        assert await here.connection(sys_id) is None
        assert await listed(here, "?removed=true") == []
        assert await here.node.context.store.run(statements.owed_count) == 0


async def listed(node, query=""):
    status, answer = await node.admin("GET", f"/connections{query}")
    assert status == 200, answer
    return [one["sys_id"] for one in answer["connections"]]


async def test_what_is_removed_before_its_partner_knows_is_told_when_that_comes_back(a, tmp_path):
    async with running_node(tmp_path / "b", name="b") as b:
        sys_id = await active(a, b)
        port = int(b.url.rpartition(":")[2])
    for _ in range(2):
        await act(a, sys_id, "remove")
    async with running_node(tmp_path / "b", name="b", port=port) as b:
        await act(a, sys_id, "retry", status=202)
        await closed(b, sys_id, "removed")
        for _ in range(300):
            if await a.connection(sys_id) is None:
                break
            await asyncio.sleep(0.02)
        assert await a.connection(sys_id) is None
        assert await listed(a, "?removed=true") == []


async def test_cancel_overtakes_its_accept_and_no_side_is_left_active(a, b):
    offered = await a.initiate(None, ask_me=False)
    sys_id = offered["connection"]["sys_id"]
    held, post = [], b.node.context.network.post

    async def delayed(url, body, *, content_type):
        held.append((url, body, content_type))
        raise ConnectionResetError

    b.node.context.network.post = delayed
    await b.accept(offered["invitation_code"])
    while not held:
        await asyncio.sleep(0.02)
    b.node.context.network.post = post
    await act(b, sys_id, "cancel")
    await closed(a, sys_id, "cancelled")
    await settled(b, sys_id)
    for url, body, content_type in held * 2:
        await post(url, body, content_type=content_type)
    await closed(a, sys_id, "cancelled")
    await closed(b, sys_id, "cancelled")


async def test_acts_work_while_the_partner_is_away(a, tmp_path):
    async with running_node(tmp_path / "b", name="b") as b:
        sys_id = await active(a, b)
        port = int(b.url.rpartition(":")[2])
    for name in ("deactivate", "activate", "deactivate"):
        await act(a, sys_id, name)
    assert (await a.connection(sys_id))["owed"]
    async with running_node(tmp_path / "b", name="b", port=port) as b:
        await act(a, sys_id, "retry", status=202)
        assert (await b.until(sys_id, "deactivated-there", tries=1500))["theirs"]["revision"] == 5
        await settled(a, sys_id)
        assert (await act(a, sys_id, "retry", status=409))["type"] == "/problems/not-possible-now"


async def test_the_description_is_this_sides_own(a, b):
    sys_id = await active(a, b)
    status, answer = await a.admin("PATCH", f"/connections/{sys_id}", {"description": "for\nincidents"})
    assert (status, answer["connection"]["description"]) == (200, "for\nincidents")
    assert (await b.connection(sys_id))["description"] == ""


async def test_a_new_description_is_no_event_and_leaves_no_broadcast_waiting(a, b):
    sys_id = await active(a, b)

    def waiting(tx):
        return [row.topic for row in statements.pending_broadcasts(tx, 0, 100)]

    before = (await a.connection(sys_id))["seq"], await a.node.context.store.run(waiting)
    assert (await a.admin("PATCH", f"/connections/{sys_id}", {"description": "for incidents"}))[0] == 200
    assert ((await a.connection(sys_id))["seq"], await a.node.context.store.run(waiting)) == before


async def write(node, method, path, body, key):
    headers = {"Authorization": f"Bearer {node.token}", "Idempotency-Key": key}
    async with node.http.request(method, f"{node.url}/api/v1{path}", json=body, headers=headers) as answer:
        return answer.status, await answer.json(content_type=None)


async def test_a_write_with_the_same_key_is_done_once(a, b):
    body = {"destination_url": b.url, "name": "once", "local_short_name": "a", "remote_short_name": "b"}
    answers = await asyncio.gather(*(write(a, "POST", "/connections", body, "k1") for _ in range(5)))
    assert {status for status, _ in answers} == {201}
    assert len({answer["connection"]["sys_id"] for _, answer in answers}) == 1
    assert len({answer["invitation_code"] for _, answer in answers}) == 1
    accept = {"code": answers[0][1]["invitation_code"]}
    sys_id = answers[0][1]["connection"]["sys_id"]
    for _ in range(2):
        status, answer = await write(b, "POST", "/invitations/accept", accept, "k1")
        assert (status, answer["connection"]["sys_id"]) == (201, sys_id)
    await a.until(sys_id, "active")
    for _ in range(2):
        status, answer = await write(a, "POST", f"/connections/{sys_id}/remove", {}, "k2")
        assert (status, answer["connection"]["status"]) == (200, "closed")


async def test_a_key_belongs_to_one_request(a, b):
    body = {"name": "once", "local_short_name": "a", "remote_short_name": "b"}
    assert (await write(a, "POST", "/connections", body, "k"))[0] == 201
    status, problem = await write(a, "POST", "/connections", body | {"name": "other"}, "k")
    assert (status, problem["type"]) == (422, "/problems/idempotency-key-reused")
    status, problem = await write(a, "POST", "/connections", body, "k" * 256)
    assert (status, problem["field"]) == (422, "Idempotency-Key")


async def test_a_refused_write_does_not_use_its_key_up(a, b):
    body = {"name": "once", "local_short_name": "a", "remote_short_name": "b"}
    await a.initiate(None, name="once")
    assert (await write(a, "POST", "/connections", body, "k"))[0] == 409
    (sys_id,) = [one["sys_id"] for one in (await a.admin("GET", "/connections"))[1]["connections"]]
    await act(a, sys_id, "withdraw")
    assert (await write(a, "POST", "/connections", body, "k"))[0] == 201
