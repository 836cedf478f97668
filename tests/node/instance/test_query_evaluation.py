"""The engine against a second evaluator, over records and queries that Hypothesis makes up."""

from __future__ import annotations

from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st
from sqlalchemy import delete, insert

from node.instance.dictionary import Kind
from node.instance.people.access import ALL, NONE, Rows
from node.instance.query.grammar import write
from node.instance.query.tree import Condition, Join, Operator, Order, Query, Related
from node.instance.viewer import Viewer
from tests.node.instance.query_comparisons import Comparisons
from tests.node.instance.query_evaluator import Evaluator
from tests.node.instance.query_world import ME, NOW, TABLES, Rules, World

ZURICH = ZoneInfo("Europe/Zurich")

NAMES = (
    "Ann",
    "ann",
    "ANNE",
    "100%",
    "a_b",
    "axb",
    "Ärger",
    "ärger",
    "日本",
    "p1",
    "\\",
    "' OR 1=1 --",
    'q"',
    "1",
    "x^y",
)
PEOPLE = ("p1", "p2", "p3", "gone")
INSTANTS = (
    "2026-03-04 10:30:00",
    "2026-03-04 09:30:00",
    "2026-03-03 23:30:00",
    "2026-03-03 10:30:00",
    "2026-01-31 22:59:59",
    "2025-07-01 22:30:00",
    "2025-07-02 00:00:00",
)
DAYS = ("2026-03-04", "2026-03-03", "2025-07-01")
NUMBERS = (-3, 0, 1, 2, 10)


def maybe(*values: Any) -> st.SearchStrategy[Any]:
    return st.sampled_from((None, *values))


RECORDS = {
    "u_place": st.fixed_dictionaries({"name": maybe(*NAMES), "open": maybe(0, 1)}),
    "u_person": st.fixed_dictionaries(
        {"name": maybe(*NAMES), "boss": maybe(*PEOPLE), "place": maybe("l1", "l2", "gone")}
    ),
    "u_job": st.fixed_dictionaries(
        {
            "title": maybe(*NAMES),
            "other_title": maybe(*NAMES),
            "state": maybe(*NUMBERS),
            "count": maybe(*NUMBERS),
            "price": maybe(1.5, 2.0, -1.0),
            "active": maybe(0, 1),
            "due": maybe(*INSTANTS),
            "done": maybe(*INSTANTS),
            "day": maybe(*DAYS),
            "owner": maybe(*PEOPLE),
            "helper": maybe(*PEOPLE),
            "parent": maybe("j0", "j1", "j2"),
            "watchers": maybe("p1", "p2,p1", "g1", "p3"),
        }
    ),
}


@st.composite
def worlds(draw: st.DrawFn) -> dict[str, list[dict[str, Any]]]:
    """A few records of each table, by the class that they are of."""
    made: dict[str, list[dict[str, Any]]] = {
        name: [] for name in ("u_place", "u_person", "u_job", "u_repair", "u_visit")
    }
    made["sys_journal_field"] = []
    for at in range(draw(st.integers(0, 2))):
        made["u_place"].append({"sys_id": f"l{at + 1}", **draw(RECORDS["u_place"])})
    for at in range(draw(st.integers(0, 3))):
        made["u_person"].append({"sys_id": f"p{at + 1}", **draw(RECORDS["u_person"])})
    for at in range(draw(st.integers(1, 4))):
        own = {"u_job": {}, "u_repair": {"tool": draw(maybe(*NAMES))}, "u_visit": {"where": draw(maybe("l1", "l2"))}}
        name = draw(st.sampled_from(tuple(own)))
        made[name].append({"sys_id": f"j{at}", **draw(RECORDS["u_job"]), **own[name]})
        if entry := draw(maybe("Broken", "a_b", "100%")):
            made["sys_journal_field"].append(
                {"sys_id": f"e{at}", "element_id": f"j{at}", "element": "comments", "value": entry}
            )
    return made


MIDNIGHT = {"UTC": datetime(2026, 3, 4, tzinfo=UTC), "Europe/Zurich": datetime(2026, 3, 3, 23, tzinfo=UTC)}
BEFORE_MIDNIGHT = {
    "UTC": datetime(2026, 3, 4, 23, 59, 59, tzinfo=UTC),
    "Europe/Zurich": datetime(2026, 3, 4, 22, 59, 59, tzinfo=UTC),
}


def scripts(zone: str) -> dict[str, Any]:
    """What scripts stand for at `NOW`, by hand."""
    return {
        "javascript:gs.getUserID()": "p1",
        "javascript:gs.getUserName()": "me",
        "javascript:gs.getUser().getMyGroups()": ("g1", "g2"),
        "javascript:gs.daysAgoStart(0)": MIDNIGHT[zone],
        "javascript:gs.endOfToday()": BEFORE_MIDNIGHT[zone],
        "javascript:gs.hoursAgo(1)": datetime(2026, 3, 4, 9, 30, tzinfo=UTC),
    }


