"""The Import Set API: rows for a staging table, transformed at once (`/api/now/import/…`)."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

import msgspec

from node.instance.records.importing import (
    Imported,
    check_import_set,
    finish_set,
    import_row,
    load_rows,
    read_row,
    transform_row,
)
from node.instance.records.representing import display_path, names_of
from node.instance.rest.bodies import record_of, records_of
from node.instance.rest.calls import Answer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from node.instance.database import Transaction
    from node.instance.instance import Instance
    from node.instance.records.importing import Loaded, Outcome, Row
    from node.instance.records.writing import Writing
    from node.instance.rest.calls import Call

ROWS_MAX: Final = 200
"""Of one call, as ServiceNow advises: while they are taken in, nobody else can write."""

ROWS_AT_ONCE: Final = 20


class ImportSetApi:
    """The handlers."""

    def __init__(self, instance: Instance) -> None:
        self._instance = instance

    async def create(self, call: Call, staging: str) -> Answer:
        """Take a row in."""
        values = record_of(call)

        def unit(tx: Transaction, writing: Writing) -> dict[str, Any]:
            return self._told(tx, call, staging, import_row(tx, writing, staging, values))

        return Answer(status=201, body=msgspec.json.encode(await self._instance.write(call.viewer, unit)))

    async def insert_multiple(self, call: Call, staging: str) -> Answer:
        """Take many rows in, and transform them before the answer, some at a time: others write in between."""
        given = records_of(call, ROWS_MAX)
        multi_set_id, run_after = (
            str(call.parameters.getall(name, [""])[-1]) for name in ("multi_import_set_id", "run_after")
        )

        def load(tx: Transaction) -> Loaded:
            writing = self._writing(call, tx)
            if run_after:  # that one was transformed before it was answered
                check_import_set(tx, writing, "sys_import_set", run_after)
            return load_rows(tx, writing, staging, given, multi_set_id)

        def transform(tx: Transaction, writing: Writing, rows: Sequence[Row]) -> None:
            for row in rows:
                transform_row(tx, writing, staging, row)

        database = await self._instance.database()
        loaded = await database.write(load)
        for at in range(0, len(loaded.rows), ROWS_AT_ONCE):
            await self._instance.write(call.viewer, partial(transform, rows=loaded.rows[at : at + ROWS_AT_ONCE]))
        await database.write(lambda tx: finish_set(tx, loaded.set_id))
        told = {"import_set_id": loaded.set_id, "multi_import_set_id": loaded.multi_set_id}
        return Answer(status=201, body=msgspec.json.encode(told))

    async def get(self, call: Call, staging: str, sys_id: str) -> Answer:
        """What became of a row."""

        def unit(tx: Transaction) -> dict[str, Any]:
            return self._told(tx, call, staging, read_row(tx, self._writing(call, tx), staging, sys_id))

        return Answer(status=200, body=msgspec.json.encode(await (await self._instance.database()).read(unit)))

    def _writing(self, call: Call, tx: Transaction) -> Any:
        return self._instance.writing(call.viewer, tx.catalog)

    def _told(self, tx: Transaction, call: Call, staging: str, imported: Imported) -> dict[str, Any]:
        return {
            "import_set": imported.import_set,
            "staging_table": staging,
            "result": [self._outcome(tx, call, one) for one in imported.outcomes],
        }

    def _outcome(self, tx: Transaction, call: Call, one: Outcome) -> dict[str, str]:
        told = {"transform_map": one.map_name, "table": one.table, "status": one.state}
        if one.state == "error":
            return {**told, "error_message": one.comment}
        scope = self._instance.scope(call.viewer, tx.catalog)
        return {
            **told,
            "display_name": display_path(tx.catalog.dictionary, one.table),
            "display_value": names_of(tx, scope, one.table, [one.sys_id]).get(one.sys_id, ""),
            "record_link": f"{call.base_url}/api/now/table/{one.table}/{one.sys_id}",
            "sys_id": one.sys_id,
        }
