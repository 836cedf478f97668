"""What admins do in a world: a story that the seed draws, or one that is written down.

A drawn story has a few connections, each with its own plot (somebody initiates, the code reaches somebody, perhaps a
second one too, the first changes his mind), and acts that belong to no plot: switches, removals, backups put back.
Every choice is a throw of named dice, so a story stays the same while faults are switched off around it; what an act
finds to act on depends on how the world is by then.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from simulations.admins import Admins, Code
    from simulations.core.dice import Dice
    from simulations.shape import Shape

LIFETIMES_S: Final = (None, None, 60, 600, 3600, 86400)
ASKS: Final = (None, False, False, True)
INITIATIONS_MAX: Final = 4
"""So often somebody tries to initiate, when the destination can't be checked."""

ACTS_MAX: Final = 8
"""The most acts of a story that belong to no plot."""

SECOND_HOLDER: Final = 0.4
A_THIRD: Final = 0.7
AT_ONCE: Final = 0.7
DECLINED: Final = 0.15
CHANGED_MIND: Final = 0.35
PRESSED_TWICE: Final = 0.25
KEYED: Final = 0.8
OLD_MAIL: Final = 0.2
OLD_MAIL_DECLINED: Final = 0.2
NEW_CODE_GOES_OUT: Final = 0.7
CHECKED: Final = 0.6
LAST_MOMENT: Final = 0.15
RESTORED: Final = 0.3
SILENTLY: Final = 0.4
RESTORED_AGAIN: Final = 0.3
REMEMBERS_AN_OLD_CODE: Final = 0.1
CODE_REPLACED: Final = 0.5
IMPATIENT: Final = 0.5
NUMBERED_AGAIN: Final = 0.05
CLONED: Final = 0.15
RESTLESS: Final = 0.2
RESTLESS_BESIDE_COPY: Final = 0.8
"""How often each turn of a story is taken."""

ENDS: Final = frozenset({"remove", "withdraw", "cancel", "decline", "refuse"})
"""Acts after which somebody impatient does not wait until the partner was told."""

CODES_LOST: Final = 3
"""So many codes a snapshot forgets at once."""

COPY_LIVES_S: Final = (10.0, 4 * 3600.0)
PRESSES: Final = (2, 6)
"""So often somebody restless presses a switch."""

WEIGHTS: Final = {
    "approve": 6.0,
    "refuse": 2.0,
    "activate": 4.0,
    "deactivate": 4.0,
    "new-code": 2.0,
    "withdraw": 1.0,
    "cancel": 1.0,
    "decline": 2.0,
    "remove": 1.2,
    "forget": 0.5,
}
"""How likely each act is among those that are possible."""


async def one_handshake(admins: Admins) -> None:
    """A initiates, B accepts: the story that all others vary."""
    code = await admins.initiate("a", to="b", called="a_to_b", ask_me=False)
    if code is not None:
        await admins.accept("b", code)


def drawn_story(dice: Dice, shape: Shape) -> Callable[[Admins], Awaitable[None]]:
    """The story of a seed."""
    return _Drawn(dice, shape).tell


