"""A child of a class that whoever changes its parent may not see."""

from __future__ import annotations

from typing import TYPE_CHECKING

from node.instance.describing import identity_of
from tests.node.instance.rest_world import SHARED, viewer

if TYPE_CHECKING:
    from tests.node.instance.rest_world import RestWorld

pytestmark = SHARED


async def test_a_child_of_a_hidden_class_is_neither_counted_nor_changed(rest: RestWorld) -> None:
    await rest.make("sys_db_object", name="u_hr", label="HR", super_class=identity_of("sys_db_object", "incident"))
    parent = await rest.make("incident")
    hidden = await rest.make("u_hr", parent_incident=parent)
    done = {"state": "6", "close_code": "Duplicate", "close_notes": "x"}
    changed = await rest.change("incident", parent, **done, by=viewer("worker", "itil"))
    assert changed["child_incidents"] == "0"
    assert (await rest.read("u_hr", hidden))["state"] == "1"
