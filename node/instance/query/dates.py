"""The values that a query may have worked out when it is asked: `javascript:gs.daysAgoStart(7)` and the like.

Nothing is run as a script. What is worked out is a closed list of calls, which stand in the tables below; any other
script is no value, so that a condition with it holds for no record (and its opposite for every one).

Days, weeks, months, quarters and years are those of the viewer's time zone; a week begins on Monday (as
`GlideSystem.isFirstDayOfWeek` has it). Values that are written as they are (`2026-01-31 08:00:00`) are UTC, as they are
stored; `dateGenerate` takes the viewer's time zone.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import tzinfo

    from node.instance.viewer import Viewer

SCRIPT: Final = "javascript:"

Value: TypeAlias = str | datetime | tuple[str, ...]
"""What a script stands for: a text, an instant (aware), or several texts."""

_DIGITS_MAX: Final = 7


class Unit(StrEnum):
    """What a calendar is cut into."""

    MINUTE = "minute"
    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"


_MONTHS: Final = {Unit.MONTH: 1, Unit.QUARTER: 3, Unit.YEAR: 12}
_DAYS: Final = {Unit.DAY: 1, Unit.WEEK: 7}
_SECONDS: Final = {Unit.MINUTE: 60, Unit.HOUR: 3600}
UNITS: Final = {unit.value: unit for unit in Unit} | {"dayofweek": Unit.DAY}
"""How queries call units."""

_DIRECTIONS: Final = {"ago": -1, "ahead": 1}

_PERIODS: Final = {
    **{
        f"{word}{unit.capitalize()}": (unit, shift)
        for unit in (Unit.MINUTE, Unit.HOUR, Unit.WEEK, Unit.MONTH, Unit.QUARTER, Unit.YEAR)
        for word, shift in (("Last", -1), ("This", 0), ("Current", 0), ("Next", 1))
    },
    "Yesterday": (Unit.DAY, -1),
    "Today": (Unit.DAY, 0),
    "Tomorrow": (Unit.DAY, 1),
}
"""`beginningOf…` and `endOf…`."""

_AGO: Final = {f"{unit}sAgo": unit for unit in Unit}
"""`…(n)`, `…Start(n)` and `…End(n)`."""

_OF_VIEWER: Final[dict[str, Callable[[Viewer], Value]]] = {
    "gs.getUserID()": lambda viewer: viewer.sys_id,
    "gs.getUser().getID()": lambda viewer: viewer.sys_id,
    "gs.getUserName()": lambda viewer: viewer.user_name,
    "gs.getUser().getName()": lambda viewer: viewer.user_name,
    "gs.getUserDisplayName()": lambda viewer: viewer.name,
    "gs.getUser().getMyGroups()": lambda viewer: tuple(sorted(viewer.groups)),
    "getMyGroups()": lambda viewer: tuple(sorted(viewer.groups)),
}

DYNAMIC: Final[dict[str, Callable[[Viewer], Value]]] = {
    "90d1921e5f510100a9ad2572f2b477fe": lambda viewer: viewer.sys_id,
    "54635e965f510100a9ad2572f2b4774c": lambda viewer: viewer.sys_id,
    "d6435e965f510100a9ad2572f2b47744": lambda viewer: tuple(sorted(viewer.groups)),
}
"""The dynamic filter options that the documentation uses: Me (under two ids), One of my groups."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A call as it is written, `gs.datePart('hour','9','GE')`; its arguments are numbers or texts in quotes."""

    name: str
    arguments: tuple[str, ...]


def call(script: str) -> Call | None:
    """Read one call, with or without `javascript:` and a semicolon; None if it is anything else."""
    text = script.removeprefix(SCRIPT).strip().removesuffix(";").rstrip()
    name, _, rest = text.partition("(")
    if not rest.endswith(")"):
        return None
    written = rest[:-1].strip()
    arguments = tuple(_argument(one.strip()) for one in written.split(",")) if written else ()
    found = tuple(one for one in arguments if one is not None)
    return Call(name=name.rstrip(), arguments=found) if len(found) == len(arguments) else None


def _argument(text: str) -> str | None:
    for quote in ("'", '"'):
        if len(text) > 1 and text.startswith(quote) and text.endswith(quote):
            inner = text[1:-1]
            return None if quote in inner or "\\" in inner else inner
    return text if _is_number(text) else None


def _is_number(text: str) -> bool:
    digits = text.removeprefix("-")
    return digits.isascii() and digits.isdigit() and len(digits) <= _DIGITS_MAX


def value(text: str, viewer: Viewer, now: datetime) -> Value | None:
    """What a value of a query stands for: itself, or what its script says; None for a script that is not listed."""
    if not text.startswith(SCRIPT):
        return text
    script = "".join(text.removeprefix(SCRIPT).split()).removesuffix(";")
    if (of_viewer := _OF_VIEWER.get(script)) is not None:
        return of_viewer(viewer)
    found = call(text)
    try:
        return None if found is None else _worked_out(found, Calendar(zone=viewer.zone, now=now))
    except (OverflowError, ValueError):  # beyond the years 1 to 9999
        return None


