"""Import sets: a row of a staging table becomes, or changes, a record of another table.

One row is transformed when it is taken in. Many are first taken in, all or none of them, and then transformed; what
is not transformed since the node was stopped stays `pending` in a set that is `loaded`.

Maps tell the way: each active map of the staging table is gone in its order. Its entries copy field by field; those
that coalesce find the record that is there already. A map without entries copies fields of the same name, with or
without the `u_` that a staging table's own begin with.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import insert, select, update

from node.instance.customizing import CUSTOM_PREFIX
from node.instance.errors import BadRequestError, InstanceError, NoRecordError
from node.instance.query.tree import Query
from node.instance.readers import raw
from node.instance.records.reading import selection_of
from node.instance.records.writing import insert_record, update_record
from node.instance.rules.numbering import next_number
from node.instance.system_fields import system_fields
from node.instance.values import ValueRefusedError, stored, wire, written
from node.logs import get_logger
from node.store.database import is_disk_full

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import RowMapping

    from node.instance.database import Transaction
    from node.instance.records.writing import Values, Writing

STAGING: Final = "sys_import_set_row"
"""What every staging table extends."""

MAPS_MAX: Final = 20
UNKNOWN_SHOWN_MAX: Final = 5

_log = get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of a row by one map.

    Attributes:
        state: inserted, updated, ignored or error.
        sys_id: of the record that was made or found; empty after an error.
        comment: why, after an error.
    """

    map_name: str
    map_id: str | None
    table: str
    state: str
    sys_id: str = ""
    comment: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """A row that was taken in."""

    import_set: str
    sys_id: str
    outcomes: Sequence[Outcome]


