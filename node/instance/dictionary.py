"""The data dictionary: which tables there are, what they inherit, and what stands in their columns.

Pure. The shipped tables are data in `node.instance.base_tables`; what admins add (`u_…`) joins them in
`Dictionary.with_table` and `with_field`, each of which gives another dictionary.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Self

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,79}")
"""What a table or a field may be called."""


class Kind(StrEnum):
    """How a value is stored."""

    TEXT = "text"
    IDENTITY = "identity"
    """A sys_id: 32 hexadecimal digits in lower case, or what a client chose in its place, in whatever case."""
    INTEGER = "integer"
    BOOLEAN = "boolean"
    DECIMAL = "decimal"
    INSTANT = "instant"
    """UTC, `YYYY-MM-DD HH:MM:SS`; a duration is the instant so long after the beginning of 1970."""
    DAY = "day"
    """`YYYY-MM-DD`."""
    SECRET = "secret"  # noqa: S105 - the name of a kind
    """A password: its hash is stored, and nobody reads it."""
    JOURNAL = "journal"
    """Its entries are rows of `sys_journal_field`; the column itself is always empty."""


class FieldType(StrEnum):
    """ServiceNow's `internal_type` of a field.

    Attributes:
        kind: how its values are stored; text, where nothing is said.
    """

    kind: Kind

    def __new__(cls, name: str, kind: Kind = Kind.TEXT) -> Self:
        """A type and how its values are stored, which is asked so often that it is an attribute."""
        made = str.__new__(cls, name)
        made._value_ = name
        made.kind = kind
        return made

    STRING = "string"
    INTEGER = "integer", Kind.INTEGER
    BOOLEAN = "boolean", Kind.BOOLEAN
    DECIMAL = "decimal", Kind.DECIMAL
    DATE_TIME = "glide_date_time", Kind.INSTANT
    DATE = "glide_date", Kind.DAY
    DURATION = "glide_duration", Kind.INSTANT
    REFERENCE = "reference", Kind.IDENTITY
    LIST = "glide_list"
    GUID = "GUID", Kind.IDENTITY
    JOURNAL_INPUT = "journal_input", Kind.JOURNAL
    JOURNAL_LIST = "journal_list", Kind.JOURNAL
    PASSWORD = "password", Kind.SECRET
    EMAIL = "email"
    PHONE = "ph_number"
    URL = "url"
    HTML = "html"
    SCRIPT = "script"
    CONDITIONS = "conditions"
    CLASS_NAME = "sys_class_name"


LIST_CHARACTERS: Final = 4_000
"""How long a list of records may be where nothing else is said: 121 sys_ids."""

_NO_CHOICES: Final[Mapping[str, str]] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One column of a table.

    Attributes:
        reference: the table that it points into, for references and lists of references.
        choices: label by stored value, in the order in which people see them; empty: any value.
        default: the wire value of a new record that was given none.
        is_read_only: only the instance itself writes it.
        is_indexed: queries find by it quickly.
    """

    name: str
    label: str
    type: FieldType = FieldType.STRING
    reference: str | None = None
    length_max: int = 40
    choices: Mapping[str, str] = field(default_factory=lambda: _NO_CHOICES)
    default: str = ""
    is_mandatory: bool = False
    is_read_only: bool = False
    is_unique: bool = False
    is_indexed: bool = False

    @property
    def kind(self) -> Kind:
        """How its values are stored."""
        return self.type.kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbering:
    """How the records of a table are numbered: `INC0010001`."""

    prefix: str
    first: int = 10_001
    digits: int = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """One table.

    Attributes:
        extends: the table whose fields it has too, and whose records its own are.
        fields: its own; one of an inherited name takes that one's place, with the same kind.
        display: the field by which a record is called where it is referred to.
        indexes: further indexes, each over some of its fields; a field may be inherited.
        is_written_by_instance: no client makes, changes or removes its records.
    """

    name: str
    label: str
    extends: str | None = None
    fields: tuple[Field, ...] = ()
    display: str | None = None
    numbering: Numbering | None = None
    indexes: tuple[tuple[str, ...], ...] = ()
    is_written_by_instance: bool = False
    is_custom: bool = False


SYSTEM_FIELDS: Final = (
    Field(name="sys_id", label="Sys ID", type=FieldType.GUID, length_max=32),
    Field(name="sys_created_on", label="Created", type=FieldType.DATE_TIME, is_read_only=True),
    Field(name="sys_created_by", label="Created by", is_read_only=True),
    Field(name="sys_updated_on", label="Updated", type=FieldType.DATE_TIME, is_read_only=True, is_indexed=True),
    Field(name="sys_updated_by", label="Updated by", is_read_only=True),
    Field(name="sys_mod_count", label="Updates", type=FieldType.INTEGER, is_read_only=True, default="0"),
    Field(name="sys_tags", label="Tags", is_read_only=True),
)
"""What every table has."""

CLASS_FIELD: Final = Field(
    name="sys_class_name", label="Class", type=FieldType.CLASS_NAME, length_max=80, is_read_only=True
)
"""What every hierarchy has besides: which table a record was made in."""


