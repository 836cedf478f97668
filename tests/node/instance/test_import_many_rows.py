"""Import sets of many rows: `insertMultiple`, and what stops one in the middle."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from node.instance.errors import BadRequestError
from node.instance.records import importing
from node.instance.records.importing import load_rows
from node.instance.records.writing import insert_record
from node.instance.rest import import_set
from tests.node.instance.import_world import BY_REF, MADE, STAGING, many, mapped, rows_of
from tests.node.instance.rest_world import ADMIN_VIEWER, SHARED, RestWorld, grow_no_more, viewer

if TYPE_CHECKING:
    from node.instance.database import Transaction
    from node.instance.records.writing import Values, Writing

pytestmark = [SHARED, pytest.mark.usefixtures("staging", "emptied_of_imports")]


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
