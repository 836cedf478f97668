"""Incidents: the record that is left of each story, and its journal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from node.instance.demo_data import known
from node.instance.demo_data import plans as p
from node.instance.demo_data.dialogue import Dialogue
from node.instance.demo_data.drawing import DAY_S, HOUR_S, Draw, flag, instant
from node.instance.demo_data.journal import journal_records

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from node.instance.demo_data.people import Person
    from node.instance.demo_data.record import Record
    from node.instance.demo_data.world import World

SHORT_CHARACTERS_MAX: Final = 160
TARGET_HOURS: Final = {"1": 4, "2": 12, "3": 72, "4": 120, "5": 240}
"""In which time an incident of each priority should be solved."""
SYSTEM: Final = "system"
"""In whose name the instance acts by itself."""

_WORKING_PART: Final = 0.24
"""Which part of a week is working time."""


def incident_records(world: World, found: Sequence[p.Plan]) -> Iterable[Record]:
    """The records, each followed by its journal."""
    draw = Draw(world.seed, "incidents")
    for plan in found:
        story = Dialogue(world, draw, plan)
        story.tell()
        yield "incident", _record(world, draw, plan, story)
        yield from journal_records(world.seed, "incident", plan.sys_id, story.entries)


def _record(world: World, draw: Draw, plan: p.Plan, story: Dialogue) -> dict[str, str]:
    opener = _opener(world, plan, story)
    record = {
        "sys_id": plan.sys_id,
        "sys_class_name": "incident",
        "number": plan.number,
        "state": plan.state,
        "incident_state": plan.state,
        "active": flag(plan.state not in {p.CLOSED, p.CANCELED}),
        "short_description": story.short_description[:SHORT_CHARACTERS_MAX],
        "description": story.description,
        "category": plan.topic.category,
        "subcategory": plan.topic.subcategory,
        "contact_type": plan.contact_type,
        "impact": plan.impact,
        "urgency": plan.urgency,
        "priority": plan.priority,
        "severity": "3",
        "notify": "1",
        "caller_id": plan.caller.sys_id,
        "location": plan.caller.place.sys_id,
        "company": world.own.sys_id,
        "opened_by": opener.sys_id,
        "opened_at": instant(plan.opened_s),
        "assignment_group": story.team.sys_id,
        "reassignment_count": str(story.reassignment_count),
        "reopen_count": str(plan.reopen_count),
        "child_incidents": str(len(plan.children)),
        "hold_reason": plan.hold_reason,
        "approval": "not requested",
        "upon_approval": "proceed",
        "upon_reject": "cancel",
        "escalation": _escalation(world, plan),
        "knowledge": flag(plan.state == p.CLOSED and draw.chance(0.06)),
        "made_sla": flag(_spent_s(world, plan) <= TARGET_HOURS[plan.priority] * HOUR_S),
        "sys_domain": "global",
        "sys_domain_path": "/",
        "sys_created_on": instant(plan.opened_s),
        "sys_created_by": opener.user_name,
    }
    record |= _links(world, draw, plan)
    record |= _ending(plan, story)
    if story.agent is not None:
        record["assigned_to"] = story.agent.sys_id
    if plan.contact_type == "monitoring":
        record |= {"correlation_id": f"alarm-{draw.digits(8)}", "correlation_display": "Monitoring"}
    if plan.priority in {"1", "2"} and plan.caller.manager:
        record["watch_list"] = plan.caller.manager
    if plan.state == p.ON_HOLD:
        record["follow_up"] = instant(world.midnight_s + draw.whole(1, 6) * DAY_S + 9 * HOUR_S)
    return {name: value for name, value in record.items() if value}


def _links(world: World, draw: Draw, plan: p.Plan) -> dict[str, str]:
    found = {}
    if plan.item is not None:
        found["cmdb_ci"] = plan.item.sys_id
        if plan.item.kind != "laptop":
            found["business_service"] = draw.one(world.equipment.by_kind["service"]).sys_id
    if plan.problem is not None:
        found["problem_id"] = plan.problem.sys_id
    if plan.change is not None:
        found["rfc"] = plan.change.sys_id
    if plan.parent is not None:
        found |= {"parent_incident": plan.parent.sys_id, "parent": plan.parent.sys_id}
    return found


def _ending(plan: p.Plan, story: Dialogue) -> dict[str, str]:
    """How it ended, and who changed it last."""
    by = story.agent or story.desk
    last = story.entries[-1] if story.entries else None
    found = {
        "sys_updated_on": instant(last.at_s if last else plan.opened_s),
        "sys_updated_by": last.by.user_name if last else by.user_name,
        "sys_mod_count": str(len(story.entries)),
    }
    if story.reopened_s is not None:
        found |= {"reopened_time": instant(story.reopened_s), "reopened_by": plan.caller.sys_id}
    if plan.state in {p.RESOLVED, p.CLOSED}:
        took_s = int(plan.end_s - plan.opened_s)
        working_s = took_s if took_s < 8 * HOUR_S else int(took_s * _WORKING_PART)
        found |= {
            "close_code": plan.close_code,
            "close_notes": story.fix,
            "resolved_by": by.sys_id,
            "resolved_at": instant(plan.end_s),
            "calendar_stc": str(took_s),
            "business_stc": str(working_s),
            "calendar_duration": instant(took_s),
            "business_duration": instant(working_s),
        }
    if plan.state == p.CLOSED and plan.closed_s is not None:
        closer = plan.caller if plan.is_confirmed else by
        found |= {
            "closed_at": instant(plan.closed_s),
            "closed_by": closer.sys_id,
            "sys_updated_on": instant(plan.closed_s),
            "sys_updated_by": closer.user_name if plan.is_confirmed else SYSTEM,
            "sys_mod_count": str(len(story.entries) + 1),
        }
    if plan.state == p.CANCELED:
        found |= {
            "closed_at": found["sys_updated_on"],
            "closed_by": by.sys_id,
            "close_notes": story.entries[-1].text,
        }
    return found


def _opener(world: World, plan: p.Plan, story: Dialogue) -> Person:
    if plan.contact_type == "monitoring":
        return next(one for one in world.everybody if one.sys_id == known.ADMIN_USER)
    return story.desk if plan.contact_type in {"phone", "walk-in"} else plan.caller


def _spent_s(world: World, plan: p.Plan) -> float:
    is_over = plan.state in {p.RESOLVED, p.CLOSED, p.CANCELED}
    return (plan.end_s if is_over else world.midnight_s) - plan.opened_s


def _escalation(world: World, plan: p.Plan) -> str:
    if plan.state in {p.RESOLVED, p.CLOSED, p.CANCELED}:
        return "0"
    return "1" if _spent_s(world, plan) > TARGET_HOURS[plan.priority] * HOUR_S else "0"
