"""API Reference: the pages show all that the two documents hold, and lead only to what there is."""

from __future__ import annotations

import json
import re
from html import unescape

import pytest

from node.admin.operations import OPERATIONS
from node.console.guarding import CONTENT_SECURITY_POLICY
from node.describing.asyncapi import asyncapi_json
from node.describing.openapi import openapi_json
from node.problems import PROBLEMS
from tests.node.console_visits import Visit
from tests.node.local_nodes import running_node

PAGES = {"/console/about/api-reference": openapi_json, "/console/about/api-reference/events": asyncapi_json}
each_page = pytest.mark.parametrize("path", PAGES)


@pytest.fixture(scope="module")
def seen(tmp_path_factory):
    import asyncio

    return asyncio.run(_seen(tmp_path_factory.mktemp("reference")))


async def _seen(folder):
    async with running_node(folder / "a") as node, Visit(node) as visit:
        await visit.sign_in()
        found = {path: await visit.get(path) for path in PAGES}
        links = {link for _, page in found.values() for link in page.links if link.startswith("/")}
        statuses = {link: (await visit.get(link))[0].status for link in links}
        return {path: (answer, page) for path, (answer, page) in found.items()}, statuses


@each_page
def test_a_page_leads_only_to_what_there_is(seen, path):
    answer, page = seen[0][path]
    assert answer.status == 200
    assert answer.headers["Content-Security-Policy"].startswith(CONTENT_SECURITY_POLICY)
    ids = re.findall(r'id="([^"]+)"', page.source)
    assert len(ids) == len(set(ids))
    assert [link for link in page.links if link.startswith("#") and link[1:] not in ids] == []
    assert {link: status for link, status in seen[1].items() if status != 200} == {}


@each_page
def test_a_page_shows_every_type_with_its_members_and_what_is_said_of_them(seen, path):
    text = unescape(seen[0][path][1].source)
    schemas = json.loads(PAGES[path]())["components"]["schemas"]
    for name, schema in schemas.items():
        if name.startswith("Problem-"):
            continue
        shape = text.partition(f'<div class="shape" id="{name}">')[2].partition('<div class="shape"')[0]
        assert shape, name
        shown = re.sub(r"</?code>", "`", shape)
        for member, one in schema.get("properties", {}).items():
            assert f"<code>{member}</code>" in shape
            assert one.get("description", "") in shown, (name, member)
        assert all(f"<code>{word}</code>" in shape for word in schema.get("enum", ()))


@pytest.mark.parametrize("one", OPERATIONS, ids=lambda one: one.id)
def test_the_page_shows_an_operation_with_all_that_it_takes_and_answers(seen, one):
    text = unescape(seen[0]["/console/about/api-reference"][1].source)
    shown = text.partition(f'<details class="operation" id="{one.id}">')[2].partition("</details>")[0]
    assert f'<span class="method">{one.method}</span> <code>{one.url}</code>' in shown
    assert one.summary in shown
    for problem in one.problems:
        link = f'<span class="status">{PROBLEMS[problem].status}</span> <a href="/problems/{problem}">{problem}</a>'
        assert link in shown
    assert all(f"<code>{parameter.name}</code>" in shown for parameter in one.query)
    assert ("<code>Idempotency-Key</code>" in shown) == one.once
    assert ("No token is needed." in shown) == one.is_public
    assert shown.count('class="example"') == (2 if one.body else 1)


def test_the_page_shows_every_topic_with_how_it_is_published(seen):
    text = unescape(seen[0]["/console/about/api-reference/events"][1].source)
    document = json.loads(asyncapi_json())
    for name, channel in document["channels"].items():
        mqtt = document["operations"][f"tell-{name}"]["bindings"]["mqtt"]
        kept = "retained" if mqtt["retain"] else "not retained"
        assert f'<code>{channel["address"]}</code> <span class="tag">QoS {mqtt["qos"]}</span>' in text
        assert f'<span class="tag">{kept}</span>' in text
