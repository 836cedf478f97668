"""The head of every page: who is signed in, and how the partners are."""

from __future__ import annotations

import asyncio
import re

import pytest

from node.console.changes import Changes
from node.console.health import Health
from node.delivery.broker_url import BrokerUrl
from node.delivery.mqtt import MqttBroker
from node.store import browsing
from tests.node.console_visits import Visit
from tests.node.local_nodes import running_node
from tests.node.loopback_servers import free_port

HEALTH = "/console/health"


@pytest.fixture
async def visit(tmp_path):
    async with running_node(tmp_path / "a", name="Instance A") as node, Visit(node) as visit:
        await visit.sign_in()
        yield visit


def told(page):
    text = re.sub(r"<[^>]*>", "", page.source.partition('class="partners"')[2].partition("</p>")[0])
    return dict(reversed(one) for one in re.findall(r"(\d+) (\w+)", text))


async def until(visit, wanted):
    for _ in range(500):
        _, page = await visit.get(HEALTH)
        if told(page) == wanted:
            return page
        await asyncio.sleep(0.02)
    raise AssertionError(f"{told(page)}, not {wanted}")


async def test_who_is_signed_in_is_told_on_every_page_and_to_nobody_else(visit):
    for path in ("/console/connections", "/console/settings", "/console/errors", "/console/nothing"):
        _, page = await visit.get(path)
        assert "Signed in as </span>System Administrator" in page.source, path
        assert 'id="health"' in page.source, path
    async with Visit(visit.node) as stranger:
        _, page = await stranger.get("/console/sign-in")
        assert "Signed in as" not in page.source
        assert 'id="health"' not in page.source


@pytest.mark.slow
async def test_the_head_counts_what_is_active_what_waits_and_who_does_not_answer(visit, tmp_path):
    await until(visit, {"active": "0", "waiting": "0", "unreachable": "0"})
    async with running_node(tmp_path / "b", name="b") as b:
        offered = [await visit.node.initiate(b, name=name) for name in ("one", "two", "three")]
        await until(visit, {"active": "0", "waiting": "3", "unreachable": "0"})
        for one in offered[:2]:
            await b.accept(one["invitation_code"])
            await visit.node.until(one["connection"]["sys_id"], "active")
        await until(visit, {"active": "2", "waiting": "1", "unreachable": "0"})
    for one in offered[:2]:
        await visit.node.admin("POST", f"/connections/{one['connection']['sys_id']}/deactivate")
    page = await until(visit, {"active": "0", "waiting": "1", "unreachable": "1"})
    assert 'class="failing" href="/console/errors"' in page.source
    _, page = await visit.get("/console/connections")
    assert told(page) == {"active": "0", "waiting": "1", "unreachable": "1"}


async def test_open_pages_are_told_when_the_broker_is_not_reached(tmp_path):
    nobody = MqttBroker(BrokerUrl.parse(f"mqtt://127.0.0.1:{free_port()}"))
    async with running_node(tmp_path / "a", broker=nobody) as node:
        changes = node.node.console.changes
        seen = changes.number
        for _ in range(2):
            seen = await asyncio.wait_for(changes.after(seen), 10)
        assert seen >= 2


async def test_the_head_counts_only_when_something_has_changed_and_not_too_often(visit, monkeypatch):
    counted = []
    monkeypatch.setattr(
        "node.console.health.counts", lambda tx, *, now: counted.append(now) or browsing.counts(tx, now=now)
    )
    changes = Changes()
    health = Health(visit.node.node.context, visit.node.node.dispatcher, changes)
    for _ in range(3):
        await health.refresh()
    assert len(counted) == 1
    changes.tell()
    health._count_again_at = 0.0
    await health.refresh()
    assert len(counted) == 2
    health._count_again_at = asyncio.get_running_loop().time() + 3600
    changes.tell()
    await health.refresh()
    assert len(counted) == 2, "the last count was a moment ago"
