"""Running somebody else's tests as a process whose lines are followed, and of which nothing is left afterwards."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

LINES_KEPT_MAX = 60
ENDING_S = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """How a process ended, and the last lines that it wrote."""

    returncode: int
    said: str
    is_late: bool
    """It did not end by itself in the time that it had."""


def follow(
    command: Sequence[str | Path],
    *,
    cwd: Path,
    environment: Mapping[str, str],
    seconds_max: float,
    line: Callable[[str], None],
) -> Finished:
    """Run a command to its end and give each of its lines to `line`; whatever ends this ends the command too."""
    process = subprocess.Popen(
        command,
        cwd=cwd,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        # A session of its own: what the command starts can be ended with it, and Ctrl-C reaches us alone.
        start_new_session=True,
    )
    late = threading.Event()

    def give_up() -> None:
        late.set()
        _end(process)

    clock = threading.Timer(seconds_max, give_up)
    clock.start()
    kept: deque[str] = deque(maxlen=LINES_KEPT_MAX)
    assert process.stdout is not None  # noqa: S101 - it was asked for
    try:
        for text in process.stdout:
            kept.append(text)
            line(text.rstrip("\n"))
        process.wait()
    finally:
        clock.cancel()
        _end(process)
        process.stdout.close()
    return Finished(returncode=process.returncode, said="".join(kept), is_late=late.is_set())


def _end(process: subprocess.Popen[str]) -> None:
    """End a process and what it started: asked to by SIGINT, as Ctrl-C would, which Ansible cleans up after."""
    if process.poll() is None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGINT)
        with suppress(subprocess.TimeoutExpired):
            process.wait(ENDING_S)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
