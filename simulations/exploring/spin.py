"""Let spin count the worlds of `handshake.pml` within the same bounds."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from simulations.exploring.rules import Bounds

MODEL: Final = Path(__file__).with_name("handshake.pml")
PROGRAMS: Final = ("spin", "gcc")
DEPTH_MAX: Final = 1_000_000
MEMORY_MB_MAX: Final = 8_000

_STATES: Final = re.compile(r"^\s*(\d+) states, stored", re.MULTILINE)
_TRANSITIONS: Final = re.compile(r"^\s*(\d+) transitions", re.MULTILINE)
_ERRORS: Final = re.compile(r"errors: (\d+)")
_PASSED: Final = re.compile(r"elapsed time ([\d.]+) seconds")


class SpinError(Exception):
    """spin could not count: a program is missing, or one of them failed, or the model broke its own assertion."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """What spin counted; `passed_s` is without the compiler's time."""

    states: int
    transitions: int
    passed_s: float


def count(bounds: Bounds, *, model: Path = MODEL) -> Count:
    """Count the worlds.

    Raises:
        SpinError: see there.
    """
    missing = [program for program in PROGRAMS if shutil.which(program) is None]
    if missing:
        raise SpinError(f"{' and '.join(missing)} must be installed. On Debian: sudo scripts/install-debian-packages")
    defines = (
        f"-DCODES={bounds.codes}",
        f"-DACTS={bounds.acts}",
        f"-DRESTORES={bounds.restores}",
        f"-DLIARS={bounds.liars}",
    )
    with tempfile.TemporaryDirectory(prefix="handclasp-spin-") as name:
        folder = Path(name)
        _run(folder, "spin", *defines, "-a", str(model.resolve()))
        # One process needs no partial order. -O2 compiles longer than it then saves.
        _run(folder, "gcc", "-O1", "-w", "-DSAFETY", "-DNOREDUCE", f"-DMEMLIM={MEMORY_MB_MAX}", "-o", "pan", "pan.c")
        told = _run(folder, str(folder / "pan"), f"-m{DEPTH_MAX}", "-w24")
    found = [pattern.search(told) for pattern in (_STATES, _TRANSITIONS, _ERRORS, _PASSED)]
    states, transitions, errors, passed = (match[1] if match is not None else None for match in found)
    if states is None or transitions is None or errors is None or "max search depth too small" in told:
        raise SpinError(f"spin did not come to an end:\n{told.strip()}")
    if errors != "0":
        raise SpinError(f"handshake.pml breaks an assertion of its own:\n{told.strip()}")
    # spin counts the way into the first world as a transition, too.
    return Count(states=int(states), transitions=int(transitions) - 1, passed_s=float(passed or 0))


def _run(folder: Path, *command: str) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)  # noqa: S603 - named above
    told = done.stdout + done.stderr
    if done.returncode != 0:
        raise SpinError(f"{command[0]} failed:\n{told.strip()}")
    return told
