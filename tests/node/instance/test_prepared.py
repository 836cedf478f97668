"""Statements that are compiled once: they mean what SQLAlchemy makes of them at each run."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import Connection, Float, Integer, String, create_engine, insert, literal, select

from node.instance.growing import shipped_catalog
from node.instance.prepared import Prepared, parameter

if TYPE_CHECKING:
    from collections.abc import Iterator

INCIDENTS = shipped_catalog().physical("incident")
OF_EACH_KIND = {
    "sys_id": "a1",
    "sys_class_name": "incident",
    "short_description": "Ünïcode ☂",
    "state": 2**63 - 1,
    "active": 1,
    "opened_at": "2026-11-28 12:00:00",
    "caller_id": None,
}


@pytest.fixture
def connection() -> Iterator[Connection]:
    with create_engine("sqlite+pysqlite://").connect() as connection:
        INCIDENTS.create(connection)
        yield connection


def test_a_row_comes_back_as_it_was_stored_and_what_is_not_given_is_null(connection):
    Prepared(insert(INCIDENTS), connection).run(connection, OF_EACH_KIND)
    ((*row,),) = Prepared(select(INCIDENTS), connection).run(connection, {}).fetchall()
    assert dict(zip(INCIDENTS.c.keys(), row, strict=True)) == dict.fromkeys(INCIDENTS.c.keys()) | OF_EACH_KIND
    assert tuple(row) == tuple(connection.execute(select(INCIDENTS)).one())


def test_each_run_gives_its_own_values_beside_those_that_stand_in_the_statement(connection):
    adds = Prepared(insert(INCIDENTS), connection)
    for number in range(6):
        adds.run(connection, {"sys_id": str(number), "state": number % 3, "priority": number})
    found = (
        select(INCIDENTS.c.sys_id, literal("said"))
        .where(INCIDENTS.c.state == parameter("state"), INCIDENTS.c.priority.in_([0, 1, 2, 3]))
        .order_by(INCIDENTS.c.sys_id)
        .limit(parameter("most"))
    )
    asks = Prepared(found, connection)
    assert asks.run(connection, {"state": 0, "most": 9}).fetchall() == [("0", "said"), ("3", "said")]
    assert asks.run(connection, {"state": 1, "most": 9}).fetchall() == [("1", "said")]
    assert asks.run(connection, {"state": 0, "most": 1}).fetchall() == [("0", "said")]


def test_what_the_database_refuses_is_the_drivers_error(connection):
    adds = Prepared(insert(INCIDENTS), connection)
    adds.run(connection, OF_EACH_KIND)
    with pytest.raises(sqlite3.IntegrityError):
        adds.run(connection, OF_EACH_KIND)


def test_values_are_stored_and_read_as_they_are_by_sqlalchemy_too():
    """Else what is written past it would have another form than what it reads."""
    dialect = create_engine("sqlite+pysqlite://").dialect
    for kind, value in ((String(), "text"), (Integer(), 1), (Float(), 1.5)):
        for processor in (kind.bind_processor(dialect), kind.result_processor(dialect, None)):
            assert processor is None or processor(value) is value
    kinds = {type(column.type) for table in shipped_catalog().metadata.sorted_tables for column in table.c}
    assert kinds == {String, Integer, Float}
