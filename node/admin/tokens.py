"""Tokens of the admin API that an admin makes, names and revokes; kept as digests, shown once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from node.bearer import digest_of, new_secret
from node.problems import Problem, ProblemError
from node.store import tokens as stored
from protocol.errors import TextError
from protocol.text import check_name

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from sqlalchemy import Row

    from node.connections.context import Context
    from node.ports import Transaction

TOKENS_MAX: Final = 50
SEEN_EVERY_S: Final = 600
"""How often the use of a token is noted: a request that only reads need not cost a commit."""


class ApiTokens:
    """The tokens of one node, beside the one in its data directory."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def make(self, name: str) -> str:
        """A new token of that name; it can't be shown again.

        Raises:
            ProblemError: the name is not allowed or taken, or there are too many tokens.
        """
        try:
            name = check_name(name, what="token's name")
        except TextError as error:
            raise ProblemError(Problem.INVALID_FIELD, error.sentence, field="name") from None
        secret = new_secret(self._context.entropy)
        now = int(self._context.clock.now())

        def unit(tx: Transaction) -> None:
            kept = stored.all_of(tx)
            if any(one.name == name for one in kept):
                raise ProblemError(
                    Problem.NAME_TAKEN, f'Another token is called "{name}": give this one another name.', field="name"
                )
            if len(kept) >= TOKENS_MAX:
                raise ProblemError(
                    Problem.NOT_POSSIBLE_NOW, f"There are {TOKENS_MAX} tokens: revoke one that nobody uses."
                )
            stored.add(tx, name=name, digest=digest_of(secret), now=now)

        await self._context.store.run(unit)
        return secret

    async def all(self) -> Sequence[Row[Any, Any, Any, Any]]:
        """All of them by name: number, name, when made and when last used (Unix seconds; none: never)."""
        return await self._context.store.run(stored.all_of)

    async def revoke(self, n: int) -> None:
        """Let a token count no more; one that is not there needs nothing."""
        await self._context.store.run(lambda tx: stored.remove(tx, n))

    async def is_good(self, secret: str) -> bool:
        """Whether that is one of them; its use is noted, but not on a full disk: looking needs no room."""
        digest, now = digest_of(secret), int(self._context.clock.now())

        def unit(tx: Transaction) -> bool:
            found = stored.find(tx, digest)
            if found is None:
                return False
            is_due = found.seen_at is None or now - found.seen_at > SEEN_EVERY_S
            if is_due and not self._context.store.is_full:
                stored.seen(tx, n=found.n, now=now)
            return True

        return await self._context.store.run(unit)
