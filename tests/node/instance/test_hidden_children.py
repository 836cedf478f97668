"""A child of a class that whoever changes its parent may not see."""

from __future__ import annotations

from typing import TYPE_CHECKING

from node.instance.viewer import Viewer
from tests.node.instance_world import instance_at

if TYPE_CHECKING:
    from pathlib import Path


async def test_a_child_of_a_hidden_class_is_neither_counted_nor_changed(tmp_path: Path) -> None:
    itil = Viewer(sys_id="a" * 32, user_name="w", name="W", roles=frozenset({"itil"}))
    async with instance_at(tmp_path) as world:
        above = (await world.ask("GET", "table/sys_db_object?name=incident")).result[0]["sys_id"]
        await world.create("sys_db_object", name="u_hr", label="HR", super_class=above)
        parent = await world.create("incident")
        hidden = await world.create("u_hr", parent_incident=parent)
        done = {"state": "6", "close_code": "Duplicate", "close_notes": "x"}
        said = await world.ask("PATCH", f"table/incident/{parent}", done, viewer=itil)
        assert said.result["child_incidents"] == "0"
        assert (await world.ask("GET", f"table/u_hr/{hidden}")).result["state"] == "1"
