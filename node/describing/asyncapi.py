"""The broadcasts as AsyncAPI 3.0 (https://www.asyncapi.com/docs/reference/specification/v3.0.0), made from the events.

Its schemas are JSON Schema as that version of AsyncAPI has it by default, in which a `$ref` may have members beside it.
"""

from __future__ import annotations

import json
from functools import cache
from typing import Any, Final

import msgspec

from node.delivery.events import (
    CLIENT_ID,
    ID_PATTERN,
    PRESENCE,
    STATUS,
    STATUS_FILTER,
    SUBJECTS,
    TRACE,
    Subject,
    presence_event,
    status_event,
    trace_event,
)
from node.delivery.mqtt import KEEPALIVE_S
from node.describing.examples import NODE_ID, PARTNER_KEY, SYS_ID
from node.describing.schemas import REF, given
from node.version import VERSION

BINDING: Final = "0.2.0"
GONE: Final = "connectionGone"
"""The message without content that ends a status."""

_AT: Final = 1_767_225_600.0
_EVENT_ID: Final = "3a7b0f6e-0c4d-4d52-8b6d-5a0f7b1c9d2e"
_SESSION: Final = "9f1c2b3a-4d5e-4f60-8a7b-0c1d2e3f4a5b"

INTRODUCTION: Final = f"""\
What nodes tell over MQTT 3.1.1: that they are there, each status of each connection, and each handshake message.

**Nothing here has any authority.** Events are unsigned hints for people and programs that watch; no node acts on one.

**How to listen.** Subscribe to `{STATUS_FILTER}` for all statuses. They are retained: who comes late gets the present
status of every connection at once. `seq` counts the statuses of one connection on one node, from 1, without gaps; what
was missed can be read from the node by `GET /api/v1/connections/{{sys_id}}/events?after=SEQ`. A node whose memory is a
backup that was put back at second `t` goes on at `t` · 2^20 + 1: a higher `seq` is the later status there, too, and
what lies between is no event. The same event may come more than once, with the same `id` and `seq`. An empty message
means that the connection is gone from that node.

**Events are CloudEvents 1.0** in structured JSON. `data` has exactly the members that are listed here. A later version
may add members: leave aside what you don't know.
"""

_MEANINGS: Final = {
    PRESENCE.name: (
        "nodePresence",
        "Whether a node is there",
        (
            "Said when a link to the broker begins and when the node stops; if the link breaks, the broker "
            "says it (the last will). A `lost` or `offline` whose `session` is not that of the last "
            "`online` is old news."
        ),
    ),
    STATUS.name: (
        "connectionStatus",
        "A node's whole view of a connection",
        (
            "Said in the order of `seq`, from an outbox: a broker that is down delays it. After each link the "
            "present status of every connection is said again."
        ),
    ),
    TRACE.name: (
        "handshakeTrace",
        "A handshake message that passed",
        ("Dropped while the broker is down. What kind of message it was, never what it held in free text."),
    ),
}


@cache
def asyncapi_json() -> bytes:
    """The document as JSON."""
    return msgspec.json.encode(asyncapi())


