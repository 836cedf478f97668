"""Conditions that a value alone does not decide: one field against another, and the parts of a date.

Parts of a date are those of the viewer's time zone. SQLite knows no zones, so its offsets go into the statement, from
`YEARS_BACK` before this year to `YEARS_AHEAD` after it; what lies beyond is reckoned with the nearest of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import Integer, and_, case, cast, func

from node.instance.dictionary import Kind
from node.instance.query import dates
from node.instance.query.dates import Unit
from node.instance.query.literals import stored_instant
from node.instance.query.tree import Operator

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import tzinfo

    from sqlalchemy import ColumnElement

    from node.instance.query.scope import Scope
    from node.instance.query.walk import Place, Walk

YEARS_BACK: Final = 20
YEARS_AHEAD: Final = 5

_FIELD_COMPARISONS: Final[dict[Operator, Callable[[ColumnElement[Any], ColumnElement[Any]], ColumnElement[bool]]]] = {
    Operator.GREATER_THAN_FIELD: lambda one, other: one > other,
    Operator.GREATER_OR_IS_FIELD: lambda one, other: one >= other,
    Operator.LESS_THAN_FIELD: lambda one, other: one < other,
    Operator.LESS_OR_IS_FIELD: lambda one, other: one <= other,
}
_SAME: Final = frozenset({Operator.SAME_AS, Operator.NOT_SAME_AS})
_APART: Final = frozenset({Operator.MORE_THAN, Operator.LESS_THAN})
COMPARES_FIELDS: Final = frozenset(_FIELD_COMPARISONS) | _SAME | _APART
"""Operators whose value names another field."""

_PART_COMPARISONS: Final[dict[str, Callable[[ColumnElement[Any], int], ColumnElement[bool]]]] = {
    "EE": lambda part, number: part == number,
    "GT": lambda part, number: part > number,
    "GE": lambda part, number: part >= number,
    "LT": lambda part, number: part < number,
    "LE": lambda part, number: part <= number,
}
_DAYS: Final = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
_MONTHS: Final = (
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
)
_PARTS: Final = {
    "dayofweek": ("%w", {name: number for number, name in enumerate(_DAYS)}),
    "month": ("%m", {name: number for number, name in enumerate(_MONTHS, 1)}),
    "hour": ("%H", {}),
    "year": ("%Y", {}),
}
"""`gs.datePart`: how SQLite calls a part, and the names of its values. A week begins on Sunday here, as documented."""

_PREFIXES: Final = {Unit.MINUTE: 16, Unit.HOUR: 13, Unit.DAY: 10, Unit.MONTH: 7, Unit.YEAR: 4}
_MODIFIERS: Final = {
    Unit.MINUTE: (1, "minutes"),
    Unit.HOUR: (1, "hours"),
    Unit.DAY: (1, "days"),
    Unit.WEEK: (7, "days"),
    Unit.MONTH: (1, "months"),
    Unit.QUARTER: (3, "months"),
    Unit.YEAR: (1, "years"),
}
_NUMBER_DIGITS_MAX: Final = 6
_TIMES: Final = frozenset({Kind.INSTANT, Kind.DAY})


def against_field(operator: Operator, value: str, place: Place, walk: Walk, scope: Scope) -> ColumnElement[bool] | None:
    """`SAMEAS`, `GT_FIELD`, `MORETHAN` and their like; None if the other field can't be compared with this one.

    Raises:
        QueryTooLargeError: too many tables are joined.
    """
    path, *rest = value.split("@")
    other = walk.place(path)
    if other is None or other.field.kind is not place.field.kind or place.field.kind is Kind.JOURNAL:
        return None
    if operator in _APART:
        return _apart(operator, rest, place, other)
    if operator in _SAME:
        return _same(operator, rest, place, other, scope)
    return None if rest else _FIELD_COMPARISONS[operator](place.column, other.column)


def _same(
    operator: Operator, rest: Sequence[str], place: Place, other: Place, scope: Scope
) -> ColumnElement[bool] | None:
    one, two = place.column, other.column
    if rest:
        unit = dates.UNITS.get(rest[0])
        if len(rest) > 1 or unit not in _PREFIXES or place.field.kind not in _TIMES:
            return None
        one, two = (func.substr(_local(side, scope), 1, _PREFIXES[unit]) for side in (place, other))
    return one.is_not_distinct_from(two) if operator is Operator.SAME_AS else one.is_distinct_from(two)


def _apart(operator: Operator, rest: Sequence[str], place: Place, other: Place) -> ColumnElement[bool] | None:
    """`dueMORETHANdone@day@before@1`: the time from this field to the other, in the direction that is named."""
    if len(rest) != len(("unit", "direction", "number")) or place.field.kind is not Kind.INSTANT:
        return None
    unit, direction, number = dates.UNITS.get(rest[0]), rest[1], rest[2]
    if unit is None or direction not in ("before", "after") or not _is_number(number):
        return None
    size, name = _MODIFIERS[unit]
    one, two = place.column, other.column
    if direction == "before":
        limit = func.datetime(one, f"+{int(number) * size} {name}")
        return two > limit if operator is Operator.MORE_THAN else and_(two >= one, two <= limit)
    limit = func.datetime(one, f"-{int(number) * size} {name}")
    return two < limit if operator is Operator.MORE_THAN else and_(two <= one, two >= limit)


def date_part(value: str, place: Place, scope: Scope) -> ColumnElement[bool] | None:
    """`dueDATEPARTMonday@javascript:gs.datePart('dayofweek','monday','GE')`; None if it is not written so."""
    _, _, script = value.partition("@")
    call = dates.call(script)
    if call is None or call.name != "gs.datePart" or len(call.arguments) != len(("part", "value", "comparison")):
        return None
    part, written, comparison = call.arguments
    compare = _PART_COMPARISONS.get(comparison)
    if compare is None or part not in _PARTS or place.field.kind not in _TIMES:
        return None
    name, numbers = _PARTS[part]
    number = numbers.get(written.lower())
    if number is None:
        if numbers or not _is_number(written):
            return None
        number = int(written)
    return compare(cast(func.strftime(name, _local(place, scope)), Integer), number)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= _NUMBER_DIGITS_MAX


def _local(place: Place, scope: Scope) -> ColumnElement[Any]:
    """The column as a clock in the viewer's zone would say it; a day is the same everywhere."""
    column = place.column
    if place.field.kind is Kind.DAY:
        return column
    year = scope.now.year
    first, *changes = offsets(scope.viewer.zone, max(year - YEARS_BACK, 2), min(year + YEARS_AHEAD, _YEAR_MAX))
    if not changes:
        return column if first.minutes == 0 else func.datetime(column, first.modifier)
    before = zip((first, *changes), changes, strict=False)
    return case(
        *((column < after.begins, func.datetime(column, earlier.modifier)) for earlier, after in before),
        else_=func.datetime(column, changes[-1].modifier),
    )


