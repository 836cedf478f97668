"""Keep a picture true to a broker: a link, what the broker had kept, then news; and again when the link is lost."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Final, Protocol

from node.delivery.events import PRESENCE_FILTER, STATUS_FILTER
from node.ports import BrokerDownError

if TYPE_CHECKING:
    from node.ports import Broker, BrokerLink, Entropy
    from node.watching.picture import Change, Picture

SETTLE_S: Final = 0.3
"""MQTT doesn't tell where what was kept ends: it is over when none of it came for so long and over a round trip.

The pause is for brokers that send it by and by on their own; the round trip for a broker or a machine that is slow:
one that sends in windows sends the next one before it answers.
"""

HAND_OVER_S: Final = 0.02
"""How long the last message may take from the link's queue to its reader: a few turns of the loop."""

SETTLE_S_MAX: Final = 30.0
"""When what was kept counts as over, however much of it still comes."""

BACKOFF_S_MIN: Final = 0.2
BACKOFF_S_MAX: Final = 15.0
"""The longest wait between two tries to link; each wait is drawn between half of its limit and all of it."""

ARRIVED_MAX: Final = 50_000
"""How many messages must be able to wait on the link: all that a picture holds may come at once, and each matters."""

CLIENT_ID_BYTES: Final = 8
"""Random bytes of the client id; with its prefix it has 22 characters, of the 23 that any broker takes."""


class Audience(Protocol):
    """Who is told."""

    def changed(self, change: Change) -> None:
        """The picture has changed."""
        ...

    def settled(self) -> None:
        """All that the broker had kept is in the picture; once for every link."""
        ...

    def link_lost(self, sentence: str) -> None:
        """The link is lost, and is being restored; once for every outage."""
        ...


async def watch_broker(broker: Broker, picture: Picture, audience: Audience, *, entropy: Entropy) -> None:
    """Keep the picture true until cancelled.

    Raises:
        BrokerDownError: there was no first link, or it was lost before what the broker had kept was in the
            picture. Later links are tried for again and again instead.
    """
    client_id = f"watch-{entropy.token(CLIENT_ID_BYTES).hex()}"
    session = _Session(broker, picture, audience, client_id)
    backoff_s = BACKOFF_S_MIN
    is_told = False
    while True:
        links = session.settled_count
        try:
            await session.use_a_link()
        except BrokerDownError as error:
            if not session.settled_count:
                raise
            if session.settled_count > links:
                backoff_s, is_told = BACKOFF_S_MIN, False
            if not is_told:
                audience.link_lost(str(error))
                is_told = True
        await asyncio.sleep(backoff_s * (0.5 + entropy.fraction() / 2))
        backoff_s = min(backoff_s * 2, BACKOFF_S_MAX)


class _Session:
    """One reader's links, one after the other."""

    def __init__(self, broker: Broker, picture: Picture, audience: Audience, client_id: str) -> None:
        self._broker = broker
        self._picture = picture
        self._audience = audience
        self._client_id = client_id
        self._last_kept_at = 0.0
        self._kept_count = 0
        self.settled_count = 0

    async def use_a_link(self) -> None:
        async with self._broker.connect(self._client_id) as link:
            self._picture.begin_link()
            # Presence first: whether a lower `seq` is a new beginning is told by the node's session.
            await link.subscribe(PRESENCE_FILTER)
            await link.subscribe(STATUS_FILTER)
            self._last_kept_at = asyncio.get_running_loop().time()
            settling = asyncio.create_task(self._settle(link))
            reading = asyncio.create_task(self._read(link))
            try:
                await asyncio.wait({settling, reading}, return_when=asyncio.FIRST_COMPLETED)
                if settling.done():
                    settling.result()
                await reading
            finally:
                for task in (settling, reading):
                    task.cancel()
                    with contextlib.suppress(asyncio.CancelledError, BrokerDownError):
                        await task

    async def _read(self, link: BrokerLink) -> None:
        async for message in link.messages():
            if message.retain:
                self._last_kept_at = asyncio.get_running_loop().time()
                self._kept_count += 1
            change = self._picture.take(message.topic, message.payload, retained=message.retain)
            if change is not None:
                self._audience.changed(change)

    async def _settle(self, link: BrokerLink) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(SETTLE_S_MAX):
                await self._all_arrived(link)
        for change in self._picture.settle():
            self._audience.changed(change)
        self.settled_count += 1
        self._audience.settled()

    async def _all_arrived(self, link: BrokerLink) -> None:
        loop = asyncio.get_running_loop()
        waiting = count = -1
        while waiting or count != self._kept_count:
            while (rest_s := self._last_kept_at + SETTLE_S - loop.time()) > 0:  # noqa: ASYNC110 - it moves
                await asyncio.sleep(rest_s)
            count = self._kept_count
            waiting = await link.round_trip()
            await asyncio.sleep(HAND_OVER_S)
