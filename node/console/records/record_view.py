"""A record with all about it: its fields, its journals, its attachments, and what refers to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from node.console.records.cells import Cell, cell, text_of, value_of
from node.console.records.filtering import encoded
from node.console.records.layouts import SYSTEM_NAMES, columns_of, first_fields_of
from node.console.records.listing import BOTH, Line, line
from node.console.records.places import table_place
from node.instance.catalog import CLASS, CONNECTION_TABLE
from node.instance.dictionary import FieldType, Kind
from node.instance.people.access import Operation
from node.instance.query.tree import Condition, Operator, Query
from node.instance.records.reading import Listing, list_records, read_record

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from node.instance.database import Transaction
    from node.instance.dictionary import Dictionary, Field, Table
    from node.instance.query.scope import Scope

ENTRIES_SHOWN: Final = 50
ATTACHMENTS_SHOWN: Final = 50
RELATED_SHOWN: Final = 5
_WITHOUT_FILES: Final = frozenset({"sys_attachment", "sys_journal_field"})
"""What hangs on records itself."""

_GENERIC_FIELDS: Final = ("number", "name", "short_description", "state", "active", "sys_updated_on")


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelf:
    """Records of another table that refer to a record by one of their fields."""

    table: str
    label: str
    field: str
    total: int
    place: str
    headings: Sequence[str]
    lines: Sequence[Line]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A journal entry."""

    sys_id: str
    label: str
    author: str
    text: str
    on: Cell


@dataclass(frozen=True, slots=True, kw_only=True)
class Attached:
    """An attachment."""

    sys_id: str
    name: str
    content_type: str
    size_bytes: int
    author: str
    on: Cell


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldLine:
    """A field of a record."""

    name: str
    label: str
    cell: Cell


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordView:
    """A record with all about it.

    Attributes:
        about: what it is about, in a line.
        telling, usual, system: its fields; usual are those that are empty, or hold what every new record holds.
        journals: the labels of the journals that the viewer may write to, by field.
    """

    table: Table
    sys_id: str
    title: str
    about: str
    telling: Sequence[FieldLine]
    usual: Sequence[FieldLine]
    system: Sequence[FieldLine]
    has_journals: bool
    entries: Sequence[Entry]
    entries_total: int
    attachments: Sequence[Attached]
    shelves: Sequence[Shelf]
    may_write: bool
    may_attach: bool
    journals: Mapping[str, str]


def record_of(tx: Transaction, scope: Scope, table: str, sys_id: str) -> RecordView:
    """A record with all about it, as one of its own class.

    Raises:
        InstanceError: there is no such table, or no such record for the viewer.
    """
    dictionary = scope.catalog.dictionary
    record = read_record(tx, scope, table, sys_id, None, BOTH)
    class_name = value_of(record, CLASS) or table
    if class_name != table and class_name in dictionary:
        table, record = class_name, read_record(tx, scope, class_name, sys_id, None, BOTH)
    sys_id = value_of(record, "sys_id")
    fields = dictionary.fields(table)
    lines = [
        FieldLine(name=name, label=fields[name].label, cell=cell(fields[name], record[name]))
        for name in _in_order(dictionary, table)
        if name in record and fields[name].kind is not Kind.JOURNAL
    ]
    own = [one for one in lines if one.name not in SYSTEM_NAMES]
    first = first_fields_of(dictionary, table)
    telling = {
        one.name for one in own if one.cell.value and (one.name in first or one.cell.value != fields[one.name].default)
    }
    entries, entries_total = _entries(tx, scope, table, sys_id)
    return RecordView(
        table=dictionary[table],
        sys_id=sys_id,
        title=text_of(record, dictionary.display_field(table).name) or sys_id,
        about=text_of(record, "short_description"),
        telling=[one for one in own if one.name in telling],
        usual=[one for one in own if one.name not in telling],
        system=[one for one in lines if one.name in SYSTEM_NAMES],
        has_journals=any(field.kind is Kind.JOURNAL for field in fields.values()),
        entries=entries,
        entries_total=entries_total,
        attachments=_attachments(tx, scope, table, sys_id),
        shelves=_shelves(tx, scope, table, sys_id),
        may_write=scope.access.may(scope.viewer, table, Operation.WRITE),
        may_attach=scope.access.may(scope.viewer, table, Operation.WRITE) and table not in _WITHOUT_FILES,
        journals={
            field.name: field.label
            for field in fields.values()
            if field.type is FieldType.JOURNAL_INPUT and scope.access.may_write_field(scope.viewer, table, field.name)
        },
    )


def _in_order(dictionary: Dictionary, table: str) -> Sequence[str]:
    names = (*first_fields_of(dictionary, table), *columns_of(dictionary, table), *dictionary.fields(table))
    return tuple(dict.fromkeys(names))


