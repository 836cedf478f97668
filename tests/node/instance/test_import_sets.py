"""Import sets: a row of a staging table becomes a record, or changes one."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

from node.instance.describing import identity_of
from node.instance.errors import BadRequestError
from node.instance.first_records import ADMIN
from node.instance.records import importing
from node.instance.records.importing import load_rows
from node.instance.records.writing import insert_record
from node.instance.rest import import_set
from node.instance.rules import growing_tables
from tests.node.instance.rest_world import ADMIN_VIEWER, BASE_URL, SHARED, RestWorld, grow_no_more, viewer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from node.instance.database import Transaction
    from node.instance.records.writing import Values, Writing
    from node.instance.viewer import Viewer
    from tests.node.instance.rest_world import Said

pytestmark = SHARED

STAGING = "u_ticket"
MADE = ("sys_import_set_row", "sys_import_set", "sys_multi_import_set")


@pytest_asyncio.fixture(scope="module", loop_scope="module", autouse=True)
async def staging(rest: RestWorld) -> None:
    """A staging table; to make one takes longer than most tests of it."""
    await rest.make(
        "sys_db_object", name=STAGING, label="Ticket", super_class=identity_of("sys_db_object", "sys_import_set_row")
    )
    for element, label in (("u_short_description", "What"), ("u_ref", "Their Number"), ("u_urgency", "State")):
        field = {"element": element, "column_label": label, "internal_type": "string", "max_length": 200}
        await rest.make("sys_dictionary", name=STAGING, **field)


@pytest_asyncio.fixture(loop_scope="module", autouse=True)
async def emptied(rest: RestWorld) -> AsyncIterator[None]:
    """Each test finds neither maps nor rows nor tasks."""
    yield
    await rest.empty(*MADE, "sys_transform_map", "sys_transform_entry", "task")


async def mapped(
    rest: RestWorld, *entries: dict[str, Any], target: str = "incident", name: str = "Tickets", **more: Any
) -> None:
    values = {"name": name, "source_table": STAGING, "target_table": target, **more}
    chosen = await rest.make("sys_transform_map", **values)
    for entry in entries:
        await rest.make("sys_transform_entry", map=chosen, **entry)


async def imported(rest: RestWorld, **values: Any) -> dict[str, Any]:
    said = await rest("POST", f"import/{STAGING}", values)
    assert said.status == 201, said.body
    return said.json


BY_REF = (
    {"source_field": "u_ref", "target_field": "correlation_id", "coalesce": True},
    {"source_field": "u_short_description", "target_field": "short_description"},
)


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


async def many(rest: RestWorld, *records: Any, query: str = "", by: Viewer = ADMIN_VIEWER) -> Said:
    url = f"import/{STAGING}/insertMultiple{query}"
    return await rest("POST", url, {"records": list(records)}, by=by)


async def rows_of(rest: RestWorld, set_id: str) -> list[dict[str, Any]]:
    query = f"sysparm_query=sys_import_set={set_id}^ORDERBYsys_import_row"
    return (await rest("GET", f"table/{STAGING}?{query}")).result


async def test_many_rows_are_one_import_set_and_each_becomes_a_record(
    rest: RestWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_set, "ROWS_AT_ONCE", 2)
    await mapped(rest, *BY_REF)
    count = 5
    said = await many(rest, *({"u_ref": f"T-{at % (count - 1)}", "u_short_description": "dark"} for at in range(count)))
    assert (said.status, said.json.keys()) == (201, {"import_set_id", "multi_import_set_id"})
    rows = await rows_of(rest, said.json["import_set_id"])
    assert [row["sys_import_row"] for row in rows] == [str(at) for at in range(1, count + 1)]
    assert [row["sys_import_state"] for row in rows] == ["inserted"] * (count - 1) + ["ignored"]
    assert rows[-1]["sys_target_sys_id"] == rows[0]["sys_target_sys_id"]
    one_set = (await rest("GET", f"table/sys_import_set/{said.json['import_set_id']}")).result
    assert (one_set["state"], one_set["table_name"]) == ("processed", STAGING)
    assert one_set["multi_import_set"]["value"] == said.json["multi_import_set_id"]
    assert (await rest("GET", f"import/{STAGING}/{rows[0]['sys_id']}")).json["import_set"] == one_set["number"]


async def test_columns_are_named_by_their_labels_or_their_names(rest: RestWorld) -> None:
    await mapped(rest, *BY_REF)
    said = await many(rest, {"their NUMBER": "T-1", "u_short_description": "x", "State": "2"})
    (row,) = await rows_of(rest, said.json["import_set_id"])
    assert (row["u_ref"], row["u_short_description"]) == ("T-1", "x")
    assert (row["u_urgency"], row["sys_import_state"]) == ("2", "inserted"), "one's own before the row's own state"


async def test_a_column_that_is_not_there_is_told_and_nothing_taken_in(rest: RestWorld) -> None:
    said = await many(rest, {"u_ref": "1"}, {"u_ref": "2", "No such column": "y"})
    assert said.error == (400, "Invalid column")
    assert said.json["error"]["detail"] == f"{STAGING} has no column No such column"
    for table in MADE:
        assert (await rest("GET", f"table/{table}")).result == []


async def test_a_row_that_a_map_can_not_take_is_told_in_its_own_record(rest: RestWorld) -> None:
    await mapped(rest, {"source_field": "u_urgency", "target_field": "urgency"})
    said = await many(rest, {"u_urgency": "soon"}, {"u_urgency": "1"})
    assert said.status == 201
    rows = await rows_of(rest, said.json["import_set_id"])
    assert [row["sys_import_state"] for row in rows] == ["error", "inserted"]
    assert "soon" in rows[0]["sys_import_state_comment"]


async def test_a_row_on_which_the_instance_fails_is_an_error_and_the_others_go_on(
    rest: RestWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    def inserted(tx: Transaction, writing: Writing, table: str, values: Values) -> str:
        if values.get("correlation_id") == "bad":
            raise ZeroDivisionError
        if values.get("correlation_id") == "plain":
            raise BadRequestError("Refused without a detail")
        return insert_record(tx, writing, table, values)

    await mapped(rest, *BY_REF)
    monkeypatch.setattr(importing, "insert_record", inserted)
    said = await many(rest, *({"u_ref": ref} for ref in ("first", "bad", "plain", "last")))
    rows = await rows_of(rest, said.json["import_set_id"])
    assert [row["sys_import_state"] for row in rows] == ["inserted", "error", "error", "inserted"]
    assert [row["sys_import_state_comment"] for row in rows[1:3]] == [
        "The instance failed; its log says why.",
        "Refused without a detail",
    ]
    one_set = (await rest("GET", f"table/sys_import_set/{said.json['import_set_id']}")).result
    assert one_set["state"] == "processed"


async def test_a_disk_that_becomes_full_at_a_map_is_told_and_nothing_stays(
    rest: RestWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    def inserted(tx: Transaction, writing: Writing, table: str, values: Values) -> str:
        if table == "incident":
            grow_no_more(tx)
            tx.connection.exec_driver_sql("CREATE TABLE more AS SELECT zeroblob(1000000)")
        return insert_record(tx, writing, table, values)

    await mapped(rest)
    monkeypatch.setattr(importing, "insert_record", inserted)
    said = await rest("POST", f"import/{STAGING}", {"u_ref": "x"})
    assert said.error == (507, "Insufficient storage")
    database = await rest.instance.database()
    await database.write(lambda tx: tx.connection.exec_driver_sql("PRAGMA max_page_count = 4294967294"))
    assert (await rest("GET", f"table/{STAGING}")).result == []


async def test_a_row_that_is_removed_before_its_turn_is_passed_over(rest: RestWorld) -> None:
    await mapped(rest)
    loaded = await rest.instance.write(ADMIN_VIEWER, lambda tx, writing: load_rows(tx, writing, STAGING, [{}], ""))
    (row,) = loaded.rows
    await rest("DELETE", f"table/{STAGING}/{row.sys_id}")
    outcomes = await rest.instance.write(
        ADMIN_VIEWER, lambda tx, writing: importing.transform_row(tx, writing, STAGING, row)
    )
    assert outcomes == ()


async def test_rows_that_wait_when_the_node_stops_stay_pending_in_a_set_that_is_loaded(rest: RestWorld) -> None:
    loaded = await rest.instance.write(ADMIN_VIEWER, lambda tx, writing: load_rows(tx, writing, STAGING, [{}], ""))
    assert (await rest("GET", f"table/sys_import_set/{loaded.set_id}")).result["state"] == "loaded"
    assert [row["sys_import_state"] for row in await rows_of(rest, loaded.set_id)] == ["pending"]


async def test_of_rows_that_can_not_all_be_taken_in_none_is(rest: RestWorld) -> None:
    said = await many(rest, {"u_ref": "good"}, {"sys_id": "a" * 32}, {"sys_id": "a" * 32})
    assert said.error == (403, "Operation Failed")
    for table in MADE:
        assert (await rest("GET", f"table/{table}")).result == []


async def test_imports_are_put_together_and_put_in_order(rest: RestWorld) -> None:
    first = (await many(rest, {"u_ref": "1"})).json
    query = f"?multi_import_set_id={first['multi_import_set_id']}&run_after={first['import_set_id']}"
    second = (await many(rest, {"u_ref": "2"}, query=query)).json
    assert second["multi_import_set_id"] == first["multi_import_set_id"]
    assert second["import_set_id"] != first["import_set_id"]


@pytest.mark.parametrize("name", ["multi_import_set_id", "run_after"])
async def test_an_import_set_that_is_not_there_or_anothers_is_refused(rest: RestWorld, name: str) -> None:
    first = (await many(rest, {"u_ref": "1"})).json
    theirs = first["multi_import_set_id" if name.startswith("multi") else "import_set_id"]
    loader = viewer("loader", f"{STAGING}_user")
    for by, sys_id in ((ADMIN_VIEWER, "nope"), (loader, theirs)):
        assert (await many(rest, {"u_ref": "2"}, query=f"?{name}={sys_id}", by=by)).status == 400
    mine = (await many(rest, {"u_ref": "3"}, by=loader)).json
    own = mine["multi_import_set_id" if name.startswith("multi") else "import_set_id"]
    assert (await many(rest, {"u_ref": "4"}, query=f"?{name}={own}", by=loader)).status == 201
    assert (await many(rest, {"u_ref": "5"}, query=f"?{name}={own}")).status == 201, "an admin goes on with anybody's"


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"records": []},
        {"records": {}},
        {"records": ["x"]},
        {"records": [{"u_ref": {"a": "b"}}]},
        {"records": [{}] * 201},
        [1],
    ],
)
async def test_what_holds_no_rows_is_refused(rest: RestWorld, body: Any) -> None:
    said = await rest("POST", f"import/{STAGING}/insertMultiple", body)
    assert said.error == (400, "Exception while reading request")
    assert (await rest("GET", "table/sys_import_set")).result == []


async def test_many_rows_are_for_staging_tables_and_for_those_who_may_write_them(rest: RestWorld) -> None:
    said = await rest("POST", "import/incident/insertMultiple", {"records": [{"short_description": "x"}]})
    assert said.error == (400, "Invalid staging table incident")
    assert (await many(rest, {"u_ref": "x"}, by=viewer("nobody"))).status == 400
    assert (await rest("GET", f"table/{STAGING}")).result == []
    assert (await rest("GET", f"import/{STAGING}/insertMultiple")).status == 404
