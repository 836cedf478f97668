"""What the simulation knows of a node's connections is what its database holds, after each unit of work."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest
from sqlalchemy import Boolean, Integer

from node.store.schema import connections
from simulations.disk import DISKS, _watched_in_small_pages
from simulations.observer import Observer
from simulations.rows import Row, Rows
from simulations.world import World

NO_ROW = {
    column.key: 0 if isinstance(column.type, Boolean | Integer) else ""
    for column in connections.c
    if not column.nullable and not column.primary_key
}
SELECT = f"SELECT {', '.join(Row._fields)} FROM connections"  # noqa: S608 - names of ours


def all_rows(raw):
    return {row[0]: Row._make(row) for row in raw.execute(SELECT)}


@pytest.fixture
def disk():
    DISKS.stock(1)
    disk = DISKS.take(DISKS.prepared)
    yield disk
    DISKS.give_back(disk)


def put(raw, verb="INSERT", **values):
    row = NO_ROW | {"phase": "closed"} | values
    raw.execute(f"{verb} INTO connections ({', '.join(row)}) VALUES ({', '.join('?' * len(row))})", tuple(row.values()))


@pytest.mark.parametrize(
    ("statement", "numbers"),
    [
        ("UPDATE connections SET revision = 7 WHERE n = 2", [2]),
        ("UPDATE connections SET revision = 0", []),
        ("UPDATE connections SET n = 9 WHERE n = 3", [3, 9]),
        ("DELETE FROM connections WHERE n > 1", [2, 3]),
        ("DELETE FROM connections", [1, 2, 3]),
        ("REPLACE INTO connections SELECT * FROM (SELECT * FROM connections WHERE n = 1)", []),
        ("INSERT INTO events VALUES (1, 1, '', 0, '')", []),
    ],
)
def test_each_row_that_a_statement_changes_is_a_change_and_no_other(disk, statement, numbers):
    for n in (1, 2, 3):
        put(disk.raw, n=n, sys_id=str(n), connection=bytes([n]))
    rows = Rows(disk.raw, disk.touched)
    disk.raw.execute(statement)
    changes = rows.changes()
    assert [(change.before or change.after).n for change in changes] == numbers
    assert rows.known == all_rows(disk.raw)
    assert rows.changes() == []


def test_a_row_that_gives_way_to_another_of_the_same_identity_is_a_change(disk):
    put(disk.raw, n=1, sys_id="old")
    rows = Rows(disk.raw, disk.touched)
    put(disk.raw, "REPLACE", n=2, sys_id="new")
    assert [(change.before and change.before.n, change.after and change.after.n) for change in rows.changes()] == [
        (1, None),
        (None, 2),
    ]


def test_what_a_unit_undid_is_no_change_and_what_a_transaction_undid_is_forgotten(disk):
    put(disk.raw, n=1)
    rows = Rows(disk.raw, disk.touched)
    disk.raw.execute("BEGIN")
    disk.raw.execute("SAVEPOINT unit")
    disk.raw.execute("UPDATE connections SET revision = 7")
    disk.raw.execute("ROLLBACK TO unit")
    assert rows.changes() == []
    disk.raw.execute("UPDATE connections SET revision = 8")
    assert [change.after.revision for change in rows.changes()] == [8]
    disk.undo()
    rows.forget_uncommitted()
    assert rows.known == all_rows(disk.raw)


def test_a_unit_is_seen_to_have_queued_its_event_though_a_later_one_of_the_commit_lets_the_connection_go(disk):
    put(disk.raw, n=1)
    rows = Rows(disk.raw, disk.touched)
    disk.raw.execute("BEGIN")
    disk.raw.execute("UPDATE connections SET seq = 1")
    disk.raw.execute("INSERT INTO events VALUES (1, 1, '', 0, 'told')")
    disk.raw.execute("INSERT INTO broadcasts VALUES (1, 'topic', 'told')")
    (told,) = rows.changes()
    disk.raw.execute("UPDATE connections SET seq = 2")
    disk.raw.execute("INSERT INTO events VALUES (1, 2, '', 0, 'not queued')")
    (not_queued,) = rows.changes()
    disk.raw.execute("UPDATE connections SET seq = 3")
    (no_event,) = rows.changes()
    disk.raw.execute("DELETE FROM connections")
    (gone,) = rows.changes()
    assert [change.topic for change in (told, not_queued, no_event, gone)] == ["topic", None, None, None]


@pytest.mark.parametrize("seed", [4, 52, 88])
def test_in_a_world_nothing_is_overlooked(seed):
    looks, wrong = [], []

    class Looks(Observer):
        def unit(self, host, result, changes):
            looks.append(len(changes))
            if host.rows.known != all_rows(host.disk.raw):
                wrong.append(changes)

    assert World(seed, observers=[Looks]).run().violation is None
    assert sum(looks) > 10
    assert wrong == []


def test_the_image_of_a_database_does_not_depend_on_the_order_in_which_its_indexes_were_made():
    images = set()
    for order in ("ab", "ba"):
        with closing(sqlite3.connect(":memory:", isolation_level=None)) as link:
            link.execute("CREATE TABLE connections (n INTEGER PRIMARY KEY, a, b)")
            for column in order:
                link.execute(f"CREATE INDEX by_{column} ON connections ({column})")
            images.add(_watched_in_small_pages(link))
    assert len(images) == 1
