"""The console's list: what the database chooses and sorts is what a plain reading of the rule comes to."""

from __future__ import annotations

import dataclasses
from collections import Counter
from itertools import product

import pytest
from msgspec.structs import replace

from node.connections.stored import Partner, to_row
from node.store.browsing import Column, Wanted, browse, counts, is_empty
from node.store.database import Database
from node.store.schema import connections
from protocol.records import Status, status_of
from protocol.vocabulary import Phase, Role
from tests.node.test_listing import NOW, rows

PER_PAGE = 7
PARTNERS = (Partner(), Partner(name="Acme"), Partner(name="globex"), Partner(name="100%_off"))


def varied():
    for n, row in enumerate(rows()):
        if n % 3 == 1:
            continue
        name = ("alpha", "Beta", "a_b", "50% more", "zeta")[n % 5]
        yield replace(
            row,
            names=replace(row.names, name=f"{name} {n}", remote_short_name=("b", "Z")[n % 2]),
            partner=PARTNERS[n % 4],
            created_at_ms=n * 7919 % 1000,
            changed_at_ms=n * 104_729 % 1000,
        )


ROWS = list(varied())


@pytest.fixture(scope="module")
def database():
    database = Database(None)
    database.transact([lambda tx: tx.execute(connections.insert(), [to_row(row) for row in ROWS])])
    yield database
    database.close()


def found(database, wanted):
    (result,) = database.transact([lambda tx: browse(tx, wanted, now=NOW, per_page=PER_PAGE)])
    if isinstance(result, Exception):
        raise result
    return result


def other(row):
    return row.partner.name or row.names.remote_short_name


KEYS = {
    Column.NAME: lambda row: row.names.name.lower(),
    Column.ROLE: lambda row: row.role.value,
    Column.MODE: lambda row: row.mode.value,
    Column.OTHER: lambda row: other(row).lower(),
    Column.STATUS: lambda row: status_of(row.record).value,
    Column.SINCE: lambda row: row.created_at_ms,
    Column.ACTIVITY: lambda row: row.changed_at_ms,
}


def expected(wanted):
    chosen = [
        (n, row)
        for n, row in enumerate(ROWS, 1)
        if not row.record.hidden
        and (row.record.mine.phase is not Phase.ANNOUNCED or row.record.expires_at > NOW)
        and wanted.role in {None, row.role}
        and wanted.status in {None, status_of(row.record)}
        and any(
            wanted.words.lower() in text.lower()
            for text in (row.names.name, row.names.remote_short_name, row.partner.name or "")
        )
    ]
    chosen.sort(key=lambda one: (KEYS[wanted.sort](one[1]), one[0]), reverse=wanted.descending)
    return [row.sys_id for _, row in chosen]


def test_the_rows_are_of_every_status_and_role():
    assert {(status_of(row.record), row.role) for row in ROWS} >= {(Status.ACTIVE, role) for role in Role}
    assert {status_of(row.record) for row in ROWS} == set(Status)


@pytest.mark.parametrize(("sort", "descending"), list(product(Column, (False, True))))
def test_all_pages_together_are_the_list_in_its_order(database, sort, descending):
    wanted = Wanted(sort=sort, descending=descending)
    first = found(database, wanted)
    pages = [found(database, dataclasses.replace(wanted, page=page)) for page in range(1, first.pages + 1)]
    assert [row.sys_id for page in pages for row in page.rows] == expected(wanted)
    assert first.count == len(expected(wanted))
    assert first.pages > 4
    assert all(len(page.rows) == PER_PAGE for page in pages[:-1])


@pytest.mark.parametrize("words", ["", "ALPHA", "%", "_", "50% m", "acme", "z", "\\", "nowhere"])
def test_each_filter_chooses_what_it_says(database, words):
    for status, role in product((None, *Status), (None, *Role)):
        wanted = Wanted(status=status, role=role, words=words, sort=Column.NAME, descending=False)
        page = found(database, wanted)
        assert page.count == len(expected(wanted)), wanted
        assert [row.sys_id for row in page.rows] == expected(wanted)[:PER_PAGE], wanted


def test_a_page_beyond_the_last_is_the_last(database):
    last = found(database, Wanted(page=10_000))
    assert last.page == last.pages
    assert [row.sys_id for row in last.rows] == expected(Wanted())[(last.pages - 1) * PER_PAGE :]


def test_a_list_without_rows_is_one_empty_page():
    database = Database(None)
    try:
        assert (found(database, Wanted()).pages, found(database, Wanted()).rows) == (1, [])
        assert database.transact([is_empty]) == [True]
    finally:
        database.close()


def plans(database, wanted):
    """How SQLite goes about it: the steps of counting, and of finding a page's rows."""
    told = []
    raw = database.connection.connection.driver_connection
    raw.set_trace_callback(told.append)
    found(database, wanted)
    raw.set_trace_callback(None)
    counting, finding = [each for each in told if "connections.hidden IS 0" in each]
    return [[step for *_, step in raw.execute(f"EXPLAIN QUERY PLAN {each}")] for each in (counting, finding)]


WITHIN_LIST = "SCAN connections USING COVERING INDEX ix_connections_list"
WITHIN_STATUSES = "SCAN connections USING COVERING INDEX ix_connections_status"


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("sort", Column)
def test_the_list_is_counted_chosen_and_sorted_within_its_indexes(database, sort, descending):
    counting, finding = plans(database, Wanted(sort=sort, descending=descending))
    assert counting == [WITHIN_STATUSES]
    if sort is Column.STATUS:
        assert finding == [WITHIN_STATUSES]
    else:
        assert finding[0] == WITHIN_LIST


def test_those_of_one_status_are_counted_by_its_index_and_sorted_within_the_list_s(database):
    counting, finding = plans(database, Wanted(status=Status.ACTIVE, sort=Column.NAME))
    assert counting == ["SEARCH connections USING COVERING INDEX ix_connections_status (status=?)"]
    assert finding[0] == WITHIN_LIST


@pytest.mark.parametrize("more", [{"role": Role.SOURCE}, {"words": "alpha"}])
def test_with_more_filters_no_row_is_looked_up_in_the_table(database, more):
    counting, finding = plans(database, Wanted(status=Status.ACTIVE, **more))
    assert counting == [WITHIN_LIST]
    assert finding[0] == WITHIN_LIST


def test_statuses_are_counted_in_the_order_of_their_index(database):
    told = []
    raw = database.connection.connection.driver_connection
    raw.set_trace_callback(told.append)
    (totals,) = database.transact([lambda tx: counts(tx, now=NOW)])
    raw.set_trace_callback(None)
    (statement,) = [each for each in told if "GROUP BY" in each]
    assert [step for *_, step in raw.execute(f"EXPLAIN QUERY PLAN {statement}")] == [WITHIN_STATUSES]
    listed = [row for row in ROWS if row.sys_id in set(expected(Wanted()))]
    assert dict(totals) == Counter(status_of(row.record).value for row in listed)
