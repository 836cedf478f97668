"""Import sets: a row of a staging table becomes a record, or changes one."""

from __future__ import annotations

import re

import pytest

from node.instance.describing import identity_of
from node.instance.first_records import ADMIN
from node.instance.records import importing
from node.instance.rules import growing_tables
from tests.node.instance.import_world import BY_REF, STAGING, imported, mapped
from tests.node.instance.rest_world import BASE_URL, SHARED, RestWorld, viewer

pytestmark = [SHARED, pytest.mark.usefixtures("staging", "emptied_of_imports")]


async def test_a_row_becomes_a_record_and_tells_which(rest: RestWorld) -> None:
    await mapped(rest, *BY_REF)
    told = await imported(rest, u_ref="T-1", u_short_description="No light")
    (one,) = told["result"]
    assert told["staging_table"] == STAGING
    assert re.fullmatch(r"ISET00100\d\d", told["import_set"])
    record = (await rest("GET", f"table/incident/{one['sys_id']}")).result
    assert (record["short_description"], record["correlation_id"]) == ("No light", "T-1")
    assert one == {
        "transform_map": "Tickets",
        "table": "incident",
        "status": "inserted",
        "display_name": "number",
        "display_value": record["number"],
        "record_link": f"{BASE_URL}/api/now/table/incident/{one['sys_id']}",
        "sys_id": one["sys_id"],
    }


async def test_what_is_there_already_is_changed_or_left(rest: RestWorld) -> None:
    await mapped(rest, *BY_REF)
    states = [
        (await imported(rest, u_ref="T-1", u_short_description=text))["result"][0]["status"]
        for text in ("dark", "darker", "darker")
    ]
    assert states == ["inserted", "updated", "ignored"]
    assert (await rest("GET", "table/incident")).headers["X-Total-Count"] == "1"


async def test_a_map_without_entries_copies_fields_of_the_same_name(rest: RestWorld) -> None:
    await mapped(rest)
    (one,) = (await imported(rest, u_short_description="Same", u_urgency="1"))["result"]
    record = (await rest("GET", f"table/incident/{one['sys_id']}")).result
    assert (record["short_description"], record["urgency"]) == ("Same", "1")
    (other,) = (await imported(rest, u_short_description="Same"))["result"]
    assert (await rest.read("incident", other["sys_id"]))["urgency"] == "3", "what is not given has its default"
    (emptied,) = (await imported(rest, u_short_description="Same", u_urgency=""))["result"]
    assert (await rest.read("incident", emptied["sys_id"]))["urgency"] == "", "what is given as empty is empty"


@pytest.mark.slow
async def test_what_a_staging_table_does_not_have_or_keep_is_not_copied(rest: RestWorld) -> None:
    above = identity_of("sys_db_object", "sys_import_set_row")
    await rest.make("sys_db_object", name="u_elsewhere", label="Elsewhere", super_class=above)
    await rest.make("sys_dictionary", name="u_elsewhere", element="u_category")
    await rest.make("sys_dictionary", name=STAGING, element="u_comments", internal_type="journal_input")
    await mapped(rest)
    (one,) = (await imported(rest, u_short_description="x", u_category="software", u_comments="y"))["result"]
    assert one["status"] == "inserted"
    assert (await rest.read("incident", one["sys_id"]))["category"] == "inquiry"


async def test_a_field_of_exactly_that_name_is_copied_too(rest: RestWorld) -> None:
    await rest.make("sys_dictionary", name="problem", element="u_ref")
    await mapped(rest, target="problem")
    (one,) = (await imported(rest, u_ref="T-1"))["result"]
    assert (await rest.read("problem", one["sys_id"]))["u_ref"] == "T-1"


async def test_maps_are_gone_in_their_order_and_none_that_is_inactive_or_of_another_table(rest: RestWorld) -> None:
    for name, order in (("A", 30), ("B", 10), ("C", 20)):
        await mapped(rest, name=name, order=order)
    await mapped(rest, name="Off", active=False)
    await mapped(rest, name="Elsewhere", source_table="u_other")
    told = await imported(rest, u_short_description="x")
    assert [one["transform_map"] for one in told["result"]] == ["B", "C", "A"]
    await rest.empty("sys_transform_map")
    for name in ("B", "C", "A"):
        await mapped(rest, name=name)
    told = await imported(rest, u_short_description="x")
    assert [one["transform_map"] for one in told["result"]] == ["A", "B", "C"]


