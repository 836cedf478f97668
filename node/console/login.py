"""The password file: what makes the instance's first admin, and the way back in for who has lost the password.

    admin.password   the first-run password, or the argon2id hash of the one that `admin` has chosen since (0600)

The node makes the first password and tells it once. It is as secret as the admin token beside it. A password that is
new in the file becomes that of the user `admin` when the instance is next opened; from then on the user's record
counts, and the file follows it. So whoever has lost the password deletes the file and starts the node again, as with
the token.
"""

from __future__ import annotations

import base64
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
    """What the password file holds.

    Attributes:
        first_password: the first-run password, until another is chosen.
    """

    def __init__(self, file: Path, kept: str) -> None:
        self._file = file
        self._hash = kept if is_hash(kept) else None
        self.first_password = kept if self._hash is None else None

    def __repr__(self) -> str:
        return f"Login({str(self._file)!r})"

    def hash(self) -> str:
        """The hash of its password; for the first-run password another one each time."""
        return self._hash or hashed(str(self.first_password))

    def is_in_step_with(self, kept: str | None) -> bool:
        """Whether a hash is that of its password."""
        return self._hash == kept if self._hash is not None else is_hash_of(kept, str(self.first_password))

    def follow(self, kept: str) -> None:
        """Hold the hash of another password.

        Raises:
            DataDirectoryError: the file can't be written; it holds what it held.
        """
        write_atomically(self._file, f"{kept}\n")
        self._hash, self.first_password = kept, None


def read_login(file: Path) -> Login | None:
    """What the file holds; none if there is no such file.

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
    """A file with a new first-run password of 100 bits, written to the file before it is returned.

    Raises:
        DataDirectoryError: the file can't be written.
    """
    letters = base64.b32encode(entropy.token(_FIRST_BYTES)).decode().lower()[:_FIRST_CHARACTERS]
    password = "-".join(letters[at : at + 5] for at in range(0, _FIRST_CHARACTERS, 5))
    write_atomically(file, f"{password}\n")
    return Login(file, password)
