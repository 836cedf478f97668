"""The license of one node: what it allows now, and the file in which it is kept.

    node.license   when the evaluation began, and the license key that was entered (0600)

A node is in its evaluation for 30 days from its first start. A license key that counts makes it paid until the key
ends. Neither: it is free, and initiates no connection in Script mode; what exists runs on, and invitations of others
are accepted. This is a rule for honest admins and no lock: who owns the machine can delete the file.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final, assert_never

from node import words
from node.license.keys import LicenseKey, LicenseKeyError, read
from node.private_files import ELSEWHERE, DataDirectoryError, read_text, write_atomically

if TYPE_CHECKING:
    from pathlib import Path

LICENSE_FILE: Final = "node.license"
EVALUATION_S: Final = 30 * 86_400
FILE_VERSION: Final = 1


class Kind(StrEnum):
    """Which of the three a node is."""

    EVALUATION = "evaluation"
    PAID = "paid"
    FREE = "free"


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What the license is at one instant.

    Attributes:
        kind: evaluation, paid or free.
        ends_at: when it ends; free: when what was there before has ended (Unix seconds).
        licensee: whom the key names that counts, or counted last.
        left: the time until then, as people say it; none when it has ended.
        sentence: all of it for people.
    """

    kind: Kind
    ends_at: float
    left: str | None
    licensee: str | None
    sentence: str

    @property
    def may_initiate(self) -> bool:
        """Whether a new connection may be initiated in Script mode."""
        return self.kind is not Kind.FREE


class License:
    """The license of one node.

    Attributes:
        began_at: when the evaluation began (Unix seconds).
    """

    def __init__(self, file: Path, *, began_at: float, text: str | None, public: bytes | None) -> None:
        self._file = file
        self._public = public
        self._key = _counting(text, public)
        self.began_at = began_at

    @property
    def has_public_key(self) -> bool:
        """Whether the node was told whose keys count."""
        return self._public is not None

    def standing(self, now: float) -> Standing:
        """What the license is at an instant."""
        key, evaluation_ends_at = self._key, self.began_at + EVALUATION_S
        if key is not None and now < key.expires_at:
            return _standing(Kind.PAID, key.expires_at, now, licensee=key.licensee)
        if now < evaluation_ends_at:
            return _standing(Kind.EVALUATION, evaluation_ends_at, now)
        if key is not None and key.expires_at > evaluation_ends_at:
            return _standing(Kind.FREE, key.expires_at, now, licensee=key.licensee)
        return _standing(Kind.FREE, evaluation_ends_at, now)

    def enter(self, text: str, *, now: float) -> Standing:
        """Let another key count from now on; what it says.

        Raises:
            LicenseKeyError: it does not count here; the one before still does.
            DataDirectoryError: the file can't be written; likewise.
        """
        if self._public is None:
            raise LicenseKeyError(
                "This node was not told whose license keys count: whoever runs it starts it with "
                "--license-public-key (HANDCLASP_LICENSE_PUBLIC_KEY)."
            )
        key = read(text, self._public)
        if key.expires_at <= now:
            raise LicenseKeyError(f"This license key ended on {words.day_and_time(key.expires_at)}: ask for a new one.")
        _write(self._file, began_at=self.began_at, text=text.strip())
        self._key = key
        return self.standing(now)


def open_license(file: Path, *, now: float, public: bytes | None) -> License:
    """The license that the file holds; without a file, the evaluation begins now.

    Raises:
        DataDirectoryError: the file can't be read or written, is damaged, or others could read it.
    """
    text = read_text(file, is_secret=True)
    if text is None:
        _write(file, began_at=now, text=None)
        return License(file, began_at=now, text=None, public=public)
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        content = None
    match content:
        case {"version": 1, "evaluation_began_at": int(began_at), "key": None | str() as key}:
            # a clock that was set back must not stretch the evaluation
            return License(file, began_at=min(began_at, now), text=key, public=public)
        case {"version": int(version)} if version > FILE_VERSION:
            raise DataDirectoryError(f"{file} was written by a newer Handclasp: upgrade Handclasp, or {ELSEWHERE}.")
    raise DataDirectoryError(
        f"{file} is damaged: put back its copy, or delete it, start the node again and enter the license key anew."
    )


def _counting(text: str | None, public: bytes | None) -> LicenseKey | None:
    if text is None or public is None:
        return None
    try:
        return read(text, public)
    except LicenseKeyError:  # the node was told of another key pair since
        return None


def _write(file: Path, *, began_at: float, text: str | None) -> None:
    content = {"version": FILE_VERSION, "evaluation_began_at": int(began_at), "key": text}
    write_atomically(file, json.dumps(content, indent=2) + "\n")


def _standing(kind: Kind, ends_at: float, now: float, *, licensee: str | None = None) -> Standing:
    when = words.day_and_time(ends_at)
    left = words.span(max(round((ends_at - now) / 60) * 60, 1), most=1)  # 30 days are not 29 from the first second on
    match kind:
        case Kind.PAID:
            sentence = f"Licensed to {licensee} for another {left}, until {when}."
        case Kind.EVALUATION:
            sentence = f"The evaluation goes on for another {left}, until {when}."
        case Kind.FREE:
            sentence = f"The license of {licensee} ended on {when}." if licensee else f"The evaluation ended on {when}."
        case _:
            assert_never(kind)
    return Standing(
        kind=kind,
        ends_at=ends_at,
        left=left if kind is not Kind.FREE else None,
        licensee=licensee,
        sentence=sentence,
    )
