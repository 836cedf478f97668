"""A connection as the node keeps it: the machine's record, and everything the machine does not care about."""

from __future__ import annotations

from typing import Any

import msgspec

from protocol.modes import Mode
from protocol.records import DestinationRecord, Record, SourceRecord, role_of, status_of
from protocol.vocabulary import Phase, Reason, Role, Side


class Names(msgspec.Struct, frozen=True, kw_only=True):
    """What this node calls the connection and its two ends."""

    name: str
    local_short_name: str
    remote_short_name: str
    description: str = ""


class Partner(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of the other node beside its key; hints, never authority."""

    node_id: bytes | None = None
    name: str | None = None
    node_url: str | None = None
    instance_url: str | None = None
    software: str | None = None


class CodeParts(msgspec.Struct, frozen=True, kw_only=True):
    """What the source keeps of its code: all but the secret, which the key file's master secret yields.

    Attributes:
        invitation: the packed public part, as it stands in the code.
        invitation_key: the public key that a good proof is made by.
        digest: SHA-256 of the code's public part, which the proof covers.
        salt: what makes this code's seed differ from every other's.
    """

    invitation: bytes
    invitation_key: bytes
    digest: bytes
    salt: bytes


class Connection(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the node's connections.

    `n` is its number in this database (0 while it is not stored yet), `sys_id` what people and topics call it:
    the connection id in hexadecimal. `source_key` is this node's own key where it is the source.
    """

    n: int = 0
    sys_id: str
    connection_id: bytes
    source_key: bytes
    record: Record
    mode: Mode
    names: Names
    partner: Partner = Partner()
    code: CodeParts | None = None
    seq: int = 0
    created_at_ms: int
    changed_at_ms: int
    announced_prefix: str | None = None

    @property
    def role(self) -> Role:
        """This node's role in it."""
        return role_of(self.record)

    @property
    def is_gone(self) -> bool:
        """Whether nothing of it is left to see or do: it was removed from the list, and nothing is owed any more."""
        return self.record.hidden and not self.record.owed

    @property
    def is_broadcast(self) -> bool:
        """Whether watchers know of it.

        What another node's word alone brought about is no event (protocol section 5), be it an announcement or its
        end; but what they knew of ends for them, too. What is hidden is gone.
        """
        record = self.record
        is_by_an_act = (
            isinstance(record, SourceRecord) or record.proof is not None or record.mine.reason is Reason.DECLINED
        )
        has_ended = record.mine.phase is Phase.CLOSED and self.seq > 0
        return (is_by_an_act or has_ended) and not record.hidden

    @property
    def partner_key(self) -> bytes | None:
        """The other node's key, once there is another node."""
        return self.record.partner if isinstance(self.record, SourceRecord) else self.source_key

    def is_partner(self, key: bytes) -> bool:
        """Whether that key is the other node's by an act of this one's admin, and not by its own word alone."""
        record = self.record
        return self.partner_key == key and (isinstance(record, SourceRecord) or record.proof is not None)

    @property
    def recipient(self) -> bytes | None:
        """Whom this node would speak to about it."""
        return self.record.recipient if isinstance(self.record, SourceRecord) else self.source_key


def to_row(connection: Connection) -> dict[str, Any]:
    """The columns of a connection, without `n`."""
    record, theirs = connection.record, connection.record.theirs
    source = record if isinstance(record, SourceRecord) else None
    code, names, partner = connection.code, connection.names, connection.partner
    return {
        "sys_id": connection.sys_id,
        "role": connection.role.value,
        "connection": connection.connection_id,
        "source_key": connection.source_key,
        "serial": record.serial,
        "revision": record.mine.revision,
        "phase": record.mine.phase.value,
        "enabled": record.mine.enabled,
        "reason": record.mine.reason.value if record.mine.reason else None,
        "their_revision": theirs.revision if theirs else None,
        "their_phase": theirs.phase.value if theirs else None,
        "their_enabled": theirs.enabled if theirs else None,
        "their_reason": theirs.reason.value if theirs and theirs.reason else None,
        "partner": connection.partner_key,
        "addressee": source.addressee if source else None,
        "owed": record.owed,
        "proof": record.proof if isinstance(record, DestinationRecord) else None,
        "expires_at": record.expires_at,
        "ask_me": bool(source and source.ask_me),
        "hidden": record.hidden,
        "invitation": code.invitation if code else None,
        "invitation_key": code.invitation_key if code else None,
        "code_digest": code.digest if code else None,
        "salt": code.salt if code else None,
        "mode": connection.mode.value,
        "name": names.name,
        "local_short_name": names.local_short_name,
        "remote_short_name": names.remote_short_name,
        "description": names.description,
        "partner_node_id": partner.node_id,
        "partner_name": partner.name,
        "partner_node_url": partner.node_url,
        "partner_instance_url": partner.instance_url,
        "partner_software": partner.software,
        "seq": connection.seq,
        "created_at_ms": connection.created_at_ms,
        "changed_at_ms": connection.changed_at_ms,
        "announced_prefix": connection.announced_prefix,
        "status": status_of(record).value,
    }


def from_row(row: Any) -> Connection:
    """A connection from its row."""
    return Connection(
        n=row.n,
        sys_id=row.sys_id,
        connection_id=row.connection,
        source_key=row.source_key,
        record=record_of(row),
        mode=Mode(row.mode),
        names=Names(
            name=row.name,
            local_short_name=row.local_short_name,
            remote_short_name=row.remote_short_name,
            description=row.description,
        ),
        partner=Partner(
            node_id=row.partner_node_id,
            name=row.partner_name,
            node_url=row.partner_node_url,
            instance_url=row.partner_instance_url,
            software=row.partner_software,
        ),
        code=None
        if row.invitation is None
        else CodeParts(
            invitation=row.invitation,
            invitation_key=row.invitation_key,
            digest=row.code_digest,
            salt=row.salt,
        ),
        seq=row.seq,
        created_at_ms=row.created_at_ms,
        changed_at_ms=row.changed_at_ms,
        announced_prefix=row.announced_prefix,
    )


def record_of(row: Any) -> Record:
    """The machine's record, as a row's columns hold it."""
    mine = _side(row.revision, row.phase, row.enabled, row.reason)
    theirs = (
        None
        if row.their_phase is None
        else _side(row.their_revision, row.their_phase, row.their_enabled, row.their_reason)
    )
    if row.role == Role.SOURCE:
        return SourceRecord(
            serial=row.serial,
            mine=mine,
            theirs=theirs,
            partner=row.partner,
            owed=bool(row.owed),
            addressee=row.addressee,
            expires_at=row.expires_at,
            ask_me=bool(row.ask_me),
            hidden=bool(row.hidden),
        )
    return DestinationRecord(
        serial=row.serial,
        mine=mine,
        theirs=theirs,
        owed=bool(row.owed),
        proof=row.proof,
        expires_at=row.expires_at,
        hidden=bool(row.hidden),
    )


def _side(revision: int, phase: str, enabled: int, reason: str | None) -> Side:
    return Side(revision, Phase(phase), enabled=bool(enabled), reason=Reason(reason) if reason else None)
