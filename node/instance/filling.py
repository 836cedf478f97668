"""A new instance is given a demo company, once."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import func, select
from sqlalchemy.dialects.sqlite import insert

from node.instance.catalog import CLASS
from node.instance.internal import attachment_contents, notes
from node.instance.values import stored

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from node.instance.database import Transaction
    from node.instance.demo_data import DemoAttachment

_NOTE: Final = "demo data"
"""The note that says which company is in, by its seed."""


def company_in(tx: Transaction) -> int | None:
    """The seed of the company that is in the database; none if none is."""
    found = tx.connection.execute(select(notes.c.value).where(notes.c.name == _NOTE)).scalar()
    return int(found) if found is not None else None


def fill(tx: Transaction, seed: int, now: datetime) -> bool:
    """Put the company of that seed in, unless one is in already; whether it was put in. A unit of about a second.

    What an instance begins with, its admin above all, keeps what the company does not say: the password.

    Raises:
        ValueError: `now` has no time zone.
    """
    if company_in(tx) is not None:
        return False
    from node.instance.demo_data import attachments, company  # noqa: PLC0415 - few instances want one

    by_table: dict[str, list[dict[str, str]]] = {}
    for table, record in company(seed, now):
        by_table.setdefault(table, []).append(record)
    for table, records in by_table.items():
        add(tx, table, records)
    _attach(tx, list(attachments(seed, now)))
    tx.connection.execute(insert(notes).values(name=_NOTE, value=str(seed)))
    return True


def add(tx: Transaction, table: str, records: Sequence[Mapping[str, str]]) -> None:
    """Add records of one table, with the defaults of fields that they leave out; wire values.

    A record that is there already gets the fields that are given.

    Raises:
        ValueRefusedError: a value is none of its field's type.
    """
    fields = tx.catalog.dictionary.fields(table)
    physical = tx.catalog.physical(table)
    defaults = {name: field.default for name, field in fields.items() if field.default and name in physical.c}
    if CLASS in physical.c:
        defaults[CLASS] = table
    names = sorted({name for record in records for name in record} | defaults.keys())
    whole: list[dict[str, Any]] = [
        {name: stored(fields[name], record.get(name) or defaults.get(name, "")) for name in names} for record in records
    ]
    statement = insert(physical)
    kept = {name: func.coalesce(statement.excluded[name], physical.c[name]) for name in names if name != "sys_id"}
    tx.connection.execute(statement.on_conflict_do_update(index_elements=[physical.c.sys_id], set_=kept), whole)
    tx.touched.add(physical.name)


def _attach(tx: Transaction, found: Iterable[DemoAttachment]) -> None:
    add(tx, "sys_attachment", [_attachment(one) for one in found])
    tx.connection.execute(
        insert(attachment_contents),
        [{"attachment": one.sys_id, "position": 0, "content": one.content} for one in found],
    )


def _attachment(one: DemoAttachment) -> dict[str, str]:
    return {
        "sys_id": one.sys_id,
        "table_name": one.table_name,
        "table_sys_id": one.table_sys_id,
        "file_name": one.file_name,
        "content_type": one.content_type,
        "size_bytes": str(len(one.content)),
        "size_compressed": str(len(one.content)),
        "compressed": "false",
        "hash": hashlib.sha256(one.content).hexdigest(),
        "state": "available",
        "sys_created_on": one.created_on,
        "sys_created_by": one.created_by,
        "sys_updated_on": one.created_on,
        "sys_updated_by": one.created_by,
        "sys_mod_count": "0",
    }
