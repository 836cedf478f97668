"""The Table API: what a client asks, and what it is told."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest
import pytest_asyncio

from node.instance import readers
from node.instance.first_records import ADMIN
from node.instance.records import journals, reading, representing
from node.instance.viewer import Viewer
from tests.node.instance.rest_world import ADMIN_VIEWER, BASE_URL, SHARED, RestWorld, rest_world, viewer
from tests.node.people_world import StillClock

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

pytestmark = SHARED


@pytest_asyncio.fixture(loop_scope="module", autouse=True)
async def emptied(rest: RestWorld) -> AsyncIterator[None]:
    """Each test finds no tasks, and nothing that hangs on one."""
    yield
    await rest.empty("task", "sys_journal_field", "sys_attachment")


async def test_a_new_incident_has_a_number_and_is_found_by_it(rest: RestWorld) -> None:
    said = await rest("POST", "table/incident", {"short_description": "No mail", "caller_id": ADMIN})
    assert said.status == 201
    number = said.result["number"]
    assert re.fullmatch(r"INC00100\d\d", number)
    assert said.headers["Location"] == f"{BASE_URL}/api/now/table/incident/{said.result['sys_id']}"
    found = await rest("GET", f"table/incident?sysparm_query=number={number}")
    assert [one["short_description"] for one in found.result] == ["No mail"]
    assert found.headers["X-Total-Count"] == "1"


async def test_every_value_is_a_string_and_what_is_empty_is_the_empty_one(rest: RestWorld) -> None:
    sys_id = await rest.make("incident", short_description="x", urgency=1, active=True)
    record = (await rest("GET", f"table/incident/{sys_id}?sysparm_exclude_reference_link=true")).result
    assert all(isinstance(value, str) for value in record.values())
    assert (record["urgency"], record["active"], record["assigned_to"]) == ("1", "true", "")


async def test_a_reference_shows_its_link_its_name_or_both(rest: RestWorld) -> None:
    sys_id = await rest.make("incident", caller_id=ADMIN)
    link = f"{BASE_URL}/api/now/table/sys_user/{ADMIN}"
    shown = {
        "": {"link": link, "value": ADMIN},
        "sysparm_exclude_reference_link=true": ADMIN,
        "sysparm_display_value=true": {"display_value": "System Administrator", "link": link},
        "sysparm_display_value=True&sysparm_exclude_reference_link=true": "System Administrator",
        "sysparm_display_value=all": {"display_value": "System Administrator", "value": ADMIN, "link": link},
    }
    for parameters, expected in shown.items():
        record = (await rest("GET", f"table/incident/{sys_id}?{parameters}")).result
        assert record["caller_id"] == expected, parameters


async def test_instants_are_stored_in_utc_and_shown_where_the_user_is(rest: RestWorld) -> None:
    rest.clock.ahead_s = datetime(2030, 7, 1, 12, tzinfo=UTC).timestamp() - StillClock().now()
    sys_id = await rest.make("incident", due_date="2026-07-01 12:00:00", comments="x")
    by = replace(ADMIN_VIEWER, zone=ZoneInfo("America/Los_Angeles"))
    record = (await rest("GET", f"table/incident/{sys_id}?sysparm_display_value=all", by=by)).result
    assert record["due_date"] == {"value": "2026-07-01 12:00:00", "display_value": "2026-07-01 05:00:00"}
    assert record["comments"]["display_value"].startswith("2030-07-01 05:00:00 - ")


async def test_what_is_written_in_a_journal_is_an_entry_and_shown_newest_first(rest: RestWorld) -> None:
    sys_id = await rest.make("incident", comments="first")
    rest.clock.ahead_s += 3_600
    await rest.change("incident", sys_id, work_notes="second", by=viewer("worker", "itil"))
    entries = await rest("GET", f"table/sys_journal_field?sysparm_query=element_id={sys_id}^ORDERBYelement")
    assert [(one["element"], one["value"]) for one in entries.result] == [
        ("comments", "first"),
        ("work_notes", "second"),
    ]
    at = [(await rest.read("incident", sys_id))[name] for name in ("sys_created_on", "sys_updated_on")]
    first = f"{at[0]} - System Administrator (Additional comments)\nfirst\n\n"
    second = f"{at[1]} - worker (Work notes)\nsecond\n\n"
    shown = (await rest("GET", f"table/incident/{sys_id}?sysparm_display_value=all")).result
    assert shown["comments"] == {"display_value": first, "value": ""}
    assert shown["work_notes"] == {"display_value": second, "value": ""}
    assert shown["comments_and_work_notes"] == {"display_value": second + first, "value": ""}
    child = await rest.make("incident", parent=sys_id, comments="of its own")
    walked = await rest("GET", f"table/incident/{child}?sysparm_display_value=true&sysparm_fields=parent.comments")
    assert walked.result == {"parent.comments": ""}


async def test_a_record_counts_its_changes_and_nothing_that_changes_nothing(rest: RestWorld) -> None:
    sys_id = await rest.make("incident", short_description="a")
    for text, count in (("a", "0"), ("b", "1"), ("b", "1"), ("c", "2")):
        said = await rest("PATCH", f"table/incident/{sys_id}", {"short_description": text})
        assert said.result["sys_mod_count"] == count


async def test_a_child_is_found_and_changed_through_its_parent_table(rest: RestWorld) -> None:
    incident = await rest.make("incident", short_description="child")
    await rest.make("problem", short_description="other")
    tasks = await rest("GET", "table/task?sysparm_fields=number,sys_class_name&sysparm_query=ORDERBYnumber")
    assert [one["sys_class_name"] for one in tasks.result] == ["incident", "problem"]
    assert (await rest("GET", f"table/problem/{incident}")).status == 404
    changed = await rest("PUT", f"table/task/{incident}", {"short_description": "by its parent"})
    assert changed.result["short_description"] == "by its parent"


async def test_pages_follow_each_other_by_their_links(rest: RestWorld) -> None:
    for n in range(5):
        await rest.make("incident", short_description=str(n))
    seen, url = [], "table/incident?sysparm_query=ORDERBYnumber&sysparm_fields=short_description&sysparm_limit=2"
    while url:
        said = await rest("GET", url)
        assert said.headers["X-Total-Count"] == "5"
        seen += [one["short_description"] for one in said.result]
        links = dict(reversed(one.split(";")) for one in said.headers["Link"].split(","))
        url = links.get('rel="next"', "").strip("<>").removeprefix(f"{BASE_URL}/api/now/")
    assert seen == ["0", "1", "2", "3", "4"]


async def test_a_page_shows_no_links_when_they_are_not_wanted(rest: RestWorld) -> None:
    said = await rest("GET", "table/incident?sysparm_suppress_pagination_header=true")
    assert "Link" not in said.headers


async def test_no_rows_are_an_empty_list_but_in_v1(rest: RestWorld) -> None:
    assert (await rest("GET", "table/incident")).result == []
    assert (await rest("GET", "v2/table/incident")).result == []
    assert (await rest("GET", "v1/table/incident")).status == 404


async def test_names_and_values_may_stand_in_place_of_a_query(rest: RestWorld) -> None:
    await rest.make("incident", state=2)
    await rest.make("incident", state=1)
    assert len((await rest("GET", "table/incident?state=2&bogus=3")).result) == 1


async def test_fields_that_are_not_there_are_left_out_and_references_are_walked(rest: RestWorld) -> None:
    sys_id = await rest.make("incident", caller_id=ADMIN, bogus="x")
    said = await rest("GET", f"table/incident/{sys_id}?sysparm_fields=caller_id.user_name,bogus,number")
    number = (await rest.read("incident", sys_id))["number"]
    assert said.result == {"caller_id.user_name": "admin", "number": number}


async def test_a_client_may_choose_the_sys_id_but_not_one_that_is_taken(rest: RestWorld) -> None:
    own = "ABCDEF" + "0" * 26
    assert await rest.make("incident", sys_id=own) == own
    for other in (own, own.lower()):
        again = await rest("POST", "table/incident", {"sys_id": other})
        assert again.error == (403, "Operation Failed")


async def test_a_sys_id_is_kept_as_it_was_given_and_found_in_any_case(rest: RestWorld) -> None:
    own = "ABCDEF" + "0" * 26
    await rest.make("sys_user_group", sys_id=own, name="Lifts")
    incident = await rest.make("incident", assignment_group=own.lower(), caller_id=ADMIN.upper())
    for written in (own, own.lower()):
        assert (await rest("GET", f"table/sys_user_group/{written}")).result["sys_id"] == own
        assert len((await rest("GET", f"table/sys_user_group?sysparm_query=sys_id={written}")).result) == 1
        assert len((await rest("GET", f"table/incident?sysparm_query=assignment_group={written}")).result) == 1
    shown = "sysparm_display_value=true&sysparm_exclude_reference_link=true&sysparm_fields=assignment_group,caller_id"
    said = await rest("GET", f"table/incident/{incident}?{shown}")
    assert said.result == {"assignment_group": "Lifts", "caller_id": "System Administrator"}
    assert (await rest("DELETE", f"table/sys_user_group/{own.lower()}")).status == 204


async def test_what_is_removed_takes_what_hangs_on_it_along(rest: RestWorld) -> None:
    sys_id = await rest.make("incident", comments="gone with it")
    said = await rest("DELETE", f"table/incident/{sys_id}")
    assert (said.status, said.body) == (204, b"")
    assert (await rest("GET", f"table/incident/{sys_id}")).status == 404
    assert (await rest("GET", "table/sys_journal_field")).result == []


@pytest.mark.parametrize(
    ("method", "url", "body", "status", "message"),
    [
        ("GET", "table/nope", None, 400, "Invalid table nope"),
        ("GET", "table/incident/nope", None, 404, "No Record found"),
        ("PATCH", "table/incident/nope", {"state": "1"}, 404, "No Record found"),
        ("DELETE", "table/incident/nope", None, 404, "No Record found"),
        ("POST", "table/incident", b"{", 400, "Exception while reading request"),
        ("POST", "table/incident", b"[1]", 400, "Exception while reading request"),
        ("POST", "table/incident", {"urgency": "high-ish"}, 400, "Invalid value"),
        ("POST", "table/incident", {"short_description": ["a"]}, 400, "Exception while reading request"),
        ("POST", "table/sys_user_grmember", {}, 400, "Mandatory fields missing"),
        ("POST", "table/x_handclasp_connection", {"name": "x"}, 403, "Operation Failed"),
        ("PATCH", "table/x_handclasp_connection/nope", {"name": "x"}, 403, "Operation Failed"),
        ("GET", "table/incident?sysparm_limit=many", None, 400, "Invalid value for sysparm_limit"),
        ("GET", "nothing/here", None, 400, "Requested URI does not represent any resource: /nothing/here"),
        ("PUT", "table/incident", {}, 405, "Method not supported"),
    ],
)
async def test_what_can_not_be_answered_is_refused_as_servicenow_does(
    rest: RestWorld, method: str, url: str, body: object, status: int, message: str
) -> None:
    said = await rest(method, url, body)
    assert (said.status, said.error[1], said.json["status"]) == (status, message, "failure")


async def test_who_may_not_read_a_table_sees_neither_record_nor_count(rest: RestWorld) -> None:
    secret = await rest.make("problem", short_description="secret")
    for by, status, count in ((ADMIN_VIEWER, 200, "1"), (viewer("nobody"), 404, "0")):  # the same, one after the other
        said = await rest("GET", "table/problem", by=by)
        assert (len(said.result), said.headers["X-Total-Count"]) == (int(count), count)
        assert (await rest("GET", f"table/problem/{secret}", by=by)).status == status
    refused = await rest("POST", "table/problem", {}, by=viewer("nobody"))
    assert refused.status == 403


async def test_the_fields_of_a_list_and_of_a_record_are_those_that_were_asked_for_this_time(rest: RestWorld) -> None:
    sys_id = await rest.make("incident")
    for name in ("state", "impact"):
        assert (await rest("GET", f"table/incident?sysparm_fields={name}")).result[0].keys() == {name}
        assert (await rest("GET", f"table/incident/{sys_id}?sysparm_fields={name}")).result.keys() == {name}


async def test_a_password_is_kept_as_a_hash_and_shown_to_nobody(rest: RestWorld) -> None:
    sys_id = await rest.make("sys_user", user_name="ann", first_name="Ann", user_password="correct horse")
    record = (await rest("GET", f"table/sys_user/{sys_id}?sysparm_display_value=all")).result
    assert record["name"]["value"] == "Ann"
    assert record["user_password"] == {"display_value": "********", "value": ""}
    for fields in ("", "?sysparm_fields=user_password"):
        said = await rest("GET", f"table/sys_user/{sys_id}{fields}", by=viewer("worker", "itil"))
        assert "user_password" not in said.result
    assert (await rest("GET", "table/sys_user?sysparm_query=user_passwordSTARTSWITH$argon&user_name=ann")).result
    database = await rest.instance.database()
    users = database.catalog.physical("sys_user")
    kept = await database.read(
        lambda tx: tx.connection.execute(users.select().where(users.c.sys_id == sys_id)).mappings().one()
    )
    assert kept["user_password"].startswith("$argon2id$")


async def test_an_instance_opened_again_has_what_it_had(tmp_path: Path) -> None:
    async with rest_world(tmp_path) as rest:
        await rest.make("incident", short_description="kept")
    async with rest_world(tmp_path) as rest:
        assert [one["short_description"] for one in (await rest("GET", "table/incident")).result] == ["kept"]
        assert (await rest("POST", "table/incident", {})).result["number"] == "INC0010002"


async def test_fields_that_lead_through_too_many_tables_are_refused(rest: RestWorld) -> None:
    places = ("department.name", "company.name", "location.name")
    ends = tuple(f"{above}{place}" for above in ("", "manager.", "manager.manager.") for place in places)
    people = ("caller_id", "opened_by", "closed_by", "assigned_to", "resolved_by")
    paths = ",".join(f"{person}.manager.{end}" for person in people for end in ends)
    said = await rest("GET", f"table/incident?sysparm_fields={paths}")
    assert said.error == (400, "Invalid query")


async def test_who_chooses_the_sys_id_of_a_hidden_record_does_not_see_what_hangs_on_that(rest: RestWorld) -> None:
    hidden = await rest.make("cmdb_ci", name="vault")
    url = f"attachment/file?file_name=plan.txt&table_name=cmdb_ci&table_sys_id={hidden}"
    assert (await rest("POST", url, b"secret")).status == 201
    somebody = Viewer(sys_id="e" * 32, user_name="some", name="Some")
    made = await rest("POST", "table/incident", {"sys_id": hidden, "caller_id": "e" * 32}, by=somebody)
    assert made.status == 201
    assert (await rest("GET", "table/sys_attachment", by=somebody)).result == []
    own = f"attachment/file?file_name=own.txt&table_name=incident&table_sys_id={hidden}"
    await rest("POST", own, b"mine")
    seen = await rest("GET", "table/sys_attachment?sysparm_fields=file_name", by=somebody)
    assert seen.result == [{"file_name": "own.txt"}]


@pytest.mark.parametrize("year", ["0001", "0999", "9999"])
async def test_an_instant_that_is_none_in_some_time_zone_is_refused(rest: RestWorld, year: str) -> None:
    said = await rest("POST", "table/incident", {"due_date": f"{year}-01-01 00:00:00"})
    assert said.error == (400, "Invalid value")


async def test_the_longest_spans_are_counted_and_closed(rest: RestWorld) -> None:
    for _ in range(2):
        values = {"time_worked": "1000-01-01 00:00:00", "opened_at": "1000-01-01", "closed_at": "9998-01-01"}
        values |= {"state": "7", "close_code": "Duplicate", "close_notes": "x"}
        assert (await rest("POST", "table/incident", values)).status == 201
    assert (await rest("GET", "stats/incident?sysparm_sum_fields=time_worked,calendar_duration")).status == 200
    assert (await rest("GET", "table/incident?sysparm_display_value=all")).status == 200


async def test_a_reference_to_a_connection_may_be_written(rest: RestWorld) -> None:
    await rest.make("sys_db_object", name="u_link", label="Link")
    entry = {"name": "u_link", "element": "u_conn", "internal_type": "reference", "reference": "x_handclasp_connection"}
    await rest.make("sys_dictionary", **entry)
    said = await rest("POST", "table/u_link?sysparm_display_value=all&sysparm_fields=u_conn", {"u_conn": "a" * 32})
    assert (said.status, said.result["u_conn"]["value"]) == (201, "a" * 32)


async def test_a_choice_may_be_named_by_its_label(rest: RestWorld) -> None:
    sys_id = await rest.make("incident", category="Software", impact="1 - High")
    record = (await rest("GET", f"table/incident/{sys_id}")).result
    assert (record["category"], record["impact"]) == ("software", "1")


async def test_names_and_values_beside_a_query_hold_for_each_of_its_groups(rest: RestWorld) -> None:
    await rest.make("incident", impact=1, state=2)
    await rest.make("incident", impact=2, state=1)
    found = await rest("GET", "table/incident?state=2&sysparm_query=impact=1^NQimpact=2&sysparm_fields=impact")
    assert found.result == [{"impact": "1"}]


async def test_no_rows_that_were_asked_for_are_found_in_v1(rest: RestWorld) -> None:
    await rest.make("incident")
    assert (await rest("GET", "v1/table/incident?sysparm_limit=0")).status == 200


async def test_a_business_rule_can_not_shut_people_out(rest: RestWorld) -> None:
    rule = {"name": "no", "collection": "sys_user", "action_update": True, "abort_action": True, "when": "before"}
    assert (await rest("POST", "table/sys_script", rule)).status == 400


async def test_a_state_is_shown_by_the_choices_of_its_own_class(rest: RestWorld) -> None:
    for table, values in (("incident", {"state": 2}), ("problem", {"state": 102})):
        await rest.make(table, **values)
    shown = await rest("GET", "table/task?sysparm_display_value=true&sysparm_fields=sys_class_name,state,active")
    assert [tuple(one.values()) for one in shown.result] == [
        ("Incident", "In Progress", "true"),
        ("Problem", "Assess", "true"),
    ]


async def test_a_list_of_references_shows_names_and_what_none_is_called_by(rest: RestWorld) -> None:
    sys_id = await rest.make("incident", watch_list=f"{ADMIN},somebody@example.com")
    shown = await rest("GET", f"table/incident/{sys_id}?sysparm_display_value=all&sysparm_fields=watch_list")
    assert shown.result["watch_list"] == {
        "display_value": "System Administrator, somebody@example.com",
        "value": f"{ADMIN},somebody@example.com",
    }


async def test_the_oldest_entries_of_a_long_journal_are_not_shown(
    rest: RestWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    sys_id = await rest.make("incident")
    for n in range(4):
        rest.clock.ahead_s += 1
        await rest.change("incident", sys_id, comments=f"entry {n}")
    monkeypatch.setattr(journals, "ENTRIES_MAX", 100)
    shown = (await rest("GET", f"table/incident/{sys_id}?sysparm_display_value=true")).result["comments"]
    assert re.findall(r"entry \d", shown) == ["entry 3", "entry 2"]


@pytest.mark.parametrize("query", ["due_date<javascript:gs.nowNoTZ()", "due_dateRELATIVELT@minute@ago@0"])
async def test_a_query_that_depends_on_the_moment_is_asked_anew_each_time(rest: RestWorld, query: str) -> None:
    now = datetime.fromtimestamp(rest.clock.now() + 60, UTC)
    await rest.make("incident", due_date=f"{now:%Y-%m-%d %H:%M:%S}")
    counts = []
    for _ in range(2):
        counts.append(len((await rest("GET", f"table/incident?sysparm_query={query}")).result))
        rest.clock.ahead_s += 120
    assert counts == [0, 1]


async def test_a_reference_to_what_one_may_not_read_has_no_name(rest: RestWorld) -> None:
    hidden = await rest.make("cmdb_ci", name="vault")
    caller = viewer("caller")
    sys_id = await rest.make("incident", caller_id=caller.sys_id, cmdb_ci=hidden)
    url = (
        f"table/incident/{sys_id}?sysparm_display_value=true&sysparm_exclude_reference_link=true&sysparm_fields=cmdb_ci"
    )
    for by, name in ((ADMIN_VIEWER, "vault"), (caller, "")):
        assert (await rest("GET", url, by=by)).result == {"cmdb_ci": name}


async def test_names_are_asked_for_some_at_a_time(rest: RestWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(representing, "NAMES_AT_ONCE", 2)
    names = [f"place {n}" for n in range(5)]
    for name in names:
        await rest.make("incident", location=await rest.make("cmn_location", name=name))
    shown = await rest("GET", "table/incident?sysparm_display_value=true&sysparm_fields=location.sys_id,location")
    assert [one["location"]["display_value"] for one in shown.result] == names


async def test_a_number_with_a_point_has_none_if_it_is_whole(rest: RestWorld) -> None:
    made = [await rest.make("alm_asset", cost=cost) for cost in ("5", "5.25")]
    assert [(await rest.read("alm_asset", one))["cost"] for one in made] == ["5", "5.25"]


async def test_a_search_that_takes_too_long_is_told_so(rest: RestWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    await rest.make("incident", short_description="x")
    endless = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT count(*) FROM n"
    monkeypatch.setattr(reading, "represent", lambda tx, *_: tx.connection.exec_driver_sql(endless).all())
    monkeypatch.setattr(readers, "QUICK_READ_S_MAX", 0.01)
    monkeypatch.setattr(readers, "READ_S_MAX", 0.02)
    said = await rest("GET", "table/incident")
    assert said.error == (408, "Transaction cancelled: maximum execution time exceeded")
    assert "by a field that is indexed" in said.json["error"]["detail"]
