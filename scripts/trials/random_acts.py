"""Admins who do at random what admins can do, on two nodes that connect to each other in both directions."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from node.problems import Problem

from scripts.trials.trial import require

if TYPE_CHECKING:
    from random import Random

    from scripts.trials.admin import Answer
    from scripts.trials.world import TrialNode

LIFETIMES_S: Final = (60, 3_600, 7 * 24 * 3_600)
"""How long codes live; the shortest that there is ends within a trial."""

BOUND: Final = 0.4
"""How many of the connections name their destination, which is then checked and told of the invitation."""

CODES_KEPT: Final = 0.3
"""How many codes stay in the admins' hands after they were used, to be used again."""

PAUSE_S_MAX: Final = 0.03

ACT_WEIGHTS: Final = {"remove": 1, "forget": 1, "describe": 1, "cancel": 2}
STATUS_WEIGHTS: Final = {"closed": 0.2, "pending": 1}
USUAL_WEIGHT: Final = 6
"""Of acts and statuses that are not named: what lives is acted on more than what has ended."""


@dataclass(slots=True, kw_only=True)
class Ledger:
    """What the admins of two nodes know: what they were answered, what they asked for, which codes they hold.

    Attributes:
        codes: the codes that came from each node, by its name.
        views: the connections that each node showed in answer to an act, by its name, as JSON.
        initiated: the name of each connection with the sys_id that its admin was told, by the node's name.
        asked: which acts were asked for, by sys_id.
        spared: connections that nobody acts on.
        bound: how many initiations of each node may still name the other one, which announces them to it.
        done: how often each act was done.
        refused: how many acts were not possible at that moment.
        cut: how often the node died before it answered.
    """

    codes: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    views: dict[str, list[Any]] = field(default_factory=lambda: defaultdict(list))
    initiated: dict[str, dict[str, str]] = field(default_factory=lambda: defaultdict(dict))
    asked: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    spared: set[str] = field(default_factory=set)
    bound: Counter[str] | None = None
    done: Counter[str] = field(default_factory=Counter)
    refused: int = 0
    cut: int = 0

    @property
    def forgotten(self) -> set[str]:
        """Connections that somebody wanted forgotten."""
        return {sys_id for sys_id, acts in self.asked.items() if "forget" in acts}

    def is_bound(self, node: str, random: Random) -> bool:
        """Whether the next initiation of a node is for the other one alone."""
        if random.random() >= BOUND:
            return False
        if self.bound is not None:
            self.bound[node] -= 1
        return self.bound is None or self.bound[node] >= 0

    def note_cut(self) -> None:
        """A node died before it answered."""
        self.cut += 1


class RandomAdmin:
    """One admin of one of the nodes."""

    def __init__(self, node: TrialNode, other: TrialNode, *, random: Random, ledger: Ledger) -> None:
        self._node = node
        self._other = other
        self._random = random
        self._ledger = ledger

    async def act(self, count: int) -> None:
        """Do so many acts, with short rests; one whose answer does not come is asked for again until it comes.

        Raises:
            NotHeldError: the node failed, or stayed away.
        """
        for _ in range(count):
            await asyncio.sleep(self._random.uniform(0, PAUSE_S_MAX))
            (kind,) = self._random.choices(("initiate", "code", "connection"), (2, 3, 7))
            if kind == "initiate":
                await self._initiate()
            elif kind == "code" and self._ledger.codes[self._other.name]:
                await self._use_a_code()
            else:
                await self._act_on_one()

    async def _initiate(self) -> None:
        random, name = self._random, f"{self._node.name}-{self._random.getrandbits(64):x}"
        answer = await self._write(
            "initiate",
            "POST",
            "/connections",
            {
                "name": name,
                "local_short_name": self._node.name,
                "remote_short_name": self._other.name,
                "destination_url": self._other.url if self._ledger.is_bound(self._node.name, random) else None,
                "ask_me": random.choice((True, False)),
                "code_lifetime_s": random.choice(LIFETIMES_S),
            },
        )
        doubled = not answer.is_done and answer.content["type"].endswith(Problem.NAME_TAKEN)
        require(not doubled, f"the node {self._node.name} knows {name} already: it did twice what was asked for once")
        if answer.is_done:
            self._ledger.initiated[self._node.name][name] = answer.content["connection"]["sys_id"]

    async def _use_a_code(self) -> None:
        random, codes = self._random, self._ledger.codes[self._other.name]
        code = random.choice(codes)
        act = "decline" if random.random() < 0.15 else "accept"  # noqa: PLR2004 - fewer decline
        await self._write(act, "POST", f"/invitations/{act}", {"code": code})
        if code in codes and random.random() >= CODES_KEPT:
            codes.remove(code)

    async def _act_on_one(self) -> None:
        random, shown = self._random, await self._node.admin.shown()
        possible = [one for one in shown if one["sys_id"] not in self._ledger.spared]
        if not possible:
            return
        (one,) = random.choices(possible, [STATUS_WEIGHTS.get(each["status"], USUAL_WEIGHT) for each in possible])
        path, acts = f"/connections/{one['sys_id']}", [*one["possible_acts"], "describe"]
        (act,) = random.choices(acts, [ACT_WEIGHTS.get(each, USUAL_WEIGHT) for each in acts])
        self._ledger.asked[one["sys_id"]].add(act)
        if act == "describe":
            await self._write(act, "PATCH", path, {"description": f"{random.getrandbits(32):x}"})
        else:
            await self._write(act, "POST", f"{path}/{act}", {})

    async def _write(self, act: str, method: str, path: str, body: Any) -> Answer:
        ledger = self._ledger
        answer = await self._node.admin.insist(method, path, body, cut=ledger.note_cut)
        if not answer.is_done:
            ledger.refused += 1
            return answer
        ledger.done[act] += 1
        if answer.content["connection"] is not None:
            ledger.views[self._node.name].append(answer.content["connection"])
        if code := answer.content.get("invitation_code"):
            ledger.codes[self._node.name].append(code)
        return answer


async def remove_all(node: TrialNode, ledger: Ledger) -> None:
    """Let an admin end and remove everything that is shown, whatever its status, but for what is spared.

    Raises:
        NotHeldError: the node failed, or stayed away.
    """
    ending = ("remove", "withdraw", "refuse", "cancel", "decline")
    for one in await node.admin.shown():
        acts = [act for act in ending if act in one["possible_acts"]]
        if acts and one["sys_id"] not in ledger.spared:
            ledger.asked[one["sys_id"]].add(acts[0])
            await node.admin.insist("POST", f"/connections/{one['sys_id']}/{acts[0]}", {})
