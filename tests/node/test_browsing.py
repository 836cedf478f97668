"""The console's list: what the database chooses and sorts is what a plain reading of the rule comes to."""

from __future__ import annotations

import dataclasses
from itertools import product

import pytest
from msgspec.structs import replace
from sqlalchemy import text

from node.connections.stored import Partner, to_row
from node.store.browsing import Column, Wanted, browse, is_empty
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


@pytest.mark.parametrize("status", [None, *Status])
@pytest.mark.parametrize("role", [None, *Role])
@pytest.mark.parametrize("words", ["", "ALPHA", "%", "_", "50% m", "acme", "z", "\\", "nowhere"])
def test_each_filter_chooses_what_it_says(database, status, role, words):
    wanted = Wanted(status=status, role=role, words=words, sort=Column.NAME, descending=False)
    page = found(database, wanted)
    assert page.count == len(expected(wanted))
    assert [row.sys_id for row in page.rows] == expected(wanted)[:PER_PAGE]


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


LISTED = "select n from connections where hidden is 0 and (phase != 'announced' or expires_at > 1) order by "


@pytest.mark.parametrize("order", ["name collate nocase", "changed_at_ms desc"])
def test_the_list_is_chosen_and_sorted_within_its_index(database, order):
    query = text(f"explain query plan {LISTED}{order} limit 50")
    (plan,) = database.transact([lambda tx: [row.detail for row in tx.execute(query)]])
    assert "SCAN connections USING COVERING INDEX ix_connections_list" in plan
