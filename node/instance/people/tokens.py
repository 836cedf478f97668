"""Tokens: what OAuth gives out for a while, and API keys. They are kept as digests and told once.

A token is 256 random bits, so that a plain digest is enough, and finding it is one look at an index.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from node.bearer import new_secret
from node.instance.base_tables.access_tables import ACCESS_TOKEN, REFRESH_TOKEN
from node.instance.people import keeping
from node.instance.people.persons import person_in
from node.instance.values import written

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from sqlalchemy import Row

    from node.instance.database import Transaction
    from node.instance.people.persons import People, Person
    from node.ports import Clock, Entropy

    _Find = Callable[[Transaction, str, datetime], Row[Any] | None]

KNOWN_MAX: Final = 4_096
LIFESPAN_S_MAX: Final = 10 * 365 * 24 * 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """An OAuth client, as its registration says.

    Attributes:
        secret: the hash of its secret; none: nobody can speak as this client.
        user: in whose name it acts by its own credentials.
    """

    sys_id: str
    name: str
    secret: str | None = field(repr=False)
    user: str | None
    access_s: int
    refresh_s: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Granted:
    """Tokens, as they are told this once.

    Attributes:
        expires_in: of the access token, in seconds.
    """

    access_token: str = field(repr=False)
    refresh_token: str | None = field(repr=False)
    expires_in: int


class Tokens:
    """The tokens and keys of one instance."""

    def __init__(self, people: People, *, clock: Clock, entropy: Entropy) -> None:
        self._people = people
        self._clock = clock
        self._entropy = entropy
        self._known: dict[tuple[_Find, str], tuple[str, datetime | None]] = {}
        self._as_of: tuple[int, ...] = ()

    async def bearer(self, token: str) -> Person | None:
        """The user in whose name an access token speaks, as long as it counts."""
        return await self._speaker(token, keeping.access_token)

    async def key_holder(self, key: str) -> Person | None:
        """The user in whose name an API key speaks, as long as it counts."""
        return await self._speaker(key, keeping.key)

    async def client(self, client_id: str) -> Client | None:
        """The active client of that id."""
        database = await self._people.opened()
        row = await database.read(lambda tx: keeping.client(tx, client_id))
        if row is None:
            return None
        access_s, refresh_s = (min(max(span, 1), LIFESPAN_S_MAX) for span in keeping.lifespans(row))
        return Client(
            sys_id=row.sys_id,
            name=row.name or "",
            secret=row.client_secret,
            user=row.user,
            access_s=access_s,
            refresh_s=refresh_s,
        )

    async def grant(
        self, client: Client, user: Person, *, may_refresh: bool, by_token: str | None = None
    ) -> Granted | None:
        """New tokens of a client for a user; none if what they are given for has ended since it was looked at.

        `by_token` is the refresh token by which they are asked for.
        """
        access, refresh = new_secret(self._entropy), new_secret(self._entropy) if may_refresh else None
        now = self._now()
        made = [(ACCESS_TOKEN, access, client.access_s)]
        if refresh is not None:
            made.append((REFRESH_TOKEN, refresh, client.refresh_s))

        def unit(tx: Transaction) -> bool:
            present = person_in(tx, user.viewer.sys_id)
            if present is None or not present.is_admitted or present.password_mark != user.password_mark:
                return False
            if by_token is not None and keeping.refresh_token(tx, by_token, now) is None:
                return False
            keeping.drop_expired(tx, now)
            for kind, secret, lifespan_s in made:
                values = {
                    "name": client.name,
                    "type": kind,
                    "token": keeping.digest(secret),
                    "expires": written(now + timedelta(seconds=lifespan_s)),
                    "user": user.viewer.sys_id,
                    "peer": client.sys_id,
                }
                keeping.add(tx, keeping.TOKENS, self._entropy, now, values)
            return True

        database = await self._people.opened()
        if not await database.write(unit):
            return None
        return Granted(access_token=access, refresh_token=refresh, expires_in=client.access_s)

    async def refresh(self, client: Client, token: str) -> Granted | None:
        """A new access token for the client that has that refresh token, which stays as it is, as in ServiceNow."""
        database, now = await self._people.opened(), self._now()
        found = await database.read(lambda tx: keeping.refresh_token(tx, token, now))
        person = await self._people.of_id(found.user) if found is not None and found.peer == client.sys_id else None
        if person is None or not person.is_admitted:
            return None
        granted = await self.grant(client, person, may_refresh=False, by_token=token)
        if granted is None:
            return None
        return Granted(access_token=granted.access_token, refresh_token=token, expires_in=granted.expires_in)

    async def _speaker(self, secret: str, find: _Find) -> Person | None:
        database, now = await self._people.opened(), self._now()
        as_of = tuple(database.versions[name] for name in (keeping.TOKENS, keeping.CLIENTS, keeping.KEYS))
        if as_of != self._as_of or len(self._known) > KNOWN_MAX:
            self._as_of, self._known = as_of, {}
        known, key = self._known, (find, keeping.digest(secret))  # what is read now is of no use after a change
        if key not in known:
            row = await database.read(lambda tx: find(tx, secret, now))
            if row is None:
                return None
            known[key] = (row.user, keeping.instant(row.expires))
        user, expires = known[key]
        if expires is not None and expires <= now:
            return None
        person = await self._people.of_id(user)
        return person if person is not None and person.is_admitted else None

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock.now(), UTC)
