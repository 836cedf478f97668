"""The page Errors: what goes wrong now or went wrong lately, from what the node knows, by forms alone."""

from __future__ import annotations

import asyncio

import pytest

from node.causes import Cause
from node.connections.acting import expire_codes
from node.connections.errors import LATELY_S
from node.console.error_words import LOST, UNREACHED
from node.delivery.broker_url import BrokerUrl
from node.delivery.mqtt import MqttBroker
from node.store import noticing
from protocol.machine import possible_acts
from protocol.records import SourceRecord
from protocol.tables import Act
from protocol.vocabulary import Phase, Role, Side
from tests.node.console_visits import Visit
from tests.node.local_nodes import running_node

ERRORS = "/console/errors"


@pytest.fixture
async def visit(tmp_path):
    async with running_node(tmp_path / "a", name="Instance A") as node, Visit(node) as visit:
        await visit.sign_in()
        yield visit


async def until(visit, holds):
    for _ in range(500):
        _, page = await visit.get(ERRORS)
        if holds(page.source):
            return page
        await asyncio.sleep(0.02)
    raise AssertionError(page.source)


def test_every_cause_and_every_loss_has_its_words():
    assert set(UNREACHED) == set(Cause)
    assert {role: set(rows) for role, rows in LOST.items()} == {role: set(noticing.LOST) for role in Role}


@pytest.mark.parametrize("reason", LOST[Role.SOURCE])
def test_a_source_is_sent_to_a_new_code_where_one_can_be_made_and_nowhere_else(reason):
    closed = SourceRecord(serial=1, mine=Side(2, Phase.CLOSED, reason=reason), expires_at=1)
    can = Act.NEW_CODE in possible_acts(closed, now=2.0)
    assert ("new invitation code" in LOST[Role.SOURCE][reason]) == can


async def test_where_nothing_goes_wrong_the_page_says_so(visit):
    _, page = await visit.get(ERRORS)
    assert "Nothing goes wrong" in page.source
    assert 'aria-current="page"' in page.source


async def test_a_partner_that_is_away_is_an_error_until_it_answers_again(visit, tmp_path):
    async with running_node(tmp_path / "b", name="Instance B") as b:
        offered = await visit.node.initiate(b)
        await b.accept(offered["invitation_code"])
        sys_id, port = offered["connection"]["sys_id"], int(b.url.rpartition(":")[2])
        await visit.node.until(sys_id, "active")
    await visit.node.admin("POST", f"/connections/{sys_id}/deactivate")
    page = await until(visit, lambda source: "Instance B can&#39;t be reached" in source)
    assert f'href="/console/connections/{sys_id}">a_to_b</a>' in page.source
    assert "Instance B has not been told how 1 connection stands here now." in page.source
    assert "Ask its admin whether the node runs" in page.source
    assert b.url in page.source
    async with running_node(tmp_path / "b", name="Instance B", port=port):
        await until(visit, lambda source: "Nothing goes wrong" in source)


@pytest.mark.slow
async def test_trying_now_does_not_wait_for_the_next_try(visit, tmp_path, monkeypatch):
    monkeypatch.setattr("node.delivery.dispatcher.BACKOFF_S_FIRST", 3600.0)
    async with running_node(tmp_path / "b", name="Instance B") as b:
        offered = await visit.node.initiate(b)
        await b.accept(offered["invitation_code"])
        await visit.node.until(offered["connection"]["sys_id"], "active")
    await visit.node.admin("POST", f"/connections/{offered['connection']['sys_id']}/deactivate")
    page = await until(visit, lambda source: "can&#39;t be reached" in source)
    dispatcher = visit.node.node.dispatcher
    [before] = dispatcher.failing()
    answer, _ = await visit.send(page, f"{ERRORS}/retry", partner=before.key.hex())
    assert (answer.status, answer.headers["Location"]) == (303, ERRORS)
    await until(visit, lambda _: dispatcher.failing()[0].tries > before.tries)
    assert dispatcher.failing()[0].since == before.since


async def test_a_form_that_names_no_partner_is_refused(visit):
    _, page = await visit.get("/console/settings")
    token = page.forms[0]["fields"]["form_token"]
    for wrong in ("", "x", "0" * 63, "0" * 65, "G" * 64, "\u0660" * 64):
        answer, _ = await visit.post(f"{ERRORS}/retry", {"form_token": token, "partner": wrong})
        assert answer.status == 400, wrong


