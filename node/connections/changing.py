"""Storing a change: the row, its event and its broadcast, all in the transaction of the change."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from msgspec.structs import replace

from node.delivery.events import ENTROPY_BYTES, seq_floor, status_event, status_topic, uuid_from
from node.store import statements
from protocol.identity import fingerprint
from protocol.records import reason_of, status_of
from protocol.vocabulary import PHASES_SWITCHED_ON

if TYPE_CHECKING:
    from node.connections.context import Context
    from node.connections.stored import Connection
    from node.ports import Transaction
    from protocol.vocabulary import Side


def new_sys_id(tx: Transaction, connection_id: bytes, source_key: bytes) -> str:
    """What a new connection is called here: its id in hexadecimal, the same on both nodes.

    Should another source's connection hold that id already, which only malice brings about, it gets one of its
    own: nobody can shut a connection out by announcing its id first.
    """
    wanted = connection_id.hex()
    if not statements.sys_id_is_taken(tx, wanted):
        return wanted
    return hashlib.sha256(connection_id + source_key).hexdigest()[:32]


def view_of(connection: Connection) -> tuple[object, ...]:
    """What watchers are told of a connection; a change of it is an event. The description is nobody else's."""
    record, theirs, names = connection.record, connection.record.theirs, connection.names
    return (
        status_of(record),
        reason_of(record),
        record.serial,
        record.mine.enabled,
        _enabled_there(theirs),
        connection.partner_key,
        (names.name, names.local_short_name, names.remote_short_name),
    )


def store_new(context: Context, tx: Transaction, connection: Connection) -> Connection:
    """Store a connection that is not stored yet, with its first event.

    Raises:
        NameTakenError: a living connection has that name.
    """
    shown = connection.is_broadcast
    stored = replace(connection, seq=_next_seq(tx, connection) if shown else 0)
    stored = replace(stored, n=statements.add(tx, stored))
    if shown:
        _tell(context, tx, stored)
    return stored


def store_change(context: Context, tx: Transaction, before: Connection, after: Connection) -> Connection:
    """Store what became of a connection; an event and a broadcast if watchers see a difference.

    Raises:
        NameTakenError: a living connection has that name.
    """
    if after == before:
        return before
    now_ms = int(context.clock.now() * 1000)
    vanished = before.is_broadcast and not after.is_broadcast
    told = after.is_broadcast and (view_of(after) != view_of(before) or not before.is_broadcast)
    seq = before.seq
    if told:
        seq = seq + 1 if before.is_broadcast else _next_seq(tx, before)
    stored = replace(after, changed_at_ms=now_ms, seq=seq)
    statements.change(tx, stored)
    if told:
        _tell(context, tx, stored)
    if vanished:
        _tell_gone(context, tx, stored)
    return stored


def tell_anew(context: Context, tx: Transaction, before: Connection, after: Connection) -> None:
    """Store a connection as a restore leaves it, with an event whether it changed or not.

    Watchers may have been told of what came after the backup, and would else believe it for ever.
    """
    seq = _next_seq(tx, before) if after.is_broadcast else before.seq
    changed_at_ms = int(context.clock.now() * 1000) if after != before else before.changed_at_ms
    stored = replace(after, changed_at_ms=changed_at_ms, seq=seq)
    statements.change(tx, stored)
    if stored.is_broadcast:
        _tell(context, tx, stored)
    else:
        _tell_gone(context, tx, stored)


def forget(context: Context, tx: Transaction, connection: Connection) -> None:
    """Let the whole row go; watchers are told by the empty message."""
    statements.remove(tx, connection)
    if connection.is_broadcast:
        _tell_gone(context, tx, connection)


def _next_seq(tx: Transaction, connection: Connection) -> int:
    """The number of the first event that this memory tells of a connection."""
    return max(connection.seq, seq_floor(statements.last_restore(tx))) + 1


def _tell_gone(context: Context, tx: Transaction, connection: Connection) -> None:
    statements.add_broadcast(tx, topic=status_topic(context.topic_id, connection.sys_id), payload=b"")


def _enabled_there(theirs: Side | None) -> bool | None:
    """The partner's switch, once it has one."""
    return theirs.enabled if theirs is not None and theirs.phase in PHASES_SWITCHED_ON else None


def _tell(context: Context, tx: Transaction, connection: Connection) -> None:
    record, theirs = connection.record, connection.record.theirs
    event_id = uuid_from(context.entropy.token(ENTROPY_BYTES))
    partner = connection.partner_key
    payload = status_event(
        event_id=event_id,
        at=connection.changed_at_ms / 1000,
        node=context.topic_id,
        connection=connection.sys_id,
        role=connection.role,
        seq=connection.seq,
        status=status_of(record),
        phase=record.mine.phase,
        reason=reason_of(record),
        enabled_here=record.mine.enabled,
        enabled_there=_enabled_there(theirs),
        mode=connection.mode,
        revision=record.mine.revision,
        partner=fingerprint(partner) if partner is not None else None,
        name=connection.names.name,
        local_short_name=connection.names.local_short_name,
        remote_short_name=connection.names.remote_short_name or None,
    )
    statements.add_event(
        tx,
        n=connection.n,
        seq=connection.seq,
        event_id=event_id,
        at_ms=connection.changed_at_ms,
        data=payload,
    )
    statements.add_broadcast(tx, topic=status_topic(context.topic_id, connection.sys_id), payload=payload)
