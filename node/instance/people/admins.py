"""The console's admins: the instance's users who have the role `admin`."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sqlalchemy import update

from node.instance.people.keeping import end_tokens
from node.instance.people.persons import person_in
from node.instance.values import written
from node.passwords import hashed

if TYPE_CHECKING:
    from node.instance.database import Transaction
    from node.instance.people.authentication import Authentication
    from node.instance.people.first_admin import FirstAdmin
    from node.instance.people.persons import Person
    from node.instance.viewer import Viewer
    from node.ports import Clock


class Admins:
    """Who may use the console of one node."""

    def __init__(self, authentication: Authentication, first: FirstAdmin, *, clock: Clock) -> None:
        self._clock = clock
        self._authentication = authentication
        self._first = first

    @property
    def first_password(self) -> str | None:
        """The first-run password of `admin`, until another is chosen."""
        return self._first.login.first_password if self._first.login is not None else None

    async def signed_in(self, name: str, password: str, *, network: str) -> Person | None:
        """The admin with that name and password; none if there is no such one.

        Raises:
            TooManyTriesError: it can't be said now.
            StoreError: the instance can't be opened.
        """
        person = await self._authentication.signed_in(name, password, network=network)
        return person if person is not None and person.is_console_admin else None

    async def admin(self, user_id: str, password_mark: bytes) -> Viewer | None:
        """That user, while they are an admin and have the password that they had then.

        Raises:
            StoreError: the instance can't be opened.
        """
        person = await self._authentication.people.of_id(user_id)
        if person is None or not person.is_console_admin or person.password_mark != password_mark:
            return None
        return person.viewer

    async def password_mark_of(self, admin: Viewer) -> bytes | None:
        """The mark of the password that an admin has now; none if that user is gone."""
        person = await self._authentication.people.of_id(admin.sys_id)
        return person.password_mark if person is not None else None

    async def change_password(self, admin: Viewer, password: str) -> bytes:
        """Let another password count for an admin from now on; its mark. It ends their OAuth tokens and sessions."""
        kept = await asyncio.to_thread(hashed, password)
        at = written(datetime.fromtimestamp(self._clock.now(), UTC))

        def unit(tx: Transaction) -> bytes:
            users = tx.catalog.physical("sys_user")
            changed = update(users).where(users.c.sys_id == admin.sys_id)
            by = {"sys_updated_on": at, "sys_updated_by": admin.user_name, "sys_mod_count": users.c.sys_mod_count + 1}
            tx.connection.execute(changed.values(user_password=kept, password_needs_reset=0, **by))
            end_tokens(tx, admin.sys_id)
            tx.touched.add("sys_user")
            person = person_in(tx, admin.sys_id)
            return person.password_mark if person is not None else b""  # removed meanwhile: no session is theirs

        database = await self._first.database()
        mark = await database.write(unit)
        await self._first.follow()
        return mark