class _Drawn:
    def __init__(self, dice: Dice, shape: Shape) -> None:
        self._dice = dice
        self._names = "abcdefgh"[: shape.hosts]
        self._shape = shape

    async def tell(self, admins: Admins) -> None:
        """All plots and acts at once."""
        plots = [self._plot(admins, number) for number in range(self._shape.connections)]
        acts = [self._act(admins, number) for number in range(self._dice.below(ACTS_MAX + 1, "acts"))]
        others = [self._restless(admins), self._memory(admins), self._old_code(admins), self._copy(admins)]
        if self._chance("numbered again") < NUMBERED_AGAIN:  # else no task either: schedules stay as they were
            others.append(self._numbered_again(admins))
        await asyncio.gather(*plots, *acts, *others)

    def _chance(self, *name: object) -> float:
        return self._dice.fraction("story", *name)

    def _one_of(self, choices: Any, *name: object) -> Any:
        return choices[self._dice.below(len(choices), "story", *name)]

    def _rest_s(self, longest: float, *name: object) -> float:
        """Some time, from a blink to `longest` seconds; each scale is as likely as the next."""
        shortest, longest = 0.001, max(longest, 1.0)
        return float(shortest * (longest / shortest) ** self._chance("rest", *name))

    async def _plot(self, admins: Admins, number: int) -> None:
        await asyncio.sleep(self._chance("begins", number) * self._shape.chaos_s * 0.3)
        source = self._one_of(self._names, "source", number)
        destination = self._one_of([name for name in self._names if name != source], "destination", number)
        to = destination if self._chance("checked", number) < CHECKED else None
        code, tries = None, 0
        while code is None:
            if tries == INITIATIONS_MAX:
                return
            if tries:
                await asyncio.sleep(self._rest_s(self._shape.chaos_s * 0.1, "tries again", number, tries))
            tries += 1
            code = await admins.initiate(
                source,
                to=to,
                called=f"plot {number}, try {tries}",
                ask_me=self._one_of(ASKS, "ask", number),
                lifetime_s=self._one_of(LIFETIMES_S, "lifetime", number),
                once=self._chance("once", number) < KEYED,
            )
        holders = [destination]
        if self._chance("second holder", number) < SECOND_HOLDER:
            others = [name for name in self._names if name not in {source, destination}]
            is_other = bool(others) and self._chance("a third", number) < A_THIRD
            holders.append(self._one_of(others if is_other else self._names, "second holder is", number))
        await asyncio.gather(*(self._hold(admins, number, place, name, code) for place, name in enumerate(holders)))

    async def _hold(self, admins: Admins, number: int, place: int, name: str, code: Code) -> None:
        """The code reaches a person, who accepts or declines it, or does so twice, or thinks better of it."""
        together = self._chance("at once", number) < AT_ONCE  # all who hold the code press in one moment
        rest_s = self._rest_s(self._shape.chaos_s * 0.3, "mail", number, 0 if together else place)
        if self._chance("last moment", number, place) < LAST_MOMENT:
            rest_s = code.lifetime_s - 3 + 6 * self._chance("which moment", number, place)
        await asyncio.sleep(rest_s)
        once = self._chance("once too", number, place) < KEYED
        if self._chance("declined", number, place) < DECLINED:
            await admins.decline(name, code, once=once)
            return
        accepted = await admins.accept(name, code, once=once)
        if self._chance("pressed twice", number, place) < PRESSED_TWICE:
            await admins.accept(name, code, once=False)
        if accepted is not None and self._chance("changed mind", number, place) < CHANGED_MIND:
            await asyncio.sleep(self._rest_s(60.0, "changed mind", number, place))
            await admins.act(name, accepted["sys_id"], self._one_of(("cancel", "remove"), "how", number, place))

    async def _act(self, admins: Admins, number: int) -> None:
        """Somebody looks at the list and does something with one of its lines, or with an old e-mail."""
        await asyncio.sleep(self._chance("act at", number) * self._shape.chaos_s)
        name = self._one_of(self._names, "act where", number)
        if admins.codes and self._chance("old mail", number) < OLD_MAIL:
            code = self._one_of(admins.codes, "which mail", number)
            paste = admins.decline if self._chance("decline mail", number) < OLD_MAIL_DECLINED else admins.accept
            await paste(name, code)
            return
        shown = await admins.list(name)
        if not shown:
            return
        connection = self._one_of(shown, "act on", number)
        act = self._weighted(connection["possible_acts"], "act what", number)
        if act == "new-code":
            code_again = await admins.new_code(
                name, connection["sys_id"], lifetime_s=self._one_of(LIFETIMES_S, "new lifetime", number)
            )
            if code_again is not None and self._chance("new code goes out", number) < NEW_CODE_GOES_OUT:
                to = self._one_of([each for each in self._names if each != name], "new code to", number)
                await self._hold(admins, 100 + number, 0, to, code_again)
        elif act is not None:
            await admins.act(name, connection["sys_id"], act, once=self._chance("act once", number) < KEYED)
            if act in ENDS and self._chance("impatient", number) < IMPATIENT:
                await asyncio.sleep(self._rest_s(60.0, "impatient", number))
                await admins.act(name, connection["sys_id"], "forget")

    def _weighted(self, acts: list[str], *name: object) -> str | None:
        weights = [WEIGHTS[act] for act in acts]
        left = self._chance(*name) * sum(weights)
        for act, weight in zip(acts, weights, strict=True):
            left -= weight
            if left < 0:
                return act
        return None

    async def _memory(self, admins: Admins) -> None:
        """A backup is kept, and put back later; as a backup, or as a snapshot that nobody marked."""
        if self._chance("restored") >= RESTORED:
            return
        name = self._one_of(self._names, "restored where")
        await asyncio.sleep(self._chance("backup at") * self._shape.chaos_s * 0.6)
        backup = admins.keep_backup(name)
        await asyncio.sleep(self._chance("restored after") * self._shape.chaos_s * 0.4)
        await admins.restore(backup, silently=self._chance("silently") < SILENTLY)
        if self._chance("restored again") < RESTORED_AGAIN:
            await asyncio.sleep(self._rest_s(3600.0, "restored again after"))
            await admins.restore(backup, silently=self._chance("silently again") < SILENTLY)

    async def _old_code(self, admins: Admins) -> None:
        """A code is accepted, perhaps one that replaced the first, and a side remembers the time before."""
        if self._chance("old code") >= REMEMBERS_AN_OLD_CODE:
            return
        await asyncio.sleep(self._chance("old code at") * self._shape.chaos_s * 0.6)
        source = self._one_of(self._names, "old code of")
        destination = self._one_of([name for name in self._names if name != source], "old code to")
        code = await admins.initiate(source, to=destination, called="old code", ask_me=False)
        if code is None:
            return
        await asyncio.sleep(self._rest_s(60.0, "announced"))
        backup = admins.keep_backup(self._one_of((source, destination, destination), "who forgets"))
        if self._chance("code replaced") < CODE_REPLACED:
            await asyncio.sleep(self._rest_s(60.0, "replaced"))
            code = await admins.new_code(source, code.connection.hex()) or code
        await admins.accept(destination, code)
        await asyncio.sleep(self._rest_s(600.0, "forgets"))
        await admins.restore(backup, silently=self._chance("forgets silently") < SILENTLY)

    async def _numbered_again(self, admins: Admins) -> None:
        """A snapshot is put back so soon that a code gets the number of one that went out and was forgotten."""
        await asyncio.sleep(self._chance("numbered again at") * self._shape.chaos_s * 0.7)
        source = self._one_of(self._names, "numbers again")
        destination = self._one_of([name for name in self._names if name != source], "numbered again to")
        to = destination if self._chance("numbered again, checked") < CHECKED else None
        code = await admins.initiate(source, to=to, called="numbered again", ask_me=False)
        if code is None:
            return
        snapshot = admins.keep_backup(source)
        forgotten = [await admins.new_code(source, code.connection.hex()) for _ in range(CODES_LOST)]
        await admins.restore(snapshot, silently=True)
        await asyncio.sleep(self._rest_s(1.0, "numbers again after"))
        code = await admins.new_code(source, code.connection.hex()) or code
        pasted = next((one for one in forgotten if one is not None and one.serial == code.serial), code)
        await admins.accept(destination, pasted)

    async def _copy(self, admins: Admins) -> None:
        if self._chance("cloned") >= CLONED:
            return
        await asyncio.sleep(self._chance("cloned at") * self._shape.chaos_s * 0.7)
        name = self._one_of(self._names, "cloned where")
        shortest_s, longest_s = COPY_LIVES_S
        for_s = shortest_s * (longest_s / shortest_s) ** self._chance("cloned for")
        is_restless = self._chance("restless beside copy") < RESTLESS_BESIDE_COPY
        beside = [self._flip(admins, each, "beside copy", each) for each in self._names if is_restless]
        await asyncio.gather(admins.clone(name, for_s=for_s), *beside)

    async def _restless(self, admins: Admins) -> None:
        if self._chance("restless") >= RESTLESS:
            return
        await asyncio.sleep(self._chance("restless at") * self._shape.chaos_s)
        await self._flip(admins, self._one_of(self._names, "restless where"), "restless")

    async def _flip(self, admins: Admins, at: str, *name: object) -> None:
        """Somebody presses a connection's switch again and again."""
        shown = [one for one in await admins.list(at) if _switch_of(one) is not None]
        if not shown:
            return
        connection: dict[str, Any] | None = self._one_of(shown, "flips", *name)
        fewest, most = PRESSES
        for press in range(fewest + self._dice.below(most - fewest + 1, "story", "presses", *name)):
            switch = _switch_of(connection) if connection is not None else None
            if connection is None or switch is None:
                return
            connection = await admins.act(at, connection["sys_id"], switch)
            await asyncio.sleep(self._rest_s(60.0, "presses", press, *name))


def _switch_of(connection: dict[str, Any]) -> str | None:
    """Which way its switch can be pressed now."""
    return next((act for act in ("activate", "deactivate") if act in connection["possible_acts"]), None)
