"""A small instance to ask: jobs of two kinds, people, places, on a real SQLite database in memory."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, create_engine, insert
from sqlalchemy.pool import StaticPool

from node.instance.catalog import Catalog
from node.instance.dictionary import Dictionary, Field, FieldType, Kind, Table
from node.instance.people.access import ALL, Operation, Rows
from node.instance.query.grammar import parse
from node.instance.query.scope import Scope
from node.instance.query.selection import Selection
from node.instance.viewer import Viewer

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from node.instance.query.tree import Query

Record = dict[str, Any]

NOW = datetime(2026, 3, 4, 10, 30, tzinfo=UTC)
ME = Viewer(sys_id="p1", user_name="me", name="Me Myself", groups=frozenset({"g1", "g2"}))


def reference(name: str, table: str) -> Field:
    return Field(name=name, label=name, type=FieldType.REFERENCE, reference=table, is_indexed=True)


def plain(name: str, kind: FieldType = FieldType.STRING) -> Field:
    return Field(name=name, label=name, type=kind)


TABLES = Dictionary(
    (
        Table(name="u_place", label="Place", fields=(plain("name"), plain("open", FieldType.BOOLEAN))),
        Table(
            name="u_person",
            label="Person",
            fields=(plain("name"), reference("boss", "u_person"), reference("place", "u_place")),
        ),
        Table(
            name="u_job",
            label="Job",
            display="title",
            fields=(
                plain("title"),
                plain("other_title"),
                plain("state", FieldType.INTEGER),
                plain("count", FieldType.INTEGER),
                plain("price", FieldType.DECIMAL),
                plain("active", FieldType.BOOLEAN),
                plain("due", FieldType.DATE_TIME),
                plain("done", FieldType.DATE_TIME),
                plain("day", FieldType.DATE),
                plain("secret", FieldType.PASSWORD),
                plain("comments", FieldType.JOURNAL_INPUT),
                reference("owner", "u_person"),
                reference("helper", "u_person"),
                reference("parent", "u_job"),
                Field(name="watchers", label="Watchers", type=FieldType.LIST, reference="u_person"),
            ),
        ),
        Table(name="u_repair", label="Repair", extends="u_job", fields=(plain("tool"),)),
        Table(name="u_visit", label="Visit", extends="u_job", fields=(reference("where", "u_place"),)),
        Table(
            name="sys_journal_field",
            label="Entries",
            fields=(plain("name"), plain("element_id", FieldType.GUID), plain("element"), plain("value")),
        ),
    )
)
CATALOG = Catalog(TABLES)


@dataclass
class Rules:
    """An access to be made up by a test: everything is open but what is named."""

    rows_of: dict[str, Rows] = field(default_factory=dict)
    hidden: frozenset[tuple[str, str]] = frozenset()

    def rows(self, _viewer: Viewer, table: str, _operation: Operation = Operation.READ) -> Rows:
        return next((self.rows_of[above] for above in TABLES.ancestry(table) if above in self.rows_of), ALL)

    def is_there(self, _viewer: Viewer, table: str) -> bool:
        return table in TABLES

    def may(self, viewer: Viewer, table: str, operation: Operation) -> bool:
        return not self.rows(viewer, table, operation).is_none

    def may_read_field(self, _viewer: Viewer, table: str, name: str) -> bool:
        kind = TABLES.fields(table)[name].kind
        return kind is not Kind.SECRET and (table, name) not in self.hidden

    def may_write_field(
        self, _viewer: Viewer, _table: str, _field: str, _operation: Operation = Operation.WRITE
    ) -> bool:
        return False


class World:
    """Records in a database, and the queries that find them."""

    def __init__(self, records: Mapping[str, Iterable[Record]], catalog: Catalog = CATALOG) -> None:
        """Insert the records, given by the class that they are of."""
        self.catalog = catalog
        engine = create_engine("sqlite://", poolclass=StaticPool)
        self.connection: Connection = engine.connect()
        catalog.metadata.create_all(self.connection)
        for name, those in records.items():
            physical = catalog.physical(name)
            has_class = catalog.dictionary.is_hierarchy(name)
            for record in those:
                whole = {**record, "sys_class_name": name} if has_class else record
                self.connection.execute(insert(physical), whole)

    def close(self) -> None:
        engine = self.connection.engine
        self.connection.close()
        engine.dispose()

    def selection(
        self, table: str, query: str | Query, *, rules: Rules | None = None, viewer: Viewer = ME
    ) -> Selection:
        scope = Scope(catalog=self.catalog, viewer=viewer, access=rules or Rules(), now=NOW)
        return Selection(scope, table, parse(query) if isinstance(query, str) else query)

    def page(self, table: str, query: str | Query, **options: Any) -> list[str]:
        """The sys_ids that a query finds, in its order."""
        selection = self.selection(table, query, **options)
        page = selection.page([selection.column("sys_id")], limit=1_000, offset=0)
        return [row[0] for row in self.connection.execute(page)]

    def found(self, table: str, query: str | Query, **options: Any) -> list[str]:
        """The sys_ids that a query finds, in its order; the count agrees."""
        found = self.page(table, query, **options)
        count = self.selection(table, query, **options).count()
        assert self.connection.execute(count).scalar_one() == len(found)
        return found
