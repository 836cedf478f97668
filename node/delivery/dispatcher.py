"""Delivery: whatever a connection owes its partner is said until the partner has echoed it.

One worker for each URL of each partner: what is dead delays nothing that goes elsewhere, and that the partner's key
was seen at one of its URLs says nothing of another, which may be anybody's. A worker never gives up: after a failure
it waits (exponential backoff, full jitter) and is woken early by a new statement, by a verified envelope of the
partner, and by an admin. A try that comes early does not lengthen the waits: if it fails, the next wait is drawn from
the same span as the one that it cut short, so that whoever presses "retry" ten times waits no longer for it.

Which statements are owed stands in the database and nowhere else; what is kept here is only when the next try is, why
the last one failed, and whether the URL has shown the pinned key.
"""

from __future__ import annotations

import asyncio
import heapq
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from node.delivery.exchange import NoAnswerError, exchange, show_node
from node.delivery.failing import Failing, Waiting
from node.delivery.talks import Talk, taken_out, tasks_of
from node.logs import get_logger
from node.store import statements
from protocol.identity import fingerprint
from protocol.limits import DELIVERY_BACKOFF_S_MAX

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from node.causes import Cause
    from node.connections.context import Context
    from node.connections.stored import Connection
    from node.ports import Transaction

BACKOFF_S_FIRST = 0.5
WINDOW = 32
"""How many connections are spoken of at once at one URL."""
ROOM = 16
"""How many of a full window must have ended before more are looked for."""
URLS_REMEMBERED_MAX = 8
"""How many URLs of one partner are remembered as its own while nothing is owed there."""
START_PAGE = 500
BACKOFF_DOUBLINGS_MAX = 20

_log = get_logger(__name__)


@dataclass(slots=True, kw_only=True)
class _Target:
    """A partner at one of the URLs that it gave.

    Attributes:
        tries: how many in a row brought no answer.
        doublings: how often the longest possible wait has doubled since the first of them.
        since: when the first try of those that brought no answer ended; `last_at`: likewise the last one.
        has_shown: its node info has shown the pinned key, and nothing has failed there since.
        restate: the numbers of connections to state again though they are not owed.
    """

    key: bytes
    url: str
    poked: asyncio.Event = field(default_factory=asyncio.Event)
    worker: asyncio.Task[None] | None = None
    tries: int = 0
    doublings: int = 0
    failure: NoAnswerError | None = None
    since: float = 0.0
    last_at: float = 0.0
    next_at: float | None = None
    has_shown: bool = False
    restate: set[int] = field(default_factory=set)