_YEAR_MAX: Final = 9990


@dataclass(frozen=True, slots=True, kw_only=True)
class Offset:
    """What a zone's clocks are ahead of UTC, in minutes, from an instant on (as it is stored)."""

    begins: str
    minutes: int

    @property
    def modifier(self) -> str:
        """How SQLite is told to add it."""
        return f"{self.minutes:+d} minutes"


@lru_cache(maxsize=64)
def offsets(zone: tzinfo, first_year: int, last_year: int) -> Sequence[Offset]:
    """The offsets of a zone from the beginning of a year to the end of another, each with when it begins."""
    at, end = datetime(first_year, 1, 1, tzinfo=UTC), datetime(last_year + 1, 1, 1, tzinfo=UTC)
    found = [Offset(begins=stored_instant(at), minutes=_minutes(zone, at))]
    while at < end:
        following = at + timedelta(days=7)
        if _minutes(zone, following) != found[-1].minutes:
            change = _change(zone, at, following)
            found.append(Offset(begins=stored_instant(change), minutes=_minutes(zone, change)))
            following = change
        at = following
    return tuple(found)


def _change(zone: tzinfo, before: datetime, after: datetime) -> datetime:
    """The first minute in which the offset is that of `after`, when it was another `before`."""
    minutes = _minutes(zone, after)
    while after - before > timedelta(minutes=1):
        middle = before + (after - before) // 2
        middle = middle.replace(second=0, microsecond=0)
        if middle == before:
            break
        before, after = (before, middle) if _minutes(zone, middle) == minutes else (middle, after)
    return after


def _minutes(zone: tzinfo, at: datetime) -> int:
    return round((at.astimezone(zone).utcoffset() or timedelta()) / timedelta(minutes=1))
