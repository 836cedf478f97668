"""What an instance does by itself when a record is made or changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from node.instance.rules.attaching import guard_attachment
from node.instance.rules.naming import name_user
from node.instance.rules.numbering import number_task

if TYPE_CHECKING:
    from collections.abc import Callable

    from node.instance.records.changes import Change

BEFORE: Final[tuple[Callable[[Change], None], ...]] = (guard_attachment, number_task, name_user)
"""In this order, before a record is written; each may change what will be written, or raise."""

AFTER: Final[tuple[Callable[[Change], None], ...]] = ()
"""In this order, once it is written, in the same transaction."""
