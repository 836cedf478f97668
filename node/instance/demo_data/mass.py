"""Incidents by the million, for trying how an instance bears them: as they are stored, and made quickly.

They are about the company's topics and handled by its people; callers there are more than the company has. What is
rare and what is common is as in a service desk of years: nearly all are closed, some callers call often. None of them
has a journal.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING, Any, Final

from node.instance.demo_data import known, words
from node.instance.demo_data import plans as p
from node.instance.demo_data.departments import DEPARTMENTS
from node.instance.demo_data.drawing import DAY_S, HOUR_S, Draw, instant
from node.instance.demo_data.incidents import SYSTEM, TARGET_HOURS
from node.instance.demo_data.people import ascii_name, department_id
from node.instance.demo_data.wording import SEVERITIES, Topic, expand, topics
from node.instance.demo_data.world import Slots

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from node.instance.demo_data.people import Person
    from node.instance.demo_data.world import World

INCIDENTS_PER_CALLER: Final = 50
CALLERS_MAX: Final = 20_000
SPAN_DAYS: Final = 3 * 365
STORIES_PER_CASE: Final = 20

_WEEKDAY_WEIGHTS: Final = (1.0, 0.85, 0.15, 0.1, 1.25, 1.1, 1.0)
"""How much comes on a day of the week, from Thursday on, which 1 January 1970 was."""
_OFFICE_HOURS: Final = (7, 18)
_IN_OFFICE_HOURS: Final = 0.85

_STATES: Final = (
    (1.5, (p.NEW, p.IN_PROGRESS, p.ON_HOLD, p.RESOLVED), (30, 45, 10, 15)),
    (10.0, (p.IN_PROGRESS, p.ON_HOLD, p.RESOLVED, p.CLOSED, p.CANCELED), (12, 9, 42, 34, 3)),
    (60.0, (p.IN_PROGRESS, p.ON_HOLD, p.CLOSED, p.CANCELED), (1, 1, 95, 3)),
    (float("inf"), (p.CLOSED, p.CANCELED), (97.4, 2.6)),
)
"""Up to that age in days, these states, as often as their weights say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Story:
    short: str
    description: str
    fix: str
    item: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Caller:
    sys_id: str
    user_name: str
    location: str


