"""Import sets: a row of a staging table becomes a record, or changes one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from node.instance.viewer import Viewer
from tests.node.instance_world import BASE_URL, World, instance_at

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

STAGING = "u_ticket"


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with instance_at(tmp_path) as found:
        rows = (await found.ask("GET", "table/sys_db_object?name=sys_import_set_row&sysparm_fields=sys_id")).result
        await found.create("sys_db_object", name=STAGING, label="Ticket", super_class=rows[0]["sys_id"])
        for element in ("u_short_description", "u_ref", "u_urgency"):
            await found.create("sys_dictionary", name=STAGING, element=element, internal_type="string", max_length=200)
        yield found


async def mapped(world: World, *entries: dict[str, Any], target: str = "incident", name: str = "Tickets") -> None:
    chosen = await world.create("sys_transform_map", name=name, source_table=STAGING, target_table=target)
    for entry in entries:
        await world.create("sys_transform_entry", map=chosen, **entry)


async def imported(world: World, **values: Any) -> dict[str, Any]:
    said = await world.ask("POST", f"import/{STAGING}", values)
    assert said.status == 201, said.body
    return said.json


BY_REF = (
    {"source_field": "u_ref", "target_field": "correlation_id", "coalesce": True},
    {"source_field": "u_short_description", "target_field": "short_description"},
)


async def test_a_row_becomes_a_record_and_tells_which(world: World) -> None:
    await mapped(world, *BY_REF)
    told = await imported(world, u_ref="T-1", u_short_description="No light")
    (one,) = told["result"]
    assert (told["staging_table"], told["import_set"]) == (STAGING, "ISET0010001")
    record = (await world.ask("GET", f"table/incident/{one['sys_id']}")).result
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


async def test_what_is_there_already_is_changed_or_left(world: World) -> None:
    await mapped(world, *BY_REF)
    states = [
        (await imported(world, u_ref="T-1", u_short_description=text))["result"][0]["status"]
        for text in ("dark", "darker", "darker")
    ]
    assert states == ["inserted", "updated", "ignored"]
    assert (await world.ask("GET", "table/incident")).headers["X-Total-Count"] == "1"


async def test_a_map_without_entries_copies_fields_of_the_same_name(world: World) -> None:
    await mapped(world)
    (one,) = (await imported(world, u_short_description="Same", u_urgency="1"))["result"]
    record = (await world.ask("GET", f"table/incident/{one['sys_id']}")).result
    assert (record["short_description"], record["urgency"]) == ("Same", "1")


async def test_what_a_map_can_not_do_is_told_and_undone_and_the_others_are_gone(world: World) -> None:
    await mapped(world, {"source_field": "u_urgency", "target_field": "urgency"}, name="A")
    await mapped(world, {"source_field": "u_ref", "target_field": "correlation_id"}, name="B", target="problem")
    first, second = (await imported(world, u_urgency="soon", u_ref="T-9"))["result"]
    assert first["status"] == "error"
    assert "soon" in first["error_message"]
    assert (second["table"], second["status"]) == ("problem", "inserted")
    assert (await world.ask("GET", "table/incident")).result == []


async def test_without_a_map_the_row_stays_and_says_why(world: World) -> None:
    told = await imported(world, u_ref="T-1")
    assert told["result"][0]["status"] == "error"
    (row,) = (await world.ask("GET", f"table/{STAGING}")).result
    assert (row["sys_import_state"], row["u_ref"]) == ("error", "T-1")


async def test_what_became_of_a_row_is_read_again(world: World) -> None:
    await mapped(world, *BY_REF)
    told = await imported(world, u_ref="T-1")
    (row,) = (await world.ask("GET", f"table/{STAGING}?sysparm_fields=sys_id")).result
    assert (await world.ask("GET", f"import/{STAGING}/{row['sys_id']}")).json == told
    assert (await world.ask("GET", f"import/{STAGING}/nope")).status == 404


@pytest.mark.parametrize("table", ["incident", "sys_import_set_row", "nope"])
async def test_what_is_no_staging_table_takes_no_rows(world: World, table: str) -> None:
    said = await world.ask("POST", f"import/{table}", {"short_description": "x"})
    assert (said.status, said.error["message"]) == (400, f"Invalid staging table {table}")


async def test_who_may_not_write_the_staging_table_or_the_target_changes_nothing(world: World) -> None:
    await mapped(world, *BY_REF, target="sys_user_has_role")
    nobody = Viewer(sys_id="d" * 32, user_name="nobody", name="Nobody")
    assert (await world.ask("POST", f"import/{STAGING}", {"u_ref": "x"}, viewer=nobody)).status in {400, 403}
    loader = Viewer(sys_id="d" * 32, user_name="loader", name="L", roles=frozenset({f"{STAGING}_user"}))
    said = await world.ask("POST", f"import/{STAGING}", {"u_ref": "x"}, viewer=loader)
    assert (said.status, said.json["result"][0]["status"]) == (201, "error")
    assert (await world.ask("GET", "table/sys_user_has_role")).headers["X-Total-Count"] == "1"
