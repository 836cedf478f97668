"""What all REST APIs take beside a path: parameters and bodies."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
import pytest_asyncio

from node.instance.first_records import ADMIN
from node.instance.records import reading
from tests.node.instance.rest_world import BASE_URL, SHARED, RestWorld

if TYPE_CHECKING:
    from collections.abc import Mapping

pytestmark = SHARED

LIST = "table/sys_user_group?sysparm_query=nameSTARTSWITHteam^ORDERBYname&sysparm_fields=name"
NAMES = [f"team {n}" for n in range(5)]


@pytest_asyncio.fixture(scope="module", loop_scope="module", autouse=True)
async def teams(rest: RestWorld) -> None:
    """Five records, which are only read."""
    for name in NAMES:
        await rest.make("sys_user_group", name=name, manager=ADMIN, description="a^b" if name == "team 3" else "")


async def names(rest: RestWorld, more: str, of: str = LIST) -> list[str]:
    return [one["name"] for one in (await rest("GET", f"{of}{more}")).result]


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ("", NAMES),
        ("&sysparm_limit=2", NAMES[:2]),
        ("&sysparm_limit=2&sysparm_offset=1", NAMES[1:3]),
        ("&sysparm_limit=2&sysparm_offset=4", NAMES[4:]),
        ("&sysparm_limit=0", []),
        ("&sysparm_limit=&sysparm_offset=", NAMES),
        ("&sysparm_limit=4&sysparm_limit=1", NAMES[:1]),
        ("&sysparm_limit= 3 ", NAMES[:3]),
        ("&sysparm_limit=999999999", NAMES),
        ("&description=a^b", NAMES[3:4]),
        ("&manager.user_name=admin&name=team 1", NAMES[1:2]),
        ("&manager.user_name=nobody", []),
        ("&sysparm_view=&sysparm_bogus=1", NAMES),
    ],
)
async def test_parameters_say_which_records_are_meant(rest: RestWorld, more: str, expected: list[str]) -> None:
    assert await names(rest, more) == expected


@pytest.mark.parametrize("value", ["-1", "1.5", "many", "1000000000", "0x1", "1_0", "\uff11"])
@pytest.mark.parametrize("name", ["sysparm_limit", "sysparm_offset"])
async def test_a_number_that_is_none_is_refused(rest: RestWorld, name: str, value: str) -> None:
    said = await rest("GET", f"{LIST}&{name}={value}")
    assert said.error == (400, f"Invalid value for {name}")


async def test_a_page_has_an_end_whatever_is_asked_for(rest: RestWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "PAGE_MAX", 2)
    said = await rest("GET", f"{LIST}&sysparm_limit=4")
    assert ([one["name"] for one in said.result], said.headers["X-Total-Count"]) == (NAMES[:2], "5")
    said = await rest("GET", f"{LIST}&sysparm_limit=20000")
    assert "sysparm_limit=10000" in said.headers["Link"]


@pytest.mark.parametrize(
    ("offset", "expected"),
    [
        (0, {"first": 0, "next": 2, "last": 4}),
        (1, {"first": 0, "prev": 0, "next": 3, "last": 4}),
        (2, {"first": 0, "prev": 0, "next": 4, "last": 4}),
        (3, {"first": 0, "prev": 1, "last": 4}),
        (4, {"first": 0, "prev": 2, "last": 4}),
    ],
)
async def test_links_lead_to_the_pages_around(rest: RestWorld, offset: int, expected: Mapping[str, int]) -> None:
    asked = "sysparm_fields=name&sysparm_query=nameSTARTSWITHteam"
    said = await rest("GET", f"v2/table/sys_user_group?{asked}&sysparm_limit=2&sysparm_offset={offset}")
    here = f"{BASE_URL}/api/now/v2/table/sys_user_group?{asked}&sysparm_limit=2&sysparm_offset="
    assert said.headers["Link"] == ",".join(f'<{here}{at}>;rel="{rel}"' for rel, at in expected.items())


async def test_an_even_number_of_records_has_its_last_page_full_and_none_has_one(rest: RestWorld) -> None:
    even = await rest("GET", f"{LIST}&sysparm_limit=1&sysparm_offset=3")
    assert 'sysparm_offset=4>;rel="last"' in even.headers["Link"]
    none = await rest("GET", "table/sys_user_group?sysparm_query=name=none&sysparm_limit=1")
    assert none.headers["Link"].endswith('sysparm_offset=0>;rel="last"')
    assert 'rel="next"' not in none.headers["Link"]


async def test_links_have_no_longer_a_line_than_clients_take(rest: RestWorld) -> None:
    for length, expected in ((900, ["first", "prev", "next", "last"]), (3_500, ["prev", "next"]), (9_000, [])):
        query = f"nameSTARTSWITHteam^ORname={'1' * length}"
        said = await rest("GET", f"table/sys_user_group?sysparm_query={query}&sysparm_limit=1&sysparm_offset=1")
        assert re.findall('rel="([a-z]+)"', said.headers.get("Link", "")) == expected
        assert len(said.result) == 1


async def test_a_total_that_is_not_wanted_is_not_told(rest: RestWorld) -> None:
    said = await rest("GET", f"{LIST}&sysparm_no_count=True")
    assert "X-Total-Count" not in said.headers
    assert "Link" not in said.headers


async def test_fields_are_named_with_or_without_spaces_and_once(rest: RestWorld) -> None:
    query = "table/sys_user_group?sysparm_query=name=team 1&sysparm_fields=name, manager.user_name ,,name"
    assert (await rest("GET", query)).result == [{"name": "team 1", "manager.user_name": "admin"}]


@pytest.mark.parametrize(
    ("more", "manager"),
    [
        ("sysparm_display_value=bogus&sysparm_exclude_reference_link=True", ADMIN),
        ("sysparm_display_value=ALL&sysparm_exclude_reference_link=yes",
         {"display_value": "System Administrator", "value": ADMIN, "link": f"{BASE_URL}/api/now/table/sys_user/{ADMIN}"}),
    ],
)  # fmt: skip
async def test_parameters_are_read_in_any_case_and_odd_ones_are_none(rest: RestWorld, more: str, manager: Any) -> None:
    said = await rest("GET", f"table/sys_user_group?sysparm_query=name=team 1&sysparm_fields=manager&{more}")
    assert said.result == [{"manager": manager}]


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ({"description": None}, ""),
        ({"description": True}, "true"),
        ({"description": 12}, "12"),
        ({"description": 1.5}, "1.5"),
        ({"description": "a\0b"}, "ab"),
        ({"description": {"value": "a", "link": "x"}}, "a"),
        ({"description": {"value": None}}, ""),
        (b"", ""),
        (b" \n", ""),
    ],
    ids=str,
)
async def test_values_may_be_written_as_json_has_them(rest: RestWorld, sent: Any, kept: str) -> None:
    said = await rest("POST", "table/incident?sysparm_fields=description", sent)
    assert (said.status, said.result) == (201, {"description": kept})


@pytest.mark.parametrize(
    "sent",
    [
        {f"f{n}": "" for n in range(1_001)},
        {"description": "x" * 1_000_001},
        {"description": {"display_value": "a"}},
        {"description": []},
        [],
        b"\xff",
        b'{"description": "\xff"}',
        b'{"a":' * 2_000,
        b"null",
    ],
    ids=["fields", "long", "object", "list", "no object", "no text", "no text within", "deep", "null"],
)
async def test_a_body_that_is_no_record_is_refused(rest: RestWorld, sent: Any) -> None:
    assert (await rest("POST", "table/incident", sent)).error == (400, "Exception while reading request")


@pytest.mark.parametrize(
    ("content_type", "status"),
    [
        (None, 201),
        ("", 201),
        ("application/json", 201),
        ("Application/JSON ; charset=utf-8", 201),
        ("text/json", 201),
        ("application/merge-patch+json", 201),
        ("application/xml", 415),
        ("text/plain", 415),
        ("application/jsonp", 415),
    ],
)
async def test_a_body_is_json_whatever_its_type_is_called(
    rest: RestWorld, content_type: str | None, status: int
) -> None:
    headers = {} if content_type is None else {"content-type": content_type}
    said = await rest("POST", "table/incident", msgspec.json.encode({"description": "x"}), headers=headers)
    assert said.status == status
    assert status != 415 or said.error == (415, "Unsupported Media Type")
