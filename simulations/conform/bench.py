"""What a story needs of the world: to ask the implementation, to be asked by it, and to have its admin act."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Protocol

from node.ports import HttpAnswer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from protocol.identity import SigningKey
    from protocol.tables import Act

ASTRAY: Final = "/astray"
"""Where a redirect of the runner leads: nobody may come there."""

NO_LINK: Final = HttpAnswer(status=0)
"""As an answer to a question: the link is broken instead."""


class NotDrivenError(Exception):
    """The admin of the implementation can't or won't do this; the text says why."""


class UnreachableError(Exception):
    """The implementation gives no HTTP answer; the text is a sentence."""


class Driver(Protocol):
    """The admin of the implementation. Each method raises NotDrivenError."""

    async def initiate(self, *, name: str, to: str | None, ask_me: bool, lifetime_s: int | None) -> str:
        """Initiate a connection; the code, which lives so long, or as long as usual."""
        ...

    async def accept(self, code: str) -> None:
        """Accept a code."""
        ...

    async def decline(self, code: str) -> None:
        """Decline a code."""
        ...

    async def act(self, connection: bytes, act: Act) -> None:
        """Do something to a connection."""
        ...

    async def outcome_of(self, text: str) -> str:
        """What is told of a text that holds no code that can be taken: the outcome of section 8."""
        ...


@dataclass(slots=True, eq=False)
class Asked:
    """A question that came to the runner's `/peer`; it waits for its answer.

    Attributes:
        fault: what is wrong with the request itself (path, headers); none: nothing.
        info_reads: how often node info had been read when it came.
    """

    body: bytes
    connection: bytes
    fault: str | None
    info_reads: int
    answer: asyncio.Future[HttpAnswer] = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class Bench(Protocol):
    """The ports of a run.

    Attributes:
        their_key: the implementation's key, from its node info.
        key: the runner's.
        own_url: where the implementation reaches the runner.
        shown_key: the key that the runner's node info shows.
        info_reads: how often the runner's node info was read.
        gone_astray: how often somebody followed a redirect of the runner's.
        wait_s: for how long something that must come is waited for, in seconds.
        quiet_s: for how long nothing must come, where nothing must, in seconds.
    """

    their_key: bytes
    key: SigningKey
    own_url: str
    shown_key: bytes
    info_reads: int
    gone_astray: int
    wait_s: float
    quiet_s: float
    driver: Driver

    def now(self) -> float:
        """Unix seconds."""
        ...

    def token(self, size_bytes: int) -> bytes:
        """Unpredictable bytes."""
        ...

    async def post(self, body: bytes, headers: Mapping[str, str] | None = None) -> HttpAnswer:
        """What the implementation's `/peer` answers to an envelope.

        Raises:
            UnreachableError: nothing.
        """
        ...

    async def raw(self, head: Mapping[str, str | None], body: bytes, *, within_s: float) -> int:
        """The status that `POST /peer` with this head and body answers; 0: none came.

        Raises:
            UnreachableError: no link.
        """
        ...

    async def request(self, method: str, path: str, body: bytes | None = None) -> HttpAnswer:
        """What the implementation answers to any request below its URL.

        Raises:
            UnreachableError: nothing.
        """
        ...

    async def asked(self, connection: bytes, *, within_s: float) -> Asked | None:
        """The next question of a connection that still waits for its answer; none: none came."""
        ...
