"""Encoded query text → tree, and back.

The text is cut at its carets (`^^` stands for a caret in a value, as `GlideStringUtil.escapeQueryTermSeparator` writes
it), and the parts are read from the left:

    query   := part ('^' part)*
    part    := condition | 'OR' condition | 'NQ' part | 'ORDERBY' path | 'ORDERBYDESC' path | 'GROUPBY' path | 'EQ'
    condition := path operator value  |  join  |  related
    join    := 'JOIN' table '.' field '=' table '.' field '!' condition ('^' condition | '^OR' condition)*
    related := 'RLQUERY' table '.' field ',' comparison [',m2m'] [',' condition] ('^' part)* '^ENDRLQUERY'
    path    := [a-z0-9_]+ ('.' [a-z0-9_]+)*

Operators are upper case and fields are lower case, so the longest operator right behind the path is the one that is
meant. A `JOIN` takes what follows it, up to the next `JOIN`, `RLQUERY`, `NQ`, `ORDERBY`, `GROUPBY` or `EQ`. Whatever
can't be read is left out: ServiceNow ignores it by default too (`glide.invalid_query.returns_no_rows` is false).
"""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise
from typing import Final

from node.instance.query.limits import (
    QueryTooLargeError,
    list_values_max,
    nested_queries_max,
    query_characters_max,
    query_conditions_max,
    walked_references_max,
)
from node.instance.query.tree import UNARY, Clause, Condition, Group, Join, Operator, Order, Query, Related, Term

ALIASES: Final = {
    "CONTAINS": Operator.CONTAINS,
    "*": Operator.CONTAINS,
    "DOES NOT CONTAIN": Operator.CONTAINS_NOT,
    "!*": Operator.CONTAINS_NOT,
    "%": Operator.ENDS_WITH,
}
"""Other spellings of operators."""

_SPELLINGS: Final = {operator.value: operator for operator in Operator} | ALIASES
_BY_FIRST: Final = {
    first: tuple(sorted((text for text in _SPELLINGS if text[0] == first), key=len, reverse=True))
    for first in {text[0] for text in _SPELLINGS}
}
_PATH: Final = frozenset("abcdefghijklmnopqrstuvwxyz0123456789_.")
_COUNTED: Final = tuple(
    (operator.value, operator)
    for operator in (
        Operator.GREATER_OR_IS,
        Operator.LESS_OR_IS,
        Operator.IS_NOT,
        Operator.IS,
        Operator.GREATER,
        Operator.LESS,
    )
)
_COUNT_DIGITS_MAX: Final = 9
_REMEMBERED_CHARACTERS_MAX: Final = 1_000  # trees of longer texts are not kept, so what is kept stays small
_LISTS: Final = frozenset({Operator.ONE_OF, Operator.NONE_OF})


def parse(text: str) -> Query:
    """What an encoded query says.

    Raises:
        QueryTooLargeError: it is longer, has more conditions or is nested deeper than `limits` allows.
    """
    if len(text) <= _REMEMBERED_CHARACTERS_MAX:
        return _remembered(text)
    if len(text) > query_characters_max:
        raise QueryTooLargeError(
            f"The query has {len(text):,} characters, and {query_characters_max:,} is the most that one may have. "
            "Ask in several queries."
        )
    return _parse(text)


@lru_cache(maxsize=256)
def _remembered(text: str) -> Query:
    return _parse(text)


def _parse(text: str) -> Query:
    parts = _cut(text)
    if len(parts) > query_conditions_max:
        raise QueryTooLargeError(
            f"The query has {len(parts):,} conditions, and {query_conditions_max:,} is the most that one may have. "
            "Use IN for many values of one field."
        )
    return _Reader(parts).query()


def is_path(text: str) -> bool:
    """Whether the text can be a field or a path through references."""
    return bool(text) and _PATH.issuperset(text) and all(text.split("."))


def _cut(text: str) -> list[str]:
    """The parts between single carets; a double one becomes a caret."""
    parts = [""]
    rest = text
    while True:
        before, caret, rest = rest.partition("^")
        parts[-1] += before
        if not caret:
            return parts
        if rest.startswith("^"):
            parts[-1] += "^"
            rest = rest[1:]
        else:
            parts.append("")


