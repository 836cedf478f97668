"""What an incident does by itself."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.node.instance.rest_world import ADMIN_VIEWER, SHARED, RestWorld, viewer

pytestmark = [SHARED, pytest.mark.slow]

CALLER = viewer("caller")
WORKER = viewer("worker", "itil")
SOLVED = {"close_code": "Solution provided", "close_notes": "Plugged it in"}


async def incident(rest: RestWorld, **values: Any) -> str:
    return await rest.make("incident", short_description="broken", **values)


PRIORITIES = ("123", "234", "345")
"""A line for each impact, a digit for each urgency."""


@pytest.mark.parametrize("table", ["incident", "problem"])
async def test_priority_follows_impact_and_urgency(rest: RestWorld, table: str) -> None:
    found = [
        [
            (await rest.read(table, await rest.make(table, impact=impact, urgency=urgency, priority=2)))["priority"]
            for urgency in (1, 2, 3)
        ]
        for impact in (1, 2, 3)
    ]
    assert tuple(map("".join, found)) == PRIORITIES


async def test_priority_is_not_for_clients_to_set(rest: RestWorld) -> None:
    made = await rest.read("incident", await incident(rest, impact=1, urgency=1))
    changed = await rest.change("incident", made["sys_id"], impact=3, urgency=3)
    assert changed["priority"] == "5"
    assert (await rest.change("incident", made["sys_id"], priority=1))["priority"] == "5"


async def test_the_two_names_of_the_state_say_the_same_whichever_is_written(rest: RestWorld) -> None:
    sys_id = await incident(rest)
    assert [(await rest.read("incident", sys_id))[name] for name in ("state", "incident_state")] == ["1", "1"]
    for values, state in (({"state": 2}, "2"), ({"incident_state": 3}, "3"), ({"state": 2, "incident_state": 1}, "2")):
        changed = await rest.change("incident", sys_id, **values)
        assert (changed["state"], changed["incident_state"]) == (state, state)
    made = await rest.read("incident", await incident(rest, incident_state=2))
    assert (made["state"], made["incident_state"]) == ("2", "2")


async def test_a_new_one_says_who_opened_it_and_when(rest: RestWorld) -> None:
    made = await rest.read("incident", await incident(rest, by=WORKER))
    assert (made["opened_by"], made["opened_at"]) == (WORKER.sys_id, made["sys_created_on"])
    told = await rest.read("incident", await incident(rest, opened_at="2020-01-01 00:00:00", opened_by=CALLER.sys_id))
    assert (told["opened_by"], told["opened_at"]) == (CALLER.sys_id, "2020-01-01 00:00:00")


async def test_it_is_active_until_it_is_closed_or_canceled(rest: RestWorld) -> None:
    sys_id = await incident(rest)
    states = []
    for state in (1, 2, 3, 6, 7, 8):
        changed = await rest.change("incident", sys_id, state=state, **SOLVED)
        states.append((state, changed["active"], bool(changed["closed_at"])))
    assert states == [
        (1, "true", False),
        (2, "true", False),
        (3, "true", False),
        (6, "true", False),
        (7, "false", True),
        (8, "false", True),
    ]


@pytest.mark.parametrize("state", [6, 7])
@pytest.mark.parametrize("given", [{}, {"close_code": "Duplicate"}, {"close_notes": "x"}])
async def test_nothing_is_resolved_or_closed_without_a_code_and_notes(
    rest: RestWorld, state: int, given: dict[str, str]
) -> None:
    sys_id = await incident(rest)
    refused = await rest("PATCH", f"table/incident/{sys_id}", {"state": state, **given})
    assert refused.error == (403, "Operation Failed")
    assert "Data Policy Exception" in refused.json["error"]["detail"]
    assert (await rest.read("incident", sys_id))["state"] == "1"


async def test_resolving_closing_and_reopening_say_who_and_when(rest: RestWorld) -> None:
    sys_id = await incident(rest)
    opened = (await rest.read("incident", sys_id))["opened_at"]
    rest.clock.ahead_s += 90
    resolved = await rest.change("incident", sys_id, state=6, **SOLVED, by=WORKER)
    assert resolved["resolved_by"] == WORKER.sys_id
    assert resolved["resolved_at"] > opened
    assert (resolved["calendar_stc"], resolved["closed_at"], resolved["closed_by"]) == ("90", "", "")
    rest.clock.ahead_s += 90
    closed = await rest.change("incident", sys_id, state=7)
    assert (closed["closed_by"], closed["resolved_by"]) == (ADMIN_VIEWER.sys_id, WORKER.sys_id)
    assert closed["closed_at"] > closed["resolved_at"]
    assert closed["calendar_duration"] == "1970-01-01 00:03:00"
    rest.clock.ahead_s += 90
    later = await rest.change("incident", sys_id, comments="thanks", opened_at="2020-01-01 00:00:00")
    for name in ("resolved_at", "resolved_by", "closed_at", "closed_by", "calendar_duration", "calendar_stc"):
        assert later[name] == closed[name] != "", name
    assert (later["reopen_count"], closed["calendar_stc"]) == ("0", "90")
    for count in ("1", "2"):
        reopened = await rest.change("incident", sys_id, state=2, by=WORKER)
        told = [reopened[name] for name in ("resolved_at", "resolved_by", "closed_at", "closed_by", "calendar_stc")]
        assert told == [""] * 5
        assert reopened["calendar_duration"] == ""
        assert (reopened["active"], reopened["reopen_count"]) == ("true", count)
        assert (reopened["reopened_by"], reopened["reopened_time"]) == (WORKER.sys_id, reopened["sys_updated_on"])
        await rest.change("incident", sys_id, state=7)


async def test_what_the_client_says_of_its_end_stands(rest: RestWorld) -> None:
    sys_id = await incident(rest)
    then = "2020-01-01 00:00:00"
    changed = await rest.change("incident", sys_id, state=6, **SOLVED, resolved_at=then, resolved_by=CALLER.sys_id)
    assert (changed["resolved_at"], changed["resolved_by"]) == (then, CALLER.sys_id)
    assert changed["calendar_stc"] == "", "it was resolved before it was opened"


async def test_how_long_it_was_open_is_told_from_when_it_was_opened(rest: RestWorld) -> None:
    at = datetime.fromtimestamp(rest.clock.now() - 7_200, UTC)
    sys_id = await incident(rest, opened_at=f"{at:%Y-%m-%d %H:%M:%S}")
    assert (await rest.change("incident", sys_id, state=7, **SOLVED))["calendar_duration"] == "1970-01-01 02:00:00"


async def test_what_was_resolved_is_not_closed_without_a_code(rest: RestWorld) -> None:
    sys_id = await incident(rest, state=6, **SOLVED)
    refused = await rest("PATCH", f"table/incident/{sys_id}", {"state": 7, "close_code": ""})
    assert refused.error == (403, "Operation Failed")


async def test_a_new_one_of_two_states_has_the_one_that_is_called_state(rest: RestWorld) -> None:
    made = await rest.read("incident", await incident(rest, state=2, incident_state=1))
    assert (made["state"], made["incident_state"]) == ("2", "2")


async def test_numbers_follow_each_other_and_one_that_is_given_stays(rest: RestWorld) -> None:
    first, own, second = [await incident(rest, number=number) for number in ("", "INC0000046", "")]
    told = [(await rest.read("incident", one))["number"] for one in (first, own, second)]
    assert told[1] == "INC0000046"
    assert int(told[2].removeprefix("INC")) == int(told[0].removeprefix("INC")) + 1
    assert (await rest.change("incident", first, number=""))["number"] == ""


async def test_going_on_clears_the_reason_for_being_on_hold(rest: RestWorld) -> None:
    sys_id = await incident(rest)
    assert (await rest.change("incident", sys_id, hold_reason=3))["hold_reason"] == "3", "who says so early may"
    assert (await rest.change("incident", sys_id, state=3, hold_reason=4))["hold_reason"] == "4"
    assert (await rest.change("incident", sys_id, short_description="still"))["hold_reason"] == "4"
    assert (await rest.change("incident", sys_id, state=2))["hold_reason"] == ""


async def test_what_waits_for_its_caller_goes_on_when_the_caller_writes_and_for_nobody_else(rest: RestWorld) -> None:
    sys_id = await incident(rest, caller_id=CALLER.sys_id)
    await rest.change("incident", sys_id, state=3, hold_reason=1)
    assert (await rest.change("incident", sys_id, comments="any news?", by=WORKER))["state"] == "3"
    assert (await rest("PATCH", f"table/incident/{sys_id}", {"comments": "yes"}, by=CALLER)).status == 200
    now = await rest.read("incident", sys_id)
    assert (now["state"], now["incident_state"], now["hold_reason"]) == ("2", "2", "")
    await rest.change("incident", sys_id, state=3, hold_reason=4)
    await rest("PATCH", f"table/incident/{sys_id}", {"comments": "yes"}, by=CALLER)
    assert (await rest.read("incident", sys_id))["state"] == "3"


@pytest.mark.parametrize("name", ["state", "incident_state"])
async def test_a_caller_who_says_how_it_goes_on_and_may_is_taken_at_their_word(rest: RestWorld, name: str) -> None:
    sys_id = await incident(rest, caller_id=WORKER.sys_id)
    await rest.change("incident", sys_id, state=3, hold_reason=1)
    changed = await rest.change("incident", sys_id, by=WORKER, comments="never mind", **{name: 8})
    assert (changed["state"], changed["incident_state"]) == ("8", "8")


async def test_what_goes_on_by_its_callers_answer_takes_children_along_that_the_caller_may_not_see(
    rest: RestWorld,
) -> None:
    parent = await incident(rest, caller_id=CALLER.sys_id)
    await rest.change("incident", parent, state=3, hold_reason=1)
    child = await incident(rest, parent_incident=parent, state=3, hold_reason=4)
    assert (await rest("PATCH", f"table/incident/{parent}", {"comments": "yes"}, by=CALLER)).status == 200
    assert (await rest.read("incident", child))["state"] == "2"
    assert (await rest("GET", f"table/incident/{child}", by=CALLER)).status == 404


async def test_each_one_who_takes_over_from_another_is_counted(rest: RestWorld) -> None:
    sys_id = await incident(rest)
    steps = ({"assigned_to": "a"}, {"assigned_to": "b"}, {"assigned_to": "b"}, {"assignment_group": "g"})
    counts = [(await rest.change("incident", sys_id, **values))["reassignment_count"] for values in steps]
    both = await rest.change("incident", sys_id, assignment_group="h", assigned_to="c")
    group = await rest.change("incident", sys_id, assignment_group="i")
    assert [*counts, both["reassignment_count"], group["reassignment_count"]] == ["0", "1", "1", "1", "2", "3"]
    told = await rest.change("incident", sys_id, assigned_to="d", reassignment_count=7)
    assert told["reassignment_count"] == "7"


async def test_a_parent_knows_how_many_children_it_has(rest: RestWorld) -> None:
    one, other = await incident(rest), await incident(rest)
    child, _ = await incident(rest, parent_incident=one), await incident(rest, parent_incident=one)
    assert (await rest.read("incident", one))["child_incidents"] == "2"
    await rest.change("incident", child, parent_incident=other)
    assert [(await rest.read("incident", each))["child_incidents"] for each in (one, other)] == ["1", "1"]
    await rest("DELETE", f"table/incident/{child}")
    assert (await rest.read("incident", other))["child_incidents"] == "0"


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"state": 2}, ("2", "")),
        ({"state": 3, "hold_reason": 4}, ("3", "4")),
        ({"state": 3, "hold_reason": 1}, ("1", "")),
        ({"state": 6, **SOLVED}, ("6", "")),
        ({"state": 7, **SOLVED}, ("1", "")),
        ({"state": 8}, ("1", "")),
    ],
    ids=["in progress", "on hold", "awaiting caller", "resolved", "closed", "canceled"],
)
async def test_children_go_where_their_parent_goes_if_it_leads_them(
    rest: RestWorld, values: dict[str, Any], expected: tuple[str, str]
) -> None:
    parent = await incident(rest)
    child = await incident(rest, parent_incident=parent)
    grandchild = await incident(rest, parent_incident=child)
    sibling = await incident(rest, parent_incident=parent)
    await rest.change("incident", parent, **values)
    for sys_id in (child, grandchild, sibling):
        now = await rest.read("incident", sys_id)
        assert (now["state"], now["hold_reason"]) == expected
        assert now["close_notes"] == (SOLVED["close_notes"] if expected[0] == "6" else "")
        notes = await rest("GET", f"table/sys_journal_field?element_id={sys_id}&element=work_notes")
        assert [one["value"] for one in notes.result] == ([SOLVED["close_notes"]] if expected[0] == "6" else [])


async def test_five_generations_follow_and_no_more(rest: RestWorld) -> None:
    family = [await incident(rest)]
    for _ in range(7):
        family.append(await incident(rest, parent_incident=family[-1]))
    await rest.change("incident", family[0], state=2)
    states = [(await rest.read("incident", one))["state"] for one in family]
    assert states == ["2"] * 6 + ["1"] * 2


async def test_a_family_in_a_ring_comes_to_an_end(rest: RestWorld) -> None:
    one = await incident(rest)
    other = await incident(rest, parent_incident=one)
    await rest.change("incident", one, parent_incident=other)
    await rest.change("incident", one, state=2)
    assert (await rest.read("incident", other))["state"] == "2"


async def test_resolved_children_stay_so_unless_their_parent_is_reopened_by_a_worker(rest: RestWorld) -> None:
    parent = await incident(rest)
    child = await incident(rest, parent_incident=parent)
    closed, canceled = [await incident(rest, parent_incident=parent) for _ in range(2)]
    await rest.change("incident", closed, state=7, **SOLVED)
    await rest.change("incident", canceled, state=8)
    await rest.change("incident", child, state=6, **SOLVED)
    await rest.change("incident", parent, state=2)
    assert (await rest.read("incident", child))["state"] == "6"
    await rest.change("incident", parent, state=6, **SOLVED)
    await rest.change("incident", parent, state=2, by=WORKER)
    states = [(await rest.read("incident", each))["state"] for each in (child, closed, canceled)]
    assert states == ["2", "7", "8"]


PROBLEM_STEPS = [
    (102, 103, 104, 106, 107),
    (103, 106, 103, 104, 103),
    (102, 107, 103),
    (103, 107),
]


@pytest.mark.parametrize("steps", PROBLEM_STEPS, ids=str)
async def test_a_problem_goes_where_its_state_model_leads(rest: RestWorld, steps: tuple[int, ...]) -> None:
    sys_id = await rest.make("problem", short_description="why")
    for state in steps:
        now = await rest.change("problem", sys_id, state=state)
        assert (now["state"], now["problem_state"]) == (str(state), str(state))
        assert now["active"] == ("false" if state == 107 else "true")
        assert bool(now["resolved_at"]) is (state in {106, 107})
        assert bool(now["confirmed_at"]) is (state >= 103)


WAYS = {101: (), 102: (102,), 103: (103,), 104: (103, 104), 106: (103, 106), 107: (107,)}
"""To each state."""

NEXT = {
    101: {102, 103, 107},
    102: {103, 107},
    103: {104, 106, 107},
    104: {103, 106, 107},
    106: {103, 107},
    107: {103},
}


@pytest.mark.parametrize("state", WAYS)
async def test_a_problem_goes_nowhere_else(rest: RestWorld, state: int) -> None:
    allowed = set()
    for other in WAYS.keys() - {state}:
        sys_id = await rest.make("problem", short_description="why")
        for step in WAYS[state]:
            await rest.change("problem", sys_id, state=step)
        if (await rest("PATCH", f"table/problem/{sys_id}", {"state": other})).status == 200:
            allowed.add(other)
    assert allowed == NEXT[state]


async def test_a_problem_may_begin_in_any_state(rest: RestWorld) -> None:
    assert (await rest.read("problem", await rest.make("problem", state=106)))["resolved_by"] == ADMIN_VIEWER.sys_id


async def test_a_task_is_active_until_it_is_closed_or_skipped(rest: RestWorld) -> None:
    states = (-5, 1, 2, 3, 4, 7)
    made = [await rest.read("task", await rest.make("task", state=state)) for state in states]
    assert [one["active"] for one in made] == ["true"] * 3 + ["false"] * 3


@pytest.mark.parametrize("field", ["state", "problem_state"])
async def test_a_problem_is_not_resolved_before_its_cause_is_looked_for(rest: RestWorld, field: str) -> None:
    sys_id = await rest.make("problem", short_description="why", state=102)
    refused = await rest("PATCH", f"table/problem/{sys_id}", {field: 106})
    assert refused.status == 403
    assert "Problem state transition from state 102 to 106 is not possible" in refused.json["error"]["detail"]


async def test_a_problem_is_closed_as_a_duplicate_of_another(rest: RestWorld) -> None:
    first, second = [await rest.make("problem", short_description="why") for _ in range(2)]
    closed = await rest.change("problem", second, state=107, resolution_code="duplicate", duplicate_of=first)
    assert (closed["active"], closed["duplicate_of"]) == ("false", first)


async def test_a_change_is_active_until_it_is_closed_or_canceled(rest: RestWorld) -> None:
    sys_id = await rest.make("change_request", short_description="upgrade")
    states = {state: (await rest.change("change_request", sys_id, state=state))["active"] for state in (-5, -1, 0, 3)}
    assert states == {-5: "true", -1: "true", 0: "true", 3: "false"}
    assert (await rest.change("change_request", sys_id, state=4))["closed_at"] != ""


async def test_a_problem_knows_how_many_incidents_it_has(rest: RestWorld) -> None:
    problem = await rest.make("problem", short_description="why")
    await incident(rest, problem_id=problem)
    assert (await rest.read("problem", problem))["related_incidents"] == "1"
