"""Statements that are written once: they mean what SQLAlchemy makes of them at each run."""

from __future__ import annotations

import sqlite3

import pytest
from sqlalchemy import Float, Integer, String, bindparam, create_engine, insert, literal, null, select

from node.instance.growing import shipped_catalog
from node.store.prepared import Prepared

INCIDENTS = shipped_catalog().physical("incident")
OF_EACH_KIND = dict.fromkeys(INCIDENTS.c.keys()) | {
    "sys_id": "a1",
    "sys_class_name": "incident",
    "short_description": "Ünïcode ☂",
    "state": 2**63 - 1,
    "active": 1,
    "opened_at": "2026-11-28 12:00:00",
}


@pytest.fixture
def connection():
    with create_engine("sqlite+pysqlite://").connect() as connection:
        INCIDENTS.create(connection)
        yield connection


def test_a_row_comes_back_as_it_was_stored(connection):
    Prepared(insert(INCIDENTS)).run(connection, OF_EACH_KIND)
    (row,) = Prepared(select(INCIDENTS)).rows(connection, {})
    assert row._asdict() == OF_EACH_KIND
    assert tuple(row) == tuple(connection.execute(select(INCIDENTS)).one())


def test_each_run_gives_its_own_values_beside_those_that_stand_in_the_statement(connection):
    adds = Prepared(insert(INCIDENTS))
    for number in range(6):
        adds.run(connection, OF_EACH_KIND | {"sys_id": str(number), "state": number % 3, "priority": number})
    asks = Prepared(
        select(INCIDENTS.c.sys_id, literal("said"), null())
        .where(INCIDENTS.c.state == bindparam("state"), INCIDENTS.c.priority.in_([0, 1, 2, 3]))
        .order_by(INCIDENTS.c.sys_id)
        .limit(bindparam("most"))
    )
    assert asks.rows(connection, {"state": 0, "most": 9}) == [("0", "said", None), ("3", "said", None)]
    assert asks.rows(connection, {"state": 1, "most": 9}) == [("1", "said", None)]
    assert asks.rows(connection, {"state": 0, "most": 1}) == [("0", "said", None)]
    assert asks.first(connection, {"state": 5, "most": 1}) is None
    with pytest.raises(KeyError, match="most"):
        asks.rows(connection, {"state": 0})


def test_what_the_database_refuses_is_the_drivers_error(connection):
    adds = Prepared(insert(INCIDENTS))
    adds.run(connection, OF_EACH_KIND)
    with pytest.raises(sqlite3.IntegrityError):
        adds.run(connection, OF_EACH_KIND)


def test_an_instances_values_are_stored_and_read_as_they_are_by_sqlalchemy_too():
    """Else what is written past it would have another form than what it reads."""
    dialect = create_engine("sqlite+pysqlite://").dialect
    for kind, value in ((String(), "text"), (Integer(), 1), (Float(), 1.5)):
        for processor in (kind.bind_processor(dialect), kind.result_processor(dialect, None)):
            assert processor is None or processor(value) is value
    kinds = {type(column.type) for table in shipped_catalog().metadata.sorted_tables for column in table.c}
    assert kinds == {String, Integer, Float}