class DictionaryError(ValueError):
    """The dictionary can't be so; the text is a sentence that says why."""


class Dictionary:
    """Tables by name. It never changes: an addition is another dictionary."""

    def __init__(self, tables: Iterable[Table]) -> None:
        """Take the tables.

        Raises:
            DictionaryError: a table extends or refers to one that is not there, or a field changes its kind.
        """
        self._tables = {table.name: table for table in tables}
        self._fields: dict[str, Mapping[str, Field]] = {}
        for table in self._tables.values():
            if table.extends is not None and table.extends not in self._tables:
                raise DictionaryError(f"The table {table.name} extends {table.extends}, which is not there.")
        for table in self._tables.values():
            self._check(table)

    def __contains__(self, name: str) -> bool:
        return name in self._tables

    def __getitem__(self, name: str) -> Table:
        """The table of that name; KeyError if there is none."""
        return self._tables[name]

    @property
    def tables(self) -> Sequence[Table]:
        """All tables, the shipped ones first."""
        return tuple(self._tables.values())

    def with_table(self, table: Table) -> Dictionary:
        """This dictionary and one more table; `DictionaryError` as for the constructor."""
        if table.name in self._tables:
            raise DictionaryError(f"There is a table {table.name} already.")
        return Dictionary((*self._tables.values(), table))

    def with_field(self, table: str, added: Field) -> Dictionary:
        """This dictionary with one more field in a table; `DictionaryError` as for the constructor."""
        if added.name in self.fields(table):
            raise DictionaryError(f"The table {table} has a field {added.name} already.")
        changed = replace(self._tables[table], fields=(*self._tables[table].fields, added))
        return Dictionary({**self._tables, table: changed}.values())

    def ancestry(self, name: str) -> Sequence[str]:
        """The table and those it extends, the root last."""
        names = [name]
        while (above := self._tables[names[-1]].extends) is not None:
            names.append(above)
        return names

    def root(self, name: str) -> str:
        """The table of the hierarchy that extends none; it holds the records of them all."""
        return self.ancestry(name)[-1]

    def classes(self, name: str) -> Sequence[str]:
        """The table and all that extend it, whose records are its records too."""
        return self._classes[name]

    def is_hierarchy(self, name: str) -> bool:
        """Whether the table extends another or is extended, so that its records have a class."""
        return len(self._classes[self.root(name)]) > 1

    def fields(self, name: str) -> Mapping[str, Field]:
        """All fields of a table by name: the system's, inherited ones, its own."""
        if name not in self._fields:
            found = {one.name: one for one in SYSTEM_FIELDS}
            if self.is_hierarchy(name):
                found[CLASS_FIELD.name] = CLASS_FIELD
            for above in reversed(self.ancestry(name)):
                found |= {own.name: own for own in self._tables[above].fields}
            self._fields[name] = MappingProxyType(found)
        return self._fields[name]

    def stored_fields(self, root: str) -> Mapping[str, Field]:
        """What the table of a whole hierarchy has to hold: the fields of every class, journals left out."""
        found: dict[str, Field] = {}
        for name in self.classes(root):
            for one in self.fields(name).values():
                if one.kind is not Kind.JOURNAL:
                    found.setdefault(one.name, one)
        return found

    def display_field(self, name: str) -> Field:
        """By which field a record of the table is called; its sys_id when it has no better one."""
        fields = self.fields(name)
        for one in self.ancestry(name):
            if (display := self._tables[one].display) is not None:
                return fields[display]
        return fields.get("name") or fields.get("number") or fields.get("u_name") or fields["sys_id"]

    def numbering(self, name: str) -> Numbering | None:
        """How records of the table are numbered: its own way, or that of the nearest table above."""
        return next((found for one in self.ancestry(name) if (found := self._tables[one].numbering)), None)

    @cached_property
    def _classes(self) -> Mapping[str, Sequence[str]]:
        found: dict[str, list[str]] = {name: [] for name in self._tables}
        for name in self._tables:
            for above in self.ancestry(name):
                found[above].append(name)
        return found

    def _check(self, table: Table) -> None:
        if not NAME.fullmatch(table.name):
            raise DictionaryError(f"A table can't be called {table.name!r}: use small letters, digits and _.")
        for own in table.fields:
            self._check_field(table, own)

    def _check_field(self, table: Table, own: Field) -> None:
        if not NAME.fullmatch(own.name):
            raise DictionaryError(f"A field can't be called {own.name!r}: use small letters, digits and _.")
        if own.type is FieldType.REFERENCE and own.reference not in self._tables:
            raise DictionaryError(f"The field {table.name}.{own.name} refers to {own.reference}, which is not there.")
        for other in self.classes(self.root(table.name)):
            theirs = self.fields(other).get(own.name)
            if theirs is not None and theirs.kind is not own.kind:
                raise DictionaryError(
                    f"The field {table.name}.{own.name} can't be a {own.type}: {other}.{own.name} is a {theirs.type}."
                )
