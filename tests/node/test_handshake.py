"""The two-admin flow between real nodes, by their admin APIs, and what the protocol's abuse cases make of it."""

import asyncio

import pytest

from node.ports import HttpAnswer
from node.settings import Announcements
from protocol.envelope import CONTENT_TYPE, Message, envelope_bytes, read_answer
from protocol.identity import SigningKey, fingerprint
from tests.node.local_nodes import LocalNode, running_node


@pytest.fixture
async def a(tmp_path):
    async with running_node(tmp_path / "a", name="a") as node:
        yield node


@pytest.fixture
async def b(tmp_path):
    async with running_node(tmp_path / "b", name="b") as node:
        yield node


async def tell(node: LocalNode, data: bytes, *, content_type: str = CONTENT_TYPE) -> HttpAnswer:
    async with node.http.post(f"{node.url}/peer", data=data, headers={"Content-Type": content_type}) as answer:
        return HttpAnswer(status=answer.status, headers=dict(answer.headers), body=await answer.read())


async def ask(node: LocalNode, sealed, key: SigningKey) -> Message:
    answer = await tell(node, envelope_bytes(sealed))
    assert answer.status == 200, answer
    return read_answer(answer.body, me=key.public, question=sealed)


async def outcome_of(node: LocalNode, code: str) -> str:
    status, answer = await node.accept(code)
    assert status == 422, answer
    assert answer["type"] == "/problems/code-refused"
    return answer["outcome"]


async def shake_hands(a: LocalNode, b: LocalNode, **more) -> str:
    answer = await a.initiate(b, **more)
    sys_id = answer["connection"]["sys_id"]
    status, accepted = await b.accept(answer["invitation_code"])
    assert (status, accepted["connection"]["sys_id"]) == (201, sys_id)
    await b.until(sys_id, "active")
    await a.until(sys_id, "active")
    return sys_id


# The flow


async def test_both_sides_become_active_and_owe_nothing(a, b):
    sys_id = await shake_hands(a, b)
    here, there = await a.connection(sys_id), await b.connection(sys_id)
    assert (here["role"], there["role"]) == ("source", "destination")
    assert here["partner"]["fingerprint"] == there["fingerprint"] == fingerprint(b.node.context.key)
    assert there["partner"]["fingerprint"] == here["fingerprint"] == fingerprint(a.node.context.key)
    assert here["partner"]["software"] == "handclasp 0.1.0"
    assert (here["owed"], there["owed"]) == (False, False)
    assert (there["local_short_name"], there["remote_short_name"]) == ("b", "a")


async def test_every_status_is_in_the_event_log_without_gaps(a, b):
    sys_id = await shake_hands(a, b)
    told = {}
    for node in (a, b):
        _, answer = await node.admin("GET", f"/connections/{sys_id}/events")
        told[node.node.context.name] = [(event["data"]["seq"], event["data"]["status"]) for event in answer["events"]]
        _, later = await node.admin("GET", f"/connections/{sys_id}/events?after=1&limit=1")
        assert [event["data"]["seq"] for event in later["events"]] == [2]
    assert told == {"a": [(1, "pending"), (2, "active")], "b": [(1, "accepting"), (2, "active")]}


async def test_a_checked_destination_is_told_of_the_invitation(a, b):
    answer = await a.initiate(b)
    sys_id = answer["connection"]["sys_id"]
    invited = await b.until(sys_id, "invited")
    assert invited["remote_short_name"] == "a"
    assert not (await a.until(sys_id, "pending"))["owed"]


async def test_announcements_can_be_switched_off_and_the_code_works_all_the_same(a, tmp_path):
    async with running_node(tmp_path / "quiet", announcements=Announcements.OFF) as quiet:
        sys_id = await shake_hands(a, quiet)
        assert (await quiet.connection(sys_id))["status"] == "active"


async def test_an_unknown_destination_waits_for_approval_by_default(a, b):
    answer = await a.initiate(None)
    assert answer["connection"]["ask_me"]
    assert not answer["connection"]["bound"]
    await b.accept(answer["invitation_code"])
    sys_id = answer["connection"]["sys_id"]
    await b.until(sys_id, "awaiting-approval")
    assert (await a.until(sys_id, "awaiting-approval"))["possible_acts"] == ["approve", "refuse", "remove"]


async def test_the_code_is_shown_again_while_it_lives_and_not_after(a, b):
    answer = await a.initiate(b)
    path = f"/connections/{answer['connection']['sys_id']}/invitation"
    assert (await a.admin("GET", path))[1]["invitation_code"] == answer["invitation_code"]
    await b.accept(answer["invitation_code"])
    await a.until(answer["connection"]["sys_id"], "active")
    status, problem = await a.admin("GET", path)
    assert (status, problem["type"]) == (409, "/problems/not-possible-now")


async def test_a_destination_that_can_not_reach_the_source_goes_active_by_itself_later(tmp_path):
    async with running_node(tmp_path / "b", name="b") as b:
        async with running_node(tmp_path / "a") as a:
            answer = await a.initiate(b)
            port = int(a.url.rpartition(":")[2])
        sys_id = answer["connection"]["sys_id"]
        await b.accept(answer["invitation_code"])
        for _ in range(200):
            waiting = (await b.connection(sys_id))["waiting"]
            if waiting is not None:
                break
            await asyncio.sleep(0.02)
        assert waiting["cause"] == "unreachable"
        async with running_node(tmp_path / "a", port=port) as a:
            await b.until(sys_id, "active", tries=1500)
            await a.until(sys_id, "active")