async def test_several_keys_find_a_record_together(rest: RestWorld) -> None:
    keys = {"u_ref": "correlation_id", "u_urgency": "urgency"}
    await mapped(rest, *({"source_field": one, "target_field": other, "coalesce": True} for one, other in keys.items()))
    rows = (("T-1", "1"), ("T-1", "2"), ("T-2", "1"), ("T-1", "1 - High"), ("T-1", ""), ("T-1", ""))
    told = [(await imported(rest, u_ref=ref, u_urgency=urgency))["result"][0] for ref, urgency in rows]
    assert [one["status"] for one in told] == ["inserted"] * 3 + ["ignored"] + ["inserted"] * 2
    assert told[3]["sys_id"] == told[0]["sys_id"]


@pytest.mark.parametrize("target", ["u_nope", pytest.param("u_secret", marks=pytest.mark.slow)])
async def test_a_target_that_is_not_there_for_the_loader_is_told_as_any_other(rest: RestWorld, target: str) -> None:
    if target == "u_secret":
        await rest.make("sys_db_object", name=target, label="Secret")
    await mapped(rest, target=target)
    said = await rest("POST", f"import/{STAGING}", {"u_ref": "x"}, by=viewer("loader", f"{STAGING}_user"))
    (one,) = said.json["result"]
    assert (one["status"], one["error_message"]) == ("error", f"Invalid table {target}")


