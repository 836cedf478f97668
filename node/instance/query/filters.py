"""A query's groups → one WHERE, with what the viewer may not read left out of everything that it touches.

A condition that can't be meant, since there is no such field, the viewer may not read it, or the operator means nothing
for it, is left out, as ServiceNow does by default. Which of these it was is not told, and nothing that depends on a
value is. A query that says what a viewer may read is not read so kindly: what can't be meant there holds for nothing.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final, assert_never

from sqlalchemy import and_, exists, false, func, not_, or_, select, true

from node.instance.catalog import CLASS
from node.instance.dictionary import FieldType, Kind
from node.instance.people.access_rules import HANGING
from node.instance.query.conditions import HOLDS_FOR_NOTHING, NULL_WORD, OPPOSITES, TEXTUAL, compared
from node.instance.query.fields import COMPARES_FIELDS, against_field, date_part
from node.instance.query.grammar import parse
from node.instance.query.limits import QueryTooLargeError, applied_conditions_max
from node.instance.query.tree import Condition, Join, Operator, Related
from node.instance.query.walk import Aliases, Place, Walk

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlalchemy import ColumnElement, FromClause, Select

    from node.instance.people.access import Owners, Rows
    from node.instance.query.scope import Scope
    from node.instance.query.tree import Clause, Group, Term

JOURNAL_TABLE: Final = "sys_journal_field"
_JOURNALS: Final = {"comments_and_work_notes": ("comments", "work_notes")}
_IDENTITIES: Final = frozenset({Kind.IDENTITY, Kind.TEXT})


class _CircularRuleError(Exception):
    """A rule of access asks for itself."""


class Filters:
    """Makes conditions of one statement.

    Attributes:
        aliases: the statement's.
    """

    def __init__(self, scope: Scope) -> None:
        self.aliases = Aliases(scope.catalog)
        self._scope = scope
        self._applied_count = 0
        self._restricting: list[str] = []  # the rules that are being put into the statement just now
        self._dictionary = scope.catalog.dictionary

    def walk(self, table: str) -> Walk:
        """A FROM that begins at a table, under an alias of its own."""
        return self._walk_from(table, self.aliases.next(table))

    def all_of(self, groups: Sequence[Group], walk: Walk) -> ColumnElement[bool] | None:
        """What a query asks of a record; None if it asks nothing.

        Raises:
            QueryTooLargeError: it has too many conditions or joins too many tables.
        """
        found = [one for group in groups if (one := self._group(group, walk)) is not None]
        return or_(*found) if found else None

    def members(self, alias: FromClause, table: str, *, few: bool = False) -> Sequence[ColumnElement[bool]]:
        """What a record behind an alias has to fulfil to be one of a table that the viewer may read.

        Where `few` records are left by the rest of the statement, what each hangs on is looked up for itself.
        """
        rows = self._scope.access.rows(self._scope.viewer, table)
        hanging = () if rows.owners is None else (self._hangs_on(alias, table, rows.owners, few=few),)
        return (*self._members(alias, table, rows), *hanging)

    def _members(self, alias: FromClause, table: str, rows: Rows) -> Sequence[ColumnElement[bool]]:
        classes = self._dictionary.classes(table)
        if rows.cases is None:
            return () if self._dictionary.root(table) == table else (_in_classes(alias, classes),)
        by_query: dict[str, list[str]] = {}
        for name, query in rows.cases.items():
            if name in classes:
                by_query.setdefault(query, []).append(name)
        has_class = self._dictionary.is_hierarchy(table)
        # each way to be one of them for itself, with its class: so SQLite can take an index for each
        ways = [
            and_(*((_in_classes(alias, names),) if has_class else ()), way)
            for query, names in by_query.items()
            for way in (self._restriction(alias, names[0], query) if query else (true(),))
        ]
        return (or_(false(), *ways),)

    def whole_classes(self, table: str) -> Sequence[str]:
        """The classes of its records, if the viewer may read all records of each class that they may read any of."""
        rows = self._scope.access.rows(self._scope.viewer, table)
        if rows.owners is not None:
            return ()
        if rows.cases is None:
            return self._dictionary.classes(table)
        return () if any(rows.cases.values()) else tuple(rows.cases)

    def _hangs_on(self, alias: FromClause, table: str, owners: Sequence[Owners], *, few: bool) -> ColumnElement[bool]:
        """What a record fulfils that hangs on one of the owners: it names the class, and by its sys_id such a record.

        Where the viewer may read all records of a class, its name is enough: the instance writes it down itself.
        """
        fields = HANGING[table]
        of_class, of_record = alias.c[fields.table], alias.c[fields.record]
        ways: list[ColumnElement[bool]] = []
        for one in owners:
            way: list[ColumnElement[bool]] = [of_class.in_(one.classes)]
            if fields.element is not None and one.elements is not None:
                way.append(alias.c[fields.element].in_(one.elements))
            if one.query:
                owner = self.aliases.next(one.classes[0])
                seen = self._seen(owner, one)
                looked_up = exists(select(1).where(owner.c.sys_id == of_record, seen).correlate(alias))
                way.append(looked_up if few else of_record.in_(select(owner.c.sys_id).where(seen)))
            ways.append(and_(*way))
        return or_(false(), *ways)

    def _seen(self, owner: FromClause, owners: Owners) -> ColumnElement[bool]:
        has_class = self._dictionary.is_hierarchy(owners.classes[0])
        in_classes = (_in_classes(owner, owners.classes),) if has_class else ()
        ways = self._restriction(owner, owners.classes[0], owners.query)
        return or_(false(), *(and_(*in_classes, way) for way in ways))

    def _walk_from(self, table: str, alias: FromClause) -> Walk:
        return Walk(self._scope, table, alias, self.aliases, partial(self.members, few=True))

    def _restriction(self, alias: FromClause, table: str, text: str) -> Sequence[ColumnElement[bool]]:
        """The ways to fulfil a rule's query. One that, through other tables, asks for itself lets nobody in."""
        if text in self._restricting:
            raise _CircularRuleError
        self._restricting.append(text)
        try:
            return self._restricted(alias, table, text)
        except _CircularRuleError:
            if len(self._restricting) > 1:
                raise
            return ()
        finally:
            self._restricting.pop()

    def _restricted(self, alias: FromClause, table: str, text: str) -> Sequence[ColumnElement[bool]]:
        """A rule's query over an alias that may stand in an ON, where nothing more can be joined."""
        query = parse(text)
        if query.ignored:
            return ()
        count = self.aliases.count
        walk = self._walk_from(table, alias)
        found = self._strictly(query.groups, walk)
        if not walk.joined_count:
            return found
        self.aliases.count = count
        walk = self.walk(table)
        found = self._strictly(query.groups, walk)
        inner = select(1).select_from(walk.source()).where(walk.alias.c.sys_id == alias.c.sys_id, or_(false(), *found))
        return (exists(inner.correlate(alias)),)

    def _strictly(self, groups: Sequence[Group], walk: Walk) -> Sequence[ColumnElement[bool]]:
        return [and_(*(or_(false(), *self._those_meant(clause, walk)) for clause in group)) for group in groups]

    def _group(self, group: Group, walk: Walk) -> ColumnElement[bool] | None:
        found = [one for clause in group if (one := self._clause(clause, walk)) is not None]
        return and_(*found) if found else None

    def _clause(self, clause: Clause, walk: Walk) -> ColumnElement[bool] | None:
        found = self._those_meant(clause, walk)
        return or_(*found) if found else None

    def _those_meant(self, clause: Clause, walk: Walk) -> Sequence[ColumnElement[bool]]:
        return [one for term in clause if (one := self._term(term, walk)) is not None]

    def _term(self, term: Term, walk: Walk) -> ColumnElement[bool] | None:
        found = self._meant(term, walk)
        if found is not None:
            self._applied_count += 1
            if self._applied_count > applied_conditions_max:
                raise QueryTooLargeError(
                    f"The query has more than {applied_conditions_max} conditions that count. "
                    "Use IN for many values of one field, or ask in several queries."
                )
        return found

    def _meant(self, term: Term, walk: Walk) -> ColumnElement[bool] | None:
        match term:
            case Condition():
                return self._condition(term, walk)
            case Join():
                return self._join(term, walk)
            case Related():
                return self._related(term, walk)
            case _:
                assert_never(term)

    def _condition(self, condition: Condition, walk: Walk) -> ColumnElement[bool] | None:
        place = walk.place(condition.field)
        if place is None:
            return None
        operator, value = condition.operator, condition.value
        if place.field.kind is Kind.JOURNAL:
            return self._journal(operator, value, place)
        if operator is Operator.INSTANCE_OF:
            return self._instance_of(value, place)
        if operator in COMPARES_FIELDS:
            return against_field(operator, value, place, walk, self._scope)
        if operator is Operator.DATE_PART:
            return date_part(value, place, self._scope)
        if operator in TEXTUAL:
            shown = walk.shown(place)
            if shown is None:
                return None
            place = shown
        found = compared(operator, value, place.field, place.column, self._scope)
        if found is None or operator in HOLDS_FOR_NOTHING or value in ("", NULL_WORD):
            return found
        return and_(found, *place.links)  # lets SQLite begin with the records that are referred to

    def _instance_of(self, value: str, place: Place) -> ColumnElement[bool] | None:
        if place.field.type is not FieldType.CLASS_NAME or not self._is_there(value):
            return None
        return _in_classes(place.alias, self._dictionary.classes(value))

    def _journal(self, operator: Operator, value: str, place: Place) -> ColumnElement[bool] | None:
        """Whether an entry of the journal fulfils it; whoever may read the field may read its entries."""
        positive = _OPPOSITES_OF_ENTRIES.get(operator, operator)
        if JOURNAL_TABLE not in self._dictionary or positive not in _OF_ENTRIES:
            return None
        elements = [
            name
            for name in _JOURNALS.get(place.field.name, (place.field.name,))
            if self._scope.access.may_read_field(self._scope.viewer, place.table, name)
        ]
        entries = self.aliases.next(JOURNAL_TABLE)
        held = compared(
            positive, value, self._dictionary.fields(JOURNAL_TABLE)["value"], entries.c["value"], self._scope
        )
        if held is None:
            return None
        found = exists(
            select(1)
            .select_from(entries)
            .where(
                entries.c.element_id == place.alias.c.sys_id,
                entries.c.name == (place.alias.c[CLASS] if self._dictionary.is_hierarchy(place.table) else place.table),
                entries.c.element.in_(elements),
                held,
            )
            .correlate(place.alias)
        )
        return ~found if positive is not operator else found

    def _join(self, join: Join, walk: Walk) -> ColumnElement[bool] | None:
        own = walk.place(join.field) if join.table in self._dictionary.ancestry(walk.table) else None
        if own is None or not self._is_there(join.other):
            return None
        inner = self.walk(join.other)
        other = inner.place(join.other_field)
        if other is None or not _are_joined(own, other):
            return None
        held = self._group(join.clauses, inner)
        if other.field.name == _KEY:  # at most one record: looking it up is cheaper than listing them all
            referring = self._referring(inner, other, held, few=True)
            return exists(referring.where(other.column == own.column).correlate(own.alias))
        return own.column.in_(self._referring(inner, other, held))

    def _related(self, related: Related, walk: Walk) -> ColumnElement[bool] | None:
        own = walk.place(_KEY)
        if own is None or not self._is_there(related.other):
            return None
        inner = self.walk(related.other)
        other = inner.place(related.field)
        if other is None or not _are_joined(own, other):
            return None
        referring = self._referring(inner, other, self.all_of(related.groups, inner))
        holds, count = _COUNTS[related.operator], related.count
        if (related.operator, count) in _ANY:
            return own.column.in_(referring)
        if (related.operator, count) in _NONE:
            return own.column.not_in(referring)
        counted = func.count()
        referring = referring.group_by(other.column)
        if holds(0, count):  # then so do those to which nothing refers at all, which are in no group
            return own.column.not_in(referring.having(not_(holds(counted, count))))
        return own.column.in_(referring.having(holds(counted, count)))

    def _is_there(self, table: str) -> bool:
        return self._scope.access.is_there(self._scope.viewer, table)

    def _referring(
        self, inner: Walk, other: Place, held: ColumnElement[bool] | None, *, few: bool = False
    ) -> Select[Any]:
        """What the records that count have in a field.

        It does not depend on the record outside, so SQLite works it out once, by the best index there is.
        """
        conditions = [other.column.is_not(None), *self.members(inner.alias, inner.table, few=few)]
        if held is not None:
            conditions.append(held)
        return select(other.column).select_from(inner.source()).where(*conditions)


