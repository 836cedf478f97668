"""What an encoded query means, said again: over records in memory, one at a time, without SQL.

It is written from the documentation of the operators, not from the engine, and shares the tree with it and nothing
else. Dates are reckoned by `zoneinfo`, texts compared as Python does it, references looked up in dicts.
"""

from __future__ import annotations

import calendar
import operator as compare
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from node.instance.dictionary import Dictionary, Field, FieldType, Kind
from node.instance.query.grammar import parse
from node.instance.query.tree import Condition, Join, Operator, Query, Related

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import tzinfo

    from node.instance.viewer import Viewer
    from tests.node.instance.query_world import Record, Rules

_ORDERS: dict[str, Callable[[Any, Any], bool]] = {
    ">": compare.gt,
    ">=": compare.ge,
    "<": compare.lt,
    "<=": compare.le,
    "=": compare.eq,
    "!=": compare.ne,
}
_WORDS = {"GT": ">", "GE": ">=", "LT": "<", "LE": "<=", "EE": "="}
_FIELD_ORDERS = {"GT_FIELD": ">", "GT_OR_EQUALS_FIELD": ">=", "LT_FIELD": "<", "LT_OR_EQUALS_FIELD": "<="}
_WEEKDAYS = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
_NEGATED = {
    Operator.IS_NOT: Operator.IS,
    Operator.CONTAINS_NOT: Operator.CONTAINS,
    Operator.NONE_OF: Operator.ONE_OF,
    Operator.NOT_ON: Operator.ON,
    Operator.EMPTY: Operator.NOT_EMPTY,
    Operator.EMPTY_STRING: Operator.NOT_EMPTY,
    Operator.NOT_SAME_AS: Operator.SAME_AS,
}
_KEPT = {"hour": 13, "day": 10, "month": 7}


class MeaninglessError(Exception):
    """The condition says nothing here."""


class CircularError(Exception):
    """A rule asks for itself."""


