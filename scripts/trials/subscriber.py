"""A persistent subscriber that nobody here wrote: `mosquitto_sub -c -q 1`."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import TYPE_CHECKING, Self

from node.child_processes import die_with_parent
from node.delivery.events import STATUS_FILTER, StatusEvent, decode_event
from node.free_ports import LOOPBACK

from scripts.trials.trial import NotHeldError

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

PROGRAM = "mosquitto_sub"
CLIENT_ID = "trials"
STOP_S_MAX = 5


class Subscriber:
    """The program, which links again by itself when its broker comes back; a context manager."""

    def __init__(self, port: int, output: Path) -> None:
        """Name the broker's port and the file for what is seen.

        Raises:
            NotHeldError: the program is not there.
        """
        program = shutil.which(PROGRAM)
        if program is None:
            raise NotHeldError(f"{PROGRAM} is missing; enable it with: sudo scripts/install-debian-packages")
        self._command = [
            program, "-h", LOOPBACK, "-p", str(port), "-i", CLIENT_ID, "-c", "-q", "1",
            "-t", STATUS_FILTER, "-F", "%t %p",
        ]  # fmt: skip
        self._output = output
        self._process: subprocess.Popen[bytes] | None = None

    async def __aenter__(self) -> Self:
        with self._output.open("wb") as output:
            self._process = subprocess.Popen(  # noqa: ASYNC220 - it returns at once
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
                preexec_fn=die_with_parent(os.getpid()),  # noqa: PLW1509 - two system calls, prepared before the fork
            )
        return self

    async def __aexit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait(STOP_S_MAX)

    def seen(self) -> dict[str, list[StatusEvent]]:
        """What it has seen of each topic, in its order; the empty message that says a row has gone is left out."""
        found: dict[str, list[StatusEvent]] = {}
        for line in self._output.read_text(encoding="utf-8").splitlines(keepends=True):
            topic, _, payload = line.partition(" ")
            if payload.endswith("}\n"):  # the last line may still be in the making
                event = decode_event(payload.encode())
                assert isinstance(event, StatusEvent)  # noqa: S101 - the topic's kind
                found.setdefault(topic, []).append(event)
        return found