def _entries(tx: Transaction, scope: Scope, table: str, sys_id: str) -> tuple[list[Entry], int]:
    """The newest journal entries of a record, as far as the viewer may read their journals."""
    dictionary, access = scope.catalog.dictionary, scope.access
    labels = {
        field.name: field.label
        for field in dictionary.fields(table).values()
        if field.kind is Kind.JOURNAL and access.may_read_field(scope.viewer, table, field.name)
    }
    if not labels:
        return [], 0
    listing = Listing(
        table="sys_journal_field",
        query=all_of(("element_id", sys_id), ("name", table), orders="ORDERBYDESCsys_created_on"),
        fields=("sys_id", "element", "value", "sys_created_on", "sys_created_by"),
        limit=ENTRIES_SHOWN,
    )
    page = list_records(tx, scope, listing, BOTH)
    names = _people(tx, scope, {value_of(one, "sys_created_by") for one in page.records})
    on = dictionary.fields("sys_journal_field")["sys_created_on"]
    entries = [
        Entry(
            sys_id=value_of(one, "sys_id"),
            label=labels[element],
            author=names.get(value_of(one, "sys_created_by").casefold(), value_of(one, "sys_created_by")),
            text=value_of(one, "value"),
            on=cell(on, one.get("sys_created_on")),
        )
        for one in page.records
        if (element := value_of(one, "element")) in labels
    ]
    return entries, page.total or 0


def _people(tx: Transaction, scope: Scope, user_names: Iterable[str]) -> Mapping[str, str]:
    """What users are called, by the names by which they sign in."""
    clause = tuple(Condition(field="user_name", operator=Operator.IS, value=name) for name in user_names if name)
    if not clause:
        return {}
    listing = Listing(
        table="sys_user", query=encoded(Query(groups=((clause,),))), fields=("user_name", "name"), is_counted=False
    )
    page = list_records(tx, scope, listing, BOTH)
    return {value_of(one, "user_name").casefold(): value_of(one, "name") for one in page.records if one.get("name")}


def _attachments(tx: Transaction, scope: Scope, table: str, sys_id: str) -> list[Attached]:
    listing = Listing(
        table="sys_attachment",
        query=all_of(("table_sys_id", sys_id), ("table_name", table), orders="ORDERBYDESCsys_created_on"),
        fields=("sys_id", "file_name", "content_type", "size_bytes", "sys_created_by", "sys_created_on"),
        limit=ATTACHMENTS_SHOWN,
        is_counted=False,
    )
    on = scope.catalog.dictionary.fields("sys_attachment")["sys_created_on"]
    return [
        Attached(
            sys_id=value_of(one, "sys_id"),
            name=value_of(one, "file_name"),
            content_type=value_of(one, "content_type"),
            size_bytes=int(value_of(one, "size_bytes") or 0),
            author=value_of(one, "sys_created_by"),
            on=cell(on, one.get("sys_created_on")),
        )
        for one in list_records(tx, scope, listing, BOTH).records
    ]


def _shelves(tx: Transaction, scope: Scope, table: str, sys_id: str) -> list[Shelf]:
    """What refers to a record by a field that is found quickly."""
    found = []
    for other, field in referring(scope.catalog.dictionary, table):
        query = _related_query(scope.catalog.dictionary, other.name, field.name, sys_id)
        shelf = _shelf(tx, scope, other, field, query)
        if shelf is not None:
            found.append(shelf)
    return found


def referring(dictionary: Dictionary, table: str) -> list[tuple[Table, Field]]:
    """The tables and fields that refer to records of a table and have an index; a table's nearest first."""
    ancestry = dictionary.ancestry(table)
    found = [
        (other, field)
        for other in dictionary.tables
        if other.name != CONNECTION_TABLE
        for field in other.fields
        if field.type is FieldType.REFERENCE and field.is_indexed and field.reference in ancestry
    ]
    return sorted(found, key=lambda one: (one[0].name != table, one[0].name not in ancestry))


def _related_query(dictionary: Dictionary, table: str, field: str, sys_id: str) -> str:
    """Within a hierarchy the classes are named, since its indexes begin with them."""
    if not dictionary.is_hierarchy(table):
        return all_of((field, sys_id), orders="ORDERBYDESCsys_created_on")
    classes = Condition(field=CLASS, operator=Operator.ONE_OF, value=",".join(dictionary.classes(table)))
    refers = Condition(field=field, operator=Operator.IS, value=sys_id)
    return f"{encoded(Query(groups=(((classes,), (refers,)),)))}^ORDERBYDESCsys_created_on"


def _shelf(tx: Transaction, scope: Scope, other: Table, field: Field, query: str) -> Shelf | None:
    dictionary = scope.catalog.dictionary
    fields = dictionary.fields(other.name)
    wanted = [name for name in _GENERIC_FIELDS if name in fields]
    if not {"number", "name"} & set(wanted):
        wanted = [*(name for name in columns_of(dictionary, other.name) if name != field.name)][: len(_GENERIC_FIELDS)]
    listing = Listing(table=other.name, query=query, fields=("sys_id", CLASS, *wanted), limit=RELATED_SHOWN)
    page = list_records(tx, scope, listing, BOTH)
    if not page.records:
        return None
    columns = [name for name in wanted if name in page.records[0]]
    return Shelf(
        table=other.name,
        label=f"{other.label}: {field.label}",
        field=field.name,
        total=page.total or 0,
        place=table_place(other.name, query=query),
        headings=[fields[name].label for name in columns],
        lines=[line(dictionary, other.name, columns, record) for record in page.records],
    )


def all_of(*pairs: tuple[str, str], orders: str) -> str:
    """The encoded query of records that have those values."""
    clauses = tuple((Condition(field=name, operator=Operator.IS, value=value),) for name, value in pairs)
    return f"{encoded(Query(groups=(clauses,)))}^{orders}"