def _worked_out(found: Call, calendar: Calendar) -> datetime | None:
    name = found.name.removeprefix("gs.")
    if name == found.name:
        return None
    match found.arguments:
        case ():
            return _of_period(name, calendar)
        case (number,) if _is_number(number):
            return _ago(name, int(number), calendar)
        case (day, at) if name == "dateGenerate":
            return calendar.generate(day, at)
        case _:
            return None


def _of_period(name: str, calendar: Calendar) -> datetime | None:
    if name in ("now", "nowDateTime", "nowNoTZ"):
        return calendar.now
    if name == "yesterday":
        return calendar.moved(Unit.HOUR, -24)
    for prefix, edge in (("beginningOf", calendar.beginning), ("endOf", calendar.end)):
        if name.startswith(prefix) and (period := _PERIODS.get(name.removeprefix(prefix))) is not None:
            return edge(*period)
    return None


def _ago(name: str, number: int, calendar: Calendar) -> datetime | None:
    for suffix, moment in (("Start", calendar.beginning), ("End", calendar.end), ("", calendar.moved)):
        if name.endswith(suffix) and (unit := _AGO.get(name.removesuffix(suffix))) is not None:
            return moment(unit, -number)
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendar:
    """A calendar on somebody's wall.

    Attributes:
        zone: where it hangs.
        now: an aware instant.
    """

    zone: tzinfo
    now: datetime

    def beginning(self, unit: Unit, shift: int) -> datetime:
        """When this minute, hour, day … begins, or that so many later.

        Raises:
            OverflowError, ValueError: before the year 1 or after 9999.
        """
        local = self.now.astimezone(self.zone)
        if unit in _SECONDS:
            begun = local.replace(second=0, microsecond=0, minute=local.minute if unit is Unit.MINUTE else 0)
            return begun.astimezone(UTC) + timedelta(seconds=shift * _SECONDS[unit])
        return self._midnight(_first_day(_moved_day(_first_day(local.date(), unit), unit, shift), unit))

    def end(self, unit: Unit, shift: int) -> datetime:
        """The last second of this minute, hour, day …, or of that so many later; errors as for `beginning`."""
        return self.beginning(unit, shift + 1) - timedelta(seconds=1)

    def moved(self, unit: Unit, shift: int) -> datetime:
        """The same time of day so many days, weeks, … later, or so many minutes and hours; errors as for `beginning`.

        A month that has no such day gives its last one.
        """
        if unit in _SECONDS:
            return self.now + timedelta(seconds=shift * _SECONDS[unit])
        local = self.now.astimezone(self.zone)
        day = _moved_day(local.date(), unit, shift)
        return datetime.combine(day, local.time(), tzinfo=self.zone).astimezone(UTC)

    def generate(self, day: str, at: str) -> datetime | None:
        """`gs.dateGenerate('2026-01-31', '08:00:00')`, also with `start` and `end`; ValueError for what is no date."""
        if at == "start":
            return self._midnight(date.fromisoformat(day))
        if at == "end":
            return self._midnight(date.fromisoformat(day) + timedelta(days=1)) - timedelta(seconds=1)
        return datetime.combine(date.fromisoformat(day), time.fromisoformat(at), tzinfo=self.zone).astimezone(UTC)

    def _midnight(self, day: date) -> datetime:
        return datetime.combine(day, time(), tzinfo=self.zone).astimezone(UTC)


def _first_day(day: date, unit: Unit) -> date:
    match unit:
        case Unit.WEEK:
            return day - timedelta(days=day.weekday())
        case Unit.MONTH:
            return day.replace(day=1)
        case Unit.QUARTER:
            return day.replace(month=day.month - (day.month - 1) % 3, day=1)
        case Unit.YEAR:
            return day.replace(month=1, day=1)
        case _:
            return day


def _moved_day(day: date, unit: Unit, shift: int) -> date:
    if unit in _DAYS:
        return day + timedelta(days=shift * _DAYS[unit])
    months = day.year * 12 + day.month - 1 + shift * _MONTHS[unit]
    first = date(months // 12, months % 12 + 1, 1)
    last = (first + timedelta(days=31)).replace(day=1) - timedelta(days=1) if first < _LAST_MONTH else date.max
    return first.replace(day=min(day.day, last.day))


_LAST_MONTH: Final = date.max.replace(day=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Relative:
    """`@dayofweek@ago@7` worked out: the moment, and the first and last second of the unit that it lies in."""

    moment: datetime
    beginning: datetime
    end: datetime


def relative(text: str, viewer: Viewer, now: datetime) -> Relative | None:
    """What `RELATIVEGT` and its like compare with: so many units ago or ahead; None if it is not written so."""
    before, *parts = text.split("@")
    if before or len(parts) != len(("unit", "direction", "number")):
        return None
    unit, direction, number = UNITS.get(parts[0]), _DIRECTIONS.get(parts[1]), parts[2]
    if unit is None or direction is None or not _is_number(number):
        return None
    calendar = Calendar(zone=viewer.zone, now=now)
    shift = direction * int(number)
    try:
        return Relative(
            moment=calendar.moved(unit, shift),
            beginning=calendar.beginning(unit, shift),
            end=calendar.end(unit, shift),
        )
    except (OverflowError, ValueError):
        return None
