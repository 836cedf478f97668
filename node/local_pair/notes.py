"""How each process of the running pair is: written by the process that runs it, read by `handclasp pair status`."""

from __future__ import annotations

import contextlib
import json
import os
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from node.private_files import DataDirectoryError, write_atomically

if TYPE_CHECKING:
    from pathlib import Path

NOTES_FILE = "pair.notes"


class ChildState(StrEnum):
    """What `pair status` says of a process."""

    RUNNING = "running"
    STARTING_AGAIN = "starting-again"
    GIVEN_UP = "given-up"
    STOPPED = "stopped"
    NOT_ANSWERING = "not-answering"


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """What befell a process last: its state since then, the sentence about it, and its deaths until then."""

    state: ChildState
    said: str
    death_count: int


class Notes:
    """The notes of one run of the pair, in its directory."""

    def __init__(self, directory: Path) -> None:
        """Begin with none; those of an earlier run are deleted."""
        self._file = directory / NOTES_FILE
        self._file.unlink(missing_ok=True)
        self._all: dict[str, Note] = {}

    def write(self, name: str, note: Note) -> None:
        """Note something of the process of that name; on a full disk, the terminal alone tells it."""
        self._all[name] = note
        children = {
            name: {"state": note.state, "said": note.said, "death_count": note.death_count}
            for name, note in self._all.items()
        }
        with contextlib.suppress(DataDirectoryError):
            write_atomically(self._file, json.dumps({"pid": os.getpid(), "children": children}, indent=2) + "\n")


def read_notes(directory: Path, *, pid: int) -> dict[str, Note]:
    """The notes of the pair that this process runs; what has none runs since the pair's start."""
    try:
        content: Any = json.loads((directory / NOTES_FILE).read_text(encoding="utf-8"))
        children = content["children"].items() if content["pid"] == pid else ()
        return {
            name: Note(state=ChildState(row["state"]), said=str(row["said"]), death_count=int(row["death_count"]))
            for name, row in children
        }
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return {}  # a few words to look at are not worth an error
