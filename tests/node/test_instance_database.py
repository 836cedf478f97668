"""The instance's database: who reads waits for no writer, and what fails is undone alone."""

from __future__ import annotations

import asyncio
import shutil
import threading
import time
from typing import TYPE_CHECKING

import pytest

from node.instance import database as shipped
from node.instance import readers
from node.instance.catalog import Catalog
from node.instance.database import InstanceDatabase, Transaction
from node.instance.errors import ReadTooLongError, TooManySearchesError
from node.ports import StoreFullError
from node.store.database import StoreError
from tests.node.instance.rest_world import grow_no_more
from tests.node.people_world import image

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

ENDLESS = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT count(*) FROM n"


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[InstanceDatabase]:
    shutil.copy(image(), tmp_path / "instance.db")
    found = InstanceDatabase(tmp_path / "instance.db", node_database=None)
    try:
        yield found
    finally:
        await found.close()


def note(name: str):
    def unit(tx: Transaction) -> None:
        tx.connection.exec_driver_sql("INSERT INTO instance_notes VALUES (?, 'x')", (name,))
        tx.touched.add("instance_notes")

    return unit


def noted(tx: Transaction) -> set[str]:
    names = tx.connection.exec_driver_sql("SELECT name FROM instance_notes WHERE value = 'x'")
    return {row[0] for row in names}


async def test_a_search_without_end_is_stopped_and_the_next_read_is_answered(
    database: InstanceDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readers, "QUICK_READ_S_MAX", 0.02)
    monkeypatch.setattr(readers, "READ_S_MAX", 0.05)
    begun: list[int] = []

    def search(tx: Transaction) -> None:
        begun.append(1)
        endless(tx)

    with pytest.raises(ReadTooLongError):
        await database.read(search)
    assert begun == [1], "it had its time in a slow place"
    for _ in range(3):
        assert await database.read(noted) == set()


def endless(tx: Transaction) -> None:
    tx.connection.exec_driver_sql(ENDLESS).fetchall()


async def test_a_quick_read_does_not_wait_for_any_number_of_searches_without_end(
    database: InstanceDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readers, "QUICK_READ_S_MAX", 0.02)
    searching = [asyncio.create_task(database.read(endless)) for _ in range(readers.READERS + 2)]
    async with asyncio.timeout(20):
        while database._readers._slow.waiting < len(searching) - readers.SLOW_READERS:
            await asyncio.sleep(0.01)  # until each has been found to be none of the quick ones
    monkeypatch.setattr(readers, "QUICK_READ_S_MAX", 30.0)  # the next is quick, however slow the machine is
    async with asyncio.timeout(20):
        assert await database.read(noted) == set()
    assert not any(one.done() for one in searching)
    monkeypatch.setattr(readers, "READ_S_MAX", 0.0)
    while not all(one.done() for one in searching):
        for link in database._reading:
            readers.raw(link).interrupt()
        await asyncio.sleep(0.01)
    await asyncio.gather(*searching, return_exceptions=True)


@pytest.mark.parametrize("has_an_end", [True, False])
async def test_a_search_that_had_to_give_way_is_begun_anew_and_has_its_time(
    database: InstanceDatabase, monkeypatch: pytest.MonkeyPatch, *, has_an_end: bool
) -> None:
    monkeypatch.setattr(readers, "QUICK_READ_S_MAX", 0.02)
    begun: list[int] = []
    may_end = threading.Event()

    def search(tx: Transaction) -> int:
        begun.append(len(begun))
        if len(begun) == 1 or not has_an_end:
            endless(tx)
        until = time.monotonic() + 0.06  # longer than it had before
        while time.monotonic() < until:
            tx.connection.exec_driver_sql(ENDLESS.replace("FROM n)", "FROM n LIMIT 20000)")).all()
        return tx.connection.exec_driver_sql("SELECT 7").scalar_one()

    long = [asyncio.create_task(database.read(lambda _tx: may_end.wait(30))) for _ in range(readers.SLOW_READERS)]
    slow = database._readers._slow
    async with asyncio.timeout(20):
        while slow.free:
            await asyncio.sleep(0.01)
        searching = asyncio.create_task(database.read(search))
        while not slow.waiting and not searching.done():
            await asyncio.sleep(0.01)
    monkeypatch.setattr(readers, "READ_S_MAX", 30.0 if has_an_end else 0.05)
    may_end.set()
    (found,) = await asyncio.gather(searching, return_exceptions=True)
    assert found == 7 if has_an_end else isinstance(found, ReadTooLongError)
    assert begun == [0, 1]
    assert await asyncio.gather(*long) == [True] * readers.SLOW_READERS
    assert (database._readers._quick.free, slow.free) == (readers.QUICK_READERS, readers.SLOW_READERS)


