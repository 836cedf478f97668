"""A staging table, maps that lead from it, and rows that are sent to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.node.instance.rest_world import ADMIN_VIEWER

if TYPE_CHECKING:
    from node.instance.viewer import Viewer
    from tests.node.instance.rest_world import RestWorld, Said

STAGING = "u_ticket"
MADE = ("sys_import_set_row", "sys_import_set", "sys_multi_import_set")

BY_REF = (
    {"source_field": "u_ref", "target_field": "correlation_id", "coalesce": True},
    {"source_field": "u_short_description", "target_field": "short_description"},
)


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


async def many(rest: RestWorld, *records: Any, query: str = "", by: Viewer = ADMIN_VIEWER) -> Said:
    url = f"import/{STAGING}/insertMultiple{query}"
    return await rest("POST", url, {"records": list(records)}, by=by)


async def rows_of(rest: RestWorld, set_id: str) -> list[dict[str, Any]]:
    query = f"sysparm_query=sys_import_set={set_id}^ORDERBYsys_import_row"
    return (await rest("GET", f"table/{STAGING}?{query}")).result
