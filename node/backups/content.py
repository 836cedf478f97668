"""What a database holds, as one number."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

from protocol.packing import pack

if TYPE_CHECKING:
    import sqlite3

_DEFINITIONS = "SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY type, name"


def content_digest(link: sqlite3.Connection, *, but: str) -> bytes:
    """SHA-256 over each definition and each value of a database, but for the rows of one table.

    It speaks of the content, not of pages and free space. Text is taken as its bytes, so that damaged text can be read,
    too, and is told from a blob of the same bytes. Whether indexes agree with their tables is not looked at: that is
    what `PRAGMA integrity_check` is for.

    Raises:
        sqlite3.Error, UnicodeDecodeError: the database is too damaged to be read.
    """
    digest, text_factory = sha256(), link.text_factory
    link.text_factory = _as_text
    try:
        definitions = link.execute(_DEFINITIONS).fetchall()
        for definition in definitions:
            digest.update(pack(definition))
        for (kind,), (name,), *_ in definitions:
            table = name.decode()
            if kind == b"table" and table != but:
                quoted = table.replace('"', '""')
                for row in link.execute(f'SELECT * FROM "{quoted}" NOT INDEXED'):  # noqa: S608 - in the order of its key
                    digest.update(pack(row))
    finally:
        link.text_factory = text_factory
    return digest.digest()


def _as_text(raw: bytes) -> list[bytes]:
    return [raw]
