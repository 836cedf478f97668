"""Which records a query finds, by examples; test_query_evaluation holds all operators to a second evaluator."""

from __future__ import annotations

from types import MappingProxyType

import pytest

from node.instance.people.access import NONE, Rows
from tests.node.instance.query_world import Rules, World


@pytest.fixture(scope="module")
def world():
    world = World(
        {
            "u_place": [{"sys_id": "l1", "name": "Basel", "open": 1}, {"sys_id": "l2", "name": "Bern", "open": 0}],
            "u_person": [
                {"sys_id": "p1", "name": "Ann", "boss": "p2", "place": "l1"},
                {"sys_id": "p2", "name": "Bob", "place": "l2"},
                {"sys_id": "p3", "name": "Cid", "boss": "p2", "place": "gone"},
            ],
            "u_job": [{"sys_id": "j1", "title": "100 % done", "state": 1, "owner": "p1", "watchers": "p2,p3"}],
            "u_repair": [
                {"sys_id": "j2", "title": "Mend_it", "state": 2, "owner": "p2", "active": 1, "tool": "saw"},
                {"sys_id": "j3", "state": 10, "owner": "p3", "active": 0, "price": 1.5},
            ],
            "u_visit": [{"sys_id": "j4", "title": "MENDxIT", "active": 1, "where": "l1", "parent": "j2"}],
            "sys_journal_field": [
                {
                    "sys_id": "e1",
                    "name": "u_repair",
                    "element_id": "j2",
                    "element": "comments",
                    "value": "Broken again",
                },
                {"sys_id": "e2", "name": "u_place", "element_id": "j1", "element": "comments", "value": "Broken door"},
            ],
        }
    )
    yield world
    world.close()


@pytest.mark.parametrize(
    ("table", "query", "found"),
    [
        ("u_job", "", "j1 j2 j3 j4"),
        ("u_repair", "", "j2 j3"),
        ("u_job", "state=2^ORstate=10^active=true", "j2"),
        ("u_job", "state=1^NQactive=false", "j1 j3"),
        ("u_job", "state>2", "j3"),
        ("u_job", "state!=2", "j1 j3 j4"),
        ("u_job", "stateIN1,2", "j1 j2"),
        ("u_job", "stateNOT IN1,2", "j3 j4"),
        ("u_job", "titleLIKE%", "j1"),
        ("u_job", "titleLIKEmend_", "j2"),
        ("u_job", "titleSTARTSWITHMend", "j2 j4"),
        ("u_job", "titleENDSWITHit", "j2 j4"),
        ("u_job", "titleNOT LIKEmend", "j1 j3"),
        ("u_job", "title=mend_IT", "j2"),
        ("u_job", "titleISEMPTY", "j3"),
        ("u_job", "title=", "j3"),
        ("u_job", "titleISNOTEMPTY^stateBETWEEN1@2", "j1 j2"),
        ("u_job", "state=high", ""),
        ("u_job", "state!=high", "j1 j2 j3 j4"),
        ("u_job", "nonsense=1^state=1", "j1"),
        ("u_job", "tool=saw", "j1 j2 j3 j4"),
        ("u_repair", "tool=saw", "j2"),
        ("u_job", "owner=javascript:gs.getUserID()", "j1"),
        ("u_job", "owner=javascript:anything(1)", ""),
        ("u_job", "owner=P2", "j2"),
        ("u_job", "ownerLIKEb", "j2"),
        ("u_job", "ownerNOT LIKEb", "j1 j3 j4"),
        ("u_job", "owner.boss.name=bob", "j1 j3"),
        ("u_job", "owner.place.open=true^ORowner.place.nameSTARTSWITHber", "j1 j2"),
        ("u_job", "owner.place.nameISEMPTY", "j3 j4"),
        ("u_job", "watchersLIKEp3", "j1"),
        ("u_job", "sys_class_nameINSTANCEOFu_repair", "j2 j3"),
        ("u_job", "commentsLIKEbroken", "j2"),
        ("u_job", "commentsNOT LIKEbroken", "j1 j3 j4"),
        ("u_job", "commentsISEMPTY", "j1 j3 j4"),
        ("u_job", "secretISEMPTY^state=1", "j1"),
        ("u_job", "ORDERBYowner^state>0", "j1 j2 j3"),
        ("u_job", "ORDERBYDESCowner.place.name", "j2 j1 j4 j3"),
        ("u_job", "ORDERBYDESCactive^ORDERBYtitle", "j2 j4 j3 j1"),
        ("u_person", "JOINu_person.sys_id=u_job.owner!state>1", "p2 p3"),
        ("u_person", "RLQUERYu_person.boss,>1^ENDRLQUERY", "p2"),
        ("u_person", "RLQUERYu_person.boss,<=2^ENDRLQUERY", "p1 p2 p3"),
        ("u_person", "RLQUERYu_person.boss,<2^ENDRLQUERY", "p1 p3"),
        ("u_person", "RLQUERYu_job.owner,=0^active=true^ENDRLQUERY", "p1 p3"),
        ("u_person", "RLQUERYu_job.owner,>0,m2m^owner.boss.nameLIKEb^ENDRLQUERY^name!=Cid", "p1"),
    ],
)
def test_a_query_finds(world, table, query, found):
    assert world.found(table, query) == found.split()