async def test_a_broker_that_is_not_reached_is_an_error(tmp_path):
    broker = MqttBroker(BrokerUrl.parse("mqtt://127.0.0.1:1"))
    async with running_node(tmp_path / "a", broker=broker) as node, Visit(node) as visit:
        await visit.sign_in()
        await node.initiate(None)
        page = await until(visit, lambda source: "The MQTT broker is not reached" in source)
        assert "1 broadcast will be late" in page.source
        assert node.node.broadcaster.last_error in page.source.replace("&#39;", "'")


async def test_a_code_that_nobody_took_in_time_is_an_error_that_leads_to_a_new_one(visit):
    offered = await visit.node.initiate(None, code_lifetime_s=60)
    withdrawn = await visit.node.initiate(None, name="withdrawn")
    await visit.node.admin("POST", f"/connections/{withdrawn['connection']['sys_id']}/withdraw")
    visit.node.clock.ahead_s = 61
    await expire_codes(visit.node.node.context)
    _, page = await visit.get(ERRORS)
    assert "The invitation code expired before it was accepted." in page.source
    assert "withdrawn" not in page.source, "an admin has decided that"
    sys_id = offered["connection"]["sys_id"]
    act = f"/console/connections/{sys_id}/act"
    buttons = [button for form in page.forms if form["action"] == act for button in form["buttons"]]
    assert buttons == [("act", "new-code"), ("act", "remove")]
    answer, _ = await visit.send(page, act, act="new-code")
    assert answer.headers["Location"] == f"/console/connections/{sys_id}/code?new=1"
    _, page = await visit.get(ERRORS)
    assert "Nothing goes wrong" in page.source


@pytest.mark.slow
async def test_what_was_lost_long_ago_or_is_off_the_list_is_no_error(visit):
    for name in ("one", "two"):
        await visit.node.initiate(None, name=name, code_lifetime_s=60)
    visit.node.clock.ahead_s = 61
    await expire_codes(visit.node.node.context)
    _, page = await visit.get(ERRORS)
    action = next(form["action"] for form in page.forms if ("act", "remove") in form["buttons"])
    answer, _ = await visit.send(page, action, act="remove")
    assert answer.headers["Location"] == ERRORS
    _, page = await visit.get(ERRORS)
    assert len([form for form in page.forms if ("act", "remove") in form["buttons"]]) == 1
    visit.node.clock.ahead_s += LATELY_S
    _, page = await visit.get(f"{ERRORS}?part=errors")  # the session is older than the page
    assert "Nothing goes wrong" not in page.source
    found = await visit.node.node.context.store.run(
        lambda tx: noticing.lost(tx, since_ms=int((visit.node.clock.now() - LATELY_S) * 1000), most=10)
    )
    assert found == []


@pytest.mark.slow
async def test_whoever_came_second_with_a_code_is_told_what_to_do(visit, tmp_path):
    offered = await visit.node.initiate(None)
    async with running_node(tmp_path / "b", name="b") as b, running_node(tmp_path / "c", name="c") as c:
        await b.accept(offered["invitation_code"])
        await visit.node.until(offered["connection"]["sys_id"], "awaiting-approval")
        async with Visit(c) as second:
            await second.sign_in()
            await c.accept(offered["invitation_code"])
            page = await until(second, lambda source: "Another node used the invitation code first." in source)
    assert "Ask the other admin who accepted the code." in page.source
    assert "/console/accept" in page.links


@pytest.mark.slow
async def test_initiating_again_proposes_the_answers_of_the_connection(visit, tmp_path):
    async with running_node(tmp_path / "b", name="Instance B") as b:
        offered = await visit.node.initiate(b, description="for ever")
        sys_id = offered["connection"]["sys_id"]
        _, page = await visit.get(f"/console/initiate?again={sys_id}")
    fields = page.form("/console/initiate")["fields"]
    assert {name: fields[name] for name in ("destination_url", "name", "local_short_name", "description")} == {
        "destination_url": b.url,
        "name": "a_to_b",
        "local_short_name": "a",
        "description": "for ever",
    }
    answer, _ = await visit.get("/console/initiate?again=nothing")
    assert answer.status == 404
