"""The demo's story: nine steps of two admins, told while two real nodes and a real broker live through them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from node import words
from node.cli.failures import EXIT_REFUSED, CommandError
from node.demo.expecting import message_of, status_of
from node.demo.narrator import Style, style_of
from node.demo.scenes import LIST, Scenes, page_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from node.demo.observing import Observer


class Story(Scenes):
    """The two-admin flow, undisturbed."""

    KIND = "handshake"
    FIRST_LINE = "Two nodes and a broker start here, shake hands and go again: about 3 seconds."
    FIRST_LINE_WATCHED = FIRST_LINE
    FIRST_LINE_KEPT = "Two nodes and a broker start here, shake hands in about 3 s, and stay up."
    FIRST_LINE_STAGED = "Two nodes and a broker start here, shake hands on a live stage, and stay up."
    PAUSE_S = 0.12
    NEXT = (
        ("demo --browser", "the same in your browser: you are both admins"),
        ("pair", "the same three processes, to keep"),
        ("watch", "beside it: every status, live from MQTT"),
    )

    async def run(self, observer: Observer, names: Mapping[str, str]) -> None:
        """See `Scenes`."""
        await self._presence(observer)
        await self._check()
        sys_id, code = await self._initiate(observer)
        await self._show_code(sys_id, code)
        await self._see_invitation(sys_id)
        await self._read_code(code)
        await self._accept(observer, sys_id, code)
        await self._compare(sys_id)
        await self._arrive_late(names)
        self.told.documents = observer.documents

    def shown(self) -> list[tuple[str, str]]:
        """See `Scenes`."""
        told, source, destination = self.told, self._source.side, self._destination.side
        size = sum(one.size_bytes for one in told.messages)
        counted = f"{len(told.messages)} signed messages, {size} bytes; {len(told.statuses)} statuses over MQTT"
        return [
            ("three processes started from nothing, all ready", told.took("start")),
            (f"{destination} checked by its URL: only the key seen there may accept", told.took("check")),
            (f"{source} initiated, and {destination} was told of the invitation", told.took("announce")),
            ("the handshake: from Accept until both sides are Active", told.took("handshake")),
            (f"{counted}, none missing", ""),
            ("the present state from retained messages, for whoever comes late", told.took("late")),
        ]

    async def _check(self) -> None:
        admin, url = self._source, self._destination.child.instance_url
        self._step(admin, "Connections › Initiate connection › Destination instance URL", page="/console/initiate")
        await self._narrator.settle()
        began = self._time()
        result = await asyncio.to_thread(admin.check, url)
        self._measure("check", began)
        if result["outcome"] != "ok":
            raise CommandError(result["sentence"], result["remedy"], exit_code=EXIT_REFUSED)
        self._narrator.say(f"types {url}; the node behind it says who it is.", right=self.told.took("check"))
        self._narrator.say(result["sentence"])
        self._narrator.say(
            "fingerprint ",
            (result["fingerprint"], style_of(self._destination.side)),
            f", modes that both offer: {', '.join(result['modes'])}",
        )
        await self._narrator.pause()

    async def _see_invitation(self, sys_id: str) -> None:
        admin = self._destination
        self._step(admin, "Connections", page=LIST)
        view = await admin.view(sys_id, "invited")
        self._narrator.say(
            f"{view['name']} is ",
            (words.status(view), Style.STRONG),
            f": {view['remote_short_name']} wants to connect. Step 3 told it; that grants nothing.",
        )
        await self._narrator.pause()

    async def _accept(self, observer: Observer, sys_id: str, code: str) -> None:
        source, destination = self._source.side, self._destination.side
        self._step(self._destination, "Accept invitation › Accept", page=LIST)
        self._narrator.audience.looks(source, LIST)
        await self._narrator.settle()
        began = self._act(self._destination, "accept")
        await asyncio.to_thread(self._destination.accept, {"code": code})
        self._narrator.audience.looks(destination, page_of(sys_id))
        await self._follow(
            observer,
            began,
            [
                status_of(destination, "accepting", 1),
                message_of(destination, "accept", "accepted"),
                message_of(source, "status", "active"),
                status_of(source, "active", 2),
                status_of(destination, "active", 2),
            ],
        )
        self._measure("handshake", began)
        await self._narrator.pause()
