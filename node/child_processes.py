"""Child processes of our own: how a module is run as one, and how it ends when its parent does (Linux)."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

PR_SET_PDEATHSIG: Final = 1
"""prctl(2): the signal that the kernel sends to this process when the thread that made it ends."""


def module_command(module: str, *arguments: str) -> list[str]:
    """How a module is run by this Python; nothing that lies in the working directory takes its place (`-P`)."""
    return [sys.executable, "-P", "-m", module, *arguments]


def module_path() -> str:
    """The `PYTHONPATH` for it: this package, however it is found here, and what was there before."""
    before = os.environ.get("PYTHONPATH")
    root = str(Path(__file__).resolve().parents[1])
    return os.pathsep.join([root, before] if before else [root])


def die_with_parent(parent_pid: int) -> Callable[[], None] | None:
    """What a child of that process runs between fork and exec, to get a SIGTERM at its parent's death.

    None where the system has no such thing; a child then survives a parent that was killed.
    """
    if sys.platform != "linux":
        return None
    try:
        prctl = ctypes.CDLL(None).prctl
    except (OSError, AttributeError):
        return None

    def prepare() -> None:
        # Nothing is imported or looked up here: another thread may have held a lock at the fork.
        prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent_pid:
            os._exit(1)  # the parent died before the request, so no signal will come

    return prepare
