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


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row of the table.

    Attributes:
        status: the HTTP status.
        title: what has happened.
        when: in which cases.
        remedy: what to do about it.
        members: what its documents also have, beside what all have; see MEMBERS.
        may_have: likewise, but not always.
    """

    status: int
    title: str
    when: str
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
    Problem.MALFORMED: Row(
        status=400,
        title="The request can't be read",
        when="The body is not JSON, not an object, not UTF-8, or breaks off.",
        remedy="Send one JSON object, encoded in UTF-8.",
    ),
    Problem.INVALID_FIELD: Row(
        status=422,
        title="A field has a value that is not allowed",
        when="A field, a parameter or a header has the wrong type, is too long, is out of range, or holds a character "
        "that can't be seen.",
        remedy="Correct the field that is named.",
        members=("field",),
    ),
    Problem.UNKNOWN_FIELD: Row(
        status=422,
        title="A field is not known",
        when="A field or a parameter is there that this operation does not have.",
        remedy="Leave it out, or spell it as the documentation does.",
        members=("field",),
    ),
    Problem.MISSING_FIELD: Row(
        status=422,
        title="A field is missing",
        when="A field that must be there is not.",
        remedy="Add the field that is named.",
        members=("field",),
    ),
    Problem.UNSUPPORTED_MEDIA_TYPE: Row(
        status=415,
        title="The content type is not taken",
        when="The body is of another media type, or it is compressed.",
        remedy="Send `Content-Type: application/json`, uncompressed.",
    ),
    Problem.TOO_LARGE: Row(
        status=413,
        title="The request is too large",
        when="The body is larger than anything that is taken.",
        remedy="Send less than 128 KiB.",
    ),
    Problem.TOO_SLOW: Row(
        status=408,
        title="The request did not come in time",
        when="The body was not all there after 30 seconds.",
        remedy="Send it again, without pauses.",
    ),
    Problem.UNAUTHENTICATED: Row(
        status=401,
        title="The admin token is missing or wrong",
        when="There is no token, or it does not count: it is wrong, or it was revoked.",
        remedy="Send `Authorization: Bearer …` with the token from the file admin.token in the node's data directory.",
    ),
    Problem.NOT_FOUND: Row(
        status=404,
        title="There is no such thing here",
        when="Nothing stands at the path, no connection has that sys_id, or a write that is sent again was about a "
        "connection that has gone since.",
        remedy="Look a connection up in the list of connections, a path in the API Reference of the console.",
    ),
    Problem.METHOD_NOT_ALLOWED: Row(
        status=405,
        title="The method is not allowed here",
        when="Something stands at the path, but it does not take this method.",
        remedy="Use one of the methods in `Allow`.",
    ),
    Problem.NOT_POSSIBLE_NOW: Row(
        status=409,
        title="That is not possible in the present status",
        when="The status of the connection, or this node's role in it, does not admit the act; or there is no living "
        "code to show, or nothing to tell the partner.",
        remedy="Look at the connection's status and possible acts.",
    ),
    Problem.IDEMPOTENCY_KEY_REUSED: Row(
        status=422,
        title="The idempotency key belongs to another request",
        when="The same key came with another request in the last 24 hours.",
        remedy="Make a new key for each new request.",
    ),
    Problem.NAME_TAKEN: Row(
        status=409,
        title="Another connection has that name",
        when="Another connection of this instance that is still open has that name; or, in the console, another token.",
        remedy="Choose another connection name.",
        may_have=("field",),
    ),
    Problem.MODE_NOT_OFFERED: Row(
        status=409,
        title="The configuration mode is not offered",
        when="The mode is one that this node, or the destination, does not offer.",
        remedy="Use the mode script: basic and visual need record synchronisation, which this version does not have.",
    ),
    Problem.NOT_PUBLIC: Row(
        status=409,
        title="This instance is not public",
        when="A connection is to be initiated by a node without a node URL, which no destination could reach.",
        remedy="Start the node with --node-url (HANDCLASP_NODE_URL): the URL by which partners reach it.",
    ),
    Problem.NOT_LICENSED: Row(
        status=409,
        title="The license does not allow it",
        when="A connection is to be initiated after the evaluation, or the license, has ended.",
        remedy="Enter a license key under License Details in the console. Existing connections run on, and "
        "invitations of others can be accepted.",
    ),
    Problem.CHECK_FAILED: Row(
        status=409,
        title="The destination can't be connected to",
        when="The destination is looked at before a connection is made, and something is wrong with it.",
        remedy="Do what the remedy of the check's outcome says.",
        members=("outcome",),
    ),
    Problem.LICENSE_KEY_REFUSED: Row(
        status=422,
        title="The license key does not count here",
        when="The key is mistyped, was signed by somebody else or has ended, or this node was not told whose keys "
        "count.",
        remedy="Do what its sentence says.",
        members=("field",),
    ),
    Problem.CODE_REFUSED: Row(
        status=422,
        title="The invitation code can't be used",
        when="The text holds no code, or one that is damaged, forged, this node's own, for another node, or known "
        "to be dead.",
        remedy="Do what its sentence says.",
        members=("outcome",),
        may_have=("connection",),
    ),
    Problem.DISK_FULL: Row(
        status=507,
        title="The disk is full",
        when="What was asked for could not be kept.",
        remedy="Make room on the disk of the node's data directory. Nothing was changed; the node goes on by itself.",
    ),
    Problem.INTERNAL: Row(
        status=500,
        title="The node failed",
        when="The fault is the node's own; it has written it to its log.",
        remedy="Look at the node's log; nothing was changed.",
    ),
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
