"""What a node refuses its own admins, as problems (RFC 9457): one table, one sentence each, one remedy each."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Problem(StrEnum):
    """The problem types; the `type` of an answer is `/problems/` and this."""

    MALFORMED = "malformed"
    INVALID_FIELD = "invalid-field"
    UNKNOWN_FIELD = "unknown-field"
    MISSING_FIELD = "missing-field"
    UNSUPPORTED_MEDIA_TYPE = "unsupported-media-type"
    TOO_LARGE = "too-large"
    TOO_SLOW = "too-slow"
    UNAUTHENTICATED = "unauthenticated"
    NOT_FOUND = "not-found"
    METHOD_NOT_ALLOWED = "method-not-allowed"
    NOT_POSSIBLE_NOW = "not-possible-now"
    IDEMPOTENCY_KEY_REUSED = "idempotency-key-reused"
    NAME_TAKEN = "name-taken"
    MODE_NOT_OFFERED = "mode-not-offered"
    NOT_PUBLIC = "not-public"
    NOT_LICENSED = "not-licensed"
    CHECK_FAILED = "check-failed"
    LICENSE_KEY_REFUSED = "license-key-refused"
    CODE_REFUSED = "code-refused"
    DISK_FULL = "disk-full"
    INTERNAL = "internal"


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the table.

    Attributes:
        status: the HTTP status.
        title: what has happened.
        remedy: what to do about it.
        members: what its documents also have, beside what all have; see MEMBERS.
        may_have: likewise, but not always.
    """

    status: int
    title: str
    remedy: str
    members: tuple[str, ...] = ()
    may_have: tuple[str, ...] = ()


MEMBERS: dict[str, str] = {
    "field": "The name of the field, parameter or header that it is about.",
    "outcome": "What exactly is wrong, as one word for programs.",
    "connection": "The sys_id of the connection of this node that it is about.",
}
"""The members that some problem documents have beside those of all."""


PROBLEMS: dict[Problem, Row] = {
    Problem.MALFORMED: Row(400, "The request can't be read", "Send one JSON object, encoded in UTF-8."),
    Problem.INVALID_FIELD: Row(
        422, "A field has a value that is not allowed", "Correct the field that is named.", members=("field",)
    ),
    Problem.UNKNOWN_FIELD: Row(
        422, "A field is not known", "Leave it out, or spell it as the documentation does.", members=("field",)
    ),
    Problem.MISSING_FIELD: Row(422, "A field is missing", "Add the field that is named.", members=("field",)),
    Problem.UNSUPPORTED_MEDIA_TYPE: Row(
        415, "The content type is not taken", "Send `Content-Type: application/json`, uncompressed."
    ),
    Problem.TOO_LARGE: Row(413, "The request is too large", "Send less than 128 KiB."),
    Problem.TOO_SLOW: Row(408, "The request did not come in time", "Send it again, without pauses."),
    Problem.UNAUTHENTICATED: Row(
        401,
        "The admin token is missing or wrong",
        "Send `Authorization: Bearer …` with the token from the file admin.token in the node's data directory.",
    ),
    Problem.NOT_FOUND: Row(404, "There is no such thing here", "Look it up in the list of connections."),
    Problem.METHOD_NOT_ALLOWED: Row(405, "The method is not allowed here", "Use one of the methods in `Allow`."),
    Problem.NOT_POSSIBLE_NOW: Row(
        409,
        "That is not possible in the present status",
        "Look at the connection's status and possible acts.",
    ),
    Problem.IDEMPOTENCY_KEY_REUSED: Row(
        422, "The idempotency key belongs to another request", "Make a new key for each new request."
    ),
    Problem.NAME_TAKEN: Row(
        409, "Another connection has that name", "Choose another connection name.", may_have=("field",)
    ),
    Problem.MODE_NOT_OFFERED: Row(
        409,
        "The configuration mode is not offered",
        "Use the mode script: basic and visual need record synchronisation, which this version does not have.",
    ),
    Problem.NOT_PUBLIC: Row(
        409,
        "This instance is not public",
        "Start the node with --node-url (HANDCLASP_NODE_URL): the URL by which partners reach it.",
    ),
    Problem.NOT_LICENSED: Row(
        409,
        "The license does not allow it",
        "Enter a license key under License Details in the console. Existing connections run on, and invitations of "
        "others can be accepted.",
    ),
    Problem.LICENSE_KEY_REFUSED: Row(
        422, "The license key does not count here", "Do what its sentence says.", members=("field",)
    ),
    Problem.CHECK_FAILED: Row(
        409,
        "The destination can't be connected to",
        "Do what the remedy of the check's outcome says.",
        members=("outcome",),
    ),
    Problem.CODE_REFUSED: Row(
        422,
        "The invitation code can't be used",
        "Do what its sentence says.",
        members=("outcome",),
        may_have=("connection",),
    ),
    Problem.DISK_FULL: Row(
        507,
        "The disk is full",
        "Make room on the disk of the node's data directory. Nothing was changed; the node goes on by itself.",
    ),
    Problem.INTERNAL: Row(500, "The node failed", "Look at the node's log; nothing was changed."),
}


class ProblemError(Exception):
    """A request of an admin that is refused; nothing was changed.

    Attributes:
        problem: which type.
        sentence: what is wrong in this case.
        extra: further members of the problem document, for programs.
    """

    def __init__(self, problem: Problem, sentence: str, **extra: Any) -> None:
        super().__init__(sentence)
        self.problem = problem
        self.sentence = sentence
        self.extra = extra

    def document(self) -> dict[str, Any]:
        """The problem document (RFC 9457 section 3.1)."""
        row = PROBLEMS[self.problem]
        return {
            "type": f"/problems/{self.problem}",
            "title": row.title,
            "status": row.status,
            "detail": self.sentence,
            "remedy": row.remedy,
            **self.extra,
        }
