"""Rows of the physical tables, apart from what records mean."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import insert

from node.store.prepared import Prepared

if TYPE_CHECKING:
    from collections.abc import Mapping

    from node.instance.database import Transaction
    from node.instance.values import Stored


def insert_row(tx: Transaction, table: str, values: Mapping[str, Stored]) -> None:
    """Add a row to the physical table that holds the records of a table; NULL is what has no value.

    Raises:
        sqlite3.IntegrityError: its sys_id is taken.
    """
    physical = tx.catalog.physical(table)
    statement, nothing = tx.catalog.planned(
        ("insert", physical.name), lambda: (Prepared(insert(physical)), dict.fromkeys(physical.c.keys()))
    )
    statement.run(tx.connection, {**nothing, **values})
