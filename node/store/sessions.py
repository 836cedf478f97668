"""The statements of the console's sessions, built once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, delete, insert, or_, select, update

from node.store.schema import sessions

if TYPE_CHECKING:
    from sqlalchemy import Row

    from node.ports import Transaction

_S = sessions.c
_FIND = select(sessions).where(_S.digest == bindparam("wanted"))
_ADD = insert(sessions)
_SEEN = update(sessions).where(_S.digest == bindparam("wanted")).values(seen_at=bindparam("now"))
_REMOVE = delete(sessions).where(_S.digest == bindparam("wanted"))
_MARK = update(sessions).where(_S.digest == bindparam("wanted")).values(password_mark=bindparam("mark"))
_REMOVE_OTHERS = delete(sessions).where(_S.user_id == bindparam("of_user"), _S.digest != bindparam("wanted"))
_REMOVE_ALL = delete(sessions)
_DROP_OLD = delete(sessions).where(or_(_S.seen_at < bindparam("idle_since"), _S.made_at < bindparam("made_before")))
_NEWEST = select(_S.digest).order_by(_S.seen_at.desc(), _S.made_at.desc()).limit(bindparam("most"))
_DROP_BEYOND = delete(sessions).where(_S.digest.not_in(_NEWEST))


def find(tx: Transaction, digest: bytes) -> Row[Any] | None:
    """The session with that digest: whose it is, by which password, when made and last used, in Unix seconds."""
    return tx.execute(_FIND, {"wanted": digest}).first()


def add(tx: Transaction, *, digest: bytes, user_id: str, password_mark: bytes, now: int, most: int) -> None:
    """Keep a new session of a user, and of all of them the newest only."""
    session = {"digest": digest, "user_id": user_id, "password_mark": password_mark, "made_at": now, "seen_at": now}
    tx.execute(_ADD, session)
    tx.execute(_DROP_BEYOND, {"most": most})


def seen(tx: Transaction, *, digest: bytes, now: int) -> None:
    """Note that a session was used."""
    tx.execute(_SEEN, {"wanted": digest, "now": now})


def remove(tx: Transaction, digest: bytes) -> None:
    """End one session."""
    tx.execute(_REMOVE, {"wanted": digest})


def keep_alone(tx: Transaction, digest: bytes, *, user_id: str, password_mark: bytes) -> None:
    """End all sessions of a user but one, which goes on by another password."""
    tx.execute(_MARK, {"wanted": digest, "mark": password_mark})
    tx.execute(_REMOVE_OTHERS, {"wanted": digest, "of_user": user_id})


def remove_all(tx: Transaction) -> None:
    """End all sessions."""
    tx.execute(_REMOVE_ALL)


def drop_old(tx: Transaction, *, idle_since: int, made_before: int) -> None:
    """Let those go that are over."""
    tx.execute(_DROP_OLD, {"idle_since": idle_since, "made_before": made_before})
