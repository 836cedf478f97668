"""`sysparm_input_display_value=true`: values are given as people see them."""

from __future__ import annotations

import base64
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest

from tests.node.instance.rest_world import ADMIN_VIEWER, SHARED, RestWorld, viewer

if TYPE_CHECKING:
    from tests.node.instance.rest_world import Said

pytestmark = SHARED

ANGELES = replace(ADMIN_VIEWER, zone=ZoneInfo("America/Los_Angeles"))
AS_SHOWN = "sysparm_input_display_value=true&sysparm_exclude_reference_link=true"


async def made(rest: RestWorld, table: str = "incident", *, by: Any = ANGELES, **values: Any) -> Said:
    return await rest("POST", f"table/{table}?{AS_SHOWN}", values, by=by)


async def test_a_record_is_named_by_what_it_is_called_in_whatever_case(rest: RestWorld) -> None:
    beth = await rest.make("sys_user", user_name="beth", first_name="Beth", last_name="Anglin")
    group = await rest.make("sys_user_group", name="Network, west")
    said = (await made(rest, caller_id="beth ANGLIN", assignment_group="Network, west")).result
    assert (said["caller_id"], said["assignment_group"]) == (beth, group)


async def test_a_record_is_named_by_its_sys_id_too_if_none_is_called_so(rest: RestWorld) -> None:
    group = await rest.make("sys_user_group", name="Database")
    odd = await rest.make("sys_user_group", name=group)
    assert (await made(rest, assignment_group=odd)).result["assignment_group"] == odd
    assert (await made(rest, assignment_group=group)).result["assignment_group"] == odd


@pytest.mark.parametrize("name", ["Nobody at all", "javascript:gs.getUserID()", "x^active=true", "%"])
async def test_a_name_of_no_record_is_refused_and_nothing_is_made(rest: RestWorld, name: str) -> None:
    said = await made(rest, short_description=f"for {name}", caller_id=name)
    assert said.error == (400, "Invalid value")
    assert "No record of sys_user" in said.json["error"]["detail"]
    assert (await rest("GET", "table/incident?sysparm_query=short_descriptionSTARTSWITHfor ")).result == []


async def test_a_name_of_several_records_is_refused(rest: RestWorld) -> None:
    for name in ("twin.a", "twin.b"):
        await rest.make("sys_user", user_name=name, first_name="Ann", last_name="Twin")
    said = await made(rest, caller_id="Ann Twin")
    assert said.error == (400, "Invalid value")
    assert "Several records" in said.json["error"]["detail"]


async def test_a_name_that_is_longer_than_its_field_is_nobodys(rest: RestWorld) -> None:
    longest = "Network".ljust(80, "k")
    await rest.make("sys_user_group", name=longest)
    assert (await made(rest, assignment_group=longest)).status == 201
    assert (await made(rest, assignment_group=f"{longest}s")).error == (400, "Invalid value")


async def test_a_table_that_is_not_the_writers_to_see_is_not_named(rest: RestWorld) -> None:
    for name in ("u_secret", "u_open"):
        await rest.make("sys_db_object", name=name, label=name)
    await rest.make("sys_dictionary", name="u_secret", element="u_name")
    refers = {"element": "u_ref", "internal_type": "reference", "reference": "u_secret"}
    await rest.make("sys_dictionary", name="u_open", **refers)
    said = await made(rest, "u_open", by=viewer("writer", "u_open_user"), u_ref="x")
    assert said.error == (400, "Invalid value")
    assert said.json["error"]["detail"] == "u_ref: No record called 'x'."


async def test_a_record_that_the_writer_may_not_read_has_no_name(rest: RestWorld) -> None:
    await rest.make("sys_db_object", name="u_note", label="Note")
    await rest.make(
        "sys_dictionary", name="u_note", element="u_incident", internal_type="reference", reference="incident"
    )
    hidden = await rest.make("incident", short_description="secret")
    caller = viewer("caller", "u_note_user")
    mine = await rest.make("incident", caller_id=caller.sys_id)
    numbers = [(await rest.read("incident", one))["number"] for one in (hidden, mine)]
    assert (await made(rest, "u_note", by=caller, u_incident=numbers[1])).result["u_incident"] == mine
    for name in (numbers[0], hidden):
        assert (await made(rest, "u_note", by=caller, u_incident=name)).error == (400, "Invalid value")
    assert (await made(rest, by=caller, problem_id="PRB0000000")).status == 201  # it is not the caller's to write


async def test_lists_name_each_of_their_records(rest: RestWorld) -> None:
    ids = [await rest.make("sys_user", user_name=name, first_name=name, last_name="Watcher") for name in ("w1", "w2")]
    said = await made(rest, watch_list="w2 Watcher, w1 Watcher")
    assert said.result["watch_list"] == f"{ids[1]},{ids[0]}"
    assert (await made(rest, watch_list="w1 Watcher,w3 Watcher")).error == (400, "Invalid value")
    assert (await made(rest, watch_list=",".join(ids[:1] * 121))).status == 201
    assert "takes 121 records" in (await made(rest, watch_list=",".join(ids[:1] * 122))).json["error"]["detail"]
    assert (await rest("POST", "table/incident", {"watch_list": ",".join(ids[:1] * 122)})).status == 400


