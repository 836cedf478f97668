"""Running the demo with a live stage: both consoles in one page, for people to use or to watch; it stays up."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import sys
from typing import TYPE_CHECKING, Final

from node.bearer import new_secret
from node.console.login import ADMIN_NAME, PASSWORD_FILE
from node.demo.closing import tell_closing
from node.demo.narrator import Style, style_of
from node.demo.observing import observing
from node.demo.running import Demo
from node.demo.scenes import SIDES, Scenes
from node.demo.stage.opening import open_browser
from node.demo.stage.site import StageSite
from node.demo.stage.stage import Caption, Console, Stage
from node.demo.story import Story
from node.free_ports import LOOPBACK
from node.http_server import serve_http
from node.local_pair.processes import ACCENTS, LocalPair
from node.ports import BrokerDownError
from node.real_ports import SystemEntropy

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from pathlib import Path

    from node.brokers.children import BrokerKind
    from node.cli.output import Output
    from node.demo.observing import Observer

FRAMED_BY: Final = "HANDCLASP_CONSOLE_FRAMED_BY"

FIRST_LINE_BY_HAND: Final = "Two nodes, a broker and a live stage start here and stay up, for you to be both admins."
BY_HAND: Final = Caption(
    heading="Both consoles are yours",
    line="Initiate a connection in one, and accept its code in the other. What the nodes say to each other and over "
    "MQTT is drawn between them as it happens.",
)
DRIVEN: Final = Caption(
    heading="A moment", line="Two admins are about to connect their instances. Nobody needs to touch anything."
)


class StagedDemo(Demo):
    """One run with a stage. Nothing is left of it: no process, no file."""

    def __init__(
        self,
        out: Output,
        *,
        tells: type[Scenes] | None,
        source: str,
        broker_kind: BrokerKind | None,
        pace_s: float,
        opens: bool,
    ) -> None:
        """Name the parts.

        Args:
            out: where it is told.
            tells: the story that is played on the stage; none: people play.
            source: who initiates in it, `a` or `b`.
            broker_kind: which broker is started.
            pace_s: how long each step of the story stays.
            opens: whether the stage is opened in the user's browser.
        """
        super().__init__(out, tells=tells or Story, source=source, keep=True, broker_kind=broker_kind, pause_s=pace_s)
        self._is_driven = tells is not None
        self._opens = opens

    async def run(self) -> int:
        """See `Demo`."""
        with socket.create_server((LOOPBACK, 0)) as self._listening:
            self._origin = f"http://{LOOPBACK}:{self._listening.getsockname()[1]}"
            return await super().run()

    def _first_line(self) -> str:
        return self._tells.FIRST_LINE_STAGED if self._is_driven else FIRST_LINE_BY_HAND

    def _pair_in(self, folder: Path) -> LocalPair:
        return LocalPair(
            folder,
            names=SIDES,
            broker_kind=self._broker_kind,
            has_demo_data=True,
            settings={FRAMED_BY: self._origin},
        )

    async def _live_through(self, story: Scenes, pair: LocalPair) -> None:
        names = await story.node_names()
        stage = Stage(
            {
                node.name: Console(url=node.node_url, accent=accent.value, password_file=node.data / PASSWORD_FILE)
                for node, accent in zip(pair.nodes, ACCENTS, strict=False)
            },
            caption=DRIVEN if self._is_driven else BY_HAND,
        )
        site = StageSite(stage, origin=self._origin, key=new_secret(SystemEntropy()))
        runner = await serve_http(site.app, self._listening)
        try:
            async with (
                _feeding(stage, pair, names),
                observing(pair.broker.url, "handclasp-demo", names) as observer,
            ):
                self._tell_places(stage, site)
                if not self._opens or not await open_browser(site.way_in_once(new_secret(SystemEntropy()))):
                    self._narrator.line("Open the stage in your browser.")
                if self._is_driven:
                    self._narrator.audience = stage
                await self._play(story, stage, observer, names)
        finally:
            await runner.cleanup()

    async def _play(self, story: Scenes, stage: Stage, observer: Observer, names: Mapping[str, str]) -> None:
        if self._is_driven:
            self._narrator.line("The two admins begin as soon as the stage is open.")
            sys.stdout.flush()
            await stage.watched.wait()
            await story.run(observer, names)
            tell_closing(self._narrator, story)
            self._narrator.step("Both admins", "It is done, and stays up: both consoles are yours now")
        else:
            self._narrator.step("You", "Be both admins: what the nodes say is told here, too")
        self._is_told = True
        self._narrator.line("Ctrl-C stops everything and leaves nothing behind.")
        sys.stdout.flush()
        await self._tell_on(observer)

    def _tell_places(self, stage: Stage, site: StageSite) -> None:
        narrator = self._narrator
        narrator.heading("The live stage")
        narrator.line("    ", (site.way_in, Style.STRONG), whole=True)
        narrator.line("    This link signs a browser in to both consoles. In any other browser:")
        for side, console in stage.consoles.items():
            narrator.line(
                (f"    console {side}  ", style_of(side, strong=True)),
                f"{console.url}   name {ADMIN_NAME}   password {console.password}",
                whole=True,
            )


@contextlib.asynccontextmanager
async def _feeding(stage: Stage, pair: LocalPair, names: Mapping[str, str]) -> AsyncIterator[None]:
    """The stage sees every event of the broker, by a subscription of its own, for as long as the context is open."""
    async with observing(pair.broker.url, "handclasp-stage", names) as eyes:

        async def feed() -> None:
            while True:
                for one in await eyes.next_news():
                    stage.seen(one)

        feeding = asyncio.create_task(feed())
        try:
            yield
        finally:
            feeding.cancel()
            with contextlib.suppress(asyncio.CancelledError, BrokerDownError):  # who plays learns of that, too
                await feeding
