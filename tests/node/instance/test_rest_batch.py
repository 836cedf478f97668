"""The Batch API: many requests in one."""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from node.instance.rest import batch
from tests.node.instance.rest_world import SHARED, RestWorld, served, viewer

if TYPE_CHECKING:
    from node.instance.rest.calls import Call
    from tests.node.instance.rest_world import Said

pytestmark = SHARED

NOBODY = viewer("nobody")


def item(id_: str, method: str, url: str, body: Any = None, **more: Any) -> dict[str, Any]:
    encoded = {} if body is None else {"body": base64.b64encode(msgspec.json.encode(body)).decode()}
    headers = [{"name": "Content-Type", "value": "application/json"}]
    return {"id": id_, "method": method, "url": url, "headers": headers, **encoded, **more}


def batch_of(*items: Any) -> dict[str, Any]:
    return {"batch_request_id": 7, "rest_requests": list(items)}


def bodies(said: Said) -> list[Any]:
    assert said.status == 200
    found = [base64.b64decode(one["body"]) for one in said.json["serviced_requests"]]
    return [msgspec.json.decode(one) if one else None for one in found]


async def test_requests_are_answered_in_their_order_each_with_status_headers_and_body(rest: RestWorld) -> None:
    made = await rest.make("problem", short_description="one")
    said = await rest(
        "POST",
        "v1/batch",
        batch_of(
            item("3", "GET", f"/api/now/table/problem?sysparm_query=sys_id={made}&sysparm_fields=sys_id"),
            item("1", "PATCH", f"/api/now/table/problem/{made}", {"short_description": "two"}),
            item("2", "POST", "/api/now/v1/table/problem", {"short_description": "three"}),
            item("4", "DELETE", f"/api/now/table/problem/{made}"),
        ),
    )
    told = said.json
    assert told["batch_request_id"] == "7"
    assert told["unserviced_requests"] == []
    assert [(one["id"], one["status_code"], one["status_text"]) for one in told["serviced_requests"]] == [
        ("3", 200, "OK"),
        ("1", 200, "OK"),
        ("2", 201, "Created"),
        ("4", 204, "No Content"),
    ]
    listed, changed, _, removed = bodies(said)
    assert listed == {"result": [{"sys_id": made}]}
    assert {"name": "X-Total-Count", "value": "1"} in told["serviced_requests"][0]["headers"]
    length = len(base64.b64decode(told["serviced_requests"][0]["body"]))
    assert {"name": "Content-Length", "value": str(length)} in told["serviced_requests"][0]["headers"]
    assert changed["result"]["short_description"] == "two"
    assert removed is None


async def test_one_that_fails_undoes_nothing_of_the_others(rest: RestWorld) -> None:
    said = await rest(
        "POST",
        "batch",
        batch_of(
            item("1", "POST", "/api/now/table/problem", {"sys_id": "a" * 32}),
            item("2", "PATCH", "/api/now/table/problem/none", {}),
            item("3", "GET", "/api/now/table/no_table"),
            item("4", "GET", "/api/now/nothing"),
            item("5", "BREW", "/api/now/table/problem"),
            item("6", "POST", "/api/now/table/problem", {"sys_id": "b" * 32}),
        ),
    )
    assert [one["status_code"] for one in said.json["serviced_requests"]] == [201, 404, 400, 400, 405, 201]
    assert bodies(said)[2]["error"]["message"] == "Invalid table no_table"


async def test_each_is_asked_by_whoever_asks_the_batch(rest: RestWorld) -> None:
    await rest.make("problem", short_description="secret")
    headers = [{"name": "Authorization", "value": "Basic YWRtaW46YWRtaW4="}]
    said = await rest("POST", "batch", batch_of(item("1", "GET", "/api/now/table/problem", headers=headers)), by=NOBODY)
    assert bodies(said) == [{"result": []}]
    assert {"name": "X-Total-Count", "value": "0"} in said.json["serviced_requests"][0]["headers"]


async def test_an_empty_batch_is_answered(rest: RestWorld) -> None:
    said = await rest("POST", "batch", {"batch_request_id": "x", "rest_requests": []})
    assert said.json == {"batch_request_id": "x", "serviced_requests": [], "unserviced_requests": []}


async def test_headers_are_left_out_if_that_is_asked(rest: RestWorld) -> None:
    one = item("1", "GET", "/api/now/table/problem", exclude_response_headers=True)
    said = await rest("POST", "batch", batch_of(one))
    assert said.json["serviced_requests"][0]["headers"] == []


