"""`POST /peer`: one signed envelope in, one signed envelope out.

The checks run in the protocol's order, cheap ones first. A signed answer, also a refusal, is HTTP 200; whatever is
not a verified question gets an unsigned error that tells nothing of any state and that no node takes for an answer.
A network that sends too much of what is refused is turned away before that, see `node.peer.rates`.
"""

from __future__ import annotations

import asyncio
from functools import lru_cache
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING

from aiohttp import web

from node.connections import speaking
from node.connections.announcing import Renewals, TooManyAnnouncementsError
from node.connections.hearing import Outcome, take_in
from node.logs import get_logger
from node.peer.rates import RefusalRates
from node.ports import StoreFullError
from protocol.envelope import (
    CONTENT_TYPE,
    Message,
    Sealed,
    admit_question,
    envelope_bytes,
    is_envelope_type,
    open_message,
    peek,
    verify_signature,
)
from protocol.errors import EnvelopeError
from protocol.limits import MESSAGE_BYTES_MAX, REQUEST_S_MAX

if TYPE_CHECKING:
    from collections.abc import Callable

    from node.connections.context import Context

_log = get_logger(__name__)

PREFIX_BITS = {4: 24, 6: 48}
ANNOUNCEMENTS_RETRY_S = 600
"""When a network may try again that has announced enough for an hour: other statements to here wait with it."""


class PeerEndpoint:
    """The handler; `heard` is told the kind and result of each envelope."""

    def __init__(self, context: Context, *, heard: Callable[[str, str], None]) -> None:
        self._context = context
        self._heard = heard
        self._rates = RefusalRates(context.clock)
        self._renewals = Renewals()

    async def handle(self, request: web.Request) -> web.Response:
        """Check, take in, commit, answer."""
        network = network_prefix(request.remote)
        wait_s = self._rates.wait_s(network)
        if wait_s and not self._rates.has_partners(network):
            return self._turned_away(wait_s)
        if (refusal := _carrier_refusal(request)) is not None:
            return self._refused(network, refusal, "bad-carrier")
        try:
            sealed = peek(await _body(request))
            if wait_s and not self._rates.is_partner(network, sealed.head.sender):
                return self._turned_away(wait_s)
            admit_question(sealed, me=self._context.key)
            verify_signature(sealed)
            message = open_message(sealed)
        except EnvelopeError as error:
            _log.debug("envelope_refused", refusal=error.refusal.value, why=str(error))
            return self._refused(network, _plain(400, str(error)), error.refusal.value)
        except (asyncio.IncompleteReadError, ConnectionError):
            return self._refused(
                network, _plain(400, "The envelope is shorter than its Content-Length."), "bad-carrier"
            )
        except TimeoutError:
            return self._refused(network, _plain(408, "The envelope did not come in time."), "bad-carrier")
        try:
            outcome = await self._context.store.run(
                lambda tx: take_in(self._context, tx, message, prefix=network, renewals=self._renewals)
            )
        except TooManyAnnouncementsError:
            self._rates.refused(network)
            self._heard(message.kind.value, "rate-limited")
            return _too_many(ANNOUNCEMENTS_RETRY_S, "Enough invitations came from this network within an hour.")
        except StoreFullError:
            self._heard(message.kind.value, "disk-full")
            return _plain(503, "This node can keep nothing now. Try again later.")
        self._heard(message.kind.value, f"row-{outcome.step.row}")
        return self._answer(outcome, sealed, message, network)

    def _refused(self, network: str, refusal: web.Response, result: str) -> web.Response:
        if wait_s := self._rates.wait_s(network):
            return self._turned_away(wait_s)
        self._rates.refused(network)
        self._heard("unknown", result)
        return refusal

    def _turned_away(self, wait_s: int) -> web.Response:
        self._heard("unknown", "rate-limited")
        return _too_many(wait_s, "Too much of what came from this network was refused.")

    def _answer(self, outcome: Outcome, question: Sealed, message: Message, network: str) -> web.Response:
        context, signals = self._context, self._context.signals
        signals.broadcast()
        signals.heard_from(message.sender)
        after = outcome.after
        if outcome.answer is None:
            raise AssertionError("every question has an answer")
        sealed = speaking.answer(context, message, outcome.answer)
        if after is not None and after.is_partner(message.sender):
            self._rates.heard_partner(network, message.sender)
        elif not self._rates.is_partner(network, message.sender):
            self._rates.refused(network)
        if after is not None:
            if after.record.owed:
                signals.owed(after)
            speaking.trace(context, question, sys_id=after.sys_id, direction="received")
            speaking.trace(context, sealed, sys_id=after.sys_id, direction="sent")
        return web.Response(body=envelope_bytes(sealed), content_type=CONTENT_TYPE)


@lru_cache(maxsize=1024)
def network_prefix(remote: str | None) -> str:
    """The network that counts as one sender: an IPv4 /24, an IPv6 /48."""
    try:
        address = ip_address(remote or "")
    except ValueError:
        return ""
    return str(ip_network((address, PREFIX_BITS[address.version]), strict=False))


async def _body(request: web.Request) -> bytes:
    """The body, as long as it says; a drip is cut like any other slow request.

    Raises:
        TimeoutError: it did not come in time.
        IncompleteReadError, ConnectionError: the sender went away before its end.
    """
    async with asyncio.timeout(REQUEST_S_MAX):
        return await request.content.readexactly(request.content_length or 0)


def _carrier_refusal(request: web.Request) -> web.Response | None:
    """Check 1: what can be judged before a byte of the body is read."""
    if not is_envelope_type(request.headers.get("Content-Type")):
        return _plain(415, f"Send an envelope as {CONTENT_TYPE}.")
    if "Content-Encoding" in request.headers:
        return _plain(415, "Send the envelope uncompressed.")
    if request.content_length is None:
        return _plain(411, "Say the length of the envelope in Content-Length.")
    if request.content_length > MESSAGE_BYTES_MAX:
        return _plain(413, f"An envelope has at most {MESSAGE_BYTES_MAX} bytes.")
    return None


def _too_many(wait_s: int, sentence: str) -> web.Response:
    answer = _plain(429, sentence)
    answer.headers["Retry-After"] = str(wait_s)
    return answer


def _plain(status: int, sentence: str) -> web.Response:
    return web.Response(status=status, text=sentence + "\n")
