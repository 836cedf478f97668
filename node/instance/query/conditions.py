"""One condition on one column → SQL.

Each operator that says *not* holds exactly where its opposite does not, so a record without a value is different from
every value, contains no text and is none of a list. Texts are compared without regard to the case of A to Z, as their
columns are. Values are always parameters.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import String, and_, false, not_, or_, true, type_coerce

from node.instance.dictionary import FieldType, Kind
from node.instance.query import dates
from node.instance.query.literals import is_plain, literals, of_instant, stored_instant
from node.instance.query.tree import Operator

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlalchemy import ColumnElement

    from node.instance.dictionary import Field
    from node.instance.query.literals import Literal
    from node.instance.query.scope import Scope

NULL_WORD: Final = "NULL"
"""`assigned_to=NULL` asks for an empty field; ServiceNow's own examples write it so."""

_ESCAPE: Final = "\\"
_TIMES: Final = frozenset({Kind.INSTANT, Kind.DAY})
_WITHOUT_TEXT: Final = frozenset({Kind.BOOLEAN, Kind.DECIMAL})

OPPOSITES: Final = {
    Operator.IS_NOT: Operator.IS,
    Operator.CONTAINS_NOT: Operator.CONTAINS,
    Operator.NONE_OF: Operator.ONE_OF,
    Operator.NOT_ON: Operator.ON,
}
"""Operators that hold exactly where another one does not."""

HOLDS_FOR_NOTHING: Final = frozenset(
    {*OPPOSITES, Operator.EMPTY, Operator.EMPTY_STRING, Operator.ANYTHING, Operator.SAME_AS, Operator.NOT_SAME_AS}
)
"""Operators that may hold for a field without a value; `=` does too where its own value is empty."""

TEXTUAL: Final = frozenset({Operator.CONTAINS, Operator.CONTAINS_NOT, Operator.STARTS_WITH, Operator.ENDS_WITH})
"""Operators that look into a text; on a reference they look into what the other record is called."""


def compared(
    operator: Operator, value: str, field: Field, column: ColumnElement[Any], scope: Scope
) -> ColumnElement[bool] | None:
    """Whether the column fulfils it; None if the operator has no meaning for such a field, or the value none for it."""
    match operator:
        case Operator.ANYTHING:
            return true()
        case Operator.EMPTY | Operator.EMPTY_STRING:
            return column.is_(None)
        case Operator.NOT_EMPTY:
            return column.is_not(None)
        case Operator.IS | Operator.IS_NOT | Operator.ONE_OF | Operator.NONE_OF:
            return _equality(operator, value, field, column, scope)
        case Operator.DYNAMIC:
            return _dynamic(value, field, column, scope)
        case _ if operator in TEXTUAL:
            return _textual(operator, value, field, column, scope)
        case _ if (order := _ORDERS.get(operator)) is not None:
            return _any(order(column, limit) for limit in literals(field, value, scope)[:1])
        case Operator.BETWEEN:
            return _between(value, field, column, scope)
        case Operator.ON | Operator.NOT_ON if field.kind in _TIMES:
            return _on(operator, value, field, column, scope)
        case _ if operator in _RELATIVES and field.kind in _TIMES:
            return _relative(operator, value, field, column, scope)
        case _:
            return None


_ORDERS: Final[dict[Operator, Callable[[ColumnElement[Any], Literal], ColumnElement[bool]]]] = {
    Operator.GREATER: lambda column, limit: column > limit,
    Operator.GREATER_OR_IS: lambda column, limit: column >= limit,
    Operator.LESS: lambda column, limit: column < limit,
    Operator.LESS_OR_IS: lambda column, limit: column <= limit,
}

_RELATIVES: Final = {
    Operator.RELATIVE_AFTER: Operator.GREATER,
    Operator.RELATIVE_AT_OR_AFTER: Operator.GREATER_OR_IS,
    Operator.RELATIVE_BEFORE: Operator.LESS,
    Operator.RELATIVE_AT_OR_BEFORE: Operator.LESS_OR_IS,
    Operator.RELATIVE_ON: Operator.BETWEEN,
}


def _any(found: Sequence[ColumnElement[bool]] | Any) -> ColumnElement[bool]:
    return next(iter(found), false())


