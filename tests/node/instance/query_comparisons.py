"""What a value of a query means for a value of a record, without SQL: the evaluator's half that knows no tables."""

from __future__ import annotations

import calendar
import operator as compare
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from node.instance.dictionary import Field, Kind
from node.instance.query.tree import Condition, Operator

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import tzinfo

    from node.instance.viewer import Viewer


ORDERS: dict[str, Callable[[Any, Any], bool]] = {
    ">": compare.gt,
    ">=": compare.ge,
    "<": compare.lt,
    "<=": compare.le,
    "=": compare.eq,
    "!=": compare.ne,
}
_WORDS = {"GT": ">", "GE": ">=", "LT": "<", "LE": "<=", "EE": "="}
_ = {"GT_FIELD": ">", "GT_OR_EQUALS_FIELD": ">=", "LT_FIELD": "<", "LT_OR_EQUALS_FIELD": "<="}
_WEEKDAYS = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")


class MeaninglessError(Exception):
    """The condition says nothing here."""


@dataclass
class Comparisons:
    """Compares values for somebody at some time.

    Attributes:
        scripts: what scripts stand for, worked out by hand.
    """

    viewer: Viewer
    now: datetime
    scripts: Mapping[str, str | datetime | tuple[str, ...]]

    @property
    def zone(self) -> tzinfo:
        return self.viewer.zone

    def against_value(self, term: Condition, field: Field, value: Any) -> bool:
        times = (Kind.INSTANT, Kind.DAY)
        match term.operator:
            case Operator.ANYTHING:
                return True
            case Operator.NOT_EMPTY:
                return value is not None
            case Operator.IS if term.value in ("", "NULL"):
                return value is None
            case Operator.IS:
                return any(equal(field, value, one) for one in self._literals(field, term.value))
            case Operator.ONE_OF:
                texts = [term.value] if term.value.startswith("javascript:") else term.value.split(",")
                return any(equal(field, value, one) for text in texts if text for one in self._literals(field, text))
            case Operator.GREATER | Operator.GREATER_OR_IS | Operator.LESS | Operator.LESS_OR_IS:
                return self._is_ordered(ORDERS[term.operator], field, value, term.value)
            case Operator.BETWEEN:
                if term.value.count("@") != 1:
                    raise MeaninglessError
                return self._is_between(field, value, *term.value.split("@"))
            case Operator.ON if field.kind in times and term.value.count("@") == 2:
                return self._is_between(field, value, *term.value.split("@")[1:])
            case Operator.DYNAMIC:
                return self._dynamic(term.value, field, value)
            case Operator.DATE_PART if field.kind in times:
                return self._part(term.value, field, value)
            case _ if term.operator.startswith("RELATIVE") and field.kind in times:
                return self._relative(term, field, value)
        raise MeaninglessError

    def _literals(self, field: Field, text: str) -> list[Any]:
        if text.startswith("javascript:"):
            meant = self.scripts.get(text, ())
            if isinstance(meant, datetime):
                at = meant.astimezone(self.zone if field.kind is Kind.DAY else UTC).strftime("%Y-%m-%d %H:%M:%S")
                return [at[:10] if field.kind is Kind.DAY else at]
            texts = [meant] if isinstance(meant, str) else list(meant)
        else:
            texts = [text]
        return [value for one in texts if (value := literal(field, one)) is not None]

    def _is_ordered(self, holds: Callable[[Any, Any], bool], field: Field, value: Any, text: str) -> bool:
        limits = self._literals(field, text)
        return bool(limits) and value is not None and holds(sort_key(field, value), sort_key(field, limits[0]))

    def _is_between(self, field: Field, value: Any, low: str, high: str) -> bool:
        return self._is_ordered(compare.ge, field, value, low) and self._is_ordered(compare.le, field, value, high)

    def textual(self, term: Condition, field: Field, value: Any) -> bool:
        if field.kind in (Kind.BOOLEAN, Kind.DECIMAL):
            raise MeaninglessError
        if term.value.startswith("javascript:"):
            meant = self.scripts.get(term.value, ())
            if isinstance(meant, datetime):
                meant = meant.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
            texts = [meant] if isinstance(meant, str) else list(meant)
        else:
            texts = [term.value]
        if value is None:
            return False
        held = folded(str(value))
        holds = {
            Operator.CONTAINS: held.__contains__,
            Operator.STARTS_WITH: held.startswith,
            Operator.ENDS_WITH: held.endswith,
        }
        return any(holds[term.operator](folded(one)) for one in texts if "\0" not in one)

    def _dynamic(self, option: str, field: Field, value: Any) -> bool:
        ids: dict[str, tuple[str, ...]] = {
            "90d1921e5f510100a9ad2572f2b477fe": (self.viewer.sys_id,),
            "d6435e965f510100a9ad2572f2b47744": tuple(self.viewer.groups),
        }
        if option not in ids:
            raise MeaninglessError
        if field.kind is Kind.IDENTITY:
            return value in ids[option]
        return value is not None and any(one in str(value) for one in ids[option])

    def _relative(self, term: Condition, field: Field, value: Any) -> bool:
        parts = term.value.split("@")
        if len(parts) != 4 or parts[0] or parts[1] not in ("hour", "dayofweek") or parts[2] not in ("ago", "ahead"):
            raise MeaninglessError
        if not parts[3].isdigit():
            raise MeaninglessError
        if value is None:
            return False
        shift = int(parts[3]) * (-1 if parts[2] == "ago" else 1)
        local = self.now.astimezone(self.zone)
        if parts[1] == "hour":
            moment = self.now + timedelta(hours=shift)
            first = moment.replace(minute=0, second=0)
            last = first + timedelta(minutes=59, seconds=59)
        else:
            day = local.replace(tzinfo=None) + timedelta(days=shift)
            moment = day.replace(tzinfo=self.zone)
            first, last = (day.replace(hour=h, minute=m, second=m, tzinfo=self.zone) for h, m in ((0, 0), (23, 59)))
        wire = [
            at.astimezone(self.zone if field.kind is Kind.DAY else UTC).strftime("%Y-%m-%d %H:%M:%S")[
                : 10 if field.kind is Kind.DAY else 19
            ]
            for at in (moment, first, last)
        ]
        if term.operator is Operator.RELATIVE_ON:
            return wire[1] <= value <= wire[2]
        return ORDERS[_WORDS[term.operator.removeprefix("RELATIVE")]](value, wire[0])

    def _part(self, text: str, field: Field, value: Any) -> bool:
        _, _, script = text.partition("@")
        head, mark, rest = script.partition("javascript:gs.datePart(")
        arguments = [one.strip("'") for one in rest.removesuffix(")").split(",")]
        if head or not mark or len(arguments) != 3 or arguments[2] not in _WORDS:
            raise MeaninglessError
        if value is None:
            return False
        local = self.local(field, value)
        match arguments[0]:
            case "dayofweek":
                part, wanted = (local.weekday() + 1) % 7, _WEEKDAYS.index(arguments[1])
            case "hour":
                part, wanted = local.hour, int(arguments[1])
            case "month":
                part, wanted = local.month, [one.lower() for one in calendar.month_name].index(arguments[1])
            case _:
                raise MeaninglessError
        return ORDERS[_WORDS[arguments[2]]](part, wanted)

    def local(self, field: Field, value: str) -> datetime:
        if field.kind is Kind.DAY:
            return datetime.fromisoformat(value)
        return naive(value).replace(tzinfo=UTC).astimezone(self.zone)


