"""Every statement on the database, built once: building one costs four times what running it does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, bindparam, delete, func, insert, not_, or_, select, true, update

from node.connections.stored import Connection, from_row, to_row
from node.store.prepared import Prepared
from node.store.schema import broadcasts, connections, events, notices, restores, writes
from protocol.vocabulary import Phase, Reason, Role

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from sqlalchemy import BindParameter, Row, Table

    from node.ports import Transaction

_C = connections.c
_TRIAL = ""
"""No key of a write: those have one character at least."""
TRIAL_BYTES = 16 * 1024

_RESTATED = [phase.value for phase in (Phase.AWAITING, Phase.ACTIVE, Phase.ANNOUNCED, Phase.ACCEPTED)]

_FIXED = frozenset({"n", "sys_id", "role", "connection", "source_key", "created_at_ms", "announced_prefix"})
"""What never changes of a connection: leaving it out spares its indexes a change."""


def _given(table: Table, *, but: Collection[str]) -> dict[str, BindParameter[Any]]:
    return {column.key: bindparam(column.key) for column in table.c if column.key not in but}


_BY_IDENTITY = Prepared(
    select(connections).where(_C.connection == bindparam("connection"), _C.source_key == bindparam("source_key"))
)
_BY_SYS_ID = Prepared(select(connections).where(_C.sys_id == bindparam("sys_id")))
_SYS_ID_TAKEN = Prepared(select(_C.n).where(_C.sys_id == bindparam("sys_id")))
_INSERT = Prepared(insert(connections).values(_given(connections, but={"n"})))
_UPDATE = Prepared(update(connections).where(_C.n == bindparam("at_n")).values(_given(connections, but=_FIXED)))
_DELETE = Prepared(delete(connections).where(_C.n == bindparam("at_n")))

_EVENT = Prepared(insert(events))
_BROADCAST = Prepared(insert(broadcasts).values(_given(broadcasts, but={"n"})))
_NOTICE = Prepared(insert(notices).values(_given(notices, but={"n"})))
_EVENTS_AFTER = Prepared(
    select(events)
    .where(events.c.connection_n == bindparam("at_n"), events.c.seq > bindparam("after"))
    .order_by(events.c.seq)
    .limit(bindparam("most"))
)

_PENDING_BROADCASTS = Prepared(
    select(broadcasts).where(broadcasts.c.n > bindparam("after")).order_by(broadcasts.c.n).limit(bindparam("most"))
)
_BROADCASTS_DONE = Prepared(delete(broadcasts).where(broadcasts.c.n <= bindparam("last_n")))
_QUEUED_TOPICS = Prepared(select(broadcasts.c.topic).distinct())
_BROADCAST_COUNT = Prepared(select(func.count().label("found")).select_from(broadcasts))
_RESTORE = Prepared(insert(restores))
_LAST_RESTORE = Prepared(select(func.coalesce(func.max(restores.c.at), 0).label("at")))
_EACH = Prepared(select(connections).where(_C.n > bindparam("after")).order_by(_C.n).limit(bindparam("most")))
_IS_BROADCAST = or_(
    _C.role == Role.SOURCE.value,
    _C.proof.is_not(None),
    _C.reason == Reason.DECLINED.value,
    and_(_C.phase == Phase.CLOSED.value, _C.seq > 0),
)
"""See `Connection.is_broadcast`."""

_LIVE_EVENTS = Prepared(
    select(connections.c.n, connections.c.sys_id, events.c.data)
    .join(events, and_(events.c.connection_n == connections.c.n, events.c.seq == connections.c.seq))
    .where(_C.n > bindparam("after"), _C.hidden.is_(False), _IS_BROADCAST)
    .order_by(_C.n)
    .limit(bindparam("most"))
)

_IS_OWED = _C.owed == true()  # as the index on what is owed is written: `IS 1` would not be found in it
_OWED = Prepared(select(connections).where(_IS_OWED, _C.n > bindparam("after")).order_by(_C.n).limit(bindparam("most")))
_OWED_COUNT = Prepared(select(func.count().label("found")).select_from(connections).where(_IS_OWED))
_OWED_TO = Prepared(
    select(connections)
    .where(
        _IS_OWED,
        _C.partner_node_url == bindparam("url"),
        func.coalesce(_C.partner, _C.addressee) == bindparam("recipient"),
    )
    .order_by(_C.phase == Phase.PENDING.value, _C.changed_at_ms)
    .limit(bindparam("most"))
)
_EXPIRED = Prepared(
    select(connections)
    .where(_C.phase == Phase.PENDING.value, _C.expires_at <= bindparam("now"), _C.role == Role.SOURCE.value)
    .order_by(_C.expires_at)
    .limit(bindparam("most"))
)
_NEXT_EXPIRY = Prepared(select(func.min(_C.expires_at).label("at")).where(_C.phase == Phase.PENDING.value))

_OPEN = (
    select(func.count().label("found"))
    .select_from(connections)
    .where(_C.phase == Phase.ANNOUNCED.value, _C.expires_at > bindparam("now"), _C.hidden.is_(False))
)
_OPEN_ANNOUNCEMENTS = Prepared(_OPEN)
_OPEN_ANNOUNCEMENTS_OF = Prepared(_OPEN.where(_C.source_key == bindparam("source_key")))
_RECENT_ANNOUNCEMENTS_FROM = Prepared(
    select(func.count().label("found"))
    .select_from(connections)
    .where(_C.announced_prefix == bindparam("prefix"), _C.created_at_ms > bindparam("since_ms"))
)
_NAME_TAKEN = Prepared(
    select(_C.n)
    .where(
        _C.name == bindparam("name"),
        _C.hidden.is_(False),
        not_(_C.phase.in_([Phase.CLOSED.value, Phase.ANNOUNCED.value])),
    )
    .limit(1)
)
_KNOWN_PARTNER = Prepared(
    select(_C.n).where(_C.partner == bindparam("key"), _C.phase.in_(["active", "accepted"])).limit(1)
)
_ANOTHER_KEY = Prepared(
    select(_C.n)
    .where(
        or_(_C.connection == bindparam("connection"), _C.partner_node_url == bindparam("node_url")),
        func.coalesce(_C.partner, _C.addressee) != bindparam("key"),
    )
    .limit(1)
)
_LIVE = Prepared(
    select(connections)
    .where(_C.partner.is_not(None), _C.phase.in_(_RESTATED), _C.n > bindparam("after"))
    .order_by(_C.n)
    .limit(bindparam("most"))
)
_LIVE_BY_NUMBER = Prepared(
    select(connections).where(
        _C.n == bindparam("number"),
        _C.partner.is_not(None),
        _C.partner_node_url == bindparam("url"),
        _C.phase.in_(_RESTATED),
    )
)
_FALLEN = (
    select(_C.n)
    .where(
        _C.phase == Phase.CLOSED.value,
        _C.hidden.is_(True),
        _C.owed.is_(False),
        or_(
            and_(_C.role == Role.SOURCE.value, _C.expires_at < bindparam("now")),
            and_(
                _C.role == Role.DESTINATION.value,
                _C.announced_prefix.is_not(None),
                _C.proof.is_(None),
                _C.reason == Reason.BY_PARTNER.value,
                _C.changed_at_ms < bindparam("announced_before_ms"),
            ),
        ),
    )
    .limit(bindparam("most"))
)
_PURGE = Prepared(delete(connections).where(_C.n.in_(_FALLEN)))
_NOTICES_OF = Prepared(
    select(notices).where(notices.c.connection_n == bindparam("at_n")).order_by(notices.c.n).limit(bindparam("most"))
)
_FORGET_NOTICE = Prepared(
    delete(notices).where(
        notices.c.connection_n == bindparam("at_n"),
        notices.c.kind == bindparam("of_kind"),
        notices.c.about == bindparam("same"),
    )
)

_KEPT_WRITE = Prepared(select(writes.c.digest, writes.c.sys_id).where(writes.c.key == bindparam("wanted")))
_KEEP_WRITE = Prepared(insert(writes))
_TRIAL_WRITE = Prepared(insert(writes).values(key=bindparam("trial"), digest=bindparam("filling"), sys_id="", at_ms=0))
_TRIAL_UNDONE = Prepared(delete(writes).where(writes.c.key == bindparam("trial")))
_FORGET_WRITES = Prepared(delete(writes).where(writes.c.at_ms < bindparam("before_ms")))


class NameTakenError(Exception):
    """A living connection of this node has that name already."""


def find(tx: Transaction, *, connection_id: bytes, source_key: bytes) -> Connection | None:
    """The connection with that id and source."""
    row = _BY_IDENTITY.first(tx, {"connection": connection_id, "source_key": source_key})
    return from_row(row) if row is not None else None


def find_by_sys_id(tx: Transaction, sys_id: str) -> Connection | None:
    """The connection that people and topics know by that id."""
    row = _BY_SYS_ID.first(tx, {"sys_id": sys_id})
    return from_row(row) if row is not None else None


def sys_id_is_taken(tx: Transaction, sys_id: str) -> bool:
    """Whether another connection has that id."""
    return _SYS_ID_TAKEN.first(tx, {"sys_id": sys_id}) is not None


def add(tx: Transaction, connection: Connection) -> int:
    """Store a new connection; its number.

    Raises:
        NameTakenError: see there.
    """
    try:
        return _INSERT.run(tx, to_row(connection)).lastrowid
    except _integrity_error(tx) as error:
        raise _name_taken(error) from error


def change(tx: Transaction, connection: Connection) -> None:
    """Store a connection anew.

    Raises:
        NameTakenError: see there.
    """
    try:
        _UPDATE.run(tx, {**to_row(connection), "at_n": connection.n})
    except _integrity_error(tx) as error:
        raise _name_taken(error) from error


def _integrity_error(tx: Transaction) -> type[Exception]:
    return tx.dialect.loaded_dbapi.IntegrityError


def _name_taken(error: Exception) -> Exception:
    return NameTakenError() if "connections.name" in str(error) else error


def remove(tx: Transaction, connection: Connection) -> None:
    """Let the row go, with its events and notices."""
    _DELETE.run(tx, {"at_n": connection.n})


def add_event(tx: Transaction, *, n: int, seq: int, event_id: str, at_ms: int, data: bytes) -> None:
    """One more line of a connection's history; `data` is the event as it is broadcast."""
    _EVENT.run(tx, {"connection_n": n, "seq": seq, "event_id": event_id, "at_ms": at_ms, "data": data})


