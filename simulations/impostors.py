"""What answers in a node's place and is none: portals, proxies, forgers. No node may take any of it for an answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgpack  # type: ignore[import-untyped]  # it ships no types

from node.ports import HttpAnswer
from protocol.envelope import CONTENT_TYPE
from protocol.identity import MESSAGE_DOMAIN, SigningKey
from protocol.limits import PROTOCOL_VERSION, SIGNATURE_BYTES

if TYPE_CHECKING:
    from simulations.faults import Plan
    from simulations.wire import Said

_HTML: Final = {"content-type": "text/html; charset=utf-8"}
_PLAIN: Final = {"content-type": "text/plain; charset=utf-8"}
_YEAR_S: Final = 365 * 24 * 3600

PORTALS: Final = (
    HttpAnswer(status=200, headers=_HTML, body=b"<title>Welcome to the hotel</title>"),
    HttpAnswer(status=200, headers={"content-type": "application/json"}, body=b'{"kind":"servicenow"}'),
    HttpAnswer(status=200, headers={"content-type": CONTENT_TYPE}, body=b"\xc1"),
    HttpAnswer(status=302, headers={**_HTML, "location": "http://portal.test/"}),
    HttpAnswer(status=401, headers=_HTML),
    HttpAnswer(status=404, headers=_PLAIN, body=b"404: Not Found"),
    HttpAnswer(status=409, headers=_PLAIN, body=b"closed"),
    HttpAnswer(status=410, headers=_PLAIN),
    HttpAnswer(status=429, headers={**_PLAIN, "retry-after": str(_YEAR_S)}),
    HttpAnswer(status=429, headers=_PLAIN),
    HttpAnswer(status=451, headers=_HTML),
    HttpAnswer(status=502, headers=_HTML, body=b"Bad Gateway"),
    HttpAnswer(status=503, headers={**_PLAIN, "retry-after": "120"}),
)

_FORGER: Final = SigningKey(b"forger".ljust(32, b"\0"))

_CLOSED, _REASONS = "closed", ("unknown", "replaced", "used", "withdrawn", "removed")
_PHASES: Final = {"source": ("active", "awaiting", _CLOSED), "destination": ("accepted", "announced", _CLOSED)}


def portal_answer(plan: Plan, name: str) -> HttpAnswer:
    """One of the things that stand between nodes and speak for themselves."""
    return PORTALS[plan.below(len(PORTALS), "portal", name)]


def forged_answer(plan: Plan, name: str, question: Said) -> HttpAnswer:
    """A well-formed answer to the question; its signature is nobody's, or the forger's own.

    What it says would matter: that the partner's side is closed, or further than it is.
    """
    role = "source" if question.role == "destination" else "destination"
    phases = _PHASES[role]
    phase = phases[plan.below(len(phases) + 2, "phase", name) % len(phases)]
    revision = question.echo.revision + 1 if question.echo is not None else 1
    signs_itself = plan.below(2, "signs", name) == 0
    body = msgpack.packb(
        [
            PROTOCOL_VERSION,
            "status",
            role,
            _FORGER.public if signs_itself else question.recipient,
            question.sender,
            question.connection,
            0,
            question.message,
            question.serial,
            revision,
            phase,
            phase in {"active", "awaiting", "accepted"},
            _REASONS[plan.below(len(_REASONS), "reason", name)] if phase == _CLOSED else None,
            list(question.mine),
            None,
            None,
        ]
    )
    signature = _FORGER.sign(MESSAGE_DOMAIN, body) if plan.below(3, "signed", name) else bytes(SIGNATURE_BYTES)
    return HttpAnswer(status=200, headers={"content-type": CONTENT_TYPE}, body=msgpack.packb([body, signature]))
