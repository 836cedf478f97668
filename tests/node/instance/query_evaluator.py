"""What an encoded query means, said again: over records in memory, one at a time, without SQL.

It is written from the documentation of the operators, not from the engine, and shares the tree with it and nothing
else. Dates are reckoned by `zoneinfo`, texts compared as Python does it, references looked up in dicts.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from node.instance.dictionary import Dictionary, Field, FieldType, Kind
from node.instance.query.grammar import parse
from node.instance.query.tree import Condition, Join, Operator, Query, Related
from tests.node.instance.query_comparisons import (
    ORDERS,
    Comparisons,
    MeaninglessError,
    equal,
    folded,
    moved,
    naive,
    sort_key,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from node.instance.viewer import Viewer
    from tests.node.instance.query_world import Record, Rules

_FIELD_ORDERS = {"GT_FIELD": ">", "GT_OR_EQUALS_FIELD": ">=", "LT_FIELD": "<", "LT_OR_EQUALS_FIELD": "<="}
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


class CircularError(Exception):
    """A rule asks for itself."""


@dataclass
class Evaluator:
    """Answers queries over records.

    Attributes:
        records: by the table that holds them; each has its class in `sys_class_name` if the table is a hierarchy.
    """

    dictionary: Dictionary
    records: Mapping[str, Sequence[Record]]
    rules: Rules
    values: Comparisons
    _asked: list[str] = field(default_factory=list)

    @property
    def viewer(self) -> Viewer:
        return self.values.viewer

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
                return ORDERS[term.operator](count, term.count)
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
                return self.values.textual(term, field, value)
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
                return value is not None and against is not None and ORDERS[_FIELD_ORDERS[term.operator]](one, two)
        return self.values.against_value(term, field, value)

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
            if holder is not None
            and one["element_id"] == holder["sys_id"]
            and one["element"] == field.name
            and one["name"] == holder["sys_class_name"]
        ]
        textual = term.operator in (Operator.CONTAINS, Operator.STARTS_WITH, Operator.ENDS_WITH)
        held = self.values.textual if textual else self.values.against_value
        return any(held(term, of_entry, one) for one in entries)

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
            "" if at is None else self.values.local(field, at).strftime("%Y-%m-%d %H:%M:%S")[:kept]
            for at in (value, other)
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
