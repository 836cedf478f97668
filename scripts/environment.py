"""The virtual environment .venv: made from a lock file, kept current, repaired when a run was cut off.

`.venv/handclasp.json` says what .venv holds. It is removed before anything is changed and written when all is
done, so an environment without it is unfinished and is made anew.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
STATE = VENV / "handclasp.json"
PIP_LOG = VENV / "handclasp-pip.log"

LEVELS = {"main": ("main", 30), "dev": ("development", 50)}
"""Each level's lock file is requirements/LEVEL.lock; here its name for people and its usual seconds."""

USAGE = "usage: bootstrap.py [--check | --exact] main|dev"


class SetupError(Exception):
    """The environment cannot be made; the text says what to do."""


def main(arguments: list[str]) -> int:
    """Run the command line and return its exit code.

    `--check` only answers (0: .venv is current, 1: it is not); it is run by .venv's own Python with -S -E and
    must stay as cheap as that start. `--exact` rebuilds a .venv that another Python made.
    """
    *flags, level = arguments or [""]
    if level not in LEVELS or flags not in ([], ["--check"], ["--exact"]):
        sys.stderr.write(f"{USAGE}\n")
        return 2
    if flags == ["--check"]:
        return 0 if is_current(level, read_state(), python_id(sys.base_prefix)) else 1
    from scripts.environment_build import set_up  # noqa: PLC0415  (--check must not pay for its imports)

    try:
        set_up(level, exact=flags == ["--exact"])
    except SetupError as error:
        sys.stderr.write(f"\n{error}\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("\nStopped. The next run repairs .venv.\n")
        return 130
    return 0


def python_id(base_prefix: str) -> str:
    """Name this process's Python by version and installation, the same inside .venv and outside."""
    return f"{sys.version_info[0]}.{sys.version_info[1]} {os.path.realpath(base_prefix)}"


def digest(level: str) -> str:
    """Hash all that decides what the level installs."""
    content = hashlib.sha256()
    for path in (ROOT / "requirements" / f"{level}.lock", ROOT / "pyproject.toml"):
        content.update(path.read_bytes() + b"\0")
    return content.hexdigest()


def read_state() -> dict[str, str]:
    """Read what .venv holds: level → digest, and its `root` and `python`; empty: none, or unfinished."""
    try:
        state = json.loads(STATE.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return state if isinstance(state, dict) else {}


def is_current(level: str, state: dict[str, str], python: str) -> bool:
    """Tell whether .venv holds the level, for this folder (scripts in .venv/bin name it) and this Python."""
    return is_for(state, python) and state.get(level) == digest(level)


def is_for(state: dict[str, str], python: str) -> bool:
    """Tell whether a finished .venv belongs to this folder and this Python."""
    return state.get("root") == str(ROOT) and state.get("python") == python
