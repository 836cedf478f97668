"""What each role may do with each table, by the shipped rules."""

from __future__ import annotations

import re

import pytest

from node.instance.base_tables import BASE_TABLES
from node.instance.dictionary import Dictionary, Field, Table
from node.instance.first_records import ROLES as NEW_ROLES
from node.instance.people.access import ALL, NONE, Operation, Rows, TableAccess
from node.instance.people.access_rules import FIELD_RULES, READ_ONLY_ROLE, TABLE_RULES
from node.instance.viewer import Viewer

ME = "javascript:gs.getUserID()"
OWN_INCIDENTS = f"caller_id={ME}^NQopened_by={ME}^NQwatch_listLIKE{ME}"
OWN_OPEN_INCIDENTS = f"active=true^caller_id={ME}^NQactive=true^opened_by={ME}"

TABLES = Dictionary(
    (
        *BASE_TABLES,
        Table(name="sys_anything", label="Anything", fields=(Field(name="name", label="Name"),)),
        Table(name="u_car", label="Car", is_custom=True),
        Table(name="u_visit", label="Visit", extends="task", is_custom=True),
    )
)
ACCESS = TableAccess(TABLES)


def somebody(*roles: str) -> Viewer:
    """A user with those roles."""
    return Viewer(sys_id="5" * 32, user_name="somebody", name="Some Body", roles=frozenset(roles))


READ = {
    "sys_user": ("*",),
    "cmn_location": ("*",),
    "incident": ("itil", "sn_incident_read"),
    "problem": ("itil", "sn_problem_read"),
    "cmdb_ci": ("itil", "asset"),
    "cmdb_ci_computer": ("itil", "asset"),
    "u_car": ("u_car_user",),
    "u_visit": ("u_visit_user",),
    "sys_anything": (),
    "syslog": (),
    "sys_script": (),
    "sys_metadata": (),
    "sys_user_has_role": (),
    "sys_group_has_role": (),
    "x_handclasp_connection": (),
}
ROLES = ("none", "itil", "asset", "sn_incident_read", "sn_problem_read", "u_car_user", "u_visit_user", "user_admin")


@pytest.mark.parametrize("role", ROLES)
def test_all_records_of_a_table_are_there_for_the_roles_that_the_rules_name_and_for_nobody_else(role: str) -> None:
    for table, readers in READ.items():
        is_there = "*" in readers or role in readers
        assert ACCESS.rows(somebody(role), table).is_all is is_there, table


def test_an_admin_reads_every_record() -> None:
    assert {table.name for table in TABLES.tables if not ACCESS.rows(somebody("admin"), table.name).is_all} == set()


def test_without_itil_incidents_are_those_that_one_called_about_opened_or_watches() -> None:
    assert ACCESS.rows(somebody(), "incident") == Rows({"incident": OWN_INCIDENTS})


def test_a_table_of_several_classes_shows_of_each_class_what_that_class_shows() -> None:
    opened = f"opened_by={ME}"
    own = {"task": opened, "incident": OWN_INCIDENTS, "change_request": opened, "change_task": opened}
    assert ACCESS.rows(somebody(), "task") == Rows(own)
    assert ACCESS.rows(somebody("sn_problem_read"), "task") == Rows({**own, "problem": "", "problem_task": ""})
    assert ACCESS.rows(somebody("itil"), "task") == Rows(dict.fromkeys((*own, "problem", "problem_task"), ""))
    assert ACCESS.rows(somebody("itil", "u_visit_user"), "task") == ALL


def test_a_table_that_no_rule_names_is_for_admins_alone() -> None:
    assert [ACCESS.may(somebody("itil", "user_admin"), "sys_anything", one) for one in Operation] == [False] * 4
    assert [ACCESS.may(somebody("admin"), "sys_anything", one) for one in Operation] == [True] * 4
    assert not ACCESS.may_read_field(somebody("itil"), "sys_anything", "name")


def test_a_table_that_is_not_there_has_no_records_and_no_fields() -> None:
    assert ACCESS.rows(somebody("admin"), "nothing") == NONE
    assert not ACCESS.may_read_field(somebody("admin"), "nothing", "name")
    assert not ACCESS.may_write_field(somebody("admin"), "nothing", "name")


def test_what_the_instance_alone_writes_no_admin_writes() -> None:
    admin = somebody("admin")
    assert [ACCESS.may(admin, "x_handclasp_connection", one) for one in Operation] == [True, False, False, False]
    assert not ACCESS.may_write_field(admin, "incident", "sys_mod_count", Operation.CREATE)


@pytest.mark.parametrize("role", ["admin", "itil"])
def test_whoever_has_the_role_that_only_reads_changes_nothing(role: str) -> None:
    viewer = somebody(role, "snc_read_only")
    assert ACCESS.rows(viewer, "incident").is_all
    assert [ACCESS.may(viewer, "incident", one) for one in Operation] == [True, False, False, False]
    assert not ACCESS.may_write_field(viewer, "incident", "short_description")


