"""A new instance is given a demo company, once."""

from __future__ import annotations

import hashlib
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import insert, select

from node.instance.dictionary import CLASS_FIELD, Kind
from node.instance.internal import attachment_contents, notes
from node.instance.values import stored, written

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from node.instance.database import Transaction

_NOTE: Final = "demo data"


def fill(tx: Transaction, seed: int, now: datetime) -> None:
    """Put the demo company of a seed in, unless some company is there already; one unit of work of about a second."""
    if tx.connection.execute(select(notes.c.value).where(notes.c.name == _NOTE)).first() is not None:
        return
    from node.instance.demo_data.company import attachments, company  # noqa: PLC0415 - few instances want one

    for table, records in groupby(company(seed, now), key=lambda one: one[0]):
        put(tx, table, (record for _, record in records), at=written(now))
    for one in attachments(seed, now):
        record = {
            "sys_id": one.sys_id,
            "table_name": one.table_name,
            "table_sys_id": one.table_sys_id,
            "file_name": one.file_name,
            "content_type": one.content_type,
            "size_bytes": str(len(one.content)),
            "hash": hashlib.sha256(one.content).hexdigest(),
            "state": "available",
            "sys_created_on": one.created_on,
            "sys_created_by": one.created_by,
        }
        put(tx, "sys_attachment", [record], at=one.created_on)
        content = {"attachment": one.sys_id, "position": 0, "content": one.content}
        tx.connection.execute(insert(attachment_contents), content)
    tx.connection.execute(insert(notes), {"name": _NOTE, "value": str(seed)})


def put(tx: Transaction, table: str, records: Iterable[Mapping[str, str]], *, at: str) -> None:
    """Store records as they are told, with no rule and for no viewer; those that are there already are replaced.

    Raises:
        KeyError: a field is not of the table.
        ValueRefusedError: a value is none of its field's type.
    """
    fields = tx.catalog.dictionary.fields(table)
    columns = {name: field for name, field in fields.items() if field.kind is not Kind.JOURNAL}
    defaults: dict[str, Any] = {name: stored(field, field.default) for name, field in columns.items()}
    defaults |= {"sys_created_on": at, "sys_created_by": "system", "sys_updated_by": "system", "sys_updated_on": None}
    if CLASS_FIELD.name in columns:
        defaults[CLASS_FIELD.name] = table
    rows = []
    for record in records:
        row = {**defaults, **{name: stored(columns[name], text) for name, text in record.items()}}
        row["sys_updated_on"] = row["sys_updated_on"] or row["sys_created_on"]
        rows.append(row)
    if rows:
        tx.connection.execute(insert(tx.catalog.physical(table)).prefix_with("OR REPLACE"), rows)
        tx.touched.add(tx.catalog.dictionary.root(table))
