"""By which indexes the common queries are answered, as SQLite's planner says, whatever the tables hold."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy import create_engine
from sqlalchemy.dialects import sqlite
from sqlalchemy.pool import StaticPool

from node.instance.base_tables import BASE_TABLES
from node.instance.catalog import Catalog
from node.instance.dictionary import Dictionary, Table
from node.instance.people.access import TableAccess
from node.instance.query.grammar import parse
from node.instance.query.scope import Scope
from node.instance.query.selection import Selection
from node.instance.query.statistics import planner_statistics, write_statistics
from node.instance.viewer import Viewer

CATALOG = Catalog(Dictionary((*BASE_TABLES, Table(name="u_hr", label="HR case", extends="incident", is_custom=True))))
ACCESS = TableAccess(CATALOG.dictionary)
ADMIN = Viewer(sys_id="a" * 32, user_name="admin", name="Admin", roles=frozenset({"admin"}))
ITIL = Viewer(sys_id="b" * 32, user_name="joe", name="Joe", roles=frozenset({"itil"}))
NOBODY = Viewer(sys_id="c" * 32, user_name="ann", name="Ann")
SORTED = "USE TEMP B-TREE FOR ORDER BY"


@pytest.fixture(scope="module")
def connection():
    engine = create_engine("sqlite://", poolclass=StaticPool)
    with engine.connect() as connection:
        CATALOG.metadata.create_all(connection)
        write_statistics(connection, CATALOG)
        yield connection
    engine.dispose()


def plans(connection, table: str, query: str, viewer: Viewer = ITIL) -> tuple[str, str]:
    """How a page of the records and their count are found."""
    scope = Scope(catalog=CATALOG, viewer=viewer, access=ACCESS, now=datetime(2026, 3, 4, tzinfo=UTC))
    selection = Selection(scope, table, parse(query))
    page = selection.page([selection.column("sys_id"), selection.column("sys_created_by")], limit=20, offset=0)
    return _plan(connection, page), _plan(connection, selection.count())


def _plan(connection, statement) -> str:
    compiled = statement.compile(dialect=sqlite.dialect(), compile_kwargs={"render_postcompile": True})
    values = tuple(compiled.params[name] for name in compiled.positiontup)
    steps = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {compiled}", values)
    return " | ".join(step[3] for step in steps)


@pytest.mark.parametrize(
    ("table", "query", "step"),
    [
        ("incident", "state=2", "_state (sys_class_name=? AND state=?)"),
        ("incident", "active=true^priority=1", "_active_priority (sys_class_name=? AND active=? AND priority=?)"),
        ("incident", "number=INC0000001", "_number (sys_class_name=? AND number=?)"),
        ("incident", "numberSTARTSWITHINC00", "_number (sys_class_name=? AND number>? AND number<?)"),
        ("incident", "assigned_to=a", "_assigned_to_sys_updated_on (sys_class_name=? AND assigned_to=?)"),
        (
            "incident",
            "assigned_to=a^active=true^ORDERBYDESCsys_updated_on",
            "_assigned_to_sys_updated_on (sys_class_name=? AND assigned_to=?)",
        ),
        (
            "incident",
            "state=2^assignment_group=a",
            "_assignment_group_state (sys_class_name=? AND assignment_group=? AND state=?)",
        ),
        ("incident", "sys_id=a", "(sys_id=?)"),
        ("incident", "sys_idINa,b", "sys_id=?)"),
        ("incident", "caller_id.name=Ann", "_caller_id (sys_class_name=? AND caller_id=?)"),
        ("incident", "caller_idSTARTSWITHAnn", "_caller_id (sys_class_name=? AND caller_id=?)"),
        ("incident", "caller_id.department.name=Sales", "_caller_id (sys_class_name=? AND caller_id=?)"),
        (
            "incident",
            "sys_updated_on>=2026-01-01^sys_updated_on<2026-01-02",
            "(sys_class_name=? AND sys_updated_on>? AND sys_updated_on<?)",
        ),
        ("task", "number=INC0000001", "_number (sys_class_name=? AND number=?)"),
        ("sys_user", "user_name=ann", "_user_name (user_name=?)"),
        ("sys_user", "department.name=Sales", "_department (department=?)"),
        ("sys_user_grmember", "user=a", "_user (user=?)"),
        ("sys_journal_field", "element_id=a^element=comments^ORelement=work_notes", "_element_id"),
        ("sys_attachment", "table_name=incident^table_sys_id=a", "(table_sys_id=? AND table_name=?)"),
        ("incident", "commentsLIKEagain^number=INC1", "_number (sys_class_name=? AND number=?)"),
    ],
)
def test_a_query_begins_with_an_index(connection, table, query, step):
    for plan in plans(connection, table, query):
        assert step in plan
        assert "SCAN t" not in plan


@pytest.mark.parametrize(
    ("query", "index"),
    [
        ("ORDERBYDESCsys_updated_on", "_sys_updated_on (sys_class_name=?)"),
        ("ORDERBYsys_created_on", "_sys_created_on (sys_class_name=?)"),
        ("sys_created_on>2026-01-01^ORDERBYsys_created_on", "_sys_created_on (sys_class_name=? AND sys_created_on>?)"),
        ("active=true^ORDERBYDESCsys_created_on", "_sys_created_on (sys_class_name=?)"),
        ("ORDERBYnumber", "_number (sys_class_name=?)"),
        ("", "ix_task_sys_class_name (sys_class_name=?)"),
        ("state=2", "_state (sys_class_name=? AND state=?)"),
    ],
)
def test_a_page_in_the_order_of_an_index_is_read_without_sorting(connection, query, index):
    page, _ = plans(connection, "incident", query)
    assert index in page
    assert SORTED not in page


def test_a_list_of_values_is_counted_by_an_index(connection):
    _, count = plans(connection, "incident", "active=true^priorityIN1,2")
    assert "_active_priority (sys_class_name=? AND active=? AND priority=?)" in count


def test_a_count_does_not_join_what_only_orders(connection):
    page, count = plans(connection, "incident", "state=2^ORDERBYassigned_to.department.name")
    assert "t2" in page
    assert "t1" not in count


def test_a_join_begins_with_the_other_table(connection):
    for plan in plans(connection, "sys_user", "JOINsys_user.sys_id=sys_user_has_role.user!role=a", ADMIN):
        assert "_role (role=?)" in plan
        assert "SCAN t" not in plan


def test_the_number_of_records_is_found_in_a_narrow_index(connection):
    _, count = plans(connection, "incident", "")
    assert "COVERING INDEX ix_task_sys_class_name (sys_class_name=?)" in count


@pytest.mark.parametrize(
    "query",
    [
        "",
        "ORDERBYsys_id",
        "ORDERBYDESCsys_updated_on",
        "active=true^ORDERBYDESCsys_updated_on",
        "active=true^priority=1",
        "state=3^ORDERBYDESCsys_created_on",
        "state=7^assignment_group=a",
        "assigned_to=a^ORDERBYDESCsys_updated_on",
        "short_descriptionLIKEpaper^ORDERBYnumber",
    ],
)
@pytest.mark.parametrize(("table", "ways"), [("incident", 3), ("task", 4)])
def test_who_sees_own_tasks_alone_begins_with_those_and_with_no_others(connection, table, ways, query):
    for plan in plans(connection, table, query, NOBODY):
        for own in ("caller_id (sys_class_name=? AND caller_id=?)", "opened_by (sys_class_name=? AND opened_by=?)"):
            assert f"ix_task_sys_class_name_{own}" in plan
        assert "ix_task_watch_list (sys_class_name=? AND watch_list>?)" in plan
        assert plan.count("SEARCH t0") == ways
        assert "SCAN" not in plan


def test_who_sees_own_tasks_alone_finds_a_number_by_its_index(connection):
    for plan in plans(connection, "incident", "number=INC0000001", NOBODY):
        assert plan.count("SEARCH t0") == plan.count("_number (sys_class_name=? AND number=?)")


@pytest.mark.parametrize(
    ("query", "index"),
    [
        ("ORDERBYDESCsys_updated_on", "_sys_updated_on (sys_class_name=?)"),
        ("active=true^ORDERBYDESCsys_created_on", "_sys_created_on (sys_class_name=?)"),
        ("active=true^priority=1", "_active_priority (sys_class_name=? AND active=? AND priority=?)"),
        ("ORDERBYsys_id", "_sys_id (sys_class_name=?)"),
        ("", "ix_task_sys_class_name (sys_class_name=?)"),
    ],
)
@pytest.mark.parametrize(("viewer", "hidden"), [(ITIL, 1), (ADMIN, 0)], ids=["itil", "admin"])
def test_several_classes_are_each_read_in_the_order_of_an_index_and_merged(connection, viewer, hidden, query, index):
    classes = len(CATALOG.dictionary.classes("task")) - hidden
    page, _ = plans(connection, "task", query, viewer)
    merged, chosen = page.split("SCAN found")
    assert merged.count("MERGE (UNION ALL)") == classes - 1
    assert merged.count(index) == classes
    assert SORTED not in merged
    assert "SCAN" not in chosen


def test_a_table_with_a_hidden_class_is_read_like_one_without(connection):
    page, _ = plans(connection, "incident", "active=true^ORDERBYDESCsys_updated_on")
    assert page == "SEARCH t0 USING INDEX ix_task_sys_class_name_sys_updated_on (sys_class_name=?)"


def test_a_class_that_is_named_is_the_only_one_that_is_read(connection):
    for viewer in (ITIL, ADMIN):
        page, _ = plans(connection, "task", "sys_class_name=incident^ORDERBYDESCsys_updated_on", viewer)
        assert page == "SEARCH t0 USING INDEX ix_task_sys_class_name_sys_updated_on (sys_class_name=?)"


@pytest.mark.parametrize("query", ["", "ORDERBYDESCsys_created_on", "sys_created_on>2026-01-01"])
@pytest.mark.parametrize(
    ("table", "index"),
    [
        ("sys_attachment", "ix_sys_attachment_table_sys_id_table_name (table_sys_id=? AND table_name=?)"),
        ("sys_journal_field", "ix_sys_journal_field_element_id_element_sys_created_on (element_id=? AND element=?"),
    ],
)
def test_what_hangs_on_own_tasks_is_found_by_these(connection, table, index, query):
    for plan in plans(connection, table, query, NOBODY):
        assert index in plan
        assert "ix_task_sys_class_name_caller_id (sys_class_name=? AND caller_id=?)" in plan
        assert "SCAN t" not in plan
        assert "CORRELATED" not in plan


@pytest.mark.parametrize(
    ("table", "query"),
    [
        ("sys_attachment", "table_sys_id=a"),
        ("sys_attachment", "sys_idINa,b"),
        ("sys_journal_field", "element_id=a^element=comments"),
    ],
)
def test_what_hangs_on_one_record_is_looked_at_by_itself(connection, table, query):
    for plan in plans(connection, table, query, NOBODY):
        assert "LIST SUBQUERY" not in plan
        assert "sqlite_autoindex_task_1 (sys_id=?)" in plan
        assert "SCAN t" not in plan


def test_the_journals_of_a_worker_need_no_look_at_their_records(connection):
    for plan in plans(connection, "sys_journal_field", "element_id=a^element=comments", ITIL):
        assert "task" not in plan


def test_the_planner_is_told_of_every_index_of_every_table(connection):
    told = {(table, index) for table, index, _ in planner_statistics(CATALOG)}
    names = connection.exec_driver_sql("SELECT tbl_name, name FROM sqlite_schema WHERE type = 'index'")
    there = {tuple(row) for row in names if row[0] != "x_handclasp_connection"}
    assert told == there
