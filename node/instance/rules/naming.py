"""Users are called by their first and last name."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from node.instance.records.changes import Change


def name_user(change: Change) -> None:
    """Put a user's full name together, which clients can't write."""
    if change.table == "sys_user" and not change.is_removal:
        parts = [str(change.new[part]) for part in ("first_name", "middle_name", "last_name") if change.new.get(part)]
        change.new["name"] = " ".join(parts) or change.new.get("user_name")
