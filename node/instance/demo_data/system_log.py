"""The instance's own log of the last days."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from node.instance.demo_data.drawing import DAY_S, Draw, instant, sys_id
from node.instance.demo_data.wording import expand_one

if TYPE_CHECKING:
    from collections.abc import Iterable

    from node.instance.demo_data.record import Record
    from node.instance.demo_data.world import World

LINE_COUNT: Final = 720
"""Tests of clients count on more than 600."""
SPAN_DAYS: Final = 14

_INFORMATION, _WARNING, _ERROR = "0", "1", "2"
_LINES: Final = (
    (
        30,
        _INFORMATION,
        "Scheduler",
        ("Job '{job}' ended after {ms} ms", "Job '{job}' started", "Job '{job}' has {count} rows left"),
    ),
    (
        18,
        _INFORMATION,
        "Session",
        ("{user} signed in from 10.20.{octet}.{count}", "Session of {user} ended after {count} minutes"),
    ),
    (
        14,
        _INFORMATION,
        "REST",
        ("GET /api/now/table/{table} answered in {ms} ms", "POST /api/now/table/{table} by {user}"),
    ),
    (9, _INFORMATION, "Email", ("{count} mails sent, none left", "Mail from {user} became an update of INC{number}")),
    (7, _INFORMATION, "Discovery", ("{server} seen, {count} changes", "{laptop} seen, nothing new")),
    (8, _WARNING, "Session", ("Wrong password for {user}, try {try}", "{user} is locked out after five tries")),
    (
        6,
        _WARNING,
        "Query",
        (
            "Slow query on {table}: {ms} ms, {count},{three} rows read",
            "Query on {table} names a field that is not there",
        ),
    ),
    (5, _WARNING, "Email", ("Mail to {user} delayed, the server answered 451", "Mailbox is {percent} % full")),
    (
        3,
        _ERROR,
        "Import",
        ("Row {count} of {file} has no user_name, left out", "{file} can't be read: line {number} ends too early"),
    ),
    (
        2,
        _ERROR,
        "Integration",
        ("{server} did not answer within {try}0 s", "Certificate of {server} ends in {count} days"),
    ),
)
_JOBS: Final = ("Close resolved incidents", "Refresh reports", "Import users", "Clean up sessions", "Send reminders")
_TABLES: Final = ("incident", "sys_user", "cmdb_ci", "problem", "change_request", "sys_user_group")
_FILES: Final = ("employees.csv", "cost_centers.csv", "assets.csv")


def log_records(world: World) -> Iterable[Record]:
    """The lines, oldest first."""
    draw = Draw(world.seed, "log")
    servers, laptops = world.equipment.by_kind["server"], world.equipment.by_kind["laptop"]
    weights = [line[0] for line in _LINES]
    ages = sorted((draw.between(60, SPAN_DAYS * DAY_S) for _ in range(LINE_COUNT)), reverse=True)
    for position, age_s in enumerate(ages):
        _, level, source, templates = draw.weighted(_LINES, weights)
        user = draw.one(world.callers).user_name
        words = {
            "job": draw.one(_JOBS),
            "user": user,
            "table": draw.one(_TABLES),
            "file": draw.one(_FILES),
            "server": draw.one(servers).name,
            "laptop": draw.one(laptops).name,
            "ms": str(draw.whole(3, 2400)),
            "count": str(draw.whole(2, 240)),
            "octet": str(draw.whole(0, 9)),
            "percent": str(draw.whole(75, 97)),
            "number": f"{draw.whole(1, 300):07}",
            "three": draw.digits(3),
            "try": str(draw.whole(1, 4)),
        }
        yield (
            "syslog",
            {
                "sys_id": sys_id(world.seed, "log", position),
                "level": level,
                "source": source,
                "message": expand_one(draw, templates, words),
                "sequence": str(position + 1),
                "sys_created_on": instant(world.midnight_s - age_s),
                "sys_created_by": user if source == "REST" else "system",
            },
        )
