"""What is said and done between the opening of an incident and its end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from node.instance.demo_data import plans as p
from node.instance.demo_data.drawing import DAY_S, MINUTE_S, Draw
from node.instance.demo_data.journal import Entry
from node.instance.demo_data.wording import expand, expand_one, phrases
from node.instance.demo_data.world import Slots, World, at_work

if TYPE_CHECKING:
    from collections.abc import Sequence

    from node.instance.demo_data.people import Person
    from node.instance.demo_data.teams import Team

FIRST_TEAM: Final = "Service Desk"
_WRONG_TEAM: Final = 0.12


class Dialogue:
    """One incident's story, told by `tell`.

    Attributes:
        entries: the journal.
        team, agent: who has it in the end; no agent: nobody yet.
        resolver: who resolved it.
        fix: how.
        reopened_s: when it was last reopened.
        reassignment_count: how often it went to another team.
    """

    def __init__(self, world: World, draw: Draw, plan: p.Plan) -> None:
        self._world, self._draw, self._plan = world, draw, plan
        self._said = phrases()
        self._now_s = plan.opened_s
        self.entries: list[Entry] = []
        self.team: Team = world.teams[FIRST_TEAM]
        self.desk = self._member()
        self.agent: Person | None = None
        self.fix = ""
        self._noted = ""
        self.reopened_s: float | None = None
        self.reassignment_count = 0
        self.slots = Slots(world, draw, plan.caller, plan.item, self.team)
        self.slots["agent"] = self.desk.first
        short, opening, *self._fixes = draw.one(plan.topic.cases)
        self.short_description = expand(draw, short, self.slots)
        sentences = [opening, *(draw.one(choices) for choices in plan.topic.more)]
        self.description = " ".join(filter(None, (expand(draw, one, self.slots) for one in sentences)))

    def tell(self) -> None:
        """Live through it."""
        plan = self._plan
        if plan.state == p.NEW:
            return
        if plan.parent is not None:
            self._take()
            self._note("child", other=plan.parent.number)
            self._resolve()
            return
        self._begin()
        match plan.state:
            case p.CANCELED:
                self._note(self._draw.one(("cancel_none", "cancel_none", "cancel_duplicate")), other=self._other())
            case p.ON_HOLD:
                self._work()
                self._hold()
            case p.IN_PROGRESS:
                self._work()
            case _:
                self._work()
                self._resolve()

    def _begin(self) -> None:
        draw, topic = self._draw, self._plan.topic
        if draw.chance(0.75):
            self._noted = draw.one(topic.note)
            self._note("triage", detail=expand(draw, self._noted, self.slots), by=self.desk)
        if topic.team != self.team.name:
            if draw.chance(_WRONG_TEAM):
                others = [name for name in self._world.teams if name not in {topic.team, self.team.name}]
                self._hand_to(self._world.teams[draw.one(others[:8])])
            self._hand_to(self._world.teams[topic.team])
        self._take()
        if draw.chance(0.4):
            self._comment("acknowledge")

    def _work(self) -> None:
        draw, plan, topic = self._draw, self._plan, self._plan.topic
        if draw.chance(0.45):
            answers = self._ask()
            if draw.chance(0.15):
                self._comment("reminder")
            self._say("reply", by=plan.caller, answer=expand_one(draw, answers, self.slots))
        for text in draw.some(draw.weighted((0, 1, 2), (4, 5, 2)), [one for one in topic.note if one != self._noted]):
            self._write(expand(draw, text, self.slots))
        if plan.end_s - plan.opened_s > 3 * DAY_S and draw.chance(0.3):
            self._say("impatient", by=plan.caller)
            self._comment("acknowledge")

    def _hold(self) -> None:
        plan, draw = self._plan, self._draw
        match plan.hold_reason:
            case p.AWAITING_CALLER:
                self._ask()
                self._note("hold_caller")
                if draw.chance(0.4):
                    self._comment("reminder")
            case p.AWAITING_VENDOR:
                self._note("hold_vendor")
                if draw.chance(0.5):
                    self._note("vendor_news")
            case p.AWAITING_PROBLEM if plan.problem is not None:
                self._note("hold_problem", problem=plan.problem.number)
            case p.AWAITING_CHANGE if plan.change is not None:
                self._note("hold_change", change=plan.change.number)

    def _resolve(self) -> None:
        plan, draw = self._plan, self._draw
        for _ in range(plan.reopen_count):
            self._comment("resolved", fix=expand_one(draw, self._fixes, self.slots))
            self._say("reopen", by=plan.caller)
            self.reopened_s = self._now_s
            self._note("reopened_note", detail=expand_one(draw, plan.topic.note, self.slots))
        self.fix = self._how()
        self._now_s = plan.end_s
        occasion = "workaround" if plan.close_code == "Workaround provided" else "resolved"
        self.slots["fix"] = self.fix
        self._append(expand_one(draw, self._said[occasion], self.slots), self._by(), is_comment=True)
        if plan.is_confirmed and plan.closed_s is not None and plan.parent is None:
            self._now_s = plan.closed_s
            self._append(expand_one(draw, self._said["confirm"], self.slots), plan.caller, is_comment=True)

    def _how(self) -> str:
        plan, draw = self._plan, self._draw
        if plan.parent is not None:
            return f"Solved with {plan.parent.number}."
        if plan.problem is not None:
            return f"Cause removed with {plan.problem.number}: {expand_one(draw, self._fixes, self.slots)}"
        if plan.change is not None:
            return f"Solved by {plan.change.number}, tested with the caller."
        match plan.close_code:
            case "Resolved by caller":
                return expand_one(draw, self._said["closed_by_caller"], self.slots)
            case "No resolution provided":
                return expand_one(draw, self._said["closed_no_answer"], self.slots)
            case _:
                return expand_one(draw, self._fixes, self.slots)

    def _hand_to(self, team: Team) -> None:
        self._note("reassign", by=self.desk, group=team.name)
        self.team = team
        self.slots["group"] = team.name
        self.reassignment_count += 1

    def _take(self) -> None:
        self.agent = self._member()
        self.slots["agent"] = self.agent.first

    def _member(self) -> Person:
        # nobody answers himself
        return self._draw.one([one for one in self.team.members if one is not self._plan.caller])

    def _ask(self) -> Sequence[str]:
        """Ask the caller something; what the answer may be."""
        question, *answers = self._draw.one(self._plan.topic.questions)
        self._comment("greet", question=expand(self._draw, question, self.slots))
        return answers

    def _other(self) -> str:
        number = int(self._plan.number[3:])
        return f"INC{max(1, number - self._draw.whole(1, 20)):07}"

    def _by(self) -> Person:
        return self.agent or self.desk

    def _note(self, occasion: str, *, by: Person | None = None, **more: str) -> None:
        self.slots.update(more)
        self._write(expand_one(self._draw, self._said[occasion], self.slots), by=by)

    def _write(self, text: str, *, by: Person | None = None) -> None:
        self._pass_time(by or self._by())
        self._append(text, by or self._by(), is_comment=False)

    def _comment(self, occasion: str, **more: str) -> None:
        self._say(occasion, by=self._by(), **more)

    def _say(self, occasion: str, *, by: Person, **more: str) -> None:
        self.slots.update(more)
        self._pass_time(by)
        self._append(expand_one(self._draw, self._said[occasion], self.slots), by, is_comment=True)

    def _pass_time(self, by: Person) -> None:
        """Some of the time that is left until the end; people write while they work, unless it is urgent."""
        draw, left_s = self._draw, self._plan.end_s - self._now_s
        later_s = at_work(draw, self._now_s + left_s * draw.between(0.02, 0.3), by.place)
        soon_s = self._now_s + min(left_s * 0.3, draw.between(1, 25) * MINUTE_S)
        self._now_s = max(later_s, soon_s)

    def _append(self, text: str, by: Person, *, is_comment: bool) -> None:
        self.entries.append(Entry(at_s=self._now_s, by=by, text=text, is_comment=is_comment))