async def test_there_is_an_end_of_maps(rest: RestWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("A", "B"):
        await mapped(rest, name=name)
    monkeypatch.setattr(importing, "MAPS_MAX", 1)
    assert [one["transform_map"] for one in (await imported(rest, u_ref="x"))["result"]] == ["A"]


async def test_import_sets_are_counted_as_they_are_made(rest: RestWorld) -> None:
    totals = []
    for _ in range(3):
        await imported(rest, u_ref="x")
        totals.append((await rest("GET", "table/sys_import_set?sysparm_limit=1")).headers["X-Total-Count"])
    assert totals == ["1", "2", "3"]


async def test_rows_without_a_key_are_records_of_their_own(rest: RestWorld) -> None:
    await mapped(rest, *BY_REF)
    states = [(await imported(rest, u_short_description="x"))["result"][0]["status"] for _ in range(2)]
    assert states == ["inserted", "inserted"]


async def test_a_record_that_the_loader_may_not_see_is_not_found_by_its_key(rest: RestWorld) -> None:
    await mapped(rest, *BY_REF)
    await imported(rest, u_ref="T-1", u_short_description="hidden")
    said = await rest("POST", f"import/{STAGING}", {"u_ref": "T-1"}, by=viewer("loader", f"{STAGING}_user"))
    assert [one["status"] for one in said.json["result"]] == ["inserted"]


@pytest.mark.parametrize(
    ("target_field", "why"), [("no_field", "has no field no_field"), ("urgency", "no whole number")]
)
async def test_a_key_that_finds_nothing_since_it_is_none_is_told(rest: RestWorld, target_field: str, why: str) -> None:
    await mapped(rest, {"source_field": "u_ref", "target_field": target_field, "coalesce": True})
    (one,) = (await imported(rest, u_ref="soon"))["result"]
    assert one["status"] == "error"
    assert why in one["error_message"]


async def test_a_record_is_named_by_what_its_table_calls_it(rest: RestWorld) -> None:
    await mapped(rest, {"source_field": "u_ref", "target_field": "name"}, target="sys_user_group")
    (one,) = (await imported(rest, u_ref="Loaders"))["result"]
    assert (one["display_name"], one["display_value"]) == ("name", "Loaders")
    await rest.empty("sys_transform_map")
    entries = {"u_ref": "user", "u_short_description": "group"}
    await mapped(
        rest,
        *({"source_field": source, "target_field": target} for source, target in entries.items()),
        target="sys_user_grmember",
    )
    (one,) = (await imported(rest, u_ref=ADMIN, u_short_description=one["sys_id"]))["result"]
    assert (one["display_name"], one["display_value"]) == ("user.name", "System Administrator")


async def test_what_a_map_can_not_do_is_told_and_undone_and_the_others_are_gone(rest: RestWorld) -> None:
    await mapped(rest, {"source_field": "u_urgency", "target_field": "urgency"}, name="A")
    await mapped(rest, {"source_field": "u_ref", "target_field": "correlation_id"}, name="B", target="problem")
    first, second = (await imported(rest, u_urgency="soon", u_ref="T-9"))["result"]
    assert first["status"] == "error"
    assert "soon" in first["error_message"]
    assert (second["table"], second["status"]) == ("problem", "inserted")
    (row,) = (await rest("GET", f"table/{STAGING}?sysparm_exclude_reference_link=true")).result
    assert (row["sys_import_state"], row["sys_target_sys_id"]) == ("inserted", second["sys_id"]), "as the last map says"
    assert (await rest("GET", "table/incident")).result == []


async def test_without_a_map_the_row_stays_and_says_why(rest: RestWorld) -> None:
    told = await imported(rest, u_ref="T-1")
    assert told["result"][0]["status"] == "error"
    (row,) = (await rest("GET", f"table/{STAGING}")).result
    assert (row["sys_import_state"], row["u_ref"]) == ("error", "T-1")
    again = (await rest("GET", f"import/{STAGING}/{row['sys_id']}")).json
    assert again == told
    (taken,) = (await rest("GET", f"table/sys_import_set?number={told['import_set']}")).result
    assert (taken["sys_id"], taken["table_name"]) == (row["sys_import_set"]["value"], STAGING)


async def test_what_became_of_a_row_is_read_again(rest: RestWorld) -> None:
    await mapped(rest, *BY_REF)
    told = await imported(rest, u_ref="T-1")
    (row,) = (await rest("GET", f"table/{STAGING}?sysparm_fields=sys_id")).result
    assert (await rest("GET", f"import/{STAGING}/{row['sys_id']}")).json == told
    assert (await rest("GET", f"import/{STAGING}/nope")).status == 404


@pytest.mark.parametrize("table", ["incident", "sys_import_set_row", "nope"])
async def test_what_is_no_staging_table_takes_no_rows(rest: RestWorld, table: str) -> None:
    said = await rest("POST", f"import/{table}", {"short_description": "x"})
    assert said.error == (400, f"Invalid staging table {table}")
    assert (await rest("GET", f"import/{table}/{'0' * 32}")).error == (400, f"Invalid staging table {table}")


async def test_a_staging_table_that_one_may_not_read_is_like_one_that_is_not_there(rest: RestWorld) -> None:
    nobody, body = viewer("nobody"), {"u_ref": "x"}
    for method, rest_of_it, sent in (
        ("POST", "", body),
        ("POST", "/insertMultiple", {"records": [body]}),
        ("GET", "/1", b""),
    ):
        hidden = await rest(method, f"import/{STAGING}{rest_of_it}", sent, by=nobody)
        missing = await rest(method, f"import/u_nope{rest_of_it}", sent, by=nobody)
        assert (hidden.status, hidden.body.replace(STAGING.encode(), b"u_nope")) == (400, missing.body)


async def test_who_may_not_write_the_staging_table_or_the_target_changes_nothing(rest: RestWorld) -> None:
    await mapped(rest, *BY_REF, target="sys_user_has_role")
    nobody, loader = viewer("nobody"), viewer("loader", f"{STAGING}_user")
    assert (await rest("POST", f"import/{STAGING}", {"u_ref": "x"}, by=nobody)).status in {400, 403}
    said = await rest("POST", f"import/{STAGING}", {"u_ref": "x"}, by=loader)
    assert (said.status, said.json["result"][0]["status"]) == (201, "error")
    assert (await rest("GET", "table/sys_user_has_role")).headers["X-Total-Count"] == "1"


async def test_a_field_that_could_not_be_added_is_in_no_table(rest: RestWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    entries = {"u_short_description": "name", "u_ref": "element"}
    await mapped(
        rest,
        *({"source_field": source, "target_field": target} for source, target in entries.items()),
        target="sys_dictionary",
    )
    monkeypatch.setattr(growing_tables, "FIELDS_MAX", 10)
    told = await imported(rest, u_short_description="incident", u_ref="u_new")
    assert "have 10 fields already" in told["result"][0]["error_message"]
    assert (await rest("GET", "table/sys_dictionary?element=u_new")).result == []
    said = await rest("POST", "table/incident", {"u_new": "x"})
    assert (said.status, "u_new" in said.result) == (201, False)
