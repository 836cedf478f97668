"""One instance: its database, opened when it is first needed, and what its parts share."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from node.instance.people.access import TableAccess
from node.instance.query.scope import Scope
from node.instance.records.writing import Writing

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from node.instance.catalog import Catalog
    from node.instance.database import InstanceDatabase
    from node.instance.viewer import Viewer
    from node.ports import Clock, Entropy

SYS_ID_BYTES: Final = 16


class Instance:
    """The ServiceNow-style system of one node.

    Attributes:
        clock, entropy: the node's.
    """

    def __init__(
        self,
        path: Path,
        *,
        node_database: Path | None,
        clock: Clock,
        entropy: Entropy,
        seal: Callable[[str], str],
        fill: Callable[[InstanceDatabase, datetime], None] = lambda _database, _now: None,
    ) -> None:
        """Say where it is; nothing is opened yet.

        Args:
            path: the file of its database.
            node_database: the file of the node's own one, for the table of connections.
            clock: what time it is.
            entropy: where sys_ids come from.
            seal: the hash of a password, which is stored in its place.
            fill: puts demo data into a new database, called in a thread once it is open.
        """
        self.clock = clock
        self.entropy = entropy
        self._path = path
        self._node_database = node_database
        self._seal = seal
        self._fill = fill
        self._opening = asyncio.Lock()
        self._database: InstanceDatabase | None = None
        self._is_closed = False
        self._access: tuple[Catalog, TableAccess] | None = None

    async def database(self) -> InstanceDatabase:
        """The open database; the first call opens it, which takes some tenths of a second in a thread.

        Raises:
            StoreError: it can't be used.
        """
        if self._database is None:
            async with self._opening:
                if self._database is None:
                    self._database = await asyncio.to_thread(self._open)
        return self._database

    async def close(self) -> None:
        """Finish what was begun."""
        async with self._opening:
            if self._database is not None:
                await self._database.close()

    def scope(self, viewer: Viewer, catalog: Catalog) -> Scope:
        """What queries of a viewer mean at this moment."""
        if self._access is None or self._access[0] is not catalog:
            self._access = (catalog, TableAccess(catalog.dictionary))
        now = datetime.fromtimestamp(self.clock.now(), UTC)
        return Scope(catalog=catalog, viewer=viewer, access=self._access[1], now=now)

    def writing(self, viewer: Viewer, catalog: Catalog) -> Writing:
        """The same for what is written."""
        return Writing(scope=self.scope(viewer, catalog), new_id=self.new_id, seal=self._seal)

    def new_id(self) -> str:
        """A sys_id that nothing has."""
        return self.entropy.token(SYS_ID_BYTES).hex()

    def _open(self) -> InstanceDatabase:
        from node.instance.database import InstanceDatabase  # noqa: PLC0415 - a start need not wait for it

        return InstanceDatabase(self._path, node_database=self._node_database)
