"""Records in the console, by links and forms alone: what a client did is seen, found, and changed by the same rules."""

from __future__ import annotations

import re
import shlex
from html import unescape
from urllib.parse import parse_qs, urlsplit

import pytest
from multidict import MultiDict
from sqlalchemy import insert

from node.console.records.asking import asked, built
from node.console.records.filtering import Row, encoded, groups_of, rows_of
from node.instance.base_tables import BASE_TABLES
from node.instance.dictionary import Dictionary
from node.instance.internal import attachment_contents
from node.instance.query.grammar import parse
from node.instance.query.tree import Query
from tests.node.console_visits import Visit
from tests.node.instance.rest_world import ADMIN_VIEWER
from tests.node.local_nodes import running_node
from tests.node.record_visits import INCIDENTS, asked_by_form, changed, looked_at, made

HOSTILE = '<script>alert(1)</script> & "quoted" \''
DICTIONARY = Dictionary(BASE_TABLES)


@pytest.fixture
async def visit(tmp_path):
    async with running_node(tmp_path / "a", name="Instance A") as node, Visit(node) as visit:
        await visit.sign_in()
        yield visit


async def test_tables_are_listed_with_the_number_of_their_records_and_unknown_ones_are_not_there(visit):
    await made(visit, short_description="one")
    page = await looked_at(visit, "/console/records")
    row = re.search(r'id="table-incident".*?</tr>', page.source, re.DOTALL)[0]
    assert '<td class="number">1</td>' in row
    assert row.endswith("</time> by admin</td></tr>"), "when it was changed last, and by whom"
    task = re.search(r'id="table-task".*?</tr>', page.source, re.DOTALL)[0]
    assert '<td class="number">1</td>' in task, "an incident is a task"
    for path in ("/console/records/no_such_table", f"{INCIDENTS}/{'0' * 32}", "/console/new-record/no_such_table"):
        assert (await visit.get(path))[0].status == 404, path


async def test_what_a_client_wrote_is_text_wherever_it_is_shown(visit):
    sys_id = await made(visit, short_description=HOSTILE, description=HOSTILE, comments=HOSTILE)
    for path in (INCIDENTS, f"{INCIDENTS}/{sys_id}", f"{INCIDENTS}/{sys_id}?raw=1", f"{INCIDENTS}/{sys_id}/edit"):
        page = await looked_at(visit, path)
        assert "<script>alert" not in page.source, path
        assert "&lt;script&gt;alert(1)" in page.source, path


async def test_a_filter_of_rows_becomes_an_encoded_query_that_selects_orders_and_can_be_copied(visit):
    for number in range(30):
        await made(visit, short_description=f"n{number:02}", impact="1" if number < 27 else "3")
    form = {"j": "and", "f": "impact", "o": "=", "v": "1", "query": "ORDERBYDESCshort_description"}
    place = await asked_by_form(visit, **form)
    assert parse_qs(urlsplit(place).query)["query"] == ["impact=1^ORDERBYDESCshort_description"]
    page = await looked_at(visit, place)
    found = re.findall(r"\bn\d\d\b", page.source)
    assert found == [f"n{number:02}" for number in range(26, 1, -1)]
    assert "1–25 of 27" in page.source
    assert 'aria-sort="descending"' in page.source
    line = unescape(re.search(r'id="curl"[^>]* value="([^"]*)"', page.source)[1])
    assert "sysparm_query=impact=1^ORDERBYDESCshort_description" in shlex.split(line)
    page = await looked_at(visit, f"{place.removesuffix('#list')}&page=2")
    assert re.findall(r"\bn\d\d\b", page.source) == ["n01", "n00"]
    page = await looked_at(visit, f"{INCIDENTS}?words=n07")
    assert re.findall(r"<span class=\"short\">(n\d\d)", page.source) == ["n07"]


async def test_a_record_shows_names_links_and_times_in_the_admins_zone_with_utc_behind_them(visit):
    sys_id = await made(visit, short_description="s", caller_id=ADMIN_VIEWER.sys_id, opened_at="2026-07-01 12:00:00")
    answer, _ = await visit.get(f"/console/records/task/{sys_id}")
    assert answer.headers["Location"] == f"{INCIDENTS}/{sys_id}"
    page = await looked_at(visit, f"{INCIDENTS}/{sys_id}")
    assert f'<a href="/console/records/sys_user/{ADMIN_VIEWER.sys_id}">System Administrator</a>' in page.source
    opened = '<time datetime="2026-07-01T12:00:00Z" title="2026-07-01 12:00:00 UTC">2026-07-01 05:00:00</time>'
    assert opened in page.source
    assert "Times are those of America/Los_Angeles" in page.source


