"""What `javascript:gs.…` and relative dates stand for, by examples that a calendar confirms."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.instance.query import dates
from node.instance.query.fields import offsets
from node.instance.viewer import Viewer

ZURICH = ZoneInfo("Europe/Zurich")
NOW = datetime(2026, 3, 31, 10, 30, 15, tzinfo=UTC)  # a Tuesday, 12:30 in Zurich, two days into its summer time
HALF_PAST_FIVE = ZoneInfo("Asia/Kolkata")


def viewer(zone=ZURICH) -> Viewer:
    return Viewer(sys_id="u1", user_name="ann", name="Ann Other", groups=frozenset({"g2", "g1"}), zone=zone)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("script", "instant"),
    [
        ("gs.beginningOfToday()", "2026-03-30 22:00:00"),
        ("gs.endOfToday()", "2026-03-31 21:59:59"),
        ("gs.beginningOfYesterday()", "2026-03-29 22:00:00"),
        ("gs.endOfTomorrow()", "2026-04-01 21:59:59"),
        ("gs.daysAgoStart(0)", "2026-03-30 22:00:00"),
        ("gs.daysAgoStart(2)", "2026-03-28 23:00:00"),
        ("gs.daysAgoEnd(2)", "2026-03-29 21:59:59"),
        ("gs.daysAgo(3)", "2026-03-28 11:30:15"),
        ("gs.daysAgoStart(-1)", "2026-03-31 22:00:00"),
        ("gs.hoursAgo(2)", "2026-03-31 08:30:15"),
        ("gs.hoursAgoStart(2)", "2026-03-31 08:00:00"),
        ("gs.hoursAgoEnd(2)", "2026-03-31 08:59:59"),
        ("gs.minutesAgo(31)", "2026-03-31 09:59:15"),
        ("gs.minutesAgoStart(5)", "2026-03-31 10:25:00"),
        ("gs.minutesAgoEnd(5)", "2026-03-31 10:25:59"),
        ("gs.beginningOfThisWeek()", "2026-03-29 22:00:00"),
        ("gs.endOfLastWeek()", "2026-03-29 21:59:59"),
        ("gs.beginningOfNextWeek()", "2026-04-05 22:00:00"),
        ("gs.beginningOfThisMonth()", "2026-02-28 23:00:00"),
        ("gs.endOfThisMonth()", "2026-03-31 21:59:59"),
        ("gs.beginningOfLastMonth()", "2026-01-31 23:00:00"),
        ("gs.endOfNextMonth()", "2026-04-30 21:59:59"),
        ("gs.monthsAgo(1)", "2026-02-28 11:30:15"),
        ("gs.monthsAgoStart(3)", "2025-11-30 23:00:00"),
        ("gs.monthsAgoEnd(1)", "2026-02-28 22:59:59"),
        ("gs.beginningOfThisQuarter()", "2025-12-31 23:00:00"),
        ("gs.quartersAgoStart(1)", "2025-09-30 22:00:00"),
        ("gs.quartersAgo(4)", "2025-03-31 10:30:15"),
        ("gs.beginningOfLastYear()", "2024-12-31 23:00:00"),
        ("gs.endOfThisYear()", "2026-12-31 22:59:59"),
        ("gs.yearsAgo(2)", "2024-03-31 10:30:15"),
        ("gs.yesterday()", "2026-03-30 10:30:15"),
        ("gs.nowDateTime()", "2026-03-31 10:30:15"),
        ("gs.dateGenerate('2026-01-15','08:30:00')", "2026-01-15 07:30:00"),
        ('gs.dateGenerate("2026-07-15","start")', "2026-07-14 22:00:00"),
        ("gs.dateGenerate('2026-03-29','end')", "2026-03-29 21:59:59"),
        (" gs.endOfToday( ) ; ", "2026-03-31 21:59:59"),
    ],
)
def test_a_script_of_the_list_is_an_instant_of_the_viewers_calendar(script, instant):
    assert dates.value(f"javascript:{script}", viewer(), NOW) == utc(instant)


def test_hours_begin_where_the_viewers_clock_strikes():
    assert dates.value("javascript:gs.hoursAgoStart(0)", viewer(HALF_PAST_FIVE), NOW) == utc("2026-03-31 10:30:00")


@pytest.mark.parametrize(
    ("script", "value"),
    [
        ("gs.getUserID()", "u1"),
        ("gs.getUser().getID()", "u1"),
        ("gs.getUserName()", "ann"),
        ("gs.getUserDisplayName()", "Ann Other"),
        ("gs.getUser().getMyGroups()", ("g1", "g2")),
        ("getMyGroups();", ("g1", "g2")),
    ],
)
def test_a_script_of_the_list_is_the_viewer(script, value):
    assert dates.value(f"javascript:{script}", viewer(), NOW) == value


@pytest.mark.parametrize(
    "script",
    [
        "",
        "gs",
        "gs.daysAgo",
        "gs.daysAgo()",
        "gs.daysAgo(1,2)",
        "gs.daysAgo('one')",
        "gs.daysAgo(99999999)",
        "gs.daysAgo(9999999)",
        "gs.yearsAgo(2026)",
        "gs.yearsAgo(-7974)",
        "gs.beginningOfTime()",
        "gs.dateGenerate('2026-02-30','start')",
        "gs.dateGenerate('2026-02-28','25:00:00')",
        "gs.dateGenerate('0001-01-01','start')",
        "gs.getProperty('glide.secret')",
        "daysAgo(1)",
        "new GlideRecord('sys_user').deleteMultiple()",
        "gs.getUserID() + 1",
        "gs.getUserID());gs.getUserID(",
        "__import__('os').system('true')",
    ],
)
def test_any_other_script_is_no_value(script):
    assert dates.value(f"javascript:{script}", viewer(), NOW) is None


@given(st.text())
def test_no_script_raises(text):
    dates.value(f"javascript:{text}", viewer(), NOW)
    dates.value(f"javascript:gs.{text}(1)", viewer(), NOW)
    dates.relative(text, viewer(), NOW)
    dates.relative(f"@hour@ago@{text}", viewer(), NOW)


def test_what_is_no_script_stands_for_itself():
    assert dates.value("gs.getUserID()", viewer(), NOW) == "gs.getUserID()"


@pytest.mark.parametrize(
    ("text", "moment", "beginning", "end"),
    [
        ("@minute@ago@10", "2026-03-31 10:20:15", "2026-03-31 10:20:00", "2026-03-31 10:20:59"),
        ("@hour@ahead@1", "2026-03-31 11:30:15", "2026-03-31 11:00:00", "2026-03-31 11:59:59"),
        ("@dayofweek@ago@7", "2026-03-24 11:30:15", "2026-03-23 23:00:00", "2026-03-24 22:59:59"),
        ("@week@ago@1", "2026-03-24 11:30:15", "2026-03-22 23:00:00", "2026-03-29 21:59:59"),
        ("@month@ago@1", "2026-02-28 11:30:15", "2026-01-31 23:00:00", "2026-02-28 22:59:59"),
        ("@quarter@ago@1", "2025-12-31 11:30:15", "2025-09-30 22:00:00", "2025-12-31 22:59:59"),
        ("@year@ago@1", "2025-03-31 10:30:15", "2024-12-31 23:00:00", "2025-12-31 22:59:59"),
    ],
)
def test_a_relative_date_is_a_moment_and_the_unit_around_it(text, moment, beginning, end):
    found = dates.relative(text, viewer(), NOW)
    assert (found.moment, found.beginning, found.end) == (utc(moment), utc(beginning), utc(end))


@pytest.mark.parametrize(
    "text", ["", "@hour@ago", "hour@ago@1", "@hour@since@1", "@era@ago@1", "@hour@ago@x", "@year@ago@9999"]
)
def test_what_is_no_relative_date_is_none(text):
    assert dates.relative(text, viewer(), NOW) is None


def test_the_offsets_of_a_zone_change_when_its_clocks_do():
    found = [(one.begins, one.minutes) for one in offsets(ZURICH, 2025, 2026)]
    assert found == [
        ("2025-01-01 00:00:00", 60),
        ("2025-03-30 01:00:00", 120),
        ("2025-10-26 01:00:00", 60),
        ("2026-03-29 01:00:00", 120),
        ("2026-10-25 01:00:00", 60),
    ]


def test_a_zone_whose_clocks_never_change_has_one_offset():
    assert [one.modifier for one in offsets(HALF_PAST_FIVE, 2025, 2026)] == ["+330 minutes"]
