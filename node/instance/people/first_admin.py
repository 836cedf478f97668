"""The user `admin` and the node's password file: two places for one password, kept in step.

A hash in the database's notes says what both were when they last agreed. So it is known which of them has changed: a
file that was deleted and made anew wins, and whoever holds it is let in again; else the record wins, and the file
follows it as soon as it is written, by whomever.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from sqlalchemy import bindparam, select, update
from sqlalchemy.dialects.sqlite import insert

from node.console.login import ADMIN_NAME
from node.instance.describing import identity_of
from node.instance.first_records import ADMIN, ADMIN_ROLE_ID, FIRST_RECORDS
from node.instance.internal import notes
from node.instance.people.keeping import end_tokens
from node.logs import get_logger
from node.private_files import DataDirectoryError

if TYPE_CHECKING:
    from node.console.login import Login
    from node.instance.database import InstanceDatabase, Transaction
    from node.instance.people.persons import Opened

_NOTE: Final = "admin_password"
_USERS: Final = "sys_user"
_SAY: Final = insert(notes).values(name=_NOTE, value=bindparam("kept"))
_SAY_NOW: Final = _SAY.on_conflict_do_update(index_elements=[notes.c.name], set_={"value": _SAY.excluded.value})

_log = get_logger(__name__)


class FirstAdmin:
    """The user `admin` of one instance.

    Attributes:
        login: the password file; none: nobody is let in by a file.
    """

    def __init__(self, opened: Opened, login: Login | None) -> None:
        self._opened = opened
        self.login = login
        self._lock = asyncio.Lock()
        self._is_there = False
        self._following: asyncio.Task[None] | None = None
        self._may_have_changed = False

    async def database(self) -> InstanceDatabase:
        """The open database, in which `admin` has the password that counts.

        Raises:
            StoreError: it can't be opened.
        """
        database = await self._opened()
        if not self._is_there:
            await self._bring_together(database)
        return database

    async def _bring_together(self, database: InstanceDatabase) -> None:
        async with self._lock:
            if self.login is not None and not self._is_there:
                await _let_in_if_new(database, self.login)
                await _follow(database, self.login)
                database.written.append(self._noticed)
            self._is_there = True

    async def follow(self) -> None:
        """Let the file hold what counts by now; one that can't be written follows at the next start."""
        database = await self.database()
        async with self._lock:
            if self.login is not None:
                await _follow(database, self.login)

    async def close(self) -> None:
        """Let the file follow what has been written; call it before the database is closed."""
        if self._following is not None:
            await self._following

    def _noticed(self, roots: frozenset[str]) -> None:
        """Somebody's record was written, perhaps by a client: the file must not go on telling a password of before."""
        if _USERS in roots:
            self._may_have_changed = True
            if self._following is None:
                self._following = asyncio.create_task(self._follow_what_was_noticed())

    async def _follow_what_was_noticed(self) -> None:
        try:
            while self._may_have_changed:
                self._may_have_changed = False
                await self.follow()
        except Exception as error:  # noqa: BLE001 - nobody waits for it; the next start follows
            _log.warning("password_file_not_written", reason=str(error))
        finally:
            self._following = None


async def _let_in_if_new(database: InstanceDatabase, login: Login) -> None:
    _, agreed = await database.read(_passwords)
    if await asyncio.to_thread(login.is_in_step_with, agreed):
        return
    kept = await asyncio.to_thread(login.hash)
    await database.write(lambda tx: _let_in(tx, kept))
    _log.info("first_admin_let_in", user=ADMIN_NAME)


async def _follow(database: InstanceDatabase, login: Login) -> None:
    kept, agreed = await database.read(_passwords)
    if kept is None or kept == agreed:
        return
    try:
        await asyncio.to_thread(login.follow, kept)
    except DataDirectoryError as error:
        _log.warning("password_file_not_written", reason=str(error))
        return
    await database.write(lambda tx: _agree(tx, kept))


def _passwords(tx: Transaction) -> tuple[str | None, str | None]:
    """What is kept of the password of `admin`, and what it was when file and record last agreed."""
    users = tx.catalog.physical("sys_user")
    user_id = _admin(tx)
    kept = tx.connection.execute(select(users.c.user_password).where(users.c.sys_id == user_id)).scalar()
    return kept, tx.connection.execute(select(notes.c.value).where(notes.c.name == _NOTE)).scalar()


def _admin(tx: Transaction) -> str | None:
    users = tx.catalog.physical("sys_user")
    named = select(users.c.sys_id).where(users.c.user_name == ADMIN_NAME).order_by(users.c.sys_id).limit(1)
    found: str | None = tx.connection.execute(named).scalar()
    return found


def _let_in(tx: Transaction, kept: str) -> None:
    """Make `admin` a user who may sign in by that password and has the role, whatever has become of them."""
    user_id = _admin(tx) or ADMIN
    users, has_role = tx.catalog.physical("sys_user"), tx.catalog.physical("sys_user_has_role")
    for table, record in FIRST_RECORDS:
        if record["sys_id"] in {user_id, ADMIN_ROLE_ID}:
            tx.connection.execute(insert(tx.catalog.physical(table)).values(**record).on_conflict_do_nothing())
    admitted = {"user_name": ADMIN_NAME, "user_password": kept, "active": 1, "locked_out": 0}
    tx.connection.execute(update(users).where(users.c.sys_id == user_id).values(**admitted, web_service_access_only=0))
    held = select(has_role.c.sys_id).where(has_role.c.user == user_id, has_role.c.role == ADMIN_ROLE_ID)
    if tx.connection.execute(held).first() is None:
        given = {"user": user_id, "role": ADMIN_ROLE_ID, "inherited": 0, "state": "active", "sys_mod_count": 0}
        sys_id = identity_of("sys_user_has_role", user_id, ADMIN_NAME)
        tx.connection.execute(insert(has_role).values(sys_id=sys_id, **given).on_conflict_do_nothing())
    end_tokens(tx, user_id)
    tx.touched |= {"sys_user", "sys_user_has_role", "sys_metadata"}
    _agree(tx, kept)


def _agree(tx: Transaction, kept: str) -> None:
    tx.connection.execute(_SAY_NOW, {"kept": kept})
