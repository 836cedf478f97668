"""The tries to reach a partner that reached nobody, as an admin's console shows them while it is looked at."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from node.cli.failures import EXIT_REFUSED, CommandError
from node.demo.seen import Attempt

if TYPE_CHECKING:
    from collections.abc import Callable

    from node.demo.admins import DemoAdmin
    from node.ports import Clock

LOOK_S: Final = 0.02
TRIES_S_MAX: Final = 30.0
"""How long some tries may take; three take 2 s on average."""


class Tries:
    """Looks at one connection of an admin, again and again.

    Attributes:
        view: the connection as it was at the last look.
    """

    def __init__(self, admin: DemoAdmin, sys_id: str, *, partner: str, clock: Clock) -> None:
        """Name the parts; nothing is looked at yet."""
        self.view: dict[str, Any] = {}
        self._admin = admin
        self._sys_id = sys_id
        self._partner = partner
        self._clock = clock
        self._count = 0
        self._looked_at = clock.now()

    async def look(self) -> list[Attempt]:
        """The tries that are new since the last look."""
        self.view = (await asyncio.to_thread(self._admin.connection, self._sys_id))["connection"]
        waiting = self.view["waiting"]
        count = waiting["tries"] if waiting else 0
        found = [
            Attempt(
                at_s=self._looked_at,
                sender=self._admin.side,
                recipient=self._partner,
                number=number,
                cause=waiting["cause"],
                next_at_s=_unix(waiting["next_at"]) if number == count else None,
            )
            for number in range(self._count + 1, count + 1)
        ]
        self._count = count
        self._looked_at = self._clock.now()
        return found

    async def until(self, count: int, tell: Callable[[Attempt], None]) -> None:
        """Look, and tell each try, until so many in a row have reached nobody and the next one is waited for.

        Raises:
            CommandError: there were not so many in time.
        """
        try:
            async with asyncio.timeout(TRIES_S_MAX):
                while True:
                    for one in await self.look():
                        tell(one)
                    waiting = self.view["waiting"]
                    if waiting and waiting["tries"] >= count and waiting["next_at"]:
                        return
                    await asyncio.sleep(LOOK_S)
        except TimeoutError:
            raise CommandError(
                f"{self._admin.name} should have seen {count} tries within {TRIES_S_MAX:.0f} s.", exit_code=EXIT_REFUSED
            ) from None

    async def go_on(self, tell: Callable[[Attempt], None]) -> None:
        """Look, and tell each try, until cancelled."""
        while True:
            for one in await self.look():
                tell(one)
            await asyncio.sleep(LOOK_S)


def _unix(instant: str | None) -> float | None:
    return datetime.fromisoformat(instant).timestamp() if instant else None