async def test_a_form_gives_only_what_was_typed_anew_and_is_held_to_the_instances_rules(visit):
    sys_id = await made(visit, short_description="as it was", impact="2", caller_id=ADMIN_VIEWER.sys_id)
    place = f"{INCIDENTS}/{sys_id}"
    page = await looked_at(visit, f"{place}/edit")
    other = await made(visit, short_description="a child", parent_incident=sys_id)
    await changed(visit, sys_id, description="by a client, meanwhile")
    fields = {"set.short_description": "after", "set.work_notes": "seen by me"}
    answer, _ = await visit.send(page, place, **fields)
    assert answer.headers["Location"] == f"{place}?saved=changes"
    page = await looked_at(visit, place)
    for text in ("after", "by a client, meanwhile", "seen by me", "System Administrator", "a child", other):
        assert text in page.source, text
    assert "as it was" not in page.source
    assert "2 - Medium" in page.source
    page = await looked_at(visit, f"{place}/edit")
    answer, page = await visit.send(page, place, **{"set.caller_id": "Nobody At All", "set.short_description": "kept"})
    assert (answer.status, "is called “Nobody At All”" in page.source, "kept" in page.source) == (422, True, True)
    assert "kept" not in (await looked_at(visit, place)).source
    page = await looked_at(visit, f"{place}/edit")
    answer, _ = await visit.send(page, place)
    assert answer.headers["Location"] == f"{place}?saved=nothing"


async def test_a_field_that_a_client_has_changed_meanwhile_is_written_over_only_by_who_has_seen_it(visit):
    sys_id = await made(visit, short_description="old", impact="2", opened_at="2026-07-01 12:00:00")
    place = f"{INCIDENTS}/{sys_id}"
    page = await looked_at(visit, f"{place}/edit")
    assert page.form(place)["fields"]["set.opened_at"] == "2026-07-01T05:00:00"
    await changed(visit, sys_id, short_description="by a client", opened_at="2026-07-02 12:00:00")
    left_alone = {"set.opened_at": "2026-07-01T05:00"}  # as browsers send it
    typed = {"set.short_description": "typed here", "set.impact": "1", **left_alone}
    answer, refusal = await visit.send(page, place, **typed)
    assert (answer.status, "it is “by a client” now" in refusal.source) == (409, True)
    assert refusal.source.count("Changed meanwhile") == 1
    fields = refusal.form(place)["fields"]
    assert fields["set.short_description"] == "typed here"
    page = await looked_at(visit, place)
    assert ("by a client" in page.source, "2 - Medium" in page.source) == (True, True)
    answer, _ = await visit.send(refusal, place, **typed)
    assert answer.headers["Location"] == f"{place}?saved=changes"
    page = await looked_at(visit, place)
    for text in ("typed here", "1 - High", "2026-07-02 05:00:00"):
        assert text in page.source, text


async def test_a_record_is_made_by_the_form_of_a_new_one(visit):
    page = await looked_at(visit, "/console/new-record/incident")
    made_by = {"set.short_description": "made here", "set.caller_id": "System Administrator"}
    answer, _ = await visit.send(page, "/console/new-record/incident", **made_by)
    page = await looked_at(visit, answer.headers["Location"])
    assert page.headings[0].startswith("INC")
    assert "made here" in page.source


async def test_an_attachment_is_only_ever_downloaded_and_only_from_its_own_record(visit):
    sys_id, other = await made(visit, short_description="a"), await made(visit, short_description="b")
    names = {"file_name": "page ü.html", "content_type": "text/html", "table_name": "incident"}
    attachment = await made(visit, "sys_attachment", table_sys_id=sys_id, **names)
    pieces = [{"attachment": attachment, "position": at, "content": b"<b>%d</b>" % at} for at in range(3)]
    database = await visit.node.instance.instance.database()
    await database.write(lambda tx: tx.connection.execute(insert(attachment_contents), pieces))
    place = f"{INCIDENTS}/{sys_id}/attachments/{attachment}"
    assert place in (await looked_at(visit, f"{INCIDENTS}/{sys_id}")).links
    answer, page = await visit.get(place)
    assert page.source == "<b>0</b><b>1</b><b>2</b>"
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Disposition"] == "attachment; filename*=UTF-8''page%20%C3%BC.html"
    assert (await visit.get(f"{INCIDENTS}/{other}/attachments/{attachment}"))[0].status == 404


async def test_a_connection_leads_to_its_own_page(visit):
    offered = await visit.node.initiate(None, name="to nobody")
    page = await looked_at(visit, "/console/records/x_handclasp_connection")
    assert f"/console/connections/{offered['connection']['sys_id']}" in page.links


@pytest.mark.parametrize(
    "query",
    [
        "active=true",
        "active=true^priority=1^ORpriority=2^caller_idISNOTEMPTY",
        "a=1^ORb=2^c=3^NQd=4^ORe=5^NQf=6",
        "short_descriptionLIKEa^^b^assigned_to.nameSTARTSWITHx",
    ],
)
def test_a_query_goes_to_rows_and_back_without_a_loss(query):
    tree = parse(query)
    assert encoded(Query(groups=groups_of(rows_of(tree), DICTIONARY, "incident"))) == query


def test_a_query_that_is_more_than_conditions_has_no_rows():
    assert rows_of(parse("JOINincident.caller_id=sys_user.sys_id!active=true")) is None


def test_a_reference_may_be_told_by_name():
    rows = [Row(joining="and", field="caller_id", operator="=", value="Abel Tuter")]
    assert encoded(Query(groups=groups_of(rows, DICTIONARY, "incident"))) == "caller_id.name=Abel Tuter"


def test_columns_are_remembered_in_the_address_and_the_usual_ones_need_none():
    sent = MultiDict([("column", "number"), ("column", "state"), ("more", "caller_id.department, x y")])
    place = built(asked("incident", sent), sent, DICTIONARY).link()
    assert parse_qs(urlsplit(place).query)["columns"] == ["number,state,caller_id.department"]
