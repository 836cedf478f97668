"""The list of connections: pages of what admins see, chosen by status and role in the database.

Pages are ordered by number. Those of one status are found by the index on it, which has them in that order.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sqlalchemy import and_, bindparam, or_, select, true

from node.connections.stored import Connection, from_row
from node.store.prepared import Prepared
from node.store.schema import connections
from protocol.records import Status

if TYPE_CHECKING:
    from node.ports import Transaction
    from protocol.vocabulary import Role

_C = connections.c
_ALL = (
    select(connections)
    .where(or_(bindparam("role") == "", _C.role == bindparam("role")), _C.n > bindparam("after"))
    .order_by(_C.n)
    .limit(bindparam("most"))
)
IS_LISTED: Final = and_(_C.hidden.is_(False), or_(_C.status != Status.INVITED.value, _C.expires_at > bindparam("now")))
"""Neither removed nor an announcement that has expired."""

_LISTED = _ALL.where(IS_LISTED)
_PAGE = Prepared(_LISTED)
_PAGE_OF_STATUS = Prepared(_LISTED.where(_C.status == bindparam("status")))
_REMOVED = Prepared(
    _ALL.where(
        _C.hidden.is_(True),
        _C.owed == true(),  # as the index on what is owed is written
        or_(bindparam("status") == "", _C.status == bindparam("status")),
    )
)


def page(
    tx: Transaction, *, now: float, after: int, most: int, status: Status | None = None, role: Role | None = None
) -> list[Connection]:
    """Connections of the list by number, after one; only those of a status or role if one is given."""
    wanted: dict[str, object] = {"now": now, "after": after, "most": most, "role": role or ""}
    rows = _PAGE.rows(tx, wanted) if status is None else _PAGE_OF_STATUS.rows(tx, {**wanted, "status": status.value})
    return [from_row(row) for row in rows]


def removed(
    tx: Transaction, *, after: int, most: int, status: Status | None = None, role: Role | None = None
) -> list[Connection]:
    """Connections that were removed from the list while their partner has not been told, likewise."""
    wanted = {"after": after, "most": most, "status": status or "", "role": role or ""}
    return [from_row(row) for row in _REMOVED.rows(tx, wanted)]
