"""The parameters that the admin API takes in a URL: one row each, for the handlers and for the OpenAPI document."""

from __future__ import annotations

from enum import StrEnum
from typing import Final, Generic, TypeVar

import msgspec

from protocol.limits import COUNTER_LIMIT
from protocol.records import Status
from protocol.vocabulary import Role

W = TypeVar("W", bound=StrEnum)

PAGE_MAX: Final = 500
PAGE_DEFAULT: Final = 100


class YesNo(StrEnum):
    """The two words of a parameter that is on or off."""

    YES = "true"
    NO = "false"


class Number(msgspec.Struct, frozen=True, kw_only=True):
    """A whole number, with the one that counts when it is left out."""

    name: str
    meaning: str
    default: int
    lowest: int
    highest: int


class Choice(msgspec.Struct, Generic[W], frozen=True, kw_only=True):
    """One word of a vocabulary, or left out."""

    name: str
    meaning: str
    words: type[W]


Parameter = Number | Choice[Status] | Choice[Role] | Choice[YesNo]

LIMIT: Final = Number(
    name="limit", meaning="How many there may be on a page.", default=PAGE_DEFAULT, lowest=1, highest=PAGE_MAX
)
AFTER_NUMBER: Final = Number(
    name="after",
    meaning="Where the page begins: the `next` of the page before.",
    default=0,
    lowest=0,
    highest=COUNTER_LIMIT,
)
AFTER_SEQ: Final = Number(
    name="after", meaning="Only events with a higher `seq`.", default=0, lowest=0, highest=COUNTER_LIMIT
)
STATUS: Final = Choice(name="status", meaning="Only connections with that status.", words=Status)
ROLE: Final = Choice(name="role", meaning="Only connections in which this node has that role.", words=Role)
REMOVED: Final = Choice(
    name="removed",
    meaning="`true`: instead of those in the list, those that were taken off it and whose partner is still owed.",
    words=YesNo,
)