def folded(text: Any) -> str:
    """The text with A to Z made small, and nothing else."""
    return "".join(chr(ord(one) + 32) if "A" <= one <= "Z" else one for one in str(text))


def sort_key(field: Field, value: Any) -> Any:
    """By which values are ordered: nothing first, numbers as numbers, texts by their UTF-8 without regard to case."""
    if value is None:
        return (0, 0)
    if field.kind in (Kind.INTEGER, Kind.DECIMAL, Kind.BOOLEAN):
        return (1, value)
    return (1, (folded(value) if field.kind in (Kind.TEXT, Kind.IDENTITY) else str(value)).encode())


def equal(field: Field, value: Any, other: Any) -> bool:
    return value is not None and other is not None and sort_key(field, value) == sort_key(field, other)


def literal(field: Field, text: str) -> Any:
    """What a field would hold of a text; None if it can't."""
    if "\0" in text:
        return None
    match field.kind:
        case Kind.INTEGER | Kind.DECIMAL:
            try:
                return float(text)
            except ValueError:
                return None
        case Kind.BOOLEAN:
            return {"true": 1, "1": 1, "false": 0, "0": 0}.get(text)
        case Kind.INSTANT | Kind.DAY:
            try:
                at = datetime.fromisoformat(text).strftime("%Y-%m-%d %H:%M:%S")
            except ValueError:
                return None
            return at[:10] if field.kind is Kind.DAY else at
        case Kind.IDENTITY:
            return text.strip()
    return text


def naive(value: str) -> datetime:
    return datetime.fromisoformat(value)


def moved(at: datetime, unit: str, number: int) -> datetime:
    """So many units later; a day that its month does not have counts on into the next month, as in SQLite."""
    if unit == "month":
        months = at.year * 12 + at.month - 1 + number
        first = at.replace(year=months // 12, month=months % 12 + 1, day=1)
        return first + timedelta(days=at.day - 1)
    return at + number * {"hour": timedelta(hours=1), "day": timedelta(days=1), "week": timedelta(days=7)}[unit]
