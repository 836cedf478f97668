"""The statements of the admin API's tokens, built once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, delete, insert, select, update

from node.store.schema import api_tokens

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Row

    from node.ports import Transaction

_T = api_tokens.c
_ALL = select(_T.n, _T.name, _T.made_at, _T.seen_at).order_by(_T.name)
_FIND = select(_T.n, _T.seen_at).where(_T.digest == bindparam("wanted"))
_ADD = insert(api_tokens)
_SEEN = update(api_tokens).where(_T.n == bindparam("at_n")).values(seen_at=bindparam("now"))
_REMOVE = delete(api_tokens).where(_T.n == bindparam("at_n"))


def all_of(tx: Transaction) -> Sequence[Row[Any, Any, Any, Any]]:
    """All tokens by name, without their digests."""
    return tx.execute(_ALL).all()


def find(tx: Transaction, digest: bytes) -> Row[Any, Any] | None:
    """The token with that digest: its number, and when it was last used."""
    return tx.execute(_FIND, {"wanted": digest}).first()


def add(tx: Transaction, *, name: str, digest: bytes, now: int) -> None:
    """Keep a new token."""
    tx.execute(_ADD, {"name": name, "digest": digest, "made_at": now, "seen_at": None})


def seen(tx: Transaction, *, n: int, now: int) -> None:
    """Note that a token was used."""
    tx.execute(_SEEN, {"at_n": n, "now": now})


def remove(tx: Transaction, n: int) -> None:
    """Let a token go."""
    tx.execute(_REMOVE, {"at_n": n})
