"""The broadcaster: it keeps a link to the MQTT broker and publishes what the outbox holds, in order.

On every link: `online`, then the outbox to its end, and only then the present status of each live connection
that has no row left, which heals a broker that lost its memory. After that it waits for `wake`.

One message of a topic is in flight at a time, so its last retained message is the newest; a broker far away or
busy is not waited for once more with each of the other topics. A row is deleted after its PUBACK, together with
others: a crash between the two sends it once more, with the same event id. A broker that is down delays broadcasts
and nothing else: no other part of a node waits for this one.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeVar

from node.delivery.events import (
    CLIENT_ID,
    ENTROPY_BYTES,
    PRESENCE,
    STATUS,
    PresenceState,
    presence_event,
    presence_topic,
    uuid_from,
)
from node.delivery.self_test import see_own_presence
from node.logs import get_logger
from node.ports import BrokerDownError, Publication

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from node.delivery.broadcast_outbox import BroadcastOutbox, OutboxRow, PresentStatus
    from node.ports import Broker, BrokerLink, Clock, Entropy

BACKOFF_S_MIN: Final = 0.2
BACKOFF_S_MAX: Final = 15.0
"""The longest wait between two tries to link; each wait is drawn between half of its limit and all of it."""

BATCH_ROWS_MAX: Final = 50
"""How many rows are read, and then deleted, at once; a crash repeats about so many, and those under way."""

IN_FLIGHT_MAX: Final = 16
"""How many messages, of as many topics, wait for their PUBACK at once; paho holds back more than 20."""

KEPT_S_MAX: Final = 0.1
"""How long a row that was acknowledged waits for others to be deleted with it."""

HEAL_ROWS_MAX: Final = 50
HEAL_PAUSE_S: Final = 0.1
"""The rest between two portions of present statuses, so that 100,000 connections do not flood a broker."""

TRACES_MAX: Final = 256
"""How many traces wait while a row is in flight; more are dropped and counted."""

OFFLINE_S_MAX: Final = 2.0
"""How long a stop waits for the broker to take the `offline`."""

SHORT_LINK_S: Final = 2.0
SHORT_LINKS_MAX: Final = 3
"""That many links in a row, each lost sooner than that: another process uses the same client id."""

_log = get_logger(__name__)

Status = TypeVar("Status", bound="OutboxRow | PresentStatus")


@dataclass(slots=True)
class _Kept:
    """Rows that the broker has acknowledged and the outbox still holds, so that many are deleted by one commit."""

    last_n: int = 0
    count: int = 0
    delete_at: float | None = None

    def add(self, n: int, now: float) -> None:
        self.last_n, self.count = n, self.count + 1
        if self.delete_at is None:
            self.delete_at = now + KEPT_S_MAX

    def is_due(self, now: float) -> bool:
        return self.delete_at is not None and now >= self.delete_at

    def deleted(self) -> None:
        self.count, self.delete_at = 0, None


@dataclass(slots=True, kw_only=True)
class BroadcastCounts:
    """What a broadcaster has done since its process began."""

    links: int = 0
    published: int = 0
    healed: int = 0
    traces_sent: int = 0
    traces_dropped: int = 0


class Broadcaster:
    """Publishes one node's presence, statuses and traces for as long as the node lives.

    Attributes:
        connected: whether the broker has acknowledged this node's `online` on the present link.
        last_error: why there is no link, as a sentence; None while there is one.
        failing_since: when the first try of those that brought no link ended, in Unix seconds; None likewise.
        failures: how many tries in a row brought none.
        counts: what was done so far.
        changed: is called whenever `connected` or why not has changed.
    """

    def __init__(
        self,
        *,
        broker: Broker,
        outbox: BroadcastOutbox,
        clock: Clock,
        entropy: Entropy,
        node: str,
    ) -> None:
        """Name the parts; `run` begins.

        Args:
            broker: the port to the broker.
            outbox: where the statuses wait.
            clock: for the time in presence events.
            entropy: for event ids, sessions and jitter.
            node: the node's id, as it stands in topics; `handclasp-{node}` is its MQTT client id.
        """
        self._broker = broker
        self._outbox = outbox
        self._clock = clock
        self._entropy = entropy
        self._node = node
        self._topic = presence_topic(node)
        self._client_id = CLIENT_ID.format(node=node)
        self._wake = asyncio.Event()
        self._rows_due = True
        self._kept = _Kept()
        self._traces: deque[Publication] = deque()
        self._self_tested = False
        self._linked_at: float | None = None
        self._short_links = 0
        self.connected = False
        self.last_error: str | None = None
        self.failing_since: float | None = None
        self.failures = 0
        self.counts = BroadcastCounts()
        self.changed: Callable[[], None] = lambda: None

    def wake(self) -> None:
        """Tell that a row was committed; call it in the loop's thread, after the commit."""
        self._rows_due = True
        self._wake.set()

    def trace(self, publication: Publication) -> None:
        """Send a QoS 0 message soon, between two rows; dropped while the link is down or too many wait."""
        if not self.connected or len(self._traces) >= TRACES_MAX:
            self.counts.traces_dropped += 1
            return
        self._traces.append(publication)
        self._wake.set()

    async def run(self) -> None:
        """Keep a link and publish, until cancelled; a cancellation says `offline` and disconnects first."""
        backoff_s = BACKOFF_S_MIN
        while True:
            try:
                await self._use_a_link()
            except BrokerDownError as error:
                self._link_failed(str(error))
            except Exception as error:  # noqa: BLE001 - a store that fails once must not silence a node for life
                _log.exception("broadcast_failed")
                self._linked_at = None  # the broker is not to blame
                self._link_failed(f"Broadcasting failed ({type(error).__name__}) and is tried again.")
            if self._lasted():
                backoff_s = BACKOFF_S_MIN
            await asyncio.sleep(backoff_s * (0.5 + self._entropy.fraction() / 2))
            backoff_s = min(backoff_s * 2, BACKOFF_S_MAX)

    async def _use_a_link(self) -> None:
        session = self._new_uuid()
        self._linked_at = None
        self._kept = _Kept()
        async with self._broker.connect(self._client_id, will=self._presence("lost", session)) as link:
            self._linked_at = asyncio.get_running_loop().time()
            online = self._presence("online", session)
            watchers = [asyncio.create_task(link.lost())]
            if not self._self_tested:
                watchers.append(asyncio.create_task(self._self_test(link, online)))
            try:
                await link.publish(online)
                self._link_stands()
                await self._serve(link, watchers[0])
            except asyncio.CancelledError:
                await self._say_offline(link, session)
                raise
            finally:
                self._link_ended()
                for watcher in watchers:
                    watcher.cancel()
                await asyncio.gather(*watchers, return_exceptions=True)
                if self._kept.count:
                    await self._delete_acknowledged()

    async def _serve(self, link: BrokerLink, lost: asyncio.Task[None]) -> None:
        loop = asyncio.get_running_loop()
        healed_to: int | None = 0
        heal_at = loop.time()
        self._rows_due = True
        lost.add_done_callback(lambda _: self._wake.set())
        while not lost.done():
            self._wake.clear()
            await self._send_traces(link)
            await self._drain(link)
            now = loop.time()
            heals = healed_to is not None and now >= heal_at
            if self._kept.count and (heals or self._kept.is_due(now)):
                await self._delete_acknowledged()
            if heals and healed_to is not None:
                healed_to = await self._heal(link, healed_to)
                heal_at = now + HEAL_PAUSE_S
            await self._rest(None if healed_to is None else heal_at)
        raise BrokerDownError("The link to the MQTT broker was lost.")

    async def _drain(self, link: BrokerLink) -> None:
        while self._rows_due:
            self._rows_due = False
            rows = await self._outbox.pending(self._kept.last_n, BATCH_ROWS_MAX)
            self._rows_due |= len(rows) == BATCH_ROWS_MAX
            for portion in _portions(rows):
                await _publish(link, portion, self._acknowledged)
                if self._kept.count >= BATCH_ROWS_MAX:
                    await self._delete_acknowledged()
                await self._send_traces(link)

    def _acknowledged(self, row: OutboxRow) -> None:
        self._kept.add(row.n, asyncio.get_running_loop().time())
        self.counts.published += 1

    def _healed(self, _status: PresentStatus) -> None:
        self.counts.healed += 1

    async def _delete_acknowledged(self) -> None:
        await self._outbox.done(self._kept.last_n)
        self._kept.deleted()

    async def _heal(self, link: BrokerLink, healed_to: int) -> int | None:
        """Publish the next portion of present statuses; return the key to go on from, None at the end.

        The outbox is not drained within a portion, so no status overtakes a later one of its connection.
        """
        portion = await self._outbox.snapshot(healed_to, HEAL_ROWS_MAX)
        for part in _portions(portion):
            await _publish(link, part, self._healed)
            await self._send_traces(link)
        return portion[-1].key if portion else None

    async def _send_traces(self, link: BrokerLink) -> None:
        while self._traces:
            await link.publish(self._traces[0])
            self._traces.popleft()
            self.counts.traces_sent += 1

    async def _rest(self, heal_at: float | None) -> None:
        ends = [at for at in (heal_at, self._kept.delete_at) if at is not None]
        if not ends or self._wake.is_set():
            await self._wake.wait()
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout_at(min(ends)):
                await self._wake.wait()

    async def _self_test(self, link: BrokerLink, online: Publication) -> None:
        await see_own_presence(link, online)
        self._self_tested = True

    async def _say_offline(self, link: BrokerLink, session: str) -> None:
        with contextlib.suppress(BrokerDownError, TimeoutError):
            async with asyncio.timeout(OFFLINE_S_MAX):
                await link.publish(self._presence("offline", session))

    def _presence(self, state: PresenceState, session: str) -> Publication:
        payload = presence_event(
            event_id=self._new_uuid(), at=self._clock.now(), node=self._node, state=state, session=session
        )
        return Publication(topic=self._topic, payload=payload, qos=PRESENCE.qos, retain=PRESENCE.retain)

    def _new_uuid(self) -> str:
        return uuid_from(self._entropy.token(ENTROPY_BYTES))

    def _link_stands(self) -> None:
        self.connected = True
        self.last_error, self.failing_since, self.failures = None, None, 0
        self.counts.links += 1
        _log.info("broadcast_link_up")
        self.changed()

    def _link_ended(self) -> None:
        self.connected = False
        self.counts.traces_dropped += len(self._traces)
        self._traces.clear()
        self.changed()

    def _link_failed(self, sentence: str) -> None:
        # An outage is one line, however often the link is tried.
        if self.last_error is None:
            _log.warning("broadcast_link_down", reason=sentence)
            self.failing_since = self._clock.now()
        self.last_error = sentence
        self.failures += 1
        self.changed()

    def _lasted(self) -> bool:
        """Whether the last link lived long enough to count; tells when links are lost suspiciously fast."""
        # The loop's own time: it never steps back, and a simulation owns it too.
        now = asyncio.get_running_loop().time()
        if self._linked_at is None or now - self._linked_at >= SHORT_LINK_S:
            self._short_links = 0
            return self._linked_at is not None
        self._short_links += 1
        if self._short_links % SHORT_LINKS_MAX == 0:
            _log.warning(
                "node_id_in_use",
                client_id=self._client_id,
                explanation=f"The MQTT broker dropped {SHORT_LINKS_MAX} links in a row, each within "
                f"{SHORT_LINK_S:.0f} s: another process uses this node id. "
                "Stop it, or give each its own data directory.",
            )
        return False