async def test_a_choice_is_named_by_its_label(rest: RestWorld) -> None:
    said = (await made(rest, state="in progress", impact="1 - High", urgency="3")).result
    assert (said["state"], said["impact"], said["urgency"]) == ("2", "1", "3")


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("2026-07-01 09:00:00", "2026-07-01 16:00:00"),
        ("2026-01-01 20:00", "2026-01-02 04:00:00"),
        ("2026-01-01T20:00:00Z", "2026-01-01 20:00:00"),
        ("2026-11-01 01:30:00", "2026-11-01 08:30:00"),  # there twice: the first one
        ("2026-03-08 02:30:00", "2026-03-08 10:30:00"),  # left out by the clocks: as if they had not been put on
        ("", ""),
    ],
)
async def test_a_time_is_of_the_users_clocks_and_a_day_is_a_day_everywhere(
    rest: RestWorld, given: str, kept: str
) -> None:
    assert (await made(rest, due_date=given)).result["due_date"] == kept
    plain = await rest("POST", "table/incident", {"due_date": given}, by=ANGELES)
    assert plain.result["due_date"][:16] == given[:16].replace("T", " ")


@pytest.mark.parametrize("given", ["soon", "2026-02-30 01:00:00", "9998-12-31 23:00:00", "0999-01-01 00:00:00"])
async def test_a_time_that_is_none_is_refused_as_it_was_given(rest: RestWorld, given: str) -> None:
    said = await made(rest, due_date=given)
    assert said.error == (400, "Invalid value")
    detail = said.json["error"]["detail"]
    assert f"'{given}' is no instant" in detail
    assert detail.endswith("of the clocks of America/Los_Angeles.")


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("1 Day 2 Hours 1 Minute", "1970-01-02 02:01:00"),
        ("3 02:00:05", "1970-01-04 02:00:05"),
        ("3 days 5 SECONDS", "1970-01-04 00:00:05"),
        ("1970-01-01 00:00:09", "1970-01-01 00:00:09"),
    ],
)
async def test_a_duration_is_said_in_words_or_as_a_time(rest: RestWorld, given: str, kept: str) -> None:
    said = (await made(rest, time_worked=given)).result
    assert said["time_worked"] == kept
    shown = (await rest("GET", f"table/incident/{said['sys_id']}?sysparm_display_value=true")).result["time_worked"]
    assert (await made(rest, time_worked=shown)).result["time_worked"] == kept


@pytest.mark.parametrize(
    "given", ["a while", "999999999 Days", "1 Day 1 Fortnight", "1 Day 1 Day", "1 99:99:99", "\uff11 Day", " "]
)
async def test_a_duration_that_is_none_is_refused(rest: RestWorld, given: str) -> None:
    said = await made(rest, time_worked=given)
    assert said.error == (400, "Invalid value")
    assert f"'{given}' is no duration" in said.json["error"]["detail"]


@pytest.mark.parametrize(("method", "shown"), [("PUT", "true"), ("PATCH", "all")])
async def test_a_record_is_written_back_as_it_was_shown_and_stays_as_it_is(
    rest: RestWorld, method: str, shown: str
) -> None:
    caller = await rest.make("sys_user", user_name=f"c{method}{shown}", last_name=f"Caller {method} {shown}")
    made_ = await rest.make("incident", caller_id=caller, state="2", impact="1", due_date="2026-07-01 16:00:00")
    url = f"table/incident/{made_}"
    read = (await rest("GET", f"{url}?sysparm_display_value={shown}", by=ANGELES)).result
    said = await rest(method, f"{url}?{AS_SHOWN}", read, by=ANGELES)
    assert (said.result["sys_mod_count"], said.result["caller_id"]) == ("0", caller)
    assert said.result["due_date"] == "2026-07-01 16:00:00"


async def test_a_password_that_is_written_as_it_is_shown_stays(rest: RestWorld) -> None:
    user = await rest.make("sys_user", user_name="kept", user_password="correct horse battery")
    url = f"table/sys_user/{user}?{AS_SHOWN}"
    assert (await rest("PATCH", url, {"user_password": "********"})).result["sys_mod_count"] == "0"
    assert (await rest("PATCH", url, {"user_password": "another horse battery"})).result["sys_mod_count"] == "1"


async def test_an_item_of_a_batch_says_so_for_itself(rest: RestWorld) -> None:
    body = base64.b64encode(b'{"caller_id":"System Administrator"}').decode()
    items = [
        {"id": str(at), "method": "POST", "url": f"/api/now/table/incident?{query}&sysparm_fields=caller_id.user_name",
         "headers": [{"name": "Content-Type", "value": "application/json"}], "body": body}
        for at, query in enumerate((AS_SHOWN, "sysparm_input_display_value=false"))
    ]  # fmt: skip
    told = (await rest("POST", "batch", {"rest_requests": items})).json["serviced_requests"]
    assert [base64.b64decode(one["body"]) for one in told] == [
        b'{"result":{"caller_id.user_name":"admin"}}',
        b'{"result":{"caller_id.user_name":""}}',
    ]