def asyncapi() -> dict[str, Any]:
    """The document."""
    return {
        "asyncapi": "3.0.0",
        "id": "urn:handclasp:broadcasts",
        "info": {
            "title": "Handclasp: the MQTT broadcasts",
            "version": VERSION,
            "description": INTRODUCTION,
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "servers": {"broker": _SERVER},
        "channels": {subject.name: _channel(subject) for subject in SUBJECTS},
        "operations": {f"tell-{subject.name}": _operation(subject) for subject in SUBJECTS},
        "components": {
            "messages": {**{_message_of(subject): _message(subject) for subject in SUBJECTS}, GONE: _GONE},
            "schemas": given(subject.event for subject in SUBJECTS)[1],
        },
    }


_SERVER: Final = {
    "host": "{broker}",
    "protocol": "mqtt",
    "protocolVersion": "3.1.1",
    "description": "The broker that HANDCLASP_MQTT_URL names (mqtt:// or mqtts://), or the one that the node starts on "
    "this machine; `handclasp pair` and the node's log say where.",
    "variables": {"broker": {"default": "127.0.0.1:1883", "description": "Host and port."}},
    "bindings": {
        "mqtt": {
            "clientId": CLIENT_ID,
            "cleanSession": True,
            "keepAlive": KEEPALIVE_S,
            "lastWill": {
                "topic": PRESENCE.address,
                "qos": PRESENCE.qos,
                "retain": PRESENCE.retain,
                "message": "A nodePresence whose state is lost.",
            },
            "bindingVersion": BINDING,
        }
    },
}

_PARAMETERS: Final = {
    "node": {"description": f"The node's id, a UUID. It matches `{ID_PATTERN}`.", "examples": [NODE_ID]},
    "connection": {
        "description": "The connection's `sys_id` on that node, 32 hexadecimal digits.",
        "examples": [SYS_ID],
    },
}

_GONE: Final = {
    "name": GONE,
    "title": "The connection is gone",
    "summary": "An empty message, which clears the retained status.",
    "contentType": "application/octet-stream",
    "payload": {"type": "string", "maxLength": 0},
    "examples": [{"name": "usual", "payload": ""}],
}


def _message_of(subject: Subject) -> str:
    return _MEANINGS[subject.name][0]


def _channel(subject: Subject) -> dict[str, Any]:
    _, title, meaning = _MEANINGS[subject.name]
    names = [_message_of(subject), *([GONE] if subject is STATUS else [])]
    return {
        "address": subject.address,
        "title": title,
        "description": meaning,
        "servers": [{"$ref": "#/servers/broker"}],
        "parameters": {name: said for name, said in _PARAMETERS.items() if f"{{{name}}}" in subject.address},
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in names},
    }


def _operation(subject: Subject) -> dict[str, Any]:
    channel = f"#/channels/{subject.name}"
    names = [_message_of(subject), *([GONE] if subject is STATUS else [])]
    return {
        "action": "send",
        "channel": {"$ref": channel},
        "title": _MEANINGS[subject.name][1],
        "summary": "The node publishes, and everybody may subscribe.",
        "bindings": {"mqtt": {"qos": subject.qos, "retain": subject.retain, "bindingVersion": BINDING}},
        "messages": [{"$ref": f"{channel}/messages/{name}"} for name in names],
    }


def _message(subject: Subject) -> dict[str, Any]:
    event = subject.event
    return {
        "name": _message_of(subject),
        "title": f"The {subject.name} event",
        "summary": f"A CloudEvent of the type `{event.__struct_config__.tag}`.",
        "contentType": "application/json",
        "payload": {"$ref": REF.format(name=event.__name__)},
        "examples": [{"name": "usual", "payload": json.loads(_EXAMPLES[subject.name])}],
    }


_EXAMPLES: Final = {
    PRESENCE.name: presence_event(event_id=_EVENT_ID, at=_AT, node=NODE_ID, state="online", session=_SESSION),
    STATUS.name: status_event(
        event_id=_EVENT_ID,
        at=_AT,
        node=NODE_ID,
        connection=SYS_ID,
        role="source",
        seq=2,
        status="active",
        phase="active",
        reason=None,
        enabled_here=True,
        enabled_there=True,
        mode="script",
        revision=2,
        partner=PARTNER_KEY,
        name="Incidents",
        local_short_name="ACME",
        remote_short_name="Globex",
    ),
    TRACE.name: trace_event(
        event_id=_EVENT_ID,
        at=_AT,
        node=NODE_ID,
        connection=SYS_ID,
        direction="received",
        kind="accept",
        phase="accepted",
        serial=int(_AT),
        revision=1,
        echo_phase=None,
        answer=False,
        message="cd7c2c4f0f2a9d10",
        bytes=458,
    ),
}
