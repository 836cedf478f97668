"""The filter builder as a page shows it: for each row the fields, operators and values that may be chosen."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from node.console.records.filtering import (
    DYNAMIC_OF,
    JOININGS,
    LABELS,
    PERIODS,
    ROWS_MAX,
    Joining,
    Row,
    field_at,
    label_of,
    operators_for,
    readable_value,
    rows_of,
)
from node.instance.dictionary import FieldType, Kind
from node.instance.query.tree import UNARY, Operator

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from node.instance.dictionary import Dictionary, Field
    from node.instance.query.tree import Query

INSTANTS: Final[Mapping[str, str]] = {
    "javascript:gs.beginningOfToday()": "the beginning of today",
    "javascript:gs.endOfToday()": "the end of today",
    "javascript:gs.hoursAgo(1)": "an hour ago",
    "javascript:gs.daysAgoStart(1)": "the beginning of yesterday",
    "javascript:gs.daysAgoStart(7)": "the beginning of the day a week ago",
    "javascript:gs.beginningOfThisWeek()": "the beginning of this week",
    "javascript:gs.beginningOfThisMonth()": "the beginning of this month",
}
"""What a field that is an instant may be compared with, beside what is typed."""

_LISTED: Final = frozenset({Operator.ONE_OF, Operator.NONE_OF})
_ON: Final = frozenset({Operator.ON, Operator.NOT_ON})
_EQUAL: Final = frozenset({Operator.IS, Operator.IS_NOT})
_HINT_CHOICES: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """How the value of a row is given.

    Attributes:
        text: what stands there now.
        is_needed: whether the operator takes one at all.
        choices: value and label of what may be chosen; empty: it is typed.
        suggested: the list of the page that suggests values: `instants`, `periods` or `names`.
        reference: the table whose records' names are suggested.
        hint: how it is written.
    """

    text: str
    is_needed: bool = True
    choices: Sequence[tuple[str, str]] = ()
    suggested: str | None = None
    reference: str | None = None
    hint: str = "Value"


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownRow:
    """A row of the builder.

    Attributes:
        joinings, fields, operators: value and label of what may be chosen.
    """

    row: Row
    joinings: Mapping[str, str]
    fields: Sequence[tuple[str, str]]
    operators: Sequence[tuple[str, str]]
    value: Value


@dataclass(frozen=True, slots=True, kw_only=True)
class Builder:
    """All rows, the last of them an empty one; `fits` is whether the query could be shown as rows at all."""

    rows: Sequence[ShownRow]
    fits: bool
    instants: Mapping[str, str] = field(default_factory=lambda: INSTANTS)
    periods: Sequence[str] = tuple(PERIODS)
    rows_max: int = ROWS_MAX


def builder(dictionary: Dictionary, table: str, query: Query) -> Builder:
    """The builder of a query."""
    rows = rows_of(query)
    shown = list(rows or ())
    if len(shown) < ROWS_MAX:
        shown.append(Row(joining=Joining.AND, field="", operator=Operator.IS, value=""))
    return Builder(rows=[_shown(dictionary, table, row) for row in shown], fits=rows is not None)


def blank_row(dictionary: Dictionary, table: str, parameters: Mapping[str, str]) -> ShownRow:
    """A row whose field or operator was just chosen: with the operators and values that suit it."""
    chosen = field_at(dictionary, table, parameters.get("f", ""))
    offered = [one.value for one in operators_for(chosen)]
    operator = parameters.get("o", "") if parameters.get("part") == "value" else ""
    return _shown(
        dictionary,
        table,
        Row(
            joining=Joining.AND,
            field=parameters.get("f", "") if chosen is not None else "",
            operator=operator if operator in offered else offered[0],
            value="",
        ),
    )


def _shown(dictionary: Dictionary, table: str, row: Row) -> ShownRow:
    chosen = field_at(dictionary, table, row.field) if row.field else None
    operators = [one.value for one in operators_for(chosen)]
    if row.operator not in operators:
        operators.append(row.operator)
    return ShownRow(
        row=row,
        joinings=JOININGS,
        fields=_fields(dictionary, table, row.field),
        operators=[(one, LABELS.get(one, one)) for one in operators],
        value=_value(chosen, Operator(row.operator), row.value),
    )


def _fields(dictionary: Dictionary, table: str, chosen: str) -> list[tuple[str, str]]:
    found = [(name, one.label) for name, one in dictionary.fields(table).items() if one.kind is not Kind.SECRET]
    found.sort(key=lambda one: one[1].casefold())
    if chosen and chosen not in dictionary.fields(table):
        found.append((chosen, label_of(dictionary, table, chosen)))
    return found


def _value(chosen: Field | None, operator: Operator, value: str) -> Value:
    text = readable_value(chosen, operator, value)
    if operator in UNARY:
        return Value(text="", is_needed=False)
    if operator in _ON:
        return Value(text=text, suggested="periods", hint="Today, Last week, YYYY-MM-DD …")
    if operator in _LISTED:
        names = list(chosen.choices.values())[:_HINT_CHOICES] if chosen is not None else []
        return Value(text=text, hint=", ".join(names) or "Several, with commas between them")
    if choices := _choices(chosen, operator, value):
        return Value(text=value, choices=choices)
    if operator is Operator.BETWEEN:
        return Value(text=text, hint="from@to")
    if chosen is not None and chosen.type is FieldType.REFERENCE and operator in _EQUAL:
        return Value(text=text, suggested="names", reference=chosen.reference, hint="A name, or a sys_id")
    if chosen is not None and chosen.type is FieldType.DATE_TIME:
        return Value(text=text, suggested="instants", hint="YYYY-MM-DD HH:MM:SS, in UTC")
    if chosen is not None and chosen.kind is Kind.DAY:
        return Value(text=text, suggested="instants", hint="YYYY-MM-DD")
    return Value(text=text)


def _choices(chosen: Field | None, operator: Operator, value: str) -> list[tuple[str, str]]:
    """Values to choose from; a value that is none of them is kept."""
    if chosen is None or operator is Operator.BETWEEN:
        return []
    found = list(chosen.choices.items())
    if chosen.kind is Kind.BOOLEAN:
        found = [("true", "true"), ("false", "false")]
    if operator is Operator.DYNAMIC:
        found = list(DYNAMIC_OF.get(chosen.reference or "", {}).items())
    if found and value not in dict(found) and not (operator is Operator.DYNAMIC and not value):
        found.insert(0, (value, value or "–"))
    return found
