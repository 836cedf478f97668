"""Texts made to break the engine: they are refused as too large, or find what they say, and do nothing else."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import event

from node.instance.query import limits
from node.instance.query.grammar import parse
from node.instance.query.limits import QueryTooLargeError
from node.instance.query.tree import Operator
from tests.node.instance.query_world import TABLES, World

PIECES = (
    *("^", "^OR", "^NQ", "^^", "^ORDERBY", "^ORDERBYDESC", "^GROUPBY", "^EQ", "JOINu_job.owner=u_person.sys_id!"),
    *("RLQUERYu_job.owner,>0", "^ENDRLQUERY", "title", "state", "owner", "owner.boss.name", "secret", "sys_id", "due"),
    *("=", "!=", ">", "<=", "LIKE", "NOT LIKE", "IN", "NOT IN", "BETWEEN", "ON", "ISEMPTY", "SAMEAS", "DATEPART"),
    *("MORETHANdone@day@before@1", "RELATIVEGT@hour@ago@1", "DYNAMIC", "INSTANCEOFu_repair", "IN_HIERARCHY"),
    *("'", '"', ";", "--", "/*", ")", "%", "_", "\\", "\0", "\ud800", "\u202e", "😀", "@", ",", "?", ":p", "x" * 500),
    *(
        "javascript:",
        "gs.daysAgoStart(1)",
        "'; DROP TABLE u_job; --",
        "x' OR '1'='1",
        "1 UNION SELECT secret FROM u_job",
    ),
    *("9" * 30, "-1", "1e400", "NaN", "0x10", "٣", "2026-13-01", "true"),
)
TABLES_IN = re.compile(r"(?:FROM|JOIN) (\w+)")
TEXTS = st.one_of(st.lists(st.sampled_from(PIECES), max_size=14).map("".join), st.text(max_size=40))


@pytest.fixture(scope="module")
def world():
    world = World(
        {"u_person": [{"sys_id": "p1", "name": "Ann"}], "u_job": [{"sys_id": "j1", "secret": "s", "owner": "p1"}]}
    )
    yield world
    world.close()


@pytest.fixture(scope="module")
def statements(world):
    """Every statement that reaches the database, and whether it may be one of several."""
    sent: list[str] = []
    event.listen(world.connection.engine, "before_cursor_execute", lambda _c, _u, statement, *_: sent.append(statement))
    return sent


@settings(max_examples=60)
@given(text=TEXTS, table=st.sampled_from(("u_job", "u_repair", "u_person")))
def test_a_hostile_text_is_one_select_for_a_page_and_one_for_a_count(world, statements, text, table):
    statements.clear()
    try:
        found = world.found(table, text)
    except QueryTooLargeError:
        assert statements == []
        return
    assert len(statements) == 2
    assert all(statement.startswith("SELECT") and ";" not in statement for statement in statements)
    assert set(TABLES_IN.findall(" ".join(statements))) <= {"u_job", "u_person", "u_place"}
    assert set(found) <= {"j1", "p1"}


@settings(max_examples=25)
@given(text=TEXTS)
def test_nothing_of_a_text_stands_in_the_statement(world, statements, text):
    """The statement of a query is that of the same query with other values."""
    statements.clear()
    marked = f"title=marker{text.replace('^', '')}"
    world.found("u_job", marked)
    assert not any("marker" in statement for statement in statements)


@pytest.mark.parametrize("name", ["u_job; DROP TABLE u_job", "U_JOB", "", "sqlite_master", "sys_user"])
def test_a_table_that_is_not_in_the_dictionary_is_none(world, name):
    with pytest.raises(KeyError):
        world.selection(name, "")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("^".join(["title=a"] * (limits.applied_conditions_max + 1)), "more than 400 conditions"),
        ("^OR".join(["title=a"] * (limits.applied_conditions_max + 1)), "more than 400 conditions"),
        ("^".join(f"RLQUERYu_job.owner,>{n}^ENDRLQUERY" for n in range(70)), "more than 60 tables"),
        ("commentsLIKEa^" * 70, "more than 60 tables"),
    ],
)
def test_what_the_database_could_not_take_is_refused(world, text, told):
    with pytest.raises(QueryTooLargeError, match=told):
        world.found("u_person" if "RLQUERY" in text else "u_job", text)


@pytest.mark.parametrize(
    "text",
    [
        "^".join(["titleNOT LIKEa"] * limits.applied_conditions_max),
        "^OR".join(["title!=a"] * limits.applied_conditions_max),
        "^NQ".join(["titleNOT IN1,2"] * limits.applied_conditions_max),
        "titleIN" + ",".join(str(n) for n in range(limits.list_values_max)),
        "title=a^OR" * 200 + "title=b^" * 199,
        "RLQUERYu_job.owner,>0^RLQUERYu_job.parent,>0^RLQUERYu_job.parent,>0^ENDRLQUERY^ENDRLQUERY^ENDRLQUERY",
        "owner.boss.boss.boss.boss.name=a^helper.boss.boss.boss.boss.name=a^parent.parent.parent.parent.parent.title=b",
        "AAAA=BBBB^" * 2_300 + "sys_id=p1",
    ],
)
def test_what_is_just_within_the_limits_is_answered(world, text):
    world.found("u_person" if "RLQUERY" in text else "u_job", text)


@pytest.mark.slow
def test_every_field_of_every_table_takes_every_operator(world):
    """A cross product: no pair of a field and an operator raises, whatever it is compared with."""
    for table in ("u_person", "u_repair"):
        for name in TABLES.fields(table):
            for value in ("", "1", "2026-01-01@2026-01-02", "title"):
                text = "^NQ".join(f"{name}{operator}{value}" for operator in Operator)
                world.connection.execute(world.selection(table, parse(text)).count())