def events_after(tx: Transaction, *, n: int, after: int, most: int) -> Sequence[Any]:
    """The events of a connection with a higher seq, oldest first."""
    return _EVENTS_AFTER.rows(tx, {"at_n": n, "after": after, "most": most})


def add_broadcast(tx: Transaction, *, topic: str, payload: bytes) -> None:
    """Queue a retained message for the broker."""
    _BROADCAST.run(tx, {"topic": topic, "payload": payload})


def pending_broadcasts(tx: Transaction, after: int, most: int) -> Sequence[Any]:
    """What the broker has not acknowledged yet, oldest first: (n, topic, payload)."""
    return _PENDING_BROADCASTS.rows(tx, {"after": after, "most": most})


def broadcasts_done(tx: Transaction, last_n: int) -> None:
    """The broker has acknowledged everything up to and with `last_n`."""
    _BROADCASTS_DONE.run(tx, {"last_n": last_n})


def queued_topics(tx: Transaction) -> set[str]:
    """The topics with a broadcast that waits."""
    return {row.topic for row in _QUEUED_TOPICS.rows(tx, {})}


def broadcast_count(tx: Transaction) -> int:
    """How many broadcasts wait for the broker."""
    return int(_BROADCAST_COUNT.scalar(tx, {}))


def live_events(tx: Transaction, *, after: int, most: int) -> Sequence[Any]:
    """The last event of each shown connection, by its number: (n, sys_id, data)."""
    return _LIVE_EVENTS.rows(tx, {"after": after, "most": most})