def import_row(tx: Transaction, writing: Writing, staging: str, values: Values) -> Imported:
    """Take a row into a staging table and go its maps, in the name of the viewer.

    What a map could not do is told and undone; the row stays.

    Raises:
        InstanceError: the row itself can't be taken in.
    """
    _check_staging(tx, writing, staging)
    number, set_id = _import_set(tx, writing, staging, state="processed")
    row = _taken_in(tx, writing, staging, values, set_id=set_id, at=1)
    return Imported(import_set=number, sys_id=row.sys_id, outcomes=transform_row(tx, writing, staging, row))


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A row that was taken in.

    Attributes:
        given: the fields that it was given.
    """

    sys_id: str
    given: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """Rows that wait to be transformed, and where they are."""

    set_id: str
    multi_set_id: str
    rows: Sequence[Row]


def load_rows(tx: Transaction, writing: Writing, staging: str, rows: Sequence[Values], multi_set_id: str) -> Loaded:
    """Take rows into a staging table as one import set, which becomes a part of that multiple set, or of a new one.

    Their fields are called by the labels of columns, in any case, or by their names.

    Raises:
        InstanceError: one of them can't be taken in, or there is no such set of the viewer's; nothing was made.
    """
    _check_staging(tx, writing, staging)
    named = _by_name(tx, staging, rows)
    multi_set_id = _multi_set(tx, writing, multi_set_id)
    _, set_id = _import_set(tx, writing, staging, state="loaded", multi_import_set=multi_set_id)
    loaded = [_taken_in(tx, writing, staging, values, set_id=set_id, at=at) for at, values in enumerate(named, 1)]
    return Loaded(set_id=set_id, multi_set_id=multi_set_id, rows=loaded)


def _by_name(tx: Transaction, staging: str, rows: Sequence[Values]) -> Sequence[Values]:
    """The rows by the names of columns; of two with one label the later is meant, since inherited ones come first."""
    fields = tx.catalog.dictionary.fields(staging)
    known = {one.label.casefold(): name for name, one in fields.items()} | {name: name for name in fields}
    names = {key: known.get(key.casefold()) for row in rows for key in row}
    if unknown := [key[:80] for key, name in names.items() if name is None]:
        raise BadRequestError("Invalid column", f"{staging} has no column {', '.join(unknown[:UNKNOWN_SHOWN_MAX])}")
    return [{names[key] or "": value for key, value in row.items()} for row in rows]


def check_import_set(tx: Transaction, writing: Writing, table: str, sys_id: str) -> None:
    """See that there is such an import set, or multiple one, and that it is the viewer's to go on with.

    Raises:
        BadRequestError: there is none.
    """
    sets = tx.catalog.physical(table)
    maker = tx.connection.execute(select(sets.c.sys_created_by).where(sets.c.sys_id == sys_id)).first()
    viewer = writing.scope.viewer
    if maker is None or not (viewer.is_admin or maker[0] == viewer.user_name):
        raise BadRequestError(f"Invalid {table}", f"There is no record {sys_id[:40]} of {table} that you have made.")


def transform_row(tx: Transaction, writing: Writing, staging: str, taken: Row) -> Sequence[Outcome]:
    """Go the maps with a row and write down what became of it."""
    fields = tx.catalog.dictionary.fields(staging)
    row = tx.catalog.physical(staging)
    kept = tx.connection.execute(select(row).where(row.c.sys_id == taken.sys_id)).mappings().first()
    if kept is None:  # somebody has removed it meanwhile
        return ()
    given = {name: wire(fields[name], kept[name]) for name in taken.given if name in fields and name in kept}
    outcomes = [_transformed(tx, writing, one, given) for one in _maps(tx, staging)]
    if not outcomes:
        why = f"There is no active transform map whose source table is {staging}."
        outcomes = [Outcome(map_name="", map_id=None, table="", state="error", comment=why)]
    last = outcomes[-1]
    said: dict[str, Any] = {
        "sys_import_state": last.state,
        "sys_import_state_comment": last.comment or None,
        "sys_transform_map": last.map_id,
        "sys_target_table": last.table or None,
        "sys_target_sys_id": last.sys_id or None,
    }
    tx.connection.execute(update(row).where(row.c.sys_id == taken.sys_id).values(said))
    return outcomes


def _taken_in(tx: Transaction, writing: Writing, staging: str, values: Values, *, set_id: str, at: int) -> Row:
    sys_id = insert_record(tx, writing, staging, values)
    row = tx.catalog.physical(staging)
    place = {"sys_import_set": set_id, "sys_import_row": at}
    tx.connection.execute(update(row).where(row.c.sys_id == sys_id).values(place))
    return Row(sys_id=sys_id, given=frozenset(values))


def finish_set(tx: Transaction, set_id: str) -> None:
    """Write down that an import set was transformed."""
    sets = tx.catalog.physical("sys_import_set")
    tx.connection.execute(update(sets).where(sets.c.sys_id == set_id).values(state="processed"))
    tx.touched.add(sets.name)


def read_row(tx: Transaction, writing: Writing, staging: str, sys_id: str) -> Imported:
    """What became of a row.

    Raises:
        InstanceError: there is no such row for the viewer.
    """
    _check_staging(tx, writing, staging)
    found = _found(tx, writing, staging, {"sys_id": sys_id})
    if found is None:
        raise NoRecordError
    row, sets = tx.catalog.physical(staging), tx.catalog.physical("sys_import_set")
    kept = tx.connection.execute(select(row).where(row.c.sys_id == found)).mappings().one()
    maps = tx.catalog.physical("sys_transform_map")
    name = tx.connection.execute(select(maps.c.name).where(maps.c.sys_id == kept["sys_transform_map"])).scalar()
    number = tx.connection.execute(select(sets.c.number).where(sets.c.sys_id == kept["sys_import_set"])).scalar()
    outcome = Outcome(
        map_name=name or "",
        map_id=kept["sys_transform_map"],
        table=kept["sys_target_table"] or "",
        state=kept["sys_import_state"] or "pending",
        sys_id=kept["sys_target_sys_id"] or "",
        comment=kept["sys_import_state_comment"] or "",
    )
    return Imported(import_set=number or "", sys_id=found, outcomes=[outcome])


def _check_staging(tx: Transaction, writing: Writing, staging: str) -> None:
    dictionary, scope = tx.catalog.dictionary, writing.scope
    is_there = scope.access.is_there(scope.viewer, staging)
    if not is_there or dictionary[staging].extends is None or dictionary.root(staging) != STAGING:
        raise BadRequestError(f"Invalid staging table {staging}", f"A staging table extends {STAGING}")


def _maps(tx: Transaction, staging: str) -> Sequence[RowMapping]:
    maps = tx.catalog.physical("sys_transform_map")
    statement = (
        select(maps)
        .where(maps.c.source_table == staging, maps.c.active == 1)
        .order_by(maps.c.order, maps.c.name)
        .limit(MAPS_MAX)
    )
    return tx.connection.execute(statement).mappings().all()


def _transformed(tx: Transaction, writing: Writing, chosen: RowMapping, given: Values) -> Outcome:
    table = str(chosen["target_table"])
    told = {"map_name": str(chosen["name"]), "map_id": str(chosen["sys_id"]), "table": table}
    catalog, link = tx.catalog, raw(tx.connection)
    link.execute("SAVEPOINT transforming")
    try:
        values, keys = _copied(tx, str(chosen["sys_id"]), given)
        found = _found(tx, writing, table, keys) if keys else None
        if found is None:
            sys_id, state = insert_record(tx, writing, table, values), "inserted"
        else:
            sys_id = found
            state = "updated" if update_record(tx, writing, table, found, values) else "ignored"
        outcome = Outcome(**told, state=state, sys_id=sys_id)
    except Exception as error:
        if not link.in_transaction or is_disk_full(error):
            raise  # a disk that is full or fails: SQLite has undone the statement, or the whole transaction
        link.execute("ROLLBACK TO transforming")
        tx.catalog = catalog
        if isinstance(error, InstanceError):
            comment = error.detail or error.message
        else:
            _log.exception("transform_failed", table=table, map=told["map_name"])
            comment = "The instance failed; its log says why."
        outcome = Outcome(**told, state="error", comment=comment)
    link.execute("RELEASE transforming")
    return outcome


def _copied(tx: Transaction, map_id: str, given: Values) -> tuple[dict[str, str], dict[str, str]]:
    """What a map gives the target, and which of it finds the record that is there."""
    entries = tx.catalog.physical("sys_transform_entry")
    rows = tx.connection.execute(select(entries).where(entries.c.map == map_id)).mappings().all()
    if not rows:
        return {**{name.removeprefix(CUSTOM_PREFIX): text for name, text in given.items()}, **given}, {}
    values = {str(row["target_field"]): given.get(str(row["source_field"]), "") for row in rows}
    keys = {name: text for name, text in values.items() if any(_is_key(row, name) for row in rows)}
    return values, keys


def _is_key(row: RowMapping, name: str) -> bool:
    return bool(row["coalesce"]) and row["target_field"] == name


def _found(tx: Transaction, writing: Writing, table: str, keys: Mapping[str, str]) -> str | None:
    """The record of the viewer's in which these fields hold these values; none if one of them is empty."""
    selection = selection_of(writing.scope, table, Query())
    own_id = selection.column("sys_id")
    if own_id is None or not all(keys.values()):
        return None
    conditions = []
    for name, text in keys.items():
        column, field = selection.column(name), selection.field(name)
        if column is None or field is None:
            raise BadRequestError("Invalid field map", f"{table} has no field {name} to coalesce by")
        try:
            conditions.append(column == stored(field, text))
        except ValueRefusedError as error:
            raise BadRequestError("Invalid value", str(error)) from error
    statement = select(own_id).select_from(selection.source()).where(selection.where(), *conditions).limit(1)
    found: str | None = tx.connection.execute(statement).scalar()
    return found


def _import_set(tx: Transaction, writing: Writing, staging: str, **more: str) -> tuple[str, str]:
    """A new import set: its number and its sys_id."""
    sets, scope = tx.catalog.physical("sys_import_set"), writing.scope
    number, sys_id, at = next_number(tx, "sys_import_set"), writing.new_id(), written(scope.now)
    record = {"number": number, "table_name": staging, "mode": "synchronous", "load_completed": at, **more}
    system = system_fields(sys_id, at=at, by=scope.viewer.user_name)
    tx.connection.execute(insert(sets), {**system, **record})
    tx.touched.add(sets.name)
    return number, sys_id


def _multi_set(tx: Transaction, writing: Writing, sys_id: str) -> str:
    """The multiple import set of that sys_id; without one, a new one."""
    if sys_id:
        check_import_set(tx, writing, "sys_multi_import_set", sys_id)
        return sys_id
    sets, new_id = tx.catalog.physical("sys_multi_import_set"), writing.new_id()
    system = system_fields(new_id, at=written(writing.scope.now), by=writing.scope.viewer.user_name)
    tx.connection.execute(insert(sets), system)
    tx.touched.add(sets.name)
    return new_id