async def test_a_query_of_thirty_thousand_characters_is_taken(rest: RestWorld) -> None:
    made = await rest.make("problem", short_description="one")
    query = "AAAA%3DBBBB%5E" * 2_300 + f"sys_id%3D{made}%5EORDERBYsys_id"
    url = f"/api/now/table/problem?sysparm_query={query}&b'sysparm_display_value=all&sysparm_limit=10"
    assert len(url) > 30_000
    (listed,) = bodies(await rest("POST", "batch", batch_of(item("1", "GET", url))))
    assert [one["sys_id"] for one in listed["result"]] == [made]


async def test_an_item_is_read_as_it_would_be_alone(rest: RestWorld) -> None:
    made = await rest.make("problem", description="x")
    headers = [{"name": "CONTENT-TYPE", "value": "text/xml"}]
    said = await rest(
        "POST",
        "batch",
        batch_of(
            item("1", "get", f"/api/now/table/problem?sys_id={made}&description=&sysparm_fields=sys_id"),
            item("2", "POST", "/api/now/table/problem", {}, headers=headers),
            item("3", "GET", f"/api/now/table/problem?{'a=1&' * 1_001}"),
        ),
    )
    assert [one["status_code"] for one in said.json["serviced_requests"]] == [200, 415, 400]
    assert bodies(said)[0] == {"result": []}


@pytest.mark.parametrize("url", ["/api/now/batch", "/api/now/v1/batch", "/api/now//batch/", "/api/now/%62atch"])
async def test_a_batch_within_a_batch_is_refused(rest: RestWorld, url: str) -> None:
    said = await rest("POST", "v1/batch", batch_of(item("1", "POST", url, batch_of())))
    assert [one["status_code"] for one in said.json["serviced_requests"]] == [400]


@pytest.mark.parametrize("url", ["https://elsewhere.example/api/now/table/problem", "/login", "", "table/problem"])
async def test_what_is_no_path_of_the_apis_is_refused(rest: RestWorld, url: str) -> None:
    said = await rest("POST", "batch", batch_of(item("1", "GET", url)))
    assert [one["status_code"] for one in said.json["serviced_requests"]] == [400]


async def test_a_body_that_is_no_base64_is_refused(rest: RestWorld) -> None:
    one = {"id": "1", "method": "POST", "url": "/api/now/table/problem", "body": "a"}
    said = await rest("POST", "batch", batch_of(one))
    assert [one["status_code"] for one in said.json["serviced_requests"]] == [400]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        {"rest_requests": 1},
        batch_of({"id": "1"}),
        batch_of(1),
        batch_of(item("1", "GET", 5)),
        batch_of(item("x" * 257, "GET", "/api/now/table/problem")),
        {"batch_request_id": "x" * 257, "rest_requests": []},
        {"batch_request_id": 2**63, "rest_requests": []},
    ],  # type: ignore[arg-type]
)
async def test_what_is_no_batch_is_refused_whole(rest: RestWorld, body: Any) -> None:
    assert (await rest("POST", "batch", body)).error == (400, "Exception while reading request")


async def test_what_is_beyond_a_limit_is_told_as_unserviced(rest: RestWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch, "REQUESTS_MAX", 2)
    small = [item(str(at), "GET", "/api/now/table/problem") for at in range(4)]
    assert (await rest("POST", "batch", batch_of(*small))).json["unserviced_requests"] == ["2", "3"]
    monkeypatch.setattr(batch, "REQUEST_BYTES_MAX", 100)
    large = item("9", "POST", "/api/now/table/problem", {"description": "x" * 200})
    said = await rest("POST", "batch", batch_of(small[0], large, small[1]))
    assert said.json["unserviced_requests"] == ["9", "1"]


def statuses(said: Said) -> dict[str, int]:
    return {one["id"]: one["status_code"] for one in said.json["serviced_requests"]}