class _Reader:
    """Reads parts from the left; what it has read stands in `_groups`, `_orders` and so on."""

    def __init__(self, parts: list[str]) -> None:
        self._parts = parts
        self._next = 0
        self._list_values = 0
        self._orders: list[Order] = []
        self._grouped_by: list[str] = []
        self._ignored: list[str] = []

    def query(self) -> Query:
        groups = self._groups(depth=0)
        return Query(
            groups=groups,
            orders=tuple(self._orders),
            grouped_by=tuple(self._grouped_by),
            ignored=tuple(self._ignored),
        )

    def _groups(self, depth: int, first: str | None = None) -> tuple[Group, ...]:
        """Groups up to the end, or within a related query up to its `ENDRLQUERY`; `first` is read before."""
        if depth > nested_queries_max:
            raise QueryTooLargeError(
                f"The query has RLQUERY within RLQUERY more than {nested_queries_max} deep. Ask in several queries."
            )
        groups: list[list[list[Term]]] = [[]]
        if first is not None:
            self._one(first, groups, depth)
        while (part := self._take()) is not None:
            if depth and part == "ENDRLQUERY":
                break
            while part.startswith("NQ"):
                groups.append([])
                part = part[2:]
            if not self._is_modifier(part, counts=depth == 0):
                self._one(part, groups, depth)
        return tuple(filled for group in groups if (filled := tuple(tuple(clause) for clause in group if clause)))

    def _take(self) -> str | None:
        if self._next == len(self._parts):
            return None
        self._next += 1
        return self._parts[self._next - 1]

    def _is_modifier(self, part: str, *, counts: bool) -> bool:
        """Take what says nothing of a record; within another query an order has no meaning."""
        if part in ("", "EQ"):
            return True
        for keyword in ("ORDERBYDESC", "ORDERBY", "GROUPBY"):
            if part.startswith(keyword):
                path = part.removeprefix(keyword)
                if not is_path(path):
                    self._ignored.append(part)
                elif counts and keyword == "GROUPBY":
                    self._grouped_by.append(_within_limits(path))
                elif counts:
                    self._orders.append(Order(field=_within_limits(path), is_descending=keyword == "ORDERBYDESC"))
                return True
        return False

    def _one(self, part: str, groups: list[list[list[Term]]], depth: int) -> None:
        is_alternative = part.startswith("OR")
        written = part.removeprefix("OR") if is_alternative else part
        term = self._term(written, depth)
        if not is_alternative or not groups[-1]:
            groups[-1].append([])
        if term is None:
            self._ignored.append(part)
        else:
            groups[-1][-1].append(term)

    def _term(self, text: str, depth: int) -> Term | None:
        if text.startswith("JOIN"):
            return self._join(text.removeprefix("JOIN"))
        if text.startswith("RLQUERY"):
            return self._related(text.removeprefix("RLQUERY"), depth)
        return self._condition(text)

    def _condition(self, text: str) -> Condition | None:
        end = next((at for at, character in enumerate(text) if character not in _PATH), len(text))
        path = text[:end]
        written = next((one for one in _BY_FIRST.get(text[end : end + 1], ()) if text.startswith(one, end)), None)
        if written is None or not is_path(path):
            return None
        operator = _SPELLINGS[written]
        value = "" if operator in UNARY else text[end + len(written) :]
        if operator in _LISTS:
            self._count_values(value)
        return Condition(field=_within_limits(path), operator=operator, value=value)

    def _count_values(self, value: str) -> None:
        self._list_values += value.count(",") + 1
        if self._list_values > list_values_max:
            raise QueryTooLargeError(
                f"The lists of the query have more than {list_values_max:,} values. Ask in several queries."
            )

    def _join(self, text: str) -> Join | None:
        head, mark, first = text.partition("!")
        clauses: list[list[Condition]] = []
        if first:
            self._joined(first, clauses)
        while self._next < len(self._parts) and not _ends_join(self._parts[self._next]):
            part = self._parts[self._next]
            self._next += 1
            if part:
                self._joined(part, clauses)
        own, _, other = head.partition("=")
        table, _, field = own.partition(".")
        other_table, _, other_field = other.partition(".")
        if not mark or not all(is_path(name) and "." not in name for name in (table, field, other_table, other_field)):
            return None
        return Join(
            table=table,
            field=field,
            other=other_table,
            other_field=other_field,
            clauses=tuple(tuple(clause) for clause in clauses if clause),
        )

    def _joined(self, part: str, clauses: list[list[Condition]]) -> None:
        is_alternative = part.startswith("OR")
        condition = self._condition(part.removeprefix("OR") if is_alternative else part)
        if not is_alternative or not clauses:
            clauses.append([])
        if condition is None:
            self._ignored.append(part)
        else:
            clauses[-1].append(condition)

    def _related(self, text: str, depth: int) -> Related | None:
        target, _, rest = text.partition(",")
        comparison, _, rest = rest.partition(",")
        is_many_to_many = rest == "m2m" or rest.startswith("m2m,")
        if is_many_to_many:
            rest = rest.removeprefix("m2m").removeprefix(",")
        groups = self._groups(depth + 1, first=rest or None)
        table, _, field = target.partition(".")
        operator = next((operator for text, operator in _COUNTED if comparison.startswith(text)), None)
        if operator is None or not all(is_path(name) and "." not in name for name in (table, field)):
            return None
        count = comparison.removeprefix(operator)
        if not (count.isascii() and count.isdigit() and len(count) <= _COUNT_DIGITS_MAX):
            return None
        return Related(
            other=table,
            field=field,
            operator=operator,
            count=int(count),
            is_many_to_many=is_many_to_many,
            groups=groups,
        )


