"""Statuses, reasons and spans of time, as people read them, on the command line and in the console."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

STATUSES: Final = {
    "pending": "Pending",
    "invited": "Invited",
    "accepting": "Accepting",
    "awaiting-approval": "Awaiting approval",
    "active": "Active",
    "deactivated-here": "Deactivated here",
    "deactivated-there": "Deactivated there",
    "deactivated-both": "Deactivated on both sides",
    "closed": "Closed",
}

REASONS: Final = {
    "withdrawn": "the source's admin withdrew the invitation code",
    "expired": "the invitation code expired before it was accepted",
    "refused": "the source's admin did not approve",
    "declined": "the destination's admin declined",
    "cancelled": "the destination's admin cancelled",
    "removed": "an admin removed the connection",
    "by-partner": "the other side closed it",
    "restored": "a node was restored from a backup that is older than the connection",
    "used": "another node used the invitation code first",
    "replaced": "the source replaced the invitation code with a newer one",
    "not-for-you": "the invitation code was made for another node",
    "bad-proof": "the source did not recognise the invitation code",
    "unknown": "the source does not know the connection any more",
}

NO_URL: Final = "The partner gave no URL: it is told when it calls next, which it does at its start and about daily."
"""Why a statement waits without being tried."""

_NOTICES: Final = {
    "other_holder": "Another node holds a valid invitation code of this connection, and was refused. Its fingerprint:",
    "restored": (
        "A backup of this node was put back: its open invitation codes died, and each connection was compared with its "
        "partner. The backup is of"
    ),
    "older_data": "This instance's data were older than what it had once told its partner: a backup was put back.",
}

_UNITS: Final = (("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1))
_LIFETIME: Final = re.compile(r"(\d{1,9})\s*([smhdw])", re.ASCII | re.IGNORECASE)
_SECONDS: Final = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}


def notice(kind: str) -> str:
    """What a notice to an admin says; its `about` stands beside it."""
    return _NOTICES.get(kind, kind)


def status(connection: Mapping[str, Any]) -> str:
    """A connection's status, from its JSON."""
    if connection["status"] == "awaiting-approval" and connection["role"] == "source":
        return "Awaiting your approval"
    return STATUSES.get(str(connection["status"]), str(connection["status"]))


def reason(connection: Mapping[str, Any]) -> str | None:
    """Why it is closed; none if it isn't."""
    found = connection["reason"]
    return REASONS.get(found, found) if found is not None else None


def span(seconds: float, *, most: int = 2) -> str:
    """A span of time in its largest units, at most that many: "6 days and 23 hours"."""
    rest, counts = int(seconds), []
    for name, size in _UNITS:
        count, rest = divmod(rest, size)
        counts.append(f"{count} {name}{'' if count == 1 else 's'}" if count else "")
    largest = next((place for place, text in enumerate(counts) if text), None)
    if largest is None:
        return "less than a second"
    return " and ".join(text for text in counts[largest : largest + most] if text)


def day_and_time(at_s: float) -> str:
    """An instant: "2025-03-01 14:05 UTC"."""
    return datetime.fromtimestamp(at_s, UTC).strftime("%Y-%m-%d %H:%M UTC")


def time_of_day(at_s: float) -> str:
    """An instant of today: "14:05:11 UTC"."""
    return datetime.fromtimestamp(at_s, UTC).strftime("%H:%M:%S UTC")


def rfc3339(at_s: float) -> str:
    """An instant for programs: "2025-03-01T14:05:00Z"."""
    return datetime.fromtimestamp(at_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def moment(text: str) -> str:
    """An instant of the admin API (RFC 3339), to the second."""
    return text[:19].replace("T", " ") + " UTC"


def unix_s(text: str) -> float:
    """An instant of the admin API (RFC 3339) in Unix seconds."""
    return datetime.fromisoformat(text).timestamp()


def lifetime_s(text: str) -> int:
    """The seconds that "7d", "12h" or "30m" means.

    Raises:
        ValueError: it means none.
    """
    found = _LIFETIME.fullmatch(text.strip())
    if found is None:
        raise ValueError("write a number and a unit, as in 7d, 12h, 30m or 90s")
    return int(found[1]) * _SECONDS[found[2].lower()]
