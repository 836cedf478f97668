"""Values as people see them, turned into what is stored: `sysparm_input_display_value=true`.

ServiceNow documents that records are then named by what they are called, and that times are the user's own. What names
no record, or several, is refused here: a client that is told of success must not find another record than it meant.
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from sqlalchemy import select

from node.instance.dictionary import Field, FieldType, Kind
from node.instance.errors import BadRequestError
from node.instance.query.selection import Selection
from node.instance.query.tree import Query
from node.instance.records.representing import display_path
from node.instance.values import DAY_S, EPOCH, INSTANT_FORMAT, ValueRefusedError, instant, stored

if TYPE_CHECKING:
    from node.instance.database import Transaction
    from node.instance.query.scope import Scope

_SYS_ID_CHARACTERS: Final = 32
_UNITS_S: Final = (DAY_S, 3_600, 60, 1)
_SPAN: Final = re.compile(
    r"(?=\d)" + " ?".join(rf"(?:(\d{{1,9}}) {unit}s?\b)?" for unit in ("Day", "Hour", "Minute", "Second")),
    re.ASCII | re.IGNORECASE,
)
_CLOCK: Final = re.compile(r"(?:(\d{1,9}) )?([01]?\d|2[0-3]):([0-5]\d):([0-5]\d)", re.ASCII)
"""Days and a time, which ServiceNow takes as a duration too."""


def actual(tx: Transaction, scope: Scope, field: Field, text: str) -> str:
    """The wire value that a text means. Labels of choices are not looked at here: they are understood in any case.

    Raises:
        BadRequestError: it names no record that the viewer may read, or several.
        ValueRefusedError: it is no time.
    """
    if not text:
        return text
    if field.type is FieldType.REFERENCE and field.reference is not None:
        return _named(tx, scope, field, field.reference, text)
    if field.type is FieldType.LIST and field.reference is not None:
        names = [one for name in text.split(",") if (one := name.strip())]
        count_max = (field.length_max + 1) // (_SYS_ID_CHARACTERS + 1)
        if len(names) > count_max:
            raise BadRequestError("Invalid value", f"{field.name} takes {count_max} records at most.")
        return ",".join(_named(tx, scope, field, field.reference, name) for name in names)
    if field.type is FieldType.DATE_TIME:
        return instant(field, text, scope.viewer.zone)
    if field.type is FieldType.DURATION:
        return _span(text)
    return text


def _named(tx: Transaction, scope: Scope, field: Field, table: str, text: str) -> str:
    """The sys_id of the record that is called so; of the record with that sys_id, if none is called so."""
    path = display_path(scope.catalog.dictionary, table)
    selection = Selection(scope, table, Query())
    own_id, name, named = selection.column("sys_id"), selection.column(path), selection.field(path)
    if own_id is None or name is None or named is None:  # nor is the viewer told in which table it would be
        raise BadRequestError("Invalid value", f"{field.name}: No record called '{text[:80]}'.")
    base = select(own_id).select_from(selection.source()).where(selection.where()).limit(2)
    wanted = _comparable(named, text)
    found: list[str] = [] if wanted is None else list(tx.connection.execute(base.where(name == wanted)).scalars())
    found = found or list(tx.connection.execute(base.where(own_id == text)).scalars())
    if len(found) == 1:
        return found[0]
    which = "Several records" if found else "No record"
    what = "name it by its sys_id" if found else f"its {path} is asked for"
    raise BadRequestError("Invalid value", f"{field.name}: {which} of {table} called '{text[:80]}'; {what}.")


def _comparable(field: Field, text: str) -> str | int | float | None:
    """What the field holds of a record that is called so; none: it can't, for instance since the name is too long."""
    if field.kind is Kind.JOURNAL or 0 < field.length_max < len(text):
        return None
    try:
        return stored(field, text)
    except ValueRefusedError:
        return None


def _span(text: str) -> str:
    found = _SPAN.fullmatch(text.strip()) or _CLOCK.fullmatch(text.strip())
    if found is None:
        return text
    seconds = sum(int(count or 0) * unit_s for count, unit_s in zip(found.groups(), _UNITS_S, strict=True))
    try:
        return (EPOCH + timedelta(seconds=seconds)).strftime(INSTANT_FORMAT)
    except OverflowError:
        return text
