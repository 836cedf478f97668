"""Figures over the records that a query selects: how many, their averages, sums, smallest and largest, by groups."""

from __future__ import annotations

import operator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import Integer, case, func, literal, select, type_coerce

from node.instance.dictionary import CLASS_FIELD, Field, FieldType, Kind
from node.instance.errors import BadRequestError
from node.instance.query.grammar import parse
from node.instance.query.literals import number, of_text
from node.instance.records.reading import selection_of
from node.instance.records.representing import Names
from node.instance.values import shown, wire, written

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from sqlalchemy import ColumnElement

    from node.instance.database import Transaction
    from node.instance.query.scope import Scope
    from node.instance.query.selection import Selection

GROUPS_MAX: Final = 10_000
FIELDS_MAX: Final = 50
"""Of all figures together, and of all groupings."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_SPAN_S_MAX: Final = 250_000_000_000
"""The longest that can be stored, in the year 9892; a sum of more is told as that."""

_ADDED: Final = frozenset({Kind.INTEGER, Kind.BOOLEAN, Kind.DECIMAL})


class Figure(StrEnum):
    """What is worked out of a field's values."""

    COUNT = "count"
    AVERAGE = "avg"
    SMALLEST = "min"
    LARGEST = "max"
    SUM = "sum"


@dataclass(frozen=True, slots=True, kw_only=True)
class Having:
    """A condition on groups: `count^priority^>^3`."""

    figure: Figure
    path: str
    comparison: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupOrder:
    """What groups are ordered by: a field by which they are grouped, or a figure; its path may be empty for COUNT."""

    path: str
    figure: Figure | None = None
    is_descending: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Which figures are asked for."""

    table: str
    query: str = ""
    is_counted: bool = False
    figures: Sequence[tuple[Figure, str]] = ()
    groups: Sequence[str] = ()
    having: Sequence[Having] = ()
    orders: Sequence[GroupOrder] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Grouped:
    """One group's figures, as wire values; `by` has each field's wire value and display value."""

    count: str | None = None
    figures: Mapping[Figure, Mapping[str, str]] = field(default_factory=dict)
    by: Sequence[tuple[str, str, str]] = ()


COMPARISONS: Final[Mapping[str, Callable[[Any, Any], Any]]] = {
    "=": operator.eq,
    "!=": operator.ne,
    ">": operator.gt,
    "<": operator.lt,
    ">=": operator.ge,
    "<=": operator.le,
}


def aggregate(tx: Transaction, scope: Scope, asked: Asked) -> tuple[bool, Sequence[Grouped]]:
    """Whether there are groups, and each group's figures; without groups, one.

    A field that is not there for the viewer is as if it had not been named.

    Raises:
        InvalidTableError, BadRequestError: there is no such table, the query is too large, there are too many groups,
            or a figure can't be had of a field of that type.
    """
    if len(asked.figures) + len(asked.groups) + len(asked.having) + len(asked.orders) > FIELDS_MAX:
        raise BadRequestError("Invalid request", f"It names more than {FIELDS_MAX} fields.")
    selection = selection_of(scope, asked.table, asked.query)
    grouped_by = (*asked.groups, *parse(asked.query).grouped_by)
    groups = {path: found for path in grouped_by if (found := _place(selection, path)) is not None}
    figures = [(figure, path, *found) for figure, path in asked.figures if (found := _place(selection, path))]
    columns = [
        func.count().label("counted"),
        *(column.label(f"g{at}") for at, (_, column) in enumerate(groups.values())),
        *(_of(figure, kept, column).label(f"f{at}") for at, (figure, _, kept, column) in enumerate(figures)),
    ]
    conditions = [held for one in asked.having if (held := _held(selection, one)) is not None]
    orders = [order for one in asked.orders if (order := _order(selection, groups, one)) is not None]
    statement = (
        select(*columns)
        .select_from(selection.source())
        .where(selection.where())
        .group_by(*(column for _, column in groups.values()))
        .order_by(*orders, *(column for _, column in groups.values()))
        .limit(GROUPS_MAX + 1)
    )
    if conditions:
        statement = statement.having(*conditions)
    rows = tx.connection.execute(statement).fetchall()
    if len(rows) > GROUPS_MAX:
        raise BadRequestError("Too many groups", f"There are more than {GROUPS_MAX}; ask for a part of the records.")
    names = _Names(tx, scope, list(groups.values()), rows)
    return bool(groups), [
        Grouped(
            count=str(row[0]) if asked.is_counted else None,
            figures=_figures(row[1 + len(groups) :], figures),
            by=[
                (path, wire(kept, row[1 + at]), names.of(kept, row[1 + at]))
                for at, (path, (kept, _)) in enumerate(groups.items())
            ],
        )
        for row in rows
    ]


def _place(selection: Selection, path: str) -> tuple[Field, ColumnElement[Any]] | None:
    kept, column = selection.field(path), selection.column(path)
    return None if kept is None or column is None else (kept, column)


def _of(figure: Figure, kept: Field, column: ColumnElement[Any]) -> ColumnElement[Any]:
    match figure:
        case Figure.COUNT:
            return func.count(column)
        case Figure.SMALLEST:
            return func.min(column)
        case Figure.LARGEST:
            return func.max(column)
        case _:
            if kept.type is FieldType.DURATION:  # stored as the instant so long after the beginning of 1970
                column = type_coerce(func.unixepoch(column), Integer)
            elif kept.kind not in _ADDED:
                raise BadRequestError(
                    f"Invalid value for sysparm_{figure}_fields", f"{kept.name} is a {kept.type}, which nobody adds up."
                )
            if figure is Figure.AVERAGE:
                return func.avg(column)
            # sum() fails when it overflows; total() does not, and of nothing it is 0
            return case((func.count(column) > 0, func.total(column)))


def _held(selection: Selection, having: Having) -> ColumnElement[bool] | None:
    found = _place(selection, having.path)
    if found is None:
        return None
    kept, column = found
    is_own = having.figure in {Figure.SMALLEST, Figure.LARGEST}
    value = of_text(kept, having.value) if is_own else number(having.value)
    if value is None:
        raise BadRequestError("Invalid value for sysparm_having", f"'{having.value[:40]}' is nothing to compare with.")
    held: ColumnElement[bool] = COMPARISONS[having.comparison](_of(having.figure, kept, column), literal(value))
    return held


def _order(
    selection: Selection, groups: Mapping[str, tuple[Field, ColumnElement[Any]]], order: GroupOrder
) -> ColumnElement[Any] | None:
    found = _place(selection, order.path) if order.path else None
    column: ColumnElement[Any]
    if order.figure is Figure.COUNT and found is None:
        column = func.count()
    elif found is None or (order.figure is None and order.path not in groups):
        return None
    else:
        column = found[1] if order.figure is None else _of(order.figure, *found)
    return column.desc() if order.is_descending else column.asc()


def _figures(
    values: Sequence[Any], figures: Sequence[tuple[Figure, str, Field, ColumnElement[Any]]]
) -> Mapping[Figure, Mapping[str, str]]:
    found: dict[Figure, dict[str, str]] = {}
    for value, (figure, path, kept, _) in zip(values, figures, strict=True):
        found.setdefault(figure, {})[path] = _told(figure, kept, value)
    return found


def _told(figure: Figure, kept: Field, value: Any) -> str:
    if value is None:
        return ""
    match figure:
        case Figure.COUNT:
            return str(value)
        case Figure.SMALLEST | Figure.LARGEST:
            return wire(kept, value)
        case _ if kept.type is FieldType.DURATION:
            return written(_EPOCH + timedelta(seconds=max(min(int(value), _SPAN_S_MAX), 0)))
        case Figure.AVERAGE:
            return f"{value:.4f}"
        case _:
            return str(int(value)) if value == int(value) else repr(round(value, 4))


class _Names:
    """How people see the values by which records are grouped."""

    def __init__(
        self,
        tx: Transaction,
        scope: Scope,
        groups: Sequence[tuple[Field, ColumnElement[Any]]],
        rows: Sequence[Sequence[Any]],
    ) -> None:
        self._scope = scope
        self._names = Names()
        for at, (kept, _) in enumerate(groups):
            if kept.type is FieldType.REFERENCE and kept.reference is not None:
                self._names.learn(tx, scope, kept.reference, {row[1 + at] for row in rows if row[1 + at]})

    def of(self, kept: Field, value: Any) -> str:
        if kept.type is FieldType.REFERENCE and kept.reference is not None:
            return self._names.of(kept.reference, value or "")
        if kept.name == CLASS_FIELD.name and value in self._scope.catalog.dictionary:
            return self._scope.catalog.dictionary[value].label
        return shown(kept, value, self._scope.viewer.zone)