@dataclass
class Evaluator:
    """Answers queries over records.

    Attributes:
        records: by the table that holds them; each has its class in `sys_class_name` if the table is a hierarchy.
        scripts: what scripts stand for, worked out by hand.
    """

    dictionary: Dictionary
    records: Mapping[str, Sequence[Record]]
    rules: Rules
    viewer: Viewer
    now: datetime
    scripts: Mapping[str, str | datetime | tuple[str, ...]]
    _asked: list[str] = field(default_factory=list)

    @property
    def zone(self) -> tzinfo:
        return self.viewer.zone

    def found(self, table: str, query: Query) -> list[str]:
        """The sys_ids of what is found, in order."""
        found = [one for one in self.members(table) if self.holds(query.groups, table, one)]
        is_reversed = False
        for order in reversed([order for order in query.orders if self._is_sortable(table, order.field)]):
            found.sort(key=lambda one: self._sort_key(table, one, order.field), reverse=order.is_descending)
        for order in query.orders:
            if self._is_sortable(table, order.field):
                is_reversed = order.is_descending
        return self._ties(table, found, query, is_reversed=is_reversed)

    def _ties(self, table: str, found: list[Record], query: Query, *, is_reversed: bool) -> list[str]:
        """Records that the order leaves equal are as they were made, or the other way round behind a descending one."""
        made = [one["sys_id"] for one in self._all(table)]
        keyed = [order.field for order in query.orders if self._is_sortable(table, order.field)]

        def keys(one: Record) -> list[Any]:
            return [self._sort_key(table, one, path) for path in keyed]

        result: list[str] = []
        at = 0
        while at < len(found):
            end = at
            while end < len(found) and keys(found[end]) == keys(found[at]):
                end += 1
            equal = sorted((one["sys_id"] for one in found[at:end]), key=made.index, reverse=is_reversed)
            result += equal
            at = end
        return result

    def members(self, table: str) -> list[Record]:
        return [one for one in self._all(table) if self.is_member(table, one)]

    def is_member(self, table: str, record: Record) -> bool:
        """Whether it is a record of the table that the viewer may read."""
        own = record.get("sys_class_name") or table
        if own not in self.dictionary.classes(table):
            return False
        rows = self.rules.rows(self.viewer, table)
        if rows.cases is None:
            return True
        text = rows.cases.get(own)
        return text is not None and (not text or self._is_let_in(text, own, record))

    def _is_let_in(self, text: str, table: str, record: Record) -> bool:
        if text in self._asked:
            raise CircularError
        self._asked.append(text)
        try:
            groups = parse(text).groups
            return any(
                all(any(self._holds_strictly(term, table, record) for term in clause) for clause in group)
                for group in groups
            )
        except CircularError:
            if len(self._asked) > 1:
                raise
            return False
        finally:
            self._asked.pop()

    def holds(self, groups: Any, table: str, record: Record) -> bool:
        """Whether a record fulfils any of the groups; groups in which nothing has a meaning do not count."""
        meant = [one for group in groups if (one := self._group(group, table, record)) is not None]
        return any(meant) if meant else True

    def _group(self, group: Any, table: str, record: Record) -> bool | None:
        clauses = []
        for clause in group:
            terms = []
            for term in clause:
                try:
                    terms.append(self._term(term, table, record))
                except MeaninglessError:
                    continue
            if terms:
                clauses.append(any(terms))
        return all(clauses) if clauses else None

    def _holds_strictly(self, term: Any, table: str, record: Record) -> bool:
        try:
            return self._term(term, table, record)
        except MeaninglessError:
            return False

    def _term(self, term: Any, table: str, record: Record) -> bool:
        match term:
            case Condition():
                return self._condition(term, table, record)
            case Join():
                if term.table not in self.dictionary.ancestry(table):
                    raise MeaninglessError
                mine, theirs = self._field(table, term.field), self._field(term.other, term.other_field)
                self._check_joined(mine, theirs)
                wanted = self._value(table, record, term.field)
                partners = self._joined(term.other, term.other_field, wanted, mine, theirs)
                return any(self.holds((term.clauses,), term.other, one) for one in partners)
            case Related():
                theirs = self._field(term.other, term.field)
                mine = self._field(table, "sys_id")
                self._check_joined(mine, theirs)
                partners = self._joined(term.other, term.field, record["sys_id"], mine, theirs)
                count = sum(self.holds(term.groups, term.other, one) for one in partners)
                return _ORDERS[term.operator](count, term.count)
        raise AssertionError(term)

    def _check_joined(self, mine: Field, theirs: Field) -> None:
        names = {Kind.TEXT, Kind.IDENTITY}
        if Kind.JOURNAL in (mine.kind, theirs.kind) or not (
            mine.kind is theirs.kind or {mine.kind, theirs.kind} <= names
        ):
            raise MeaninglessError

    def _joined(self, table: str, path: str, wanted: Any, mine: Field, theirs: Field) -> list[Record]:
        if wanted is None:
            return []
        are_texts = mine.kind in (Kind.TEXT, Kind.IDENTITY)
        return [
            one
            for one in self.members(table)
            if (value := self._value(table, one, path)) is not None
            and (folded(value) == folded(wanted) if are_texts else value == wanted)
        ]

    def _condition(self, term: Condition, table: str, record: Record) -> bool:
        field, holder, holder_table = self._walked(table, record, term.field)
        if field.kind is Kind.JOURNAL:
            return self._journal(term, field, holder)
        if term.operator in _NEGATED:
            positive = Condition(field=term.field, operator=_NEGATED[term.operator], value=term.value)
            return not self._condition(positive, table, record)
        value = None if holder is None else holder.get(field.name)
        match term.operator:
            case Operator.CONTAINS | Operator.STARTS_WITH | Operator.ENDS_WITH:
                while field.type is FieldType.REFERENCE:  # it looks into what the other record is called
                    display = self.dictionary.display_field(field.reference).name
                    field, holder, holder_table = self._walked(holder_table, holder, f"{field.name}.{display}")
                    value = None if holder is None else holder.get(field.name)
                return self._textual(term, field, value)
            case Operator.INSTANCE_OF:
                if field.type is not FieldType.CLASS_NAME or term.value not in self.dictionary:
                    raise MeaninglessError
                return value in self.dictionary.classes(term.value)
            case Operator.SAME_AS:
                return self._same(term.value, table, record, field, value)
            case Operator.MORE_THAN | Operator.LESS_THAN:
                return self._apart(term, table, record, field, value)
            case _ if term.operator in _FIELD_ORDERS:
                other, against = self._other(term.value, table, record, field)
                one, two = sort_key(field, value), sort_key(other, against)
                return value is not None and against is not None and _ORDERS[_FIELD_ORDERS[term.operator]](one, two)
        return self._against_value(term, field, value)

    def _against_value(self, term: Condition, field: Field, value: Any) -> bool:
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
                return self._is_ordered(_ORDERS[term.operator], field, value, term.value)
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

    def _journal(self, term: Condition, field: Field, holder: Record | None) -> bool:
        if term.operator in (
            Operator.IS_NOT,
            Operator.CONTAINS_NOT,
            Operator.NONE_OF,
            Operator.EMPTY,
            Operator.EMPTY_STRING,
        ):
            return not self._journal(
                Condition(field=term.field, operator=_NEGATED[term.operator], value=term.value), field, holder
            )
        if term.operator not in (
            Operator.IS,
            Operator.ONE_OF,
            Operator.CONTAINS,
            Operator.STARTS_WITH,
            Operator.ENDS_WITH,
            Operator.NOT_EMPTY,
            Operator.ANYTHING,
        ):
            raise MeaninglessError
        of_entry = self.dictionary.fields("sys_journal_field")["value"]
        entries = [
            one["value"]
            for one in self.records["sys_journal_field"]
            if holder is not None and one["element_id"] == holder["sys_id"] and one["element"] == field.name
        ]
        textual = term.operator in (Operator.CONTAINS, Operator.STARTS_WITH, Operator.ENDS_WITH)
        held = self._textual if textual else self._against_value
        return any(held(term, of_entry, one) for one in entries)

    # fields and values

    def _field(self, table: str, name: str) -> Field:
        field = self.dictionary.fields(table).get(name) if table in self.dictionary else None
        if field is None or field.kind is Kind.SECRET or not self.rules.may_read_field(self.viewer, table, name):
            raise MeaninglessError
        return field

    def _walked(self, table: str, record: Record | None, path: str) -> tuple[Field, Record | None, str]:
        """The field at the end of a path, the record that has it (if the references lead to one), and its table."""
        name, _, rest = path.partition(".")
        field = self._field(table, name)
        if not rest:
            return field, record, table
        if field.type is not FieldType.REFERENCE:
            raise MeaninglessError
        key = None if record is None else record.get(name)
        target = next((one for one in self.members(field.reference) if one["sys_id"] == key), None)
        return self._walked(field.reference, target, rest)

    def _value(self, table: str, record: Record, path: str) -> Any:
        field, holder, _ = self._walked(table, record, path)
        return None if holder is None else holder.get(field.name)

    def _all(self, table: str) -> Sequence[Record]:
        return self.records[self.dictionary.root(table)]

    def _is_sortable(self, table: str, path: str) -> bool:
        try:
            self._sort_key(table, None, path)
        except MeaninglessError:
            return False
        return True

    def _sort_key(self, table: str, record: Record | None, path: str) -> Any:
        field, holder, holder_table = self._walked(table, record, path)
        while field.type is FieldType.REFERENCE:
            display = self.dictionary.display_field(field.reference).name
            field, holder, holder_table = self._walked(holder_table, holder, f"{field.name}.{display}")
        if field.kind is Kind.JOURNAL:
            raise MeaninglessError
        return sort_key(field, None if holder is None else holder.get(field.name))

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

    # operators

    def _is_ordered(self, holds: Callable[[Any, Any], bool], field: Field, value: Any, text: str) -> bool:
        limits = self._literals(field, text)
        return bool(limits) and value is not None and holds(sort_key(field, value), sort_key(field, limits[0]))

    def _is_between(self, field: Field, value: Any, low: str, high: str) -> bool:
        return self._is_ordered(compare.ge, field, value, low) and self._is_ordered(compare.le, field, value, high)

    def _textual(self, term: Condition, field: Field, value: Any) -> bool:
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

    def _other(self, path: str, table: str, record: Record, field: Field) -> tuple[Field, Any]:
        if not path or path != path.strip(".") or ".." in path:
            raise MeaninglessError
        other, holder, _ = self._walked(table, record, path)
        if other.kind is not field.kind or field.kind is Kind.JOURNAL:
            raise MeaninglessError
        return other, None if holder is None else holder.get(other.name)

    def _same(self, text: str, table: str, record: Record, field: Field, value: Any) -> bool:
        path, *unit = text.split("@")
        _, other = self._other(path, table, record, field)
        if not unit:
            return (value is None and other is None) or equal(field, value, other)
        if field.kind not in (Kind.INSTANT, Kind.DAY) or unit[0] not in _KEPT or len(unit) > 1:
            raise MeaninglessError
        kept = _KEPT[unit[0]]
        one, two = (
            "" if at is None else self._local(field, at).strftime("%Y-%m-%d %H:%M:%S")[:kept] for at in (value, other)
        )
        return one == two

    def _apart(self, term: Condition, table: str, record: Record, field: Field, value: Any) -> bool:
        path, *rest = term.value.split("@")
        _, other = self._other(path, table, record, field)
        if len(rest) != 3 or field.kind is not Kind.INSTANT:
            raise MeaninglessError
        unit, direction, number = rest
        if unit not in ("hour", "day", "week", "month") or direction not in ("before", "after") or not number.isdigit():
            raise MeaninglessError
        if value is None or other is None:
            return False
        one, two = naive(value), naive(other)
        limit = moved(one, unit, int(number) if direction == "before" else -int(number))
        if direction == "before":
            return two > limit if term.operator is Operator.MORE_THAN else one <= two <= limit
        return two < limit if term.operator is Operator.MORE_THAN else limit <= two <= one

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
        return _ORDERS[_WORDS[term.operator.removeprefix("RELATIVE")]](value, wire[0])

    def _part(self, text: str, field: Field, value: Any) -> bool:
        _, _, script = text.partition("@")
        head, mark, rest = script.partition("javascript:gs.datePart(")
        arguments = [one.strip("'") for one in rest.removesuffix(")").split(",")]
        if head or not mark or len(arguments) != 3 or arguments[2] not in _WORDS:
            raise MeaninglessError
        if value is None:
            return False
        local = self._local(field, value)
        match arguments[0]:
            case "dayofweek":
                part, wanted = (local.weekday() + 1) % 7, _WEEKDAYS.index(arguments[1])
            case "hour":
                part, wanted = local.hour, int(arguments[1])
            case "month":
                part, wanted = local.month, [one.lower() for one in calendar.month_name].index(arguments[1])
            case _:
                raise MeaninglessError
        return _ORDERS[_WORDS[arguments[2]]](part, wanted)

    def _local(self, field: Field, value: str) -> datetime:
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