TODAY = "Today@javascript:gs.daysAgoStart(0)@javascript:gs.endOfToday()"
VALUES_BY_KIND = {
    Kind.TEXT: (*NAMES, "", "NULL", "n", "ann,Ärger", "a@b", "Ann@axb", ",", "javascript:gs.getUserName()"),
    Kind.IDENTITY: (
        *PEOPLE,
        "P1",
        "",
        "p1,p2",
        "NULL",
        "an",
        "%",
        "javascript:gs.getUserID()",
        "javascript:gs.getUser().getMyGroups()",
    ),
    Kind.INTEGER: ("1", "-3", "2,10", "0@2", "1.0", "1.5", "high", "", "1,high", "99999999999999999999"),
    Kind.DECIMAL: ("1.5", "2", "-1@1.5", "high", "1.5,2"),
    Kind.BOOLEAN: ("true", "false", "1", "0", "maybe", "", "true,false"),
    Kind.INSTANT: (
        *INSTANTS,
        "2026-03-04",
        "2026-03-03 10:30:00@2026-03-04 09:30:00",
        TODAY,
        "tomorrow",
        "javascript:gs.hoursAgo(1)",
        "javascript:gs.rm('everything')",
        "@hour@ago@1",
        "@dayofweek@ago@1",
        "@dayofweek@ahead@0",
        "@fortnight@ago@1",
        "Monday@javascript:gs.datePart('dayofweek','tuesday','GT')",
        "July@javascript:gs.datePart('month','july','EE')",
        "9@javascript:gs.datePart('hour','10','LE')",
        "2026-03",
    ),
    Kind.DAY: (
        *DAYS,
        "2026-03-03@2026-03-04",
        TODAY,
        "today",
        "@dayofweek@ago@1",
        "M@javascript:gs.datePart('dayofweek','wednesday','EE')",
    ),
    Kind.JOURNAL: ("broken", "a_", "Broken", "%", ""),
}
OTHERS = {
    Kind.TEXT: ("other_title", "title", "owner.name", "nonsense", ""),
    Kind.IDENTITY: ("helper", "owner", "parent.owner"),
    Kind.INTEGER: ("count", "state", "price"),
    Kind.DECIMAL: ("price",),
    Kind.BOOLEAN: ("owner.place.open", "active"),
    Kind.INSTANT: (
        "done",
        "due@day",
        "done@day",
        "done@hour",
        "done@month",
        "done@eon",
        "done@day@before@1",
        "due@hour@after@1",
        "done@month@after@1",
        "parent.done@week@before@2",
    ),
    Kind.DAY: ("day", "parent.day@month"),
    Kind.JOURNAL: ("comments",),
}
OF_FIELDS = frozenset(
    {
        Operator.SAME_AS,
        Operator.NOT_SAME_AS,
        Operator.MORE_THAN,
        Operator.LESS_THAN,
        Operator.GREATER_THAN_FIELD,
        Operator.LESS_THAN_FIELD,
        Operator.GREATER_OR_IS_FIELD,
        Operator.LESS_OR_IS_FIELD,
    }
)
NOT_EVALUATED = frozenset({Operator.IN_HIERARCHY, Operator.IN_HIERARCHY_DYNAMIC})
OPERATORS = tuple(one for one in Operator if one not in NOT_EVALUATED)

PATHS = {
    "u_place": ("name", "open", "sys_id"),
    "u_person": ("name", "boss", "boss.name", "boss.boss.name", "place", "place.open", "sys_id", "nonsense"),
    "u_job": (
        *(name for name in TABLES.fields("u_job") if not name.startswith("sys_")),
        "sys_id",
        "sys_class_name",
        "owner.name",
        "owner.boss",
        "owner.place.name",
        "parent.state",
        "parent.due",
        "parent.owner.boss.name",
        "parent.comments",
        "title.name",
        "tool",
    ),
}
PATHS["u_repair"] = PATHS["u_job"]


def kind_of(table: str, path: str) -> Kind:
    name, _, rest = path.partition(".")
    field = TABLES.fields(table).get(name)
    if field is None:
        return Kind.TEXT
    return kind_of(field.reference, rest) if rest and field.reference else field.kind


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


@settings(max_examples=20, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_the_engine_finds_what_the_evaluator_finds(world, data):
    agree(world, data)


@pytest.mark.slow
@settings(max_examples=300, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_the_engine_finds_what_the_evaluator_finds_in_many_worlds(world, data):
    agree(world, data)
