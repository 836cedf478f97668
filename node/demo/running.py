"""Running the demo: a directory and three processes that are gone afterwards, however it ends."""

from __future__ import annotations

import asyncio
import signal
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from node.cli.failures import EXIT_REFUSED, CommandError
from node.demo.closing import document, tell_closing, tell_kept
from node.demo.narrator import Narrator, Style, style_of
from node.demo.observing import observing
from node.demo.scenes import SIDES
from node.demo.telling import tell
from node.endings import ending
from node.local_pair.processes import LocalPair, PairStartError
from node.local_pair.running import kill
from node.ports import BrokerDownError
from node.real_ports import SystemClock

if TYPE_CHECKING:
    from node.brokers.children import BrokerKind
    from node.cli.output import Output
    from node.demo.observing import Observer
    from node.demo.scenes import Scenes

SIGNAL_EXIT: Final = 128
"""What a shell adds to the number of the signal that ended a program."""


class Demo:
    """One run. Nothing is left of it: no process, no file."""

    def __init__(
        self,
        out: Output,
        *,
        tells: type[Scenes],
        source: str,
        keep: bool,
        broker_kind: BrokerKind | None,
        pause_s: float | None = None,
    ) -> None:
        """Name the parts; `tells` is the story, which knows how long each step rests where nothing else is said."""
        self._out = out
        self._tells = tells
        self._source = source
        self._keep = keep
        self._broker_kind = broker_kind
        self._narrator = Narrator(silent=out.as_json, pause_s=tells.PAUSE_S if pause_s is None else pause_s)
        self._clock = SystemClock()
        self._began_at_s = self._clock.now()
        self._pair: LocalPair | None = None
        self._stopped_by: int | None = None
        self._is_told = False

    async def run(self) -> int:
        """The exit code: 0 once all was shown, 128 + the signal if one came before.

        Raises:
            CommandError: something did not start, did not come, or was not as it must be.
        """
        self._narrator.line(self._first_line())
        showing = asyncio.create_task(self._show_in_a_directory())
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            asyncio.get_running_loop().add_signal_handler(number, self._stop, number, showing)
        try:
            await showing
        except asyncio.CancelledError:
            if self._stopped_by is None:
                raise
        except BrokerDownError as error:
            raise CommandError(str(error), "The broker of this demo ended by itself.", exit_code=EXIT_REFUSED) from None
        except PairStartError as error:
            raise CommandError(str(error)) from None
        if self._is_told or self._stopped_by is None:
            return 0
        return SIGNAL_EXIT + self._stopped_by

    def _first_line(self) -> str:
        if self._keep:
            return self._tells.FIRST_LINE_KEPT
        return self._tells.FIRST_LINE_WATCHED if self._narrator.is_watched else self._tells.FIRST_LINE

    def _stop(self, number: int, showing: asyncio.Task[None]) -> None:
        """The first signal ends everything in order; a second one does not wait for that."""
        if self._stopped_by is None:
            self._stopped_by = number
            showing.cancel()
        elif self._pair is not None:
            kill(self._pair)

    async def _show_in_a_directory(self) -> None:
        with tempfile.TemporaryDirectory(prefix="handclasp-demo-", ignore_cleanup_errors=True) as folder:
            self._pair = pair = self._pair_in(Path(folder))
            try:
                await self._show(pair)
            finally:
                await pair.stop()

    def _pair_in(self, folder: Path) -> LocalPair:
        """The processes; none is started yet."""
        return LocalPair(folder, names=SIDES, broker_kind=self._broker_kind, has_demo_data=True)

    async def _show(self, pair: LocalPair) -> None:
        await pair.start()
        started_ms = round((self._clock.now() - self._began_at_s) * 1000)
        self._tell_processes(pair, started_ms)
        story = self._tells(pair, self._narrator, source=self._source)
        story.told.timings_ms["start"] = started_ms
        try:
            await self._live_through(story, pair)
        except CommandError as error:
            dead = [node for node in pair.nodes if not node.is_running and node.name not in story.killed]
            if dead:
                how = ending(f"The node {dead[0].name}", dead[0].exit_status, dead[0].last_words())
                raise CommandError(how, exit_code=EXIT_REFUSED) from error
            raise CommandError(error.sentence, error.remedy, exit_code=EXIT_REFUSED) from error

    async def _live_through(self, story: Scenes, pair: LocalPair) -> None:
        names = await story.node_names()
        async with observing(pair.broker.url, "handclasp-demo", names) as observer:
            await story.run(observer, names)
            story.told.timings_ms["total"] = round((self._clock.now() - self._began_at_s) * 1000)
            tell_closing(self._narrator, story)
            self._out.document(document(self._narrator, story, pair))
            sys.stdout.flush()
            if self._keep:
                self._is_told = True
                tell_kept(self._narrator, pair)
                await self._tell_on(observer)

    async def _tell_on(self, observer: Observer) -> None:
        """Until Ctrl-C, what the nodes go on to say."""
        while True:
            for one in await observer.next_news():
                tell(self._narrator, one)

    def _tell_processes(self, pair: LocalPair, started_ms: int) -> None:
        for node in pair.nodes:
            self._narrator.line(
                (f"    node {node.name}  ", style_of(node.name, strong=True)),
                f"instance {node.instance_url}   node {node.node_url}",
                right=f"process {node.pid}",
            )
        self._narrator.line(
            ("    MQTT    ", Style.MQTT),
            f"{pair.broker.kind.value} at {pair.broker.url}, all three ready after {started_ms / 1000:.1f} s",
            right=f"process {pair.broker.pid}",
        )
