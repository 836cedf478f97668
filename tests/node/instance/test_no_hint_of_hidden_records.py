"""Nobody gets any hint of what they may not read.

What a user is answered is what an instance answers in which the hidden records and values do not exist: whatever is
asked for, in whatever way, byte for byte.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from node.instance.base_tables import BASE_TABLES
from node.instance.dictionary import Dictionary, FieldType
from tests.node.instance.two_instances import ASKERS, AT, PEOPLE, WORDS, Two, records, two_instances

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hypothesis.strategies import SearchStrategy

SHIPPED = Dictionary(BASE_TABLES)
TABLES = sorted({name for name, _ in records()} | {"task", "sys_user_role", "sys_metadata", "cmdb_ci", "sys_db_object",
                                                   "sys_dictionary", "x_handclasp_connection", "oauth_credential"})  # fmt: skip
IDS = sorted({record["sys_id"] for _, record in records()})
LIKE_OPERATORS = ("LIKE", "STARTSWITH", "ENDSWITH", "NOT LIKE", "*", "CONTAINS", "DOES NOT CONTAIN")
OPERATORS = ("=", "!=", ">", "<", ">=", "<=", "IN", "NOT IN", "ISEMPTY", "ISNOTEMPTY", "ANYTHING", "EMPTYSTRING", "SAMEAS",
             "NSAMEAS", "BETWEEN", "INSTANCEOF", "DYNAMIC", "GT_FIELD", "LT_FIELD", *LIKE_OPERATORS)  # fmt: skip
VALUES = st.one_of(
    st.sampled_from(
        [*IDS, *PEOPLE, *WORDS, *AT, "0", "1", "2", "3", "true", "false", "me", "other@example.com", "incident"]
    ),
    st.sampled_from(
        ["javascript:gs.getUserID()", "admin", "a", "e", "%", "_", "$argon2id$x", "+49 1", "problem,incident"]
    ),
    st.text("abcelmopst_%@", max_size=4),
)


def filled_fields() -> dict[str, list[str]]:
    """The fields that hold something, by table, those that were inherited too."""
    found: dict[str, set[str]] = {name: {"sys_id"} for name in TABLES}
    for table, record in records():
        for above in SHIPPED.ancestry(table):
            found.setdefault(above, {"sys_id"}).update(name for name in record if name in SHIPPED.fields(above))
    found["task"] |= {"comments", "work_notes"}
    found["incident"] |= {"comments", "work_notes"}
    return {name: sorted(fields) for name, fields in found.items()}


FILLED = filled_fields()
HALF_SEEN = ("task", "incident", "change_request")
"""Where some records are there for everybody and others are not."""


@st.composite
def paths(draw: st.DrawFn, table: str) -> str:
    """A field of a table, or one behind references; mostly one that holds something, sometimes none at all."""
    steps: list[str] = []
    for depth in range(draw(st.integers(0, 3)), -1, -1):
        fields = SHIPPED.fields(table)
        filled = FILLED.get(table, []) if draw(st.integers(0, 9)) else sorted(fields)
        references = [name for name in filled if fields[name].type is FieldType.REFERENCE]
        halfway = [name for name in references if fields[name].reference in HALF_SEEN and draw(st.booleans())]
        field = fields[draw(st.sampled_from((halfway or references if depth else []) or filled or sorted(fields)))]
        steps.append(field.name)
        if field.reference is None:
            break
        table = field.reference
    if draw(st.integers(0, 19)) == 0:
        steps.append("nothing")
    return ".".join(steps)


def conditions(table: str) -> SearchStrategy[str]:
    """One condition, or a join, or a count of related records."""
    return st.one_of(
        st.builds("{}{}{}".format, paths(table), st.sampled_from(OPERATORS), VALUES),
        st.builds("{}{}{}".format, paths(table), st.sampled_from(LIKE_OPERATORS), VALUES),
        st.sampled_from(TABLES).flatmap(
            lambda other: st.builds(
                f"JOIN{table}.{{}}={other}.{{}}!{{}}{{}}{{}}".format,
                st.sampled_from(sorted(SHIPPED.fields(table))),
                st.sampled_from(sorted(SHIPPED.fields(other))),
                paths(other),
                st.sampled_from(OPERATORS),
                VALUES,
            )
        ),
        st.sampled_from(TABLES).flatmap(
            lambda other: st.builds(
                f"RLQUERY{other}.{{}},{{}}{{}}^{{}}{{}}{{}}^ENDRLQUERY".format,
                st.sampled_from(sorted(SHIPPED.fields(other))),
                st.sampled_from([">", "=", "<", ">=", "!="]),
                st.integers(0, 3),
                paths(other),
                st.sampled_from(OPERATORS),
                VALUES,
            )
        ),
    )


@st.composite
def queries(draw: st.DrawFn, table: str) -> str:
    """An encoded query."""
    parts = [draw(conditions(table))] if draw(st.booleans()) else []
    further = st.tuples(st.sampled_from(["^", "^OR", "^NQ"]), conditions(table))
    orders = st.tuples(st.sampled_from(["^ORDERBY", "^ORDERBYDESC", "^GROUPBY"]), paths(table))
    for several in (draw(st.lists(further, max_size=2)), draw(st.lists(orders, max_size=2))):
        parts += [mark + what for mark, what in several]
    return "".join(parts)


@st.composite
def questions(draw: st.DrawFn) -> str:
    """Something to be asked for by GET, below /api/now/."""
    table = draw(
        st.one_of(st.sampled_from(TABLES), st.sampled_from(["incident", "task", "change_request", "sys_user"]))
    )
    parameters: dict[str, Any] = {}
    if draw(st.integers(0, 9)):
        parameters["sysparm_query"] = draw(queries(table))
    else:
        parameters[draw(paths(table))] = draw(VALUES)
    kind = draw(st.sampled_from(["list", "list", "list", "record", "stats", "attachments"]))
    if kind == "stats":
        for name in ("avg", "min", "max", "sum"):
            if draw(st.booleans()):
                parameters[f"sysparm_{name}_fields"] = draw(paths(table))
        if draw(st.booleans()):
            parameters["sysparm_group_by"] = ",".join(draw(st.lists(paths(table), min_size=1, max_size=2)))
            if draw(st.booleans()):
                parameters["sysparm_order_by"] = draw(st.sampled_from(["COUNT", draw(paths(table))]))
            if draw(st.booleans()):
                parameters["sysparm_having"] = f"count^{draw(paths(table))}^>^{draw(st.integers(0, 2))}"
        parameters["sysparm_count"] = "true"
    else:
        if draw(st.booleans()):
            parameters["sysparm_fields"] = ",".join(draw(st.lists(paths(table), min_size=2, max_size=6)))
        if draw(st.booleans()):
            parameters["sysparm_limit"] = draw(st.integers(0, 4))
            parameters["sysparm_offset"] = draw(st.integers(0, 4))
        parameters["sysparm_exclude_reference_link"] = draw(st.sampled_from(["true", "false"]))
    parameters["sysparm_display_value"] = draw(st.sampled_from(["true", "false", "all"]))
    where = {
        "list": f"table/{table}",
        "record": f"table/{table}/{draw(st.sampled_from(IDS))}",
        "stats": f"stats/{table}",
        "attachments": "attachment",
    }[kind]
    return f"{where}?{urlencode(parameters)}"


@pytest.fixture(scope="module", params=["nobody", "worker", pytest.param("reader", marks=pytest.mark.slow)])
def two(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[asyncio.Runner, Two]]:
    """Both instances, and the loop in which they are asked: Hypothesis asks from outside."""
    with asyncio.Runner() as runner:
        context = two_instances(tmp_path_factory.mktemp("two"), ASKERS[request.param])
        yield runner, runner.run(context.__aenter__())
        runner.run(context.__aexit__(None, None, None))


async def told(two: Two, url: str) -> tuple[Any, Any]:
    """What the user is told by both: status, headers, body."""
    answers = [await one("GET", url, by=two.asker.viewer) for one in (two.whole, two.bare)]
    first, second = ((one.status, dict(one.headers), one.body) for one in answers)
    return first, second


def hold(two: tuple[asyncio.Runner, Two], url: str) -> None:
    runner, both = two
    whole, bare = runner.run(told(both, url))
    assert whole == bare, url
    assert whole[0] < 500, url


SETTINGS = {"deadline": None, "suppress_health_check": list(HealthCheck), "print_blob": False}


@settings(max_examples=12, **SETTINGS)
@given(url=questions())
def test_what_a_user_is_told_is_what_an_instance_says_that_has_nothing_hidden(two, url):
    hold(two, url)


@pytest.mark.slow
@settings(max_examples=500, **SETTINGS)
@given(url=questions())
def test_of_many_more_questions_none_is_answered_otherwise(two, url):
    hold(two, url)


def test_hidden_records_can_not_be_told_from_records_that_are_not_there(two):
    runner, both = two
    nothing = "0123456789abcdef" * 2
    by_table = {table: ids[:1] for table, ids in both.gone.items() if table in SHIPPED}
    assert len(by_table) >= 5

    async def ask(method, table, sys_id, *, body=b""):
        said = await both.whole(method, f"table/{table}/{sys_id}", body, by=both.asker.viewer)
        return said.status, said.body.replace(sys_id.encode(), b"ID")

    for root, ids in by_table.items():
        for table in SHIPPED.classes(root):
            for sys_id in ids:
                for method, body in (
                    ("GET", b""),
                    ("PATCH", {"sys_mod_count": "7"}),
                    ("PUT", {"active": "false"}),
                    ("DELETE", b""),
                ):
                    assert runner.run(ask(method, table, sys_id, body=body)) == runner.run(
                        ask(method, table, nothing, body=body)
                    ), (method, table, sys_id)


def test_the_two_instances_differ_in_nearly_every_table_so_that_an_answer_could_tell(two):
    _, both = two
    assert {"task", "sys_journal_field", "sys_attachment", "oauth_entity", "api_key", "syslog", "sys_metadata"} - set(
        both.gone
    ) <= ({"task", "sys_attachment", "sys_journal_field"} if "itil" in both.asker.viewer.roles else set())
