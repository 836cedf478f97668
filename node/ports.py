"""The ports: everything a node needs from the world outside it.

Nothing else in this package reads a clock, draws a random number, opens a socket or starts a thread.
The simulation swaps these ports and nothing else. The real ones are put in place by `node.app`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, TypeVar

import msgspec

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping
    from contextlib import AbstractAsyncContextManager

    from sqlalchemy import Connection

    from node.causes import Cause

    Transaction = Connection

T = TypeVar("T")


class Clock(Protocol):
    """What time it is."""

    def now(self) -> float:
        """The present instant, in Unix seconds."""
        ...


class Entropy(Protocol):
    """Where identities, secrets and jitter come from."""

    def token(self, size_bytes: int) -> bytes:
        """That many unpredictable bytes."""
        ...

    def fraction(self) -> float:
        """A number in [0, 1), for jitter."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpAnswer:
    """What another node's HTTP server answered; header names are in lower case."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


class NetworkError(Exception):
    """No answer was had; `cause` is what an admin is shown, the text is its sentence."""

    def __init__(self, cause: Cause, sentence: str) -> None:
        super().__init__(sentence)
        self.cause = cause


class PeerNetwork(Protocol):
    """How a node reaches other nodes: under one address policy, with limits, without redirects."""

    async def get(self, url: str) -> HttpAnswer:
        """The answer to a GET.

        Raises:
            NetworkError: no answer was had, or the address may not be called.
        """
        ...

    async def post(self, url: str, body: bytes, *, content_type: str) -> HttpAnswer:
        """The answer to a POST.

        Raises:
            NetworkError: no answer was had, or the address may not be called.
        """
        ...


class Publication(msgspec.Struct, frozen=True, kw_only=True):
    """One MQTT message; an empty payload clears what is retained on the topic."""

    topic: str
    payload: bytes
    qos: int = 1
    retain: bool = False


class BrokerDownError(Exception):
    """The broker can't be reached, or the link to it broke."""


class BrokerLink(Protocol):
    """One connection to the broker; it is used until it breaks and never again."""

    async def publish(self, publication: Publication) -> None:
        """Return once the broker has acknowledged it (QoS 1) or it is written (QoS 0).

        Raises:
            BrokerDownError: the link broke before that.
        """
        ...

    async def subscribe(self, topic_filter: str) -> None:
        """Ask for the messages of a topic filter at QoS 1.

        Raises:
            BrokerDownError: the link broke, or the broker refused.
        """
        ...

    async def round_trip(self) -> int:
        """Return once the broker has answered all that this link sent before.

        What the broker sent before that answer has then arrived; the result is how much of it waits for the reader.

        Raises:
            BrokerDownError: the link broke before that.
        """
        ...

    def messages(self) -> AsyncIterator[Publication]:
        """What arrives, for one reader; ends with BrokerDownError when the link breaks."""
        ...

    async def lost(self) -> None:
        """Return when the link is lost."""
        ...


class Broker(Protocol):
    """The MQTT broker."""

    def connect(self, client_id: str, *, will: Publication | None = None) -> AbstractAsyncContextManager[BrokerLink]:
        """A new link; leaving the context disconnects cleanly, so that the will is not sent.

        Raises:
            BrokerDownError: on entering, when no link could be had.
        """
        ...


class StoreFullError(Exception):
    """The store's disk is full: nothing of the transaction was kept. The text is a sentence."""

    def __init__(self) -> None:
        super().__init__("The node can keep nothing more: the disk that its data directory is on is full.")


class Store(Protocol):
    """The node's durable memory."""

    @property
    def is_full(self) -> bool:
        """Whether its disk was found full, and nothing that writes has been kept since."""
        ...

    async def run(self, unit_of_work: Callable[[Transaction], T]) -> T:
        """Run a unit of work in one transaction; return its result after the commit.

        A unit of work is a plain function that reads and writes through the transaction and awaits nothing.
        If it raises, nothing of it is kept and the exception comes out here.

        Raises:
            StoreFullError: see there.
        """
        ...
