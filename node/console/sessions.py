"""Sessions: who has signed in, kept as digests, so that a copy of the database signs nobody in."""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING, Final

from node.bearer import digest_of, new_secret
from node.store import sessions as stored

if TYPE_CHECKING:
    from node.ports import Clock, Entropy, Store, Transaction

IDLE_S_MAX: Final = 24 * 3600
"""A session that nobody used for so long is over."""

AGE_S_MAX: Final = 30 * 24 * 3600
SEEN_EVERY_S: Final = 600
"""How often the use of a session is noted: a page that is looked at need not cost a commit."""

SESSIONS_MAX: Final = 100


class Sessions:
    """The sessions of one node."""

    def __init__(self, *, clock: Clock, entropy: Entropy, store: Store) -> None:
        self._clock = clock
        self._entropy = entropy
        self._store = store

    def new_token(self) -> str:
        """A token that nobody can guess: of a session, or of a form before there is one."""
        return new_secret(self._entropy)

    async def open(self, user_id: str, password_mark: bytes) -> str:
        """A new session of a user, by that password; its token. The oldest ones beyond the limit are over."""
        token, now = self.new_token(), self._clock.now()

        def unit(tx: Transaction) -> None:
            stored.drop_old(tx, idle_since=int(now - IDLE_S_MAX), made_before=int(now - AGE_S_MAX))
            stored.add(
                tx,
                digest=digest_of(token),
                user_id=user_id,
                password_mark=password_mark,
                now=int(now),
                most=SESSIONS_MAX,
            )

        await self._store.run(unit)
        return token

    async def user_of(self, token: str) -> tuple[str, bytes] | None:
        """Whose session that is, and by which password, as its mark; none if it is none.

        Its use is noted, but not on a full disk: looking needs no room. Whether that user may still be here, and has
        that password still, is another question.
        """
        digest, now = digest_of(token), self._clock.now()

        def unit(tx: Transaction) -> tuple[str, bytes] | None:
            found = stored.find(tx, digest)
            if found is None or now - found.seen_at > IDLE_S_MAX or now - found.made_at > AGE_S_MAX:
                return None
            if now - found.seen_at > SEEN_EVERY_S and not self._store.is_full:
                stored.seen(tx, digest=digest, now=int(now))
            return found.user_id, found.password_mark

        return await self._store.run(unit)

    async def close(self, token: str) -> None:
        """End one session."""
        digest = digest_of(token)
        await self._store.run(lambda tx: stored.remove(tx, digest))

    async def close_others(self, token: str, user_id: str, password_mark: bytes) -> None:
        """End all sessions of a user but one, which goes on by another password."""
        digest = digest_of(token)
        await self._store.run(lambda tx: stored.keep_alone(tx, digest, user_id=user_id, password_mark=password_mark))


def form_token(token: str) -> str:
    """What each form of a page carries, made from the cookie that another site can't read."""
    return hmac.new(token.encode(), b"handclasp/console form", hashlib.sha256).hexdigest()


def is_form_token(token: str, given: str) -> bool:
    """Whether a form came from a page of that session."""
    return hmac.compare_digest(form_token(token).encode(), given.encode(errors="replace"))
