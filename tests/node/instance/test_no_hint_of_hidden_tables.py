"""Nobody learns by guessing which tables an admin has added: those that one may not read are not there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from node.instance.describing import identity_of
from tests.node.instance.rest_world import SHARED, viewer

if TYPE_CHECKING:
    from tests.node.instance.rest_world import RestWorld

pytestmark = SHARED

ME = viewer("me", "itil")
HIDDEN, NOTHING = ("u_hidden", "u_hiddentask"), "u_nothing"
RECORD = "0" * 32


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def tables(rest: RestWorld) -> RestWorld:
    """Two tables of an admin's, one of them of tasks, each with a record."""
    await rest.make("sys_db_object", name="u_hidden", label="Hidden")
    await rest.make(
        "sys_db_object", name="u_hiddentask", label="Hidden task", super_class=identity_of("sys_db_object", "task")
    )
    for table in HIDDEN:
        await rest.make(table, sys_id=RECORD.replace("0", table[-1]))
    await rest.make("incident", caller_id=ME.sys_id, opened_by=ME.sys_id)
    return rest


@pytest.mark.parametrize("table", HIDDEN)
@pytest.mark.parametrize(
    ("method", "url", "body"),
    [
        ("GET", "table/{}", b""),
        ("GET", f"table/{{}}/{RECORD}", b""),
        ("POST", "table/{}", {"number": "1"}),
        ("PATCH", f"table/{{}}/{RECORD}", {"number": "1"}),
        ("PUT", f"table/{{}}/{RECORD}", {"number": "1"}),
        ("DELETE", f"table/{{}}/{RECORD}", b""),
        ("GET", "stats/{}?sysparm_count=true", b""),
        ("GET", "table/incident?sysparm_query=JOINincident.sys_id={}.sys_id!sys_idISNOTEMPTY", b""),
        ("GET", "table/incident?sysparm_query=RLQUERY{}.sys_id,=0^ENDRLQUERY", b""),
        ("GET", "table/incident?sysparm_query=RLQUERY{}.sys_id,>0^ENDRLQUERY", b""),
        ("GET", "table/task?sysparm_query=sys_class_nameINSTANCEOF{}", b""),
        ("GET", "attachment?sysparm_query=table_name={}", b""),
        ("POST", f"attachment/file?table_name={{}}&table_sys_id={RECORD}&file_name=a", b"x"),
    ],
)
async def test_a_table_that_one_may_not_read_is_answered_like_one_that_is_not_there(
    tables: RestWorld, table: str, method: str, url: str, body: object
) -> None:
    said, of_nothing = [await tables(method, url.format(one), body, by=ME) for one in (table, NOTHING)]
    assert said.status == of_nothing.status
    assert said.body.replace(table.encode(), b"T") == of_nothing.body.replace(NOTHING.encode(), b"T")


async def test_its_records_are_no_tasks_for_who_may_not_read_it(tables: RestWorld) -> None:
    query = "table/task?sysparm_query=sys_class_name=u_hiddentask&sysparm_fields=sys_class_name"
    assert (await tables("GET", query, by=ME)).result == []
    assert (await tables("GET", query)).result == [{"sys_class_name": "u_hiddentask"}]


@pytest.mark.parametrize("table", HIDDEN)
async def test_the_role_of_the_table_opens_it(tables: RestWorld, table: str) -> None:
    assert len((await tables("GET", f"table/{table}", by=viewer("me", f"{table}_user"))).result) == 1


async def test_a_child_of_a_hidden_class_is_neither_counted_nor_changed(tables: RestWorld) -> None:
    parent = await tables.make("incident")
    await tables.make("sys_db_object", name="u_hr", label="HR", super_class=identity_of("sys_db_object", "incident"))
    hidden = await tables.make("u_hr", parent_incident=parent)
    done = {"state": "6", "close_code": "Duplicate", "close_notes": "x"}
    changed = await tables.change("incident", parent, **done, by=ME)
    assert changed["child_incidents"] == "0"
    assert (await tables.read("u_hr", hidden))["state"] == "1"
