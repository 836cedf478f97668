"""The filter builder: rows of field, operator and value ↔ the tree of an encoded query. Pure.

Every query goes from text to rows and back without a loss, unless it has a part that is no condition (JOIN, RLQUERY):
that one has no rows, and is changed as text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from node.instance.dictionary import FieldType, Kind
from node.instance.query.grammar import is_path, write
from node.instance.query.tree import UNARY, Condition, Operator, Order, Query
from node.instance.records.representing import display_path

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from node.instance.dictionary import Dictionary, Field
    from node.instance.query.tree import Group

ROWS_MAX: Final = 8
"""How many conditions the builder shows; a query with more is changed as text."""

DYNAMIC_OF: Final[Mapping[str, Mapping[str, str]]] = {
    "sys_user": {"90d1921e5f510100a9ad2572f2b477fe": "me"},
    "sys_user_group": {"d6435e965f510100a9ad2572f2b47744": "one of my groups"},
}
"""What `DYNAMIC` may mean for references to a table, as it is written and as it is called."""

PERIODS: Final[Mapping[str, str]] = {
    name: f"{name}@javascript:gs.beginningOf{call}()@javascript:gs.endOf{call}()"
    for name, call in (
        ("Today", "Today"),
        ("Yesterday", "Yesterday"),
        ("This week", "ThisWeek"),
        ("Last week", "LastWeek"),
        ("This month", "ThisMonth"),
        ("Last month", "LastMonth"),
        ("This year", "ThisYear"),
    )
}
"""What `ON` may be compared with, beside a day: what people write, and what stands in a query."""


class Joining(StrEnum):
    """How a row follows the one before it."""

    AND = "and"
    OR = "or"
    ANEW = "anew"
    """Begins another set of conditions, any of which is enough: `^NQ`."""


JOININGS: Final[Mapping[str, str]] = {Joining.AND: "and", Joining.OR: "or", Joining.ANEW: "or, a new set"}

LABELS: Final[Mapping[str, str]] = {
    Operator.IS: "is",
    Operator.IS_NOT: "is not",
    Operator.CONTAINS: "contains",
    Operator.CONTAINS_NOT: "does not contain",
    Operator.STARTS_WITH: "starts with",
    Operator.ENDS_WITH: "ends with",
    Operator.ONE_OF: "is one of",
    Operator.NONE_OF: "is none of",
    Operator.GREATER: "is above",
    Operator.GREATER_OR_IS: "is at least",
    Operator.LESS: "is below",
    Operator.LESS_OR_IS: "is at most",
    Operator.BETWEEN: "is between",
    Operator.EMPTY: "is empty",
    Operator.NOT_EMPTY: "is not empty",
    Operator.DYNAMIC: "is (dynamic)",
    Operator.ON: "is on",
    Operator.NOT_ON: "is not on",
    Operator.SAME_AS: "is the same as field",
    Operator.NOT_SAME_AS: "differs from field",
    Operator.INSTANCE_OF: "is a kind of",
}
"""What a row's operator is called; any other one is called as it is written."""

_EMPTY: Final = (Operator.EMPTY, Operator.NOT_EMPTY)
_EQUAL: Final = (Operator.IS, Operator.IS_NOT)
_LISTS: Final = (Operator.ONE_OF, Operator.NONE_OF)
_ORDERED: Final = (
    Operator.GREATER,
    Operator.GREATER_OR_IS,
    Operator.LESS,
    Operator.LESS_OR_IS,
    Operator.BETWEEN,
)
_DAYS: Final = (Operator.ON, Operator.NOT_ON)
_TEXTUAL: Final = (Operator.CONTAINS, Operator.CONTAINS_NOT, Operator.STARTS_WITH, Operator.ENDS_WITH)

_BY_KIND: Final[Mapping[Kind, Sequence[Operator]]] = {
    Kind.TEXT: (*_EQUAL, *_TEXTUAL, *_LISTS, *_EMPTY),
    Kind.IDENTITY: (*_EQUAL, *_LISTS, *_EMPTY),
    Kind.INTEGER: (*_EQUAL, *_ORDERED, *_LISTS, *_EMPTY),
    Kind.DECIMAL: (*_EQUAL, *_ORDERED, *_EMPTY),
    Kind.BOOLEAN: (*_EQUAL, *_EMPTY),
    Kind.INSTANT: (*_DAYS, *_ORDERED, *_EQUAL, *_EMPTY),
    Kind.DAY: (*_DAYS, *_ORDERED, *_EQUAL, *_EMPTY),
    Kind.JOURNAL: (Operator.CONTAINS, Operator.CONTAINS_NOT, *_EMPTY),
}
_OF_CHOICES: Final = (*_EQUAL, *_LISTS, *_ORDERED, *_EMPTY)
_OF_REFERENCES: Final = (*_EQUAL, *_TEXTUAL, *_EMPTY)
_OF_LISTS: Final = (Operator.CONTAINS, Operator.CONTAINS_NOT, *_EMPTY)
_OF_ANY: Final = (*_EQUAL, *_TEXTUAL, *_LISTS, *_ORDERED, *_EMPTY)

