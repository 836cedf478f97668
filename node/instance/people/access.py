"""What a viewer may read, make, change and remove. The rules are data: `node.instance.people.access_rules`.

Pure. Whatever a viewer may not read is as if it were not there, by whatever way it is reached.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Protocol

from node.instance.dictionary import Kind
from node.instance.people.access_rules import (
    EVERYBODY,
    FIELD_RULES,
    HANGING,
    READ_ONLY_ROLE,
    TABLE_RULES,
    Grant,
    TableRule,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from node.instance.dictionary import Dictionary
    from node.instance.viewer import Viewer


class Operation(StrEnum):
    """What is done to records; the name is that of the column in the table of rules."""

    READ = "read"
    CREATE = "create"
    WRITE = "write"
    DELETE = "delete"


@dataclass(frozen=True, slots=True)
class Owners:
    """Records on which others hang, which are seen with them.

    Attributes:
        classes: of one hierarchy, if there is a query.
        query: the encoded query that such a record has to fulfil, over the fields of these classes. Empty: any record.
        elements: the fields of theirs of which others may be a part; none: what hangs there is no part of a field.
    """

    classes: tuple[str, ...]
    query: str
    elements: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Rows:
    """Which records of a table an operation may touch: all, or those that one of the cases lets through.

    Attributes:
        cases: by class (the value of `sys_class_name`; the table itself where it has none) the encoded query that a
            record has to fulfil, over the fields of that class. Empty: every record of the class. A class that is not
            there: none of its records. None in place of the mapping: all records of the table.
        owners: of what hangs on records (`HANGING`): one of these has to be what it hangs on. None: it may be anything.
    """

    cases: Mapping[str, str] | None
    owners: tuple[Owners, ...] | None = None

    @property
    def is_all(self) -> bool:
        """Whether no record is held back, so that nothing has to be added to a statement."""
        return self.cases is None and self.owners is None

    @property
    def is_none(self) -> bool:
        """Whether every record is held back."""
        return self.owners == () or (self.cases is not None and not self.cases)


ALL: Final = Rows(None)
NONE: Final = Rows(MappingProxyType({}))


class Access(Protocol):
    """What the query engine and the use cases ask."""

    def rows(self, viewer: Viewer, table: str, operation: Operation = Operation.READ) -> Rows:
        """The records that the operation may touch; for reading, those that are there for the viewer at all.

        A record may be changed or removed if it is among the rows of READ and of that operation. CREATE has no
        records yet: it is ALL or NONE.
        The queries are evaluated with the viewer's own access, over the alias that they restrict.
        """

    def is_there(self, viewer: Viewer, table: str) -> bool:
        """Whether the viewer is told of a table: of those that every instance has, and of others with its role."""

    def may(self, viewer: Viewer, table: str, operation: Operation) -> bool:
        """Whether the operation may touch any record of the table at all."""

    def may_read_field(self, viewer: Viewer, table: str, field: str) -> bool:
        """Whether the field is there for the viewer, to be shown, asked for, sorted or grouped by.

        Nobody reads a field of kind SECRET, so that nobody can ask what it begins with; the answer to an admin
        may say that it is set.
        """

    def may_write_field(self, viewer: Viewer, table: str, field: str, operation: Operation = Operation.WRITE) -> bool:
        """Whether a client may give the field a value, in a new record (CREATE) or in one that is there (WRITE)."""

    def may_write_every_field(self, viewer: Viewer, table: str) -> bool:
        """Whether what the viewer may write to is no mere part of such a record."""


class TableAccess:
    """The rules that the instance ships with, over the tables that it has now."""

    def __init__(self, dictionary: Dictionary) -> None:
        self._dictionary = dictionary
        self._known: dict[tuple[frozenset[str], str, Operation], Rows] = {}

    def rows(self, viewer: Viewer, table: str, operation: Operation = Operation.READ) -> Rows:
        """See `Access`."""
        key = (viewer.roles, table, operation)
        if key not in self._known:
            self._known[key] = self._rows(viewer, table, operation)
        return self._known[key]

    def is_there(self, viewer: Viewer, table: str) -> bool:
        """See `Access`."""
        if table not in self._dictionary:
            return False
        return not self._dictionary[table].is_custom or self.may(viewer, table, Operation.READ)

    def may(self, viewer: Viewer, table: str, operation: Operation) -> bool:
        """See `Access`."""
        return not self.rows(viewer, table, operation).is_none

    def may_read_field(self, viewer: Viewer, table: str, field: str) -> bool:
        """See `Access`."""
        if table not in self._dictionary or (known := self._dictionary.fields(table).get(field)) is None:
            return False
        if known.kind is Kind.SECRET:
            return False
        if viewer.is_admin:
            return True
        return self.may(viewer, table, Operation.READ) and all(
            _has(viewer, roles)
            for above in self._dictionary.ancestry(table)
            if (roles := FIELD_RULES.get((above, field))) is not None
        )

    def may_write_field(self, viewer: Viewer, table: str, field: str, operation: Operation = Operation.WRITE) -> bool:
        """See `Access`."""
        if not self.may(viewer, table, operation):
            return False
        known = self._dictionary.fields(table).get(field)
        if known is None or known.is_read_only:
            return False
        if viewer.is_admin:
            return True
        if known.kind is Kind.SECRET or not self.may_read_field(viewer, table, field):
            return False
        return any(grant.fields is None or field in grant.fields for grant in self._grants(viewer, table, operation))

    def may_write_every_field(self, viewer: Viewer, table: str) -> bool:
        """See `Access`."""
        return any(grant.fields is None for grant in self._grants(viewer, table, Operation.WRITE))

    def _rows(self, viewer: Viewer, table: str, operation: Operation) -> Rows:
        if table not in self._dictionary:
            return NONE
        classes = self._dictionary.classes(table) if operation is not Operation.CREATE else (table,)
        cases = {
            name: "^NQ".join(queries) if all(queries) else ""
            for name in classes
            if (queries := [grant.query for grant in self._grants(viewer, name, operation)])
        }
        owners = self._owners(viewer, table) if table in HANGING and operation is Operation.READ else None
        if not any(cases.values()) and len(cases) == len(classes):
            return ALL if owners is None else Rows(None, owners)
        return Rows(MappingProxyType(cases), owners) if cases else NONE

    def _owners(self, viewer: Viewer, table: str) -> tuple[Owners, ...] | None:
        """What the viewer reads of all tables on whose records others hang."""
        if viewer.is_admin:
            return None
        has_elements = HANGING[table].element is not None
        found: dict[tuple[str, str, tuple[str, ...] | None], list[str]] = {}
        for name in (one.name for one in self._dictionary.tables if one.name not in HANGING):
            rows = self.rows(viewer, name)
            query = "" if rows.cases is None else rows.cases.get(name)
            elements = self._journals(viewer, name) if has_elements else None
            if query is not None and elements != ():
                root = self._dictionary.root(name) if query else ""
                found.setdefault((root, query, elements), []).append(name)
        return tuple(Owners(tuple(classes), query, elements) for (_, query, elements), classes in found.items())

    def _journals(self, viewer: Viewer, table: str) -> tuple[str, ...]:
        fields = self._dictionary.fields(table).values()
        return tuple(
            one.name for one in fields if one.kind is Kind.JOURNAL and self.may_read_field(viewer, table, one.name)
        )

    def _grants(self, viewer: Viewer, table: str, operation: Operation) -> Sequence[Grant]:
        """What lets the viewer do that to records of exactly that class."""
        if operation is not Operation.READ and (
            self._dictionary[table].is_written_by_instance or READ_ONLY_ROLE in viewer.roles
        ):
            return ()
        if viewer.is_admin:
            return (Grant(EVERYBODY),)
        granted: tuple[Grant, ...] = getattr(self._rule(table), operation.value)
        return tuple(one for one in granted if _has(viewer, one.roles))

    def _rule(self, table: str) -> TableRule:
        """The table's own rule, or that of the nearest table above; what admins made has a role of its own alone."""
        if self._dictionary[table].is_custom:
            own = (Grant((user_role(table),)),)
            return TableRule(read=own, create=own, write=own, delete=own)
        found = (TABLE_RULES[above] for above in self._dictionary.ancestry(table) if above in TABLE_RULES)
        return next(found, TableRule())


def user_role(table: str) -> str:
    """The role that opens a custom table to those who are no admins, as ServiceNow calls it."""
    return f"{table}_user"


def _has(viewer: Viewer, roles: Sequence[str]) -> bool:
    return roles == EVERYBODY or viewer.is_admin or not viewer.roles.isdisjoint(roles)
