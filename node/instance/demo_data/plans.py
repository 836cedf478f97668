"""Which incidents there are: what each is about, who has it, how it ends and when. What is said comes later."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from node.instance.demo_data.drawing import DAY_S, HOUR_S, MINUTE_S, Draw, number, sys_id
from node.instance.demo_data.wording import SEVERITIES, Topic, topics
from node.instance.demo_data.world import at_work

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from node.instance.demo_data.changes import Change
    from node.instance.demo_data.equipment import Item
    from node.instance.demo_data.people import Person
    from node.instance.demo_data.problems import Problem
    from node.instance.demo_data.world import World

NEW, IN_PROGRESS, ON_HOLD, RESOLVED, CLOSED, CANCELED = "1", "2", "3", "6", "7", "8"
AWAITING_CALLER, AWAITING_PROBLEM, AWAITING_VENDOR, AWAITING_CHANGE = "1", "3", "4", "5"

SPAN_DAYS: Final = 120
"""How far back the history goes."""
CLOSES_AFTER_DAYS: Final = 7
"""A resolved incident is closed by itself so long after."""
COUNTS: Final = {NEW: 26, IN_PROGRESS: 52, ON_HOLD: 44, RESOLVED: 42, CANCELED: 16}
"""How many incidents there are in each state; closed ones besides."""
CLOSED_MIN: Final = 230
CLOSED_MAX: Final = 300
MAJOR_COUNT: Final = 2
CHILD_COUNT: Final = 4
"""How many others report each major incident again."""

_HOLD_REASONS: Final = (AWAITING_CALLER, AWAITING_VENDOR, AWAITING_CALLER, AWAITING_PROBLEM, AWAITING_CHANGE)
_BY_PROBLEM: Final = 24
_BY_CHANGE: Final = 12
RESOLVING_HOURS: Final = {"1": (0.7, 7), "2": (2, 30), "3": (4, 90), "4": (8, 190), "5": (16, 320)}
CODES: Final = (
    "Solution provided",
    "Workaround provided",
    "Resolved by caller",
    "User error",
    "Known error",
    "No resolution provided",
)
CODE_WEIGHTS: Final = (64, 11, 8, 7, 5, 3)
CONTACT_TYPES: Final = ("phone", "self-service", "email", "walk-in", "chat")
CONTACT_WEIGHTS: Final = (30, 34, 18, 6, 12)
_LOCAL: Final = frozenset({"printer", "access-point"})
_MONITORED: Final = frozenset({"disk-full", "server-cpu", "db-slow", "db-oracle", "dns"})


@dataclass(slots=True, kw_only=True)
class Plan:
    """One incident to be. Only while plans are made do they change: numbers follow from their order."""

    state: str
    topic: Topic
    caller: Person
    item: Item | None
    impact: str
    urgency: str
    contact_type: str
    opened_s: float
    end_s: float
    """Resolved or canceled then; of others, when the last thing happened."""
    closed_s: float | None = None
    is_confirmed: bool = False
    """Whether the caller closed it, before it closed by itself."""
    hold_reason: str = ""
    close_code: str = ""
    reopen_count: int = 0
    problem: Problem | None = None
    change: Change | None = None
    parent: Plan | None = None
    children: list[Plan] = field(default_factory=list)
    sys_id: str = ""
    number: str = ""

    @property
    def priority(self) -> str:
        """From impact and urgency, 1 to 5."""
        return str(int(self.impact) + int(self.urgency) - 1)


def plans(world: World, problems: Sequence[Problem], changes: Sequence[Change]) -> Sequence[Plan]:
    """The incidents in the order of their numbers: a parent is older than its children."""
    draw = Draw(world.seed, "plans")
    planner = _Planner(world, draw)
    found = [
        *planner.unfinished(problems, changes),
        *planner.finished(problems, changes),
        *(plan for _ in range(MAJOR_COUNT) for plan in planner.major()),
    ]
    found.sort(key=lambda plan: plan.opened_s)
    for position, plan in enumerate(found, 1):
        plan.sys_id, plan.number = sys_id(world.seed, "incident", position), number("INC", position)
    return found


class _Planner:
    def __init__(self, world: World, draw: Draw) -> None:
        self._world = world
        self._draw = draw
        self._topics = topics()
        self._weights = [topic.weight for topic in self._topics]

    def unfinished(self, problems: Sequence[Problem], changes: Sequence[Change]) -> Iterable[Plan]:
        """New ones, those in progress, those on hold."""
        draw = self._draw
        open_problems = [problem for problem in problems if problem.resolved_s is None]
        open_changes = [change for change in changes if change.is_open]
        for _ in range(COUNTS[NEW]):
            yield self._open(NEW, draw.between(0.05, 1.5))
        for _ in range(COUNTS[IN_PROGRESS]):
            yield self._open(IN_PROGRESS, 0.2 + 16 * draw.between(0, 1) ** 2)
        for position in range(COUNTS[ON_HOLD]):
            age_days = 1 + 30 * draw.between(0, 1) ** 2
            reason = _HOLD_REASONS[position % len(_HOLD_REASONS)]
            if reason == AWAITING_PROBLEM:
                problem = draw.one(open_problems)
                plan = self._open(ON_HOLD, age_days, topic=problem.topic, item=problem.item)
                plan.problem = problem
            elif reason == AWAITING_CHANGE:
                change = draw.one(open_changes)
                plan = self._open(ON_HOLD, age_days, topic=self._topic_of(change), item=change.item)
                plan.change = change
            else:
                plan = self._open(ON_HOLD, age_days)
            plan.hold_reason = reason
            yield plan

    def finished(self, problems: Sequence[Problem], changes: Sequence[Change]) -> Iterable[Plan]:
        """Resolved, closed and canceled ones."""
        draw, midnight_s = self._draw, self._world.midnight_s
        for _ in range(COUNTS[RESOLVED]):
            plan = self._plan(RESOLVED, midnight_s - draw.between(1, 9) * DAY_S)
            # not so long ago that it would have closed by itself, even if moved to before a weekend
            first_s = max(plan.opened_s, midnight_s - (CLOSES_AFTER_DAYS - 3) * DAY_S)
            plan.end_s = self._at_work(draw.between(first_s, midnight_s), plan)
            yield self._coded(plan)
        for _ in range(COUNTS[CANCELED]):
            plan = self._plan(CANCELED, midnight_s - draw.between(2, SPAN_DAYS) * DAY_S)
            plan.end_s = self._at_work(plan.opened_s + draw.between(0.2, 30) * HOUR_S, plan)
            yield plan
        by_problem = [problem for problem in problems if problem.resolved_s is not None]
        by_change = [change for change in changes if change.state == "3"]
        for position in range(draw.whole(CLOSED_MIN, CLOSED_MAX)):
            if position < _BY_PROBLEM:
                yield self._by_problem(draw.one(by_problem))
            elif position < _BY_PROBLEM + _BY_CHANGE:
                yield self._by_change(draw.one(by_change))
            else:
                plan = self._plan(CLOSED, midnight_s - draw.between(CLOSES_AFTER_DAYS + 3, SPAN_DAYS) * DAY_S)
                fastest, slowest = RESOLVING_HOURS[plan.priority]
                took_s = (fastest + (slowest - fastest) * draw.between(0, 1) ** 3) * HOUR_S
                yield self._closed(self._coded(plan), plan.opened_s + took_s)

    def major(self) -> Iterable[Plan]:
        """An outage, and those who report it after the first."""
        draw = self._draw
        topic = next(topic for topic in self._topics if topic.key == "erp-down")
        opened_s = self._world.midnight_s - draw.between(CLOSES_AFTER_DAYS + 5, SPAN_DAYS) * DAY_S
        first = self._plan(CLOSED, opened_s, topic=topic)
        first.impact = first.urgency = "1"
        first.close_code = "Solution provided"
        self._closed(first, first.opened_s + draw.between(1.5, 6) * HOUR_S)
        for _ in range(CHILD_COUNT):
            child = self._plan(CLOSED, opened_s, topic=topic, item=first.item)
            child.opened_s = first.opened_s + draw.between(0.05, 0.7) * (first.end_s - first.opened_s)
            child.end_s, child.closed_s = first.end_s, first.closed_s
            child.close_code, child.parent = "Duplicate", first
            first.children.append(child)
        yield first
        yield from first.children

    def _by_problem(self, problem: Problem) -> Plan:
        resolved_s = problem.resolved_s or problem.opened_s
        opened_s = self._draw.between(problem.opened_s - 12 * DAY_S, resolved_s - DAY_S)
        plan = self._plan(CLOSED, opened_s, topic=problem.topic, item=problem.item)
        plan.problem, plan.close_code = problem, "Resolved by problem"
        return self._closed(plan, resolved_s + self._draw.between(1, 40) * HOUR_S)

    def _by_change(self, change: Change) -> Plan:
        opened_s = self._draw.between(change.opened_s - DAY_S, change.start_s - DAY_S)
        plan = self._plan(CLOSED, opened_s, topic=self._topic_of(change), item=change.item)
        plan.change, plan.close_code = change, "Resolved by change"
        return self._closed(plan, change.end_s + self._draw.between(1, 20) * HOUR_S)

    def _open(self, state: str, age_days: float, *, topic: Topic | None = None, item: Item | None = None) -> Plan:
        plan = self._plan(state, self._world.midnight_s - age_days * DAY_S, topic=topic, item=item)
        plan.end_s = self._at_work(self._world.midnight_s - self._draw.between(0, 0.4) * DAY_S, plan)
        return plan

    def _closed(self, plan: Plan, resolved_s: float) -> Plan:
        draw, midnight_s = self._draw, self._world.midnight_s
        latest_s = midnight_s - (CLOSES_AFTER_DAYS + 0.5) * DAY_S
        plan.end_s = self._at_work(min(resolved_s, latest_s), plan)
        plan.is_confirmed = draw.chance(0.35)
        later_s = draw.between(0.05, 2) * DAY_S if plan.is_confirmed else CLOSES_AFTER_DAYS * DAY_S
        plan.closed_s = plan.end_s + later_s
        if plan.problem is None and plan.change is None and draw.chance(0.08):
            plan.reopen_count = 1
        return plan

    def _coded(self, plan: Plan) -> Plan:
        plan.close_code = self._draw.weighted(CODES, CODE_WEIGHTS)
        return plan

    def _plan(self, state: str, opened_s: float, *, topic: Topic | None = None, item: Item | None = None) -> Plan:
        draw, world = self._draw, self._world
        topic = topic or draw.weighted(self._topics, self._weights)
        callers = world.callers
        if item is not None and item.kind in _LOCAL:
            callers = [one for one in callers if one.place is item.place] or callers
        caller = draw.one(callers)
        item = item or self._item(topic, caller)
        severe = draw.weighted(SEVERITIES, topic.urgency)
        return Plan(
            state=state,
            topic=topic,
            caller=caller,
            item=item,
            impact=draw.weighted(SEVERITIES, (1, 6, 2) if severe == "1" else (0, 2, 8)),
            urgency=severe,
            contact_type=self._contact_type(topic),
            opened_s=at_work(draw, opened_s, caller.place),
            end_s=opened_s,
        )

    def _item(self, topic: Topic, caller: Person) -> Item | None:
        found = self._world.equipment
        match topic.item:
            case "none":
                return None
            case "laptop":
                return found.laptops[caller.sys_id]
            case "printer" | "access-point":
                return self._draw.one([one for one in found.by_kind[topic.item] if one.place is caller.place])
            case kind:
                return self._draw.one(found.by_kind[kind])

    def _contact_type(self, topic: Topic) -> str:
        if topic.key in _MONITORED and self._draw.chance(0.6):
            return "monitoring"
        return self._draw.weighted(CONTACT_TYPES, CONTACT_WEIGHTS)

    def _topic_of(self, change: Change) -> Topic:
        return self._draw.one([topic for topic in self._topics if topic.item == change.item.kind])

    def _at_work(self, at_s: float, plan: Plan) -> float:
        """Then, in hours of work, and a while after it was opened."""
        soonest_s = plan.opened_s + self._draw.between(18, 55) * MINUTE_S
        return max(at_work(self._draw, at_s, plan.caller.place), soonest_s)
