"""The form by which an admin changes a record: its controls, and what was typed as values for the use cases.

A form says of each field what it held when the page was made, and only fields in which something else was typed are
given: what a client has changed meanwhile stays. A field in which both wrote is asked about.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from node.console.records.cells import text_of, value_of
from node.console.records.layouts import SYSTEM_NAMES, first_fields_of
from node.console.records.listing import BOTH
from node.instance.dictionary import FieldType, Kind
from node.instance.people.access import Operation
from node.instance.records.reading import Listing, list_records, read_record
from node.instance.records.representing import display_path
from node.instance.values import written

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import tzinfo

    from node.instance.database import Transaction
    from node.instance.dictionary import Field, Table
    from node.instance.query.scope import Scope
    from node.instance.records.representing import Shown

SET: Final = "set."
WAS: Final = "was."
"""What the names of a form's fields begin with: as typed now, and as the page had it."""

LINE_CHARACTERS_MAX: Final = 255
_FLAGS: Final = (("true", "true"), ("false", "false"))
_SUGGESTED: Final = 10


class UnfitError(Exception):
    """What was typed can't be taken.

    Attributes:
        faults: a sentence for each field.
        held: what those fields hold now that have been changed since the form was made, as the form would say it.
    """

    def __init__(self, faults: Mapping[str, str], held: Mapping[str, str] | None = None) -> None:
        super().__init__(" ".join(faults.values()))
        self.faults = faults
        self.held = held or {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """How one field is typed.

    Attributes:
        kind: `line`, `area`, `choice`, `instant`, `day`, `secret` or `reference`.
        text: what stands in it.
        was: what stood in it when the page was first made.
        choices: value and label, for a `choice`.
    """

    name: str
    label: str
    kind: str
    text: str
    was: str
    length_max: int
    choices: Sequence[tuple[str, str]] = ()
    reference: str | None = None
    is_mandatory: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class EditForm:
    """The form of a record, or of a new one, whose sys_id is empty."""

    table: Table
    sys_id: str
    title: str
    journals: Sequence[Control]
    first: Sequence[Control]
    more: Sequence[Control]


def form_of(tx: Transaction, scope: Scope, table: str, sys_id: str, typed: Mapping[str, str]) -> EditForm:
    """The form with what a record holds; `typed` is what it is to hold instead, from a form that could not be taken.

    Raises:
        InstanceError: there is no such table, or no such record for the viewer.
    """
    dictionary = scope.catalog.dictionary
    record: Mapping[str, Shown] = read_record(tx, scope, table, sys_id, None, BOTH) if sys_id else {}
    fields = dictionary.fields(table)
    operation = Operation.WRITE if sys_id else Operation.CREATE
    first = first_fields_of(dictionary, table)
    controls = [
        _control(fields[name], _held(fields[name], record, is_new=not sys_id), typed)
        for name in dict.fromkeys((*first, *fields))
        if name not in SYSTEM_NAMES and scope.access.may_write_field(scope.viewer, table, name, operation)
    ]
    journals = [one for one in controls if fields[one.name].kind is Kind.JOURNAL]
    plain = [one for one in controls if fields[one.name].kind is not Kind.JOURNAL]
    is_first = {one.name: one.name in first or one.is_mandatory for one in plain}
    return EditForm(
        table=dictionary[table],
        sys_id=sys_id,
        title=text_of(record, dictionary.display_field(table).name) or sys_id,
        journals=[one for one in journals if fields[one.name].type is FieldType.JOURNAL_INPUT],
        first=[one for one in plain if is_first[one.name]],
        more=[one for one in plain if not is_first[one.name]],
    )


def _held(field: Field, record: Mapping[str, Shown], *, is_new: bool) -> str:
    """What stands in a field's control."""
    if field.kind in {Kind.JOURNAL, Kind.SECRET}:
        return ""
    if is_new:
        return field.default
    value = value_of(record, field.name)
    if field.type is FieldType.REFERENCE:
        return text_of(record, field.name) or value
    if field.type is FieldType.DATE_TIME:
        return text_of(record, field.name).replace(" ", "T")
    return value


def _control(field: Field, held: str, typed: Mapping[str, str]) -> Control:
    text = typed.get(SET + field.name, held)
    choices: list[tuple[str, str]] = []
    match field:
        case _ if field.choices:
            kind, choices = "choice", list(field.choices.items())
        case _ if field.kind is Kind.BOOLEAN:
            kind, choices = "choice", list(_FLAGS)
        case _ if field.type is FieldType.REFERENCE and field.reference is not None:
            kind = "reference"
        case _ if field.kind is Kind.SECRET:
            kind = "secret"
        case _ if field.type is FieldType.DATE_TIME:
            kind = "instant"
        case _ if field.kind is Kind.DAY:
            kind = "day"
        case _ if field.kind is Kind.JOURNAL or (
            field.kind is Kind.TEXT and field.length_max > LINE_CHARACTERS_MAX and field.type is not FieldType.LIST
        ):
            kind = "area"
        case _:
            kind = "line"
    if kind == "choice" and text and text not in dict(choices):
        choices.append((text, text))
    return Control(
        name=field.name,
        label=field.label,
        kind=kind,
        text=text,
        was=typed.get(WAS + field.name, "") if SET + field.name in typed else held,
        length_max=field.length_max if field.kind in {Kind.TEXT, Kind.JOURNAL} else LINE_CHARACTERS_MAX,
        choices=choices,
        reference=field.reference,
        is_mandatory=field.is_mandatory,
    )


def values_of(tx: Transaction, scope: Scope, table: str, typed: Mapping[str, str]) -> dict[str, str]:
    """What was typed anew, as wire values.

    Raises:
        UnfitError: a name that no record has, or several have, or an instant that is none.
    """
    found: dict[str, str] = {}
    faults: dict[str, str] = {}
    for name, field in scope.catalog.dictionary.fields(table).items():
        if SET + name not in typed:
            continue
        text, was = typed[SET + name], typed.get(WAS + name, "")
        if field.kind is not Kind.SECRET:
            text, was = _lines(text), _lines(was)
        if text == was or (field.type is FieldType.DATE_TIME and f"{text}:00" == was):  # seconds of 0 are not sent
            continue
        try:
            found[name] = _wire(tx, scope, field, text)
        except ValueError as error:
            faults[name] = str(error)
    if faults:
        raise UnfitError(faults)
    return found


def refuse_overwriting(
    tx: Transaction, scope: Scope, table: str, sys_id: str, names: Iterable[str], typed: Mapping[str, str]
) -> None:
    """Refuse to write over what whoever typed has not seen.

    Raises:
        InstanceError: there is no such record for the viewer.
        UnfitError: one of the named fields has been changed since the form was made.
    """
    record: Mapping[str, Shown] = read_record(tx, scope, table, sys_id, None, BOTH)
    fields = scope.catalog.dictionary.fields(table)
    held = {name: _held(fields[name], record, is_new=False) for name in names}
    changed = {name: now for name, now in held.items() if _lines(now) != _lines(typed.get(WAS + name, ""))}
    if changed:
        raise UnfitError(
            {
                name: f"Changed meanwhile: it is {f'“{now}”' if now else 'empty'} now. To have yours, save again."
                for name, now in changed.items()
            },
            {WAS + name: now for name, now in changed.items()},
        )


def _lines(text: str) -> str:
    return text.replace("\r\n", "\n").rstrip()


def _wire(tx: Transaction, scope: Scope, field: Field, text: str) -> str:
    if text and field.type is FieldType.REFERENCE and field.reference is not None:
        return _record_called(tx, scope, field.reference, text.strip())
    if text and field.type is FieldType.DATE_TIME:
        return _utc(text, scope.viewer.zone)
    return text


def _utc(text: str, zone: tzinfo) -> str:
    """What a control for an instant says, in the viewer's time zone, as it is on the wire."""
    try:
        return written(datetime.fromisoformat(text).replace(tzinfo=zone).astimezone(UTC))
    except (ValueError, OverflowError):
        raise ValueError(f"“{text[:40]}” is no instant: write YYYY-MM-DD HH:MM:SS.") from None


def _record_called(tx: Transaction, scope: Scope, table: str, text: str) -> str:
    """The sys_id of the one record that is called so, or has it as its sys_id."""
    label = scope.catalog.dictionary[table].label
    found = _named(tx, scope, table, "=", text, limit=2)
    if len(found) == 1:
        return found[0][0]
    if found:
        raise ValueError(f"Several records of {label} are called “{text[:80]}”. Give the sys_id of one.")
    by_id = Listing(table=table, query=f"sys_id={_escaped(text)}", fields=("sys_id",), limit=1, is_counted=False)
    records = list_records(tx, scope, by_id, BOTH).records
    if not records:
        raise ValueError(f"No record of {label} is called “{text[:80]}”.")
    return value_of(records[0], "sys_id")


def suggestions(tx: Transaction, scope: Scope, table: str, text: str) -> list[str]:
    """What some records are called that begin with the text."""
    if not text.strip():
        return []
    return list(
        dict.fromkeys(name for _, name in _named(tx, scope, table, "STARTSWITH", text.strip(), limit=_SUGGESTED))
    )


def _named(tx: Transaction, scope: Scope, table: str, operator: str, text: str, *, limit: int) -> list[tuple[str, str]]:
    """The sys_ids and names of records whose name is, or begins with, a text."""
    path = display_path(scope.catalog.dictionary, table)
    listing = Listing(
        table=table,
        query=f"{path}{operator}{_escaped(text)}^ORDERBY{path}",
        fields=("sys_id", path),
        limit=limit,
        is_counted=False,
    )
    records = list_records(tx, scope, listing, BOTH).records
    return [(value_of(one, "sys_id"), text_of(one, path)) for one in records]


def _escaped(text: str) -> str:
    return text.replace("^", "^^")
