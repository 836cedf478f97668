"""`POST /peer`: one signed envelope in, one signed envelope out.

The checks run in the protocol's order, cheap ones first. A signed answer, also a refusal, is HTTP 200; whatever is
not a verified question gets an unsigned error that tells nothing of any state and that no node takes for an answer.
"""

from __future__ import annotations

from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING

from aiohttp import web

from node.connections import speaking
from node.connections.hearing import Outcome, take_in
from node.logs import get_logger
from protocol.envelope import (
    CONTENT_TYPE,
    Message,
    Sealed,
    admit_question,
    envelope_bytes,
    open_message,
    peek,
    verify_signature,
)
from protocol.errors import EnvelopeError
from protocol.limits import MESSAGE_BYTES_MAX

if TYPE_CHECKING:
    from collections.abc import Callable

    from node.connections.context import Context

_log = get_logger(__name__)

PREFIX_BITS = {4: 24, 6: 48}


class PeerEndpoint:
    """The handler; `heard` is told the kind and result of each envelope."""

    def __init__(self, context: Context, *, heard: Callable[[str, str], None]) -> None:
        self._context = context
        self._heard = heard

    async def handle(self, request: web.Request) -> web.Response:
        """Check, take in, commit, answer."""
        if (refusal := _carrier_refusal(request)) is not None:
            self._heard("unknown", "bad-carrier")
            return refusal
        try:
            data = await request.content.readexactly(request.content_length or 0)
            sealed = peek(data)
            admit_question(sealed, me=self._context.key)
            verify_signature(sealed)
            message = open_message(sealed)
        except EnvelopeError as error:
            self._heard("unknown", error.refusal.value)
            _log.debug("envelope_refused", refusal=error.refusal.value, why=str(error))
            return _plain(400, str(error))
        outcome = await self._context.store.run(
            lambda tx: take_in(self._context, tx, message, prefix=network_prefix(request.remote))
        )
        self._heard(message.kind.value, f"row-{outcome.step.row}")
        return self._answer(outcome, sealed, message)

    def _answer(self, outcome: Outcome, question: Sealed, message: Message) -> web.Response:
        context, signals = self._context, self._context.signals
        signals.broadcast()
        signals.heard_from(message.sender)
        after = outcome.after
        if outcome.answer is None:
            raise AssertionError("every question has an answer")
        sealed = speaking.answer(context, message, outcome.answer)
        if after is not None:
            if after.record.owed and after.recipient is not None:
                signals.owed(after.recipient)
            speaking.trace(context, question, sys_id=after.sys_id, direction="received")
            speaking.trace(context, sealed, sys_id=after.sys_id, direction="sent")
        return web.Response(body=envelope_bytes(sealed), content_type=CONTENT_TYPE)


def network_prefix(remote: str | None) -> str:
    """The network that counts as one sender: an IPv4 /24, an IPv6 /48."""
    try:
        address = ip_address(remote or "")
    except ValueError:
        return ""
    return str(ip_network((address, PREFIX_BITS[address.version]), strict=False))


def _carrier_refusal(request: web.Request) -> web.Response | None:
    """Check 1: what can be judged before a byte of the body is read."""
    if request.headers.get("Content-Type") != CONTENT_TYPE:
        return _plain(415, f"Send an envelope as {CONTENT_TYPE}.")
    if "Content-Encoding" in request.headers:
        return _plain(415, "Send the envelope uncompressed.")
    if request.content_length is None:
        return _plain(411, "Say the length of the envelope in Content-Length.")
    if request.content_length > MESSAGE_BYTES_MAX:
        return _plain(413, f"An envelope has at most {MESSAGE_BYTES_MAX} bytes.")
    return None


def _plain(status: int, sentence: str) -> web.Response:
    return web.Response(status=status, text=sentence + "\n")