def caller_records(world: World, incident_count: int, first_number: int) -> Sequence[dict[str, str]]:
    """More users, one for every 50 incidents: wire values. Nobody can sign in as one of them."""
    draw = Draw(world.seed, "mass callers", first_number)
    heads = {one.department: one.sys_id for one in world.everybody if one.is_head}
    names = [department.name for department in DEPARTMENTS]
    found = []
    for position in range(min(-(-incident_count // INCIDENTS_PER_CALLER), CALLERS_MAX)):
        first, last, place = draw.one(words.FIRST_NAMES), draw.one(words.LAST_NAMES), draw.one(world.places)
        department = draw.one(names)
        user_name = ascii_name(f"{first}.{last}.{first_number + position}")
        found.append(
            {
                "sys_id": draw.sys_id(),
                "user_name": user_name,
                "name": f"{first} {last}",
                "first_name": first,
                "last_name": last,
                "email": f"{user_name}@{world.own.domain}",
                "company": world.own.sys_id,
                "department": department_id(world.seed, department),
                "manager": heads[department],
                "location": place.sys_id,
                "city": place.city,
                "time_zone": place.zone_name,
                "sys_created_on": instant(world.midnight_s - SPAN_DAYS * DAY_S),
                "sys_created_by": known.ADMIN_USER_NAME,
                "sys_updated_on": instant(world.midnight_s - draw.whole(1, SPAN_DAYS) * DAY_S),
                "sys_updated_by": known.ADMIN_USER_NAME,
            }
        )
    return found


def mass_incidents(
    world: World, callers: Sequence[dict[str, str]], count: int, first_number: int
) -> Iterator[dict[str, Any]]:
    """That many incidents in the order of their numbers, all with the same fields: stored values, None for nothing."""
    draw = Draw(world.seed, "mass", first_number)
    found = topics()
    stories = {topic.key: _stories(world, draw, topic) for topic in found}
    weights = tuple(topic.weight for topic in found)
    theirs = [_Caller(sys_id=one["sys_id"], user_name=one["user_name"], location=one["location"]) for one in callers]
    for position, opened_s in enumerate(_openings(draw, world.midnight_s, count)):
        topic = draw.weighted(found, weights)
        # some call often: the square draws the first ones more
        caller = theirs[int(len(theirs) * draw.between(0, 1) ** 2)]
        row = _begun(world, draw, topic, draw.one(stories[topic.key]), caller, opened_s)
        row["number"] = f"INC{first_number + position:07}"
        yield row


def _stories(world: World, draw: Draw, topic: Topic) -> Sequence[_Story]:
    found = []
    team = world.teams[topic.team]
    for short, opening, *fixes in topic.cases:
        for _ in range(STORIES_PER_CASE):
            item = draw.one(world.equipment.by_kind[topic.item]) if topic.item not in {"none", "laptop"} else None
            slots = Slots(world, draw, draw.one(world.callers), item, team)
            slots["laptop"] = "my laptop"
            sentences = [opening, *(draw.one(choices) for choices in topic.more)]
            found.append(
                _Story(
                    short=expand(draw, short, slots),
                    description=" ".join(filter(None, (expand(draw, one, slots) for one in sentences))),
                    fix=expand(draw, draw.one(fixes), slots),
                    item=item.sys_id if item is not None else None,
                )
            )
    return found


def _openings(draw: Draw, midnight_s: int, count: int) -> Iterator[float]:
    """When each was opened, in order: more on working days, in office hours and in later years."""
    first_day = midnight_s // DAY_S - SPAN_DAYS
    weights = [_WEEKDAY_WEIGHTS[(first_day + day) % 7] * (1 + day / SPAN_DAYS) for day in range(SPAN_DAYS)]
    total, before = sum(weights), 0
    for day, until in enumerate(accumulate(weights)):
        after = round(count * until / total)
        begins_s = (first_day + day) * DAY_S
        hours = (
            draw.between(*_OFFICE_HOURS) if draw.chance(_IN_OFFICE_HOURS) else draw.between(0, 24)
            for _ in range(after - before)
        )
        yield from sorted(begins_s + hour * HOUR_S for hour in hours)
        before = after


def _begun(world: World, draw: Draw, topic: Topic, story: _Story, caller: _Caller, opened_s: float) -> dict[str, Any]:
    age_s = world.midnight_s - opened_s
    state = next(draw.weighted(states, often) for days, states, often in _STATES if age_s < days * DAY_S)
    urgency = draw.weighted(SEVERITIES, topic.urgency)
    impact = draw.weighted(SEVERITIES, (1, 6, 2) if urgency == "1" else (0, 2, 8))
    priority = int(urgency) + int(impact) - 1
    team = world.teams[topic.team]
    agent = draw.one(team.members)
    opened = instant(opened_s)
    row = {
        "sys_id": draw.sys_id(),
        "sys_class_name": "incident",
        "state": int(state),
        "incident_state": int(state),
        "active": int(state not in {p.CLOSED, p.CANCELED}),
        "short_description": story.short,
        "description": story.description,
        "category": topic.category,
        "subcategory": topic.subcategory or None,
        "contact_type": draw.weighted(p.CONTACT_TYPES, p.CONTACT_WEIGHTS),
        "impact": int(impact),
        "urgency": int(urgency),
        "priority": priority,
        "severity": 3,
        "notify": 1,
        "caller_id": caller.sys_id,
        "location": caller.location,
        "company": world.own.sys_id,
        "opened_by": caller.sys_id,
        "opened_at": opened,
        "assignment_group": team.sys_id,
        "assigned_to": agent.sys_id if state != p.NEW else None,
        "cmdb_ci": story.item,
        "reassignment_count": draw.weighted((0, 1, 2, 3), (50, 40, 8, 2)),
        "reopen_count": int(state in {p.RESOLVED, p.CLOSED} and draw.chance(0.06)),
        "child_incidents": 0,
        "hold_reason": draw.weighted((1, 3, 4, 5), (5, 1, 3, 1)) if state == p.ON_HOLD else None,
        "escalation": 0,
        "knowledge": 0,
        "approval": "not requested",
        "sys_domain": "global",
        "sys_domain_path": "/",
        "sys_created_on": opened,
        "sys_created_by": caller.user_name,
        "sys_mod_count": draw.whole(1, 12),
    }
    return row | _ended(world, draw, story, agent, state, priority, opened_s)


def _ended(
    world: World, draw: Draw, story: _Story, agent: Person, state: str, priority: int, opened_s: float
) -> dict[str, Any]:
    """How it ended, or when it was last changed."""
    age_s = world.midnight_s - opened_s
    fastest, slowest = p.RESOLVING_HOURS[str(priority)]
    took_s = min((fastest + (slowest - fastest) * draw.between(0, 1) ** 3) * HOUR_S, 0.8 * age_s)
    if state == p.RESOLVED:
        took_s = max(took_s, age_s - (p.CLOSES_AFTER_DAYS - 0.1) * DAY_S)
    is_resolved = state in {p.RESOLVED, p.CLOSED}
    ended_s, closed_s, by = opened_s + took_s, None, agent.user_name
    if state == p.CANCELED:
        closed_s = ended_s
    elif state == p.CLOSED:
        closed_s, by = ended_s + p.CLOSES_AFTER_DAYS * DAY_S, SYSTEM
        if closed_s > world.midnight_s or draw.chance(0.35):
            closed_s, by = (
                ended_s + draw.between(0.1, 0.9) * min(2 * DAY_S, world.midnight_s - ended_s),
                agent.user_name,
            )
    changed_s = closed_s or ended_s
    return {
        "close_code": draw.weighted(p.CODES, p.CODE_WEIGHTS) if is_resolved else None,
        "close_notes": story.fix if is_resolved else "Not an incident." if state == p.CANCELED else None,
        "resolved_by": agent.sys_id if is_resolved else None,
        "resolved_at": instant(ended_s) if is_resolved else None,
        "closed_by": agent.sys_id if closed_s else None,
        "closed_at": instant(closed_s) if closed_s else None,
        "calendar_stc": int(took_s) if is_resolved else None,
        "calendar_duration": instant(took_s) if is_resolved else None,
        "made_sla": int(took_s <= TARGET_HOURS[str(priority)] * HOUR_S),
        "sys_updated_on": instant(changed_s),
        "sys_updated_by": by,
    }
