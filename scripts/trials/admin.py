"""An admin's way to one node, which may be dead at any moment."""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import aiohttp

from scripts.trials.trial import NotHeldError

if TYPE_CHECKING:
    from collections.abc import Callable

API: Final = "/api/v1"
ANSWER_S_MAX: Final = 30.0
AWAY_S_MAX: Final = 120.0
"""How long a node may be away before whoever waits for it gives up."""

RETRY_S: Final = 0.05
KEY_BYTES: Final = 16

REFUSALS: Final = frozenset({404, 409, 422})
"""Not there, not possible now, not with this code: what an admin is refused who acts at random."""

_FAILED_FROM: Final = 400


class AwayError(Exception):
    """The node is not there, or went away before it answered: whether the act was done is not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a node answered its admin: an act that was done, or a refusal."""

    status: int
    content: Any

    @property
    def is_done(self) -> bool:
        """Whether it was done."""
        return self.status not in REFUSALS


class Admin:
    """Asks one node. Every write bears an idempotency key, so that it can be asked again."""

    def __init__(self, *, name: str, url: str, token: Callable[[], str | None], http: aiohttp.ClientSession) -> None:
        self._name = name
        self._url = url
        self._token = token
        self._http = http

    async def ask(self, method: str, path: str, body: Any = None, *, key: str | None = None) -> Answer:
        """Ask once.

        Raises:
            AwayError: no whole answer came.
            NotHeldError: the node failed, or did not understand.
        """
        headers = {"Authorization": f"Bearer {self._token()}"} | ({"Idempotency-Key": key} if key else {})
        try:
            async with self._http.request(
                method,
                f"{self._url}{API}{path}",
                json=body,
                headers=headers,
                timeout=aiohttp.ClientTimeout(total=ANSWER_S_MAX),
            ) as answer:
                content = await answer.json(content_type=None)
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            raise AwayError(f"the node {self._name} is away ({type(error).__name__})") from error
        if answer.status >= _FAILED_FROM and answer.status not in REFUSALS:
            raise NotHeldError(f"the node {self._name} answered {method} {path} with {answer.status}: {content}")
        return Answer(status=answer.status, content=content)

    async def insist(
        self, method: str, path: str, body: Any = None, *, cut: Callable[[], None] = lambda: None
    ) -> Answer:
        """Ask until there is an answer, however often the node dies; `cut` is told when it died first.

        Raises:
            NotHeldError: the node failed, or stayed away.
        """
        key = secrets.token_hex(KEY_BYTES) if method != "GET" else None
        end = asyncio.get_running_loop().time() + AWAY_S_MAX
        while True:
            try:
                return await self.ask(method, path, body, key=key)
            except AwayError as error:
                cut()
                if asyncio.get_running_loop().time() > end:
                    raise NotHeldError(f"for {AWAY_S_MAX:.0f} s {error}") from error
                await asyncio.sleep(RETRY_S)

    async def done(self, method: str, path: str, body: Any = None) -> Any:
        """What came of an act that must be possible.

        Raises:
            NotHeldError: it was refused, or the node failed or stayed away.
        """
        answer = await self.insist(method, path, body)
        if not answer.is_done:
            raise NotHeldError(f"the node {self._name} refused {method} {path}: {answer.content.get('detail')}")
        return answer.content

    async def initiate(self, name: str, to: str | None = None, **more: Any) -> tuple[str, str]:
        """The sys_id and the invitation code of a new connection."""
        wish = {"name": name, "local_short_name": "s", "remote_short_name": "d", "destination_url": to, **more}
        made = await self.done("POST", "/connections", wish)
        return made["connection"]["sys_id"], made["invitation_code"]

    async def accept(self, code: str) -> Any:
        """The connection of an accepted code."""
        return (await self.done("POST", "/invitations/accept", {"code": code}))["connection"]

    async def connection(self, sys_id: str) -> Any:
        """One connection as it is shown."""
        return (await self.done("GET", f"/connections/{sys_id}"))["connection"]

    async def shown(self) -> list[Any]:
        """All connections that are shown."""
        found: list[Any] = []
        after: int | None = 0
        while after is not None:
            page = await self.done("GET", f"/connections?limit=500&after={after}")
            found += page["connections"]
            after = page["next"]
        return found
