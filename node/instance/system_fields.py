"""What the instance itself writes into every record that it makes."""

from __future__ import annotations

from typing import Final

SYSTEM_USER: Final = "system"
"""Who makes what no user makes."""


def system_fields(sys_id: str, *, at: str, by: str = SYSTEM_USER) -> dict[str, str | int]:
    """The system's fields of a new record; `at` is its instant as it is stored."""
    return {
        "sys_id": sys_id,
        "sys_created_on": at,
        "sys_created_by": by,
        "sys_updated_on": at,
        "sys_updated_by": by,
        "sys_mod_count": 0,
    }
