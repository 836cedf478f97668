"""One example of each body and each answer; a test holds every one to its schema."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from node.admin.bodies import (
    AcceptBody,
    ApiKeyBody,
    CheckBody,
    CodeBody,
    DescribeBody,
    InitiateBody,
    LicenseBody,
    NewCodeBody,
    NothingBody,
    OauthClientBody,
)
from node.connections import shapes
from node.license.license import Kind
from node.network.findings import TABLE, CheckOutcome, Finding
from node.ports import StoreFullError
from node.problems import PROBLEMS, Problem
from node.version import SOFTWARE
from protocol.code_outcomes import SENTENCES, CodeOutcome
from protocol.limits import CODE_LIFETIME_S_DEFAULT
from protocol.modes import Mode
from protocol.records import Status
from protocol.tables import Act
from protocol.vocabulary import Phase, Role

if TYPE_CHECKING:
    from collections.abc import Mapping

NODE_ID: Final = "3f0d6d4e-5c8b-4f0e-9a55-6f2d1c7b8a90"
SYS_ID: Final = "c0ffee00c0ffee00c0ffee00c0ffee00"
KEY: Final = "ubd4-e5jb-d4lx-gpm2-q2lu-niy6"
PARTNER_KEY: Final = "j3xq-2lfa-ovt7-4h6c-mz5d-w2ye"
SOURCE_URL: Final = "https://node.acme.example"
DESTINATION_URL: Final = "https://node.globex.example"
CODE: Final = "handclasp_aeanefvzaaaeaaaaaaaaaaaa"
IDEMPOTENCY_KEY: Final = "0d3c1a52b8f94f7e9a36c1f2a4b5d6e7"
_NOW: Final = "2026-01-01T00:00:00.000Z"
_LATER: Final = "2026-01-08T00:00:00.000Z"
_NOTE: Final = "Incidents of both companies"

_NODE: Final[shapes.NodeView] = {
    "name": "ACME",
    "node_id": NODE_ID,
    "fingerprint": KEY,
    "node_url": SOURCE_URL,
    "instance_url": "https://acme.example",
    "software": SOFTWARE,
}

_LICENSE: Final[shapes.LicenseAnswer] = {
    "license": {
        "kind": Kind.EVALUATION,
        "ends_at": "2026-01-31T00:00:00.000Z",
        "licensee": None,
        "may_initiate": True,
        "sentence": "The evaluation goes on for another 30 days, until 2026-01-31 00:00 UTC.",
    }
}

_FOUND: Final[shapes.CheckAnswer] = {
    "outcome": CheckOutcome.OK,
    "sentence": TABLE[Finding.OK][1].format(name="Globex", url=DESTINATION_URL),
    "remedy": TABLE[Finding.OK][2],
    "modes": [Mode.SCRIPT],
    "reason": None,
    "node_url": DESTINATION_URL,
    "instance_url": "https://globex.example",
    "name": "Globex",
    "fingerprint": PARTNER_KEY,
}

_PENDING: Final[shapes.ConnectionView] = {
    "sys_id": SYS_ID,
    "role": Role.SOURCE,
    "status": Status.PENDING,
    "reason": None,
    "name": "Incidents",
    "local_short_name": "ACME",
    "remote_short_name": "Globex",
    "description": _NOTE,
    "mode": Mode.SCRIPT,
    "mine": {"phase": Phase.PENDING, "revision": 1, "enabled": False, "reason": None},
    "theirs": None,
    "partner": {
        "fingerprint": None,
        "node_id": None,
        "name": "Globex",
        "node_url": DESTINATION_URL,
        "instance_url": "https://globex.example",
        "software": None,
    },
    "fingerprint": KEY,
    "bound": True,
    "ask_me": False,
    "expires_at": _LATER,
    "owed": True,
    "removed": False,
    "waiting": {"cause": None, "sentence": "It is being told now.", "tries": 0, "next_at": None},
    "possible_acts": [Act.NEW_CODE, Act.WITHDRAW, Act.REMOVE],
    "seq": 1,
    "created_at": _NOW,
    "changed_at": _NOW,
}

_ACTIVE: Final[shapes.ConnectionView] = {
    **_PENDING,
    "status": Status.ACTIVE,
    "mine": {"phase": Phase.ACTIVE, "revision": 2, "enabled": True, "reason": None},
    "theirs": {"phase": Phase.ACCEPTED, "revision": 1, "enabled": True, "reason": None},
    "partner": {
        "fingerprint": PARTNER_KEY,
        "node_id": "9f1c2b3a-4d5e-4f60-8a7b-0c1d2e3f4a5b",
        "name": "Globex",
        "node_url": DESTINATION_URL,
        "instance_url": "https://globex.example",
        "software": SOFTWARE,
    },
    "expires_at": None,
    "owed": False,
    "waiting": None,
    "possible_acts": [Act.DEACTIVATE, Act.REMOVE],
    "seq": 2,
}

_EVENT: Final[dict[str, Any]] = {
    "type": "handclasp.connection.status.v1",
    "specversion": "1.0",
    "id": "3a7b0f6e-0c4d-4d52-8b6d-5a0f7b1c9d2e",
    "source": f"/nodes/{NODE_ID}/connections/{SYS_ID}",
    "time": _NOW,
    "datacontenttype": "application/json",
    "data": {
        "node": NODE_ID,
        "connection": SYS_ID,
        "role": "source",
        "seq": 2,
        "status": "active",
        "phase": "active",
        "reason": None,
        "enabled_here": True,
        "enabled_there": True,
        "mode": "script",
        "revision": 2,
        "partner": PARTNER_KEY,
        "name": "Incidents",
        "local_short_name": "ACME",
        "remote_short_name": "Globex",
    },
}

_INVITATION: Final[shapes.InvitationAnswer] = {
    "invitation": {
        "another_key": False,
        "connection": SYS_ID,
        "source": {"node_url": SOURCE_URL, "fingerprint": KEY, "short_name": "ACME"},
        "destination_short_name": "Globex",
        "name": "Incidents",
        "mode": Mode.SCRIPT,
        "expires_at": 1_767_830_400,
        "expired": False,
        "bound_to_this_node": True,
        "label": "handclasp_k2q7x4vd",
    }
}

ANSWERS: Final[Mapping[type, Mapping[str, Any]]] = {
    shapes.NodeView: _NODE,
    shapes.LicenseAnswer: _LICENSE,
    shapes.CheckAnswer: _FOUND,
    shapes.OauthClientAnswer: {
        "client_id": "5d41402abc4b2a76b9719d911017c592",
        "client_secret": "Zk3v1mN0c8Qw5yT7uR2pL9xE4aB6dF0gH1jK3sV5nM8",
    },
    shapes.ApiKeyAnswer: {"user": "robot", "api_key": "Qw5yT7uR2pL9xE4aB6dF0gH1jK3sV5nM8Zk3v1mN0c8"},
    shapes.ConnectionAnswer: {"connection": _ACTIVE},
    shapes.ActAnswer: {"connection": _ACTIVE},
    shapes.CodeAnswer: {"connection": _PENDING, "invitation_code": CODE},
    shapes.ConnectionsAnswer: {"connections": [_ACTIVE], "next": None},
    shapes.ShownAnswer: {
        "connection": _ACTIVE,
        "notices": [{"at": _NOW, "kind": shapes.NoticeKind.OTHER_HOLDER, "about": "ap5w-kd3n-6tyq-b2jc-s4ve-7x2m"}],
    },
    shapes.EventsAnswer: {"events": [_EVENT]},
    shapes.InvitationCodeAnswer: {"invitation_code": CODE},
    shapes.InvitationAnswer: _INVITATION,
}

BODIES: Final[Mapping[type, Mapping[str, Any]]] = {
    CheckBody: {"url": DESTINATION_URL},
    InitiateBody: {
        "name": "Incidents",
        "local_short_name": "ACME",
        "remote_short_name": "Globex",
        "destination_url": DESTINATION_URL,
        "description": _NOTE,
    },
    CodeBody: {"code": CODE},
    LicenseBody: {"key": "handclasp-license_aeaaaaaaaaaaaaaa"},
    OauthClientBody: {"name": "Service desk dashboard", "user": "robot"},
    ApiKeyBody: {"user": "robot"},
    NothingBody: {},
    NewCodeBody: {"code_lifetime_s": CODE_LIFETIME_S_DEFAULT},
    DescribeBody: {"description": _NOTE},
    AcceptBody: {"code": CODE, "description": _NOTE},
}

_OF_MEMBERS: Final = {
    (Problem.CHECK_FAILED, "outcome"): CheckOutcome.UNREACHABLE,
    (Problem.CODE_REFUSED, "outcome"): CodeOutcome.EXPIRED,
}


_DETAILS: Final[Mapping[Problem, str]] = {
    Problem.MALFORMED: "The body is not JSON.",
    Problem.INVALID_FIELD: "The connection name is empty.",
    Problem.UNKNOWN_FIELD: "The field 'nmae' is not known here.",
    Problem.MISSING_FIELD: "The field name is missing.",
    Problem.UNSUPPORTED_MEDIA_TYPE: "The content type text/plain is not taken here.",
    Problem.TOO_LARGE: "The request has 200000 bytes.",
    Problem.TOO_SLOW: "The body was not all there after 30 s.",
    Problem.UNAUTHENTICATED: "This is for admins of this instance only.",
    Problem.NOT_FOUND: "This instance has no connection with that sys_id.",
    Problem.METHOD_NOT_ALLOWED: "DELETE is not allowed here.",
    Problem.NOT_POSSIBLE_NOW: "Nothing waits to be told to the partner.",
    Problem.IDEMPOTENCY_KEY_REUSED: "This Idempotency-Key was used for another request before.",
    Problem.NAME_TAKEN: 'Another connection of this instance is called "Incidents".',
    Problem.MODE_NOT_OFFERED: "This node does not offer the mode basic.",
    Problem.NOT_PUBLIC: "This instance has no node URL, so no destination could reach it to accept.",
    Problem.NOT_LICENSED: "The evaluation ended on 2026-01-31 00:00 UTC. Without a license no new connection is "
    "initiated in Script mode.",
    Problem.CHECK_FAILED: f"{DESTINATION_URL} can't be reached.",
    Problem.LICENSE_KEY_REFUSED: "This license key ended on 2026-01-31 00:00 UTC: ask for a new one.",
    Problem.CODE_REFUSED: SENTENCES[CodeOutcome.EXPIRED],
    Problem.DISK_FULL: str(StoreFullError()),
    Problem.INTERNAL: "The node failed to answer this request.",
}


def problem(kind: Problem) -> dict[str, Any]:
    """A problem document of that type."""
    row = PROBLEMS[kind]
    return {
        "type": f"/problems/{kind}",
        "title": row.title,
        "status": row.status,
        "detail": _DETAILS[kind],
        "remedy": row.remedy,
        **{name: _OF_MEMBERS.get((kind, name), "name") for name in row.members},
    }
