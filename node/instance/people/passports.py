"""Whether a secret is the one whose hash is kept: checked once at some cost, then remembered for some minutes.

A check takes tens of milliseconds of argon2 in a thread, one at a time. So wrong tries are counted for each network and
for each name that it tries, and credentials that were right before are never kept waiting for somebody else's.
Neither a secret nor anything that could be turned back into one is kept: the key of the digests is this process's.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from collections import OrderedDict
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Final

from node.instance.people.tries import Tries
from node.passwords import is_hash_of

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

    from node.ports import Clock, Entropy

    _Counted = Sequence[tuple[Tries, Hashable]]

REMEMBERED_S: Final = 300
"""How long right credentials need no check."""

KNOWN_S: Final = 24 * 3600
"""How long it is known of credentials that they were right, so that nobody else's wrong ones keep them waiting."""

KNOWN_MAX: Final = 4_096
WAITING_MAX: Final = 64
"""How many unknown credentials may wait for a check at once."""

NAME_TRIES_AT_ONCE: Final = 10
NAME_TRIES_PER_S: Final = 0.2
NETWORK_TRIES_AT_ONCE: Final = 100
NETWORK_TRIES_PER_S: Final = 5.0

_KEY_BYTES: Final = 32


class TooManyTriesError(Exception):
    """The credentials were not looked at: too many wrong ones came from there.

    Attributes:
        wait_s: how many seconds to wait.
    """

    def __init__(self, wait_s: int) -> None:
        super().__init__(f"There were too many wrong tries. Try again in {wait_s} s.")
        self.wait_s = wait_s


@dataclass(frozen=True, slots=True)
class _Known:
    kept: str = field(repr=False)
    at: float


class Passports:
    """The credentials that were right lately."""

    def __init__(self, *, clock: Clock, entropy: Entropy) -> None:
        self._clock = clock
        self._key = entropy.token(_KEY_BYTES)
        self._known: OrderedDict[bytes, _Known] = OrderedDict()
        self._checking: dict[tuple[bytes, str | None], asyncio.Task[bool]] = {}
        self._one_at_a_time = asyncio.Semaphore(1)
        self._by_name = Tries(clock, at_once=NAME_TRIES_AT_ONCE, per_s=NAME_TRIES_PER_S)
        self._by_network = Tries(clock, at_once=NETWORK_TRIES_AT_ONCE, per_s=NETWORK_TRIES_PER_S)

    async def is_right(self, kind: str, name: str, secret: str, *, kept: str | None, network: str) -> bool:
        """Whether the secret is the one whose hash is kept for that name.

        Args:
            kind: what the name is one of: a user's and a client's are not the same.
            name: in whatever case.
            secret: what is tried.
            kept: the hash; none: there is no such name, or it has no secret. That takes as long to say.
            network: where it is tried from.

        Raises:
            TooManyTriesError: it can't be said now.
        """
        text = repr((kind, name.casefold(), secret))
        digest = hmac.digest(self._key, text.encode(errors="replace"), hashlib.sha256)
        age_s = self._age_s(digest, kept)
        if age_s is not None and age_s <= REMEMBERED_S:
            return True
        running = self._checking.get((digest, kept))  # a client's first requests come many at once
        if running is None:
            counted = (self._by_network, network), (self._by_name, (network, kind, name.casefold()))
            if age_s is None:
                self._refuse_flood(counted)
            for tries, key in counted:
                tries.take(key)
            running = asyncio.create_task(self._check(digest, kept, secret))
            self._checking[digest, kept] = running
            running.add_done_callback(partial(self._settle, (digest, kept), counted))
        return await asyncio.shield(running)

    def _age_s(self, digest: bytes, kept: str | None) -> float | None:
        """How long ago these credentials were found right; none if they were not, or are no longer known to be."""
        known = self._known.get(digest)
        if known is None or known.kept != kept:
            return None
        age_s = self._clock.now() - known.at
        return age_s if 0 <= age_s <= KNOWN_S else None

    def _refuse_flood(self, counted: _Counted) -> None:
        wait_s = max(tries.wait_s(key) for tries, key in counted)
        if wait_s or len(self._checking) >= WAITING_MAX:
            raise TooManyTriesError(wait_s or 1)

    async def _check(self, digest: bytes, kept: str | None, secret: str) -> bool:
        async with self._one_at_a_time:
            is_right = await asyncio.to_thread(is_hash_of, kept, secret)
        if is_right and kept is not None:
            self._known[digest] = _Known(kept, self._clock.now())
            self._known.move_to_end(digest)
            if len(self._known) > KNOWN_MAX:
                self._known.popitem(last=False)
        return is_right

    def _settle(self, at: tuple[bytes, str | None], counted: _Counted, done: asyncio.Task[bool]) -> None:
        del self._checking[at]
        if not done.cancelled() and done.exception() is None and done.result():
            for tries, key in counted:
                tries.give_back(key)