def _ends_join(part: str) -> bool:
    if part == "EQ" or part.startswith(("NQ", "ORDERBY", "GROUPBY", "ENDRLQUERY")):
        return True
    return part.removeprefix("OR").startswith(("JOIN", "RLQUERY"))


def _within_limits(path: str) -> str:
    if path.count(".") > walked_references_max:
        raise QueryTooLargeError(
            f"The path {path[:200]!r} walks through more than {walked_references_max} references. "
            "Begin nearer to the field that is meant."
        )
    return path


def write(query: Query) -> str:
    """The text that says the same; what was ignored is not in it."""
    groups = "^NQ".join(_group(group) for group in query.groups)
    orders = [f"ORDERBY{'DESC' if order.is_descending else ''}{order.field}" for order in query.orders]
    grouped_by = [f"GROUPBY{path}" for path in query.grouped_by]
    return "^".join(part for part in (groups, *orders, *grouped_by) if part)


def _group(group: Group) -> str:
    """All clauses; one that ends in a join would take those that follow, so it comes late."""
    ordered = [_joins_last(clause) for clause in group]
    if any(_takes_next(clause, following) for clause, following in pairwise(ordered)):
        ordered.sort(key=lambda clause: isinstance(clause[-1], Join))
    return "^".join("^OR".join(_written(term) for term in clause) for clause in ordered)


def _joins_last(clause: Clause) -> Clause:
    return tuple(sorted(clause, key=lambda term: isinstance(term, Join)))


def _takes_next(clause: Clause, following: Clause) -> bool:
    return isinstance(clause[-1], Join) and isinstance(following[0], Condition)


def _written(term: Term) -> str:
    match term:
        case Condition():
            return f"{term.field}{term.operator}{term.value.replace('^', '^^')}"
        case Join():
            conditions = "^".join("^OR".join(_written(one) for one in clause) for clause in term.clauses)
            return f"JOIN{term.table}.{term.field}={term.other}.{term.other_field}!{conditions}"
        case Related():
            head = f"RLQUERY{term.other}.{term.field},{term.operator}{term.count}"
            many = ",m2m" if term.is_many_to_many else ""
            groups = "^NQ".join(_group(group) for group in term.groups)
            return "^".join(part for part in (head + many, groups, "ENDRLQUERY") if part)