def _equality(
    operator: Operator, value: str, field: Field, column: ColumnElement[Any], scope: Scope
) -> ColumnElement[bool]:
    if operator in (Operator.IS, Operator.IS_NOT):
        if value in ("", NULL_WORD):
            return column.is_(None) if operator is Operator.IS else column.is_not(None)
        written = [value]
    else:
        written = [value] if value.startswith(dates.SCRIPT) else value.split(",")
    values = [one for text in written if text for one in literals(field, text, scope)]
    if operator in (Operator.IS, Operator.ONE_OF):
        return _is_one_of(column, values)
    match values:
        case []:
            return true()
        case [one]:
            return column.is_distinct_from(one)
        case _:
            return or_(column.not_in(values), column.is_(None))


def _is_one_of(column: ColumnElement[Any], values: Sequence[Literal]) -> ColumnElement[bool]:
    match values:
        case []:
            return false()
        case [one]:
            return column == one
        case _:
            return column.in_(values)


def _dynamic(value: str, field: Field, column: ColumnElement[Any], scope: Scope) -> ColumnElement[bool] | None:
    """`assigned_toDYNAMIC…`: is me, or one of my groups; a list (`watch_list`) has me among others."""
    option = dates.DYNAMIC.get(value.strip().lower())
    if option is None:
        return None
    meant = option(scope.viewer)
    ids = (meant,) if isinstance(meant, str) else tuple(str(one) for one in meant) if isinstance(meant, tuple) else ()
    if field.kind is Kind.IDENTITY:
        return _is_one_of(column, ids)
    return and_(column.is_not(None), or_(false(), *(_like(column, f"%{escaped(one)}%") for one in ids)))


def _textual(
    operator: Operator, value: str, field: Field, column: ColumnElement[Any], scope: Scope
) -> ColumnElement[bool] | None:
    if field.kind in _WITHOUT_TEXT:
        return None
    meant = dates.value(value, scope.viewer, scope.now)
    texts = [stored_instant(meant)] if isinstance(meant, datetime) else [meant] if isinstance(meant, str) else meant
    patterns = [_pattern(operator, text) for text in texts or () if is_plain(text)]
    holds = or_(false(), *(_like(column, pattern) for pattern in patterns))
    if field.type is FieldType.LIST:  # few records have a list: an index of those alone finds them
        holds = and_(column.is_not(None), holds)
    return or_(not_(holds), column.is_(None)) if operator is Operator.CONTAINS_NOT else holds


def _pattern(operator: Operator, text: str) -> str:
    before = "" if operator is Operator.STARTS_WITH else "%"
    behind = "" if operator is Operator.ENDS_WITH else "%"
    return f"{before}{escaped(text)}{behind}"


def escaped(text: str) -> str:
    """The text as a part of a LIKE pattern that means itself."""
    return text.replace(_ESCAPE, _ESCAPE * 2).replace("%", _ESCAPE + "%").replace("_", _ESCAPE + "_")


def _like(column: ColumnElement[Any], pattern: str) -> ColumnElement[bool]:
    return type_coerce(column, String).like(pattern, escape=_ESCAPE)


def _between(value: str, field: Field, column: ColumnElement[Any], scope: Scope) -> ColumnElement[bool] | None:
    low, mark, high = value.partition("@")
    if not mark or "@" in high:
        return None
    return _within(low, high, field, column, scope)


def _within(low: str, high: str, field: Field, column: ColumnElement[Any], scope: Scope) -> ColumnElement[bool]:
    lows, highs = literals(field, low, scope), literals(field, high, scope)
    return column.between(lows[0], highs[0]) if lows and highs else false()


def _on(
    operator: Operator, value: str, field: Field, column: ColumnElement[Any], scope: Scope
) -> ColumnElement[bool] | None:
    """`ONToday@javascript:gs.beginningOfToday()@javascript:gs.endOfToday()`: what stands first is only shown."""
    parts = value.split("@")
    if len(parts) != len(("label", "first", "last")):
        return None
    holds = _within(parts[1], parts[2], field, column, scope)
    return or_(not_(holds), column.is_(None)) if operator is Operator.NOT_ON else holds


def _relative(
    operator: Operator, value: str, field: Field, column: ColumnElement[Any], scope: Scope
) -> ColumnElement[bool] | None:
    found = dates.relative(value, scope.viewer, scope.now)
    if found is None:
        return None
    zone = scope.viewer.zone
    if operator is Operator.RELATIVE_ON:
        return column.between(of_instant(field, found.beginning, zone), of_instant(field, found.end, zone))
    return _ORDERS[_RELATIVES[operator]](column, of_instant(field, found.moment, zone))