async def test_a_name_is_used_by_one_living_connection_only(a, b):
    await a.initiate(b, name="same")
    status, problem = await a.admin(
        "POST", "/connections", {"name": "same", "local_short_name": "a", "remote_short_name": "b"}
    )
    assert (status, problem["type"], problem["field"]) == (409, "/problems/name-taken", "name")
    answer = await b.initiate(a, name="theirs")
    status, problem = await a.accept(answer["invitation_code"], name="same")
    assert (status, problem["type"]) == (409, "/problems/name-taken")
    status, _ = await a.accept(answer["invitation_code"], name="other")
    assert status == 201


async def test_a_private_instance_does_not_initiate_but_accepts(a, tmp_path):
    async with running_node(tmp_path / "private", public=False) as private:
        status, problem = await private.admin(
            "POST", "/connections", {"name": "x", "local_short_name": "a", "remote_short_name": "b"}
        )
        assert (status, problem["type"]) == (409, "/problems/not-public")
        answer = await a.initiate(None, ask_me=False)
        await private.accept(answer["invitation_code"])
        await private.until(answer["connection"]["sys_id"], "active")


@pytest.mark.parametrize("mode", ["basic", "visual"])
async def test_modes_that_need_record_synchronisation_are_not_taken(a, mode):
    body = {"name": "x", "local_short_name": "a", "remote_short_name": "b", "mode": mode}
    status, problem = await a.admin("POST", "/connections", body)
    assert (status, problem["type"]) == (409, "/problems/mode-not-offered")


# Codes that can't be used


async def test_own_code(a):
    assert await outcome_of(a, (await a.initiate(None))["invitation_code"]) == "own"


async def test_already_accepted_code(a, b):
    code = (await a.initiate(b))["invitation_code"]
    await b.accept(code)
    assert await outcome_of(b, code) == "already-accepted-here"


@pytest.mark.parametrize(
    ("acts", "outcome"),
    [(["decline"], "declined"), (["accept", "cancel"], "cancelled"), (["accept", "remove"], "removed")],
)
async def test_a_code_whose_connection_is_closed_here_is_refused_with_the_reason_for_that(a, b, acts, outcome):
    offered = await a.initiate(None, ask_me=outcome == "cancelled")
    sys_id, code = offered["connection"]["sys_id"], offered["invitation_code"]
    assert (await b.admin("POST", f"/invitations/{acts[0]}", {"code": code}))[0] == 201
    for act in acts[1:]:
        await b.until(sys_id, "awaiting-approval" if outcome == "cancelled" else "active")
        assert (await b.admin("POST", f"/connections/{sys_id}/{act}", {}))[0] == 200
    assert await outcome_of(b, code) == outcome


async def test_code_for_another_node_is_told_at_once(a, b, tmp_path):
    code = (await a.initiate(b))["invitation_code"]
    async with running_node(tmp_path / "c", name="c") as c:
        assert await outcome_of(c, code) == "not-for-you"


async def test_expired_code_is_closed_by_the_source_alone(a, b):
    answer = await a.initiate(b, code_lifetime_s=60)
    sys_id = answer["connection"]["sys_id"]
    a.clock.ahead_s = 61
    await b.accept(answer["invitation_code"])
    assert (await b.until(sys_id, "closed"))["reason"] == "expired"
    assert (await a.until(sys_id, "closed"))["reason"] == "expired"
    assert await outcome_of(b, answer["invitation_code"]) == "expired"


@pytest.mark.parametrize("ten_years", [-10, 10])
async def test_expiry_skew_the_clock_of_the_destination_warns_and_decides_nothing(a, b, ten_years):
    b.clock.ahead_s = ten_years * 365 * 24 * 3600
    code = (await a.initiate(b, name="seen"))["invitation_code"]
    _, shown = await b.admin("POST", "/invitations/show", {"code": code})
    assert shown["invitation"]["expired"] == (ten_years > 0)
    await shake_hands(a, b, name="accepted all the same")


async def test_a_code_that_nobody_takes_expires_by_itself(a, b):
    a.clock.ahead_s = b.clock.ahead_s = -61
    answer = await a.initiate(b, code_lifetime_s=60)
    await b.until(answer["connection"]["sys_id"], "invited")
    a.clock.ahead_s = 0
    a.node.context.signals.expiry(0)
    assert (await a.until(answer["connection"]["sys_id"], "closed"))["reason"] == "expired"
    assert (await b.until(answer["connection"]["sys_id"], "closed"))["reason"] == "expired"


async def test_two_thieves_race_one_unbound_code_has_exactly_one_winner(a, b, tmp_path):
    async with running_node(tmp_path / "c", name="c") as c:
        answer = await a.initiate(None, ask_me=False)
        code, sys_id = answer["invitation_code"], answer["connection"]["sys_id"]
        await asyncio.gather(b.accept(code), c.accept(code))
        for _ in range(300):
            told = [await node.connection(sys_id) for node in (b, c)]
            if {one["status"] for one in told} == {"active", "closed"}:
                break
            await asyncio.sleep(0.02)
        assert sorted((one["status"], one["reason"]) for one in told) == [("active", None), ("closed", "used")]
        _, shown = await a.admin("GET", f"/connections/{sys_id}")
        loser = b if told[0]["status"] == "closed" else c
        assert [(one["kind"], one["about"]) for one in shown["notices"]] == [
            ("other_holder", fingerprint(loser.node.context.key))
        ]
