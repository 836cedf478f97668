"""What an encoded query says, as frozen values.

A query is any of its groups (`^NQ`); a group is all of its clauses (`^`); a clause is any of its terms (`^OR`, which
binds to the condition just before it).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias


class Operator(StrEnum):
    """How a field is compared, as it is written in a query. Aliases are in `grammar.ALIASES`."""

    IS = "="
    IS_NOT = "!="
    GREATER = ">"
    GREATER_OR_IS = ">="
    LESS = "<"
    LESS_OR_IS = "<="
    CONTAINS = "LIKE"
    CONTAINS_NOT = "NOT LIKE"
    STARTS_WITH = "STARTSWITH"
    ENDS_WITH = "ENDSWITH"
    ONE_OF = "IN"
    NONE_OF = "NOT IN"
    EMPTY = "ISEMPTY"
    NOT_EMPTY = "ISNOTEMPTY"
    EMPTY_STRING = "EMPTYSTRING"
    ANYTHING = "ANYTHING"
    BETWEEN = "BETWEEN"
    ON = "ON"
    NOT_ON = "NOTON"
    SAME_AS = "SAMEAS"
    NOT_SAME_AS = "NSAMEAS"
    GREATER_THAN_FIELD = "GT_FIELD"
    LESS_THAN_FIELD = "LT_FIELD"
    GREATER_OR_IS_FIELD = "GT_OR_EQUALS_FIELD"
    LESS_OR_IS_FIELD = "LT_OR_EQUALS_FIELD"
    MORE_THAN = "MORETHAN"
    LESS_THAN = "LESSTHAN"
    RELATIVE_AFTER = "RELATIVEGT"
    RELATIVE_BEFORE = "RELATIVELT"
    RELATIVE_AT_OR_AFTER = "RELATIVEGE"
    RELATIVE_AT_OR_BEFORE = "RELATIVELE"
    RELATIVE_ON = "RELATIVEEE"
    DATE_PART = "DATEPART"
    DYNAMIC = "DYNAMIC"
    INSTANCE_OF = "INSTANCEOF"
    IN_HIERARCHY = "IN_HIERARCHY"
    IN_HIERARCHY_DYNAMIC = "IN_HIERARCHY_DYNAMIC"
    CHANGES = "VALCHANGES"
    CHANGES_FROM = "CHANGESFROM"
    CHANGES_TO = "CHANGESTO"


UNARY = frozenset({Operator.EMPTY, Operator.NOT_EMPTY, Operator.EMPTY_STRING, Operator.ANYTHING, Operator.CHANGES})
"""The operators that take no value; what is written behind them is ignored."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """One field compared: `caller_id.department.nameSTARTSWITHFin`.

    Attributes:
        field: a field of the table, or a path through references, with dots.
        value: what is compared with, as written; `^^` is a caret already.
    """

    field: str
    operator: Operator
    value: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Join:
    """`JOINtable.field=other.other_field!conditions`: there is a record of another table with the same value.

    Attributes:
        clauses: what that record must be.
    """

    table: str
    field: str
    other: str
    other_field: str
    clauses: tuple[tuple[Condition, ...], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Related:
    """`RLQUERYother.field,>=1^conditions^ENDRLQUERY`: how many records of another table refer to this one.

    Attributes:
        field: the field of the other table that refers to the record.
        operator: one of = != > >= < <=.
        is_many_to_many: whether `,m2m` stands there; conditions may walk through references with and without it.
        groups: which records count; without any, all.
    """

    other: str
    field: str
    operator: Operator
    count: int
    is_many_to_many: bool = False
    groups: tuple[Group, ...] = ()


Term: TypeAlias = "Condition | Join | Related"
Clause: TypeAlias = tuple[Term, ...]
Group: TypeAlias = tuple[Clause, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """`ORDERBYfield` or `ORDERBYDESCfield`."""

    field: str
    is_descending: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """A whole query.

    Attributes:
        groups: without any, every record.
        ignored: the parts that say nothing, as written; a real instance ignores them too.
    """

    groups: tuple[Group, ...] = ()
    orders: tuple[Order, ...] = ()
    grouped_by: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()
