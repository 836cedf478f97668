"""A scratch copy of the packages, in which a fault is planted and then looked for, in a process of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from simulations.planting.plants import PlantError, planted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from simulations.planting.plants import Plant

PACKAGES: Final = ("node", "protocol", "simulations")


class Hunted(msgspec.Struct, frozen=True, kw_only=True):
    """What a hunt for a planted fault found.

    Attributes:
        seeds: how many it needed, or tried in vain.
        seed: the one that showed it; none: no seed did.
        check: which check it broke, and `violation` how.
        faults: those of the least world that shows it, and `struck` how many struck in the whole one.
        passed_s: how long the hunt took, in real seconds.
    """

    seeds: int
    passed_s: float
    seed: int | None = None
    check: str = ""
    violation: str = ""
    struck: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()


@contextmanager
def scratch(what: Plant) -> Iterator[Path]:
    """A directory with the packages that run here, broken; it goes at the end.

    Raises:
        PlantError: the plant does not fit the code.
    """
    home = Path(__file__).resolve().parents[2]
    with tempfile.TemporaryDirectory(prefix="handclasp-planted-") as directory:
        into = Path(directory)
        for package in PACKAGES:
            # compiled files come along: a copy keeps the times by which Python knows that they are up to date
            shutil.copytree(home / package, into / package)
        for hunk in what.hunks:
            place = into / hunk.path
            place.write_text(planted(place.read_text(encoding="utf-8"), hunk), encoding="utf-8")
        yield into


def hunt(what: Plant, *, seeds_max: int, faults_max: int) -> Hunted:
    """Look for a planted fault with seed after seed from 0 on; see `simulations.planting.hunting`.

    Raises:
        PlantError: the plant does not fit the code, or its process failed.
    """
    with scratch(what) as directory:
        done = subprocess.run(  # noqa: S603 - this Python, on files that were just written
            [sys.executable, "-P", "-m", "simulations.planting.hunting", str(seeds_max), str(faults_max)],
            cwd=directory,
            env={**os.environ, "PYTHONPATH": str(directory), "PYTHONHASHSEED": "0"},
            capture_output=True,
            text=True,
            check=False,
        )
    try:
        return msgspec.json.decode(done.stdout, type=Hunted)
    except msgspec.MsgspecError:
        last = next(iter(done.stderr.strip().splitlines()[-1:]), f"it ended with {done.returncode}")
        raise PlantError(f"The hunt for {what.name!r} failed in its own process: {last}") from None
