"""`source-away`: a destination that cannot reach the source while accepting goes Active by itself once it can.

Four cases at once, each with two nodes of its own and as many handshakes as there are rounds; some codes are bound to
the destination, some to nobody. Nobody repeats an accept that was answered, and nobody asks for a retry.

    down      the source is killed, the destination accepts; the source comes back after 60 s (`--away-s`)
    again     the source is killed; while the destination accepts it is killed too and started again; then the source is
    both      both are killed while the destination accepts, and started again in a random order
    answer    the answer to the accept is lost, once or more often, after the source has committed

What is waited for is no more than the destination itself promises: its next try, as its admin is shown it.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from protocol.limits import DELIVERY_BACKOFF_S_MAX
from protocol.vocabulary import Kind, Phase

from scripts.trials.agreeing import unsettled
from scripts.trials.proxy import Watcher
from scripts.trials.trial import Held, Stage, Trial, during, require, until
from scripts.trials.world import TrialNode, World, start_all

if TYPE_CHECKING:
    from random import Random

    from scripts.trials.proxy import Passage

HANDSHAKES: Final = 20
BOUND_MAX: Final = 3
"""How many invitations of one stranger a node shows at once (protocol section 5)."""

ACCEPTING_S_MAX: Final = 0.3
"""Within so many seconds a node is killed that accepts."""

LOST_MAX: Final = 3
"""How many answers about one connection are lost."""

PROMPT_S: Final = 20.0
"""How long a try and what follows may take on a busy machine, after it was due."""

DUE_LOOK_S: Final = 6.0
"""For how long after the source is back the next tries are noted: a request that was under way may take 5 s."""

CASES: Final = ("down", "again", "both", "answer")


@dataclass(slots=True, kw_only=True)
class Case:
    """Two nodes and the codes that the source's admin has given to the destination's."""

    source: TrialNode
    destination: TrialNode
    random: Random
    stage: Stage
    codes: dict[str, str] = field(default_factory=dict)

    async def initiate(self) -> None:
        """Make all codes."""
        for number in range(self.stage.rounds):
            to = self.destination.url if number < BOUND_MAX and number % 2 == 0 else None
            sys_id, code = await self.source.admin.initiate(f"handshake-{number}", to, ask_me=False)
            self.codes[sys_id] = code

    async def accept(self) -> None:
        """Accept all, at once."""
        async with asyncio.TaskGroup() as accepting:
            for code in self.codes.values():
                accepting.create_task(self.destination.admin.accept(code))

    async def waiting(self) -> dict[str, Any]:
        """What one of the connections waits for, once a try has failed; all must still be Accepting."""
        shown: list[Any] = []

        async def look() -> str:
            shown[:] = await self.destination.admin.shown()
            return "" if any(one["waiting"] for one in shown) else "no failed try is shown"

        await until(look, within_s=PROMPT_S)
        statuses = {one["status"] for one in shown if one["sys_id"] in self.codes}
        require(statuses == {"accepting"}, f"with the source away the destination's statuses are {statuses}")
        waiting: dict[str, Any] = next(one["waiting"] for one in shown if one["waiting"])
        require(waiting["cause"] == "unreachable", f"the source is away, and the cause shown is {waiting['cause']}")
        return waiting

    async def active(self) -> float:
        """Wait until all are Active on both sides and nothing is owed; how many seconds that took.

        Raises:
            NotHeldError: it did not happen by the next try that the destination's admin is shown.
        """
        loop, nodes = asyncio.get_running_loop(), [self.source, self.destination]
        began = due_at = loop.time()
        reached = set[str]()

        async def look() -> str:
            nonlocal due_at
            there = await self.destination.admin.shown()
            if loop.time() < began + DUE_LOOK_S:  # a try that began before the source was back may still fail
                due_at = max(due_at, loop.time() + _due_s(there))
            active = self._active(there)
            for _ in active - reached:
                self.stage.advance()
            reached.update(active)
            missing = self._missing(there) or self._missing(await self.source.admin.shown())
            missing = missing or "; ".join(unsettled(nodes)[:1])
            require(not missing or loop.time() < due_at + PROMPT_S, f"the next try was long due: {missing}")
            return missing

        await until(look, within_s=DELIVERY_BACKOFF_S_MAX)
        for node in nodes:
            for one in node.memory.connections():
                phase = one.record.mine.phase
                require(phase in {Phase.ACTIVE, Phase.ACCEPTED}, f"the node {node.name} has one more, {phase}")
        return loop.time() - began

    def _active(self, shown: list[Any]) -> set[str]:
        return {one["sys_id"] for one in shown if one["status"] == "active"} & self.codes.keys()

    def _missing(self, shown: list[Any]) -> str:
        late = self.codes.keys() - self._active(shown)
        one = next((one for one in shown if one["sys_id"] in late), None)
        seen = f"one is {one['role']}, {one['status']} and waits for {one['waiting']}" if one else "one is not there"
        return f"{len(late)} of {len(self.codes)} are not Active, {seen}" if late else ""


def _due_s(shown: list[Any]) -> float:
    """In how many seconds the last of the next tries is due."""
    due = [one["waiting"]["next_at"] for one in shown if one["waiting"] and one["waiting"]["next_at"]]
    now = datetime.now().astimezone()
    return max((max(0.0, (datetime.fromisoformat(one) - now).total_seconds()) for one in due), default=0.0)


async def _down(case: Case) -> float:
    case.source.kill()
    await case.accept()
    await asyncio.sleep(case.stage.away_s)
    await case.waiting()
    await case.source.start()
    return await case.active()


async def _again(case: Case) -> float:
    case.source.kill()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(case.accept())
        await asyncio.sleep(case.random.uniform(0, ACCEPTING_S_MAX))
        case.destination.kill()
        await case.destination.start()
    await case.waiting()
    await case.source.start()
    return await case.active()


async def _both(case: Case) -> float:
    nodes = [case.source, case.destination]
    case.random.shuffle(nodes)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(case.accept())
        await asyncio.sleep(case.random.uniform(0, ACCEPTING_S_MAX))
        for node in nodes:
            node.kill()
        await nodes[0].start()
        await asyncio.sleep(case.random.uniform(0, ACCEPTING_S_MAX))
        await nodes[1].start()
    return await case.active()


@dataclass(slots=True)
class LosesAnswers(Watcher):
    """Loses the first answers to each connection's accepts, and looks that the source had committed by then."""

    random: Random
    committed: set[str] = field(default_factory=set)
    lost: int = 0
    _left: dict[bytes, int] = field(default_factory=dict)
    source: TrialNode | None = None

    def keeps(self, passage: Passage) -> bool:
        """See `Watcher`."""
        head = passage.head
        if head.kind != Kind.ACCEPT:
            return True
        left = self._left.setdefault(head.connection, self.random.randint(1, LOST_MAX))
        if left == 0:
            return True
        self._left[head.connection] = left - 1
        self.lost += 1
        assert self.source is not None  # noqa: S101 - set before anybody accepts
        self.committed |= {
            one.sys_id
            for one in self.source.memory.connections()
            if one.connection_id == head.connection and one.record.mine.phase is Phase.ACTIVE
        }
        return False


