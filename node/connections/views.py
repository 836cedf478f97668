"""What admins are shown of a connection, as JSON: no key, no secret, words instead of numbers."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec

from protocol.identity import fingerprint
from protocol.machine import possible_acts
from protocol.records import SourceRecord, reason_of, status_of
from protocol.vocabulary import Phase, Side

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Row

    from node.connections.context import Context
    from node.connections.shapes import ConnectionView, LicenseView, NoticeView, SideView
    from node.connections.stored import Connection
    from node.delivery.failing import Waiting
    from node.license.license import Standing


def instant(at_s: float) -> str:
    """An instant as RFC 3339 text in UTC, to the millisecond."""
    return datetime.fromtimestamp(at_s, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def connection_view(context: Context, connection: Connection, waiting: Waiting | None = None) -> ConnectionView:
    """One connection, with what it waits for."""
    record, names, partner = connection.record, connection.names, connection.partner
    key = connection.partner_key
    theirs = record.theirs
    return {
        "sys_id": connection.sys_id,
        "role": connection.role,
        "status": status_of(record),
        "reason": reason_of(record),
        "name": names.name,
        "local_short_name": names.local_short_name,
        "remote_short_name": names.remote_short_name,
        "description": names.description,
        "mode": connection.mode,
        "mine": _side(record.mine),
        "theirs": _side(theirs) if theirs is not None else None,
        "partner": {
            "fingerprint": fingerprint(key) if key is not None else None,
            "node_id": str(UUID(bytes=partner.node_id)) if partner.node_id is not None else None,
            "name": partner.name,
            "node_url": partner.node_url,
            "instance_url": partner.instance_url,
            "software": partner.software,
        },
        "fingerprint": fingerprint(context.key),
        "bound": isinstance(record, SourceRecord) and record.addressee is not None,
        "ask_me": isinstance(record, SourceRecord) and record.ask_me,
        "expires_at": instant(record.expires_at) if record.mine.phase is Phase.PENDING else None,
        "owed": record.owed,
        "removed": record.hidden,
        "waiting": waiting.view() if waiting is not None and record.owed else None,
        "possible_acts": [] if connection.is_gone else list(possible_acts(record, now=context.clock.now())),
        "seq": connection.seq,
        "created_at": instant(connection.created_at_ms / 1000),
        "changed_at": instant(connection.changed_at_ms / 1000),
    }


def event_view(row: Row[Any]) -> dict[str, Any]:
    """One event of a connection's log: exactly what was broadcast."""
    event: dict[str, Any] = msgspec.json.decode(row.data)
    return event


def events_view(rows: Sequence[Row[Any]]) -> list[dict[str, Any]]:
    """A page of a connection's log."""
    return [event_view(row) for row in rows]


def notice_view(row: Row[Any]) -> NoticeView:
    """One notice to this connection's admin."""
    return {"at": instant(row.at_ms / 1000), "kind": row.kind, "about": row.about}


def license_view(standing: Standing) -> LicenseView:
    """What the license of this node is now."""
    return {
        "kind": standing.kind,
        "ends_at": instant(standing.ends_at),
        "licensee": standing.licensee,
        "may_initiate": standing.may_initiate,
        "sentence": standing.sentence,
    }


def _side(side: Side) -> SideView:
    return {
        "phase": side.phase,
        "revision": side.revision,
        "enabled": side.enabled,
        "reason": side.reason,
    }
