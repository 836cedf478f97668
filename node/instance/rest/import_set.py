"""The Import Set API: a row for a staging table, transformed at once (`/api/now/import/…`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from node.instance.records.importing import Imported, import_row, read_row
from node.instance.records.representing import display_path, names_of
from node.instance.rest.bodies import record_of
from node.instance.rest.calls import Answer

if TYPE_CHECKING:
    from node.instance.database import Transaction
    from node.instance.instance import Instance
    from node.instance.records.importing import Outcome
    from node.instance.rest.calls import Call


class ImportSetApi:
    """The handlers."""

    def __init__(self, instance: Instance) -> None:
        self._instance = instance

    async def create(self, call: Call, staging: str) -> Answer:
        """Take a row in."""
        values = record_of(call)

        def unit(tx: Transaction) -> dict[str, Any]:
            return self._told(tx, call, staging, import_row(tx, self._writing(call, tx), staging, values))

        return Answer(status=201, body=msgspec.json.encode(await (await self._instance.database()).write(unit)))

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
