"""General Settings, Notifications, Sync Queue and Clean-up Tools, by forms alone."""

from __future__ import annotations

import re

import pytest

from node import words
from node.admin.tokens import TOKENS_MAX
from node.console.login import PASSWORD_FILE
from tests.node.console_visits import Visit, two_admins
from tests.node.local_nodes import running_node

CHOSEN = "a password of my own"
MADE = re.compile(r'id="made-token" value="([A-Za-z0-9_-]{43})"')


@pytest.fixture
async def visit(tmp_path):
    async with running_node(tmp_path / "a", name="Instance A") as node, Visit(node) as visit:
        await visit.sign_in()
        yield visit


async def settings(visit):
    answer, page = await visit.get("/console/settings")
    assert answer.headers["Cache-Control"] == "no-store"
    return page


async def make(visit, name):
    answer, page = await visit.send(await settings(visit), "/console/settings/tokens", name=name)
    found = MADE.search(page.source)
    return answer.status, found[1] if found else None, page


async def api(visit, token):
    headers = {"Authorization": f"Bearer {token}"}
    async with visit.http.get(f"{visit.node.url}/api/v1/node", headers=headers) as answer:
        return answer.status


async def test_a_token_is_shown_once_works_and_works_no_more_once_revoked(visit):
    status, token, _ = await make(visit, "nightly job")
    assert status == 200
    assert await api(visit, token) == 200
    page = await settings(visit)
    assert "nightly job" in page.source
    assert token not in page.source
    assert "never" not in page.source, "its use was noted"
    number = next(form for form in page.forms if form["action"] == "/console/settings/tokens/revoke")["buttons"][0]
    await visit.send(page, "/console/settings/tokens/revoke", n=number[1])
    assert await api(visit, token) == 401
    assert "nightly job" not in (await settings(visit)).source


async def test_what_is_no_token_opens_nothing(visit):
    await make(visit, "a")
    for wrong in ("", "x", "0" * 43, "ü", "a b"):
        assert await api(visit, wrong) == 401, wrong
    assert await api(visit, visit.node.token) == 200


async def test_no_token_stands_in_the_database(visit):
    _, token, _ = await make(visit, "a")
    files = [path.read_bytes() for path in visit.node.data.iterdir() if path.name.startswith("node.db")]
    assert files
    assert not any(token.encode() in data for data in files)


async def test_two_tokens_have_two_names_and_there_is_an_end_of_them(visit):
    assert (await make(visit, "a"))[0] == 200
    status, token, page = await make(visit, "a")
    assert (status, token) == (422, None)
    assert "Another token is called" in page.source
    status, token, page = await make(visit, "x\u202ey")
    assert (status, token) == (422, None)
    page = await settings(visit)
    for number in range(TOKENS_MAX - 1):
        answer, _ = await visit.send(page, "/console/settings/tokens", name=f"t{number}")
        assert answer.status == 200
    answer, _ = await visit.send(page, "/console/settings/tokens", name="one more")
    assert answer.status == 422


async def change(visit, **fields):
    return await visit.send(await settings(visit), "/console/settings/password", **fields)


async def test_a_chosen_password_counts_from_then_on_and_ends_other_sessions(visit):
    async with Visit(visit.node) as other:
        await other.sign_in()
        answer, _ = await change(visit, present=visit.node.password, new=CHOSEN, again=CHOSEN)
        assert answer.status == 303
        assert (await visit.get("/console/connections"))[0].status == 200
        assert (await other.get("/console/connections"))[0].status == 303
    async with Visit(visit.node) as later:
        _, page = await later.get("/console/sign-in")
        answer, _ = await later.send(page, "/console/sign-in", name="admin", password=visit.node.password)
        assert answer.status == 401
        await later.sign_in(CHOSEN)
    assert (visit.node.data / PASSWORD_FILE).read_text().startswith("$argon2id$")


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"present": "wrong", "new": CHOSEN, "again": CHOSEN}, "The present password is wrong."),
        ({"new": "short", "again": "short"}, "The new password has 5 characters; it needs 12 at least."),
        ({"new": CHOSEN, "again": CHOSEN + "x"}, "The new password is not the same both times."),
    ],
)
async def test_a_password_that_can_not_be_taken_is_told_and_the_old_one_counts(visit, fields, sentence):
    answer, page = await change(visit, **({"present": visit.node.password} | fields))
    assert (answer.status, sentence in page.source) == (422, True)
    async with Visit(visit.node) as later:
        await later.sign_in()


async def test_the_self_check_calls_the_nodes_own_url(visit):
    _, page = await visit.send(await settings(visit), "/console/settings/self-check")
    assert "This node answers at its own URL." in page.source


async def test_a_private_instance_is_shown_as_such(tmp_path):
    async with running_node(tmp_path / "p", public=False) as node, Visit(node) as visit:
        await visit.sign_in()
        page = await settings(visit)
        assert "Private" in page.source
        assert not [form for form in page.forms if form["action"] == "/console/settings/self-check"]


@pytest.fixture
async def both(tmp_path):
    async with two_admins(tmp_path) as visits:
        yield visits


async def until_shown(visit, path, text):
    import asyncio

    for _ in range(300):
        _, page = await visit.get(path)
        if text in page.source:
            return page
        await asyncio.sleep(0.02)
    raise AssertionError(f"{text} is not on {path}: {page.source}")


