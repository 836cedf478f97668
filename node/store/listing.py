"""The list of connections: pages of what admins see, chosen by status and role in the database.

Pages are ordered by number. Two statuses are of one phase that few connections are in at a time: those are found by
the index on it. All others may be most of the table, and sorting what an index finds of them for each page costs ten
times more than going through the table in its order until a page is full (100,000 rows, 95 % active).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sqlalchemy import and_, bindparam, case, or_, select, true

from node.connections.stored import Connection, from_row
from node.store.schema import connections
from protocol.records import Status
from protocol.vocabulary import Phase

if TYPE_CHECKING:
    from node.ports import Transaction
    from protocol.vocabulary import Role

_C = connections.c
_HERE = _C.enabled == true()
_THERE = or_(_C.their_phase.is_(None), _C.their_enabled == true())
STATUS_OF_ROW = case(
    (_C.phase == Phase.CLOSED.value, Status.CLOSED.value),
    (_C.phase == Phase.PENDING.value, Status.PENDING.value),
    (_C.phase == Phase.ANNOUNCED.value, Status.INVITED.value),
    (_C.phase == Phase.AWAITING.value, Status.AWAITING_APPROVAL.value),
    (
        and_(_C.phase == Phase.ACCEPTED.value, or_(_C.their_phase.is_(None), _C.their_phase == Phase.PENDING.value)),
        Status.ACCEPTING.value,
    ),
    (
        and_(_C.phase == Phase.ACCEPTED.value, _C.their_phase == Phase.AWAITING.value),
        Status.AWAITING_APPROVAL.value,
    ),
    (and_(_HERE, _THERE), Status.ACTIVE.value),
    (_THERE, Status.DEACTIVATED_HERE.value),
    (_HERE, Status.DEACTIVATED_THERE.value),
    else_=Status.DEACTIVATED_BOTH.value,
)
"""`protocol.records.status_of`, of a row."""

_ALL = (
    select(connections)
    .where(or_(bindparam("role") == "", _C.role == bindparam("role")), _C.n > bindparam("after"))
    .order_by(_C.n)
    .limit(bindparam("most"))
)
_PAGE = _ALL.where(_C.hidden.is_(False), or_(_C.phase != Phase.ANNOUNCED.value, _C.expires_at > bindparam("now")))
_PAGE_OF_STATUS = _PAGE.where(bindparam("status") == STATUS_OF_ROW)
_PAGE_OF_PHASE = _PAGE.where(_C.phase == bindparam("phase"))
_REMOVED = _ALL.where(
    _C.hidden.is_(True),
    _C.owed == true(),  # as the index on what is owed is written
    or_(bindparam("status") == "", bindparam("status") == STATUS_OF_ROW),
)

ONE_RARE_PHASE: Final = {Status.PENDING: Phase.PENDING, Status.INVITED: Phase.ANNOUNCED}


def page(
    tx: Transaction, *, now: float, after: int, most: int, status: Status | None = None, role: Role | None = None
) -> list[Connection]:
    """Connections of the list by number, after one; only those of a status or role if one is given."""
    wanted: dict[str, object] = {"now": now, "after": after, "most": most, "role": role or ""}
    if status is None:
        rows = tx.execute(_PAGE, wanted)
    elif (phase := ONE_RARE_PHASE.get(status)) is not None:
        rows = tx.execute(_PAGE_OF_PHASE, {**wanted, "phase": phase.value})
    else:
        rows = tx.execute(_PAGE_OF_STATUS, {**wanted, "status": status.value})
    return [from_row(row) for row in rows]


def removed(
    tx: Transaction, *, after: int, most: int, status: Status | None = None, role: Role | None = None
) -> list[Connection]:
    """Connections that were removed from the list while their partner has not been told, likewise."""
    wanted = {"after": after, "most": most, "status": status or "", "role": role or ""}
    return [from_row(row) for row in tx.execute(_REMOVED, wanted)]