def _portions(statuses: Sequence[Status]) -> Iterator[list[Status]]:
    """The statuses in their order, cut before each whose topic is under way already."""
    portion: list[Status] = []
    for status in statuses:
        if len(portion) == IN_FLIGHT_MAX or any(status.topic == other.topic for other in portion):
            yield portion
            portion = []
        portion.append(status)
    if portion:
        yield portion


async def _publish(link: BrokerLink, statuses: Sequence[Status], acknowledged: Callable[[Status], None]) -> None:
    """Publish them; `acknowledged` is told of each once the broker has acknowledged it and all before it.

    Raises:
        BrokerDownError: the link broke; whether the broker has any of those not told of is then unknown.
    """
    publications = [
        Publication(topic=one.topic, payload=one.payload, qos=STATUS.qos, retain=STATUS.retain) for one in statuses
    ]
    if len(publications) == 1:
        await link.publish(publications[0])  # as it mostly is: no task is needed
        acknowledged(statuses[0])
        return
    under_way = [asyncio.ensure_future(link.publish(publication)) for publication in publications]
    try:
        for status, publishing in zip(statuses, under_way, strict=True):
            await publishing
            acknowledged(status)
    finally:
        for publishing in under_way:
            publishing.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)


def broker_state(broadcaster: Broadcaster | None) -> str:
    """`none`, `connected` or `disconnected`, for pages and probes."""
    if broadcaster is None:
        return "none"
    return "connected" if broadcaster.connected else "disconnected"
