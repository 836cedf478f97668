"""When users last signed in, and how often that has failed since: `last_login_time`, `last_login`, `failed_attempts`.

It is written after the answer, of all users of the moment in one unit, and as no change of their records: neither who
waits for an answer nor what is remembered of people is concerned, and how long an answer takes tells nobody whether
there is such a user. A client that shows its password with each request signs in once a day.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Final

from sqlalchemy import bindparam, column, func, table, update

from node.instance.values import DAY_FORMAT, written
from node.logs import get_logger

if TYPE_CHECKING:
    from collections.abc import Mapping

    from node.instance.database import Transaction
    from node.instance.people.persons import Opened
    from node.ports import Clock

_USER: Final = table(
    "sys_user", *(column(name) for name in ("sys_id", "last_login_time", "last_login", "failed_attempts"))
)
_OF_USER: Final = update(_USER).where(_USER.c.sys_id == bindparam("of_user"))
_SUCCEEDED: Final = _OF_USER.values(
    last_login_time=bindparam("at"), last_login=bindparam("day"), failed_attempts=bindparam("failures")
)
_FAILED: Final = _OF_USER.values(failed_attempts=func.coalesce(_USER.c.failed_attempts, 0) + bindparam("failures"))

_log = get_logger(__name__)


@dataclass(slots=True)
class _Noted:
    """What is to be written of one user."""

    at: datetime | None = None
    failures: int = 0


class SignIns:
    """The sign-ins of one instance."""

    def __init__(self, opened: Opened, *, clock: Clock) -> None:
        self._opened = opened
        self._clock = clock
        self._noted: dict[str, _Noted] = {}
        self._writing: asyncio.Task[None] | None = None
        self._day = date.min
        self._been_here: set[str] = set()
        """Who has signed in today and not failed since."""

    def succeeded(self, user_id: str, *, with_each_request: bool = False) -> None:
        """A user has shown the password; `with_each_request`: as a client does that knows no session."""
        now = datetime.fromtimestamp(self._clock.now(), UTC)
        if now.date() != self._day:
            self._day, self._been_here = now.date(), set()
        if with_each_request and user_id in self._been_here:
            return
        self._been_here.add(user_id)
        self._note(user_id, _Noted(at=now))

    def failed(self, user_id: str) -> None:
        """Somebody tried to be that user."""
        self._been_here.discard(user_id)
        noted = self._noted.get(user_id, _Noted())
        self._note(user_id, _Noted(at=noted.at, failures=noted.failures + 1))

    async def settle(self) -> None:
        """Write what is noted; call it before the database is closed."""
        if self._writing is not None:
            await self._writing

    def _note(self, user_id: str, noted: _Noted) -> None:
        self._noted[user_id] = noted
        if self._writing is None:
            self._writing = asyncio.create_task(self._write())

    async def _write(self) -> None:
        try:
            database = await self._opened()
            while self._noted:
                noted, self._noted = self._noted, {}
                await database.write(lambda tx: _write(tx, noted))  # noqa: B023 - awaited before the next
        except Exception as error:  # noqa: BLE001 - whoever signed in is in: a full disk must not keep anybody out
            _log.warning("sign_ins_not_noted", reason=str(error))
        finally:
            self._writing = None


def _write(tx: Transaction, noted: Mapping[str, _Noted]) -> None:
    for user_id, one in noted.items():
        values: dict[str, object] = {"of_user": user_id, "failures": one.failures}
        if one.at is None:
            tx.connection.execute(_FAILED, values)
        else:
            values |= {"at": written(one.at), "day": one.at.strftime(DAY_FORMAT)}
            tx.connection.execute(_SUCCEEDED, values)
