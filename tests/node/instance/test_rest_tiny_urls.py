"""Short names for requests that are too long for a URL."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from node.instance.rest import tiny_urls
from tests.node.instance.rest_world import ADMIN_VIEWER, BASE_URL, SHARED, RestWorld, viewer

if TYPE_CHECKING:
    from node.instance.viewer import Viewer

pytestmark = SHARED

PATH = "/api/now/table/problem"


async def short(rest: RestWorld, url: str, *, by: Viewer = ADMIN_VIEWER) -> str:
    """What stands in the place of a URL, below `/api/now/`."""
    told = str((await rest("POST", "tinyurl", {"url": url}, by=by)).result)
    assert told.startswith("api/now/")
    return told.removeprefix("api/now/")


@pytest.mark.parametrize("base", [BASE_URL, f"{BASE_URL.upper()}:443", "http://127.0.0.1:8001", ""])
async def test_a_short_url_asks_what_the_long_one_asked(rest: RestWorld, base: str) -> None:
    made = await rest.make("problem", short_description="a & b = c")
    query = f"sys_idIN{made}" + "%2C0" * 1_000
    tiny = await short(rest, f"{base}{PATH}?sysparm_query={query}&sysparm_fields=short_description&sysparm_limit=5")
    assert len(tiny) < 100
    said = await rest("GET", tiny)
    assert said.result == [{"short_description": "a & b = c"}]
    assert said.headers["X-Total-Count"] == "1"
    assert (await rest("GET", f"{tiny}&sysparm_fields=sys_id")).result == [{"sys_id": made}]


async def test_whoever_uses_it_sees_what_may_be_seen_without_it(rest: RestWorld) -> None:
    await rest.make("problem", short_description="secret")
    tiny = await short(rest, f"{PATH}?short_description=secret")
    assert len((await rest("GET", tiny)).result) == 1
    said = await rest("GET", tiny, by=viewer("nobody"))
    assert (said.result, said.headers["X-Total-Count"]) == ([], "0")


async def test_a_name_is_of_one_path(rest: RestWorld) -> None:
    name = (await short(rest, f"{PATH}?active=true")).partition("?")[2]
    for url in (f"table/incident?{name}", "table/problem?sysparm_tiny=0123", "stats/problem?sysparm_tiny=x"):
        assert (await rest("GET", url)).error == (400, "Invalid value for sysparm_tiny")


@pytest.mark.parametrize(
    "url",
    [
        f"ftp://instance.example{PATH}",
        "https://[broken/api/now/table/problem",
        f"{BASE_URL}/incident_list.do?x=1",
        "/api/nowhere",
        "/api/now/",
        "javascript:alert(1)",
        "/api/now/table/problem?" + "a=1&" * 1_001,
        "/api/now/table/problem?" + "a" * 65_536,
        "/api/now/tinyurl",
        "/api/now/batch",
        "/api/now/no/such/path?a=b",
        "/api/now/table/%ff",
        "/api/now/table/",
        "/api/now/table/problem\r\nX-Header: a",
    ],
)
async def test_only_urls_of_this_instances_apis_are_taken(rest: RestWorld, url: str) -> None:
    assert (await rest("POST", "tinyurl", {"url": url})).error == (400, "Invalid url")


async def test_a_body_without_a_url_is_refused(rest: RestWorld) -> None:
    assert (await rest("POST", "tinyurl", {"link": PATH})).error == (400, "Missing mandatory parameter")
    assert (await rest("GET", "tinyurl")).status == 405


async def test_its_pages_are_linked_by_its_name(rest: RestWorld) -> None:
    for _ in range(4):
        await rest.make("problem", short_description="x")
    tiny = await short(rest, f"{PATH}?sysparm_query=numberISNOTEMPTY^ORnumber={'1' * 9_000}&sysparm_limit=2")
    said = await rest("GET", f"{tiny}&sysparm_offset=1&sysparm_fields=number")
    links = dict(reversed(one.split(";")) for one in said.headers["Link"].split(","))
    assert links['rel="prev"'] == f"<{BASE_URL}/api/now/{tiny}&sysparm_fields=number&sysparm_limit=2&sysparm_offset=0>"
    more = links['rel="next"'].strip("<>").removeprefix(f"{BASE_URL}/api/now/")
    assert (await rest("GET", more)).headers["X-Total-Count"] == said.headers["X-Total-Count"]


async def test_who_has_most_of_them_loses_his_oldest(rest: RestWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    other = viewer("other", "itil")
    others = await short(rest, f"{PATH}?active=true", by=other)
    monkeypatch.setattr(tiny_urls, "ALL_BYTES_MAX", 3 * tiny_urls.NAME_BYTES + 600)
    mine = [await short(rest, f"{PATH}?description={name * 200}") for name in "abc"]
    assert [(await rest("GET", one)).status for one in (others, *mine)] == [200, 400, 200, 200]
    long = await short(rest, f"/api/now/table/problem/{'x' * 500}?a=b")  # its path counts as well
    assert [(await rest("GET", one)).status for one in (others, *mine, long)] == [200, 400, 400, 400, 404]
