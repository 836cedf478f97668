"""One instance: its database, opened when it is first needed, and what its parts share."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from node.instance.database import InstanceDatabase
from node.instance.filling import fill
from node.instance.people.access import TableAccess
from node.instance.query.scope import Scope
from node.instance.records.writing import Writing
from node.passwords import hashed
from node.store.database import StoreError

if TYPE_CHECKING:
    from pathlib import Path

    from node.instance.catalog import Catalog
    from node.instance.profile import InstanceProfile
    from node.instance.viewer import Viewer
    from node.ports import Clock, Entropy

SYS_ID_BYTES: Final = 16


class Instance:
    """The ServiceNow-style system of one node.

    Attributes:
        clock, entropy: the node's.
    """

    def __init__(self, profile: InstanceProfile, *, clock: Clock, entropy: Entropy) -> None:
        """Say where it is; nothing is opened yet."""
        self.clock = clock
        self.entropy = entropy
        self._profile = profile
        self._opening = asyncio.Lock()
        self._database: InstanceDatabase | None = None
        self._is_closed = False
        self._access: tuple[Catalog, TableAccess] | None = None

    @property
    def folder(self) -> Path:
        """Where its database is."""
        return self._profile.path.parent

    async def database(self) -> InstanceDatabase:
        """The open database; the first call opens it, which takes some tenths of a second in a thread.

        Raises:
            StoreError: it can't be used, or was closed.
        """
        if self._database is None:
            async with self._opening:
                if self._is_closed:
                    raise StoreError("The instance was closed.")
                if self._database is None:
                    self._database = await self._opened()
        return self._database

    async def close(self) -> None:
        """Finish what was begun; an instance that nobody has opened is not opened any more."""
        async with self._opening:
            self._is_closed = True
            if self._database is not None:
                await self._database.close()

    def scope(self, viewer: Viewer, catalog: Catalog) -> Scope:
        """What queries of a viewer mean at this moment."""
        known = self._access  # looked at once: threads with other catalogs may replace it at any moment
        if known is None or known[0] is not catalog:
            known = self._access = (catalog, TableAccess(catalog.dictionary))
        now = datetime.fromtimestamp(self.clock.now(), UTC)
        return Scope(catalog=catalog, viewer=viewer, access=known[1], now=now)

    def writing(self, viewer: Viewer, catalog: Catalog, *, as_shown: bool = False) -> Writing:
        """The same for what is written; `as_shown` says that values are given as people see them."""
        return Writing(scope=self.scope(viewer, catalog), new_id=self.new_id, seal=hashed, as_shown=as_shown)

    def new_id(self) -> str:
        """A sys_id that nothing has."""
        return self.entropy.token(SYS_ID_BYTES).hex()

    async def _opened(self) -> InstanceDatabase:
        profile = self._profile
        database = await asyncio.to_thread(InstanceDatabase, profile.path, node_database=profile.node_database)
        if (seed := profile.demo_seed) is not None:
            now = datetime.fromtimestamp(self.clock.now(), UTC)
            await database.write(lambda tx: fill(tx, seed, now))
        return database
