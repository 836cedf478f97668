"""Making, changing and removing records: units of work for the instance's writer."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from sqlalchemy import delete, select, update

from node.instance.dictionary import CLASS_FIELD, Field, Kind
from node.instance.errors import AccessError, BadRequestError, InvalidTableError, UniqueError
from node.instance.people.access import Operation
from node.instance.records.as_shown import actual
from node.instance.records.attached import remove_what_hangs_on
from node.instance.records.changes import Change
from node.instance.records.journals import add_entry
from node.instance.records.loading import load_record
from node.instance.records.rows import insert_row
from node.instance.rules import AFTER, BEFORE
from node.instance.system_fields import system_fields
from node.instance.values import HIDDEN, Stored, ValueRefusedError, stored, written
from node.instance.viewer import ADMIN_ROLE

if TYPE_CHECKING:
    from node.instance.database import Transaction
    from node.instance.query.scope import Scope

Values = Mapping[str, str]
"""Wire values by field."""

_SYS_ID: Final = re.compile(r"[0-9A-Za-z_-]{1,32}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Writing:
    """Who writes, when, and what is asked beside the values.

    Attributes:
        new_id: gives another sys_id.
        seal: what is stored of a password in its place.
        as_shown: whether values are given as people see them.
        depth: how many changes lead to this one.
    """

    scope: Scope
    new_id: Callable[[], str]
    seal: Callable[[str], str]
    as_shown: bool = False
    depth: int = 0

    def further(self, tx: Transaction) -> Callable[[str, str, Values], object]:
        """How a rule changes other records: with all rights, in the name of whoever set it off."""
        scope = replace(self.scope, viewer=replace(self.scope.viewer, roles=frozenset({ADMIN_ROLE})))
        writing = replace(self, scope=scope, as_shown=False, depth=self.depth + 1)
        return lambda table, sys_id, values: update_record(tx, writing, table, sys_id, values)


def insert_record(tx: Transaction, writing: Writing, table: str, values: Values) -> str:
    """Make a record; its sys_id. Fields that the table does not have, or that clients don't write, are ignored.

    Raises:
        InvalidTableError, AccessError, BadRequestError, UniqueError, AbortedError: nothing was made.
    """
    scope = writing.scope
    dictionary = tx.catalog.dictionary
    if not scope.access.is_there(scope.viewer, table):
        raise InvalidTableError(table)
    if not scope.access.may(scope.viewer, table, Operation.CREATE):
        raise AccessError("Insert")
    fields = dictionary.fields(table)
    sys_id = _own_id(values.get("sys_id", "")) or writing.new_id()
    at, by = written(scope.now), scope.viewer.user_name
    new = dict(tx.catalog.planned(("defaults", table), lambda: _defaults(fields)))
    given, journals = _given(tx, writing, table, fields, values, Operation.CREATE)
    new |= given
    new |= system_fields(sys_id, at=at, by=by)
    if CLASS_FIELD.name in fields:
        new[CLASS_FIELD.name] = table
    change = Change(
        tx=tx,
        scope=scope,
        table=table,
        sys_id=sys_id,
        old={},
        new=new,
        journals=journals,
        given=frozenset(given) | frozenset(journals),
        at=at,
        new_id=writing.new_id,
        update=writing.further(tx),
        depth=writing.depth,
    )
    for rule in BEFORE:
        rule(change)
    _check_mandatory(fields, change.new)
    _check_unique(tx, table, fields, change)
    try:
        insert_row(tx, table, change.new)
    except sqlite3.IntegrityError as error:
        raise UniqueError(table, f"sys_id {sys_id}") from error
    _finish(change)
    return sys_id


def update_record(tx: Transaction, writing: Writing, table: str, sys_id: str, values: Values) -> bool:
    """Change a record, and say whether anything of it changed.

    One that gets no other value than it has stays as it is, with its counter of updates.

    Raises:
        InvalidTableError, NoRecordError, AccessError, BadRequestError, UniqueError, AbortedError: nothing was changed.
    """
    scope = writing.scope
    old = load_record(tx, scope, table, sys_id, Operation.WRITE, "Update")
    class_name = str(old.get(CLASS_FIELD.name) or table)
    fields = tx.catalog.dictionary.fields(class_name)
    given, journals = _given(tx, writing, class_name, fields, values, Operation.WRITE)
    change = Change(
        tx=tx,
        scope=scope,
        table=class_name,
        sys_id=str(old["sys_id"]),
        old=old,
        new={**old, **given},
        journals=journals,
        given=frozenset(given) | frozenset(journals),
        at=written(scope.now),
        new_id=writing.new_id,
        update=writing.further(tx),
        depth=writing.depth,
    )
    for rule in BEFORE:
        rule(change)
    changed = {name: value for name, value in change.new.items() if old.get(name) != value}
    if not changed and not change.journals:
        return False
    _check_mandatory({name: fields[name] for name in changed if name in fields}, change.new)
    _check_unique(tx, class_name, fields, change)
    changed |= {
        "sys_updated_on": change.at,
        "sys_updated_by": scope.viewer.user_name,
        "sys_mod_count": int(old["sys_mod_count"] or 0) + 1,
    }
    physical = tx.catalog.physical(table)
    tx.connection.execute(update(physical).where(physical.c.sys_id == change.sys_id).values(changed))
    change.new |= changed
    _finish(change)
    return True


def delete_record(tx: Transaction, writing: Writing, table: str, sys_id: str) -> None:
    """Remove a record with its attachments and its journals; what refers to it keeps its sys_id.

    Raises:
        InvalidTableError, NoRecordError, AccessError, AbortedError: nothing was removed.
    """
    scope = writing.scope
    old = load_record(tx, scope, table, sys_id, Operation.DELETE, "Delete")
    change = Change(
        tx=tx,
        scope=scope,
        table=str(old.get(CLASS_FIELD.name) or table),
        sys_id=str(old["sys_id"]),
        old=old,
        new={},
        at=written(scope.now),
        new_id=writing.new_id,
        update=writing.further(tx),
        depth=writing.depth,
    )
    for rule in BEFORE:
        rule(change)
    physical = tx.catalog.physical(table)
    tx.connection.execute(delete(physical).where(physical.c.sys_id == change.sys_id))
    remove_what_hangs_on(tx, change.table, change.sys_id)
    _finish(change)


def _finish(change: Change) -> None:
    tx = change.tx
    tx.touched.add(tx.catalog.dictionary.root(change.table))
    for element, text in change.journals.items():
        add_entry(
            tx,
            sys_id=change.new_id(),
            of=(change.table, change.sys_id),
            element=element,
            text=text,
            by=change.scope.viewer.user_name,
            at=change.at,
        )
    for rule in AFTER:
        rule(change)


def _given(
    tx: Transaction, writing: Writing, table: str, fields: Mapping[str, Field], values: Values, operation: Operation
) -> tuple[dict[str, Stored], dict[str, str]]:
    """What a client gives: fields to store, and journal entries."""
    scope = writing.scope
    given: dict[str, Stored] = {}
    journals: dict[str, str] = {}
    for name, text in values.items():
        field = fields.get(name)
        if field is None or name == "sys_id":
            continue
        if not scope.access.may_write_field(scope.viewer, table, name, operation):
            continue
        if field.kind is Kind.JOURNAL:
            if text:
                journals[name] = text[: field.length_max]
        elif field.kind is Kind.SECRET and writing.as_shown and text == HIDDEN:
            continue  # as it is shown: nobody means that as a new password
        elif field.kind is Kind.SECRET:
            given[name] = writing.seal(text) if text else None
        else:
            try:
                given[name] = stored(field, actual(tx, scope, field, text) if writing.as_shown else text)
            except ValueRefusedError as error:
                raise BadRequestError("Invalid value", str(error)) from error
    return given, journals


def _defaults(fields: Mapping[str, Field]) -> dict[str, Stored]:
    return {name: stored(field, field.default) for name, field in fields.items() if field.kind is not Kind.JOURNAL}


def _own_id(text: str) -> str:
    if text and not _SYS_ID.fullmatch(text):
        raise BadRequestError("Invalid sys_id", "A sys_id has up to 32 letters and digits.")
    return text


def _check_mandatory(fields: Mapping[str, Field], new: Mapping[str, Stored]) -> None:
    missing = [field.label for field in fields.values() if field.is_mandatory and new.get(field.name) is None]
    if missing:
        raise BadRequestError("Mandatory fields missing", f"Not filled in: {', '.join(missing)}")


def _check_unique(tx: Transaction, table: str, fields: Mapping[str, Field], change: Change) -> None:
    physical = tx.catalog.physical(table)
    for field in fields.values():
        value = change.new.get(field.name)
        if not field.is_unique or value is None or not change.has_changed(field.name):
            continue
        same = select(physical.c.sys_id).where(physical.c[field.name] == value)
        if CLASS_FIELD.name in fields:
            same = same.where(physical.c[CLASS_FIELD.name] == table)
        if tx.connection.execute(same.limit(1)).first() is not None:
            raise UniqueError(table, f"{field.label} {value}")
