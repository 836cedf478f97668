"""Secrets that let in whoever holds them: tokens of the admin API, sessions of the console."""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from node.ports import Entropy

SECRET_BYTES: Final = 32


def new_secret(entropy: Entropy) -> str:
    """One that nobody can guess; 43 characters that may stand in a header, a cookie or a form."""
    return base64.urlsafe_b64encode(entropy.token(SECRET_BYTES)).decode().rstrip("=")


def digest_of(secret: str) -> bytes:
    """What is kept of it, so that a copy of the database lets nobody in; 32 bytes."""
    return hashlib.sha256(secret.encode(errors="replace")).digest()
