"""What lets somebody be a user ends with what it was given for: the password, or that the user may sign in at all.

Sessions of the console end by themselves, since each knows the password that it began with (`node.console.sessions`),
and the mark of when its user was last put out.
API keys stay: they are no user's password, and whoever made one can remove it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from node.instance.people.keeping import end_tokens
from node.instance.people.persons import end_sign_ins

if TYPE_CHECKING:
    from node.instance.records.changes import Change


def end_sign_ins_of_user(change: Change) -> None:
    """End the OAuth tokens of a user who gets another password, is switched off, locked out or removed.

    The sessions of one who is out end too, or who is from now on for programs alone.
    """
    if change.table != "sys_user" or change.is_new:
        return
    old, new = change.old, change.new
    is_out = (old["active"] and not new.get("active")) or (new.get("locked_out") and not old["locked_out"])
    if is_out or (new.get("web_service_access_only") and not old["web_service_access_only"]):
        end_sign_ins(change.tx, change.sys_id, change.new_id())
    if change.is_removal or is_out or change.has_changed("user_password"):
        end_tokens(change.tx, change.sys_id)
