"""Whatever is asked of the REST APIs, the answer is one that ServiceNow documents, and never a fault of the instance."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from multidict import MultiDict

from node.instance.base_tables import BASE_TABLES
from node.instance.rest.calls import Call
from node.instance.rest.rooms import Rooms
from tests.node.instance.rest_world import ADMIN_VIEWER, BASE_URL, RestWorld, rest_world, served, viewer

if TYPE_CHECKING:
    from collections.abc import Iterator

STATUSES = frozenset({200, 201, 204, 400, 403, 404, 405, 413, 415})
RECORD = "a" * 32
TABLES = [table.name for table in BASE_TABLES]
FIELDS = sorted({field.name for table in BASE_TABLES for field in table.fields} | {"sys_id", "sys_class_name"})

odd = st.one_of(
    st.text(max_size=20),
    st.sampled_from(
        ["", "true", "TRUE", "-1", "0", "1", "9" * 40, "1e999", "nan", "NULL", "'", '"; --', "\0", "\ud800"]
    ),
    st.sampled_from(
        ["javascript:gs.getUserID()", "2026-02-30", "2026-01-01 25:00:00", RECORD, RECORD.upper(), "%", "_"]
    ),
)
operators = ["=", "!=", "LIKE", "IN", "ON", "BETWEEN", "ISEMPTY", "CHANGESTO", "DYNAMIC", "RELATIVEGT", "SAMEAS", "><"]
conditions = st.builds(
    lambda join, path, operator, value: f"{join}{path}{operator}{value}",
    st.sampled_from(["^", "^OR", "^NQ", "^ORDERBY", "^GROUPBY", "^JOIN", "^RLQUERY", ""]),
    st.lists(st.sampled_from([*FIELDS, "no_field", ""]), min_size=1, max_size=3).map(".".join),
    st.sampled_from(operators),
    odd,
)
queries = st.one_of(odd, st.lists(conditions, max_size=4).map("".join))
paths = st.lists(st.sampled_from([*FIELDS, "no_field", "caller_id.name", "", ".", "a.b.c.d.e.f.g.h"]), max_size=4)
parameters = st.lists(
    st.one_of(
        st.tuples(st.just("sysparm_query"), queries),
        st.tuples(
            st.sampled_from(["fields", "avg_fields", "min_fields", "sum_fields", "group_by", "order_by"]).map(
                lambda name: f"sysparm_{name}"
            ),
            paths.map(",".join),
        ),
        st.tuples(
            st.just("sysparm_having"),
            st.tuples(
                st.sampled_from(["count", "avg", "max"]), st.sampled_from(FIELDS), st.sampled_from(["=", ">"]), odd
            ).map("^".join),
        ),
        st.tuples(
            st.sampled_from(["limit", "offset", "display_value", "count"]).map(lambda name: f"sysparm_{name}"), odd
        ),
        st.tuples(st.sampled_from(["table_name", "table_sys_id", "file_name", "state", "sys_id", "no_field"]), odd),
        st.tuples(st.just("table_name"), st.sampled_from(TABLES)),
        st.tuples(st.just("table_sys_id"), st.just(RECORD)),
        st.tuples(st.just("file_name"), st.just("x.txt")),
        st.just(("sysparm_input_display_value", "true")),
        st.tuples(st.sampled_from(["sysparm_tiny", "multi_import_set_id", "run_after"]), odd),
    ),
    max_size=6,
)
values = st.one_of(odd, st.none(), st.booleans(), st.integers(), st.floats(), st.just([1]), st.just({"value": "x"}))
records = st.dictionaries(st.one_of(st.sampled_from(FIELDS), odd), values, max_size=6)
bodies = st.one_of(
    records,
    records.map(lambda one: {"records": [one, one]}),
    odd.map(lambda one: {"url": one}),
    odd.map(lambda one: {"url": f"/api/now/table/task?{one}"}),
    st.just({"rest_requests": [{"id": 1, "method": "GET", "url": "/api/now/table/task"}]}),
    st.sampled_from([b"", b"{", b"[]", b"null", b"\xff", b'{"a":' * 2_000, b'{"state":"\\ud800"}', b"1" * 5_000]),
    st.binary(max_size=30),
)
ids = st.one_of(st.just(RECORD), odd)
tables = st.one_of(st.sampled_from([*TABLES, "u_imp", "u_own"]), odd)
places = st.one_of(
    tables.map(lambda table: ("table", table)),
    st.tuples(st.just("table"), tables, ids),
    tables.map(lambda table: ("stats", table)),
    tables.map(lambda table: ("import", table)),
    st.tuples(st.just("import"), tables, st.one_of(ids, st.just("insertMultiple"))),
    st.sampled_from(
        [("attachment",), ("attachment", "file"), ("attachment", "upload"), ("batch",), ("tinyurl",), (), ("nothing",)]
    ),
    ids.map(lambda one: ("attachment", one)),
    ids.map(lambda one: ("attachment", one, "file")),
)
headers = st.one_of(
    st.just({"content-type": "application/json"}),
    st.sampled_from(
        [{}, {"content-type": "multipart/form-data; boundary=x"}, {"content-type": "text/xml"}, {"content-type": ";;"}]
    ),
    st.dictionaries(st.sampled_from(["content-type", "x-batchrequest-max-output-size", "accept"]), odd),
)
users = st.sampled_from(
    [ADMIN_VIEWER, viewer("worker", "itil"), viewer("nobody"), viewer("reader", "snc_read_only", "itil")]
)


@pytest.fixture(scope="module")
def asked() -> Iterator[tuple[RestWorld, asyncio.AbstractEventLoop]]:
    """An instance with a record of one sys_id in several tables, and a loop for one call after the other."""
    loop = asyncio.new_event_loop()
    with tempfile.TemporaryDirectory() as folder:
        context = rest_world(Path(folder))
        world = loop.run_until_complete(context.__aenter__())

        async def fill() -> None:
            for table in ("incident", "sys_user", "cmdb_ci", "sys_attachment"):
                more = {"table_name": "incident", "table_sys_id": RECORD, "file_name": "x"} if "att" in table else {}
                await world.make(table, sys_id=RECORD, **more)
            await world.make("sys_db_object", name="u_own", label="Own")

        loop.run_until_complete(fill())
        yield world, loop
        loop.run_until_complete(context.__aexit__(None, None, None))
    loop.close()


def calls() -> st.SearchStrategy[Call]:
    return st.builds(
        lambda method, parts, version, pairs, sent, body, by: Call(
            method=method,
            parts=parts,
            version=version,
            parameters=MultiDict(pairs),
            headers=sent,
            body=body if isinstance(body, bytes) else _json(body),
            viewer=by,
            room=Rooms(Path(tempfile.gettempdir())).room(by.sys_id),
            base_url=BASE_URL,
            path="/api/now/" + "/".join(quote(part, errors="replace") for part in parts),
        ),
        st.sampled_from(["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "BREW"]),
        places,
        st.sampled_from(["", "v1", "v2"]),
        parameters,
        headers,
        bodies,
        users,
    )


def _json(body: Any) -> bytes:
    try:
        return msgspec.json.encode(body)
    except (UnicodeEncodeError, msgspec.EncodeError):
        return b"{}"


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(call=calls())
def test_every_call_has_an_answer_that_is_documented(
    asked: tuple[RestWorld, asyncio.AbstractEventLoop], call: Call
) -> None:
    _check(asked, call)


@pytest.mark.slow
@settings(max_examples=2_500, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(call=calls())
def test_thousands_of_calls_have_an_answer_that_is_documented(
    asked: tuple[RestWorld, asyncio.AbstractEventLoop], call: Call
) -> None:
    _check(asked, call)


def _check(asked: tuple[RestWorld, asyncio.AbstractEventLoop], call: Call) -> None:
    world, loop = asked

    async def ask() -> tuple[int, bytes, str | None]:
        answer = await world.api.answer(call)
        whole = answer.body + b"".join([piece async for piece in answer.pieces] if answer.pieces is not None else [])
        assert all("\n" not in value and "\r" not in value for value in answer.headers.values())
        return answer.status, whole, answer.content_type

    status, body, content_type = loop.run_until_complete(ask())
    assert status in STATUSES, body
    if status == 204:
        assert body == b""
    elif status >= 400:
        told = msgspec.json.decode(body)
        assert told.keys() == {"error", "status"}
        assert told["error"].keys() == {"message", "detail"}
    elif content_type == "application/json" and call.parts[-1:] != ("file",):
        assert isinstance(msgspec.json.decode(body), dict)


async def test_odd_bytes_in_a_request_line_have_an_answer_too(tmp_path: Path) -> None:
    async with rest_world(tmp_path) as world, served(world) as client:
        port = client.server.port
        for target in (
            b"/api/now/table/incident/%ff%fe",
            b"/api/now/table/\xff\xfe/x",
            b"/api/now/table/incident?sysparm_query=short_description%3D%ff",
            b"/api/now/table/incident?sysparm_query=\xed\xa0\x80",
            b"/api/now/stats/incident?sysparm_group_by=%00",
            b"/api/now/attachment/%2e%2e/file",
            b"/api/now/%2ftable/incident",
            b"/api/now/table/incident?%ff=%ff",
        ):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"GET " + target + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            line = await reader.readline()
            writer.close()
            assert line.split()[1] in {b"200", b"400", b"404"}, (target, line)
