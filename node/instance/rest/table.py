"""The Table API: records by HTTP (`/api/now/table/…`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from node.instance.errors import InstanceError
from node.instance.records.reading import Listing, read_record
from node.instance.records.writing import delete_record, insert_record, update_record
from node.instance.rest import parameters
from node.instance.rest.bodies import record_of
from node.instance.rest.calls import Answer, result
from node.instance.rest.listing import listed

if TYPE_CHECKING:
    from node.instance.database import Transaction
    from node.instance.instance import Instance
    from node.instance.records.representing import Shown
    from node.instance.records.writing import Writing
    from node.instance.rest.calls import Call


class TableApi:
    """The handlers."""

    def __init__(self, instance: Instance) -> None:
        self._instance = instance

    async def list_(self, call: Call, table: str) -> Answer:
        """A page of records."""
        limit, offset = parameters.limit(call), parameters.count(call, "offset", 0)
        is_counted = not parameters.is_on(call, "no_count")
        fields = parameters.fields(call)

        def asked(tx: Transaction) -> Listing:
            return Listing(
                table=table,
                query=parameters.query(call, tx.catalog.dictionary, table),
                fields=fields,
                limit=limit,
                offset=offset,
                is_counted=is_counted,
            )

        return await listed(self._instance, call, asked, parameters.style(call), refuses_none=call.version == "v1")

    async def get(self, call: Call, table: str, sys_id: str) -> Answer:
        """One record."""
        database = await self._instance.database()
        return result(await database.read(self._read(call, table, sys_id)))

    async def create(self, call: Call, table: str) -> Answer:
        """Make a record."""
        as_shown = parameters.is_on(call, "input_display_value")
        values = record_of(call, as_shown=as_shown)
        written_id = ""

        def unit(tx: Transaction, writing: Writing) -> dict[str, Shown]:
            nonlocal written_id
            written_id = insert_record(tx, writing, table, values)
            return self._read_or_none(tx, call, table, written_id)

        record = await self._instance.write(call.viewer, unit, as_shown=as_shown)
        location = f"{call.base_url}/api/now/{call.version + '/' if call.version else ''}table/{table}/{written_id}"
        return result(record, status=201, headers={"Location": location})

    async def update(self, call: Call, table: str, sys_id: str) -> Answer:
        """Change a record."""
        as_shown = parameters.is_on(call, "input_display_value")
        values = record_of(call, as_shown=as_shown)

        def unit(tx: Transaction, writing: Writing) -> dict[str, Shown]:
            update_record(tx, writing, table, sys_id, values)
            return self._read_or_none(tx, call, table, sys_id)

        return result(await self._instance.write(call.viewer, unit, as_shown=as_shown))

    async def delete(self, call: Call, table: str, sys_id: str) -> Answer:
        """Remove a record."""
        database = await self._instance.database()
        await database.write(
            lambda tx: delete_record(tx, self._instance.writing(call.viewer, tx.catalog), table, sys_id)
        )
        return Answer(status=204, content_type=None)

    def _read(self, call: Call, table: str, sys_id: str) -> Reading:
        fields, style = parameters.fields(call), parameters.style(call)
        return lambda tx: read_record(tx, self._instance.scope(call.viewer, tx.catalog), table, sys_id, fields, style)

    def _read_or_none(self, tx: Transaction, call: Call, table: str, sys_id: str) -> dict[str, Shown]:
        """A record as its writer may see it; empty if it is not there for whoever has just written it."""
        try:
            return self._read(call, table, sys_id)(tx)
        except InstanceError as error:
            if error.status == 404:  # noqa: PLR2004 - no record for this viewer
                return {}
            raise


if TYPE_CHECKING:
    from collections.abc import Callable

    Reading = Callable[[Transaction], dict[str, Shown]]
