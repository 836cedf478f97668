"""`replay`: envelopes that come late or again, once everything is removed, change nothing.

Two nodes connect to each other by random acts of their admins; each is reached through a proxy that records what
passes. Then the admins end and remove everything, some connections are forgotten, and both nodes are started once
more when the shortest codes have expired, so that they purge what nobody can need any more. Every row of both
databases is noted.

Now every recorded question is sent again to the node that it was for, in a random order, and drawn ones again and
again until there were as many as there are rounds; several at once. Among them are answers that come as if they were
questions, but few: a node turns a network away that sends much of what is refused. Afterwards every row of both
databases must be what it was.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import aiohttp
from node.delivery.exchange import PEER_PATH
from protocol.envelope import CONTENT_TYPE, peek
from protocol.limits import ANNOUNCEMENTS_OPEN_PER_KEY_MAX
from protocol.records import SourceRecord
from protocol.vocabulary import Kind

from scripts.trials.agreeing import unsettled
from scripts.trials.proxy import Watcher
from scripts.trials.random_acts import LIFETIMES_S, Ledger, RandomAdmin, remove_all
from scripts.trials.trial import Held, Stage, Trial, require, until
from scripts.trials.world import TrialNode, World, start_all

if TYPE_CHECKING:
    from random import Random

    from scripts.trials.proxy import Passage

ADMINS: Final = 2
ACTS: Final = 10
ANNOUNCED_MAX: Final = ANNOUNCEMENTS_OPEN_PER_KEY_MAX - 1
"""Per node: no more than the other one stores. What was too many at first, it might store when it comes late."""

DISTINCT: Final = 0.4
"""How many of the replayed questions are different ones."""

ANSWERS_MAX: Final = 40
"""Below the burst of refusals that a node takes from a network before it turns it away (`node.peer.rates`)."""

AT_ONCE: Final = 8
REMOVING_ROUNDS_MAX: Final = 50
SETTLE_S_MAX: Final = 60.0
ROW_CHARACTERS_MAX: Final = 300
FORGOTTEN: Final = 0.2
EXPIRY_S: Final = LIFETIMES_S[0] + 2
"""Until when every code of the shortest life has expired."""

_OK, _BAD_REQUEST, _TOO_MANY = 200, 400, 429


@dataclass(slots=True)
class Recorder(Watcher):
    """Keeps every question to one node, and every answer of it."""

    questions: list[bytes] = field(default_factory=list)
    answers: list[bytes] = field(default_factory=list)

    def keeps(self, passage: Passage) -> bool:
        """See `Watcher`."""
        if passage.answer is not None:
            self.questions.append(passage.question)
            self.answers.append(passage.answer)
        return True


@dataclass(slots=True, kw_only=True)
class Recorded:
    """One envelope, and the node that it is sent to now."""

    envelope: bytes
    to: TrialNode
    is_answer: bool


async def _act(nodes: list[TrialNode], recorders: list[Recorder], *, wanted: int, random: Random) -> Ledger:
    """Let admins act until so many questions were recorded.

    One connection by a short-lived code that was taken is spared, and never forgotten: it is purged in the end, however
    few the acts are and whatever chance makes of them.
    """
    ledger = Ledger(bound=Counter({node.name: ANNOUNCED_MAX for node in nodes}))
    sys_id, code = await nodes[0].admin.initiate("short-lived", code_lifetime_s=LIFETIMES_S[0])
    ledger.spared.add(sys_id)
    await nodes[1].admin.accept(code)
    while sum(len(one.questions) for one in recorders) < wanted:
        async with asyncio.TaskGroup() as acting:
            for node, other in (nodes, nodes[::-1]):
                for _ in range(ADMINS):
                    acting.create_task(RandomAdmin(node, other, random=random, ledger=ledger).act(ACTS))
    return ledger


async def _remove_everything(nodes: list[TrialNode], ledger: Ledger, random: Random) -> None:
    """End, tell the partner, forget some that were not spared, remove the others, until neither side shows any."""
    kept, ledger.spared = ledger.spared, set()
    for round_number in range(REMOVING_ROUNDS_MAX + 1):
        await _at_rest(nodes, ledger, resynced=False)
        shown = [(node, one) for node in nodes for one in await node.admin.shown()]
        if not shown:
            return
        require(round_number < REMOVING_ROUNDS_MAX, f"{len(shown)} connections can't be removed, one is {shown[0][1]}")
        for node, one in shown:
            if one["sys_id"] not in kept and "forget" in one["possible_acts"] and random.random() < FORGOTTEN:
                ledger.asked[one["sys_id"]].add("forget")
                await node.admin.insist("POST", f"/connections/{one['sys_id']}/forget", {})
        for node in nodes:
            await remove_all(node, ledger)


async def _at_rest(nodes: list[TrialNode], ledger: Ledger, *, resynced: bool) -> None:
    async def look() -> str:
        return "; ".join(unsettled(nodes, forgotten=ledger.forgotten, resynced=resynced)[:2])

    await until(look, within_s=SETTLE_S_MAX)


async def _purged(nodes: list[TrialNode]) -> None:
    """Wait until both have purged, which they do some time after their start."""

    async def look() -> str:
        due = [
            one.sys_id
            for node in nodes
            for one in node.memory.connections()
            if isinstance(one.record, SourceRecord) and one.record.hidden and one.record.expires_at < time.time()
        ]
        return f"{len(due)} removed connections with an expired code are not purged, one is {due[0]}" if due else ""

    await until(look, within_s=SETTLE_S_MAX)


def _drawn(stage: Stage, recorded: list[Recorded]) -> list[Recorded]:
    """Every question, a few answers, and repeats until there are as many as rounds; in a random order."""
    random = stage.random
    questions = [one for one in recorded if not one.is_answer]
    answers = [one for one in recorded if one.is_answer]
    chosen = random.sample(answers, min(len(answers), ANSWERS_MAX, stage.rounds // 20))
    chosen += random.sample(questions, min(len(questions), stage.rounds - len(chosen)))
    chosen += random.choices(questions, k=stage.rounds - len(chosen))
    random.shuffle(chosen)
    return chosen


async def _replay(stage: Stage, envelopes: list[Recorded]) -> Counter[int]:
    """Send them all, some at once; how often which HTTP status came back.

    Raises:
        NotHeldError: a question was not answered as every question is.
    """
    statuses, left = Counter[int](), iter(envelopes)

    async def send(http: aiohttp.ClientSession) -> None:
        for one in left:
            async with http.post(
                one.to.own_url + PEER_PATH, data=one.envelope, headers={"Content-Type": CONTENT_TYPE}
            ) as answer:
                await answer.read()
            statuses[answer.status] += 1
            kind = peek(one.envelope).head.kind
            expected = {_BAD_REQUEST} if one.is_answer else {_OK, _TOO_MANY} if kind == Kind.INITIATE else {_OK}
            require(
                answer.status in expected,
                f"the node {one.to.name} answered a late {'answer' if one.is_answer else kind} with {answer.status}",
            )
            stage.advance()

    async with aiohttp.ClientSession() as http, asyncio.TaskGroup() as sending:
        for _ in range(AT_ONCE):
            sending.create_task(send(http))
    return statuses


async def run(stage: Stage) -> Held:
    """See the head of this file."""
    loop, recorders = asyncio.get_running_loop(), [Recorder(), Recorder()]
    async with World(stage.folder) as world:
        nodes = [await world.node(name, watcher=recorder) for name, recorder in zip(("a", "b"), recorders, strict=True)]
        await start_all(nodes)
        wanted = max(1, round(stage.rounds * DISTINCT))
        ledger = await _act(nodes, recorders, wanted=wanted, random=stage.random)
        last_code_at = loop.time()
        await _remove_everything(nodes, ledger, stage.random)
        removed = [one.sys_id for node in nodes for one in node.memory.connections()]
        await asyncio.gather(*(node.stop() for node in nodes))
        await asyncio.sleep(max(0.0, last_code_at + EXPIRY_S - loop.time()))
        await start_all(nodes)
        await _at_rest(nodes, ledger, resynced=True)
        await _purged(nodes)
        purged = len(removed) - sum(len(node.memory.connections()) for node in nodes)
        require(purged > 0, "nothing was purged, so nothing purged can be replayed")
        before = [node.memory.everything() for node in nodes]
        recorded = [
            Recorded(envelope=envelope, to=to, is_answer=is_answer)
            for to, asker, recorder in zip(nodes, nodes[::-1], recorders, strict=True)
            for to, is_answer, envelopes in ((to, False, recorder.questions), (asker, True, recorder.answers))
            for envelope in envelopes
        ]
        statuses = await _replay(stage, _drawn(stage, recorded))
        after = [node.memory.everything() for node in nodes]
    for node, was, is_ in zip(nodes, before, after, strict=True):
        require(was == is_, f"the database of the node {node.name} has changed: {_change(was, is_)}")
    tables = sum(len(table) for one in before for table in one.values())
    questions = sum(not one.is_answer for one in recorded)
    return Held(
        sentence=f"late and repeated ones of {questions:,} different questions and their answers, about "
        f"{len(set(removed)):,} removed connections, {purged} of them purged at their source: {tables:,} rows of "
        "both databases are as before",
        figures={
            "different_questions": questions,
            "connections": len(set(removed)),
            "purged": purged,
            "rows": tables,
            "answered": {str(status): count for status, count in sorted(statuses.items())},
        },
    )


def _change(was: dict[str, list[tuple[Any, ...]]], is_: dict[str, list[tuple[Any, ...]]]) -> str:
    """One row that went and one that came, of each table that has changed."""
    return "; ".join(
        f"{name} held {_shown(set(rows) - set(is_[name]))} and holds {_shown(set(is_[name]) - set(rows))}"
        for name, rows in was.items()
        if rows != is_[name]
    )


def _shown(rows: set[tuple[Any, ...]]) -> str:
    return f"{str(min(rows, key=repr))[:ROW_CHARACTERS_MAX]}…" if rows else "no such row"


TRIAL = Trial(name="replay", rounds=1_000, counted="envelopes", run=run)
