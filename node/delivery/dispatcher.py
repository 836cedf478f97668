"""Delivery: whatever a connection owes its partner is said until the partner has echoed it.

One worker for each partner, so that a dead partner delays nobody else. A worker never gives up: after a failure it
waits (exponential backoff, full jitter) and is woken early by a new statement, by a verified envelope of the
partner, and by an admin. Which statements are owed stands in the database and nowhere else; what is kept here is
only when the next try is, and why the last one failed.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from node.connections.views import instant
from node.delivery.exchange import Exchanged, NoAnswerError, exchange, show_node
from node.logs import get_logger
from node.store import statements
from protocol.identity import fingerprint
from protocol.limits import DELIVERY_BACKOFF_S_MAX

if TYPE_CHECKING:
    from collections.abc import Callable

    from node.causes import Cause
    from node.connections.context import Context
    from node.connections.stored import Connection
    from node.ports import Transaction

BACKOFF_S_FIRST = 0.5
WINDOW = 16
"""How many connections of one partner are spoken of at once."""
START_PAGE = 500
BACKOFF_DOUBLINGS_MAX = 20

_log = get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """What the statements to a partner wait for.

    Attributes:
        cause: why the last try brought no answer; none before the first.
        sentence: the same for people.
        tries: how many tries in a row brought none.
        next_at: when the next one is, in Unix seconds; none while one is under way.
    """

    cause: Cause | None
    sentence: str
    tries: int
    next_at: float | None

    def view(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "cause": self.cause.value if self.cause else None,
            "sentence": self.sentence,
            "tries": self.tries,
            "next_at": instant(self.next_at) if self.next_at is not None else None,
        }


@dataclass(slots=True, kw_only=True)
class _Partner:
    key: bytes
    poked: asyncio.Event = field(default_factory=asyncio.Event)
    tries: int = 0
    failure: NoAnswerError | None = None
    next_at: float | None = None
    shown_url: str | None = None
    restate: set[int] = field(default_factory=set)


class Dispatcher:
    """The workers of all partners."""

    def __init__(self, context: Context, *, attempted: Callable[[Cause | None], None] = lambda _cause: None) -> None:
        """Name the parts; `run` begins. `attempted` is told why a try brought no answer, or none."""
        self._context = context
        self._attempted = attempted
        self._partners: dict[bytes, _Partner] = {}
        self._workers: dict[bytes, asyncio.Task[None]] = {}
        self._running = False

    def owe(self, recipient: bytes) -> None:
        """Tell that a statement to that key is owed; call it after the commit."""
        if not self._running:
            return
        partner = self._partners.setdefault(recipient, _Partner(key=recipient))
        partner.poked.set()
        worker = self._workers.get(recipient)
        if worker is None or worker.done():
            self._workers[recipient] = asyncio.create_task(self._work(partner), name="handclasp-delivery")

    def restate(self, connection: Connection) -> None:
        """Say a connection's statement once more, with retries, whether or not it is owed (see `Resync`)."""
        recipient = connection.recipient
        if not self._running or recipient is None or connection.partner.node_url is None:
            return
        partner = self._partners.setdefault(recipient, _Partner(key=recipient))
        partner.restate.add(connection.n)
        if partner.next_at is None:  # one that can't be reached is not tried sooner for this
            self.owe(recipient)

    def heard_from(self, sender: bytes) -> None:
        """Tell that a verified envelope of that key arrived: if something waits for it, now is a good time."""
        partner = self._partners.get(sender)
        if partner is not None and partner.failure is not None:
            self.owe(sender)

    def waiting(self, recipient: bytes | None) -> Waiting | None:
        """What is known of the tries to reach that key; none if the last one was answered."""
        partner = self._partners.get(recipient) if recipient is not None else None
        if partner is None or partner.failure is None:
            return None
        return Waiting(
            cause=partner.failure.cause,
            sentence=str(partner.failure),
            tries=partner.tries,
            next_at=partner.next_at,
        )

    async def run(self) -> None:
        """Take up what was owed before the start, and deliver until cancelled."""
        self._running = True
        try:
            await self._take_up()
            await asyncio.Event().wait()
        finally:
            self._running = False
            workers = list(self._workers.values())
            for worker in workers:
                worker.cancel()
            await asyncio.gather(*workers, return_exceptions=True)

    async def _take_up(self) -> None:
        after = 0
        while page := await self._context.store.run(
            lambda tx, after=after: statements.owed(tx, after=after, most=START_PAGE)  # type: ignore[misc]
        ):
            after = page[-1].n
            for connection in page:
                if connection.recipient is not None and connection.partner.node_url is not None:
                    self.owe(connection.recipient)

    async def _work(self, partner: _Partner) -> None:
        while True:
            partner.poked.clear()
            batch = await self._next_batch(partner)
            if not batch:
                if partner.poked.is_set():
                    continue
                return
            try:
                await self._deliver(partner, batch)
            except NoAnswerError as error:
                await self._back_off(partner, error)
            except _UnsettledError:
                await self._back_off(partner, None)
            except Exception:  # noqa: BLE001 - a fault of ours must not end delivery to this partner for good
                _log.exception("delivery_failed", partner=fingerprint(partner.key))
                await self._back_off(partner, None)

    async def _next_batch(self, partner: _Partner) -> list[Connection]:
        """What is owed first, then what is to be stated again; each as it stands at this moment."""

        def unit(tx: Transaction) -> list[Connection]:
            owed = statements.owed_to(tx, recipient=partner.key, most=WINDOW)
            partner.restate.difference_update(connection.n for connection in owed)
            again = sorted(partner.restate)[: WINDOW - len(owed)]
            found = statements.live_by_numbers(tx, again) if again else []
            partner.restate.difference_update(set(again) - {connection.n for connection in found})
            return owed + found

        return await self._context.store.run(unit)

    async def _deliver(self, partner: _Partner, batch: list[Connection]) -> None:
        url = batch[0].partner.node_url
        if url is not None and partner.shown_url != url:
            try:
                await show_node(self._context, url, partner.key)
            except NoAnswerError as error:
                self._attempted(error.cause)
                raise
            partner.shown_url = url
        results = await asyncio.gather(
            *(self._one(partner, connection) for connection in batch), return_exceptions=True
        )
        failures = [result for result in results if isinstance(result, BaseException)]
        if len(failures) < len(results):
            partner.tries, partner.failure, partner.next_at = 0, None, None
        if failures:
            partner.shown_url = None
            raise failures[0]

    async def _one(self, partner: _Partner, connection: Connection) -> Exchanged:
        try:
            result = await exchange(self._context, connection, partner.key)
        except NoAnswerError as error:
            self._attempted(error.cause)
            raise
        self._attempted(None)
        partner.restate.discard(connection.n)
        if not result.settled:
            raise _UnsettledError
        return result

    async def _back_off(self, partner: _Partner, failure: NoAnswerError | None) -> None:
        context = self._context
        partner.tries += 1
        partner.failure = failure
        limit_s = min(BACKOFF_S_FIRST * 2 ** min(partner.tries - 1, BACKOFF_DOUBLINGS_MAX), DELIVERY_BACKOFF_S_MAX)
        asked_s = failure.retry_after_s if failure is not None else 0.0
        delay_s = max(limit_s * context.entropy.fraction(), asked_s)
        partner.next_at = context.clock.now() + delay_s
        if failure is not None:
            _log.info(
                "no_answer",
                partner=fingerprint(partner.key),
                cause=failure.cause.value,
                why=str(failure),
                tries=partner.tries,
                next_try_s=round(delay_s, 1),
            )
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(delay_s):
                await partner.poked.wait()
        partner.next_at = None


class _UnsettledError(Exception):
    """The partner answered, but has not echoed what it was told: it is told again, after a pause."""
