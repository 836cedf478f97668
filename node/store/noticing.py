"""Statements about notices, about what goes wrong and about what is over, built once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import and_, bindparam, func, or_, select, true

from node.connections.stored import Connection, from_row
from node.store.schema import connections, notices
from protocol.vocabulary import Phase, Reason

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Row

    from node.ports import Transaction

_C = connections.c
_NEWEST = (
    select(notices, _C.sys_id, _C.name)
    .outerjoin(connections, connections.c.n == notices.c.connection_n)  # some are about the whole node
    .order_by(notices.c.n.desc())
    .limit(bindparam("most"))
)
_CLOSED_COUNT = (
    select(func.count()).select_from(connections).where(_C.phase == Phase.CLOSED.value, _C.hidden.is_(False))
)

LOST: Final = (
    Reason.EXPIRED,
    Reason.RESTORED,
    Reason.USED,
    Reason.REPLACED,
    Reason.NOT_FOR_YOU,
    Reason.BAD_PROOF,
    Reason.UNKNOWN,
)
"""Why a connection closes though nobody has decided that it should."""

_LOST = (
    select(connections)
    .where(
        _C.changed_at_ms >= bindparam("since_ms"),
        _C.hidden.is_(False),
        _C.phase == Phase.CLOSED.value,
        or_(
            _C.reason.in_([reason.value for reason in LOST]),
            and_(_C.reason == Reason.BY_PARTNER.value, _C.their_reason.in_([reason.value for reason in LOST])),
        ),
    )
    .order_by(_C.changed_at_ms.desc())
    .limit(bindparam("most"))
)
_OWED_TO_COUNT = (
    select(func.count())
    .select_from(connections)
    .where(
        _C.owed == true(),  # as the index on what is owed is written
        _C.partner_node_url == bindparam("url"),
        func.coalesce(_C.partner, _C.addressee) == bindparam("recipient"),
    )
)


def newest(tx: Transaction, *, most: int) -> Sequence[Row[Any]]:
    """The newest notices, with the id and name of each one's connection, or without where it is about the node."""
    return tx.execute(_NEWEST, {"most": most}).all()


def closed_count(tx: Transaction) -> int:
    """How many connections of the list are closed."""
    return tx.execute(_CLOSED_COUNT).scalar_one()


def lost(tx: Transaction, *, since_ms: int, most: int) -> list[Connection]:
    """Connections of the list that closed since an instant though nobody decided that they should, newest first."""
    return [from_row(row) for row in tx.execute(_LOST, {"since_ms": since_ms, "most": most})]


def owed_to_count(tx: Transaction, *, recipient: bytes, url: str) -> int:
    """How many connections owe a statement to one node at one URL."""
    return tx.execute(_OWED_TO_COUNT, {"recipient": recipient, "url": url}).scalar_one()
