"""What the tests of queries ask about: records of every sort, and what each kind of field is compared with."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from node.instance.dictionary import Kind
from node.instance.query.tree import Operator
from tests.node.instance.query_world import TABLES

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
            of = draw(st.sampled_from((name, name, "u_visit", "u_place")))
            made["sys_journal_field"].append(
                {"sys_id": f"e{at}", "name": of, "element_id": f"j{at}", "element": "comments", "value": entry}
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


JOBS = tuple(
    {
        "sys_id": f"j{at}",
        "title": (*NAMES, None)[at],
        "other_title": (*NAMES[::-1], None)[at] if at % 3 else (*NAMES, None)[at],
        "state": (*NUMBERS, None)[at % 6],
        "count": (*NUMBERS, None)[at % 4],
        "price": (1.5, 2.0, -1.0, None)[at % 4],
        "active": (0, 1, None)[at % 3],
        "due": (*INSTANTS, None)[at % 8],
        "done": (*INSTANTS, None)[at % 3] if at % 5 else (*INSTANTS, None)[at % 8],
        "day": (*DAYS, None)[at % 4],
        "owner": (*PEOPLE, None)[at % 5],
        "helper": (*PEOPLE, None)[at % 3],
        "parent": ("j0", "j1", "j2", None)[at % 4],
        "watchers": ("p1", "p2,p1", "g1", None)[at % 4],
    }
    for at in range(len(NAMES) + 1)
)
EVERYTHING = {
    "u_place": [{"sys_id": "l1", "name": "axb", "open": 1}, {"sys_id": "l2", "name": "a_b", "open": None}],
    "u_person": [
        {"sys_id": "p1", "name": "Ann", "boss": "p2", "place": "l1"},
        {"sys_id": "p2", "name": "a_b", "boss": None, "place": "l2"},
        {"sys_id": "p3", "name": None, "boss": "p1", "place": "gone"},
    ],
    "u_job": list(JOBS[:8]),
    "u_repair": [{**one, "tool": one["title"]} for one in JOBS[8:]],
    "u_visit": [],
    "sys_journal_field": [
        {"sys_id": f"e{at}", "name": "u_job", "element_id": f"j{at}", "element": element, "value": value}
        for at, (element, value) in enumerate(
            (
                ("comments", "Broken"),
                ("comments", "a_b"),
                ("work_notes", "Broken"),
                ("comments", "100%"),
                ("comments", "axb"),
            )
        )
    ],
}
