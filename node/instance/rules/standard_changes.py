"""A standard change begins with what its template says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import bindparam, select

from node.instance.dictionary import Kind
from node.instance.errors import BadRequestError
from node.instance.query.dates import SCRIPT
from node.instance.query.grammar import parse
from node.instance.query.tree import Condition, Operator
from node.instance.rules.business_rules import of_the_instance, values_of
from node.instance.values import ValueRefusedError

if TYPE_CHECKING:
    from sqlalchemy import Select

    from node.instance.catalog import Catalog
    from node.instance.records.changes import Change
    from node.instance.values import Stored

_OF_THE_INSTANCE: Final = frozenset({"sys_id", "number"})
_IS: Final = Operator.IS


def begin_standard_change(change: Change) -> None:
    """Give a new change the values of the template whose version it names, where its client has given none.

    Raises:
        BadRequestError: the template names a field that is not there or is the instance's own, or a value that is none
            of its field's type; or it says something else than what fields begin with.
    """
    if not change.is_new or not change.is_of("change_request"):
        return
    version = change.new.get("std_change_producer_version")
    if version is None:
        return
    catalog = change.tx.catalog
    statement = catalog.planned(("template of a standard change",), lambda: _statement(catalog))
    template = change.tx.connection.execute(statement, {"version": version, "is_on": 1}).scalar()
    try:
        values = _values(change, str(template or ""))
    except (KeyError, ValueRefusedError) as error:
        detail = f"The template of {version} can't be used for a change: {error}"
        raise BadRequestError("Invalid template", detail) from error
    change.new |= {name: value for name, value in values.items() if name not in change.given}


def _values(change: Change, template: str) -> dict[str, Stored]:
    fields = change.tx.catalog.dictionary.fields(change.table)
    terms = [clause for group in parse(template).groups for clause in group]
    said = [part for part in template.replace("^^", "_").split("^") if part not in {"", "EQ"}]
    names = [one.field for (one, *more) in terms if isinstance(one, Condition) and one.operator is _IS and not more]
    if len(names) < len(said):  # whatever can't be read is no term
        raise ValueRefusedError("It may hold only field=value, joined by ^.")
    for name in names:
        if fields[name].is_read_only or fields[name].kind is Kind.JOURNAL or name in _OF_THE_INSTANCE:
            raise ValueRefusedError(f"{name} is no field that a template may set.")
    values = values_of(of_the_instance(change.scope), change.table, template)
    for term, *_ in terms:
        if isinstance(term, Condition) and term.value.startswith(SCRIPT) and values[term.field] is None:
            raise ValueRefusedError(f"{term.field} can't be set to {term.value!r}, which means nothing here.")
    return values


def _statement(catalog: Catalog) -> Select[Any]:
    versions = catalog.physical("std_change_producer_version").c
    producers = catalog.physical("std_change_record_producer").c
    templates = catalog.physical("std_change_template").c
    return select(templates.template).where(
        versions.sys_id == bindparam("version"),
        producers.sys_id == versions.std_change_producer,
        templates.sys_id == producers.template,
        producers.active == bindparam("is_on"),
        templates.active == bindparam("is_on"),
    )
