"""What a new instance begins with: its first admin, and the roles that its rules speak of.

The identities of the admin and of the role `admin` are those by which every ServiceNow instance knows them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from node.instance.describing import SHIPPED_ON, identity_of
from node.instance.system_fields import system_fields

if TYPE_CHECKING:
    from collections.abc import Mapping

ADMIN: Final = "6816f79cc0a8016401c5a33be04be441"
ADMIN_ROLE_ID: Final = "2831a114c611228501d4ea6c309d626d"
ADMIN_HAS_ROLE: Final = identity_of("sys_user_has_role", "admin", "admin")

ROLES: Final[Mapping[str, str]] = {
    "admin": "Everything",
    "itil": "Works on incidents, problems and changes",
    "itil_admin": "Runs the service desk: may delete what it works on",
    "problem_admin": "Runs problem management",
    "problem_manager": "Manages problems",
    "change_manager": "Manages changes",
    "user_admin": "Known from ServiceNow; here admins alone change people",
    "asset": "Keeps assets and configuration items",
    "personalize_choices": "Changes choices",
    "personalize_dictionary": "Reads which tables and fields there are",
    "sn_incident_read": "Reads incidents, and works on none",
    "sn_problem_read": "Reads problems, and works on none",
    "sn_change_read": "Reads changes, and works on none",
    "snc_read_only": "Reads, and changes nothing",
    "approver_user": "Approves what was requested",
    "import_transformer": "Loads data by import sets",
}
"""What each role is for, by name."""


def role_id(name: str) -> str:
    """The sys_id of a shipped role."""
    return ADMIN_ROLE_ID if name == "admin" else identity_of("sys_user_role", name)


FIRST_RECORDS: Final[tuple[tuple[str, Mapping[str, object]], ...]] = (
    *(
        (
            "sys_user_role",
            {
                **system_fields(role_id(name), at=SHIPPED_ON),
                "sys_class_name": "sys_user_role",
                "sys_name": name,
                "name": name,
                "description": purpose,
                "elevated_privilege": 0,
                "grantable": 1,
                "can_delegate": 1,
            },
        )
        for name, purpose in ROLES.items()
    ),
    (
        "sys_user",
        {
            **system_fields(ADMIN, at=SHIPPED_ON),
            "user_name": "admin",
            "first_name": "System",
            "last_name": "Administrator",
            "name": "System Administrator",
            "email": "admin@example.com",
            "active": 1,
            "locked_out": 0,
        },
    ),
    (
        "sys_user_has_role",
        {
            **system_fields(ADMIN_HAS_ROLE, at=SHIPPED_ON),
            "user": ADMIN,
            "role": ADMIN_ROLE_ID,
            "inherited": 0,
            "state": "active",
        },
    ),
)
"""(table, stored record)"""
