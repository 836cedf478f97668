"""Tables and fields that an admin adds."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Any

import pytest

from node.instance.database import InstanceDatabase
from node.instance.describing import identity_of
from node.instance.first_records import ADMIN
from node.instance.rules import growing_tables
from tests.node.instance.rest_world import SHARED, RestWorld, rest_world, viewer

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [SHARED, pytest.mark.slow]

TASK = identity_of("sys_db_object", "task")


async def table(rest: RestWorld, name: str, **values: Any) -> str:
    return await rest.make("sys_db_object", name=name, label=name.title(), **values)


async def field(rest: RestWorld, of: str, element: str, **values: Any) -> str:
    return await rest.make("sys_dictionary", name=of, element=element, **values)


async def test_a_table_is_there_at_once_and_after_a_restart(rest: RestWorld) -> None:
    await table(rest, "u_car")
    await field(rest, "u_car", "u_plate", max_length=10, unique=True)
    await field(rest, "u_car", "u_doors", internal_type="integer", default_value="4")
    await field(rest, "u_car", "u_driver", internal_type="reference", reference="sys_user")
    driver = await rest.make("sys_user", user_name="driver", first_name="Dora")
    made = await rest.make("u_car", u_plate="B-ÄR 1234567", u_driver=driver)
    told = await rest.read("u_car", made)
    assert (told["u_plate"], told["u_doors"], told["u_driver"]) == ("B-ÄR 12345", "4", driver)
    found = await rest("GET", "table/u_car?sysparm_query=u_driver.first_name=Dora^u_doors>3&sysparm_fields=sys_id")
    assert found.result == [{"sys_id": made}]
    assert (await rest("POST", "table/u_car", {"u_plate": "B-ÄR 12345"})).status == 403
    described = await rest("GET", "table/sys_db_object?sysparm_query=name=u_car&sysparm_fields=label")
    assert described.result == [{"label": "U_Car"}]

    database = InstanceDatabase(rest.path, node_database=None)
    try:
        again = await database.read(lambda tx: tx.catalog.dictionary.fields("u_car").keys())
    finally:
        await database.close()
    assert {"u_plate", "u_doors", "u_driver"} <= set(again)


@pytest.mark.parametrize(
    ("damage", "there"),
    [
        ("UPDATE sys_metadata SET sys_created_on = '2020-01-01 00:00:00' WHERE name = 'u_below'", {"u_above", "u_below"}),
        ("UPDATE sys_metadata SET super_class = sys_id WHERE name = 'u_above'", set()),
        ("INSERT INTO sys_metadata (sys_id, sys_class_name, name, element) VALUES ('x', 'sys_dictionary', 'task', 'u_at')",
         {"u_above", "u_below"}),
    ],
    ids=["in any order", "in a ring", "told twice"],
)  # fmt: skip
async def test_an_instance_opens_with_the_tables_that_can_be(tmp_path: Path, damage: str, there: set[str]) -> None:
    async with rest_world(tmp_path) as rest:
        above = await table(rest, "u_above", super_class=TASK)
        await table(rest, "u_below", super_class=above)
        await field(rest, "u_below", "u_deep")
        await field(rest, "task", "u_at")
    with sqlite3.connect(tmp_path / "instance.db") as link:
        link.execute(damage)
    link.close()
    async with rest_world(tmp_path) as rest:
        found = (await rest.instance.database()).catalog.dictionary
        assert {name for name in ("u_above", "u_below") if name in found} == there
        assert not there or found["u_below"].extends == "u_above"
        assert "u_at" in found.fields("incident")


async def test_a_table_that_extends_tasks_is_numbered_found_and_ruled_as_they_are(rest: RestWorld) -> None:
    await rest.make("sys_db_object", name="u_visit", label="Visit to a customer", super_class=TASK)
    await field(rest, "u_visit", "u_where")
    made = await rest.make("u_visit", short_description="come", u_where="Berlin", state=3)
    told = await rest.read("task", made)
    assert told["number"].startswith("TASK")
    assert (told["sys_class_name"], told["active"], told["opened_by"]) == ("u_visit", "false", told["opened_by"])
    assert (await rest.read("u_visit", made))["u_where"] == "Berlin"
    shown = await rest("GET", f"table/task/{made}?sysparm_display_value=true&sysparm_fields=sys_class_name")
    assert shown.result == {"sys_class_name": "Visit to a customer"}
    assert (await rest("GET", f"table/incident/{made}")).status == 404


async def test_a_table_of_ones_own_is_extended_with_what_is_in_it_already(rest: RestWorld) -> None:
    above = await table(rest, "u_animal")
    old = await rest.make("u_animal")
    await table(rest, "u_dog", super_class=above)
    new = await rest.make("u_dog")
    found = await rest("GET", "table/u_animal?sysparm_query=ORDERBYsys_class_name&sysparm_fields=sys_id,sys_class_name")
    assert found.result == [
        {"sys_id": old, "sys_class_name": "u_animal"},
        {"sys_id": new, "sys_class_name": "u_dog"},
    ]


async def test_a_shipped_table_is_given_a_field(rest: RestWorld) -> None:
    there = await rest.make("incident", short_description="broken")
    await field(rest, "incident", "u_floor", internal_type="integer")
    assert (await rest.read("incident", there))["u_floor"] == ""
    assert (await rest.change("incident", there, u_floor=3))["u_floor"] == "3"
    assert (await rest("GET", "table/incident?u_floor=3")).headers["X-Total-Count"] == "1"


async def test_names_come_from_labels_where_none_are_given(rest: RestWorld) -> None:
    made = await rest("POST", "table/sys_db_object", {"label": "Meeting Room (large)"})
    assert made.result["name"] == "u_meeting_room_large"
    made = await rest("POST", "table/sys_dictionary", {"name": "u_meeting_room_large", "column_label": "Has TV?"})
    assert made.result["element"] == "u_has_tv"


async def test_what_is_given_no_label_is_called_by_its_name(rest: RestWorld) -> None:
    made = (await rest("POST", "table/sys_db_object", {"name": "u_plain"})).result
    assert (made["label"], made["sys_name"]) == ("u_plain", "u_plain")
    bare = {"name": "u_plain", "element": "u_bare", "internal_type": ""}
    made = (await rest("POST", "table/sys_dictionary", bare)).result
    assert (made["column_label"], made["sys_name"], made["internal_type"]) == ("u_bare", "u_bare", "string")


async def test_a_label_changes_and_what_makes_it_up_does_not(rest: RestWorld) -> None:
    sys_id = await table(rest, "u_boat")
    await rest.change("sys_db_object", sys_id, label="Ship")
    made = await rest("POST", "table/u_boat", {})
    assert made.status == 201
    assert (await rest.read("sys_db_object", sys_id))["label"] == "Ship"
    for values in ({"name": "u_ship"}, {"super_class": TASK}):
        assert (await rest("PATCH", f"table/sys_db_object/{sys_id}", values)).error == (403, "Operation Failed")


async def test_nothing_of_the_dictionary_is_removed_and_what_is_shipped_stays_as_it_is(rest: RestWorld) -> None:
    own = await table(rest, "u_tree")
    for sys_id in (own, TASK):
        refused = await rest("DELETE", f"table/sys_db_object/{sys_id}")
        assert refused.error == (403, "Operation Failed")
        assert "only grows" in refused.json["error"]["detail"]
    assert (await rest("PATCH", f"table/sys_db_object/{TASK}", {"label": "x"})).error == (403, "Operation Failed")
    state = identity_of("sys_dictionary", "incident", "state")
    assert (await rest("PATCH", f"table/sys_dictionary/{state}", {"column_label": "x"})).error[0] == 403
    assert (await rest("POST", "table/sys_db_object", {"name": "u_tree", "label": "Another"})).error[0] == 403


async def test_a_field_changes_its_label_its_length_and_its_default_and_not_what_makes_it_up(rest: RestWorld) -> None:
    sys_id = await field(rest, "incident", "u_gate", column_label="Gate", max_length=5, default_value="north")
    assert (await rest.read("sys_dictionary", sys_id))["column_label"] == "Gate"
    assert (await rest.read("incident", await rest.make("incident")))["u_gate"] == "north"
    changed = await rest.change("sys_dictionary", sys_id, column_label="Door", max_length=4, default_value="east wing")
    assert changed["column_label"] == "Door"
    assert (await rest.read("incident", await rest.make("incident")))["u_gate"] == "east"
    await rest.change("sys_dictionary", sys_id, max_length="")
    assert (await rest.read("incident", await rest.make("incident", u_gate="x" * 50)))["u_gate"] == "x" * 40
    fixed = {"internal_type": "integer", "reference": "sys_user", "unique": True, "name": "task", "element": "u_door"}
    for values in ({name: value} for name, value in fixed.items()):
        assert (await rest("PATCH", f"table/sys_dictionary/{sys_id}", values)).error == (403, "Operation Failed")
    assert (await rest("PATCH", f"table/sys_dictionary/{sys_id}", {"max_length": 0})).error[0] == 400


async def test_fields_are_mandatory_read_only_or_lists_of_references_as_they_say(rest: RestWorld) -> None:
    await table(rest, "u_room")
    await field(rest, "u_room", "u_must", column_label="Name plate", mandatory=True)
    await field(rest, "u_room", "u_kept", read_only=True, default_value="as it was")
    await field(rest, "u_room", "u_people", internal_type="glide_list", reference="sys_user", max_length=100)
    await field(rest, "u_room", "u_words", internal_type="glide_list")
    refused = await rest("POST", "table/u_room", {"u_kept": "x"})
    assert refused.error == (400, "Mandatory fields missing")
    assert "Name plate" in refused.json["error"]["detail"]
    made = await rest.make("u_room", u_must="x", u_kept="other", u_people=f"{ADMIN},nobody", u_words="a,b")
    told = (await rest("GET", f"table/u_room/{made}?sysparm_display_value=true")).result
    assert told["u_kept"] == "as it was"
    assert (told["u_people"], told["u_words"]) == ("System Administrator, nobody", "a,b")
    lengths = (
        await rest("GET", "table/sys_dictionary?name=u_room&internal_type=glide_list&sysparm_fields=max_length")
    ).result
    assert [one["max_length"] for one in lengths] == ["100", "4000"]


async def test_a_journal_of_ones_own_is_shown_where_it_is_and_not_among_the_shipped_ones(rest: RestWorld) -> None:
    await field(rest, "incident", "u_diary", column_label="Diary", internal_type="journal_input")
    sys_id = await rest.make("incident", u_diary="long day", comments="hello")
    shown = (await rest("GET", f"table/incident/{sys_id}?sysparm_display_value=true")).result
    assert shown["u_diary"].endswith(" - System Administrator (Diary)\nlong day\n\n")
    assert "long day" not in shown["comments_and_work_notes"]
    assert "hello" in shown["comments_and_work_notes"]


async def test_there_is_an_end_of_tables(rest: RestWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    database = await rest.instance.database()
    there = sum(one.is_custom for one in database.catalog.dictionary.tables)
    monkeypatch.setattr(growing_tables, "TABLES_MAX", there + 1)
    await table(rest, "u_last")
    assert (await rest("POST", "table/sys_db_object", {"name": "u_one_too_many"})).error == (403, "Operation Failed")


async def test_there_is_an_end_of_fields(rest: RestWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    dictionary = (await rest.instance.database()).catalog.dictionary
    monkeypatch.setattr(growing_tables, "FIELDS_MAX", len(dictionary.stored_fields("task")) + 1)
    await field(rest, "incident", "u_last")
    beyond = await rest("POST", "table/sys_dictionary", {"name": "problem", "element": "u_one_too_many"})
    assert beyond.error == (403, "Operation Failed")


@pytest.mark.parametrize(
    ("values", "status"),
    [
        ({"name": "car"}, 400),
        ({"name": "u_"}, 400),
        ({"name": "u_Car"}, 400),
        ({"name": 'u_car"; drop table task'}, 400),
        ({"name": "u_" + "x" * 90}, 400),
        ({"name": "u_" + "ä"}, 400),
        ({}, 400),
        ({"name": "incident"}, 400),
        ({"name": "u_new", "super_class": "none"}, 400),
        ({"name": "u_new", "super_class": identity_of("sys_db_object", "sys_user")}, 403),
        ({"name": "u_new", "super_class": identity_of("sys_db_object", "sys_script")}, 403),
        ({"name": "u_new", "super_class": identity_of("sys_db_object", "x_handclasp_connection")}, 403),
    ],
)
async def test_a_table_that_can_not_be_is_refused(rest: RestWorld, values: dict[str, Any], status: int) -> None:
    assert (await rest("POST", "table/sys_db_object", values)).status == status
    assert (await rest("GET", "table/u_new")).error == (400, "Invalid table u_new")


@pytest.mark.parametrize(
    ("values", "status"),
    [
        ({"name": "no_table"}, 400),
        ({"name": "sys_script"}, 403),
        ({"name": "sys_db_object"}, 403),
        ({"name": "x_handclasp_connection"}, 403),
        ({"element": "new"}, 400),
        ({"element": "u_x y"}, 400),
        ({"element": ""}, 400),
        ({"internal_type": "nonsense"}, 400),
        ({"internal_type": "password"}, 400),
        ({"internal_type": "reference"}, 400),
        ({"internal_type": "reference", "reference": "no_table"}, 400),
        ({"reference": "sys_user"}, 400),
        ({"internal_type": "glide_list", "reference": "no_table"}, 400),
        ({"max_length": 0}, 400),
        ({"max_length": 10**12}, 400),
        ({"internal_type": "integer", "default_value": "many"}, 400),
    ],
    ids=str,
)
async def test_a_field_that_can_not_be_is_refused(rest: RestWorld, values: dict[str, Any], status: int) -> None:
    said = await rest("POST", "table/sys_dictionary", {"name": "incident", "element": "u_new", **values})
    assert said.status == status
    assert "u_new" not in (await rest("POST", "table/incident", {"short_description": "x"})).result


async def test_one_name_has_one_kind_in_a_whole_family(rest: RestWorld) -> None:
    await field(rest, "incident", "u_kind", internal_type="integer")
    for of, status in (("task", 403), ("incident", 403)):
        values = {"name": of, "element": "u_kind", "internal_type": "integer"}
        assert (await rest("POST", "table/sys_dictionary", values)).status == status
    said = await rest("POST", "table/sys_dictionary", {"name": "problem", "element": "u_kind"})
    assert said.error == (400, "Invalid dictionary entry")
    assert "u_kind" not in (await rest("POST", "table/problem", {"short_description": "x"})).result


async def test_only_an_admin_adds_to_the_dictionary(rest: RestWorld) -> None:
    worker = viewer("worker", "itil", "personalize_dictionary")
    assert (await rest("POST", "table/sys_db_object", {"name": "u_mine"}, by=worker)).status == 403
    assert (await rest("GET", "table/u_mine")).status == 400


async def test_a_table_of_ones_own_is_for_those_who_have_its_role(rest: RestWorld) -> None:
    await table(rest, "u_key")
    made = await rest.make("u_key")
    assert (await rest("GET", f"table/u_key/{made}", by=viewer("nobody", "itil"))).status == 400
    assert (await rest("GET", f"table/u_key/{made}", by=viewer("keeper", "u_key_user"))).status == 200
