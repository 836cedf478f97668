"""An attachment for download: never shown by the browser as a page of this console, whatever it says it is."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import quote

from aiohttp import web
from sqlalchemy import bindparam, select

from node.console.records.cells import value_of
from node.console.records.listing import BOTH
from node.instance.errors import NoRecordError
from node.instance.internal import attachment_contents
from node.instance.records.reading import read_record

if TYPE_CHECKING:
    from collections.abc import Mapping

    from node.instance.database import InstanceDatabase, Transaction
    from node.instance.query.scope import Scope

_PIECES = attachment_contents.c
_NEXT = (
    select(_PIECES.position, _PIECES.content)
    .where(_PIECES.attachment == bindparam("wanted"), _PIECES.position > bindparam("after"))
    .order_by(_PIECES.position)
    .limit(1)
)


def name_of(tx: Transaction, scope: Scope, *, table: str, sys_id: str, attachment: str) -> str:
    """The file name of an attachment of a record that the viewer may read.

    Raises:
        InstanceError: there is none.
    """
    read_record(tx, scope, table, sys_id, ("sys_id",), BOTH)
    found = read_record(tx, scope, "sys_attachment", attachment, ("file_name", "table_sys_id"), BOTH)
    if value_of(found, "table_sys_id") != sys_id:
        raise NoRecordError
    return value_of(found, "file_name")


async def send(
    request: web.Request, database: InstanceDatabase, attachment: str, *, file_name: str, headers: Mapping[str, str]
) -> web.StreamResponse:
    """Send its bytes, piece by piece, so that no large one is held whole."""
    answer = web.StreamResponse(
        headers={
            **headers,
            "Cache-Control": "no-store",
            "Content-Disposition": f"attachment; filename*=UTF-8''{quote(file_name, safe='')}",
            "Content-Type": "application/octet-stream",
            "X-Content-Type-Options": "nosniff",
        }
    )
    await answer.prepare(request)
    after = -1
    while (piece := await database.read(partial(_piece, attachment=attachment, after=after))) is not None:
        after, content = piece
        await answer.write(content)
    await answer.write_eof()
    return answer


def _piece(tx: Transaction, *, attachment: str, after: int) -> tuple[int, bytes] | None:
    row = tx.connection.execute(_NEXT, {"wanted": attachment, "after": after}).first()
    return (row.position, row.content) if row is not None else None
