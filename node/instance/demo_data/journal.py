"""What people write one below the other on a record."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from node.instance.demo_data.drawing import instant, sys_id

if TYPE_CHECKING:
    from collections.abc import Iterable

    from node.instance.demo_data.people import Person
    from node.instance.demo_data.record import Record


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One entry; `is_comment`: the caller sees it."""

    at_s: float
    by: Person
    text: str
    is_comment: bool = False


def journal_records(seed: int, table: str, element_id: str, entries: Iterable[Entry]) -> Iterable[Record]:
    """The entries of one record."""
    for position, entry in enumerate(entries):
        yield (
            "sys_journal_field",
            {
                "sys_id": sys_id(seed, "journal", element_id, position),
                "name": table,
                "element": "comments" if entry.is_comment else "work_notes",
                "element_id": element_id,
                "value": entry.text,
                "sys_created_on": instant(entry.at_s),
                "sys_created_by": entry.by.user_name,
            },
        )