async def test_a_read_that_is_over_takes_no_slow_place_later(
    database: InstanceDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readers, "QUICK_READ_S_MAX", 0.02)
    for _ in range(3):
        await database.read(noted)
    left = asyncio.create_task(database.read(endless))
    await asyncio.sleep(0.005)
    left.cancel()
    await asyncio.sleep(0.1)
    quick, slow = database._readers._quick, database._readers._slow
    async with asyncio.timeout(20):
        while (quick.free, slow.free) != (readers.QUICK_READERS, readers.SLOW_READERS):
            await asyncio.sleep(0.01)


async def test_nothing_is_stopped_for_one_who_leaves_when_the_read_is_over(
    database: InstanceDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[readers._Reading[object]] = []

    class Left(readers._Reading[object]):
        def __init__(self, *arguments: object, **more: object) -> None:
            super().__init__(*arguments, **more)  # type: ignore[arg-type]
            begun.append(self)
            self.done.add_done_callback(lambda _: task.cancel())

    monkeypatch.setattr(readers, "_Reading", Left)
    task = asyncio.create_task(database.read(noted))
    with pytest.raises(asyncio.CancelledError):
        await task
    assert [one._timer.cancelled() for one in begun] == [True]


async def test_nothing_is_searched_on_for_one_who_has_gone(
    database: InstanceDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readers, "QUICK_READ_S_MAX", 0.02)
    searching = [asyncio.create_task(database.read(endless)) for _ in range(readers.READERS + 2)]
    await asyncio.sleep(0.1)
    for one in searching:
        one.cancel()
    async with asyncio.timeout(20):
        while database._readers._slow.free < readers.SLOW_READERS:
            await asyncio.sleep(0.01)
    assert database._readers._slow.waiting == 0
    for _ in range(readers.READERS):
        assert await database.read(noted) == set()


async def test_a_search_waits_neither_behind_many_nor_for_long(
    database: InstanceDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readers, "QUICK_READ_S_MAX", 0.02)
    monkeypatch.setattr(readers, "SEARCHES_WAITING_MAX", 1)
    searching = [asyncio.create_task(database.read(endless)) for _ in range(readers.SLOW_READERS + 2)]
    (told,), _ = await asyncio.wait(searching, return_when=asyncio.FIRST_COMPLETED)
    assert isinstance(told.exception(), TooManySearchesError)
    monkeypatch.setattr(readers, "SEARCHES_WAITING_MAX", 2)
    monkeypatch.setattr(readers, "WAIT_S_MAX", 0.01)
    with pytest.raises(TooManySearchesError):
        await database.read(endless)
    for one in searching:
        one.cancel()
    await asyncio.gather(*searching, return_exceptions=True)


async def test_who_reads_does_not_wait_for_a_writer(database: InstanceDatabase) -> None:
    may_end = asyncio.Event()
    loop = asyncio.get_running_loop()

    def long(tx: Transaction) -> None:
        note("long")(tx)
        asyncio.run_coroutine_threadsafe(may_end.wait(), loop).result()

    writing = asyncio.create_task(database.write(long))
    assert await database.read(noted) == set()
    may_end.set()
    await writing
    assert await database.read(noted) == {"long"}


async def test_of_units_that_share_a_commit_the_one_that_fails_is_undone_alone(database: InstanceDatabase) -> None:
    def failing(tx: Transaction) -> None:
        note("failed")(tx)
        raise ValueError("on purpose")

    told: list[frozenset[str]] = []
    database.written.append(told.append)
    results = await asyncio.gather(
        *(database.write(unit) for unit in (note("a"), failing, note("b"))), return_exceptions=True
    )
    assert [type(one) for one in results] == [type(None), ValueError, type(None)]
    assert await database.read(noted) == {"a", "b"}
    assert told == [frozenset({"instance_notes"})] * 2, "the first goes alone, what came meanwhile together"
    assert database.versions == {"instance_notes": 2}


async def test_a_commit_has_an_end(database: InstanceDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shipped, "UNITS_PER_COMMIT_MAX", 2)
    told: list[frozenset[str]] = []
    database.written.append(told.append)
    await asyncio.gather(*(database.write(note(str(n))) for n in range(6)))
    assert len(told) == 4, "one, two, two and the last"


async def test_tables_that_a_failing_unit_adds_are_there_for_nobody(database: InstanceDatabase) -> None:
    there = database.catalog

    def failing(tx: Transaction) -> None:
        tx.catalog = Catalog(there.dictionary)
        tx.touched.add("sys_metadata")
        raise ValueError("on purpose")

    with pytest.raises(ValueError, match="on purpose"):
        await database.write(failing)
    assert database.catalog is there
    assert not database.versions

    def growing(tx: Transaction) -> Catalog:
        tx.catalog = Catalog(there.dictionary)
        return tx.catalog

    assert await database.write(growing) is database.catalog


async def test_a_read_sees_one_moment(database: InstanceDatabase) -> None:
    loop = asyncio.get_running_loop()

    def twice(tx: Transaction) -> tuple[set[str], set[str]]:
        before = noted(tx)
        asyncio.run_coroutine_threadsafe(database.write(note("meanwhile")), loop).result()
        return before, noted(tx)

    assert await database.read(twice) == (set(), set())
    assert await database.read(noted) == {"meanwhile"}


async def test_what_was_committed_is_on_the_disk_and_readers_need_not_wait(database: InstanceDatabase) -> None:
    def said(tx: Transaction) -> list[object]:
        names = ("journal_mode", "synchronous", "busy_timeout")
        return [tx.connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in names]

    assert await database.write(said) == ["wal", 2, 5_000]


async def test_a_reader_can_not_write(database: InstanceDatabase) -> None:
    with pytest.raises(Exception, match="readonly"):
        await database.read(note("no"))


async def test_whoever_stops_waiting_loses_nothing_and_holds_up_nobody(database: InstanceDatabase) -> None:
    asking = [asyncio.create_task(database.read(noted)) for _ in range(8)]
    writing = asyncio.create_task(database.write(note("kept")))
    await asyncio.sleep(0)
    for task in (*asking[:4], writing):
        task.cancel()
    await asyncio.gather(*asking, writing, return_exceptions=True)
    await database.write(note("after"))
    assert await database.read(noted) == {"kept", "after"}


async def test_whoever_comes_after_the_end_is_told(database: InstanceDatabase) -> None:
    await database.close()
    for _ in range(3):
        with pytest.raises(StoreError, match="closed"):
            await database.read(noted)
        with pytest.raises(StoreError, match="closed"):
            await database.write(note("late"))
    await database.close()


async def held(database: InstanceDatabase) -> tuple[asyncio.Task[None], asyncio.Event]:
    """A unit that is being written until the event is set."""
    begun, may_end, loop = asyncio.Event(), asyncio.Event(), asyncio.get_running_loop()

    def unit(tx: Transaction) -> None:
        note("held")(tx)
        loop.call_soon_threadsafe(begun.set)
        asyncio.run_coroutine_threadsafe(may_end.wait(), loop).result()

    writing = asyncio.create_task(database.write(unit))
    await begun.wait()
    return writing, may_end


async def test_everybody_who_closes_it_while_a_unit_is_written_waits_for_that_unit(database: InstanceDatabase) -> None:
    writing, may_end = await held(database)
    gone, *closing = (asyncio.create_task(database.close()) for _ in range(3))
    await asyncio.sleep(0)
    gone.cancel()
    assert not any(one.done() for one in closing)
    may_end.set()
    async with asyncio.timeout(30):
        await asyncio.gather(writing, *closing)
    assert gone.cancelled()


async def test_what_waits_to_be_written_when_it_is_closed_is_written(
    database: InstanceDatabase, tmp_path: Path
) -> None:
    writing, may_end = await held(database)
    waiting = [asyncio.create_task(database.write(note(name))) for name in "abc"]
    await asyncio.sleep(0)
    closing = asyncio.create_task(database.close())
    await asyncio.sleep(0)
    with pytest.raises(StoreError, match="closed"):
        await database.write(note("late"))
    may_end.set()
    async with asyncio.timeout(30):
        await asyncio.gather(writing, *waiting, closing)
    again = InstanceDatabase(tmp_path / "instance.db", node_database=None)
    assert await again.read(noted) == {"held", "a", "b", "c"}
    await again.close()


async def test_whoever_waits_for_a_reader_when_it_is_closed_is_told(database: InstanceDatabase) -> None:
    may_end, loop = threading.Event(), asyncio.get_running_loop()
    begun = asyncio.Event()

    def unit(_tx: Transaction) -> str:
        loop.call_soon_threadsafe(begun.set)
        may_end.wait(30)
        return "read"

    reading = [asyncio.create_task(database.read(unit)) for _ in range(readers.QUICK_READERS)]
    waiting = [asyncio.create_task(database.read(noted)) for _ in range(3)]
    await begun.wait()
    closing = asyncio.create_task(database.close())
    await asyncio.sleep(0)
    may_end.set()
    async with asyncio.timeout(30):
        assert await asyncio.gather(*reading) == ["read"] * readers.QUICK_READERS
        told = await asyncio.gather(*waiting, return_exceptions=True)
        await closing
    assert [str(one) for one in told] == [readers.CLOSED] * 3


async def test_a_search_that_was_to_begin_anew_when_it_is_closed_is_told(
    database: InstanceDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readers, "QUICK_READ_S_MAX", 0.02)
    monkeypatch.setattr(readers, "READ_S_MAX", 0.5)
    searching = [asyncio.create_task(database.read(endless)) for _ in range(readers.READERS + 1)]
    had_to_give_way = len(searching) - readers.SLOW_READERS  # more than there are places that come free
    while database._readers._slow.waiting < had_to_give_way:
        await asyncio.sleep(0.01)
    async with asyncio.timeout(30):
        await database.close()
        ends = await asyncio.gather(*searching, return_exceptions=True)
    assert [type(one) for one in ends].count(StoreError) == had_to_give_way


async def test_a_full_disk_is_told_and_once_there_is_room_writing_goes_on(database: InstanceDatabase) -> None:
    def grow_again(tx: Transaction) -> None:
        tx.connection.exec_driver_sql(f"PRAGMA max_page_count = {2**32 - 2}")

    await database.write(grow_no_more)
    told = await asyncio.gather(
        database.write(note("a" * 1_000_000)), database.write(note("b" * 1_000_000)), return_exceptions=True
    )
    assert {type(one) for one in told} == {StoreFullError}
    assert await database.read(noted) == set()
    await database.write(grow_again)
    await database.write(note("c"))
    assert await database.read(noted) == {"c"}
