"""What may come back to a `tests.node.stores_world` instead of the answer that was asked for."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from node.ports import HttpAnswer
from protocol.envelope import CONTENT_TYPE, envelope_bytes, open_message, peek, seal
from protocol.identity import SigningKey
from protocol.limits import JUMP_LIMIT
from protocol.vocabulary import Kind, Phase, Reason, Side, Statement

if TYPE_CHECKING:
    from collections.abc import Sequence

FORGER = SigningKey(bytes(32))


class Impostor(Enum):
    """Who answers instead; the value is how a story tells what comes back."""

    GONE = "an unsigned 410"
    CONFLICT = "an unsigned refusal, as JSON"
    PORTAL = "a page of a captive portal"
    OLD = "an answer to an older question"
    OWN = "the question itself"
    FORGED = "an answer by another key"


_UNSIGNED = {
    Impostor.GONE: HttpAnswer(status=410),
    Impostor.CONFLICT: HttpAnswer(status=409, headers={"content-type": CONTENT_TYPE}, body=b"closed"),
    Impostor.PORTAL: HttpAnswer(status=200, headers={"content-type": "text/html"}, body=b"<html>log in</html>"),
}


def pretended(impostor: Impostor, question: bytes, answers: Sequence[HttpAnswer]) -> HttpAnswer:
    """What comes back to a question; `answers` are all that were ever given.

    Where no older answer of the right node to the right one about this connection is known, another key answers.
    """
    if impostor in _UNSIGNED:
        return _UNSIGNED[impostor]
    body = question if impostor is Impostor.OWN else None
    if impostor is Impostor.OLD:
        body = _older(question, answers)
    return HttpAnswer(status=200, headers={"content-type": CONTENT_TYPE}, body=body or _forged(question))


def _older(question: bytes, answers: Sequence[HttpAnswer]) -> bytes | None:
    asked = peek(question)
    wanted = asked.head.recipient, asked.head.sender, asked.head.connection
    for answer in reversed(answers):
        head = peek(answer.body).head
        if (head.sender, head.recipient, head.connection) == wanted and head.in_reply_to != asked.message_id:
            return answer.body
    return None


def _forged(question: bytes) -> bytes:
    asked = open_message(peek(question))
    closed = Side(JUMP_LIMIT, Phase.CLOSED, reason=Reason.REMOVED)
    return envelope_bytes(
        seal(
            Statement(serial=asked.statement.serial, side=closed, echo=asked.statement.side.echo),
            kind=Kind.STATUS,
            role=asked.role.other,
            recipient=asked.sender,
            connection=asked.connection,
            time_ms=0,
            in_reply_to=asked.message_id,
            key=FORGER,
        )
    )
