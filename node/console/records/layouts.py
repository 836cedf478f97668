"""Which fields of a table people look at first: the columns of its list, and what stands at the top of its form."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from node.instance.dictionary import SYSTEM_FIELDS, Kind

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from node.instance.dictionary import Dictionary

COLUMNS: Final[Mapping[str, str]] = {
    "task": "number sys_class_name short_description priority state assigned_to sys_updated_on",
    "incident": "number short_description caller_id priority state assignment_group assigned_to sys_updated_on",
    "problem": "number short_description priority state assignment_group assigned_to sys_updated_on",
    "change_request": "number short_description type risk state assignment_group start_date sys_updated_on",
    "sys_user": "user_name name email title department active sys_updated_on",
    "sys_user_group": "name description manager email active",
    "sys_user_grmember": "user group sys_created_on",
    "sys_user_has_role": "user role inherited sys_created_on",
    "sys_group_has_role": "group role inherits sys_created_on",
    "sys_user_role": "name description elevated_privilege sys_updated_on",
    "sys_user_role_contains": "role contains",
    "cmn_department": "name id dept_head company",
    "cmn_location": "name street city country time_zone",
    "core_company": "name city country website customer vendor",
    "cmdb_ci": "name sys_class_name install_status operational_status assigned_to company",
    "alm_asset": "display_name asset_tag install_status assigned_to cost",
    "sys_attachment": "file_name content_type size_bytes table_name table_sys_id sys_created_by sys_created_on",
    "sys_journal_field": "sys_created_on name element element_id value sys_created_by",
    "sys_metadata": "sys_name sys_class_name sys_updated_on",
    "sys_db_object": "name label super_class sys_updated_on",
    "sys_dictionary": "name element column_label internal_type reference max_length mandatory",
    "sys_script": "name collection when active action_insert action_update action_delete abort_action order",
    "sys_choice": "name element value label sequence language",
    "syslog": "sys_created_on level source message",
    "x_handclasp_connection": "name role status mode partner_name sys_created_on sys_updated_on",
}
"""Those of the nearest table above count for one that is not listed."""

FORMS: Final[Mapping[str, str]] = {
    "task": "number state priority assigned_to assignment_group short_description description",
    "incident": "number state caller_id hold_reason category subcategory impact urgency priority assignment_group "
    "assigned_to parent_incident problem_id cmdb_ci short_description description close_code close_notes",
    "problem": "number state category impact urgency priority assignment_group assigned_to cmdb_ci "
    "short_description description workaround cause_notes fix_notes",
    "change_request": "number type state risk category priority requested_by assignment_group assigned_to cmdb_ci "
    "start_date end_date short_description description justification close_code close_notes",
    "sys_user": "user_name user_password first_name last_name email active title department manager company location "
    "time_zone locked_out",
}
"""What a table has beside the columns of its list comes after these, in the dictionary's order."""

NAMES_OF_RECORDS: Final = ("number", "name", "user_name", "email", "short_description", "file_name", "message", "label")
"""Fields that the quick search looks into, where a table has them, beside the one by which its records are called."""

SYSTEM_NAMES: Final = frozenset(field.name for field in SYSTEM_FIELDS)

_GENERIC_COLUMNS: Final = 6


def columns_of(dictionary: Dictionary, table: str) -> tuple[str, ...]:
    """The columns of a list for which nobody has chosen others."""
    listed = _listed(COLUMNS, dictionary, table)
    if listed:
        return listed
    own = [
        field.name
        for field in dictionary.fields(table).values()
        if field.name not in SYSTEM_NAMES and field.kind not in {Kind.JOURNAL, Kind.SECRET}
    ]
    return (*own[:_GENERIC_COLUMNS], "sys_updated_on")


def first_fields_of(dictionary: Dictionary, table: str) -> tuple[str, ...]:
    """What stands at the top of the form."""
    listed = _listed(FORMS, dictionary, table) or columns_of(dictionary, table)
    return tuple(name for name in listed if name not in SYSTEM_NAMES)


def searched_fields(dictionary: Dictionary, table: str) -> tuple[str, ...]:
    """The fields that the quick search looks into."""
    fields = dictionary.fields(table)
    names = (dictionary.display_field(table).name, *NAMES_OF_RECORDS)
    return tuple(dict.fromkeys(name for name in names if name in fields))


def _listed(data: Mapping[str, str], dictionary: Dictionary, table: str) -> tuple[str, ...]:
    names: Sequence[str] = next((data[above].split() for above in dictionary.ancestry(table) if above in data), ())
    return tuple(name for name in names if name in dictionary.fields(table))
