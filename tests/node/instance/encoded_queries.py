"""Hypothesis strategies for encoded queries, as trees."""

from __future__ import annotations

from hypothesis import strategies as st

from node.instance.query.tree import UNARY, Condition, Join, Operator, Order, Query, Related

NAMES = st.sampled_from(("a", "order", "u_2", "sys_id", "orderby"))
PATHS = st.sampled_from(("a", "order", "a.b", "sys_id", "caller_id.manager.name", ".".join("abcdef")))
VALUES = st.one_of(st.text(max_size=4), st.text("^@,=!ORNQ ", max_size=4), st.just("^NQactive=true"))

CONDITIONS = st.builds(
    lambda field, operator, value: Condition(field=field, operator=operator, value="" if operator in UNARY else value),
    PATHS,
    st.sampled_from(Operator),
    VALUES,
).filter(lambda one: f"{one.operator}{one.value[:1]}" not in (">=", "<=") or one.value == "")  # it reads as another
JOINS = st.builds(
    Join,
    table=NAMES,
    field=NAMES,
    other=NAMES,
    other_field=NAMES,
    clauses=st.lists(st.lists(CONDITIONS, min_size=1, max_size=2).map(tuple), max_size=2).map(tuple),
)
COUNT_OPERATORS = (
    Operator.IS,
    Operator.IS_NOT,
    Operator.GREATER,
    Operator.GREATER_OR_IS,
    Operator.LESS,
    Operator.LESS_OR_IS,
)


def groups(deeper: int) -> st.SearchStrategy[tuple]:
    """Groups as a reader gives them: what a join would take stands before it."""
    related = st.builds(
        Related,
        other=NAMES,
        field=NAMES,
        operator=st.sampled_from(COUNT_OPERATORS),
        count=st.integers(0, 999_999_999),
        is_many_to_many=st.booleans(),
        groups=groups(deeper - 1) if deeper else st.just(()),
    )
    plain = st.lists(st.one_of(CONDITIONS, CONDITIONS, related), min_size=1, max_size=2).map(tuple)
    joined = st.tuples(plain, JOINS).map(lambda both: (*both[0][:1], both[1]))
    only = JOINS.map(lambda join: (join,))
    group = st.tuples(st.lists(plain, max_size=2), st.lists(only, max_size=2)).map(lambda both: (*both[0], *both[1]))
    alternative = st.tuples(st.lists(plain, max_size=2), joined).map(lambda both: (*both[0], both[1]))
    return st.lists(st.one_of(group, group, alternative).filter(bool), max_size=2).map(tuple)


QUERIES = st.builds(
    Query,
    groups=groups(1),
    orders=st.lists(st.builds(Order, field=PATHS, is_descending=st.booleans()), max_size=2).map(tuple),
    grouped_by=st.lists(PATHS, max_size=2).map(tuple),
)
