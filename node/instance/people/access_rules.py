"""The rules of access, as data. What stands in neither table is for admins alone.

They follow what ServiceNow ships with where that is known, and are narrower where it is not:

- whoever has `itil` works on tasks; whoever has not sees what they called about, opened or watch;
- everybody finds people, groups, departments, places and companies, since forms refer to them;
- people, groups and roles are changed by admins alone: whoever could add members to a group could take its roles;
- an attachment and a journal entry are seen by whoever sees their record, an entry if they may read its journal too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from node.instance.viewer import ADMIN_ROLE

if TYPE_CHECKING:
    from collections.abc import Mapping

EVERYBODY: Final[tuple[str, ...]] = ()
"""Every user who has signed in."""

READ_ONLY_ROLE: Final = "snc_read_only"
"""Whoever has it changes nothing, whatever other roles would let them."""

ITIL: Final = ("itil",)

_ME: Final = "javascript:gs.getUserID()"
_OPENED: Final = f"opened_by={_ME}"
_CALLED: Final = f"caller_id={_ME}^NQ{_OPENED}"
_WATCHED: Final = f"{_CALLED}^NQwatch_listLIKE{_ME}"
_STILL_OPEN: Final = f"active=true^caller_id={_ME}^NQactive=true^{_OPENED}"
_OF_ME: Final = f"user={_ME}"

_ASKED_FOR: Final = frozenset(
    {
        "caller_id",
        "category",
        "comments",
        "contact_type",
        "description",
        "impact",
        "location",
        "short_description",
        "subcategory",
        "urgency",
        "watch_list",
    }
)
"""What somebody without `itil` may say of a new incident."""


@dataclass(frozen=True, slots=True)
class Grant:
    """Who may do it: users with one of the roles, to the records that fulfil the encoded query.

    Attributes:
        query: empty: to all records. It names fields that whoever has the roles may read.
        fields: what may be written; None: every field that is not the instance's own.
    """

    roles: tuple[str, ...]
    query: str = ""
    fields: frozenset[str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TableRule:
    """What those who are no admins may do to a table's records; where several grants fit, each counts."""

    read: tuple[Grant, ...] = ()
    create: tuple[Grant, ...] = ()
    write: tuple[Grant, ...] = ()
    delete: tuple[Grant, ...] = ()


_WORKERS: Final = (Grant(ITIL),)
_ALL_READ: Final = TableRule(read=(Grant(EVERYBODY),))
_WORKERS_READ: Final = TableRule(read=_WORKERS)
_PROBLEMS: Final = TableRule(
    read=(*_WORKERS, Grant(("sn_problem_read",))),
    create=_WORKERS,
    write=_WORKERS,
    delete=(Grant(("itil_admin", "problem_admin")),),
)
_CHANGES: Final = TableRule(
    read=(*_WORKERS, Grant(("sn_change_read",)), Grant(EVERYBODY, _OPENED)),
    create=_WORKERS,
    write=_WORKERS,
    delete=(Grant(("itil_admin",)),),
)

TABLE_RULES: Final[Mapping[str, TableRule]] = {
    # work
    "task": TableRule(
        read=(*_WORKERS, Grant(EVERYBODY, _OPENED)),
        create=_WORKERS,
        write=_WORKERS,
        delete=(Grant(("itil_admin",)),),
    ),
    "incident": TableRule(
        read=(*_WORKERS, Grant(("sn_incident_read",)), Grant(EVERYBODY, _WATCHED)),
        create=(*_WORKERS, Grant(EVERYBODY, fields=_ASKED_FOR)),
        write=(*_WORKERS, Grant(EVERYBODY, _STILL_OPEN, frozenset({"comments"}))),
        delete=(Grant(("itil_admin",)),),
    ),
    "problem": _PROBLEMS,
    "problem_task": _PROBLEMS,
    "change_request": _CHANGES,
    "change_task": _CHANGES,
    "std_change_template": _WORKERS_READ,
    "std_change_record_producer": _WORKERS_READ,
    "std_change_producer_version": _WORKERS_READ,
    # what hangs on it
    "sys_attachment": TableRule(  # and may write to what it hangs on: `node.instance.rules.attaching`
        read=(Grant(EVERYBODY),),
        create=(Grant(EVERYBODY),),
        write=(Grant(EVERYBODY, fields=frozenset({"file_name"})),),
        delete=(Grant(EVERYBODY),),
    ),
    "sys_journal_field": _ALL_READ,
    # people
    "sys_user": TableRule(
        read=(Grant(EVERYBODY),),
        write=(Grant(EVERYBODY, f"sys_id={_ME}", frozenset({"time_zone"})),),
    ),
    "sys_user_group": _ALL_READ,
    "sys_user_grmember": TableRule(read=(*_WORKERS, Grant(EVERYBODY, _OF_ME))),
    "sys_user_role": _WORKERS_READ,
    "sys_user_has_role": TableRule(read=(Grant(EVERYBODY, _OF_ME),)),
    # where and what
    "cmn_department": _ALL_READ,
    "cmn_location": _ALL_READ,
    "core_company": _ALL_READ,
    "sys_choice": _ALL_READ,
    "cmdb_ci": TableRule(
        read=(Grant(("itil", "asset")),), create=(Grant(("itil", "asset")),), write=(Grant(("itil", "asset")),)
    ),
    "alm_asset": TableRule(
        read=(Grant(("itil", "asset")),),
        create=(Grant(("asset",)),),
        write=(Grant(("asset",)),),
        delete=(Grant(("asset",)),),
    ),
    # the dictionary
    "sys_db_object": TableRule(read=(Grant(("personalize_dictionary",)),)),
    "sys_dictionary": TableRule(read=(Grant(("personalize_dictionary",)),)),
}
"""By table; one that extends another has its rule unless it has one of its own. Custom tables have none of these."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hanging:
    """By which of its fields a record tells what it hangs on.

    Attributes:
        table: has the class of that record. The sys_id alone says too little: who makes a record chooses its sys_id,
            and could choose that of a record in another table.
        record: has its sys_id.
        element: has the name of the field that it is a part of; none: it is a part of none.
    """

    table: str
    record: str
    element: str | None = None


HANGING: Final[Mapping[str, Hanging]] = {
    "sys_attachment": Hanging(table="table_name", record="table_sys_id"),
    "sys_journal_field": Hanging(table="name", record="element_id", element="element"),
}
"""Tables of what hangs on records: who is no admin reads there, of what the rule lets through, what hangs on a record
that they read."""

_OF_CONTACT: Final = (
    "email",
    "phone",
    "mobile_phone",
    "home_phone",
    "street",
    "city",
    "state",
    "zip",
    "country",
    "gender",
    "employee_number",
)
_OF_SIGNING_IN: Final = (
    "failed_attempts",
    "internal_integration_user",
    "last_login",
    "last_login_time",
    "locked_out",
    "password_needs_reset",
    "roles",
    "source",
    "web_service_access_only",
)

FIELD_RULES: Final[Mapping[tuple[str, str], tuple[str, ...]]] = {
    ("task", "work_notes"): ITIL,
    ("task", "work_notes_list"): ITIL,
    ("task", "comments_and_work_notes"): ITIL,
    **{("sys_user", name): ITIL for name in _OF_CONTACT},
    **{("sys_user", name): (ADMIN_ROLE,) for name in _OF_SIGNING_IN},
}
"""Who may read a field, beyond reading the record; the table is the one that first has the field."""
