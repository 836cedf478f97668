"""One exchange with a partner: send a connection's present statement, take the answer in."""

from __future__ import annotations

from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from node.causes import Cause
from node.connections import speaking
from node.connections.hearing import take_in
from node.ports import NetworkError
from protocol.envelope import CONTENT_TYPE, Message, Sealed, envelope_bytes, is_envelope_type, peek, read_answer
from protocol.errors import EnvelopeError, Refusal, RemoteProtocolError
from protocol.limits import DELIVERY_BACKOFF_S_MAX
from protocol.node_info import from_json

if TYPE_CHECKING:
    from node.connections.context import Context
    from node.connections.stored import Connection
    from node.ports import HttpAnswer

PEER_PATH = "/peer"
NODE_INFO_PATH = "/.well-known/handclasp"

_OK, _TOO_MANY_REQUESTS = 200, 429


class NoAnswerError(Exception):
    """Whatever came back, or did not, is no answer: the statement stays owed and is sent again.

    Attributes:
        cause: what an admin is shown.
        retry_after_s: how long the other side asked to be left alone, 0 if it did not.
    """

    def __init__(self, cause: Cause, sentence: str, *, retry_after_s: float = 0) -> None:
        super().__init__(sentence)
        self.cause = cause
        self.retry_after_s = retry_after_s


async def show_node(context: Context, url: str, recipient: bytes) -> None:
    """Make sure that the node at a URL that a partner gave holds the pinned key, before anything is pushed to it.

    Raises:
        NoAnswerError: it does not, or can't be asked.
    """
    try:
        answer = await context.network.get(url + NODE_INFO_PATH)
        _heed_rate_limit(context, url, answer)
        if answer.status != _OK:
            raise _not_a_node(context, url, answer)
        info = from_json(answer.body)
    except NetworkError as error:
        raise NoAnswerError(error.cause, str(error)) from error
    except RemoteProtocolError as error:
        raise NoAnswerError(Cause.NOT_A_NODE, f"What answers at {url} is not a Handclasp node.") from error
    if info.key != recipient:
        raise NoAnswerError(Cause.OTHER_NODE, f"At {url} another node answers than the partner.")


async def exchange(context: Context, connection: Connection, recipient: bytes) -> Connection | None:
    """Ask once and take the answer in; the connection as it is then if what it owes is to be said after a pause.

    That is: it is owed all the same, also because the answer made this side's revision jump, or its partner has
    moved. What this side has changed since it asked is owed too, but needs no pause: whoever changed it has told.

    Raises:
        NoAnswerError: no verified answer of the partner came back.
    """
    url = connection.partner.node_url
    if url is None:
        raise ValueError("a connection whose partner has no URL can't be asked")
    sealed = speaking.question(context, connection, recipient)
    speaking.trace(context, sealed, sys_id=connection.sys_id, direction="sent")
    try:
        answer = await context.network.post(url + PEER_PATH, envelope_bytes(sealed), content_type=CONTENT_TYPE)
    except NetworkError as error:
        raise NoAnswerError(error.cause, str(error)) from error
    message = _judge(context, url, answer, sealed, recipient)
    outcome = await context.store.run(lambda tx: take_in(context, tx, message))
    speaking.trace(context, peek(answer.body), sys_id=connection.sys_id, direction="received")
    context.signals.broadcast()
    before, after = outcome.before, outcome.after
    if before is None or after is None or not after.record.owed:
        return None
    moved, changed = after.partner.node_url != url, before.record.mine != connection.record.mine
    return after if moved or not changed else None


def _judge(context: Context, url: str, answer: HttpAnswer, sealed: Sealed, recipient: bytes) -> Message:
    """An answer is signed by the pinned key, to me, and to my question; everything else is none."""
    _heed_rate_limit(context, url, answer)
    if answer.status != _OK or not is_envelope_type(answer.headers.get("content-type")):
        raise _not_a_node(context, url, answer)
    try:
        message = read_answer(answer.body, me=context.key, question=sealed)
    except EnvelopeError as error:
        cause = Cause.NOT_A_NODE if error.refusal is Refusal.MALFORMED else Cause.OTHER_NODE
        raise NoAnswerError(cause, f"What came back from {url} is no answer: {error}") from error
    if message.sender != recipient:
        raise NoAnswerError(Cause.OTHER_NODE, f"At {url} another node answers than the partner.")
    return message


def _heed_rate_limit(context: Context, url: str, answer: HttpAnswer) -> None:
    if answer.status == _TOO_MANY_REQUESTS:
        raise NoAnswerError(
            Cause.RATE_LIMITED,
            f"The node at {url} asks to be left alone.",
            retry_after_s=_retry_after_s(answer, now=context.clock.now()),
        )


def _not_a_node(context: Context, url: str, answer: HttpAnswer) -> NoAnswerError:
    return NoAnswerError(
        Cause.NOT_A_NODE,
        f"What answers at {url} is not the partner's node (HTTP status {answer.status}).",
        retry_after_s=_retry_after_s(answer, now=context.clock.now()),
    )


def _retry_after_s(answer: HttpAnswer, *, now: float) -> float:
    """How long to wait, in seconds or until a date by this node's clock (RFC 9110 10.2.3); 0 if nothing is said."""
    text = answer.headers.get("retry-after", "")
    if text.isascii() and text.isdecimal():
        return min(float(text), DELIVERY_BACKOFF_S_MAX)
    try:
        until = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return 0.0
    at = until if until.tzinfo is not None else until.replace(tzinfo=UTC)
    return min(max(at.timestamp() - now, 0.0), DELIVERY_BACKOFF_S_MAX)