def test_nobody_reads_a_password_and_an_admin_sets_it() -> None:
    assert not ACCESS.may_read_field(somebody("admin"), "sys_user", "user_password")
    assert ACCESS.may_write_field(somebody("admin"), "sys_user", "user_password")
    assert not ACCESS.may_write_field(somebody(), "sys_user", "user_password")


def test_how_people_are_reached_is_for_those_who_work_on_their_tasks() -> None:
    assert [ACCESS.may_read_field(somebody(), "sys_user", name) for name in ("title", "email")] == [True, False]
    assert [ACCESS.may_read_field(somebody("itil"), "sys_user", name) for name in ("title", "email")] == [True, True]


@pytest.mark.parametrize("table", ["task", "incident", "problem"])
def test_a_rule_of_a_field_holds_in_every_table_that_inherits_it(table: str) -> None:
    assert not ACCESS.may_read_field(somebody("sn_problem_read", "sn_incident_read"), table, "work_notes")
    assert ACCESS.may_read_field(somebody("itil"), table, "work_notes")


def test_a_user_changes_only_their_own_open_incidents_and_only_by_comments() -> None:
    me = somebody()
    assert ACCESS.rows(me, "incident", Operation.WRITE) == Rows({"incident": OWN_OPEN_INCIDENTS})
    assert ACCESS.may_write_field(me, "incident", "comments")
    assert not ACCESS.may_write_field(me, "incident", "short_description")
    assert ACCESS.may_write_field(me, "incident", "short_description", Operation.CREATE)
    assert not ACCESS.may_write_field(me, "incident", "assigned_to", Operation.CREATE)
    assert not ACCESS.may(me, "incident", Operation.DELETE)


def test_a_user_changes_of_people_only_their_own_time_zone() -> None:
    assert ACCESS.rows(somebody("itil"), "sys_user", Operation.WRITE) == Rows({"sys_user": f"sys_id={ME}"})
    assert ACCESS.may_write_field(somebody("itil"), "sys_user", "time_zone")
    assert not ACCESS.may_write_field(somebody("itil"), "sys_user", "title")
    assert not ACCESS.may(somebody("itil"), "sys_user", Operation.CREATE)


@pytest.mark.parametrize("role", [role for role in ROLES if role != "admin"])
def test_no_role_but_admin_gives_roles_or_makes_people(role: str) -> None:
    writes = (Operation.CREATE, Operation.WRITE, Operation.DELETE)
    assert [ACCESS.may(somebody(role), "sys_user_has_role", one) for one in writes] == [False] * 3
    assert not ACCESS.may(somebody(role), "sys_user", Operation.CREATE)


def test_a_role_that_opens_a_field_of_a_table_is_no_way_into_the_table() -> None:
    assert not ACCESS.may_read_field(somebody("itil"), "u_visit", "work_notes")


def test_every_rule_names_a_table_and_fields_that_are_there() -> None:
    shipped = Dictionary(BASE_TABLES)
    for table, field in FIELD_RULES:
        assert field in {one.name for one in shipped[table].fields}, (table, field)
        assert all(field not in {one.name for one in shipped[above].fields} for above in shipped.ancestry(table)[1:])
    for table, rule in TABLE_RULES.items():
        for grant in (*rule.read, *rule.create, *rule.write, *rule.delete):
            assert (grant.fields or set()) <= set(shipped.fields(table)), table


def test_every_role_of_a_rule_is_there_in_a_new_instance() -> None:
    granted = [one for rule in TABLE_RULES.values() for one in (*rule.read, *rule.create, *rule.write, *rule.delete)]
    named = {role for roles in (*(one.roles for one in granted), *FIELD_RULES.values()) for role in roles}
    assert named | {READ_ONLY_ROLE} <= NEW_ROLES.keys()


@pytest.mark.parametrize("operation", Operation)
def test_a_rule_asks_of_a_record_only_what_its_viewer_may_read(operation: Operation) -> None:
    """A condition on a field that is not there for the viewer is left out, so the rule would open more."""
    for table, rule in TABLE_RULES.items():
        for grant in getattr(rule, operation.value):
            viewer = somebody(*grant.roles[:1])
            for condition in filter(None, re.split(r"\^NQ|\^", grant.query)):
                joined = re.fullmatch(rf"JOIN{table}\.(\w+)=(\w+)\.(\w+)!(\w+)ISNOTEMPTY", condition)
                if joined is not None:
                    own, other, key, asked = joined.groups()
                    named = [(table, own), (other, key), (other, asked)]
                else:
                    named = [(table, re.match("[a-z_]+", condition)[0])]  # type: ignore[index] # each begins with a field
                assert all(ACCESS.may_read_field(viewer, *one) for one in named), condition
