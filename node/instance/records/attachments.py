"""Attachments: files that hang on records, their bytes kept in pieces."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import insert, select, update

from node.instance.errors import InvalidTableError, NoRecordError
from node.instance.internal import attachment_contents
from node.instance.people.access import Operation
from node.instance.records.loading import load_record
from node.instance.records.writing import insert_record

if TYPE_CHECKING:
    from node.instance.database import Transaction
    from node.instance.query.scope import Scope
    from node.instance.records.writing import Writing

TABLE: Final = "sys_attachment"

PIECE_BYTES: Final = 256 * 1024
"""How much of a file is read, held and sent at a time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewFile:
    """A file to be attached.

    Attributes:
        table, record: what it is attached to.
    """

    table: str
    record: str
    name: str
    content_type: str
    content: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFile:
    """A file that is there and may be read, without its bytes.

    Attributes:
        piece_count: how many pieces hold it.
    """

    sys_id: str
    name: str
    content_type: str
    size_bytes: int
    piece_count: int


def attach(tx: Transaction, writing: Writing, file: NewFile) -> str:
    """Attach a file to a record; the attachment's sys_id.

    Raises:
        NoRecordError: there is no such record for the viewer.
        AccessError, BadRequestError, AbortedError: the viewer may not attach to it.
    """
    values = {
        "file_name": file.name,
        "content_type": file.content_type,
        "table_name": file.table,
        "table_sys_id": file.record,
    }
    sys_id = insert_record(tx, writing, TABLE, values)
    pieces = [file.content[at : at + PIECE_BYTES] for at in range(0, len(file.content), PIECE_BYTES)]
    if pieces:
        rows = [{"attachment": sys_id, "position": position, "content": piece} for position, piece in enumerate(pieces)]
        tx.connection.execute(insert(attachment_contents), rows)
    physical = tx.catalog.physical(TABLE)
    told = told_of(file.content)
    tx.connection.execute(update(physical).where(physical.c.sys_id == sys_id).values(**told))
    return sys_id


def told_of(content: bytes) -> dict[str, Any]:
    """What the record of an attachment says of its bytes."""
    return {
        "size_bytes": len(content),
        "hash": hashlib.sha256(content).hexdigest(),
        "compressed": 0,
        "chunk_size_bytes": PIECE_BYTES,
        "state": "available",
    }


def find_file(tx: Transaction, scope: Scope, sys_id: str) -> StoredFile:
    """A file whose record the viewer may read.

    Raises:
        NoRecordError: there is none.
    """
    row = load_record(tx, scope, TABLE, sys_id, Operation.READ, "Read")
    try:
        load_record(tx, scope, str(row["table_name"]), str(row["table_sys_id"]), Operation.READ, "Read")
    except InvalidTableError as error:
        raise NoRecordError from error
    at = attachment_contents.c
    positions = tx.connection.execute(select(at.position).where(at.attachment == row["sys_id"])).fetchall()
    return StoredFile(
        sys_id=str(row["sys_id"]),
        name=str(row["file_name"] or "attachment"),
        content_type=str(row["content_type"] or ""),
        size_bytes=int(row["size_bytes"] or 0),
        piece_count=len(positions),
    )


def read_piece(tx: Transaction, sys_id: str, position: int) -> bytes:
    """One piece of a file that the viewer may read, as `find_file` has found.

    Raises:
        NoRecordError: it has been removed since.
    """
    at = attachment_contents.c
    statement = select(at.content).where(at.attachment == sys_id, at.position == position)
    found: bytes | None = tx.connection.execute(statement).scalar()
    if found is None:
        raise NoRecordError
    return found
