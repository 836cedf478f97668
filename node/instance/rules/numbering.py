"""Records that are called by a number get the next one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sqlalchemy import bindparam
from sqlalchemy.dialects.sqlite import insert

from node.instance.internal import number_counters
from node.store.prepared import Prepared

if TYPE_CHECKING:
    from node.instance.database import Transaction
    from node.instance.records.changes import Change

_COUNTED: Final = number_counters.c
_COUNT_ON: Final = Prepared(
    insert(number_counters)
    .values(prefix=bindparam("prefix"), last=bindparam("first"))
    .on_conflict_do_update(index_elements=[_COUNTED.prefix], set_={"last": _COUNTED.last + 1})
    .returning(_COUNTED.last)
)


def number_task(change: Change) -> None:
    """Give a new record its number, unless the client has given one."""
    numbering = change.tx.catalog.dictionary.numbering(change.table)
    if not change.is_new or numbering is None or change.new.get("number") is not None:
        return
    change.new["number"] = next_number(change.tx, change.table)


def next_number(tx: Transaction, table: str) -> str:
    """The next number of a table.

    Raises:
        LookupError: its records have no numbers.
    """
    numbering = tx.catalog.dictionary.numbering(table)
    if numbering is None:
        raise LookupError(f"{table} has no numbers")
    last = _COUNT_ON.scalar(tx.connection, {"prefix": numbering.prefix, "first": numbering.first})
    return f"{numbering.prefix}{last:0{numbering.digits}}"
