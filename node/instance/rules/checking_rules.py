"""What business rules an instance takes: those that it can run. Whatever else would have to run is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from node.instance.dictionary import FieldType, Kind
from node.instance.errors import BadRequestError, InstanceError
from node.instance.query.conditions import compared
from node.instance.query.grammar import parse
from node.instance.query.limits import QueryTooLargeError
from node.instance.query.selection import Selection
from node.instance.query.tree import Condition, Operator, Query
from node.instance.rules.business_rules import BEFORE, CHANGES, of_the_instance, values_of
from node.instance.values import ValueRefusedError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from node.instance.query.scope import Scope
    from node.instance.query.tree import Term
    from node.instance.records.changes import Change

_NOT_RUN: Final[Mapping[str, str]] = {
    "script": "runs no scripts",
    "condition": "runs no scripts, and a condition is one",
    "action_query": "has no rules for queries",
    "role_conditions": "has no role conditions",
    "rest_method": "has no rules that call by REST",
    "rest_service": "has no rules that call by REST",
    "client_callable": "has no rules that clients call",
    "execute_function": "runs no functions",
}

_UNSET: Final = frozenset({Kind.JOURNAL, Kind.SECRET})
_KEPT: Final = frozenset({"active", "incident_state", "priority", "problem_state"})
"""Of tasks: what follows from other fields, which the template can set in their place."""

_OURS: Final = frozenset(
    {
        "sys_metadata",
        "sys_user",
        "sys_user_group",
        "sys_user_grmember",
        "sys_user_has_role",
        "sys_group_has_role",
        "sys_user_role_contains",
        "oauth_entity",
        "oauth_credential",
        "api_key",
    }
)
"""Tables by which people get in."""


def check_business_rule(change: Change) -> None:
    """Refuse an active rule that would not do here what it says; an inactive one may say anything.

    Raises:
        BadRequestError: with what of it is not modelled.
    """
    if change.table != "sys_script" or change.is_removal or not change.new.get("active"):
        return
    new, dictionary = change.new, change.tx.catalog.dictionary
    table = str(new.get("collection") or "")
    if table not in dictionary:
        raise _refused(f"There is no table '{table[:80]}', which collection names.")
    if dictionary.root(table) in _OURS or dictionary[table].is_written_by_instance:
        raise _refused(f"The instance keeps {table} itself: a rule for it could lock everybody out.")
    if new.get("when") != BEFORE:
        raise _refused(f"It runs rules before a record is written, and none '{new.get('when')}'.")
    for name, why in _NOT_RUN.items():
        if new.get(name):
            raise _refused(f"It {why}: empty the field {name}, or make the rule inactive.")
    fields = dictionary.fields("sys_script")
    for name in ("filter_condition", "template"):
        if len(str(new.get(name) or "")) >= fields[name].length_max:  # it was cut, and says something else now
            raise _refused(f"The {name} has to be shorter than {fields[name].length_max} characters.")
    scope = of_the_instance(change.scope)
    try:
        _check_condition(scope, table, str(new.get("filter_condition") or ""))
        _check_template(scope, table, str(new.get("template") or ""))
    except QueryTooLargeError as error:
        raise _refused(str(error)) from error


def _check_condition(scope: Scope, table: str, text: str) -> None:
    query = parse(text)
    if query.ignored or query.orders or query.grouped_by:
        raise _refused(f"The filter_condition has parts that say nothing: {', '.join(query.ignored)[:200]}")
    for group in query.groups:
        for clause in group:
            for term in clause:
                if not _is_meant(scope, table, term):
                    raise _refused(f"A part of the filter_condition can't be asked of {table}: {term}")
    Selection(scope, table, query)


def _is_meant(scope: Scope, table: str, term: Term) -> bool:
    if not isinstance(term, Condition):
        return False
    selection = Selection(scope, table, Query())
    field, column = selection.field(term.field), selection.column(term.field)
    if field is None or column is None:
        return False
    if term.operator in CHANGES:
        return "." not in term.field
    if term.operator is Operator.INSTANCE_OF:
        return field.type is FieldType.CLASS_NAME and term.value in scope.catalog.dictionary
    return compared(term.operator, term.value, field, column, scope) is not None


def _check_template(scope: Scope, table: str, text: str) -> None:
    query = parse(text)
    dictionary = scope.catalog.dictionary
    fields = dictionary.fields(table)
    terms = [clause[0] for group in query.groups for clause in group if len(clause) == 1]
    if query.ignored or len(query.groups) > 1 or sum(len(group) for group in query.groups) != len(terms):
        raise _refused("The template is no list of fields and values (field=value^field=value^EQ).")
    for term in terms:
        if not isinstance(term, Condition) or term.operator is not Operator.IS:
            raise _refused("The template sets fields to values, and does nothing else.")
        field = fields.get(term.field)
        is_kept = term.field in _KEPT and dictionary.root(table) == "task"
        if field is None or is_kept or field.is_read_only or field.kind in _UNSET or field.name == "sys_id":
            raise _refused(f"The template can't set {term.field[:80]} of {table}.")
    try:
        values_of(scope, table, text)
    except ValueRefusedError as error:
        raise _refused(str(error)) from error


def _refused(detail: str) -> InstanceError:
    return BadRequestError("Business rule not supported", f"This instance can't run the rule. {detail}")
