"""Changes: what was planned, approved, carried out, and how it went."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from node.instance.demo_data.drawing import DAY_S, HOUR_S, Draw, instant, number, sys_id
from node.instance.demo_data.journal import Entry, journal_records
from node.instance.demo_data.wording import expand, expand_one, phrases
from node.instance.demo_data.world import Slots, at_work

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from node.instance.demo_data.equipment import Item
    from node.instance.demo_data.people import Person
    from node.instance.demo_data.record import Record
    from node.instance.demo_data.world import World

CHANGE_COUNT: Final = 48
SPAN_DAYS: Final = 110
_OPEN: Final = ("-5", "-4", "-3", "-2", "-2", "-1")
_CLOSED, _CANCELED, _REVIEW, _IMPLEMENT, _SCHEDULED = "3", "4", "0", "-1", "-2"
_KINDS: Final = ("application", "server", "gateway", "access-point", "printer")
_CATEGORIES: Final = {
    "application": "Software",
    "server": "Hardware",
    "gateway": "Network",
    "access-point": "Network",
    "printer": "Hardware",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A change: its item, whether it is done and when."""

    sys_id: str
    number: str
    state: str
    item: Item
    opened_s: float
    start_s: float
    end_s: float
    is_open: bool


def changes(world: World) -> Sequence[Change]:
    """The changes in the order of their numbers."""
    draw = Draw(world.seed, "changes")
    drafts = []
    for position in range(CHANGE_COUNT):
        item = draw.one(world.equipment.by_kind[_KINDS[position % len(_KINDS)]])
        is_open = position < CHANGE_COUNT // 3
        state = _OPEN[position % len(_OPEN)] if is_open else draw.weighted((_CLOSED, _REVIEW, _CANCELED), (26, 3, 3))
        opened_s = world.midnight_s - draw.between(1, 18 if is_open else SPAN_DAYS) * DAY_S
        if not is_open:
            opened_s = min(opened_s, world.midnight_s - 18 * DAY_S)
        drafts.append((at_work(draw, opened_s, item.place), state, item, is_open))
    found = []
    for position, (opened_s, state, item, is_open) in enumerate(sorted(drafts, key=lambda one: one[0]), 1):
        start_s = _start_s(draw, world, state, opened_s, is_open=is_open)
        found.append(
            Change(
                sys_id=sys_id(world.seed, "change", position),
                number=number("CHG", position),
                state=state,
                item=item,
                opened_s=opened_s,
                start_s=start_s,
                end_s=start_s + draw.whole(1, 6) * HOUR_S,
                is_open=is_open,
            )
        )
    return found


def change_records(world: World, found: Iterable[Change]) -> Iterable[Record]:
    """The records, each followed by its journal."""
    draw = Draw(world.seed, "change records")
    for change in found:
        asker = draw.one(world.callers)
        yield from _record(world, draw, change, asker)


def _start_s(draw: Draw, world: World, state: str, opened_s: float, *, is_open: bool) -> float:
    if state == _IMPLEMENT:
        return world.midnight_s - HOUR_S
    if is_open:
        return world.midnight_s + draw.whole(1, 20) * DAY_S + 20 * HOUR_S
    return min(opened_s + draw.whole(2, 12) * DAY_S, world.midnight_s - 6 * DAY_S)


def _record(world: World, draw: Draw, change: Change, asker: Person) -> Iterable[Record]:
    team, item = change.item.team, change.item
    agent = draw.one(team.members)
    words = Slots(world, draw, asker, item, team)
    said = phrases()

    def text(occasion: str) -> str:
        return expand_one(draw, said[occasion], words)

    reasons = draw.some(2, said["change_reason"])
    type_ = draw.weighted(("normal", "standard", "emergency"), (6, 3, 1))
    risk = draw.weighted(("4", "3", "2"), (6, 3, 1))
    record = {
        "sys_id": change.sys_id,
        "sys_class_name": "change_request",
        "number": change.number,
        "state": change.state,
        "active": "true" if change.is_open or change.state == _REVIEW else "false",
        "short_description": text(f"change_short_{item.kind}"),
        "description": expand(draw, reasons[0], words),
        "justification": expand(draw, reasons[1], words),
        "implementation_plan": text("change_plan"),
        "backout_plan": text("change_backout"),
        "test_plan": text("change_test"),
        "type": type_,
        "category": _CATEGORIES[item.kind],
        "risk": risk,
        "impact": draw.weighted(("3", "2", "1"), (6, 3, 1)),
        "priority": draw.weighted(("4", "3", "2"), (6, 3, 1)),
        "cmdb_ci": item.sys_id,
        "location": item.place.sys_id,
        "company": world.own.sys_id,
        "assignment_group": team.sys_id,
        "assigned_to": agent.sys_id,
        "requested_by": asker.sys_id,
        "opened_by": asker.sys_id,
        "opened_at": instant(change.opened_s),
        "start_date": instant(change.start_s),
        "end_date": instant(change.end_s),
        "cab_required": "true" if type_ == "normal" else "false",
        "approval": _approval(change, type_),
        "sys_created_on": instant(change.opened_s),
        "sys_created_by": asker.user_name,
    }
    entries = [Entry(at_s=change.opened_s + draw.whole(2, 40) * 600, by=agent, text=text("change_note"))]
    last_s = min(change.start_s, world.midnight_s) - HOUR_S
    if last_s > entries[0].at_s and draw.chance(0.7):
        entries.append(Entry(at_s=draw.between(entries[0].at_s, last_s), by=agent, text=text("change_note")))
    if change.state in {_CLOSED, _CANCELED, _REVIEW}:
        result = draw.weighted(("successful", "successful_issues", "unsuccessful"), (8, 2, 1))
        occasion = {"successful": "change_done", "successful_issues": "change_issues"}.get(result, "change_failed")
        notes = text("change_canceled" if change.state == _CANCELED else occasion)
        entries.append(Entry(at_s=change.end_s, by=agent, text=notes))
        if change.state != _CANCELED:
            record |= {"work_start": instant(change.start_s), "work_end": instant(change.end_s)}
        if change.state != _REVIEW:
            record |= {"close_notes": notes, "closed_at": instant(change.end_s + 2 * DAY_S), "closed_by": agent.sys_id}
        if change.state == _CLOSED:
            record["close_code"] = result
    entries = [entry for entry in entries if entry.at_s <= world.midnight_s]
    last = max([entry.at_s for entry in entries], default=change.opened_s)
    record |= {
        "sys_updated_on": record.get("closed_at", instant(last)),
        "sys_updated_by": agent.user_name if entries else asker.user_name,
        "sys_mod_count": str(len(entries)),
    }
    yield "change_request", record
    yield from journal_records(world.seed, "change_request", change.sys_id, entries)


def _approval(change: Change, type_: str) -> str:
    if change.state in {"-5", "-4"}:
        return "not requested"
    if change.state == "-3":
        return "requested"
    return "rejected" if change.state == _CANCELED and type_ == "normal" else "approved"
