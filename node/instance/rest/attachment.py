"""The Attachment API: files by HTTP (`/api/now/attachment/…`)."""

from __future__ import annotations

import json
import re
from functools import partial
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from node.instance.errors import BadRequestError
from node.instance.records.attachments import TABLE, NewFile, attach, find_file, read_piece
from node.instance.records.reading import Listing, read_record
from node.instance.records.representing import Style
from node.instance.records.writing import delete_record, update_record
from node.instance.rest import parameters
from node.instance.rest.bodies import record_of
from node.instance.rest.calls import Answer, result
from node.instance.rest.listing import listed
from node.instance.rest.multipart import file_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from node.instance.database import InstanceDatabase, Transaction
    from node.instance.instance import Instance
    from node.instance.records.attachments import StoredFile
    from node.instance.records.representing import Shown
    from node.instance.rest.calls import Call

LIMIT: Final = 1_000
"""How many attachments a list shows unless it is told otherwise, as ServiceNow documents."""

ANY_TYPE: Final = "application/octet-stream"

_TYPE: Final = re.compile(r"[A-Za-z0-9!#$&^_.+-]{1,100}/[A-Za-z0-9!#$&^_.+-]{1,100}(; ?[a-z]+=[A-Za-z0-9_-]{1,40})?")


class AttachmentApi:
    """The handlers."""

    def __init__(self, instance: Instance) -> None:
        self._instance = instance

    async def list_(self, call: Call) -> Answer:
        """What there is of attachments, without their bytes."""
        limit = min(parameters.count(call, "limit", LIMIT), LIMIT * 10)
        offset = parameters.count(call, "offset", 0)

        def asked(tx: Transaction) -> Listing:
            query = parameters.query(call, tx.catalog.dictionary, TABLE)
            return Listing(table=TABLE, query=query, limit=limit, offset=offset)

        return await listed(self._instance, call, asked, _style(call), told=partial(_told, call))

    async def get(self, call: Call, sys_id: str) -> Answer:
        """What there is of one attachment, without its bytes."""
        return result(await (await self._instance.database()).read(lambda tx: self._read(tx, call, sys_id)))

    async def file(self, call: Call, sys_id: str) -> Answer:
        """Its bytes, in a form that no browser runs."""
        database = await self._instance.database()

        def unit(tx: Transaction) -> tuple[StoredFile, dict[str, Shown]]:
            file = find_file(tx, self._instance.scope(call.viewer, tx.catalog), sys_id)
            return file, self._read(tx, call, sys_id)

        file, told = await database.read(unit)
        return Answer(
            status=200,
            headers={
                "Content-Disposition": f"attachment; filename*=UTF-8''{quote(file.name, safe='')}",
                "Content-Security-Policy": "default-src 'none'; sandbox",
                "X-Attachment-Metadata": json.dumps(told),
                "X-Content-Type-Options": "nosniff",
            },
            content_type=file.content_type if _TYPE.fullmatch(file.content_type) else ANY_TYPE,
            pieces=_pieces(database, file),
            pieces_bytes=file.size_bytes,
        )

    async def create(self, call: Call) -> Answer:
        """Attach the body to a record."""
        missing = [name for name in ("table_name", "table_sys_id", "file_name") if not _given(call, name)]
        if missing:
            raise BadRequestError("Missing mandatory parameter", f"The URL says nothing of {', '.join(missing)}.")
        if "content-type" not in call.headers:
            raise BadRequestError("Missing mandatory header", "Content-Type says what kind of file it is.")
        _refuse_what_is_not_modelled(call)
        file = NewFile(
            table=_given(call, "table_name"),
            record=_given(call, "table_sys_id"),
            name=_given(call, "file_name"),
            content_type=call.headers["content-type"],
            content=call.body,
        )
        return await self._attach(call, file)

    async def upload(self, call: Call) -> Answer:
        """Attach the file of a form to a record."""
        form = await file_of(call)
        missing = [name for name in ("table_name", "table_sys_id") if not form.fields.get(name)]
        if missing:
            raise BadRequestError(
                "Missing mandatory parameter", f"The form says nothing of {', '.join(missing)} before its file."
            )
        file = NewFile(
            table=form.fields["table_name"],
            record=form.fields["table_sys_id"],
            name=form.file_name,
            content_type=form.content_type or ANY_TYPE,
            content=form.content,
        )
        return await self._attach(call, file)

    async def rename(self, call: Call, sys_id: str) -> Answer:
        """Give an attachment another name."""
        name = record_of(call).get("file_name", "")
        await (await self._instance.database()).write(
            lambda tx: update_record(
                tx, self._instance.writing(call.viewer, tx.catalog), TABLE, sys_id, {"file_name": name}
            )
        )
        return Answer(status=204, content_type=None)

    async def delete(self, call: Call, sys_id: str) -> Answer:
        """Remove an attachment."""
        await (await self._instance.database()).write(
            lambda tx: delete_record(tx, self._instance.writing(call.viewer, tx.catalog), TABLE, sys_id)
        )
        return Answer(status=204, content_type=None)

    async def _attach(self, call: Call, file: NewFile) -> Answer:
        def unit(tx: Transaction) -> tuple[str, dict[str, Shown]]:
            sys_id = attach(tx, self._instance.writing(call.viewer, tx.catalog), file)
            return sys_id, self._read(tx, call, sys_id)

        sys_id, told = await (await self._instance.database()).write(unit)
        version = f"{call.version}/" if call.version else ""
        location = f"{call.base_url}/api/now/{version}attachment/{sys_id}/file"
        return result(told, status=201, headers={"Location": location})

    def _read(self, tx: Transaction, call: Call, sys_id: str) -> dict[str, Shown]:
        scope = self._instance.scope(call.viewer, tx.catalog)
        return _told(call, read_record(tx, scope, TABLE, sys_id, None, _style(call)))


def _style(call: Call) -> Style:
    return Style(base_url=call.base_url, has_links=False)


def _told(call: Call, record: dict[str, Shown]) -> dict[str, Shown]:
    return {**record, "download_link": f"{call.base_url}/api/now/attachment/{record['sys_id']}/file"}


def _given(call: Call, name: str) -> str:
    values = call.parameters.getall(name, [])
    return str(values[-1]) if values else ""


def _refuse_what_is_not_modelled(call: Call) -> None:
    for name in ("creation_time", "encryption_context"):
        if _given(call, name):
            raise BadRequestError(f"Invalid parameter {name}", f"This instance does not have {name}; leave it out.")


async def _pieces(database: InstanceDatabase, file: StoredFile) -> AsyncIterator[bytes]:
    """Piece by piece: a slow client holds one of them, and no transaction."""
    for position in range(file.piece_count):
        yield await database.read(partial(read_piece, sys_id=file.sys_id, position=position))
