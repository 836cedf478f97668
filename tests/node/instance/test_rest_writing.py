"""Records that are made and changed through the Table API: what stays as it is, and what is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from node.instance.first_records import ADMIN
from node.passwords import is_hash_of
from tests.node.instance.rest_world import BASE_URL, SHARED, viewer

if TYPE_CHECKING:
    from tests.node.instance.rest_world import RestWorld

pytestmark = SHARED


@pytest.mark.parametrize("sys_id", ["a b", "ä", "a" * 33, "a'"])
async def test_a_sys_id_that_is_none_is_refused(rest: RestWorld, sys_id: str) -> None:
    assert (await rest("POST", "table/incident", {"sys_id": sys_id})).error == (400, "Invalid sys_id")


@pytest.mark.parametrize("version", ["", "v1/", "v2/"])
async def test_a_new_record_is_where_its_maker_is_told(rest: RestWorld, version: str) -> None:
    made = await rest("POST", f"{version}table/incident", {"short_description": "here"})
    assert made.headers["Location"] == f"{BASE_URL}/api/now/{version}table/incident/{made.result['sys_id']}"


async def test_whoever_makes_a_record_and_may_not_read_it_is_told_nothing_of_it(rest: RestWorld) -> None:
    rule = {"name": "for the admin", "collection": "incident", "when": "before", "action_insert": True}
    sys_id = await rest.make("sys_script", **rule, active=True, template=f"opened_by={ADMIN}^EQ")
    made = await rest("POST", "table/incident", {"short_description": "mine no more"}, by=viewer("nobody"))
    assert (made.status, made.result) == (201, {})
    assert (await rest("GET", "table/incident?short_description=mine no more")).headers["X-Total-Count"] == "1"
    await rest("DELETE", f"table/sys_script/{sys_id}")


async def test_what_must_be_filled_in_can_not_be_emptied(rest: RestWorld) -> None:
    member = await rest.make("sys_user_grmember", user=ADMIN, group="a" * 32)
    refused = await rest("PATCH", f"table/sys_user_grmember/{member}", {"group": ""})
    assert refused.error == (400, "Mandatory fields missing")
    assert (await rest.read("sys_user_grmember", member))["group"] == "a" * 32


async def test_a_user_name_is_given_once_whether_a_user_is_made_or_changed(rest: RestWorld) -> None:
    first, second = [await rest.make("sys_user", user_name=name) for name in ("once", "twice")]
    assert (await rest("POST", "table/sys_user", {"user_name": "ONCE"})).error == (403, "Operation Failed")
    assert (await rest("PATCH", f"table/sys_user/{second}", {"user_name": "once"})).error == (403, "Operation Failed")
    assert (await rest.change("sys_user", first, user_name="once", title="x"))["title"] == "x"


async def test_who_changes_a_record_is_told_in_it_and_it_stays_itself(rest: RestWorld) -> None:
    sys_id = await rest.make("incident", short_description="x" * 200)
    rest.clock.ahead_s += 60
    values = {"urgency": 1, "sys_id": "b" * 32, "sys_mod_count": 7, "sys_created_by": "me"}
    said = await rest("PATCH", f"table/incident/{sys_id}", values, by=viewer("worker", "itil"))
    changed = said.result
    assert (changed["sys_id"], changed["short_description"]) == (sys_id, "x" * 160)
    assert (changed["sys_updated_by"], changed["sys_created_by"], changed["sys_mod_count"]) == ("worker", "admin", "1")
    assert changed["sys_updated_on"] > changed["sys_created_on"]


async def test_who_may_read_and_not_write_or_remove_changes_nothing(rest: RestWorld) -> None:
    sys_id = await rest.make("incident", short_description="as it was")
    reader, worker = viewer("reader", "sn_incident_read"), viewer("worker", "itil")
    url = f"table/incident/{sys_id}"
    assert (await rest("PATCH", url, {"short_description": "x"}, by=reader)).error == (403, "Operation Failed")
    for by in (reader, worker):
        assert (await rest("DELETE", url, by=by)).error == (403, "Operation Failed")
    assert (await rest.read("incident", sys_id))["short_description"] == "as it was"


async def test_a_name_is_given_once_within_a_class_only(rest: RestWorld) -> None:
    await rest.make("sys_script", name="double", collection="incident", active=False)
    assert (await rest("POST", "table/sys_user_role", {"name": "double"})).status == 201
    assert (await rest("POST", "table/sys_user_role", {"name": "double"})).status == 403


async def test_a_record_that_is_changed_by_the_name_of_a_table_above_keeps_its_own_rules(rest: RestWorld) -> None:
    sys_id = await rest.make("incident")
    refused = await rest("PATCH", f"table/task/{sys_id}", {"state": 6})
    assert "Data Policy Exception" in refused.json["error"]["detail"]
    changed = await rest("PATCH", f"table/task/{sys_id}", {"incident_state": 2, "comments": "on it"})
    assert changed.result["state"] == "2"
    (entry,) = (await rest("GET", f"table/sys_journal_field?element_id={sys_id}")).result
    assert entry["name"] == "incident"


async def test_an_entry_of_a_journal_that_is_too_long_is_cut(rest: RestWorld) -> None:
    sys_id = await rest.make("incident", work_notes="x" * 10_000)
    (entry,) = (await rest("GET", f"table/sys_journal_field?element_id={sys_id}")).result
    assert len(entry["value"]) == 4_000


async def test_every_change_is_told_to_who_keeps_what_depends_on_the_table(rest: RestWorld) -> None:
    database = await rest.instance.database()
    before = database.versions["task"]
    sys_id = await rest.make("incident")
    await rest.change("incident", sys_id, impact=1)
    await rest.change("incident", sys_id, impact=1)
    await rest("DELETE", f"table/incident/{sys_id}")
    assert database.versions["task"] == before + 3, "what changes nothing is none"


async def test_a_password_is_what_was_typed_and_none_where_nothing_was(rest: RestWorld) -> None:
    user = await rest.make("sys_user", user_name="typed")
    users = (await rest.instance.database()).catalog.physical("sys_user")
    kept = select(users.c.user_password).where(users.c.sys_id == user)
    for typed in ("", "********", ""):
        await rest.change("sys_user", user, user_password=typed)
        hashed = await (await rest.instance.database()).read(lambda tx: tx.connection.execute(kept).scalar())
        assert is_hash_of(hashed, typed) if typed else hashed is None


async def test_several_may_have_nothing_where_no_two_may_have_the_same(rest: RestWorld) -> None:
    users = [await rest.make("sys_user", user_name=name) for name in ("first", "second")]
    for one in users:
        assert (await rest("PATCH", f"table/sys_user/{one}", {"user_name": ""})).status == 200
