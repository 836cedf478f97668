"""The records behind tokens, keys and clients, and the statements that find and write them, built once."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import bindparam, column, delete, insert, or_, select, table

from node.bearer import digest_of
from node.instance.base_tables.access_tables import ACCESS_S, ACCESS_TOKEN, REFRESH_S, REFRESH_TOKEN
from node.instance.system_fields import system_fields
from node.instance.values import written

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Row

    from node.instance.database import Transaction
    from node.ports import Entropy

CLIENTS: Final = "oauth_entity"
TOKENS: Final = "oauth_credential"
KEYS: Final = "api_key"

EXPIRED_AT_ONCE_MAX: Final = 100
"""How many expired tokens go when a new one is made."""

_SYS_ID_BYTES: Final = 16

_SYSTEM: Final = ("sys_id", "sys_created_on", "sys_created_by", "sys_updated_on", "sys_updated_by", "sys_mod_count")


def _table(name: str, *fields: str) -> Any:
    return table(name, *(column(one) for one in (*_SYSTEM, *fields)))


_CLIENT: Final = _table(
    CLIENTS,
    "name",
    "client_id",
    "client_secret",
    "user",
    "active",
    "access_token_lifespan",
    "refresh_token_lifespan",
)
_TOKEN: Final = _table(TOKENS, "name", "type", "token", "expires", "user", "peer")
_KEY: Final = _table(KEYS, "name", "token", "user", "expires", "active")

_FIND_CLIENT: Final = select(_CLIENT).where(_CLIENT.c.client_id == bindparam("wanted"), _CLIENT.c.active == 1)
_FIND_TOKEN: Final = (
    select(_TOKEN.c.user, _TOKEN.c.expires, _TOKEN.c.peer)
    .join(_CLIENT, _CLIENT.c.sys_id == _TOKEN.c.peer)
    .where(
        _TOKEN.c.token == bindparam("digest"),
        _TOKEN.c.type == bindparam("type"),
        _TOKEN.c.expires > bindparam("now"),
        _CLIENT.c.active == 1,
    )
)
_FIND_KEY: Final = select(_KEY.c.user, _KEY.c.expires).where(
    _KEY.c.token == bindparam("digest"),
    _KEY.c.active == 1,
    or_(_KEY.c.expires.is_(None), _KEY.c.expires > bindparam("now")),
)
_EXPIRED: Final = select(_TOKEN.c.sys_id).where(_TOKEN.c.expires <= bindparam("now")).limit(EXPIRED_AT_ONCE_MAX)
_DROP_EXPIRED: Final = delete(_TOKEN).where(_TOKEN.c.sys_id.in_(_EXPIRED.scalar_subquery()))

_END_TOKENS: Final = delete(_TOKEN).where(_TOKEN.c.user == bindparam("of_user"))


def digest(secret: str) -> str:
    """What is kept of a token or a key."""
    return digest_of(secret).hex()


def client(tx: Transaction, client_id: str) -> Row[Any] | None:
    """The active client of that id."""
    return tx.connection.execute(_FIND_CLIENT, {"wanted": client_id}).first()


def access_token(tx: Transaction, secret: str, now: datetime) -> Row[Any] | None:
    """(user, expires, peer) of an access token that counts."""
    return _token(tx, ACCESS_TOKEN, secret, now)


def refresh_token(tx: Transaction, secret: str, now: datetime) -> Row[Any] | None:
    """(user, expires, peer) of a refresh token that counts."""
    return _token(tx, REFRESH_TOKEN, secret, now)


def key(tx: Transaction, secret: str, now: datetime) -> Row[Any] | None:
    """(user, expires) of an API key that counts."""
    return tx.connection.execute(_FIND_KEY, {"digest": digest(secret), "now": written(now)}).first()


def drop_expired(tx: Transaction, now: datetime) -> None:
    """Let some tokens go that count no more."""
    if tx.connection.execute(_DROP_EXPIRED, {"now": written(now)}).rowcount:
        tx.touched.add(TOKENS)


def add(tx: Transaction, into: str, entropy: Entropy, now: datetime, values: Mapping[str, object]) -> None:
    """A new record of one of these tables, made by the instance."""
    record = {**system_fields(entropy.token(_SYS_ID_BYTES).hex(), at=written(now)), **values}
    tx.connection.execute(insert(tx.catalog.physical(into)), record)
    tx.touched.add(into)


def end_tokens(tx: Transaction, user_id: str) -> None:
    """Let no OAuth token of a user count any more."""
    if tx.connection.execute(_END_TOKENS, {"of_user": user_id}).rowcount:
        tx.touched.add(TOKENS)


def lifespans(row: Row[Any]) -> tuple[int, int]:
    """How long the tokens of a client count, in seconds: access, refresh."""
    return row.access_token_lifespan or ACCESS_S, row.refresh_token_lifespan or REFRESH_S


def instant(text: str | None) -> datetime | None:
    """A stored instant."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC) if text else None


def _token(tx: Transaction, kind: str, secret: str, now: datetime) -> Row[Any] | None:
    wanted = {"digest": digest(secret), "type": kind, "now": written(now)}
    return tx.connection.execute(_FIND_TOKEN, wanted).first()
