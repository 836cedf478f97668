"""Business rules that an admin writes down in `sys_script`."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

from tests.node.instance.rest_world import SHARED, RestWorld, grow_no_more, viewer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

pytestmark = [SHARED, pytest.mark.slow]

WORKER = viewer("worker", "itil")
RULE = {
    "name": "No viruses",
    "collection": "problem",
    "active": True,
    "when": "before",
    "order": 100,
    "action_insert": True,
    "action_update": True,
    "abort_action": True,
    "filter_condition": "short_descriptionLIKEEICAR^ORdescriptionLIKEEICAR^EQ",
}


@asynccontextmanager
async def rule(rest: RestWorld, **values: Any) -> AsyncIterator[str]:
    sys_id = await rest.make("sys_script", **{**RULE, **values})
    yield sys_id
    assert (await rest("DELETE", f"table/sys_script/{sys_id}")).status == 204


async def test_what_a_rule_forbids_is_not_done_and_what_it_does_not_is(rest: RestWorld) -> None:
    there = await rest.make("problem", short_description="fine")
    other = await rest.make("problem", short_description="EICAR from before")
    async with rule(rest, add_message=True, message="rejected"):
        refused = await rest("PATCH", f"table/problem/{there}", {"short_description": "an EICAR file"}, by=WORKER)
        assert refused.error == (403, "Operation Failed")
        assert "Business Rule 'No viruses^" in refused.json["error"]["detail"]
        assert (await rest.read("problem", there))["short_description"] == "fine"
        made = await rest("POST", "table/problem", {"description": "eicar", "sys_id": "e" * 32})
        assert made.status == 403
        assert (await rest("GET", f"table/problem/{'e' * 32}")).status == 404
        assert (await rest.change("problem", there, short_description="still fine"))["sys_mod_count"] == "1"
        assert (await rest("POST", "table/incident", {"short_description": "EICAR"})).status == 201
        assert (await rest("PATCH", f"table/problem/{other}", {"comments": "so it is"})).status == 403
    assert (await rest.change("problem", there, short_description="EICAR"))["short_description"] == "EICAR"


async def test_a_rule_that_is_made_inactive_forbids_nothing_from_then_on(rest: RestWorld) -> None:
    async with rule(rest) as sys_id:
        await rest.change("sys_script", sys_id, active=False)
        assert (await rest("POST", "table/problem", {"description": "EICAR"})).status == 201


async def test_a_rule_holds_for_the_tables_that_extend_its_own(rest: RestWorld) -> None:
    async with rule(rest, collection="task"):
        for table, status in (("incident", 403), ("change_request", 403), ("sys_user", 201)):
            values = {"description": "EICAR", "user_name": "eicar"}
            assert (await rest("POST", f"table/{table}", values)).status == status


@pytest.mark.parametrize("act", ["insert", "update", "delete"])
async def test_a_rule_is_for_the_acts_that_it_names(rest: RestWorld, act: str) -> None:
    there = await rest.make("problem", description="EICAR")
    flags = {f"action_{one}": one == act for one in ("insert", "update", "delete")}
    async with rule(rest, **flags):
        statuses = {
            "insert": (await rest("POST", "table/problem", {"description": "EICAR"})).status,
            "update": (await rest("PATCH", f"table/problem/{there}", {"short_description": "x"})).status,
            "delete": (await rest("DELETE", f"table/problem/{there}")).status,
        }
    assert {name for name, status in statuses.items() if status == 403} == {act}


@pytest.mark.parametrize(
    ("condition", "values", "status"),
    [
        ("", {}, 403),
        ("stateCHANGESTO103", {"state": 103}, 403),
        ("stateCHANGESTO103", {"state": 102}, 200),
        ("stateCHANGESTO101", {"short_description": "x"}, 200),
        ("stateCHANGESFROM101", {"state": 103}, 403),
        ("stateCHANGESFROM101", {"short_description": "x"}, 200),
        ("stateCHANGESFROM102", {"state": 103}, 200),
        ("impactVALCHANGES", {"impact": 1}, 403),
        ("impactVALCHANGES", {"urgency": 1}, 200),
        ("impactVALCHANGES^NQurgencyVALCHANGES", {"urgency": 1}, 403),
        ("priority=1", {"impact": 1, "urgency": 1}, 403),
        ("priority=1", {"impact": 1}, 200),
        ("opened_by.user_name=admin", {"short_description": "x"}, 403),
        ("opened_by.user_name=nobody", {"short_description": "x"}, 200),
        ("assigned_to=javascript:gs.getUserID()", {"assigned_to": "6816f79cc0a8016401c5a33be04be441"}, 403),
        ("assigned_to=javascript:gs.getUserID()", {"assigned_to": "none"}, 200),
        ("sys_created_onONToday@javascript:gs.beginningOfToday()@javascript:gs.endOfToday()", {"impact": 2}, 403),
    ],
)
async def test_a_condition_is_asked_of_the_record_as_it_will_be(
    rest: RestWorld, condition: str, values: dict[str, Any], status: int
) -> None:
    there = await rest.make("problem", short_description="fine")
    async with rule(rest, filter_condition=condition):
        said = await rest("PATCH", f"table/problem/{there}", {**values, "workaround": "none"})
    assert said.status == status


async def test_rules_set_fields_in_their_order_and_what_depends_on_them_follows(rest: RestWorld) -> None:
    first = {"order": 1, "abort_action": False, "filter_condition": "short_description=fire^EQ"}
    then = {"order": 2, "abort_action": False, "filter_condition": "impact=1"}
    async with (
        rule(rest, **then, name="A", template="category=network^assigned_to=javascript:gs.getUserID()^EQ"),
        rule(rest, **first, name="B", template="impact=1^urgency=1^EQ"),
    ):
        made = await rest.read("problem", await rest.make("problem", short_description="fire", by=WORKER))
    assert (made["impact"], made["priority"], made["category"]) == ("1", "1", "network")
    assert made["assigned_to"] == WORKER.sys_id


async def test_a_rule_sees_what_whoever_sets_it_off_does_not(rest: RestWorld) -> None:
    locked = await rest.make("sys_user", user_name="locked", locked_out=True)
    there = await rest.make("problem", opened_by=locked)
    for condition, status in (("opened_by.locked_out=true", 403), ("opened_by.locked_out=false", 200)):
        async with rule(rest, filter_condition=condition):
            assert (await rest("PATCH", f"table/problem/{there}", {"impact": 1}, by=WORKER)).status == status


async def test_a_rule_for_removals_sets_nothing_and_lets_go_what_it_does_not_forbid(rest: RestWorld) -> None:
    there = await rest.make("problem", short_description="fine")
    acts = {"action_insert": False, "action_update": False, "action_delete": True}
    async with rule(rest, **acts, filter_condition="", abort_action=False, template="impact=1^EQ"):
        assert (await rest("DELETE", f"table/problem/{there}")).status == 204
    assert (await rest("GET", f"table/problem/{there}")).status == 404


async def test_a_child_that_a_rule_holds_back_does_not_hold_back_its_parent(rest: RestWorld) -> None:
    parent = await rest.make("incident")
    children = [await rest.make("incident", parent_incident=parent, short_description=text) for text in ("no", "yes")]
    async with rule(rest, collection="incident", filter_condition="short_description=no^stateCHANGESTO2"):
        await rest.change("incident", parent, state=2)
    assert [(await rest.read("incident", one))["state"] for one in children] == ["1", "2"]


async def test_what_is_reopened_by_a_rule_for_somebody_who_is_no_worker_takes_no_children_along(
    rest: RestWorld,
) -> None:
    caller, solved = viewer("caller"), {"state": 6, "close_code": "Duplicate", "close_notes": "x"}
    parent = await rest.make("incident", caller_id=caller.sys_id)
    child = await rest.make("incident", parent_incident=parent)
    await rest.change("incident", parent, **solved)
    reopening = {"collection": "incident", "abort_action": False, "template": "state=2^EQ"}
    async with rule(rest, **reopening, filter_condition=f"sys_id={parent}"):
        assert (await rest("PATCH", f"table/incident/{parent}", {"comments": "again"}, by=caller)).status == 200
    assert [(await rest.read("incident", one))["state"] for one in (parent, child)] == ["2", "6"]


@pytest.mark.parametrize(
    "values",
    [
        {"script": "current.setAbortAction(true)"},
        {"condition": "current.active"},
        {"when": "after"},
        {"when": "async"},
        {"action_query": True},
        {"role_conditions": "itil"},
        {"rest_method": "a" * 32},
        {"client_callable": True},
        {"execute_function": True},
        {"collection": "sys_user_grmember", "filter_condition": ""},
        {"collection": "sys_user_has_role", "filter_condition": ""},
        {"collection": "no_table"},
        {"collection": "sys_script"},
        {"collection": "x_handclasp_connection", "filter_condition": ""},
        {"filter_condition": "bunk"},
        {"filter_condition": "no_field=1"},
        {"filter_condition": "commentsLIKEx"},
        {"filter_condition": "opened_by.stateCHANGESTO1"},
        {"filter_condition": "state=101^ORDERBYnumber"},
        {"filter_condition": "state=101^GROUPBYstate"},
        {"filter_condition": "sys_class_nameINSTANCEOFno_table"},
        {"filter_condition": "stateINSTANCEOFproblem"},
        {"filter_condition": "JOINproblem.opened_by=sys_user.sys_id!active=true"},
        {"filter_condition": "RLQUERYincident.problem_id,>0^ENDRLQUERY"},
        {"filter_condition": "short_descriptionDATEPARTx"},
        {"filter_condition": "^".join(["state=1"] * 450)},
        {"filter_condition": "^".join(["short_description=1"] * 300)},
        {"template": "impact=high^EQ"},
        {"template": "impact>1"},
        {"template": "impact=1^ORimpact=2"},
        {"template": "impact=1^NQurgency=1"},
        {"template": "impact=1^bunk"},
        {"template": "sys_created_by=me"},
        {"template": "comments=x"},
        {"template": "sys_id=1"},
        {"template": "no_field=1"},
        {"template": "active=false"},
    ],
    ids=lambda values: "-".join(f"{name}={value}"[:40] for name, value in values.items()),
)
async def test_a_rule_that_would_not_do_what_it_says_is_refused_unless_it_is_inactive(
    rest: RestWorld, values: dict[str, Any]
) -> None:
    refused = await rest("POST", "table/sys_script", {**RULE, **values})
    assert refused.error == (400, "Business rule not supported")
    sys_id = await rest.make("sys_script", **{**RULE, **values, "active": False})
    assert (await rest("PATCH", f"table/sys_script/{sys_id}", {"active": True})).status == 400


async def test_a_second_record_of_one_sys_id_is_refused_as_such_while_rules_run(rest: RestWorld) -> None:
    there = await rest.make("problem", short_description="fine")
    async with rule(rest):
        refused = await rest("POST", "table/problem", {"sys_id": there, "description": "EICAR"})
    assert "Unique Key violation" in refused.json["error"]["detail"]


async def test_a_disk_that_is_full_is_told_where_a_rule_stands_too(rest: RestWorld) -> None:
    database = await rest.instance.database()
    async with rule(rest):
        await database.write(grow_no_more)
        statuses = {201}
        while statuses == {201}:
            made = (rest("POST", "table/problem", {"description": "z" * 3500}) for _ in range(4))
            statuses = {answer.status for answer in await asyncio.gather(*made)}
        assert statuses == {507}
        await database.write(lambda tx: tx.connection.exec_driver_sql("PRAGMA max_page_count = 4294967294"))
        assert (await rest("POST", "table/problem", {"description": "z"})).status == 201
