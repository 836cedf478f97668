"""What this node says to a partner: its present statement, with its own details, signed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from node.delivery.events import ENTROPY_BYTES, TRACE, trace_event, trace_topic, uuid_from
from node.ports import Publication
from protocol.envelope import Message, Sealed, envelope_bytes, seal
from protocol.records import kind_of, speak
from protocol.vocabulary import Details, Kind, Phase, Preview, Role, Statement

if TYPE_CHECKING:
    from typing import Literal

    from node.connections.context import Context
    from node.connections.stored import Connection


def question(context: Context, connection: Connection, recipient: bytes) -> Sealed:
    """The connection's present statement, to be asked of `recipient`."""
    return seal(
        with_details(context, connection, speak(connection.record), for_addressee=True),
        kind=kind_of(connection.record),
        role=connection.role,
        recipient=recipient,
        connection=connection.connection_id,
        time_ms=int(context.clock.now() * 1000),
        in_reply_to=None,
        key=context.identity.signing_key,
    )


def answer(context: Context, asked: Message, statement: Statement) -> Sealed:
    """The answer to a question; its kind is always `status`."""
    return seal(
        statement,
        kind=Kind.STATUS,
        role=asked.role.other,
        recipient=asked.sender,
        connection=asked.connection,
        time_ms=int(context.clock.now() * 1000),
        in_reply_to=asked.message_id,
        key=context.identity.signing_key,
    )


def with_details(
    context: Context, connection: Connection, statement: Statement, *, for_addressee: bool = False
) -> Statement:
    """Add what this node tells beside the machine's word.

    Every accepted statement of a destination carries its details; a pending source tells its preview to the
    addressee and to nobody else.
    """
    names = connection.names
    if connection.role is Role.DESTINATION and statement.side.phase is Phase.ACCEPTED:
        details: Details | Preview = Details(
            node_id=context.identity.node_id,
            node_name=context.name,
            instance_url=context.instance_url,
            node_url=context.node_url,
            name=names.name,
            source_short_name=names.remote_short_name,
            destination_short_name=names.local_short_name,
            software=context.software,
        )
    elif for_addressee and connection.role is Role.SOURCE and statement.side.phase is Phase.PENDING:
        details = Preview(
            name=names.name,
            source_short_name=names.local_short_name,
            destination_short_name=names.remote_short_name,
            mode=connection.mode,
            node_url=context.node_url,
            expires_at=connection.record.expires_at,
        )
    else:
        return statement
    return msgspec.structs.replace(statement, details=details)


def trace(context: Context, sealed: Sealed, *, sys_id: str, direction: Literal["sent", "received"]) -> None:
    """Tell watchers that a message passed: what kind, never what it holds in free text."""
    head, fields = sealed.head, sealed.fields
    serial, revision, phase, echo = fields[8], fields[9], fields[10], fields[13]
    context.signals.trace(
        Publication(
            topic=trace_topic(context.topic_id, sys_id),
            payload=trace_event(
                event_id=uuid_from(context.entropy.token(ENTROPY_BYTES)),
                at=context.clock.now(),
                node=context.topic_id,
                connection=sys_id,
                direction=direction,
                kind=head.kind,
                phase=phase,
                serial=serial,
                revision=revision,
                echo_phase=echo[1] if isinstance(echo, list | tuple) else None,
                answer=head.in_reply_to is not None,
                message=sealed.message_id[:8].hex(),
                bytes=len(envelope_bytes(sealed)),
            ),
            qos=TRACE.qos,
            retain=TRACE.retain,
        )
    )