_SYS_ID: Final = re.compile(r"[0-9a-f]{32}", re.IGNORECASE)
_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row of the builder.

    Attributes:
        operator: as it is written in a query.
    """

    joining: str
    field: str
    operator: str
    value: str


def operators_for(field: Field | None) -> Sequence[Operator]:
    """Which operators a row offers for a field; for none yet, those that suit most."""
    if field is None:
        return _OF_ANY
    if field.choices:
        return _OF_CHOICES
    dynamic = (Operator.DYNAMIC,) if field.reference in DYNAMIC_OF else ()
    if field.type is FieldType.REFERENCE:
        return (*_OF_REFERENCES, *dynamic)
    if field.type is FieldType.LIST:
        return (*_OF_LISTS, *dynamic)
    if field.type is FieldType.DURATION:  # an instant only as it is stored
        return (*_ORDERED, *_EQUAL, *_EMPTY)
    return _BY_KIND.get(field.kind, _OF_ANY)


def rows_of(query: Query) -> Sequence[Row] | None:
    """The query's conditions as rows; None if it has a part that is no condition, or more than the builder shows."""
    rows: list[Row] = []
    for group_at, group in enumerate(query.groups):
        for clause_at, clause in enumerate(group):
            for term_at, term in enumerate(clause):
                if not isinstance(term, Condition):
                    return None
                rows.append(
                    Row(
                        joining=_joining(group_at, clause_at, term_at),
                        field=term.field,
                        operator=term.operator.value,
                        value=term.value,
                    )
                )
    return rows if len(rows) <= ROWS_MAX else None


def _joining(group_at: int, clause_at: int, term_at: int) -> Joining:
    if term_at:
        return Joining.OR
    return Joining.ANEW if group_at and not clause_at else Joining.AND


def groups_of(rows: Iterable[Row], dictionary: Dictionary, table: str) -> tuple[Group, ...]:
    """The rows as the groups of a query; a row without a field, or with no operator that there is, says nothing."""
    groups: list[list[list[Condition]]] = [[]]
    for row in rows:
        condition = _condition(row, dictionary, table)
        if condition is None:
            continue
        if row.joining == Joining.ANEW and groups[-1]:
            groups.append([])
        if row.joining == Joining.OR and groups[-1]:
            groups[-1][-1].append(condition)
        else:
            groups[-1].append([condition])
    return tuple(tuple(tuple(clause) for clause in group) for group in groups if group)


def _condition(row: Row, dictionary: Dictionary, table: str) -> Condition | None:
    if not is_path(row.field) or row.operator not in {one.value for one in Operator}:
        return None
    operator = Operator(row.operator)
    path = row.field
    field = field_at(dictionary, table, path)
    value = "" if operator in UNARY else written_value(field, operator, row.value)
    if field is not None and field.type is FieldType.REFERENCE and field.reference is not None:
        is_name = operator in _EQUAL and value and not _SYS_ID.fullmatch(value) and not value.startswith("javascript:")
        if is_name:  # people know records by what they are called
            path = f"{path}.{display_path(dictionary, field.reference)}"
    return Condition(field=path, operator=operator, value=value)


def written_value(field: Field | None, operator: Operator, typed: str) -> str:
    """What people write for a value, as it stands in a query; what is none of their words stays as it is."""
    if operator in _DAYS and "@" not in typed:
        if _DAY.fullmatch(typed):
            return f"{typed}@javascript:gs.dateGenerate('{typed}','start')@javascript:gs.dateGenerate('{typed}','end')"
        return next((text for name, text in PERIODS.items() if name.casefold() == typed.casefold()), typed)
    if operator is Operator.DYNAMIC and not typed and field is not None:
        return next(iter(DYNAMIC_OF.get(field.reference or "", ())), "")
    if field is not None and field.choices and operator not in _TEXTUAL:
        values = {label.casefold(): value for value, label in field.choices.items()}
        parts = typed.split(",") if operator in _LISTS else [typed]
        return ",".join(values.get(one.strip().casefold(), one.strip()) for one in parts)
    return typed


def readable_value(field: Field | None, operator: Operator, value: str) -> str:
    """The words for a value of a query that `written_value` takes back; without such words, the value itself."""
    if operator in _DAYS:
        said = value.partition("@")[0]
    elif operator in _LISTS and field is not None and field.choices:
        said = ", ".join(field.choices.get(one, one) for one in value.split(","))
    else:
        return value
    return said if written_value(field, operator, said) == value else value


def field_at(dictionary: Dictionary, table: str, path: str) -> Field | None:
    """The dictionary's field at the end of a path through references; None if it leads nowhere."""
    *through, last = path.split(".")
    for name in through:
        field = dictionary.fields(table).get(name)
        if field is None or field.type is not FieldType.REFERENCE or field.reference is None:
            return None
        table = field.reference
    return dictionary.fields(table).get(last)


def label_of(dictionary: Dictionary, table: str, path: str) -> str:
    """What the field at the end of a path is called, with what leads to it: "Caller › Department"."""
    names = path.split(".")
    labels = []
    for at in range(len(names)):
        field = field_at(dictionary, table, ".".join(names[: at + 1]))
        labels.append(field.label if field is not None else names[at])
    return " › ".join(labels)


def with_words(query: Query, words: str, fields: Sequence[str]) -> Query:
    """The query, and that one of the fields contains the words."""
    if not words:
        return query
    clause = tuple(Condition(field=name, operator=Operator.CONTAINS, value=words) for name in fields)
    if _SYS_ID.fullmatch(words):
        clause = (Condition(field="sys_id", operator=Operator.IS, value=words.lower()),)
    return replace(query, groups=tuple((*group, clause) for group in query.groups or ((),)))


def ordered_by(query: Query, path: str, *, descending: bool) -> Query:
    """The query in another order."""
    return replace(query, orders=(Order(field=path, is_descending=descending),))


def encoded(query: Query) -> str:
    """The text that says the same."""
    return write(query)
