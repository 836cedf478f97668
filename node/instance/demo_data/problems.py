"""Problems: the causes behind incidents, and what was done about them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from node.instance.demo_data.drawing import DAY_S, HOUR_S, Draw, flag, instant, number, sys_id
from node.instance.demo_data.journal import Entry, journal_records
from node.instance.demo_data.wording import Topic, expand, expand_one, phrases, topics
from node.instance.demo_data.world import Slots, at_work

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from node.instance.demo_data.equipment import Item
    from node.instance.demo_data.people import Person
    from node.instance.demo_data.record import Record
    from node.instance.demo_data.world import World

PROBLEM_COUNT: Final = 26
OPEN_COUNT: Final = 14
RESOLVED_BEFORE_DAYS: Final = 14
"""So long ago at least were problems solved that are; the incidents behind them are closed by now."""
SPAN_DAYS: Final = 100
SHORT_CHARACTERS_MAX: Final = 160

_OPEN: Final = ("101", "102", "103", "103", "104")
_RESOLVED, _CLOSED = "106", "107"
_CATEGORIES: Final = {"hardware": "hardware", "network": "network"}
_ALWAYS: Final = ("mail-stuck", "erp-error", "vpn", "printer", "wifi", "db-slow")
"""Topics that have an open problem in every company."""
_OTHERS: Final = (
    "dns",
    "disk-full",
    "server-cpu",
    "db-oracle",
    "erp-down",
    "update-broke",
    "laptop-slow",
    "screen",
    "password",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """A problem: the topic and the item of its incidents, and when it was solved, if it is."""

    sys_id: str
    number: str
    state: str
    topic: Topic
    item: Item | None
    opened_s: float
    resolved_s: float | None


def problems(world: World) -> Sequence[Problem]:
    """The problems in the order of their numbers."""
    draw = Draw(world.seed, "problems")
    by_key = {topic.key: topic for topic in topics()}
    drafts: list[tuple[float, str, Topic, Item | None, float | None]] = []
    for position in range(PROBLEM_COUNT):
        topic = by_key[_ALWAYS[position] if position < len(_ALWAYS) else draw.one(_ALWAYS + _OTHERS)]
        # a cause lies in one server or application, but never in one laptop
        item = draw.one(world.equipment.by_kind[topic.item]) if topic.item != "laptop" else None
        if position < OPEN_COUNT:
            opened_s, resolved_s = world.midnight_s - draw.between(2, 40) * DAY_S, None
            state = _OPEN[position % len(_OPEN)]
        else:
            opened_s = world.midnight_s - draw.between(RESOLVED_BEFORE_DAYS + 20, SPAN_DAYS) * DAY_S
            resolved_s = opened_s + draw.between(4, 19) * DAY_S
            state = draw.weighted((_RESOLVED, _CLOSED), (1, 2))
        place = item.place if item is not None else world.places[0]
        drafts.append((at_work(draw, opened_s, place), state, topic, item, resolved_s))
    return [
        Problem(
            sys_id=sys_id(world.seed, "problem", position),
            number=number("PRB", position),
            state=state,
            topic=topic,
            item=item,
            opened_s=opened_s,
            resolved_s=resolved_s,
        )
        for position, (opened_s, state, topic, item, resolved_s) in enumerate(
            sorted(drafts, key=lambda draft: draft[0]), 1
        )
    ]


def problem_records(world: World, found: Iterable[Problem], incident_counts: Mapping[str, int]) -> Iterable[Record]:
    """The records, each followed by its journal; how many incidents belong to each is given by its number."""
    draw = Draw(world.seed, "problem records")
    for problem in found:
        yield from _record(world, draw, problem, incident_counts.get(problem.number, 0))


def _record(world: World, draw: Draw, problem: Problem, incident_count: int) -> Iterable[Record]:
    topic, team, said = problem.topic, world.teams[problem.topic.team], phrases()
    agent, lead = draw.one(team.members), draw.one(world.teams["Problem Management"].members)
    words = Slots(world, draw, draw.one(world.callers), problem.item, team)
    what, _, *fixes = draw.one(topic.cases)
    words["note"] = expand_one(draw, topic.note, words)
    words["fix"] = expand_one(draw, fixes, words)
    words["what"] = expand(draw, what, words)
    impact, urgency = draw.weighted(("1", "2", "3"), (2, 4, 2)), draw.weighted(("1", "2", "3"), (1, 4, 3))

    def text(occasion: str) -> str:
        return expand_one(draw, said[occasion], words)

    record = {
        "sys_id": problem.sys_id,
        "sys_class_name": "problem",
        "number": problem.number,
        "state": problem.state,
        "problem_state": problem.state,
        "active": flag(problem.state != _CLOSED),
        "short_description": text("problem_short")[:SHORT_CHARACTERS_MAX],
        "description": text("problem_description"),
        "category": _CATEGORIES.get(topic.category, "software"),
        "subcategory": topic.subcategory,
        "impact": impact,
        "urgency": urgency,
        "priority": str(int(impact) + int(urgency) - 1),
        "assignment_group": team.sys_id,
        "company": world.own.sys_id,
        "opened_by": lead.sys_id,
        "opened_at": instant(problem.opened_s),
        "known_error": flag(problem.state == "104" or (problem.resolved_s is not None and draw.chance(0.3))),
        "major_problem": flag(impact == "1" and draw.chance(0.4)),
        "related_incidents": str(incident_count),
        "sys_created_on": instant(problem.opened_s),
        "sys_created_by": lead.user_name,
    }
    if problem.item is not None:
        record |= {"cmdb_ci": problem.item.sys_id, "location": problem.item.place.sys_id}
    if problem.state != "101":
        record |= {"assigned_to": agent.sys_id, "workaround": text("problem_workaround")}
    if problem.state in {"104", _RESOLVED, _CLOSED}:
        record["cause_notes"] = text("cause")
    end_s = problem.resolved_s or world.midnight_s
    entries = _entries(draw, problem, end_s, [text("problem_note") for _ in range(draw.whole(1, 4))], agent)
    last_s, last_by = (entries[-1].at_s, agent) if entries else (problem.opened_s, lead)
    if problem.resolved_s is not None:
        last_s, last_by = problem.resolved_s, lead
        record |= {
            "fix_notes": text("problem_fix"),
            "resolution_code": draw.weighted(("fix_applied", "risk_accepted"), (6, 1)),
            "resolved_by": agent.sys_id,
            "resolved_at": instant(problem.resolved_s),
            "confirmed_by": lead.sys_id,
            "confirmed_at": instant(problem.opened_s + HOUR_S),
        }
    if problem.state == _CLOSED and problem.resolved_s is not None:
        last_s = problem.resolved_s + draw.between(1, 7) * DAY_S
        notes = expand(draw, "Accepted by {department} and {group}.", words)
        record |= {"closed_at": instant(last_s), "closed_by": lead.sys_id, "close_notes": notes}
    record |= {
        "sys_updated_on": instant(last_s),
        "sys_updated_by": last_by.user_name,
        "sys_mod_count": str(len(entries) + 2 * (problem.resolved_s is not None)),
    }
    yield "problem", {name: value for name, value in record.items() if value}
    yield from journal_records(world.seed, "problem", problem.sys_id, entries)


def _entries(draw: Draw, problem: Problem, end_s: float, texts: Sequence[str], by: Person) -> Sequence[Entry]:
    if problem.state == "101":
        return ()
    times = sorted(draw.between(problem.opened_s, end_s) for _ in texts)
    return [Entry(at_s=at_s, by=by, text=text) for at_s, text in zip(times, dict.fromkeys(texts), strict=False)]
