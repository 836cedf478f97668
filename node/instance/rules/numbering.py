"""Records that are called by a number get the next one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select
from sqlalchemy.dialects.sqlite import insert

from node.instance.internal import number_counters

if TYPE_CHECKING:
    from node.instance.records.changes import Change


def number_task(change: Change) -> None:
    """Give a new record its number, unless the client has given one."""
    dictionary = change.tx.catalog.dictionary
    numbering = dictionary.numbering(change.table)
    if not change.is_new or numbering is None or change.new.get("number") is not None:
        return
    counted = number_counters.c
    statement = insert(number_counters).values(prefix=numbering.prefix, last=numbering.first)
    change.tx.connection.execute(
        statement.on_conflict_do_update(index_elements=[counted.prefix], set_={"last": counted.last + 1})
    )
    last = change.tx.connection.execute(select(counted.last).where(counted.prefix == numbering.prefix)).scalar_one()
    change.new["number"] = f"{numbering.prefix}{last:0{numbering.digits}}"