def add_restore(tx: Transaction, *, at: int) -> None:
    """Keep that this memory was put back at that instant (Unix seconds), which is after the last one kept."""
    _RESTORE.run(tx, {"at": at})


def last_restore(tx: Transaction) -> int:
    """When this memory was put back for the last time (Unix seconds), 0 if never."""
    return int(_LAST_RESTORE.scalar(tx, {}))


def each(tx: Transaction, *, after: int, most: int) -> list[Connection]:
    """Every connection, by number."""
    return [from_row(row) for row in _EACH.rows(tx, {"after": after, "most": most})]


def add_notice(tx: Transaction, *, n: int | None, at_ms: int, kind: str, about: str) -> None:
    """Something that this node's admin should be told, of the connection with that number or of none."""
    _NOTICE.run(tx, {"connection_n": n, "at_ms": at_ms, "kind": kind, "about": about})


def forget_notice(tx: Transaction, *, n: int, kind: str, about: str) -> None:
    """Drop what a connection's admin was told before of the same kind and about the same."""
    _FORGET_NOTICE.run(tx, {"at_n": n, "of_kind": kind, "same": about})


def notices_of(tx: Transaction, *, n: int, most: int) -> Sequence[Any]:
    """The notices of a connection, oldest first."""
    return _NOTICES_OF.rows(tx, {"at_n": n, "most": most})


