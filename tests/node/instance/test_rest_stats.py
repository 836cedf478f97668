"""The Aggregate API: figures over records."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

from node.instance.records import aggregating
from tests.node.instance.rest_world import ADMIN_VIEWER, SHARED, RestWorld, served, viewer

if TYPE_CHECKING:
    from collections.abc import Mapping

pytestmark = SHARED

NOBODY = viewer("nobody")
CALLER = viewer("caller")
WORKER = viewer("worker", "itil")
CATEGORIES: Mapping[str, tuple[int, ...]] = {"hardware": (1, 2, 2), "network": (5,), "software": (4, 4)}


@pytest_asyncio.fixture(scope="module", loop_scope="module", autouse=True)
async def incidents(rest: RestWorld) -> None:
    """Six incidents: their numbers of hands are the figures."""
    group = await rest.make("sys_user_group", name="Desk")
    for category, counts in CATEGORIES.items():
        for at, count in enumerate(counts):
            await rest.make(
                "incident",
                category=category,
                reassignment_count=count,
                assignment_group=group if at == 0 else "",
                time_worked=f"1970-01-01 0{count}:00:00",
                caller_id=CALLER.sys_id if category == "network" else "",
            )


async def stats(rest: RestWorld, query: str, **more: Any) -> Any:
    return (await rest("GET", f"stats/incident?{query}", **more)).result


async def test_records_are_counted_and_their_figures_worked_out(rest: RestWorld) -> None:
    found = await stats(
        rest,
        "sysparm_count=true&sysparm_sum_fields=reassignment_count&sysparm_avg_fields=reassignment_count,time_worked"
        "&sysparm_min_fields=category,time_worked&sysparm_max_fields=category",
    )
    assert found == {
        "stats": {
            "count": "6",
            "avg": {"reassignment_count": "3.0000", "time_worked": "1970-01-01 03:00:00"},
            "min": {"category": "hardware", "time_worked": "1970-01-01 01:00:00"},
            "max": {"category": "software"},
            "sum": {"reassignment_count": "18"},
        }
    }


async def test_nothing_is_told_that_was_not_asked_for(rest: RestWorld) -> None:
    assert await stats(rest, "") == {"stats": {}}


async def test_of_no_records_there_is_a_count_and_no_figure(rest: RestWorld) -> None:
    found = await stats(rest, "sysparm_count=true&sysparm_avg_fields=impact&sysparm_query=category=none")
    assert found == {"stats": {"count": "0", "avg": {"impact": ""}}}


async def test_a_query_and_pairs_of_name_and_value_select_the_records(rest: RestWorld) -> None:
    for query in ("sysparm_query=category=hardware^reassignment_count>1", "category=software"):
        assert await stats(rest, f"sysparm_count=true&{query}") == {"stats": {"count": "2"}}


async def test_groups_are_told_with_the_values_that_they_have_in_common(rest: RestWorld) -> None:
    found = await stats(
        rest, "sysparm_count=true&sysparm_group_by=category,caller_id.user_name&sysparm_max_fields=state"
    )
    assert [one["stats"] for one in found] == [
        {"count": "3", "max": {"state": "1"}},
        {"count": "1", "max": {"state": "1"}},
        {"count": "2", "max": {"state": "1"}},
    ]
    assert found[0]["groupby_fields"] == [
        {"field": "category", "value": "hardware"},
        {"field": "caller_id.user_name", "value": ""},
    ]


async def test_groups_come_from_the_query_too(rest: RestWorld) -> None:
    found = await stats(rest, "sysparm_count=true&sysparm_query=GROUPBYcategory")
    assert [one["groupby_fields"][0]["value"] for one in found] == list(CATEGORIES)


@pytest.mark.parametrize(
    ("display", "told"),
    [
        ("false", [{"field": "category", "value": "network"}]),
        ("True", [{"field": "category", "value": "Network"}]),
        ("all", [{"field": "category", "value": "network", "display_value": "Network"}]),
    ],
)
async def test_groups_are_shown_as_people_see_them_if_that_is_asked(
    rest: RestWorld, display: str, told: list[Any]
) -> None:
    query = f"sysparm_query=category=network&sysparm_group_by=category&sysparm_display_value={display}"
    assert await stats(rest, query) == [{"stats": {}, "groupby_fields": told}]


async def test_a_reference_is_shown_by_what_it_refers_to(rest: RestWorld) -> None:
    found = await stats(rest, "sysparm_group_by=assignment_group,sys_class_name&sysparm_display_value=true")
    assert [[field["value"] for field in one["groupby_fields"]] for one in found] == [
        ["", "Incident"],
        ["Desk", "Incident"],
    ]


async def test_a_reference_is_shown_so_however_its_sys_id_is_written(rest: RestWorld) -> None:
    made = await rest.make("problem", opened_by=ADMIN_VIEWER.sys_id.upper())
    query = f"sysparm_query=sys_id={made}&sysparm_group_by=opened_by,sys_class_name&sysparm_display_value=true"
    (found,) = (await rest("GET", f"stats/problem?{query}")).result
    assert [field["value"] for field in found["groupby_fields"]] == ["System Administrator", "Problem"]


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ("category^DESC", ["software", "network", "hardware"]),
        ("COUNT", ["network", "software", "hardware"]),
        ("COUNT^DESC", ["hardware", "software", "network"]),
        ("AVG^reassignment_count", ["hardware", "software", "network"]),
        ("sum^reassignment_count^DESC", ["software", "hardware", "network"]),
        ("category^desc", ["software", "network", "hardware"]),
        ("COUNT^caller_id^DESC", ["network", "hardware", "software"]),
        ("reassignment_count^DESC", ["hardware", "network", "software"]),
        ("nothing^^DESC,bunk", ["hardware", "network", "software"]),
    ],
)
async def test_groups_are_ordered(rest: RestWorld, order: str, expected: list[str]) -> None:
    found = await stats(rest, f"sysparm_group_by=category&sysparm_order_by={order}")
    assert [one["groupby_fields"][0]["value"] for one in found] == expected


@pytest.mark.parametrize(
    ("having", "expected"),
    [
        ("count^category^>^1", ["hardware", "software"]),
        ("count^category^>^1,avg^reassignment_count^>=^4", ["software"]),
        ("SUM^reassignment_count^=^5", ["hardware", "network"]),
        ("max^category^!=^network", ["hardware", "software"]),
        ("count^category^<^2", ["network"]),
        ("count^category^<=^2", ["network", "software"]),
        ("count^caller_id^=^0", ["hardware", "software"]),
        ("count^no_field^>^100", ["hardware", "network", "software"]),
    ],
)
async def test_groups_are_left_out_by_their_figures(rest: RestWorld, having: str, expected: list[str]) -> None:
    found = await stats(rest, f"sysparm_group_by=category&sysparm_having={having}")
    assert [one["groupby_fields"][0]["value"] for one in found] == expected


@pytest.mark.parametrize(
    "query",
    [
        "sysparm_having=count",
        "sysparm_having=count^category^LIKE^1",
        "sysparm_having=median^category^>^1",
        "sysparm_having=count^category^>^many",
        "sysparm_having=count^category^>^nan",
        "sysparm_having=count^category^>^1_0",
        "sysparm_having=count^category^>^\uff11",
        "sysparm_avg_fields=short_description",
        "sysparm_sum_fields=sys_created_on",
        "sysparm_having=count^category^>^1e999",
        *(f"sysparm_{name}={','.join(f'a{at}' for at in range(51))}" for name in ("max_fields", "order_by")),
        f"sysparm_having={','.join(f'count^a{at}^>^1' for at in range(51))}",
    ],
)
async def test_what_can_not_be_worked_out_is_refused(rest: RestWorld, query: str) -> None:
    assert (await rest("GET", f"stats/incident?{query}&sysparm_group_by=category")).status == 400


async def test_there_is_an_end_of_groups(rest: RestWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aggregating, "GROUPS_MAX", 3)
    assert len(await stats(rest, "sysparm_group_by=category")) == 3
    monkeypatch.setattr(aggregating, "GROUPS_MAX", 2)
    assert (await rest("GET", "stats/incident?sysparm_group_by=category")).error == (400, "Too many groups")


async def test_figures_without_groups_that_having_leaves_out_are_none(rest: RestWorld) -> None:
    assert await stats(rest, "sysparm_count=true&sysparm_having=count^category^>^100") == {"stats": {}}


async def test_a_sum_that_no_column_could_hold_is_told(rest: RestWorld) -> None:
    for _ in range(3):
        await rest.make("problem", order=2**62, short_description="sum")
    said = await rest("GET", "stats/problem?sysparm_sum_fields=order&sysparm_query=short_description=sum")
    assert said.result == {"stats": {"sum": {"order": str(3 * 2**62)}}}


async def test_a_table_that_is_not_there_is_refused(rest: RestWorld) -> None:
    assert (await rest("GET", "stats/no_table?sysparm_count=true")).error == (400, "Invalid table no_table")


async def test_what_a_user_may_not_read_is_in_no_figure(rest: RestWorld) -> None:
    query = "sysparm_count=true&sysparm_sum_fields=reassignment_count"
    assert await stats(rest, query, by=NOBODY) == {"stats": {"count": "0", "sum": {"reassignment_count": ""}}}
    assert await stats(rest, query, by=CALLER) == {"stats": {"count": "1", "sum": {"reassignment_count": "5"}}}
    assert await stats(rest, f"{query}&sysparm_group_by=category", by=NOBODY) == []


async def test_a_field_that_a_user_may_not_read_is_as_one_that_is_not_there(rest: RestWorld) -> None:
    for name in ("locked_out", "no_field"):
        query = f"sysparm_count=true&sysparm_max_fields={name}&sysparm_group_by={name}&sysparm_having=count^{name}^>^99"
        said = await rest("GET", f"stats/sys_user?{query}", by=WORKER)
        assert said.result["stats"].keys() == {"count"}
    secret = await rest("GET", "stats/sys_user?sysparm_max_fields=user_password&sysparm_group_by=user_password")
    assert secret.result == {"stats": {}}


async def test_a_client_asks_for_figures_over_a_socket(rest: RestWorld) -> None:
    asked = {"sysparm_count": "true", "sysparm_group_by": "category", "sysparm_query": "active=true^ORDERBYcategory"}
    async with served(rest) as client, client.get("/api/now/v1/stats/incident", params=asked) as answer:
        told = await answer.json()
    assert [one["stats"]["count"] for one in told["result"]] == ["3", "1", "2"]
