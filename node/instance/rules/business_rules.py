"""Running the business rules of `sys_script`: what an admin has written down, before a record is written.

A rule's condition is asked of the record as it will be: it is written, the condition is a query for it, and the write
is taken back. So a condition means here what it means in a list.
"""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import bindparam, select, update

from node.instance.dictionary import CLASS_FIELD, Field
from node.instance.errors import AbortedError
from node.instance.query.dates import SCRIPT
from node.instance.query.grammar import parse
from node.instance.query.literals import literals
from node.instance.query.tree import Condition, Operator, Query
from node.instance.readers import raw
from node.instance.records.reading import selection_of
from node.instance.records.rows import insert_row
from node.instance.values import stored, wire
from node.instance.viewer import ADMIN_ROLE
from node.store.prepared import Prepared

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Select

    from node.instance.catalog import Catalog
    from node.instance.query.scope import Scope
    from node.instance.query.tree import Term
    from node.instance.records.changes import Change
    from node.instance.values import Stored

BEFORE: Final = "before"

CHANGES: Final = frozenset({Operator.CHANGES, Operator.CHANGES_FROM, Operator.CHANGES_TO})

_YES: Final = Condition(field="sys_id", operator=Operator.NOT_EMPTY)
_NO: Final = Condition(field="sys_id", operator=Operator.EMPTY)


@dataclass(frozen=True, slots=True)
class _Rule:
    name: str
    condition: str
    template: str
    aborts: bool


def run_business_rules(change: Change) -> None:
    """Let the rules of the record's table, and of those that it extends, set fields or forbid the change.

    Raises:
        AbortedError: one forbids it.
    """
    rules = _rules(change)
    if not rules or not (change.is_new or change.is_removal or change.old != change.new or change.journals):
        return
    scope = of_the_instance(change.scope)
    with _as_it_will_be(change) as is_written:
        for rule in rules:
            if not is_written or not _holds(change, scope, rule):
                continue
            if rule.template and not change.is_removal:
                change.new |= values_of(scope, change.table, rule.template)
                _write(change, is_there=True)
            if rule.aborts:
                raise AbortedError(change.table, rule.name, change.sys_id)


def of_the_instance(scope: Scope) -> Scope:
    """Rules look at everything, whoever sets them off; `gs.getUserID()` is still that user."""
    return replace(scope, viewer=replace(scope.viewer, roles=frozenset({ADMIN_ROLE})))


def values_of(scope: Scope, table: str, template: str) -> dict[str, Stored]:
    """What a template (`state=2^impact=1^EQ`) sets.

    Raises:
        ValueRefusedError: a value is none of its field's type.
        KeyError: there is no such field.
    """
    fields = scope.catalog.dictionary.fields(table)
    return {
        term.field: _value(scope, fields[term.field], term.value)
        for group in parse(template).groups
        for clause in group
        for term in clause
        if isinstance(term, Condition)
    }


def _value(scope: Scope, field: Field, text: str) -> Stored:
    if text.startswith(SCRIPT):
        return next(iter(literals(field, text, scope)), None)
    return stored(field, text)


def _rules(change: Change) -> list[_Rule]:
    act = "action_delete" if change.is_removal else "action_insert" if change.is_new else "action_update"
    catalog = change.tx.catalog
    statement = catalog.planned(("rules", change.table, act), lambda: Prepared(_statement(catalog, change.table, act)))
    rows = statement.run(change.tx.connection, {"is_on": 1}).fetchall()
    return [_Rule(row[0] or "", row[1] or "", row[2] or "", bool(row[3])) for row in rows]


def _statement(catalog: Catalog, table: str, act: str) -> Select[Any]:
    scripts = catalog.physical("sys_script").c
    return (
        select(scripts.name, scripts.filter_condition, scripts.template, scripts.abort_action)
        .where(
            scripts[CLASS_FIELD.name] == "sys_script",
            scripts.collection.in_(catalog.dictionary.ancestry(table)),
            scripts.active == bindparam("is_on"),
            scripts[act] == bindparam("is_on"),
            scripts.when == BEFORE,
        )
        .order_by(scripts.order, scripts.name, scripts.sys_id)
    )


@contextmanager
def _as_it_will_be(change: Change) -> Iterator[bool]:
    """While this lasts, the record is stored as it will be; whether it could be."""
    connection = change.tx.connection
    connection.exec_driver_sql("SAVEPOINT business_rules")
    try:
        try:
            _write(change, is_there=not change.is_new)
        except sqlite3.IntegrityError:  # the real write will say why
            yield False
        else:
            yield True
    finally:
        if raw(connection).in_transaction:  # else a disk was full or failed, and SQLite has undone all of it
            connection.exec_driver_sql("ROLLBACK TO business_rules")
            connection.exec_driver_sql("RELEASE business_rules")


def _write(change: Change, *, is_there: bool) -> None:
    if change.is_removal:
        return
    if not is_there:
        insert_row(change.tx, change.table, change.new)
        return
    physical = change.tx.catalog.physical(change.table)
    statement = update(physical).where(physical.c.sys_id == change.sys_id)
    change.tx.connection.execute(statement.values(dict(change.new)))


def _holds(change: Change, scope: Scope, rule: _Rule) -> bool:
    query = parse(rule.condition)
    asked = Query(
        groups=tuple(
            tuple(tuple(_settled(change, term) for term in clause) for clause in group) for group in query.groups
        )
    )
    selection = selection_of(scope, change.table, asked)
    own_id = selection.column("sys_id")
    assert own_id is not None  # noqa: S101 - the instance reads every field
    found = select(1).select_from(selection.source()).where(selection.where(), own_id == change.sys_id)
    return change.tx.connection.execute(found).first() is not None


def _settled(change: Change, term: Term) -> Term:
    """A condition about the change itself, which no query of the record can tell: settled here."""
    if not isinstance(term, Condition) or term.operator not in CHANGES:
        return term
    field = change.tx.catalog.dictionary.fields(change.table)[term.field]
    before, after = wire(field, change.old.get(field.name)), wire(field, change.new.get(field.name))
    match term.operator:
        case Operator.CHANGES_FROM:
            held = before != after and before == term.value
        case Operator.CHANGES_TO:
            held = before != after and after == term.value
        case _:
            held = before != after
    return _YES if held else _NO
