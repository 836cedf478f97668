"""Answers that are too large for memory: they are whole or an error, and they hold nothing for long."""

from __future__ import annotations

import asyncio
import base64
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp
import msgspec
import pytest
from sqlalchemy import delete, insert

from node.instance.internal import attachment_contents
from node.instance.records import reading
from node.instance.rest import batch, held, rooms, sending
from tests.node.instance.rest_world import ADMIN_VIEWER, SHARED, RestWorld, served, viewer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from node.instance.database import Transaction

pytestmark = SHARED

COUNT = 40
LISTED = f"table/incident?sysparm_query=category=large^ORDERBYnumber&sysparm_display_value=all&sysparm_limit={COUNT}"
TEXT = "x" * 2_000
FULL = Path("/dev/full")


@pytest.fixture(autouse=True)
def in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten incidents are a part, and more than one part is too large for memory."""
    monkeypatch.setattr(reading, "RECORDS_AT_ONCE", 10)
    monkeypatch.setattr(held, "MEMORY_BYTES_MAX", 100_000)


def free(world: RestWorld) -> int:
    """How many files others could have now."""
    users = [f"user {at}" for at in range(rooms.FILES_MAX)]
    found = [user for user in users if world.api.rooms.take_now(user)]
    for user in found:
        world.api.rooms.give_back(user)
    return len(found)


@asynccontextmanager
async def no_files_of(world: RestWorld, user: str) -> AsyncIterator[None]:
    """All files that a user may have are taken by requests of his own."""
    his = [world.api.rooms.room(user) for _ in range(rooms.FILES_PER_USER_MAX)]
    for one in his:
        await one.take()
    try:
        yield
    finally:
        for one in his:
            one.close()


@pytest.fixture
async def large(rest: RestWorld) -> AsyncIterator[RestWorld]:
    """Forty incidents, each with a conversation: some hundred thousand bytes with their display values."""
    async with conversations(rest, TEXT):
        yield rest


@asynccontextmanager
async def conversations(rest: RestWorld, text: str) -> AsyncIterator[None]:
    ids = [f"{at:032x}" for at in range(COUNT)]

    def make(tx: Transaction) -> None:
        entries = tx.catalog.physical("sys_journal_field")
        some = [{"sys_id": one, "element_id": one, "element": "comments", "name": "incident"} for one in ids]
        at = {"value": text, "sys_created_on": "2026-01-01 00:00:00", "sys_created_by": "admin"}
        tx.connection.execute(insert(entries), [{**one, **at} for one in some])
        incidents = tx.catalog.physical("incident")
        fields = {"sys_class_name": "incident", "category": "large"}
        tx.connection.execute(
            insert(incidents), [{"sys_id": one, "number": f"INC{at:07}", **fields} for at, one in enumerate(ids)]
        )

    def remove(tx: Transaction) -> None:
        for name, column in (("sys_journal_field", "element_id"), ("incident", "sys_id")):
            table = tx.catalog.physical(name)
            tx.connection.execute(delete(table).where(table.c[column].in_(ids)))

    database = await rest.instance.database()
    await database.write(make)
    yield
    await database.write(remove)


async def test_a_page_in_many_parts_is_the_same_as_one_in_memory(
    large: RestWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_file = await large("GET", LISTED)
    assert [one["number"]["value"] for one in in_file.result] == [f"INC{at:07}" for at in range(COUNT)]
    assert TEXT in in_file.result[-1]["comments"]["display_value"]
    monkeypatch.setattr(held, "MEMORY_BYTES_MAX", 2**40)
    monkeypatch.setattr(reading, "RECORDS_AT_ONCE", 1_000)
    assert (await large("GET", LISTED)).body == in_file.body


async def test_its_length_total_and_pages_stand_in_its_head(large: RestWorld) -> None:
    url = f"/api/now/{LISTED}&sysparm_limit=30"
    async with served(large) as client, client.get(url) as answer:
        assert answer.headers["X-Total-Count"] == str(COUNT)
        assert 'rel="next"' in answer.headers["Link"]
        body = await answer.read()
        assert len(body) == int(answer.headers["Content-Length"]) > 200_000
    assert len(msgspec.json.decode(body)["result"]) == 30


async def test_what_fails_in_the_middle_is_an_error_and_leaves_nothing_behind(
    large: RestWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    shipped, calls = reading.represent, 0

    def failing(*arguments: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == 4:
            raise ValueError("on purpose")
        return shipped(*arguments)

    monkeypatch.setattr(reading, "represent", failing)
    assert (await large("GET", LISTED)).error == (500, "Internal error")
    assert free(large) == rooms.FILES_MAX


@pytest.mark.skipif(not FULL.exists(), reason="this system has no /dev/full")
async def test_a_disk_that_is_full_is_told_before_anything_is_sent(
    large: RestWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rooms.tempfile, "TemporaryFile", lambda **_: FULL.open("w+b"))
    assert (await large("GET", LISTED)).error == (507, "Insufficient storage")


async def test_a_file_that_ends_too_early_is_cut_off_and_not_told_as_whole(rest: RestWorld) -> None:
    record = await rest.make("problem", short_description="x")
    url = f"attachment/file?table_name=problem&table_sys_id={record}&file_name=a.bin"
    content = b"y" * 1_000_000
    file = (await rest("POST", url, content, headers={"content-type": "application/octet-stream"})).result["sys_id"]
    at = attachment_contents.c
    database = await rest.instance.database()
    await database.write(
        lambda tx: tx.connection.execute(delete(attachment_contents).where(at.attachment == file, at.position == 2))
    )
    await database.write(
        lambda tx: tx.connection.execute(
            insert(attachment_contents), {"attachment": file, "position": 9, "content": b""}
        )
    )
    async with served(rest) as client, client.get(f"/api/now/attachment/{file}/file") as answer:
        assert answer.status == 200
        with pytest.raises(aiohttp.ClientPayloadError):
            await answer.read()


async def test_a_client_that_stops_reading_loses_its_link_and_holds_nothing(
    rest: RestWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "PIECE_S_MAX", 0.05)
    async with conversations(rest, "x" * 90_000), served(rest) as client:  # more than the system takes for a link
        reader, writer = await asyncio.open_connection(client.host, client.port, limit=1_000)
        writer.write(f"GET /api/now/{LISTED} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        head = await reader.readuntil(b"\r\n\r\n")
        assert free(rest) == rooms.FILES_MAX - 1
        async with asyncio.timeout(20):
            while free(rest) < rooms.FILES_MAX:
                await asyncio.sleep(0.01)
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        assert len(await reader.read()) < length
        writer.close()


async def test_who_finds_all_files_taken_waits_and_is_then_told_to_come_again(
    large: RestWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    others = [large.api.rooms.room(f"user {at}") for at in range(rooms.FILES_MAX)]
    for other in others:
        await other.take()
    waiting = asyncio.create_task(large("GET", LISTED))
    assert (await large("GET", "table/incident?category=large&sysparm_limit=1")).status == 200
    others[0].close()
    assert len((await waiting).result) == COUNT
    await others[0].take()
    monkeypatch.setattr(rooms, "WAIT_S_MAX", 0.01)
    assert (await large("GET", LISTED)).error == (429, "Too many requests")
    for other in others:
        other.close()
    assert free(large) == rooms.FILES_MAX


async def test_a_small_answer_takes_no_file_while_it_is_searched_for(
    large: RestWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    shipped, seen_free = reading.represent, []

    def seen(*arguments: Any) -> Any:
        seen_free.append(free(large))
        return shipped(*arguments)

    monkeypatch.setattr(reading, "represent", seen)
    await large("GET", f"{LISTED}&sysparm_limit=5")
    assert seen_free == [rooms.FILES_MAX]


async def test_a_reader_that_goes_on_after_its_request_is_over_gets_no_file(rest: RestWorld) -> None:
    room = rest.api.rooms.room("someone")
    room.close()
    with pytest.raises(rooms.TooManyLargeAnswersError):
        held.Body(room, 1_000_000).write(b"x" * 200_000)
    assert free(rest) == rooms.FILES_MAX


async def test_an_answer_beyond_all_measure_is_refused(large: RestWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch, "ITEM_ANSWER_BYTES_MAX", 200_000)
    items = [{"id": str(at), "method": "GET", "url": f"/api/now/{LISTED}"} for at in range(2)]
    told = (await large("POST", "batch", {"rest_requests": items})).json
    assert [one["status_code"] for one in told["serviced_requests"]] == [400, 400]
    assert free(large) == rooms.FILES_MAX


async def test_a_batch_holds_a_file_whose_pieces_are_of_any_length(rest: RestWorld) -> None:
    record = await rest.make("problem", short_description="x")
    url = f"attachment/file?table_name=problem&table_sys_id={record}&file_name=a.bin"
    content = bytes(range(251)) * 2_400
    file = (await rest("POST", url, content, headers={"content-type": "application/octet-stream"})).result["sys_id"]
    item = {"id": "1", "method": "GET", "url": f"/api/now/attachment/{file}/file"}
    (one,) = (await rest("POST", "batch", {"rest_requests": [item]})).json["serviced_requests"]
    assert base64.b64decode(one["body"], validate=True) == content


async def test_a_batch_holds_large_answers_in_a_file_too(large: RestWorld) -> None:
    items = [{"id": str(at), "method": "GET", "url": f"/api/now/{LISTED}"} for at in range(3)]
    told = (await large("POST", "batch", {"batch_request_id": 7, "rest_requests": items})).json
    assert told["batch_request_id"] == "7"
    assert told["unserviced_requests"] == []
    alone = (await large("GET", LISTED)).body
    for one in told["serviced_requests"]:
        assert base64.b64decode(one["body"], validate=True) == alone
        assert {"name": "Content-Length", "value": str(len(alone))} in one["headers"]
        assert {"name": "X-Total-Count", "value": str(COUNT)} in one["headers"]


async def test_one_who_reads_slowly_holds_no_places_of_others(
    large: RestWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rooms, "WAIT_S_MAX", 0.01)
    async with no_files_of(large, ADMIN_VIEWER.sys_id):
        assert (await large("GET", LISTED)).error == (429, "Too many requests")
        assert len((await large("GET", LISTED, by=viewer("other", "itil"))).result) == COUNT
    assert len((await large("GET", LISTED)).result) == COUNT


async def test_a_batch_tells_all_that_it_did_whatever_part_of_it_finds_no_file(
    rest: RestWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its head, an item with a comma or without, the padding and end of one, the list of what was not serviced."""
    await rest.make("problem", short_description="x")
    monkeypatch.setattr(batch, "HEAD_BYTES_MAX", 400)
    monkeypatch.setattr(batch, "REQUEST_BYTES_MAX", 1_000)
    url = "/api/now/table/problem?sysparm_limit=1"
    items = [{"id": str(at), "method": "GET", "url": url, "exclude_response_headers": True} for at in range(2)]
    too_large = {"id": "y" * 100, "method": "POST", "url": url, "body": "A" * 2_000}
    asked = msgspec.json.encode({"rest_requests": [*items, too_large]})
    whole = (await rest("POST", "batch", asked)).body
    assert len(msgspec.json.decode(whole)["serviced_requests"]) == len(items)
    monkeypatch.setattr(rooms, "WAIT_S_MAX", 0.001)
    async with no_files_of(rest, ADMIN_VIEWER.sys_id):
        found = set()
        for bytes_max in (
            *range(200, 1_000, 50),
            *range(1_000, len(whole), 850),
            *range(len(whole) - 3, len(whole) + 20, 4),
        ):
            monkeypatch.setattr(held, "MEMORY_BYTES_MAX", bytes_max)
            said = await rest("POST", "batch", asked)
            told = said.json
            assert len(said.body) <= bytes_max
            ids = [one["id"] for one in told["serviced_requests"]] + told["unserviced_requests"]
            assert ids == ["0", "1", "y" * 100]
            found.add(tuple(one["status_code"] for one in told["serviced_requests"]))
        assert found == {(), (429,), (429, 429), (200,), (200, 429), (200, 200)}
    monkeypatch.setattr(held, "MEMORY_BYTES_MAX", 0)
    assert (await rest("POST", "batch", asked)).body == whole