async def _answer(case: Case, watcher: LosesAnswers) -> float:
    watcher.source = case.source
    await case.accept()
    took_s = await case.active()
    missing = case.codes.keys() - watcher.committed
    require(not missing, f"{len(missing)} answers came before the source had committed")
    return took_s


async def _case(name: str, world: World, stage: Stage) -> tuple[str, float, int]:
    watcher = LosesAnswers(stage.random) if name == "answer" else None
    source = await world.node(f"{name}-source", watcher=watcher)
    destination = await world.node(f"{name}-destination")
    with during(name):
        await start_all([source, destination])
        case = Case(source=source, destination=destination, random=stage.random, stage=stage)
        await case.initiate()
        if watcher is not None:
            took_s = await _answer(case, watcher)
        else:
            took_s = await {"down": _down, "again": _again, "both": _both}[name](case)
    return name, took_s, watcher.lost if watcher is not None else 0


async def run(stage: Stage) -> Held:
    """See the head of this file."""
    async with World(stage.folder) as world:
        tasks = []
        async with asyncio.TaskGroup() as cases:
            tasks = [cases.create_task(_case(name, world, stage)) for name in CASES]
    results = {name: (took_s, lost) for name, took_s, lost in (task.result() for task in tasks)}
    took = {name: round(took_s, 1) for name, (took_s, _) in results.items()}
    lost = sum(lost for _, lost in results.values())
    return Held(
        sentence=f"all Active by themselves: {took['down']} s after a source was back that was down for "
        f"{stage.away_s:g} s; {took['again']} s after it was back to a destination killed meanwhile; {took['both']} s "
        f"after both were killed; {took['answer']} s with {lost} answers lost after the commit",
        figures={"seconds_until_all_active": took, "answers_lost": lost, "source_down_s": stage.away_s},
    )


TRIAL = Trial(name="source-away", rounds=HANDSHAKES, counted="handshakes in each of 4 cases", run=run, steps=len(CASES))
