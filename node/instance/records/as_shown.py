"""Values as people see them, turned into what is stored: `sysparm_input_display_value=true`.

ServiceNow documents that records are then named by what they are called, and that times are the user's own. What names
no record, or several, is refused here: a client that is told of success must not find another record than it meant.
"""

from __future__ import annotations

import re
from datetime import UTC, timedelta
from typing import TYPE_CHECKING, Final

from sqlalchemy import select

from node.instance.dictionary import Field, FieldType, Kind
from node.instance.errors import BadRequestError
from node.instance.query.selection import Selection
from node.instance.query.tree import Query
from node.instance.records.representing import display_path
from node.instance.values import DAY_S, EPOCH, INSTANT_FORMAT, ValueRefusedError, moment, stored

if TYPE_CHECKING:
    from node.instance.database import Transaction
    from node.instance.query.scope import Scope

LIST_MAX: Final = 200
"""How many records a list may name."""

_UNITS_S: Final = {"day": DAY_S, "hour": 3_600, "minute": 60, "second": 1}
_PART: Final = re.compile(r"(\d{1,9}) (Day|Hour|Minute|Second)s?", re.IGNORECASE)
_SPAN: Final = re.compile(rf"{_PART.pattern}( {_PART.pattern}){{0,3}}", re.IGNORECASE)
_CLOCK: Final = re.compile(r"(?:(\d{1,9}) )?(\d{1,2}):(\d\d):(\d\d)")
"""Days and a time, which ServiceNow takes as a duration too."""


def actual(tx: Transaction, scope: Scope, field: Field, text: str) -> str:
    """The wire value that a text means. Labels of choices are not looked at here: they are understood in any case.

    Raises:
        BadRequestError: it names no record that the viewer may read, or several.
    """
    if not text:
        return text
    if field.type is FieldType.REFERENCE and field.reference is not None:
        return _named(tx, scope, field, field.reference, text)
    if field.type is FieldType.LIST and field.reference is not None:
        names = [one for name in text.split(",") if (one := name.strip())]
        if len(names) > LIST_MAX:
            raise BadRequestError("Invalid value", f"{field.name} takes {LIST_MAX} records at most.")
        return ",".join(_named(tx, scope, field, field.reference, name) for name in names)
    if field.type is FieldType.DATE_TIME:
        return _in_utc(scope, field, text)
    if field.type is FieldType.DURATION:
        return _span(text)
    return text


def _named(tx: Transaction, scope: Scope, field: Field, table: str, text: str) -> str:
    """The sys_id of the record that is called so; of the record with that sys_id, if none is called so."""
    path = display_path(scope.catalog.dictionary, table)
    selection = Selection(scope, table, Query())
    own_id, name, named = selection.column("sys_id"), selection.column(path), selection.field(path)
    found: list[str] = []
    if own_id is not None and name is not None and named is not None:
        base = select(own_id).select_from(selection.source()).where(selection.where()).limit(2)
        wanted = _comparable(named, text)
        found = [] if wanted is None else list(tx.connection.execute(base.where(name == wanted)).scalars())
        found = found or list(tx.connection.execute(base.where(own_id == text)).scalars())
    if len(found) == 1:
        return found[0]
    which = "Several records" if found else "No record"
    what = "name it by its sys_id" if found else f"its {path} is asked for"
    raise BadRequestError("Invalid value", f"{field.name}: {which} of {table} called '{text[:80]}'; {what}.")


def _comparable(field: Field, text: str) -> str | int | float | None:
    try:
        return stored(field, text) if field.kind is not Kind.JOURNAL else None
    except ValueRefusedError:
        return None


def _in_utc(scope: Scope, field: Field, text: str) -> str:
    """An instant of the viewer's clocks; an hour that is there twice is the first one."""
    try:
        local = moment(str(stored(field, text)))
    except ValueRefusedError:
        return text  # refused with the same words as without this parameter
    if local is None:
        return text
    return local.replace(tzinfo=scope.viewer.zone).astimezone(UTC).strftime(INSTANT_FORMAT)


def _span(text: str) -> str:
    if _SPAN.fullmatch(text.strip()):
        seconds = sum(int(count) * _UNITS_S[unit.lower()] for count, unit in _PART.findall(text))
    elif (clock := _CLOCK.fullmatch(text.strip())) is not None:
        days, hours, minutes, rest = (int(one or 0) for one in clock.groups())
        seconds = days * DAY_S + hours * 3_600 + minutes * 60 + rest
    else:
        return text
    try:
        return (EPOCH + timedelta(seconds=seconds)).strftime(INSTANT_FORMAT)
    except OverflowError:
        return text
