"""Passwords as they are kept: argon2id hashes, for the console's admins and the users of the instance alike."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from argon2 import PasswordHasher

PASSWORD_CHARACTERS_MIN: Final = 12
PASSWORD_CHARACTERS_MAX: Final = 256

ARGON2_MEMORY_KIB: Final = 19 * 1024
ARGON2_PASSES: Final = 2
"""OWASP's first choice for argon2id; it takes about 30 ms of one core."""

_HASH: Final = re.compile(r"\$argon2id\$[!-~]{40,200}")


def hashed(password: str) -> str:
    """What is kept of a password."""
    return _hasher().hash(password[:PASSWORD_CHARACTERS_MAX])


def is_hash(text: str) -> bool:
    """Whether the text is what is kept of a password, and not a password."""
    return _HASH.fullmatch(text) is not None


def is_hash_of(kept: str | None, password: str) -> bool:
    """Whether that is the password; where none is kept, no password is, and that takes as long to say."""
    from argon2.exceptions import Argon2Error, InvalidHashError  # noqa: PLC0415 - a start need not wait for it

    try:
        _hasher().verify(kept or _hash_of_nothing(), password[:PASSWORD_CHARACTERS_MAX])
    except (Argon2Error, InvalidHashError):
        return False
    return kept is not None


@cache
def _hash_of_nothing() -> str:
    return _hasher().hash("")


@cache
def _hasher() -> PasswordHasher:
    from argon2 import PasswordHasher  # noqa: PLC0415 - a start need not wait for it

    return PasswordHasher(time_cost=ARGON2_PASSES, memory_cost=ARGON2_MEMORY_KIB, parallelism=1)