async def test_what_a_batch_did_is_told_where_its_answer_finds_no_file(
    rest: RestWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rooms, "WAIT_S_MAX", 0.001)
    monkeypatch.setattr(batch, "HEAD_BYTES_MAX", 1_000)
    monkeypatch.setattr(held, "MEMORY_BYTES_MAX", 2_000)
    body = base64.b64encode(msgspec.json.encode({"description": "x" * 2_000})).decode()
    items = [{"id": str(at), "method": "POST", "url": "/api/now/table/problem", "body": body} for at in range(8)]
    before = int((await rest("GET", "table/problem?sysparm_limit=1")).headers["X-Total-Count"])
    async with no_files_of(rest, ADMIN_VIEWER.sys_id):
        told = (await rest("POST", "batch", {"rest_requests": items})).json
    done = [(one["status_code"], one["body"]) for one in told["serviced_requests"]]
    assert 0 < len(done) < len(items)
    assert done == [(201, "")] * len(done)
    after = int((await rest("GET", "table/problem?sysparm_limit=1")).headers["X-Total-Count"])
    assert after - before == len(done) == len(items) - len(told["unserviced_requests"])


async def test_a_batch_whose_end_would_find_no_file_is_not_begun(
    rest: RestWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rooms, "WAIT_S_MAX", 0.01)
    async with no_files_of(rest, ADMIN_VIEWER.sys_id):
        before = (await rest("GET", "table/problem")).headers["X-Total-Count"]
        body = base64.b64encode(b"{}").decode()
        items = [{"id": "z" * 256, "method": "POST", "url": "/api/now/table/problem", "body": body}] * 400
        assert (await rest("POST", "batch", {"rest_requests": items})).error == (429, "Too many requests")
        assert (await rest("GET", "table/problem")).headers["X-Total-Count"] == before
