"""Records as clients read them, whichever way they ask."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from node.instance.first_records import ADMIN
from tests.node.instance.rest_world import SHARED

if TYPE_CHECKING:
    from tests.node.instance.rest_world import RestWorld

pytestmark = SHARED


@pytest.mark.parametrize("more", ["", "&sysparm_exclude_reference_link=true"])
@pytest.mark.parametrize(
    ("table", "values", "seen"),
    [
        ("incident", {"caller_id": ADMIN, "active": True, "urgency": 1}, {"active": "true", "urgency": "1"}),
        ("alm_asset", {"cost": "10", "assigned_to": ADMIN}, {"cost": "10"}),
        ("sys_user", {"user_password": "correct horse battery"}, {"user_password": ""}),
    ],
)
async def test_a_list_shows_a_record_as_it_is_shown_alone(
    rest: RestWorld, table: str, values: dict[str, object], seen: dict[str, str], more: str
) -> None:
    ids = [await rest.make(table, **values) for _ in range(2)]
    alone = [(await rest("GET", f"table/{table}/{one}?{more}")).result for one in ids]
    listed = (await rest("GET", f"table/{table}?sysparm_query=sys_idIN{','.join(ids)}{more}")).result
    assert sorted(listed, key=lambda one: ids.index(one["sys_id"])) == alone
    assert alone[0].items() >= seen.items()


async def test_a_record_is_shown_by_a_table_above_as_by_its_own(rest: RestWorld) -> None:
    sys_id = await rest.make("incident", state=2, comments="hello", work_notes="note")
    asked = f"{sys_id}?sysparm_display_value=true&sysparm_fields=state,comments,work_notes"
    shown = (await rest("GET", f"table/incident/{asked}")).result
    assert (shown["state"], "hello" in shown["comments"]) == ("In Progress", True)
    assert (await rest("GET", f"table/task/{asked}")).result == shown


async def test_an_empty_place_in_a_list_is_nobody(rest: RestWorld) -> None:
    sys_id = await rest.make("incident", watch_list=f"{ADMIN},,{ADMIN},")
    shown = (await rest("GET", f"table/incident/{sys_id}?sysparm_display_value=true")).result
    assert shown["watch_list"] == "System Administrator, System Administrator"
