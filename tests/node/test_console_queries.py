"""Queries of the console's lists: how people write them, and how long they may be."""

from __future__ import annotations

import base64
import json
import re
import shlex
from html import unescape
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from sqlalchemy import func, select, text

from node.console.records import pages
from node.console.records.asking import curl_line
from node.console.records.building import builder
from node.console.records.filtering import DYNAMIC_OF, Row, encoded, groups_of, operators_for, rows_of
from node.console.records.long_queries import (
    ADDRESS_CHARACTERS_MAX,
    KEPT_MAX,
    STORED_MAX,
    UNNOTED_MAX,
    is_long,
    keep,
)
from node.instance.base_tables import BASE_TABLES
from node.instance.dictionary import Dictionary
from node.instance.internal import kept_queries
from node.instance.query.grammar import parse
from node.instance.query.tree import UNARY, Operator, Query
from tests.node.console_visits import Visit
from tests.node.instance.rest_world import grow_no_more, rest_world
from tests.node.local_nodes import running_node
from tests.node.record_visits import INCIDENTS, asked_by_form, looked_at, made, token_of

DICTIONARY = Dictionary(BASE_TABLES)
ME = next(iter(DYNAMIC_OF["sys_user"]))
DAY = "javascript:gs.dateGenerate('2026-01-31','%s')"


@pytest.fixture
async def visit(tmp_path):
    async with running_node(tmp_path / "a", name="Instance A") as node, Visit(node) as visit:
        await visit.sign_in()
        yield visit


