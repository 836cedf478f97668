"""The engine against a second evaluator, over records and queries that Hypothesis makes up."""

from __future__ import annotations

from datetime import UTC
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st
from sqlalchemy import delete, insert

from node.instance.people.access import ALL, NONE, Rows
from node.instance.query.grammar import write
from node.instance.query.tree import UNARY, Condition, Join, Operator, Order, Query, Related
from node.instance.viewer import Viewer
from tests.node.instance.query_comparisons import Comparisons
from tests.node.instance.query_evaluator import Evaluator
from tests.node.instance.query_material import (
    EVERYTHING,
    OF_FIELDS,
    OPERATORS,
    OTHERS,
    PATHS,
    VALUES_BY_KIND,
    ZURICH,
    kind_of,
    scripts,
    worlds,
)
from tests.node.instance.query_world import ME, NOW, TABLES, Rules, World


@st.composite
def conditions(draw: st.DrawFn, table: str) -> Condition:
    path = draw(st.sampled_from(PATHS[table]))
    operator = draw(st.sampled_from(OPERATORS))
    if path == "sys_class_name" and draw(st.booleans()):
        return Condition(
            field=path, operator=Operator.INSTANCE_OF, value=draw(st.sampled_from(("u_repair", "u_job", "no")))
        )
    kind = kind_of(table, path)
    if operator is Operator.DYNAMIC:
        ids = ("90d1921e5f510100a9ad2572f2b477fe", "d6435e965f510100a9ad2572f2b47744", "other")
        return Condition(field=path, operator=operator, value=draw(st.sampled_from(ids)))
    values = (OTHERS if operator in OF_FIELDS else VALUES_BY_KIND).get(kind, ("x",))
    return Condition(field=path, operator=operator, value=draw(st.sampled_from(values)))


JOINS = (
    ("u_person", "sys_id", "u_job", "owner"),
    ("u_person", "name", "u_place", "name"),
    ("u_job", "owner", "u_job", "helper"),
    ("u_job", "title", "u_person", "sys_id"),
    ("u_job", "state", "u_repair", "count"),
    ("u_job", "sys_id", "sys_journal_field", "element_id"),
    ("u_job", "title", "u_job", "state"),
)
RELATED = (
    ("u_person", "u_job", "owner"),
    ("u_person", "u_person", "boss"),
    ("u_place", "u_visit", "where"),
    ("u_job", "u_job", "parent"),
    ("u_job", "sys_journal_field", "element_id"),
)
COUNTED = (Operator.IS, Operator.IS_NOT, Operator.GREATER, Operator.GREATER_OR_IS, Operator.LESS, Operator.LESS_OR_IS)


@st.composite
def terms(draw: st.DrawFn, table: str) -> Any:
    choice = draw(st.integers(0, 9))
    if choice == 0:
        own, field, other, other_field = draw(st.sampled_from(JOINS))
        clauses = draw(st.lists(st.lists(conditions(_known(other)), min_size=1, max_size=2).map(tuple), max_size=2))
        return Join(table=own, field=field, other=other, other_field=other_field, clauses=tuple(clauses))
    if choice == 1:
        _, other, field = draw(st.sampled_from(RELATED))
        groups = draw(st.lists(clauses_of(_known(other)), max_size=2))
        return Related(
            other=other,
            field=field,
            operator=draw(st.sampled_from(COUNTED)),
            count=draw(st.integers(0, 2)),
            groups=tuple(groups),
        )
    return draw(conditions(table))


def _known(table: str) -> str:
    return table if table in PATHS else "u_job" if table == "u_visit" else "u_place"


def clauses_of(table: str) -> st.SearchStrategy[Any]:
    return st.lists(st.lists(conditions(table), min_size=1, max_size=2).map(tuple), min_size=1, max_size=2).map(tuple)


@st.composite
def queries(draw: st.DrawFn, table: str) -> Query:
    clause = st.lists(terms(table), min_size=1, max_size=2).map(tuple)
    group = st.lists(clause, min_size=1, max_size=2).map(tuple)
    orders = st.builds(Order, field=st.sampled_from(PATHS[table]), is_descending=st.booleans())
    return Query(groups=tuple(draw(st.lists(group, max_size=2))), orders=tuple(draw(st.lists(orders, max_size=2))))


RULES = (
    Rules(),
    Rules(),
    Rules(rows_of={"u_person": NONE}),
    Rules(rows_of={"u_person": Rows(MappingProxyType({"u_person": "nameISNOTEMPTY^place.nameNOT LIKEx"}))}),
    Rules(
        rows_of={
            "u_job": Rows(MappingProxyType({"u_job": "", "u_repair": "owner=javascript:gs.getUserID()^NQactive=true"}))
        }
    ),
    Rules(
        rows_of={
            "u_job": Rows(
                MappingProxyType({"u_repair": "RLQUERYu_person.boss,=0^ENDRLQUERY^NQJOINu_job.owner=u_person.sys_id!"})
            )
        }
    ),
    Rules(rows_of={"u_place": ALL}, hidden=frozenset({("u_person", "name"), ("u_job", "state")})),
)
VIEWERS = tuple(
    Viewer(sys_id=ME.sys_id, user_name=ME.user_name, name=ME.name, groups=ME.groups, zone=zone)
    for zone in (UTC, ZURICH)
)