class Dispatcher:
    """The workers of all partners."""

    def __init__(self, context: Context, *, attempted: Callable[[Cause | None], None] = lambda _cause: None) -> None:
        """Name the parts; `run` begins. `attempted` is told why a try brought no answer, or none."""
        self._context = context
        self._attempted = attempted
        self._targets: dict[bytes, dict[str, _Target]] = {}
        self._running = False

    def owe(self, connection: Connection) -> None:
        """Tell that a connection owes a statement; call it after the commit, with the connection as committed."""
        if (target := self._target(connection)) is not None:
            self._wake(target)

    def restate(self, connection: Connection) -> None:
        """Say a connection's statement once more, with retries, whether or not it is owed (see `Resync`)."""
        if (target := self._target(connection)) is not None:
            target.restate.add(connection.n)
            if target.next_at is None:  # one that can't be reached is not tried sooner for this
                self._wake(target)

    def heard_from(self, sender: bytes) -> None:
        """Tell that a verified envelope of that key arrived: if something waits for it, now is a good time."""
        self.retry(sender)

    def retry(self, key: bytes) -> None:
        """Try a partner that did not answer now, instead of at its next try."""
        for target in self._targets.get(key, {}).values():
            if target.failure is not None:
                self._wake(target)

    def waiting(self, connection: Connection) -> Waiting | None:
        """What is known of the tries to reach that connection's partner; none if the last one was answered."""
        key, url = connection.recipient, connection.partner.node_url
        target = self._targets.get(key, {}).get(url) if key is not None and url is not None else None
        if target is None or target.failure is None:
            return None
        return Waiting(
            cause=target.failure.cause,
            sentence=str(target.failure),
            tries=target.tries,
            next_at=target.next_at,
        )

    def failing(self) -> list[Failing]:
        """All partners that do not answer now, each at each URL; the longest first."""
        found = [
            Failing(
                key=target.key,
                url=target.url,
                cause=target.failure.cause,
                sentence=str(target.failure),
                tries=target.tries,
                since=target.since,
                last_at=target.last_at,
                next_at=target.next_at,
                restated=frozenset(target.restate),
            )
            for targets in self._targets.values()
            for target in targets.values()
            if target.failure is not None
        ]
        return sorted(found, key=lambda one: one.since)

    def _target(self, connection: Connection) -> _Target | None:
        """Where that connection's statements go; none while nobody can be told."""
        key, url = connection.recipient, connection.partner.node_url
        if not self._running or key is None or url is None:
            return None
        targets = self._targets.setdefault(key, {})
        if url not in targets:
            targets[url] = _Target(key=key, url=url)
        return targets[url]

    def _wake(self, target: _Target) -> None:
        if not self._running:
            return  # partners are still heard while the node ends
        target.poked.set()
        if target.worker is None or target.worker.done():
            target.worker = asyncio.create_task(self._work(target), name="handclasp-delivery")

    async def run(self) -> None:
        """Take up what was owed before the start, and deliver until cancelled."""
        self._running = True
        try:
            await self._take_up()
            await asyncio.Event().wait()
        finally:
            self._running = False
            at_work = [target.worker for targets in self._targets.values() for target in targets.values()]
            workers = [worker for worker in at_work if worker is not None]
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
                self.owe(connection)

    async def _work(self, target: _Target) -> None:
        while True:
            try:
                await self._deliver(target)
            except _TryAgainError as again:
                moved = [one for one in again.unsettled if one.partner.node_url != target.url]
                for connection in moved:
                    self.owe(connection)  # its answer has named another URL, where no pause is needed
                await self._back_off(target, again.failure)
            except Exception:  # noqa: BLE001 - a fault of ours must not end delivery to this partner for good
                _log.exception("delivery_failed", partner=fingerprint(target.key))
                await self._back_off(target, None)
            else:
                if not target.poked.is_set():
                    self._rest(target)
                    return

    def _rest(self, target: _Target) -> None:
        """Nothing is left to say there: what failed is past, and only so much is remembered of one partner."""
        target.tries, target.doublings, target.failure, target.worker = 0, 0, None, None
        targets = self._targets[target.key]
        del targets[target.url]
        if target.has_shown:
            targets[target.url] = target  # as the last: the one that has rested longest is forgotten first
        at_rest = [one.url for one in targets.values() if one.worker is None]
        for url in at_rest[:-URLS_REMEMBERED_MAX]:
            del targets[url]
        if not targets:
            del self._targets[target.key]

    async def _next_batch(self, target: _Target) -> list[Connection]:
        """What is owed there first, then what is to be stated again; each as it stands at this moment."""

        def unit(tx: Transaction) -> list[Connection]:
            owed = statements.owed_to(tx, recipient=target.key, url=target.url, most=WINDOW)
            target.restate.difference_update(connection.n for connection in owed)
            found: list[Connection] = []
            while again := heapq.nsmallest(WINDOW - len(owed), target.restate):
                found = statements.live_by_numbers(tx, again, url=target.url)
                gone = set(again) - {connection.n for connection in found}
                target.restate.difference_update(gone)
                if not gone:
                    break  # else those behind them would never be looked at
            return owed + found

        return await self._context.store.run(unit)

    async def _deliver(self, target: _Target) -> None:
        """Say what is owed there, so many at once, until nothing is left.

        One that takes long holds up no other, unless the window is full of such, or something failed: then all that
        is under way ends first.

        Raises:
            _TryAgainError: something has to be said again, and nothing is under way any more.
        """
        under_way: dict[int, Talk] = {}
        try:
            while True:
                target.poked.clear()
                await self._begin(target, under_way, await self._next_batch(target))
                is_full = len(under_way) == WINDOW
                while is_full or not target.poked.is_set():
                    if not under_way:
                        return
                    await self._some_end(target, under_way, heeds_poke=not is_full)
                    if is_full and len(under_way) <= WINDOW - ROOM:
                        break
        except Exception:
            if under_way:  # the store failed; what was asked has its answer taken in all the same
                await asyncio.wait(tasks_of(under_way))
                for talk in taken_out(under_way):
                    if talk.unsettled is not None:
                        self.owe(talk.unsettled)
            raise
        finally:
            for talk in under_way.values():
                talk.task.cancel()
            await asyncio.gather(*(talk.task for talk in under_way.values()), return_exceptions=True)

    async def _begin(self, target: _Target, under_way: dict[int, Talk], batch: list[Connection]) -> None:
        for connection in batch:
            if (talk := under_way.get(connection.n)) is not None and connection.record != talk.connection.record:
                talk.has_changed = True
        new = [connection for connection in batch if connection.n not in under_way]
        if new and not target.has_shown:
            try:
                await show_node(self._context, target.url, target.key)
            except NoAnswerError as error:
                self._attempted(error.cause)
                raise _TryAgainError(error) from error
            target.has_shown = True
        for connection in new[: WINDOW - len(under_way)]:
            under_way[connection.n] = Talk(connection, asyncio.create_task(self._one(target, connection)))

    async def _some_end(self, target: _Target, under_way: dict[int, Talk], *, heeds_poke: bool) -> None:
        """Return when some were answered, or when more is owed."""
        poked = [asyncio.ensure_future(target.poked.wait())] if heeds_poke else []
        try:
            await asyncio.wait([*tasks_of(under_way), *poked], return_when=asyncio.FIRST_COMPLETED)
        finally:
            for waiter in poked:
                waiter.cancel()
        ended = taken_out(under_way)
        if under_way and not all(talk.is_done for talk in ended):
            await asyncio.wait(tasks_of(under_way))
            ended += taken_out(under_way)
        if any(talk.has_changed for talk in ended):
            target.poked.set()  # what it says now could not be said meanwhile
        again = [talk for talk in ended if not talk.is_done]
        if len(again) < len(ended):
            target.tries, target.doublings, target.failure, target.next_at = 0, 0, None, None
        if again:
            raise self._again(target, again)

    def _again(self, target: _Target, talks: list[Talk]) -> _TryAgainError:
        failures = [failure for talk in talks if (failure := talk.failure) is not None]
        if failures:
            target.has_shown = False
        for failure in failures:
            if not isinstance(failure, NoAnswerError):
                _log.error("delivery_failed", partner=fingerprint(target.key), exc_info=failure)
        return _TryAgainError(
            next((failure for failure in failures if isinstance(failure, NoAnswerError)), None),
            [unsettled for talk in talks if (unsettled := talk.unsettled) is not None],
        )

    async def _one(self, target: _Target, connection: Connection) -> Connection | None:
        """Ask once, see `exchange`."""
        try:
            unsettled = await exchange(self._context, connection, target.key)
        except NoAnswerError as error:
            self._attempted(error.cause)
            raise
        self._attempted(None)
        target.restate.discard(connection.n)
        return unsettled

    async def _back_off(self, target: _Target, failure: NoAnswerError | None) -> None:
        context = self._context
        target.tries += 1
        if failure is not None:
            target.last_at = context.clock.now()
            target.since = target.last_at if target.failure is None else target.since
        target.failure = failure
        limit_s = min(BACKOFF_S_FIRST * 2**target.doublings, DELIVERY_BACKOFF_S_MAX)
        asked_s = failure.retry_after_s if failure is not None else 0.0
        delay_s = max(limit_s * context.entropy.fraction(), asked_s)
        target.next_at = context.clock.now() + delay_s
        if failure is not None:
            _log.info(
                "no_answer",
                partner=fingerprint(target.key),
                cause=failure.cause.value,
                why=str(failure),
                tries=target.tries,
                next_try_s=round(delay_s, 1),
            )
        try:
            async with asyncio.timeout(delay_s):
                await target.poked.wait()
        except TimeoutError:
            target.doublings = min(target.doublings + 1, BACKOFF_DOUBLINGS_MAX)
        target.next_at = None


class _TryAgainError(Exception):
    """Something has to be said again, after a pause.

    Attributes:
        failure: why something was not answered; none if everything was.
        unsettled: what was answered, but not echoed as it was told.
    """

    def __init__(self, failure: NoAnswerError | None, unsettled: Sequence[Connection] = ()) -> None:
        super().__init__(failure)
        self.failure = failure
        self.unsettled = unsettled
