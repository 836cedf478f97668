"""The list of connections: the database chooses by status and role exactly as a record's status is told to people."""

import sqlite3
from contextlib import closing
from itertools import product

import pytest
from msgspec.structs import replace
from sqlalchemy import select

from node.connections.stored import Connection, Names, to_row
from node.store import listing
from node.store.database import Database
from node.store.schema import connections
from protocol.modes import Mode
from protocol.records import DestinationRecord, SourceRecord, Status, status_of
from protocol.vocabulary import PHASES_SAID, PHASES_SWITCHED_ON, Phase, Reason, Role, Side

NOW = 1_000
ALL = 10_000


def sides(role):
    """Everything that one side can be, but for its revision."""
    for phase, enabled in product(sorted(PHASES_SAID[role] - {Phase.NONE}), (False, True)):
        if not enabled or phase in PHASES_SWITCHED_ON:
            reason = Reason.REMOVED if phase is Phase.CLOSED else None
            yield Side(1, phase, enabled=enabled, reason=reason)


def records():
    for role in Role:
        for mine, theirs, owed, hidden in product(
            sides(role), [None, *sides(role.other)], (False, True), (False, True)
        ):
            expiries = (NOW, NOW + 1) if mine.phase in {Phase.PENDING, Phase.ANNOUNCED} else (NOW,)
            kind = SourceRecord if role is Role.SOURCE else DestinationRecord
            for expires_at in expiries:
                yield kind(serial=1, mine=mine, theirs=theirs, owed=owed, hidden=hidden, expires_at=expires_at)


def rows():
    for n, record in enumerate(records(), 1):
        yield Connection(
            sys_id=f"{n:032x}",
            connection_id=n.to_bytes(16, "big"),
            source_key=b"k" * 32,
            record=record,
            mode=Mode.SCRIPT,
            names=Names(name=f"n{n}", local_short_name="a", remote_short_name="b"),
            created_at_ms=0,
            changed_at_ms=0,
        )


@pytest.fixture(scope="module")
def database():
    database = Database(None)
    database.transact([lambda tx: tx.execute(connections.insert(), [to_row(row) for row in rows()])])
    yield database
    database.close()


@pytest.fixture(scope="module")
def kept():
    """What was stored."""
    return [replace(row, n=n) for n, row in enumerate(rows(), 1)]


def is_in_the_list(row):
    """What was removed is not, nor an announcement that has expired."""
    is_past = row.record.mine.phase is Phase.ANNOUNCED and row.record.expires_at <= NOW
    return not row.record.hidden and not is_past


def is_removed(row):
    return row.record.hidden and row.record.owed


def read(database, choose, **wanted):
    (found,) = database.transact([lambda tx: choose(tx, **({"after": 0, "most": ALL} | wanted))])
    assert not isinstance(found, Exception), found
    return found


def page(database, **wanted):
    return read(database, listing.page, now=NOW, **wanted)


def removed(database, **wanted):
    return read(database, listing.removed, **wanted)


@pytest.mark.parametrize(("choose", "belongs"), [(page, is_in_the_list), (removed, is_removed)])
@pytest.mark.parametrize("role", [None, *Role])
@pytest.mark.parametrize("status", [None, *Status])
def test_the_database_chooses_what_has_that_status_and_role(database, kept, choose, belongs, status, role):
    chosen = [
        row
        for row in filter(belongs, kept)
        if (status is None or status_of(row.record) is status) and (role is None or row.role is role)
    ]
    assert [row.n for row in choose(database, status=status, role=role)] == [row.n for row in chosen]
    assert chosen or (status, role) in {(Status.PENDING, Role.DESTINATION), (Status.INVITED, Role.SOURCE)} | {
        (Status.ACCEPTING, Role.SOURCE)
    }


@pytest.mark.parametrize("status", [None, Status.PENDING, Status.ACTIVE])
def test_pages_follow_one_another_without_gap(database, status):
    whole = [row.n for row in page(database, status=status)]
    found, after = [], 0
    while piece := page(database, status=status, after=after, most=3):
        assert len(piece) == 3 or len(found) + len(piece) == len(whole)
        found += [row.n for row in piece]
        after = found[-1]
    assert found == whole


@pytest.mark.parametrize("status", Status)
def test_a_page_of_one_status_is_found_by_its_index_and_needs_no_sorting(database, status):
    told = []
    raw = database.connection.connection.driver_connection
    raw.set_trace_callback(told.append)
    page(database, status=status)
    raw.set_trace_callback(None)
    (statement,) = [each for each in told if each.startswith("SELECT connections")]
    plan = [step for *_, step in raw.execute(f"EXPLAIN QUERY PLAN {statement}")]
    assert plan == ["SEARCH connections USING INDEX ix_connections_status (status=? AND n>?)"]


def test_a_migration_gives_old_rows_the_status_that_their_record_has(kept, tmp_path):
    """The one other place where the rule is written: once, for what was stored before there was a column."""
    database = Database(tmp_path / "node.db")
    database.transact([lambda tx: tx.execute(connections.insert(), [to_row(row) for row in rows()])])
    database.close()
    with closing(sqlite3.connect(tmp_path / "node.db")) as older:
        older.executescript("""
            DROP TABLE restores;
            DROP INDEX ix_connections_status;
            DROP INDEX ix_connections_list;
            ALTER TABLE connections DROP COLUMN status;
            CREATE INDEX ix_connections_list ON connections (changed_at_ms);
            UPDATE alembic_version SET version_num = '0003';
        """)
    database = Database(tmp_path / "node.db")
    (found,) = database.transact([lambda tx: tx.execute(select(connections.c.status).order_by(connections.c.n)).all()])
    database.close()
    assert [row.status for row in found] == [status_of(row.record) for row in kept]