@pytest.fixture(scope="module")
def world():
    world = World({})
    yield world
    world.close()


def fill(world: World, made: dict[str, list[dict[str, Any]]]) -> dict[str, list[dict[str, Any]]]:
    """Put the records in place of those that were there; by the table that holds them, they are given back."""
    held: dict[str, list[dict[str, Any]]] = {}
    for name, those in made.items():
        physical = world.catalog.physical(name)
        if physical.name not in held:
            world.connection.execute(delete(physical))
        one_class = {"sys_class_name": name} if world.catalog.dictionary.is_hierarchy(name) else {}
        whole = [{**one, **one_class} for one in those]
        held.setdefault(physical.name, []).extend(whole)
        for one in whole:
            world.connection.execute(insert(physical), one)
    return held


def agree(world: World, data: st.DataObject) -> None:
    """Draw records and an asker, and ask several queries of both."""
    held = fill(world, data.draw(worlds()))
    rules, viewer = data.draw(st.sampled_from(RULES)), data.draw(st.sampled_from(VIEWERS))
    evaluator = Evaluator(
        dictionary=TABLES,
        records=held,
        rules=rules,
        values=Comparisons(viewer=viewer, now=NOW, scripts=scripts("UTC" if viewer.zone is UTC else "Europe/Zurich")),
    )
    for _ in range(4):
        table = data.draw(st.sampled_from(tuple(PATHS)))
        query = data.draw(queries(table))
        note(f"{table}: {write(query)}")
        assert world.found(table, query, rules=rules, viewer=viewer) == evaluator.found(table, query)


ONE_OF_EACH_KIND = (
    "title",
    "state",
    "price",
    "active",
    "due",
    "day",
    "owner",
    "watchers",
    "comments",
    "sys_class_name",
    "owner.name",
)
MORE_PATHS = (
    "sys_id",
    "parent.due",
    "parent.comments",
    "owner.boss",
    "owner.place.open",
    "helper",
    "tool",
    "secret",
    "nonsense",
)


def every_condition(paths: tuple[str, ...], operator: Operator) -> list[Condition]:
    """Each path with the operator and everything that such a field is compared with."""
    dynamic = ("90d1921e5f510100a9ad2572f2b477fe", "d6435e965f510100a9ad2572f2b47744", "other")
    found = []
    for path in paths:
        kind = kind_of("u_job", path)
        values = (
            dynamic
            if operator is Operator.DYNAMIC
            else (OTHERS if operator in OF_FIELDS else VALUES_BY_KIND).get(kind, ("x",))
        )
        values = (
            ("u_repair", "u_job", "no") if operator is Operator.INSTANCE_OF else ("",) if operator in UNARY else values
        )
        found += [Condition(field=path, operator=operator, value=value) for value in values]
    return found


def agree_on_each(world: World, conditions: list[Condition], viewer: Viewer) -> None:
    evaluator = Evaluator(
        dictionary=TABLES,
        records=fill(world, EVERYTHING),
        rules=Rules(),
        values=Comparisons(viewer=viewer, now=NOW, scripts=scripts("UTC" if viewer.zone is UTC else "Europe/Zurich")),
    )
    for condition in conditions:
        query = Query(groups=(((condition,),),))
        assert world.page("u_job", query, viewer=viewer) == evaluator.found("u_job", query), condition


@pytest.mark.parametrize("operator", OPERATORS)
def test_each_operator_finds_what_the_evaluator_finds(world, operator):
    every_sixth = every_condition(ONE_OF_EACH_KIND, operator)[::6]  # the slow tests below have all of them
    agree_on_each(world, every_sixth, VIEWERS[1])


@pytest.mark.slow
@pytest.mark.parametrize("viewer", VIEWERS)
@pytest.mark.parametrize("operator", OPERATORS)
def test_each_operator_finds_what_the_evaluator_finds_on_every_kind_of_path(world, operator, viewer):
    agree_on_each(world, every_condition((*ONE_OF_EACH_KIND, *MORE_PATHS), operator), viewer)


@settings(max_examples=20, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_the_engine_finds_what_the_evaluator_finds(world, data):
    agree(world, data)


@pytest.mark.slow
@settings(max_examples=300, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_the_engine_finds_what_the_evaluator_finds_in_many_worlds(world, data):
    agree(world, data)
