"""One instance: its database, opened when it is first needed, and what its parts share."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, TypeVar

from node.instance.database import InstanceDatabase
from node.instance.filling import fill
from node.instance.people.access import TableAccess
from node.instance.query.scope import Scope
from node.instance.records.writing import Writing
from node.passwords import hashed
from node.store.database import StoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from node.instance.catalog import Catalog
    from node.instance.database import Transaction
    from node.instance.profile import InstanceProfile
    from node.instance.viewer import Viewer
    from node.ports import Clock, Entropy

SYS_ID_BYTES: Final = 16

T = TypeVar("T")


class _UnsealedError(Exception):
    """A unit has met passwords of which there is no hash yet; what it did is undone."""

    def __init__(self, passwords: Sequence[str]) -> None:
        super().__init__()
        self.passwords = passwords


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
        self._sealing = asyncio.Semaphore(1)
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

    def writing(
        self, viewer: Viewer, catalog: Catalog, *, as_shown: bool = False, seal: Callable[[str], str] = hashed
    ) -> Writing:
        """The same for what is written; `as_shown` says that values are given as people see them."""
        return Writing(scope=self.scope(viewer, catalog), new_id=self.new_id, seal=seal, as_shown=as_shown)

    async def write(self, viewer: Viewer, unit: Callable[[Transaction, Writing], T], *, as_shown: bool = False) -> T:
        """The result of a unit that may set passwords. It may be run twice, so all that it does is in the database.

        A hash takes tens of milliseconds, in which nobody else could write. So it is made in another thread, once the
        unit has told which of its values are passwords; what it did with none in their place is undone.

        Raises:
            StoreError, StoreFullError: as `InstanceDatabase.write`.
        """
        database = await self.database()
        sealed: dict[str, str] = {}

        def attempt(tx: Transaction) -> T:
            unsealed: list[str] = []

            def seal(password: str) -> str:
                if password not in sealed:
                    unsealed.append(password)
                return sealed.get(password, "")

            result = unit(tx, self.writing(viewer, tx.catalog, as_shown=as_shown, seal=seal))
            if unsealed:
                raise _UnsealedError(unsealed)
            return result

        while True:
            try:
                return await database.write(attempt)
            except _UnsealedError as met:
                async with self._sealing:
                    for password in met.passwords:
                        sealed[password] = await asyncio.to_thread(hashed, password)

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
