"""Lists: a page of records as an answer, written while it is read, in the reader's thread."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import msgspec

from node.instance.errors import NoRecordError
from node.instance.records.reading import list_in_parts
from node.instance.rest import parameters
from node.instance.rest.calls import Answer, Call, written
from node.instance.rest.held import Body

if TYPE_CHECKING:
    from collections.abc import Callable

    from node.instance.database import Transaction
    from node.instance.instance import Instance
    from node.instance.records.reading import Listing
    from node.instance.records.representing import Shown, Style

    Record = dict[str, Shown]


async def listed(
    instance: Instance,
    call: Call,
    asked: Callable[[Transaction], Listing],
    style: Style,
    *,
    told: Callable[[Record], Record] | None = None,
    refuses_none: bool = False,
) -> Answer:
    """A page of the records that are `asked` for, with its total and where the other pages are.

    Of each record is `told` what that makes of it. `refuses_none` says that a page without records is an error.

    Raises:
        NoRecordError: there are none.
        InstanceError: the page can't be read, or would be too large.
    """

    def unit(tx: Transaction) -> tuple[Listing, int | None, Body, bool]:
        listing = asked(tx)
        total, parts = list_in_parts(tx, instance.scope(call.viewer, tx.catalog), listing, style)
        body = Body(call.room, call.answer_bytes_max)
        is_empty = True
        try:
            body.write(b'{"result":[')
            with closing(parts):
                for records in parts:
                    shown = msgspec.json.encode(records if told is None else [told(one) for one in records])
                    body.write(shown[1:-1] if is_empty else b"," + shown[1:-1])
                    is_empty = False
            body.write(b"]}")
        except BaseException:
            body.discard()
            raise
        return listing, total, body, is_empty

    listing, total, body, is_empty = await call.room.read(await instance.database(), unit)
    if is_empty and listing.limit and refuses_none:
        raise NoRecordError
    headers: dict[str, str] = {}
    if total is not None:
        headers["X-Total-Count"] = str(total)
        if not parameters.is_on(call, "suppress_pagination_header") and (
            links := parameters.links(call, total, listing.limit)
        ):
            headers["Link"] = links
    return written(body, headers)