async def test_an_answer_that_is_too_large_is_not_sent(rest: RestWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    await rest.make("problem", short_description="one")
    urls = ("problem?sysparm_limit=0", "problem", "no_table", "problem?sysparm_limit=0")
    items = [item(str(at), "GET", f"/api/now/table/{url}") for at, url in enumerate(urls)]
    for asked, second in (("100", 400), ("1000", 400), ("9" * 5_000, 200)):
        headers = {"content-type": "application/json", "X-BATCHREQUEST-MAX-OUTPUT-SIZE": asked}
        said = await rest("POST", "batch", batch_of(*items), headers=headers)
        assert statuses(said) == {"0": 200, "1": second, "2": 400, "3": 200}
        assert said.json["unserviced_requests"] == []
        if second == 400:
            assert bodies(said)[1]["error"]["detail"].startswith(f"The answer has more than {asked} bytes.")
        assert bodies(said)[2]["error"]["message"] == "Invalid table no_table"
    monkeypatch.setattr(batch, "ITEM_ANSWER_BYTES_MAX", 1_000)
    more = {"content-type": "application/json", "X-BATCHREQUEST-MAX-OUTPUT-SIZE": "1000000"}
    assert statuses(await rest("POST", "batch", batch_of(*items), headers=more))["1"] == 400


async def test_what_was_done_is_told_whatever_size_its_answer_has(rest: RestWorld) -> None:
    url = "/api/now/table/problem"
    made = [item(str(at), "POST", url, {"sys_id": f"{at:032x}"}) for at in (1, 2)]
    again = item("3", "POST", url, {"sys_id": f"{1:032x}"})
    headers = {"content-type": "application/json", "X-BATCHREQUEST-MAX-OUTPUT-SIZE": "50"}
    said = await rest("POST", "batch", batch_of(*made, again), headers=headers)
    assert (statuses(said), said.json["unserviced_requests"]) == ({"1": 201, "2": 201, "3": 403}, [])
    assert bodies(said)[:2] == [None, None]
    names = [{header["name"]: header["value"] for header in one["headers"]} for one in said.json["serviced_requests"]]
    assert names[1]["Location"].endswith(f"{url}/{2:032x}")
    assert "Content-Type" not in names[1]
    assert bodies(said)[2]["error"]["message"] == "Operation Failed"


async def test_a_file_that_is_too_large_is_not_sent_and_one_that_is_not_comes_whole(
    rest: RestWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = await rest.make("problem", short_description="one")
    content = bytes(range(256)) * 2_000
    url = f"attachment/file?table_name=problem&table_sys_id={record}&file_name=x"
    file = (await rest("POST", url, content, headers={"content-type": "x/y"})).result["sys_id"]
    items = [item(str(at), "get", f"/api/now/attachment/{file}/file") for at in range(3)]
    said = await rest("POST", "batch", batch_of(*items))
    assert [base64.b64decode(one["body"]) for one in said.json["serviced_requests"]] == [content] * 3
    monkeypatch.setattr(batch, "ALL_ANSWERS_BYTES_MAX", len(content) * 3 // 2)
    said = await rest("POST", "batch", batch_of(*items))
    assert (statuses(said), said.json["unserviced_requests"]) == ({"0": 200, "1": 200}, ["2"])
    monkeypatch.setattr(batch, "ITEM_ANSWER_BYTES_MAX", len(content) - 1)
    assert statuses(await rest("POST", "batch", batch_of(*items))) == {"0": 400, "1": 400, "2": 400}


async def test_it_is_known_beforehand_how_long_base64_makes_an_answer() -> None:
    lengths = range(10)
    assert [batch._encoded_bytes(one) for one in lengths] == [len(base64.b64encode(bytes(one))) for one in lengths]


async def test_a_batch_ends_when_its_time_is_over(rest: RestWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    find = rest.api.router.find

    def slow(call: Call) -> Any:
        rest.clock.ahead_s += 20 if call.parts != ("batch",) else 0
        return find(call)

    monkeypatch.setattr(rest.api.router, "find", slow)
    items = [item(str(at), "GET", "/api/now/table/problem") for at in range(4)]
    said = await rest("POST", "batch", batch_of(*items))
    assert said.json["unserviced_requests"] == ["2", "3"]
    assert [one["execution_time"] for one in said.json["serviced_requests"]] == [20_000, 20_000]


async def test_a_client_sends_a_batch_over_a_socket(rest: RestWorld) -> None:
    sent = batch_of(*(item(str(at), "POST", "/api/now/table/problem", {"short_description": "x"}) for at in range(20)))
    async with served(rest) as client, client.post("/api/now/v1/batch", json=sent) as answer:
        assert answer.status == 200
        assert answer.content_type == "application/json"
        told = await answer.json()
    assert [one["status_code"] for one in told["serviced_requests"]] == [201] * 20
    location = next(one["value"] for one in told["serviced_requests"][0]["headers"] if one["name"] == "Location")
    assert re.fullmatch(r"http://127.0.0.1:\d+/api/now/table/problem/[0-9a-f]{32}", location)
