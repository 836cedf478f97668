"""The costly half of scripts/environment.py: making .venv and installing into it."""

from __future__ import annotations

import fcntl
import importlib.util
import json
import os
import re
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from scripts.environment import (
    LEVELS,
    PIP_LOG,
    PYTHON,
    ROOT,
    STATE,
    VENV,
    SetupError,
    digest,
    is_current,
    is_for,
    python_id,
    read_state,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

PIP = (
    "-m",
    "pip",
    "--disable-pip-version-check",
    "--no-input",
    "--quiet",
    "--retries=3",
    "install",
    "--no-deps",
)
MISLEADING_VARIABLES = ("PYTHONHOME", "PYTHONPATH", "PIP_PREFIX", "PIP_TARGET", "PIP_USER", "PIP_REQUIREMENT")
"""Settings of the caller's shell that would send an installation somewhere else, or more into it."""

NETWORK_SIGNS = re.compile(r"Retrying|ConnectionError|timed out|Could not fetch URL|ProxyError")


def set_up(level: str, *, exact: bool) -> None:
    """Make .venv hold a level, saying so in one line; silent when it already does.

    `exact` insists on the Python that runs this; else a .venv that another suitable Python made is kept.

    Raises:
        SetupError: with the sentence to show.
    """
    with _one_at_a_time():
        state = read_state()
        python = python_id(sys.base_prefix) if exact else _python_of_venv()
        if python is not None and _runs(state, python) and is_current(level, state, python):
            return
        started = time.monotonic()
        name, seconds = LEVELS[level]
        _say(f"Setting up .venv ({name} dependencies, about {seconds} s) … ")
        if python is None or not _runs(state, python):
            _make_venv()
            state, python = {}, python_id(sys.base_prefix)
        _install(level, state)
        levels = ("main", "dev") if level == "dev" else ("main",)  # dev.lock holds all of main.lock
        _write_state({"root": str(ROOT), "python": python} | {each: digest(each) for each in levels})
        _say(f"done in {time.monotonic() - started:.0f} s\n")


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    """Hold a lock on this file, so that two runs of make do not build in the same folder at once."""
    with Path(__file__).open("rb") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            _say("Waiting for another set-up of .venv to end …\n")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _python_of_venv() -> str | None:
    """Name the Python of .venv in the words of `python_id`, or None if it does not run."""
    question = "import sys; from scripts.environment import python_id; print(python_id(sys.base_prefix))"
    try:
        answer = subprocess.run(
            (PYTHON, "-c", question), cwd=ROOT, env=_environment(), capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return answer.stdout.strip()


def _runs(state: dict[str, str], python: str) -> bool:
    return is_for(state, python) and (VENV / "pyvenv.cfg").exists() and PYTHON.exists()


def _make_venv() -> None:
    missing = [module for module in ("venv", "ensurepip") if importlib.util.find_spec(module) is None]
    if missing:
        raise SetupError(
            f"{sys.executable} (Python {sys.version.split()[0]}) can't make .venv without its module "
            f"{missing[0]}: on Debian or Ubuntu run `apt install python3-venv`, elsewhere install a complete "
            "Python, or name another one: `make demo PYTHON=/path/to/python3.12`."
        )
    done = _run(sys.executable, "-m", "venv", "--clear", str(VENV))
    if done.returncode:
        raise SetupError(
            f"{sys.executable} could not make {VENV}: see whether the folder can be written and the disk has "
            f"room. It said: {_last_line(done.stdout)}"
        )


def _install(level: str, state: dict[str, str]) -> None:
    STATE.unlink(missing_ok=True)
    lock = f"requirements/{level}.lock"
    for arguments in (
        ("--require-hashes", "--requirement", lock),
        ("--no-index", "--no-build-isolation", "--editable", "."),
    ):
        done = _run(str(PYTHON), *PIP, *arguments)
        if done.returncode:
            PIP_LOG.write_text(done.stdout, encoding="utf-8")
            _write_state(state)  # pip takes back what it could not finish
            raise SetupError(_what_pip_lacks(lock, done.stdout))


def _what_pip_lacks(lock: str, output: str) -> str:
    log, last = PIP_LOG.relative_to(ROOT), _last_line(output)
    if NETWORK_SIGNS.search(output):
        return (
            f"The package index can't be reached to install {lock}: check the network (a proxy or a mirror "
            f"goes into pip's own settings) and start again.\npip's last line, of those in {log}: {last}"
        )
    return (
        f"pip could not install {lock}: mend what it complains of and start again, after `make clean` if it "
        f"persists.\npip's last line, of those in {log}: {last}"
    )


def _run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        cwd=ROOT,
        env=_environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name not in MISLEADING_VARIABLES}


def _last_line(output: str) -> str:
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    errors = [line for line in lines if "ERROR" in line]
    return (errors or lines or ["(nothing)"])[-1]


def _write_state(state: dict[str, str]) -> None:
    """Replace the state in one step; an empty one is none, and .venv stays unfinished."""
    if not state:
        return
    draft = STATE.with_suffix(".new")
    draft.write_text(json.dumps(state, indent=2), encoding="utf-8")
    draft.replace(STATE)


def _say(text: str) -> None:
    sys.stderr.write(text)
    sys.stderr.flush()