def owed(tx: Transaction, *, after: int, most: int) -> list[Connection]:
    """Connections with a statement that the partner has not echoed, by number."""
    return [from_row(row) for row in _OWED.rows(tx, {"after": after, "most": most})]


def owed_count(tx: Transaction) -> int:
    """How many connections owe a statement."""
    return int(_OWED_COUNT.scalar(tx, {}))


def owed_to(tx: Transaction, *, recipient: bytes, url: str, most: int) -> list[Connection]:
    """What is owed to one node at one URL, longest waiting first; invitations last: they may be turned away."""
    return [from_row(row) for row in _OWED_TO.rows(tx, {"recipient": recipient, "url": url, "most": most})]


def live(tx: Transaction, *, after: int, most: int) -> list[Connection]:
    """Connections with a known partner that are not closed, by number: what a resync states again."""
    return [from_row(row) for row in _LIVE.rows(tx, {"after": after, "most": most})]


def live_by_numbers(tx: Transaction, numbers: Sequence[int], *, url: str) -> list[Connection]:
    """Those of the connections with these numbers that still live and whose partner is at that URL."""
    rows = (_LIVE_BY_NUMBER.first(tx, {"number": number, "url": url}) for number in sorted(numbers))
    return [from_row(row) for row in rows if row is not None]


def expired(tx: Transaction, *, now: float, most: int) -> list[Connection]:
    """Pending connections whose code is past its expiry."""
    return [from_row(row) for row in _EXPIRED.rows(tx, {"now": now, "most": most})]


def next_expiry(tx: Transaction) -> int | None:
    """When the next pending code expires."""
    row = _NEXT_EXPIRY.first(tx, {})
    return None if row is None else row.at


def try_to_write(tx: Transaction) -> None:
    """Write about as much as a change of a connection does, and take it back: it raises where there is no room."""
    _TRIAL_WRITE.run(tx, {"trial": _TRIAL, "filling": bytes(TRIAL_BYTES)})
    _TRIAL_UNDONE.run(tx, {"trial": _TRIAL})


def purge(tx: Transaction, *, now: float, announced_before_ms: int, most: int) -> int:
    """Let tombstones go that nobody needs, as `node.connections.purging` says; how many went."""
    limits = {"now": now, "announced_before_ms": announced_before_ms, "most": most}
    return _PURGE.run(tx, limits).rowcount


def open_announcements(tx: Transaction, *, now: float, source_key: bytes | None = None) -> int:
    """How many invitations stand open, of one source or of all."""
    if source_key is None:
        return int(_OPEN_ANNOUNCEMENTS.scalar(tx, {"now": now}))
    return int(_OPEN_ANNOUNCEMENTS_OF.scalar(tx, {"now": now, "source_key": source_key}))


def recent_announcements(tx: Transaction, *, prefix: str, since_ms: int) -> int:
    """How many invitations came from an address prefix since an instant."""
    return int(_RECENT_ANNOUNCEMENTS_FROM.scalar(tx, {"prefix": prefix, "since_ms": since_ms}))


def is_name_taken(tx: Transaction, name: str) -> bool:
    """Whether a living connection has that name."""
    return _NAME_TAKEN.first(tx, {"name": name}) is not None


def is_known_partner(tx: Transaction, key: bytes) -> bool:
    """Whether a living connection with that node exists."""
    return _KNOWN_PARTNER.first(tx, {"key": key}) is not None


def is_known_with_another_key(tx: Transaction, *, connection_id: bytes, node_url: str, key: bytes) -> bool:
    """Whether a connection of that id, or a node at that URL, is known here with another key."""
    known = {"connection": connection_id, "node_url": node_url, "key": key}
    return _ANOTHER_KEY.first(tx, known) is not None


def kept_write(tx: Transaction, key: str) -> Row[bytes, str] | None:
    """What was done under an idempotency key: (digest of the request, sys_id)."""
    return _KEPT_WRITE.first(tx, {"wanted": key})


def keep_write(tx: Transaction, *, key: str, digest: bytes, sys_id: str, at_ms: int, forget_before_ms: int) -> None:
    """Remember what was done under an idempotency key, and forget the old ones."""
    _FORGET_WRITES.run(tx, {"before_ms": forget_before_ms})
    _KEEP_WRITE.run(tx, {"key": key, "digest": digest, "sys_id": sys_id, "at_ms": at_ms})
