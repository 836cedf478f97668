"""What the text of an encoded query says."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from node.instance.query import limits
from node.instance.query.grammar import ALIASES, parse, write
from node.instance.query.limits import QueryTooLargeError
from node.instance.query.tree import UNARY, Condition, Join, Operator, Order, Query, Related
from tests.node.instance.encoded_queries import QUERIES


def condition(field: str, value: str = "", operator: Operator = Operator.IS) -> Condition:
    return Condition(field=field, operator=operator, value=value)


A, B, C, D = (condition(name, "1") for name in "abcd")
ACTIVE = condition("active", "true")


@pytest.mark.parametrize(
    ("text", "groups"),
    [
        ("a=1", (((A,),),)),
        ("a=1^b=1", (((A,), (B,)),)),
        ("a=1^b=1^ORc=1", (((A,), (B, C)),)),
        ("a=1^ORb=1^c=1^ORd=1", (((A, B), (C, D)),)),
        ("a=1^NQb=1^ORc=1", (((A,),), ((B, C),))),
        ("a=1^b=1^NQc=1^d=1", (((A,), (B,)), ((C,), (D,)))),
        ("^a=1^", (((A,),),)),
        ("a=1^EQ", (((A,),),)),
        ("a=1^NQ", (((A,),),)),
        ("ORa=1", (((A,),),)),
        ("", ()),
    ],
)
def test_or_binds_to_the_condition_before_it_and_nq_is_outermost(text, groups):
    assert parse(text) == Query(groups=groups)


@pytest.mark.parametrize("operator", Operator)
def test_every_operator_is_read(operator):
    value = "" if operator in UNARY else "x"
    assert parse(f"some.field{operator}x").groups == (((condition("some.field", value, operator),),),)


@pytest.mark.parametrize(("spelling", "operator"), ALIASES.items())
def test_every_other_spelling_is_read(spelling, operator):
    assert parse(f"name{spelling}x").groups == (((condition("name", "x", operator),),),)


@pytest.mark.parametrize(
    ("text", "operator", "value"),
    [
        ("aNOT INx", Operator.NONE_OF, "x"),
        ("aNOTONx@y@z", Operator.NOT_ON, "x@y@z"),
        ("aINSTANCEOFx", Operator.INSTANCE_OF, "x"),
        ("aIN_HIERARCHYx", Operator.IN_HIERARCHY, "x"),
        ("aIN_HIERARCHY_DYNAMICx", Operator.IN_HIERARCHY_DYNAMIC, "x"),
        ("aINx", Operator.ONE_OF, "x"),
        ("a>=3", Operator.GREATER_OR_IS, "3"),
        ("a!=", Operator.IS_NOT, ""),
        ("aLIKELIKE", Operator.CONTAINS, "LIKE"),
        ("aONToday@1@2", Operator.ON, "Today@1@2"),
        ("a=b=c", Operator.IS, "b=c"),
    ],
)
def test_the_longest_operator_behind_the_field_is_meant(text, operator, value):
    assert parse(text).groups == (((condition("a", value, operator),),),)


@pytest.mark.parametrize(
    ("text", "value"), [("a=x^^y", "x^y"), ("a=^^", "^"), ("a=x^^^b=1", "x^"), ("a=^^^^^ORb=1", "^^")]
)
def test_two_carets_are_one_in_a_value(text, value):
    assert parse(text).groups[0][0][0] == condition("a", value)


def test_orders_and_groups_may_stand_anywhere():
    assert parse("ORDERBYDESCsys_created_on^a=1^GROUPBYstate^NQb=1^ORDERBYcaller_id.name^NQORDERBYorder") == Query(
        groups=(((A,),), ((B,),)),
        orders=(
            Order(field="sys_created_on", is_descending=True),
            Order(field="caller_id.name"),
            Order(field="order"),
        ),
        grouped_by=("state",),
    )


def test_a_field_may_be_called_order():
    assert parse("a=1^ORorder=1").groups == (((A, condition("order", "1")),),)


@pytest.mark.parametrize(
    "text",
    [
        "active",
        "AAAA=BBBB",
        "a",
        "=1",
        ".a=1",
        "a.=1",
        "a..b=1",
        "aHASx",
        "123TEXTQUERY321=mail",
        "ORDERBY",
        "ORDERBYA",
    ],
)
def test_what_cannot_be_read_is_left_out(text):
    assert parse(f"a=1^{text}^b=1") == Query(groups=(((A,), (B,)),), ignored=(text,))


def test_an_or_behind_a_part_that_was_left_out_does_not_bind_to_the_one_before():
    assert parse("a=1^nonsense^ORb=1").groups == (((A,), (B,)),)


def test_a_join_takes_what_follows_it():
    join = Join(
        table="sys_user", field="sys_id", other="sys_user_group", other_field="manager", clauses=((ACTIVE,), (A, B))
    )
    text = "c=1^JOINsys_user.sys_id=sys_user_group.manager!active=true^a=1^ORb=1^ORDERBYname"
    assert parse(text) == Query(groups=(((C,), (join,)),), orders=(Order(field="name"),))


@pytest.mark.parametrize("end", ["JOINa.b=c.d!", "RLQUERYa.b,>0^ENDRLQUERY", "NQd=1"])
def test_a_join_ends_before_another_query(end):
    group = parse(f"JOINa.b=c.d!a=1^{end}").groups[0]
    assert group[0] == (Join(table="a", field="b", other="c", other_field="d", clauses=((A,),)),)


@pytest.mark.parametrize("text", ["JOINa.b=c!a=1^b=1", "JOINa.b=c.d", "JOINa.b.c=d.e!a=1", "JOIN!a=1^b=1"])
def test_a_join_that_cannot_be_read_is_left_out_with_all_that_it_takes(text):
    assert parse(text).groups == ()


@pytest.mark.parametrize(
    ("text", "related"),
    [
        (
            "RLQUERYsys_group_has_role.group,>0,m2m^role.nameLIKEadmin^ENDRLQUERY",
            Related(
                other="sys_group_has_role",
                field="group",
                operator=Operator.GREATER,
                count=0,
                is_many_to_many=True,
                groups=(((condition("role.name", "admin", Operator.CONTAINS),),),),
            ),
        ),
        (
            "RLQUERYincident.problem_id,>=1,active=true^ENDRLQUERY",
            Related(
                other="incident",
                field="problem_id",
                operator=Operator.GREATER_OR_IS,
                count=1,
                groups=(((ACTIVE,),),),
            ),
        ),
        (
            "RLQUERYsys_user.manager,=0^a=1^NQb=1^ENDRLQUERY",
            Related(other="sys_user", field="manager", operator=Operator.IS, count=0, groups=(((A,),), ((B,),))),
        ),
    ],
)
def test_a_related_query_is_read_to_its_end(text, related):
    assert parse(f"c=1^{text}^ORd=1^d=1").groups == (((C,), (related, D), (D,)),)


@pytest.mark.parametrize(
    "head", ["incident.problem_id", "incident,>0", "incident.problem_id,~0", "a.b,>-1", "a.b,>1e3"]
)
def test_a_related_query_that_cannot_be_read_is_left_out_with_all_that_is_in_it(head):
    assert parse(f"a=1^RLQUERY{head}^b=1^RLQUERYa.b,>0^ENDRLQUERY^ENDRLQUERY^c=1").groups == (((A,), (C,)),)


@settings(max_examples=60)
@given(QUERIES)
@example(Query(groups=(((condition("a", "^"), B),),)))
def test_what_is_written_is_read_as_it_was(query):
    assert parse(write(query)) == query


def test_a_clause_that_a_join_would_take_is_written_before_it():
    join = Join(table="a", field="b", other="c", other_field="d", clauses=((A,),))
    assert write(Query(groups=(((join, B), (C,)),))) == "c=1^b=1^ORJOINa.b=c.d!a=1"


PIECES = ("a", "=", "^", "OR", "NQ", "JOIN", "RLQUERY", "ENDRLQUERY", ".", ",>0", "!", "IN", "1")


@given(st.one_of(st.text(), st.lists(st.sampled_from(PIECES)).map("".join)))
def test_any_text_is_read_and_what_was_read_is_written(text):
    query = parse(text)
    again = parse(write(query))
    assert (again.groups, again.orders, again.grouped_by) == (query.groups, query.orders, query.grouped_by)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a=" + "x" * limits.query_characters_max, "65,538 characters"),
        ("a=1^" * limits.query_conditions_max, "5,001 conditions"),
        ("aIN" + "1," * limits.list_values_max, "10,000 values"),
        (".".join("abcdefg") + "=1", "more than 5 references"),
        ("ORDERBY" + ".".join("abcdefg"), "more than 5 references"),
        ("RLQUERYa.b,>0^" * 4, "more than 3 deep"),
    ],
)
def test_a_query_that_asks_too_much_is_refused_with_a_sentence(text, told):
    with pytest.raises(QueryTooLargeError, match=told):
        parse(text)


def test_a_query_of_2300_conditions_as_a_well_known_client_writes_it_is_read():
    assert parse("AAAA=BBBB^" * 2_300 + "sys_id=1").groups == (((condition("sys_id", "1"),),),)
