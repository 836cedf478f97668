"""Letting programs in: OAuth clients and API keys. Their secrets are told once."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from node.bearer import new_secret
from node.instance.base_tables.access_tables import ACCESS_S, REFRESH_S
from node.instance.people import keeping
from node.passwords import hashed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from node.instance.people.persons import People, Person
    from node.ports import Clock, Entropy

SHOWN_CHARACTERS_MAX: Final = 64

_CLIENT_ID_BYTES: Final = 16


class NoSuchUserError(Exception):
    """No active user has that name; the text is a sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeClient:
    """An OAuth client that was just registered."""

    client_id: str
    client_secret: str = field(repr=False)


class Registering:
    """Registers clients and keys in one instance."""

    def __init__(self, people: People, *, clock: Clock, entropy: Entropy) -> None:
        self._people = people
        self._clock = clock
        self._entropy = entropy

    async def oauth_client(self, name: str, *, user_name: str | None = None) -> MadeClient:
        """A new client; `user_name`: in whose name it acts when nobody signs in by it (client credentials).

        Raises:
            NoSuchUserError: there is no such user, or it may not sign in.
        """
        user = await self._user(user_name) if user_name is not None else None
        made = MadeClient(
            client_id=self._entropy.token(_CLIENT_ID_BYTES).hex(), client_secret=new_secret(self._entropy)
        )
        await self._add(
            keeping.CLIENTS,
            {
                "name": name,
                "client_id": made.client_id,
                "client_secret": await asyncio.to_thread(hashed, made.client_secret),
                "user": user.viewer.sys_id if user is not None else None,
                "active": 1,
                "access_token_lifespan": ACCESS_S,
                "refresh_token_lifespan": REFRESH_S,
            },
        )
        return made

    async def api_key(self, user_name: str, *, name: str | None = None) -> str:
        """A new key that speaks for a user.

        Raises:
            NoSuchUserError: there is no such user, or it may not sign in.
        """
        user = await self._user(user_name)
        secret = new_secret(self._entropy)
        record = {
            "name": name or user.viewer.user_name,
            "token": keeping.digest(secret),
            "user": user.viewer.sys_id,
            "active": 1,
        }
        await self._add(keeping.KEYS, record)
        return secret

    async def _user(self, user_name: str) -> Person:
        person = await self._people.of_name(user_name)
        if person is None or not person.is_admitted:
            raise NoSuchUserError(f"There is no active user {user_name[:SHOWN_CHARACTERS_MAX]!r} in this instance.")
        return person

    async def _add(self, table: str, values: Mapping[str, object]) -> None:
        database, now = await self._people.opened(), datetime.fromtimestamp(self._clock.now(), UTC)
        await database.write(lambda tx: keeping.add(tx, table, self._entropy, now, values))
