"""The login of the node's admin: a name and a password.

    admin.password   the first-run password, or the argon2id hash of the one that the admin has chosen since (0600)

The node makes the first password and tells it once. It is as secret as the admin token beside it. Whoever has lost the
password deletes the file and starts the node again, as with the token. It is no part of the database or its backups.
"""

from __future__ import annotations

import base64
import hmac
import re
from typing import TYPE_CHECKING, Final

from node.passwords import hashed, is_hash, is_hash_of
from node.private_files import DataDirectoryError, read_text, write_atomically

if TYPE_CHECKING:
    from pathlib import Path

    from node.ports import Entropy

PASSWORD_FILE: Final = "admin.password"  # noqa: S105 - a file's name
ADMIN_NAME: Final = "admin"

_FIRST_BYTES: Final = 13
_FIRST_CHARACTERS: Final = 20
_FIRST: Final = re.compile(r"[a-z2-7]{5}(-[a-z2-7]{5}){3}")


class Login:
    """Who may sign in to the console.

    Attributes:
        first_password: the first-run password, while it is still the one that counts.
    """

    def __init__(self, file: Path, kept: str) -> None:
        self._file = file
        self._hash = kept if is_hash(kept) else None
        self.first_password = kept if self._hash is None else None

    def __repr__(self) -> str:
        return f"Login({str(self._file)!r})"

    def is_admin(self, name: str, password: str) -> bool:
        """Whether that is the admin's name and password; both wrong answers take the same time."""
        if self._hash is None:
            self._hash = hashed(str(self.first_password))
        is_password = is_hash_of(self._hash, password)
        return hmac.compare_digest(name.encode(errors="replace"), ADMIN_NAME.encode()) and is_password

    def change(self, password: str) -> None:
        """Let another password count from now on.

        Raises:
            DataDirectoryError: the file can't be written; the old one still counts.
        """
        kept = hashed(password)
        write_atomically(self._file, f"{kept}\n")
        self._hash, self.first_password = kept, None


def read_login(file: Path) -> Login | None:
    """The login that the file holds; none if there is no such file.

    Raises:
        DataDirectoryError: it can't be read, is damaged, or others could read it.
    """
    text = read_text(file, is_secret=True)
    if text is None:
        return None
    kept = text.strip()
    if not (_FIRST.fullmatch(kept) or is_hash(kept)):
        raise DataDirectoryError(f"{file} holds no password: delete it and start the node for a new one.")
    return Login(file, kept)


def make_login(file: Path, entropy: Entropy) -> Login:
    """A login with a new first-run password of 100 bits, written to the file before it is returned.

    Raises:
        DataDirectoryError: the file can't be written.
    """
    letters = base64.b32encode(entropy.token(_FIRST_BYTES)).decode().lower()[:_FIRST_CHARACTERS]
    password = "-".join(letters[at : at + 5] for at in range(0, _FIRST_CHARACTERS, 5))
    write_atomically(file, f"{password}\n")
    return Login(file, password)
