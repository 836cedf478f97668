"""License Details, and the rule of the license where a connection is initiated: in the console and by the API."""

from __future__ import annotations

from html import unescape

import pytest

from node.license.keys import KEY_CHARACTERS_MAX, LicenseKey, issue
from node.license.license import EVALUATION_S, LICENSE_FILE
from protocol.identity import SigningKey
from tests.node.console_visits import Visit
from tests.node.local_nodes import running_node

PAIR = SigningKey(b"l" * 32)
LICENSE = "/console/license"
WISH = {"name": "x", "local_short_name": "a", "remote_short_name": "b"}


def key_of(node, *, for_s=86_400):
    now = int(node.clock.now())
    return issue(PAIR, LicenseKey(licensee="Acme & Sons", issued_at=now, expires_at=now + for_s))


@pytest.fixture
async def node(tmp_path):
    async with running_node(tmp_path / "a", name="Instance A", license_public_key=PAIR.public) as node:
        yield node


@pytest.fixture
async def free(node):
    """The admin of a node whose evaluation has ended."""
    node.clock.ahead_s = EVALUATION_S
    async with Visit(node) as visit:
        await visit.sign_in()
        yield visit


async def test_a_new_node_is_in_its_evaluation_and_may_initiate(node):
    status, answer = await node.admin("GET", "/license")
    assert (status, answer["license"]["kind"], answer["license"]["may_initiate"]) == (200, "evaluation", True)
    assert (await node.admin("POST", "/connections", WISH))[0] == 201


async def test_once_the_evaluation_has_ended_nothing_is_initiated_and_all_else_goes_on(node, tmp_path):
    async with running_node(tmp_path / "b", name="b") as b:
        old = await node.initiate(b, name="old")
        node.clock.ahead_s = EVALUATION_S
        status, problem = await node.admin("POST", "/connections", WISH)
        assert (status, problem["type"]) == (409, "/problems/not-licensed")
        assert problem["detail"].startswith("The evaluation ended on ")
        await node.admin("POST", f"/connections/{old['connection']['sys_id']}/withdraw")
        theirs = await b.initiate(node, name="theirs")
        await node.accept(theirs["invitation_code"])
        await node.until(theirs["connection"]["sys_id"], "active")
        status, _ = await node.admin("POST", f"/connections/{theirs['connection']['sys_id']}/deactivate")
        assert status == 200


async def test_a_key_that_can_not_be_kept_is_told_with_its_reason(free, node, tmp_path):
    (tmp_path / "a" / f"{LICENSE_FILE}.new").mkdir()  # nothing can be written beside it
    status, problem = await node.admin("PUT", "/license", {"key": key_of(node)})
    assert (status, problem["type"]) == (500, "/problems/internal")
    assert "can't be written" in problem["detail"]
    _, page = await free.get(LICENSE)
    answer, part = await free.send(page, LICENSE, key=key_of(node))
    assert answer.status == 500
    assert "can't be written" in part.source.replace("&#39;", "'")


@pytest.mark.slow
async def test_a_license_is_never_asked_for_by_the_partner(node, tmp_path):
    async with running_node(tmp_path / "b", name="b") as b:
        node.clock.ahead_s = EVALUATION_S
        status, check = await b.admin("POST", "/check", {"url": node.url})
        assert (status, check["outcome"], check["modes"]) == (200, "ok", ["script"])


async def test_the_reason_stands_beside_the_mode_before_one_tries(free, tmp_path):
    _, page = await free.get("/console/initiate")
    assert "The evaluation ended on" in page.source
    assert LICENSE in page.links
    async with running_node(tmp_path / "b", name="b") as b:
        for fields in ({"destination_url": b.url}, {"no_url": "on"}):
            answer, part = await free.send(page, "/console/initiate", **fields, go="next")
            assert answer.status == 200
            source = " ".join(unescape(part.source).split())
            assert 'value="script" required disabled>' in source
            assert "Not available: The evaluation ended on" in source
            answer, part = await free.send(page, "/console/initiate", **fields, mode="script", go="next")
            assert "<h2>Connection information</h2>" not in part.source
            answer, part = await free.send(page, "/console/initiate", **fields, mode="script", **WISH, go="create")
            assert answer.status == 422
    assert (await free.node.admin("GET", "/connections"))[1]["connections"] == []


async def test_a_key_is_entered_in_the_console_and_opens_what_was_closed(free):
    _, page = await free.get(LICENSE)
    assert "<span>Free</span>" in page.source
    answer, _ = await free.send(page, LICENSE, key=key_of(free.node))
    assert (answer.status, answer.headers["Location"]) == (303, f"{LICENSE}?done=1")
    _, page = await free.get(f"{LICENSE}?done=1")
    assert "<span>Paid</span>" in page.source
    assert "Acme &amp; Sons" in page.source
    assert "The license key was taken." in page.source
    assert (await free.node.admin("POST", "/connections", WISH))[0] == 201
    _, page = await free.get("/console/initiate")
    assert "ended on" not in page.source
    free.node.clock.ahead_s += 86_400
    status, problem = await free.node.admin("POST", "/connections", WISH | {"name": "y"})
    assert (status, problem["detail"].startswith("The license of Acme & Sons ended on")) == (409, True)


async def test_a_key_that_does_not_count_is_told_and_kept_in_the_field(free):
    _, page = await free.get(LICENSE)
    answer, page = await free.send(page, LICENSE, key="<b>nonsense")
    assert answer.status == 422
    assert "This is no license key" in page.source
    assert "&lt;b&gt;nonsense" in page.source
    answer, page = await free.send(page, LICENSE, key="x" * 100_000)
    assert answer.status == 422
    assert "x" * (KEY_CHARACTERS_MAX + 1) not in page.source, "what comes back has a limit too"


@pytest.mark.slow
async def test_a_license_survives_a_restart_of_the_node(tmp_path):
    async with running_node(tmp_path / "a", license_public_key=PAIR.public) as node:
        key = key_of(node, for_s=60 * 86_400)
        assert (await node.admin("PUT", "/license", {"key": key}))[1]["license"]["kind"] == "paid"
    async with running_node(tmp_path / "a", license_public_key=PAIR.public) as node:
        node.clock.ahead_s = EVALUATION_S
        assert (await node.admin("GET", "/license"))[1]["license"]["kind"] == "paid"


@pytest.mark.slow
async def test_a_node_that_was_told_of_no_key_pair_says_how_it_is_done(tmp_path):
    async with running_node(tmp_path / "a") as node, Visit(node) as visit:
        await visit.sign_in()
        _, page = await visit.get(LICENSE)
        assert "handclasp license new-keys" in page.source
        assert "<textarea" not in page.source
        status, problem = await node.admin("PUT", "/license", {"key": key_of(node)})
        assert (status, problem["type"]) == (422, "/problems/license-key-refused")