async def test_an_invitation_and_an_approval_are_notifications_until_they_are_decided(both):
    a, b = both
    _, page = await a.get("/console/notifications")
    assert "Nothing to decide, nothing to know" in page.source
    offered = await a.node.initiate(b.node, ask_me=True)
    page = await until_shown(b, "/console/notifications", "a_to_b")
    assert "Invited" in page.source
    await b.node.accept(offered["invitation_code"])
    await until_shown(a, "/console/notifications", "Awaiting your approval")
    _, page = await b.get("/console/notifications")
    assert "a_to_b" not in page.source, "the other admin decides now"
    sys_id = offered["connection"]["sys_id"]
    await a.node.admin("POST", f"/connections/{sys_id}/approve")
    _, page = await a.get("/console/notifications")
    assert "Nothing to decide, nothing to know" in page.source


async def test_whoever_else_holds_the_code_is_told_of(both, tmp_path):
    a, b = both
    offered = await a.node.initiate(None)
    await b.node.accept(offered["invitation_code"])
    await a.node.until(offered["connection"]["sys_id"], "awaiting-approval")
    async with running_node(tmp_path / "c", name="c") as c:
        await c.accept(offered["invitation_code"])
        fingerprint = (await c.admin("GET", "/node"))[1]["fingerprint"]
        page = await until_shown(a, "/console/notifications", fingerprint)
    assert "Another node holds a valid invitation code" in page.source


async def test_the_queue_shows_what_waits_for_a_partner_that_is_away(both, tmp_path):
    a, _ = both
    _, page = await a.get("/console/queue")
    assert "Nothing waits" in page.source
    async with running_node(tmp_path / "c", name="c") as c:
        offered = await a.node.initiate(c)
        await c.accept(offered["invitation_code"])
        sys_id = offered["connection"]["sys_id"]
        await a.node.until(sys_id, "active")
    await a.node.admin("POST", f"/connections/{sys_id}/deactivate")
    page = await until_shown(a, "/console/queue", "Tries so far")
    assert c.url in page.source
    answer, _ = await a.send(page, f"/console/connections/{sys_id}/retry", **{"from": "queue"})
    assert answer.headers["Location"] == "/console/queue"


async def test_a_partner_without_a_url_is_said_to_be_told_when_it_calls(both, tmp_path):
    a, _ = both
    async with running_node(tmp_path / "c", name="c", public=False) as c:
        offered = await a.node.initiate(None, ask_me=False)
        await c.accept(offered["invitation_code"])
        sys_id = offered["connection"]["sys_id"]
        await a.node.until(sys_id, "active")
    await a.node.admin("POST", f"/connections/{sys_id}/deactivate")
    for path in ("/console/queue", f"/console/connections/{sys_id}"):
        _, page = await a.get(path)
        assert words.NO_URL in page.source, path


async def test_a_bug_report_tells_what_runs_and_nothing_of_whom_it_is_connected_to(both):
    a, b = both
    offered = await a.node.initiate(b.node, name="between us")
    await a.node.initiate(None, name="and another")
    await b.node.accept(offered["invitation_code"])
    await a.node.until(offered["connection"]["sys_id"], "active")
    _, page = await a.get("/console/report")
    text = page.source.split('id="report"', 1)[1].split("</textarea>", 1)[0]
    assert "Connections: 1 active, 1 pending; 0 owe their partner a statement" in text
    assert "Reach: public" in text
    for secret in ("between us", "another", a.node.url, b.node.url, "Instance A", "Instance B", "handclasp_"):
        assert secret not in text
    assert (await a.node.connection(offered["connection"]["sys_id"]))["partner"]["fingerprint"] not in text


async def test_cleaning_up_takes_closed_connections_off_the_list_and_nothing_else(both):
    a, b = both
    kept = await a.node.initiate(b.node, name="kept")
    for name in ("one", "two"):
        offered = await a.node.initiate(b.node, name=name)
        await a.node.admin("POST", f"/connections/{offered['connection']['sys_id']}/withdraw")
    _, page = await a.get("/console/clean-up")
    assert "2 closed connections stand in the list" in page.source
    answer, _ = await a.send(page, "/console/clean-up")
    assert answer.headers["Location"] == "/console/clean-up"
    _, listed = await a.node.admin("GET", "/connections")
    assert [one["sys_id"] for one in listed["connections"]] == [kept["connection"]["sys_id"]]
    _, page = await a.get("/console/clean-up")
    assert "There is no closed connection in the list." in page.source


async def test_a_removed_connection_whose_partner_is_gone_can_be_forgotten(both, tmp_path):
    a, _ = both
    async with running_node(tmp_path / "c", name="c") as c:
        offered = await a.node.initiate(c)
        await c.accept(offered["invitation_code"])
        sys_id = offered["connection"]["sys_id"]
        await a.node.until(sys_id, "active")
    for _ in range(2):
        await a.node.admin("POST", f"/connections/{sys_id}/remove")
    _, page = await a.get("/console/clean-up")
    assert f"/console/connections/{sys_id}" in page.links
    answer, _ = await a.send(page, f"/console/connections/{sys_id}/act", act="forget", **{"from": "clean-up"})
    assert answer.headers["Location"] == "/console/clean-up"
    assert await a.node.connection(sys_id) is None
