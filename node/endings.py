"""How a process that this one started has ended, in words."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

WORDS_CHARACTERS_MAX: Final = 600
TAIL_BYTES_MAX: Final = 64 * 1024
_ERROR: Final = "Error: "


def ending(title: str, exit_status: int | None, words: str) -> str:
    """One sentence, and behind it what the process itself said to do.

    Args:
        title: whose ending it is; a sentence begins with it.
        exit_status: as `subprocess` gives it.
        words: its last ones. After a signal they are not told: they have nothing to do with it.
    """
    if exit_status is not None and exit_status < 0:
        verb = "was killed" if -exit_status == signal.SIGKILL else "was ended"
        return f"{title} {verb} (signal {-exit_status})."
    told = f"{title} ended by itself (exit status {exit_status})"
    return f"{told}: {words}" if words else f"{told}."


def last_words(log: Path, *, since: int) -> str:
    """What a program said at the end, as sentences: its error and the remedy; empty if it said nothing of the kind.

    Args:
        log: where it wrote.
        since: how many bytes the log had before its start; what stands there is of other times.
    """
    try:
        with log.open("rb") as file:
            file.seek(max(since, file.seek(0, 2) - TAIL_BYTES_MAX))
            text = file.read().decode("utf-8", errors="replace")
    except OSError:
        return ""
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("{")]  # no log records
    errors = [number for number, line in enumerate(lines) if line.startswith(_ERROR)]
    said = " ".join(lines[errors[-1] :] if errors else lines[-1:])[:WORDS_CHARACTERS_MAX].removeprefix(_ERROR)
    return said if not said or said.endswith((".", "!", "?")) else f"{said}."
