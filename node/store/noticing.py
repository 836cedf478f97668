"""Statements about notices and what is over, built once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, func, select

from node.store.schema import connections, notices
from protocol.vocabulary import Phase

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Row

    from node.ports import Transaction

_C = connections.c
_NEWEST = (
    select(notices, _C.sys_id, _C.name)
    .join(connections, connections.c.n == notices.c.connection_n)
    .order_by(notices.c.n.desc())
    .limit(bindparam("most"))
)
_CLOSED_COUNT = (
    select(func.count()).select_from(connections).where(_C.phase == Phase.CLOSED.value, _C.hidden.is_(False))
)


def newest(tx: Transaction, *, most: int) -> Sequence[Row[Any]]:
    """The newest notices, with the id and name of each one's connection."""
    return tx.execute(_NEWEST, {"most": most}).all()


def closed_count(tx: Transaction) -> int:
    """How many connections of the list are closed."""
    return tx.execute(_CLOSED_COUNT).scalar_one()
