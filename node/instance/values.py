"""Values: as clients write them, as they are stored, as they are shown.

On the wire every value is a string, and nothing is the empty one; stored, nothing is NULL.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from node.instance.dictionary import Field, FieldType, Kind

if TYPE_CHECKING:
    from datetime import tzinfo

Stored = str | int | float | None

INSTANT_FORMAT: Final = "%Y-%m-%d %H:%M:%S"
DAY_FORMAT: Final = "%Y-%m-%d"
HIDDEN: Final = "********"
"""How a password is shown."""

INTEGER_MAX: Final = 2**63 - 1

_TRUE: Final = frozenset({"true", "1", "yes", "on"})
_FALSE: Final = frozenset({"false", "0", "no", "off"})
_INTEGER: Final = re.compile(r"[+-]?\d{1,19}(\.0+)?", re.ASCII)
_DECIMAL: Final = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?", re.ASCII | re.IGNORECASE)
"""What float() takes but for words, other alphabets' digits and Python's own `1_000`."""

_INSTANT: Final = re.compile(r"(\d{4}-\d\d-\d\d)(?:[ T](\d\d:\d\d(?::\d\d)?)(?:\.\d+)?(Z)?)?", re.ASCII)
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
DAY_S: Final = 86_400
_YEARS: Final = (1000, 9998)
"""Within these, an instant is one in every time zone; clients that write others get an error."""
_INSTANT_CHARACTERS: Final = len("2026-11-28 12:00:00")


class ValueRefusedError(ValueError):
    """A value is none of its field's type; the text is a sentence that names both."""


def stored(field: Field, text: str) -> Stored:
    """What is stored of a wire value. A text that is too long is cut, as ServiceNow does, but no list of records is.

    Raises:
        ValueRefusedError: it is none of the field's type.
    """
    if not text:
        return None
    match field.kind:
        case Kind.INTEGER:
            return _integer(field, text)
        case Kind.BOOLEAN:
            return _boolean(field, text)
        case Kind.DECIMAL:
            return _decimal(field, text)
        case Kind.INSTANT:
            return instant(field, text)
        case Kind.DAY:
            return instant(field, text)[:10]
        case Kind.IDENTITY:
            return text[: max(field.length_max, 32)]
        case _ if field.type is FieldType.LIST and 0 < field.length_max < len(text):
            raise ValueRefusedError(f"{field.name} takes {field.length_max} characters of sys_ids, not {len(text)}.")
        case _:
            return _by_label(field, text)[: field.length_max or None]


def wire(field: Field, value: Stored) -> str:
    """The wire value of what is stored."""
    if value is None:
        return ""
    match field.kind:
        case Kind.BOOLEAN:
            return "true" if value else "false"
        case Kind.DECIMAL:
            return _plain(float(value))
        case Kind.SECRET:
            return ""
        case _:
            return str(value)


def shown(field: Field, value: Stored, zone: tzinfo) -> str:
    """How people see what is stored; a reference is shown by who knows the other record, not here."""
    if field.kind is Kind.SECRET:
        return HIDDEN if value is not None else ""
    if value is None:
        return ""
    if field.choices:
        written = wire(field, value)
        return field.choices.get(written, written)
    if field.type is FieldType.DATE_TIME:
        return local(str(value), zone)
    if field.type is FieldType.DURATION:
        return _span(str(value))
    return wire(field, value)


def moment(text: str) -> datetime | None:
    """The instant that a stored value of kind INSTANT is; none if it is not one."""
    try:
        return datetime.fromisoformat(f"{text}+00:00") if len(text) == _INSTANT_CHARACTERS else None
    except ValueError:
        return None


def written(at: datetime) -> str:
    """An instant as it is stored."""
    return at.astimezone(UTC).strftime(INSTANT_FORMAT)


def _by_label(field: Field, text: str) -> str:
    """The value of a choice that was named by its label."""
    if not field.choices or text in field.choices:
        return text
    return next((value for value, label in field.choices.items() if label.casefold() == text.casefold()), text)


def _integer(field: Field, text: str) -> int:
    by_label = _by_label(field, text).strip()
    if not _INTEGER.fullmatch(by_label) or abs(found := int(by_label.partition(".")[0])) > INTEGER_MAX:
        raise ValueRefusedError(f"{_told(text)} is no whole number, which {field.name} takes.")
    return found


def _boolean(field: Field, text: str) -> int:
    folded = text.casefold()
    if folded in _TRUE:
        return 1
    if folded in _FALSE:
        return 0
    raise ValueRefusedError(f"{_told(text)} is neither true nor false, which {field.name} takes.")


def _decimal(field: Field, text: str) -> float:
    if not _DECIMAL.fullmatch(text.strip()) or abs(found := float(text)) > INTEGER_MAX:
        raise ValueRefusedError(f"{_told(text)} is no number, which {field.name} takes.")
    return found


def instant(field: Field, text: str, zone: tzinfo = UTC) -> str:
    """What is stored of a time as the clocks of a zone show it, or of one that ends in Z, for UTC.

    An hour that is there twice is the first one; one that clocks leave out is told as if they had not been put on.

    Raises:
        ValueRefusedError: it is none, or none that every zone knows.
    """
    found = _INSTANT.fullmatch(text.strip())
    if found is not None:
        day, time, is_utc = found.groups()
        time = time or "00:00:00"
        at = moment(f"{day} {time}" if time.count(":") > 1 else f"{day} {time}:00")
        if at is not None and _YEARS[0] <= at.year <= _YEARS[1]:
            there = at if is_utc else at.replace(tzinfo=zone).astimezone(UTC)
            if _YEARS[0] <= there.year <= _YEARS[1]:
                return there.strftime(INSTANT_FORMAT)
    if field.type is FieldType.DURATION:
        raise ValueRefusedError(
            f"{_told(text)} is no duration, which {field.name} takes: write what comes so long after 1970-01-01 "
            "00:00:00 or, with sysparm_input_display_value=true, D HH:MM:SS."
        )
    raise ValueRefusedError(
        f"{_told(text)} is no instant, which {field.name} takes: write YYYY-MM-DD HH:MM:SS, of the clocks of {zone}."
    )


def local(value: str, zone: tzinfo) -> str:
    """A stored instant as the clocks of a zone show it."""
    at = moment(value)
    if at is None or not _YEARS[0] <= at.year <= _YEARS[1]:
        return value
    return at.astimezone(zone).isoformat(sep=" ")[:_INSTANT_CHARACTERS]


def _span(value: str) -> str:
    at = moment(value)
    if at is None:
        return value
    rest = int((at - EPOCH) / timedelta(seconds=1))
    parts = []
    for unit, size_s in (("Day", DAY_S), ("Hour", 3600), ("Minute", 60), ("Second", 1)):
        count, rest = divmod(rest, size_s)
        if count:
            parts.append(f"{count} {unit}{'s' if count > 1 else ''}")
    return " ".join(parts) or "0 Seconds"


def _plain(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(value)


def _told(text: str) -> str:
    return f"'{text[:40]}'"
