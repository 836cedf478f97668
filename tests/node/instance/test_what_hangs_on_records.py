"""Attachments and journals: there for whoever may read the record that they hang on, whatever table it is in."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest
import pytest_asyncio

from tests.node.instance.rest_world import SHARED, viewer

if TYPE_CHECKING:
    from node.instance.viewer import Viewer
    from tests.node.instance.rest_world import RestWorld, Said

pytestmark = SHARED

ANN = viewer("ann")
ITIL = viewer("joe", "itil")
BUYER = viewer("buyer", "asset")
MECHANIC = viewer("mechanic", "u_gear_user")
CLERK = viewer("clerk", "u_case_user")
TEXT = {"content-type": "text/plain"}
SECRET = "the combination is 4711"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def tables(rest: RestWorld) -> RestWorld:
    """A table of gear with a log, and one of cases, which are tasks."""
    task = (await rest("GET", "table/sys_db_object?sysparm_query=name=task")).result[0]["sys_id"]
    await rest.make("sys_db_object", name="u_gear", label="Gear")
    await rest.make("sys_dictionary", name="u_gear", element="u_log", column_label="Log", internal_type="journal_input")
    await rest.make("sys_db_object", name="u_case", label="Case", super_class=task)
    return rest


async def attach(rest: RestWorld, table: str, sys_id: str, by: Viewer | None = None) -> Said:
    url = f"attachment/file?table_name={table}&table_sys_id={sys_id}&file_name=plan.txt"
    return await rest("POST", url, SECRET.encode(), headers=TEXT, **({} if by is None else {"by": by}))


async def sees_file(rest: RestWorld, file: str, by: Viewer) -> bool:
    """Whether a user sees a file; every way to ask for it says the same."""
    listed = await rest("GET", "attachment", by=by)
    found = {
        file in {one["sys_id"] for one in listed.result},
        (await rest("GET", f"attachment?sysparm_query=sys_id={file}", by=by)).headers["X-Total-Count"] == "1",
        (await rest("GET", f"attachment/{file}", by=by)).status == 200,
        (await rest("GET", f"attachment/{file}/file", by=by)).status == 200,
        (await rest("GET", f"table/sys_attachment/{file}", by=by)).status == 200,
    }
    assert len(found) == 1, (file, by, found)
    return found.pop()


@pytest.mark.parametrize(
    ("table", "readers"),
    [
        ("u_gear", {MECHANIC}),
        ("u_case", {CLERK}),
        ("cmdb_ci", {ITIL, BUYER}),
        ("cmdb_ci_server", {ITIL, BUYER}),
        ("alm_asset", {ITIL, BUYER}),
        ("problem", {ITIL}),
        ("sys_user_group", {ANN, ITIL, BUYER, MECHANIC, CLERK}),
        ("sys_script", set()),
        ("syslog", set()),
    ],
)
async def test_a_file_is_seen_by_whoever_sees_its_record_and_by_nobody_else(
    tables: RestWorld, table: str, readers: set[Viewer]
) -> None:
    values = (
        {"name": f"of {table}"} if table != "sys_script" else {"name": "x", "collection": "incident", "active": "false"}
    )
    file = (await attach(tables, table, await tables.make(table, **values))).result["sys_id"]
    seen = {one for one in (ANN, ITIL, BUYER, MECHANIC, CLERK) if await sees_file(tables, file, one)}
    assert seen == readers


@pytest.mark.parametrize(
    ("table", "by", "status"),
    [
        ("u_gear", MECHANIC, 201),
        ("u_case", CLERK, 201),
        ("cmdb_ci", ITIL, 201),
        ("alm_asset", BUYER, 201),
        ("alm_asset", ITIL, 403),
        ("sys_user_group", ITIL, 403),
        ("u_gear", ITIL, 404),
        ("u_case", ITIL, 404),
        ("cmdb_ci", ANN, 404),
        ("u_gear", viewer("reader", "u_gear_user", "snc_read_only"), 403),
    ],
)
async def test_a_file_is_attached_and_removed_by_whoever_may_change_its_record(
    tables: RestWorld, table: str, by: Viewer, status: int
) -> None:
    record = await tables.make(table, name="x")
    made = await attach(tables, table, record, by)
    assert made.status == status
    if status == 201:
        url = f"attachment/{made.result['sys_id']}"
        assert (await tables("PATCH", url, {"file_name": "y"}, by=by)).status == 204
        assert (await tables("DELETE", url, by=by)).status == 204


async def test_who_may_write_a_part_of_a_record_alone_attaches_and_takes_nothing_off(tables: RestWorld) -> None:
    own = await tables.make("incident", short_description="mine", caller_id=ANN.sys_id)
    file = (await attach(tables, "incident", own, ANN)).result["sys_id"]
    for method, body in (("PATCH", {"file_name": "y"}), ("DELETE", b"")):
        assert (await tables(method, f"attachment/{file}", body, by=ANN)).error == (403, "Operation Failed")
        assert (await tables(method, f"attachment/{file}", body, by=ITIL)).status == 204


async def entries(rest: RestWorld, sys_id: str, by: Viewer) -> list[str]:
    """The elements of the entries on a record that a user finds; a list of all entries has the same."""
    query = f"sysparm_query=element_id={sys_id}^ORDERBYelement"
    found = (await rest("GET", f"table/sys_journal_field?{query}", by=by)).result
    whole = (await rest("GET", "table/sys_journal_field?sysparm_query=ORDERBYelement", by=by)).result
    assert [one for one in whole if one["element_id"] == sys_id] == found
    return [one["element"] for one in found]


async def test_an_entry_is_seen_by_whoever_may_read_that_journal_of_its_record(tables: RestWorld) -> None:
    gear = await tables.make("u_gear", u_log=SECRET)
    case = await tables.make("u_case", comments="a", work_notes="b")
    assert [await entries(tables, gear, by) for by in (MECHANIC, ITIL, ANN)] == [["u_log"], [], []]
    assert [await entries(tables, case, by) for by in (CLERK, ITIL, ANN)] == [["comments"], [], []]
    both = viewer("both", "u_case_user", "itil")
    assert await entries(tables, case, both) == ["comments", "work_notes"]


async def test_who_makes_a_record_of_a_known_sys_id_learns_nothing_of_its_namesake(tables: RestWorld) -> None:
    """A client may choose a sys_id: that of a record in another table, too."""
    case = await tables.make("u_gear", u_log=SECRET)
    file = (await attach(tables, "u_gear", case)).result["sys_id"]
    await tables.make("sys_journal_field", name="u_gear", element_id=case, element="comments", value=SECRET)
    own = await tables("POST", "table/incident", {"sys_id": case, "short_description": "mine"}, by=ANN)
    assert own.status == 201
    assert not await sees_file(tables, file, ANN)
    assert await entries(tables, case, ANN) == []
    for told in ("true", "all"):
        url = f"table/incident/{case}?sysparm_display_value={told}"
        assert SECRET.encode() not in (await tables("GET", url, by=ANN)).body
    for query in (f"commentsLIKE{SECRET}", f"comments={SECRET}", "commentsISNOTEMPTY"):
        url = f"table/incident?sysparm_query={quote(query)}^sys_id={case}"
        assert (await tables("GET", url, by=ANN)).result == []


async def test_an_entry_that_an_admin_writes_names_the_class_of_its_record(tables: RestWorld) -> None:
    hidden = await tables.make("u_case")
    entry = await tables.make("sys_journal_field", name="task", element_id=hidden, element="comments", value=SECRET)
    told = await tables("GET", f"table/sys_journal_field/{entry}")
    assert told.result["name"] == "u_case"
    assert await entries(tables, hidden, ITIL) == []
