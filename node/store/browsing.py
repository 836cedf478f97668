"""The list of connections as a person looks through it: chosen by words, status and role, sorted, a page at a time.

First the numbers of a page's rows are found, then those rows are read: what is sorted stays small. A page of the second
half is counted from the end, so that the last page costs what the first one does. All that is asked of a row to choose
and sort it stands in one index (`ix_connections_list`), which is a tenth of the table; what is asked most often, how
many there are of which status, in a smaller one (`ix_connections_status`).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import bindparam, func, or_, select

from node.connections.stored import Connection, from_row
from node.store.listing import IS_LISTED
from node.store.schema import connections

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import ColumnElement, Select

    from node.ports import Transaction
    from protocol.records import Status
    from protocol.vocabulary import Role

_C = connections.c


class Column(StrEnum):
    """What the list can be sorted by."""

    NAME = "name"
    ROLE = "role"
    MODE = "mode"
    OTHER = "other"
    STATUS = "status"
    SINCE = "since"
    ACTIVITY = "activity"


_KEYS: Final[Mapping[Column, ColumnElement[Any]]] = {
    Column.NAME: _C.name.collate("NOCASE"),
    Column.ROLE: _C.role,
    Column.MODE: _C.mode,
    Column.OTHER: func.coalesce(_C.partner_name, _C.remote_short_name).collate("NOCASE"),
    Column.STATUS: _C.status,
    Column.SINCE: _C.created_at_ms,
    Column.ACTIVITY: _C.changed_at_ms,
}

_STATUS_WITHIN_LIST = func.coalesce(_C.status, "")
"""The status where more is asked for: what the index on it finds would be looked up in the table row by row."""

_WORDS = (_C.name, _C.remote_short_name, _C.partner_name)
_ROWS = select(connections).where(_C.n.in_(bindparam("numbers", expanding=True)))
_COUNTS = select(_C.status, func.count().label("total")).where(IS_LISTED).group_by(_C.status).order_by(_C.status)
_ANY = select(_C.n).where(_C.hidden.is_(False)).limit(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What somebody wants to see of the list."""

    words: str = ""
    status: Status | None = None
    role: Role | None = None
    sort: Column = Column.ACTIVITY
    descending: bool = True
    page: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A page of the list.

    Attributes:
        rows: its connections, in order.
        count: how many there are on all pages.
        page: which page it is: the last one, if there are fewer than were asked for.
        pages: how many pages there are, at least 1.
    """

    rows: list[Connection]
    count: int
    page: int
    pages: int


def browse(tx: Transaction, wanted: Wanted, *, now: float, per_page: int) -> Found:
    """A page of the list."""
    pattern = wanted.words.replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_")
    chosen = {"now": now, "role": wanted.role, "status": wanted.status, "words": f"%{pattern}%"}
    by = (wanted.role is not None, wanted.status is not None, bool(pattern))
    count = tx.execute(_count(*by), chosen).scalar_one()
    pages = max(1, -(-count // per_page))
    page = min(max(wanted.page, 1), pages)
    first = (page - 1) * per_page
    most = min(per_page, count - first)
    from_end = first > count // 2
    statement = _numbers(wanted.sort, wanted.descending is not from_end, *by)
    skip = count - first - most if from_end else first
    numbers = [row.n for row in tx.execute(statement, {**chosen, "most": most, "skip": skip})]
    if from_end:
        numbers.reverse()
    by_number = {row.n: from_row(row) for row in tx.execute(_ROWS, {"numbers": numbers})}
    return Found(rows=[by_number[n] for n in numbers], count=count, page=page, pages=pages)


def counts(tx: Transaction, *, now: float) -> list[tuple[str, int]]:
    """How many connections of the list have each status, by its slug."""
    return [(str(row.status), int(row.total)) for row in tx.execute(_COUNTS, {"now": now})]


def is_empty(tx: Transaction) -> bool:
    """Whether there is no connection at all."""
    return tx.execute(_ANY).first() is None


def _listed(
    role: bool,  # noqa: FBT001 - which filters are set
    status: bool,  # noqa: FBT001
    words: bool,  # noqa: FBT001
    *,
    sorted_by: Column | None = None,
) -> list[ColumnElement[bool]]:
    """The conditions of the filters that are set: what is not asked for costs nothing."""
    conditions = [IS_LISTED]
    if role:
        conditions.append(_C.role == bindparam("role"))
    if status:
        status_alone = not (role or words or sorted_by)
        conditions.append((_C.status if status_alone else _STATUS_WITHIN_LIST) == bindparam("status"))
    if words:
        conditions.append(or_(*(column.like(bindparam("words"), escape="\\") for column in _WORDS)))
    return conditions


@cache
def _count(*by: bool) -> Select[Any]:
    return select(func.count()).select_from(connections).where(*_listed(*by))


@cache
def _numbers(sort: Column, descending: bool, *by: bool) -> Select[Any]:  # noqa: FBT001 - the key of the cache
    key = _KEYS[sort]
    order = (key.desc(), _C.n.desc()) if descending else (key, _C.n)
    listed = _listed(*by, sorted_by=sort)
    return select(_C.n).where(*listed).order_by(*order).limit(bindparam("most")).offset(bindparam("skip"))
