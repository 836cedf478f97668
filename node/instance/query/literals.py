"""A value that is written in a query → what it is compared with in a column.

A value that the field can't hold (`priority=high`) is no value: no record equals it, and every one differs from it.
"""

from __future__ import annotations

from datetime import UTC, datetime
from math import isfinite
from typing import TYPE_CHECKING, Final, TypeAlias

from node.instance.dictionary import Kind
from node.instance.query import dates

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import tzinfo

    from node.instance.dictionary import Field
    from node.instance.query.scope import Scope

Literal: TypeAlias = str | int | float

_INTEGER_MAX: Final = 2**63 - 1
_NUMBER_CHARACTERS_MAX: Final = 40
_NUMBER: Final = frozenset("+-.0123456789eE")
_BOOLEANS: Final = {"true": 1, "1": 1, "false": 0, "0": 0}


def literals(field: Field, text: str, scope: Scope) -> Sequence[Literal]:
    """The values that one written value stands for: one, several (`gs.getUser().getMyGroups()`) or none."""
    meant = dates.value(text, scope.viewer, scope.now)
    if meant is None:
        return ()
    if isinstance(meant, datetime):
        return (of_instant(field, meant, scope.viewer.zone),)
    texts = (meant,) if isinstance(meant, str) else meant
    return tuple(found for one in texts if (found := of_text(field, one)) is not None)


def of_text(field: Field, text: str) -> Literal | None:
    """The one value that a text stands for in a field; None if the field can't hold it."""
    if not is_plain(text):
        return None
    match field.kind:
        case Kind.INTEGER | Kind.DECIMAL:
            return number(text)
        case Kind.BOOLEAN:
            return _BOOLEANS.get(text.strip().lower())
        case Kind.INSTANT:
            return _instant(text.strip())
        case Kind.DAY:
            return _day(text.strip())
        case Kind.IDENTITY:
            return text.strip()
        case _:
            return text


def number(text: str) -> int | float | None:
    """The number that a text is, blanks around it aside, with or without an exponent; None if none that is finite."""
    text = text.strip()
    if not text or len(text) > _NUMBER_CHARACTERS_MAX or not _NUMBER.issuperset(text):
        return None
    try:
        whole = int(text)
    except ValueError:
        try:
            found = float(text)
        except ValueError:
            return None
        return found if isfinite(found) else None
    return whole if abs(whole) <= _INTEGER_MAX else float(whole)


def stored_instant(instant: datetime) -> str:
    """An aware instant as a column holds it."""
    return instant.astimezone(UTC).replace(tzinfo=None, microsecond=0).isoformat(sep=" ")


def is_plain(text: str) -> bool:
    """Whether a database can hold the text: no NUL, and nothing that UTF-8 can't say."""
    if "\0" in text:
        return False
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def of_instant(field: Field, instant: datetime, zone: tzinfo) -> str:
    """An aware instant as a field holds it; a day is that of the zone."""
    if field.kind is Kind.DAY:
        return instant.astimezone(zone).date().isoformat()
    return stored_instant(instant)


def _instant(text: str) -> str | None:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    try:
        return stored_instant(found if found.tzinfo else found.replace(tzinfo=UTC))
    except OverflowError:
        return None


def _day(text: str) -> str | None:
    instant = _instant(text)
    return None if instant is None else instant[:10]
