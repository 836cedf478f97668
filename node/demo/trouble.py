"""The demo's other story: both nodes are killed in the middle of a handshake, and it ends right all the same.

The source is killed when the destination's admin has read the code and not yet pressed Accept: the accept then
meets nobody, which is the same on every run. The destination is killed while it waits. Neither is helped.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from node import words
from node.cli.failures import EXIT_REFUSED, CommandError
from node.demo.expecting import message_of, presence_of, status_of
from node.demo.narrator import Style, style_of
from node.demo.scenes import LIST, SIDES, Scenes, page_of
from node.demo.seen import Act, Attempt, Killed, Presence, Restarted, Status
from node.demo.tries import Tries

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from node.demo.admins import DemoAdmin
    from node.demo.observing import Observer

TRIES_SHOWN: Final = 3
"""How many tries Admin B watches before their own node is killed too."""

RECOVERY_S_MAX: Final = 60.0
"""How long it may take until both are Active; the destination waits some seconds between its tries by then."""


class Trouble(Scenes):
    """Both processes die, both come back, nobody repeats anything."""

    KIND = "trouble"
    FIRST_LINE = "Two nodes start here and are killed in the middle of a handshake: about 8 s."
    FIRST_LINE_WATCHED = "Two nodes start here and are killed in the middle of a handshake: about 40 s."
    FIRST_LINE_KEPT = "Two nodes start here, are killed in the middle of a handshake, and stay up."
    FIRST_LINE_STAGED = "Two nodes start here, are killed in a handshake on a live stage, come back, and stay up."
    PAUSE_S = 2.5
    NEXT = (
        ("demo", "the same handshake, undisturbed"),
        ("demo --trouble --keep", "… and then kill one yourself"),
        ("watch", "every status, live from MQTT"),
    )

    async def run(self, observer: Observer, names: Mapping[str, str]) -> None:
        """See `Scenes`."""
        await self._presence(observer)
        sys_id, code = await self._initiate(observer)
        await self._show_code(sys_id, code)
        await self._read_code(code)
        await self._kill_source(observer)
        await self._accept_meets_nobody(observer, sys_id, code)
        await self._kill_destination(observer)
        tries = await self._restart_destination(observer, sys_id)
        await self._restart_source(observer, tries)
        await self._compare(sys_id)
        await self._compare_logs(observer, sys_id)
        await self._arrive_late(names)
        self.told.documents = observer.documents

    def shown(self) -> list[tuple[str, str]]:
        """See `Scenes`."""
        told, source, destination = self.told, self._source.side, self._destination.side
        one, other = self._source.name, self._destination.name
        counted = f"{len(told.messages)} signed messages, {len(told.statuses)} statuses"
        return [
            ("three processes started from nothing, all ready", told.took("start")),
            (f"node {source} killed: {one} sees no node, and MQTT says lost after", told.took("lost")),
            (f"{other} accepted all the same: committed and owed after", told.took("accept")),
            (f"{destination} tried {TRIES_SHOWN} times, and {other} saw why it waits, within", told.took("tries")),
            (f"node {destination} killed and started again: still Accepting, and at it after", told.took("again")),
            (f"node {source} started again: ready after", told.took("source_start")),
            ("both Active, nobody had touched anything, after another", told.took("recovery")),
            (f"{len(told.fates) // 2} kills, {counted}: none lost, none doubled", ""),
            ("the present state from retained messages, for whoever comes late", told.took("late")),
        ]

    async def _kill_source(self, observer: Observer) -> None:
        admin, other = self._source, self._destination
        await self._kill(observer, admin, f"kill -9, just before {other.name} presses Accept", measured="lost")
        self._see(Act(at_s=self._time(), side=admin.side, what="look", reached=False))
        sentence = await asyncio.to_thread(admin.refusal)
        if sentence is None:
            raise CommandError(f"The node {admin.side} was killed, but it still answers.", exit_code=EXIT_REFUSED)
        self._narrator.say((admin.name, style_of(admin.side)), " looks at Connections and reads:")
        self._narrator.say_long(sentence)
        await self._narrator.pause()

    async def _accept_meets_nobody(self, observer: Observer, sys_id: str, code: str) -> None:
        admin = self._destination
        self._step(admin, "Accept invitation › Accept", page=LIST)
        await self._narrator.settle()
        began = self._act(admin, "accept")
        await asyncio.to_thread(admin.accept, {"code": code})
        for side in SIDES:
            self._narrator.audience.looks(side, page_of(sys_id))
        self._measure("accept", began)
        self._narrator.say(
            "is answered at once: it is on disk now, and for the node to tell.",
            right=self.told.took("accept"),
        )
        tries = Tries(admin, sys_id, partner=self._source.side, clock=self._clock)
        await self._follow(observer, began, [status_of(admin.side, "accepting", 1)])
        await tries.until(TRIES_SHOWN, lambda one: self._attempted(one, began=began))
        self._measure("tries", began)
        self._say_waiting(admin, tries.view)
        await self._narrator.pause()

    async def _kill_destination(self, observer: Observer) -> None:
        await self._kill(observer, self._destination, "kill -9, while it waits for its next try")
        self._narrator.say("Both nodes are dead. What is left of the handshake: two files on disk.")
        await self._narrator.pause()

    async def _restart_destination(self, observer: Observer, sys_id: str) -> Tries:
        admin, partner = self._destination, self._source.side
        self._narrator.step(f"Node {admin.side}", f"started again, while {partner} is still dead", side=admin.side)
        began = self._time()
        await self._restart(admin)
        await self._follow(observer, began, [presence_of(admin.side)])
        tries = Tries(admin, sys_id, partner=partner, clock=self._clock)
        await tries.until(1, lambda one: self._attempted(one, began=began))
        self._measure("again", began)
        view = tries.view
        if (view["status"], view["seq"]) != ("accepting", 1):
            raise CommandError(f"{admin.name}'s connection is not as it was before the kill.", exit_code=EXIT_REFUSED)
        self._say_waiting(admin, view)
        self._narrator.say("Nothing is lost, nobody asked it to go on, and it has begun to try afresh.")
        return tries  # without a pause: its next tries come less and less often

    async def _restart_source(self, observer: Observer, tries: Tries) -> None:
        admin, other = self._source, self._destination
        source, destination = admin.side, other.side
        self._narrator.step(f"Node {source}", "started again; nobody touches anything", side=source)
        began = self._time()
        going_on = asyncio.create_task(tries.go_on(lambda one: self._attempted(one, began=began)))
        try:
            await self._restart(admin)
        finally:
            going_on.cancel()
            await asyncio.gather(going_on, return_exceptions=True)
        self._measure("source_start", began)
        ready_at = self._time()
        events = await self._follow(
            observer,
            began,
            [
                presence_of(source),
                message_of(destination, "accept", "accepted"),
                message_of(source, "status", "active"),
                status_of(source, "active", 2),
                status_of(destination, "active", 2),
            ],
            within_s=RECOVERY_S_MAX,
        )
        active_at = max(one.at_s for one in events if isinstance(one, Status))
        self.told.timings_ms["recovery"] = max(0, round((active_at - ready_at) * 1000))
        self._narrator.say(
            "Both are ",
            ("Active", Style.GOOD_STRONG),
            f": {destination}'s own next try found {source} {self.told.took('recovery')} after it was ready.",
        )
        await self._narrator.pause()

    async def _compare_logs(self, observer: Observer, sys_id: str) -> None:
        self._narrator.step("Both admins", "Connections › Show › Events")
        for side, admin in self._admins.items():
            log = await asyncio.to_thread(admin.events, sys_id)
            connections = await asyncio.to_thread(admin.connections)
            self._check_log(side, log, observer)
            if len(connections) != 1:
                raise CommandError(f"{admin.name} has {len(connections)} connections.", exit_code=EXIT_REFUSED)
            self.told.logs[side] = log
            shown = ", then ".join(f"{one['data']['seq']} {words.STATUSES[one['data']['status']]}" for one in log)
            self._narrator.say(
                (f"node {side}", style_of(side)), f"  {shown.ljust(28)}  one connection ", ("✓", Style.GOOD)
            )
        self._narrator.say("No number is missing, none is there twice; the same events came over MQTT.")
        await self._narrator.pause()

    def _check_log(self, side: str, log: list[dict[str, Any]], observer: Observer) -> None:
        """A log counts from 1 without a gap, and its events are the ones that were broadcast."""
        broadcast = [
            one["event"]["id"]
            for one in observer.documents
            if one["event"]["source"] in {event["source"] for event in log} and one["topic"].endswith("/status")
        ]
        numbers = [event["data"]["seq"] for event in log]
        if numbers != list(range(1, len(log) + 1)) or broadcast != [event["id"] for event in log]:
            raise CommandError(
                f"The events of node {side} are numbered {numbers}, and {len(broadcast)} came over MQTT.",
                exit_code=EXIT_REFUSED,
            )

    async def _kill(self, observer: Observer, admin: DemoAdmin, how: str, *, measured: str | None = None) -> None:
        self._narrator.step(f"Node {admin.side}", how, style=Style.BAD_STRONG)
        pid, began = admin.child.pid or 0, self._time()
        self.killed.add(admin.side)
        admin.child.kill()
        self._see(Killed(at_s=began, side=admin.side, pid=pid))
        self._narrator.say(f"process {pid} is gone without a goodbye; the broker publishes its will:")
        for one in await self._follow(observer, began, [presence_of(admin.side, "lost")]):
            if measured and isinstance(one, Presence):
                self.told.timings_ms[measured] = max(0, round((one.at_s - began) * 1000))

    async def _restart(self, admin: DemoAdmin) -> None:
        began = self._time()
        await admin.child.start()
        self.killed.discard(admin.side)
        self._see(Restarted(at_s=self._time(), side=admin.side, pid=admin.child.pid or 0))
        self._narrator.say(f"process {admin.child.pid} is ready after {self._time() - began:.1f} s, on the same data.")

    def _say_waiting(self, admin: DemoAdmin, view: dict[str, Any]) -> None:
        """What the console shows of a connection that waits for its partner."""
        waiting = view["waiting"]
        count = waiting["tries"]
        self._narrator.say(
            (admin.name, style_of(admin.side)),
            f" sees {view['name']}  ",
            (words.status(view), Style.STRONG),
            f"  {waiting['cause']}, {count} {'try' if count == 1 else 'tries'}, next at {waiting['next_at'][11:21]}",
        )
        self._narrator.say_long(waiting["sentence"])

    def _attempted(self, one: Attempt, *, began: float) -> None:
        self._see(one)
        self._tell(one, began=began)
