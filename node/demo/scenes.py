"""What the demo's stories share: two admins, eyes on MQTT, and the scenes that happen in each."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar, Final

from node import words
from node.cli.failures import EXIT_REFUSED, CommandError
from node.cli.initiate_command import who_can_use
from node.demo.admins import DemoAdmin
from node.demo.expecting import MissingError, kept, message_of, presence_of, status_of
from node.demo.narrator import Style, style_of
from node.demo.observing import EVENT_S_MAX, observing
from node.demo.reflow import BETWEEN_PARTS
from node.demo.seen import Act, Attempt, Handover, Message, Presence, Told
from node.demo.telling import tell
from node.real_ports import SystemClock
from protocol.invitation import read_code

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from node.demo.expecting import Expected
    from node.demo.narrator import Narrator, Piece
    from node.demo.observing import Observer
    from node.demo.seen import Event, Killed, Restarted
    from node.local_pair.processes import LocalPair

SIDES: Final = ("a", "b")
LIST: Final = "/console/connections"


def page_of(sys_id: str) -> str:
    """Where the console shows a connection."""
    return f"{LIST}/{sys_id}"


class Scenes(ABC):
    """Lives through a story with a pair that runs.

    Attributes:
        KIND: what programs call the story.
        FIRST_LINE: what it is about, and how long it takes; with a pause after each step, where somebody watches.
        PAUSE_S: that pause.
        NEXT: what to try afterwards: commands, and why.
        told: what came of it.
        killed: the sides whose process the story has killed, and not started again.
    """

    KIND: ClassVar[str]
    FIRST_LINE: ClassVar[str]
    FIRST_LINE_WATCHED: ClassVar[str]
    FIRST_LINE_KEPT: ClassVar[str]
    FIRST_LINE_STAGED: ClassVar[str]
    PAUSE_S: ClassVar[float]
    NEXT: ClassVar[Sequence[tuple[str, str]]]

    def __init__(self, pair: LocalPair, narrator: Narrator, *, source: str) -> None:
        """Name the parts; `source` is `a` or `b`: who initiates."""
        self._pair = pair
        self._narrator = narrator
        self._admins = {side: DemoAdmin(side, child) for side, child in zip(SIDES, pair.nodes, strict=True)}
        self._source = self._admins[source]
        self._destination = self._admins["b" if source == "a" else "a"]
        self._clock = SystemClock()
        self.told = Told(source=source)
        self.killed: set[str] = set()

    async def node_names(self) -> dict[str, str]:
        """Each side by its node's id in topics."""
        nodes = await asyncio.gather(*(asyncio.to_thread(admin.node) for admin in self._admins.values()))
        return {node["node_id"]: side for side, node in zip(self._admins, nodes, strict=True)}

    @abstractmethod
    async def run(self, observer: Observer, names: Mapping[str, str]) -> None:
        """All steps; `names`: each side by its node's id in topics.

        Raises:
            CommandError: something did not come or was not as it must be.
            BrokerDownError: the broker ended.
            PairStartError: a process did not start.
        """

    @abstractmethod
    def shown(self) -> list[tuple[str, str]]:
        """What the story has shown, and how long it took."""

    async def _presence(self, observer: Observer) -> None:
        self._narrator.step("Both nodes", "each says over MQTT that it is there")
        expected = [presence_of(side) for side in SIDES]
        newest = {one.side: one for one in await self._expect(observer, expected) if isinstance(one, Presence)}
        for side in SIDES:
            self._tell(newest[side])
        await self._narrator.pause()

    async def _initiate(self, observer: Observer) -> tuple[str, str]:
        source, destination = self._source.side, self._destination.side
        self._step(self._source, "Initiate connection › Connection information", page="/console/initiate")
        wish = {
            "destination_url": self._destination.child.instance_url,
            "name": f"{source}_to_{destination}",
            "local_short_name": source,
            "remote_short_name": destination,
            "mode": "script",
        }
        self._narrator.say(
            f"local short name {source}, remote short name {destination}, name {wish['name']}, mode Script"
        )
        await self._narrator.settle()
        began = self._act(self._source, "initiate")
        answer = await asyncio.to_thread(self._source.initiate, wish)
        sys_id = str(answer["connection"]["sys_id"])
        self._narrator.audience.looks(source, f"{page_of(sys_id)}/code")
        await self._follow(
            observer,
            began,
            [
                status_of(source, "pending", 1),
                message_of(source, "initiate", "pending"),
                message_of(destination, "status", "announced"),
            ],
        )
        self._measure("announce", began)
        await self._narrator.pause()
        return sys_id, str(answer["invitation_code"])

    async def _show_code(self, sys_id: str, code: str) -> None:
        self._step(self._source, "Initiate connection › Copy invitation code", page=f"{page_of(sys_id)}/code")
        view = (await asyncio.to_thread(self._source.connection, sys_id))["connection"]
        self._narrator.say(
            (read_code(code).label, Style.STRONG), f"…  {len(code)} characters, secret but for this label; works once."
        )
        until = view["expires_at"][:16].replace("T", " ")
        self._narrator.say(f"{who_can_use(view).removesuffix('.')}, until {until} UTC.")
        await self._narrator.pause()
        self._see(Handover(at_s=self._clock.now(), sender=self._source.side, recipient=self._destination.side))

    async def _read_code(self, code: str) -> None:
        admin, partner = self._destination, self._source
        self._step(admin, "Accept invitation", page="/console/accept")
        shown = await asyncio.to_thread(admin.invitation, code)
        if not shown["bound_to_this_node"]:
            raise CommandError("The code is not bound to the node that was checked.", exit_code=EXIT_REFUSED)
        self._narrator.say(f"pastes the code from {partner.name}: genuine, not expired, made for this very node.")
        origin = shown["source"]
        self._narrator.say(f"from {origin['node_url']}, fingerprint ", (origin["fingerprint"], style_of(partner.side)))
        self._narrator.say(
            f"names, mirrored: {shown['destination_short_name']} here, {origin['short_name']} there; "
            f"mode {str(shown['mode']).capitalize()}"
        )
        await self._narrator.pause()

    async def _compare(self, sys_id: str) -> None:
        self._narrator.step("Both admins", "Connections")
        for side in SIDES:
            self._narrator.audience.looks(side, page_of(sys_id))
        views = {side: await admin.view(sys_id, "active") for side, admin in self._admins.items()}
        pieces: list[Piece | str] = []
        for side, view in views.items():
            pieces += [(f"Admin {side.upper()}", style_of(side)), f"  {view['name']}  "]
            pieces += [(words.status(view), Style.GOOD_STRONG), BETWEEN_PARTS]
        self._narrator.say(*pieces[:-1])
        for role, side, other in (
            ("source     ", self._source.side, self._destination.side),
            ("destination", self._destination.side, self._source.side),
        ):
            own, held = views[side]["fingerprint"], views[other]["partner"]["fingerprint"]
            if own != held:
                raise CommandError(
                    f"Node {other} holds another fingerprint of node {side} than its own.", exit_code=EXIT_REFUSED
                )
            self._narrator.say(f"{role}  ", (own, style_of(side)), "  the same on both consoles ", ("✓", Style.GOOD))
        await self._narrator.pause()

    async def _arrive_late(self, names: Mapping[str, str]) -> None:
        self._narrator.step("A late subscriber", "subscribes to handclasp/# and sees the present state")
        expected = [*(presence_of(side) for side in SIDES), *(status_of(side, "active", 2) for side in SIDES)]
        began = self._time()
        async with observing(self._pair.broker.url, "handclasp-demo-late", names) as late:
            self.told.retained = await self._expect(late, [kept(one) for one in expected])
        self._measure("late", began)
        pieces: list[Piece | str] = []
        for side in SIDES:
            own = [one for one in self.told.retained if not isinstance(one, Message) and one.side == side]
            said = [one.state if isinstance(one, Presence) else f"{one.status} · seq {one.seq}" for one in own]
            pieces += [(f"node {side}", style_of(side)), f"  {', '.join(sorted(said, reverse=True))}", BETWEEN_PARTS]
        self._narrator.say(*pieces[:-1], right=self.told.took("late"))
        await self._narrator.pause()

    def _step(self, admin: DemoAdmin, screen: str, *, page: str) -> None:
        self._narrator.step(admin.name, screen, side=admin.side)
        self._narrator.audience.looks(admin.side, page)

    def _see(self, one: Act | Handover | Attempt | Killed | Restarted) -> None:
        """Keep what the demo did, or what befell a process; the audience can know it from nowhere else."""
        self.told.seen.append(one)
        self._narrator.audience.seen(one)

    async def _follow(
        self, observer: Observer, began: float, expected: Sequence[Expected], *, within_s: float = EVENT_S_MAX
    ) -> list[Event]:
        """Wait for the events of an act, and tell them."""
        events = await self._expect(observer, expected, within_s=within_s)
        for one in events:
            self.told.seen.append(one)
            self._tell(one, began=began)
        return events

    async def _expect(
        self, observer: Observer, expected: Sequence[Expected], *, within_s: float = EVENT_S_MAX
    ) -> list[Event]:
        try:
            return await observer.expect(expected, within_s=within_s)
        except MissingError as error:
            for one in observer.news():
                self._tell(one)
            raise CommandError(
                f"This did not come over MQTT: {error}.",
                "Run the demo once more; if it stays so, `handclasp pair` keeps the logs of all three.",
                exit_code=EXIT_REFUSED,
            ) from None

    def _tell(self, one: Event | Attempt, *, began: float | None = None) -> None:
        tell(self._narrator, one, began_at_s=began)

    def _act(self, admin: DemoAdmin, what: str) -> float:
        began = self._time()
        self._see(Act(at_s=began, side=admin.side, what=what))
        return began

    def _time(self) -> float:
        return self._clock.now()

    def _measure(self, what: str, began: float) -> None:
        self.told.timings_ms[what] = round((self._time() - began) * 1000)