_KEY: Final = "sys_id"
_ANY: Final = frozenset({(Operator.GREATER, 0), (Operator.GREATER_OR_IS, 1), (Operator.IS_NOT, 0)})
_NONE: Final = frozenset({(Operator.IS, 0), (Operator.LESS, 1), (Operator.LESS_OR_IS, 0)})
_OF_ENTRIES: Final = frozenset(
    {
        Operator.IS,
        Operator.ONE_OF,
        Operator.CONTAINS,
        Operator.STARTS_WITH,
        Operator.ENDS_WITH,
        Operator.NOT_EMPTY,
        Operator.ANYTHING,
    }
)
_OPPOSITES_OF_ENTRIES: Final = {
    **OPPOSITES,
    Operator.EMPTY: Operator.NOT_EMPTY,
    Operator.EMPTY_STRING: Operator.NOT_EMPTY,
}
_COUNTS: Final[dict[Operator, Callable[[Any, int], Any]]] = {
    Operator.IS: lambda counted, count: counted == count,
    Operator.IS_NOT: lambda counted, count: counted != count,
    Operator.GREATER: lambda counted, count: counted > count,
    Operator.GREATER_OR_IS: lambda counted, count: counted >= count,
    Operator.LESS: lambda counted, count: counted < count,
    Operator.LESS_OR_IS: lambda counted, count: counted <= count,
}


def _in_classes(alias: FromClause, classes: Sequence[str]) -> ColumnElement[bool]:
    column: ColumnElement[Any] = alias.c[CLASS]
    return column == classes[0] if len(classes) == 1 else column.in_(classes)


def _are_joined(one: Place, other: Place) -> bool:
    """Whether equal values mean the same: both ids, or both of one kind."""
    kinds = {one.field.kind, other.field.kind}
    return Kind.JOURNAL not in kinds and (len(kinds) == 1 or kinds <= _IDENTITIES)