SOME_PEOPLE = Rules(rows_of={"u_person": Rows(MappingProxyType({"u_person": "name=Ann"}))})
NO_PEOPLE = Rules(rows_of={"u_person": NONE})
NAMELESS = Rules(hidden=frozenset({("u_person", "name")}))
OWN_JOBS = Rules(
    rows_of={
        "u_job": Rows(MappingProxyType({"u_job": "", "u_repair": "owner.boss.name=Bob", "u_visit": "parent.state=2"}))
    }
)
BROKEN_RULE = Rules(rows_of={"u_place": Rows(MappingProxyType({"u_place": "nameLIKEa^ORnonsense=1"}))})
ENDLESS_RULE = Rules(
    rows_of={"u_person": Rows(MappingProxyType({"u_person": "boss.nameISEMPTY^JOINu_person.boss=u_person.sys_id!"}))}
)


@pytest.mark.parametrize(
    ("rules", "table", "query", "found"),
    [
        (SOME_PEOPLE, "u_person", "", "p1"),
        (SOME_PEOPLE, "u_person", "nameISNOTEMPTY^NQname=Bob", "p1"),
        (SOME_PEOPLE, "u_job", "owner.nameISNOTEMPTY", "j1"),
        (SOME_PEOPLE, "u_job", "owner.name=Bob", ""),
        (SOME_PEOPLE, "u_job", "owner.boss.nameISNOTEMPTY", ""),
        (SOME_PEOPLE, "u_job", "ownerLIKEb", ""),
        (SOME_PEOPLE, "u_job", "ORDERBYDESCowner", "j1 j4 j3 j2"),
        (SOME_PEOPLE, "u_place", "JOINu_place.sys_id=u_person.place!", "l1"),
        (SOME_PEOPLE, "u_place", "RLQUERYu_person.place,>0^ENDRLQUERY", "l1"),
        (SOME_PEOPLE, "u_place", "RLQUERYu_person.place,=0^ENDRLQUERY", "l2"),
        (NO_PEOPLE, "u_person", "", ""),
        (NO_PEOPLE, "u_job", "owner.nameISNOTEMPTY", ""),
        (NAMELESS, "u_person", "name=Bob", "p1 p2 p3"),
        (NAMELESS, "u_person", "ORDERBYDESCname", "p1 p2 p3"),
        (NAMELESS, "u_job", "ownerLIKEbob^state=1", "j1"),
        (NAMELESS, "u_place", "JOINu_place.sys_id=u_person.place!name=Bob", "l1 l2"),
        (NAMELESS, "u_place", "JOINu_place.name=u_person.name!", "l1 l2"),
        (OWN_JOBS, "u_job", "", "j1 j3"),
        (OWN_JOBS, "u_repair", "", "j3"),
        (OWN_JOBS, "u_person", "JOINu_person.sys_id=u_job.owner!", "p1 p3"),
        (BROKEN_RULE, "u_place", "", "l1"),
        (ENDLESS_RULE, "u_person", "", ""),
    ],
)
def test_what_may_not_be_read_is_as_if_it_were_not_there(world, rules, table, query, found):
    assert world.found(table, query, rules=rules) == found.split()