def long_query(*sys_ids, characters=12_000):
    """A query for some records, as a client writes it that has many ids."""
    more = [f"{at:032x}" for at in range((characters - 8) // 33 - len(sys_ids) + 1)]
    return f"sys_idIN{','.join((*sys_ids, *more))}"[:characters]


async def test_a_query_of_12000_characters_is_pasted_sorted_and_paged_at_a_short_address(visit):
    ours = [await made(visit, short_description=f"n{at:02}") for at in reversed(range(30))]
    await made(visit, short_description="not asked for")
    query = long_query(*ours)
    assert len(query) == 12_000
    place = await asked_by_form(visit, query=query, columns="short_description")
    assert len(place) < 200
    page = await looked_at(visit, place)
    assert "1–25 of 30" in page.source
    assert unescape(re.search(r'id="query"[^>]*>([^<]*)', page.source)[1]) == query
    sort = next(link for link in page.links if "sort=short_description" in link)
    answer, _ = await visit.get(sort)
    in_order = answer.headers["Location"]
    assert len(in_order) < 200
    page = await looked_at(visit, in_order)
    assert re.findall(r">(n\d\d)<", page.source) == [f"n{at:02}" for at in range(25)]
    second = next(link for link in page.links if "page=2" in link)
    page = await looked_at(visit, second)
    assert re.findall(r">(n\d\d)<", page.source) == [f"n{at:02}" for at in range(25, 30)]
    longest = max((link for link in page.links), key=len)
    assert len(longest) < 200, longest


async def test_the_curl_line_of_a_long_query_is_a_batch_that_finds_the_same(tmp_path):
    async with rest_world(tmp_path) as world:
        sys_id = await world.make("incident", short_description="asked for")
        query = long_query(sys_id, characters=20_000)
        line = shlex.split(curl_line("http://a", "admin", "incident", sysparm_query=query, sysparm_fields="sys_id"))
        assert line[:4] == ["curl", "--user", "admin", "http://a/api/now/v1/batch"]
        said = await world("POST", "v1/batch", json.loads(line[-1]))
    (answer,) = said.json["serviced_requests"]
    assert json.loads(base64.b64decode(answer["body"])) == {"result": [{"sys_id": sys_id}]}


async def test_an_address_has_no_long_query_no_forgotten_one_and_none_that_is_larger_than_any_may_be(visit):
    query = "short_descriptionLIKE" + "ä" * 400
    answer, _ = await visit.get(f"{INCIDENTS}?query={quote(query)}&page=1")
    assert (answer.status, "kept=" in answer.headers["Location"]) == (303, True)
    page = await looked_at(visit, answer.headers["Location"])
    assert query in page.source
    for name in ("0" * 32, "x", "%00"):
        answer, refusal = await visit.get(f"{INCIDENTS}?kept={name}")
        assert (answer.status, "Paste it again" in refusal.source) == (410, True), name
    sent = {"form_token": token_of(page), "query": long_query(characters=70_000)}
    answer, refusal = await visit.post(INCIDENTS, sent)
    assert (answer.status, "65,536 is the most" in refusal.source) == (400, True)


async def test_what_says_nothing_of_the_records_is_named_the_rest_counts_and_the_order_stays(visit):
    await made(visit, short_description="one", active="true")
    page = await looked_at(visit, f"{INCIDENTS}?query=active=true^nothing=1^opened_atONtomorow^???^ORDERBYnumber")
    said = re.search(r"Left out.*?</span>", page.source, re.DOTALL)[0]
    assert re.findall(r"<code>(.*?)</code>", said) == ["???", "nothing=1", "opened_atONtomorow"]
    assert "1–1 of 1" in page.source
    everything = next(link for link in page.links if "query=" in link and "active" not in link)
    assert parse_qs(urlsplit(everything).query) == {"query": ["ORDERBYnumber"]}
    assert "Left out" not in (await looked_at(visit, everything)).source


async def test_only_the_queries_that_were_used_last_are_kept(visit):
    place = await asked_by_form(visit, query=long_query())
    database = await visit.node.instance.instance.database()

    async def status_after(*others):
        await database.write(lambda tx: [keep(tx, f"number={at}") for at in others])
        return (await visit.get(place))[0].status

    assert await status_after(*range(KEPT_MAX)) == 200
    assert await status_after(*range(KEPT_MAX, 2 * KEPT_MAX)) == 200, "looking at it was a use"
    assert await status_after(*range(UNNOTED_MAX - 1)) == 200
    assert await status_after(*range(UNNOTED_MAX, UNNOTED_MAX + KEPT_MAX)) == 200, "a use that was not noted counts too"
    assert (
        await database.read(lambda tx: tx.connection.scalar(select(func.count()).select_from(kept_queries)))
        == STORED_MAX
    )
    assert await status_after(*range(STORED_MAX)) == 410


async def test_looking_at_a_list_again_notes_nothing(visit):
    place = await asked_by_form(visit, query=long_query())
    database = await visit.node.instance.instance.database()

    async def noted():
        return await database.read(lambda tx: tx.connection.scalar(text("SELECT max(rowid) FROM kept_queries")))

    await database.write(lambda tx: [keep(tx, f"number={at}") for at in range(UNNOTED_MAX)])
    before = await noted()
    rows = [(await visit.get(place), await noted())[1] - before for _ in range(3)]
    assert rows == [1, 1, 1]


@pytest.mark.slow
async def test_a_list_is_looked_at_where_there_is_no_room_to_note_it(visit, monkeypatch):
    place = await asked_by_form(visit, query=long_query())
    database = await visit.node.instance.instance.database()
    await database.write(lambda tx: [keep(tx, f"number={at}") for at in range(UNNOTED_MAX)])
    await database.write(grow_no_more)
    noting = []

    def note(tx, query):
        noting.append(query)
        tx.connection.exec_driver_sql("CREATE TABLE more AS SELECT zeroblob(1000000)")

    monkeypatch.setattr(pages, "keep", note)
    assert (await visit.get(place))[0].status == 200
    assert len(noting) == 1


def test_a_query_is_long_by_what_it_is_in_an_address():
    assert not is_long("a" * ADDRESS_CHARACTERS_MAX)
    assert is_long("a" * (ADDRESS_CHARACTERS_MAX + 1))
    assert is_long("^" * (ADDRESS_CHARACTERS_MAX // 2))


@pytest.mark.parametrize(
    ("field", "operator", "typed", "query"),
    [
        ("state", "IN", "New, in progress, 3", "stateIN1,2,3"),
        ("state", "=", "on hold", "state=3"),
        ("opened_at", "ON", "today", "opened_atONToday@javascript:gs.beginningOfToday()@javascript:gs.endOfToday()"),
        ("opened_at", "NOTON", "2026-01-31", f"opened_atNOTON2026-01-31@{DAY % 'start'}@{DAY % 'end'}"),
        ("assigned_to", "DYNAMIC", "", f"assigned_toDYNAMIC{ME}"),
        ("assigned_to", "ISEMPTY", "left from before", "assigned_toISEMPTY"),
    ],
)
def test_people_write_values_by_their_words_and_read_them_again(field, operator, typed, query):
    rows = [Row(joining="and", field=field, operator=operator, value=typed)]
    assert encoded(Query(groups=groups_of(rows, DICTIONARY, "incident"))) == query
    shown = builder(DICTIONARY, "incident", parse(query)).rows[0].value
    read = {
        "on hold": "3",
        "New, in progress, 3": "New, In Progress, On Hold",
        "today": "Today",
        "left from before": "",
    }
    assert shown.text == (ME if operator == "DYNAMIC" else read.get(typed, typed))


def test_every_operator_that_a_row_offers_goes_to_a_query_and_back():
    for name, field in DICTIONARY.fields("incident").items():
        for operator in operators_for(field):
            row = Row(joining="and", field=name, operator=operator, value="" if operator in UNARY else "1")
            if operator in {Operator.IS, Operator.IS_NOT} and field.reference:
                continue  # becomes the name of what is referred to
            tree = Query(groups=groups_of([row], DICTIONARY, "incident"))
            assert parse(encoded(tree)) == tree
            assert list(rows_of(tree)) == [row], (name, operator)
