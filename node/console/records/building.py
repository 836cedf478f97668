"""The filter builder as a page shows it: for each row the fields, operators and values that may be chosen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from node.console.records.filtering import (
    JOININGS,
    LABELS,
    Joining,
    Row,
    field_at,
    label_of,
    operators_for,
    rows_of,
)
from node.instance.dictionary import Kind
from node.instance.query.tree import Operator

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


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownRow:
    """A row of the builder.

    Attributes:
        is_first: whether it follows no other.
        joinings, fields, operators: value and label of what may be chosen.
        choices: the same for values; empty: any value is typed.
        is_instant: whether instants are suggested.
        hint: how the value is written.
    """

    row: Row
    is_first: bool
    joinings: Mapping[str, str]
    label: str
    fields: Sequence[tuple[str, str]]
    operators: Sequence[tuple[str, str]]
    choices: Sequence[tuple[str, str]]
    is_instant: bool
    hint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Builder:
    """All rows, the last of them an empty one; `fits` is whether the query could be shown as rows at all."""

    rows: Sequence[ShownRow]
    fits: bool
    instants: Mapping[str, str]


def builder(dictionary: Dictionary, table: str, query: Query) -> Builder:
    """The builder of a query."""
    rows = rows_of(query)
    empty = Row(joining=Joining.AND, field="", operator=Operator.IS, value="")
    shown = [_shown(dictionary, table, row, is_first=not at) for at, row in enumerate((*(rows or ()), empty))]
    return Builder(rows=shown, fits=rows is not None, instants=INSTANTS)


def blank_row(dictionary: Dictionary, table: str, parameters: Mapping[str, str]) -> ShownRow:
    """A row whose field was just chosen: with the operators and values that suit it."""
    field = field_at(dictionary, table, parameters.get("f", ""))
    offered = [one.value for one in operators_for(field)]
    operator = parameters.get("o", "")
    return _shown(
        dictionary,
        table,
        Row(
            joining=parameters.get("j", Joining.AND),
            field=parameters.get("f", "") if field is not None else "",
            operator=operator if operator in offered else offered[0],
            value="",
        ),
        is_first="first" in parameters,
    )


def _shown(dictionary: Dictionary, table: str, row: Row, *, is_first: bool) -> ShownRow:
    field = field_at(dictionary, table, row.field) if row.field else None
    operators = [one.value for one in operators_for(field)]
    if row.operator not in operators:
        operators.append(row.operator)
    return ShownRow(
        row=row,
        is_first=is_first,
        joinings=JOININGS,
        label=label_of(dictionary, table, row.field) if row.field else "",
        fields=_fields(dictionary, table, row.field),
        operators=[(one, LABELS.get(one, one)) for one in operators],
        choices=_choices(field, row),
        is_instant=field is not None and field.kind in {Kind.INSTANT, Kind.DAY},
        hint=_hint(field, row),
    )


def _fields(dictionary: Dictionary, table: str, chosen: str) -> list[tuple[str, str]]:
    found = [(name, field.label) for name, field in dictionary.fields(table).items() if field.kind is not Kind.SECRET]
    found.sort(key=lambda one: one[1].casefold())
    if chosen and chosen not in dictionary.fields(table):
        found.append((chosen, label_of(dictionary, table, chosen)))
    return found


def _choices(field: Field | None, row: Row) -> list[tuple[str, str]]:
    """Values to choose from; a value that is none of them is kept."""
    if field is None or row.operator in _LISTED:
        return []
    found = list(field.choices.items())
    if field.kind is Kind.BOOLEAN:
        found = [("true", "true"), ("false", "false")]
    if found and row.value not in dict(found):
        found.insert(0, (row.value, row.value or "–"))
    return found


def _hint(field: Field | None, row: Row) -> str:
    if row.operator in _LISTED:
        return "Several, with commas between them"
    if field is not None and field.reference is not None:
        return "A name, or a sys_id"
    if field is not None and field.kind is Kind.INSTANT:
        return "UTC: YYYY-MM-DD HH:MM:SS"
    return "Value"
