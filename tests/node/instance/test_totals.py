"""Totals of lists: exact at every moment, and counted anew only when there is something new to count."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import event
from sqlalchemy.engine import Engine

from node.instance.database import Moment
from node.instance.totals import TOTALS_MAX, Totals
from tests.node.instance.rest_world import ADMIN_VIEWER, SHARED, viewer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from node.instance.database import Transaction
    from node.instance.viewer import Viewer
    from tests.node.instance.rest_world import RestWorld

pytestmark = SHARED

ITIL = viewer("joe", "itil")
ANN = viewer("ann")
BOB = viewer("bob")


@pytest.fixture
def counted() -> Iterator[list[str]]:
    """The statements that count."""
    found: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        if statement.startswith("SELECT count(*)"):
            found.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    yield found
    event.remove(Engine, "before_cursor_execute", note)


async def total(
    rest: RestWorld, query: str, by: Viewer, *, limit: int = 1, offset: int = 0, table: str = "incident"
) -> int:
    url = f"table/{table}?sysparm_query={query}&sysparm_limit={limit}&sysparm_offset={offset}"
    return int((await rest("GET", url, by=by)).headers["X-Total-Count"])


async def test_a_total_is_counted_once_until_its_table_is_written_to(rest: RestWorld, counted: list[str]) -> None:
    made = [await rest.make("incident", short_description="once", caller_id=ANN.sys_id) for _ in range(3)]
    query = "short_description=once"
    assert [await total(rest, query, ITIL) for _ in range(3)] == [3, 3, 3]
    assert len(counted) == 1
    await rest.make("cmn_location", name="elsewhere")
    assert await total(rest, query, ITIL) == 3
    assert len(counted) == 1
    await rest("DELETE", f"table/incident/{made[0]}")
    assert await total(rest, query, ITIL) == 2
    await rest("PATCH", f"table/incident/{made[1]}", {"short_description": "twice"})
    assert await total(rest, query, ITIL) == 1
    await rest.make("incident", short_description="once")
    assert await total(rest, query, ITIL) == 2


async def test_a_total_follows_every_table_that_the_query_asks(rest: RestWorld) -> None:
    towns = [await rest.make("cmn_location", name="Ulm") for _ in range(2)]
    for town in (*towns, *towns):
        await rest.make("incident", short_description="there", location=town)
    query = "short_description=there^location.name=Ulm"
    assert await total(rest, query, ITIL) == 4
    await rest("PATCH", f"table/cmn_location/{towns[0]}", {"name": "Bonn"})
    assert await total(rest, query, ITIL) == 2


async def test_a_total_that_access_decides_follows_what_it_depends_on(rest: RestWorld) -> None:
    made = [await rest.make("incident", caller_id=ANN.sys_id, comments="follow") for _ in range(4)]
    assert [await total(rest, "value=follow", by, table="sys_journal_field") for by in (ANN, BOB)] == [4, 0]
    for own in made[:2]:
        await rest("PATCH", f"table/incident/{own}", {"caller_id": BOB.sys_id})
    assert [await total(rest, "value=follow", by, table="sys_journal_field") for by in (ANN, BOB)] == [2, 2]


async def test_a_total_is_remembered_for_the_one_who_asked(rest: RestWorld) -> None:
    for caller in (ANN, ANN, BOB, BOB, BOB):
        await rest.make("incident", short_description="whose", caller_id=caller.sys_id)
    query = "short_description=whose"
    assert [await total(rest, query, by) for by in (ITIL, ANN, BOB, viewer("third"))] == [5, 2, 3, 0]


async def test_a_page_that_shows_the_end_needs_no_count(rest: RestWorld, counted: list[str]) -> None:
    for _ in range(3):
        await rest.make("incident", short_description="few")
    query = "short_description=few"
    assert await total(rest, query, ITIL, limit=4) == 3
    assert await total(rest, query, ITIL, limit=4, offset=1) == 3
    assert await total(rest, "short_description=none", ITIL) == 0
    assert counted == []
    assert await total(rest, query, ITIL, offset=7) == 3
    assert await total(rest, query, ITIL, limit=0) == 3
    assert await total(rest, query, ITIL, limit=3) == 3
    assert len(counted) == 1


async def test_what_is_read_while_something_is_written_is_of_no_version() -> None:
    done, begun = Counter(task=3), Counter(task=3)
    moment = Moment(done, begun)
    assert moment.version(["task", "sys_user"]) == (3, 0)
    done.update(["sys_user"])
    begun.update(["sys_user"])
    assert moment.version(["task"]) == (3,)
    assert moment.version(["task", "sys_user"]) is None
    begun.update(["task"])
    assert Moment(done, begun).version(["task"]) is None


async def test_only_the_last_totals_are_remembered_and_none_of_another_version() -> None:
    totals = Totals()
    for number in range(TOTALS_MAX):
        totals.keep(number, (1,), number)
    assert totals.of(0, (1,)) == 0
    totals.keep("one more", (1,), 7)
    assert totals.of(0, (1,)) == 0
    assert totals.of(1, (1,)) is None
    assert totals.of(2, (2,)) is None


async def test_what_is_noted_of_signing_in_without_a_word_is_counted_each_time(rest: RestWorld) -> None:
    users = [await rest.make("sys_user", user_name=f"user.{number}") for number in range(3)]

    def note(tx: Transaction, attempts: int, some: list[str]) -> None:
        table = tx.catalog.physical("sys_user")
        tx.connection.execute(table.update().where(table.c.sys_id.in_(some)).values(failed_attempts=attempts))

    database = await rest.instance.database()
    await database.write(lambda tx: note(tx, 5, users))
    assert await total(rest, "failed_attempts=5", ADMIN_VIEWER, table="sys_user") == 3
    await database.write(lambda tx: note(tx, 6, users[:1]))
    assert await total(rest, "failed_attempts=5", ADMIN_VIEWER, table="sys_user") == 2
