"""The hunt for one planted fault, run in the scratch copy: `python -m simulations.planting.hunting SEEDS FAULTS`.

A seed shows the fault if a check fails in its world and still does with so few faults. It knows nothing of what was
planted; it only makes sure that it runs the copy.
"""

from __future__ import annotations

import gc
import os
import sys
import time
from pathlib import Path

import msgspec

import node
import protocol
from simulations.campaign import live
from simulations.planting.scratch import Hunted
from simulations.shrinking.shrink import check_of, shrink


def hunt(seeds_max: int, faults_max: int) -> Hunted:
    """The first seed that shows a fault."""
    began, parent = time.monotonic(), os.getppid()
    for seed in range(seeds_max):
        if os.getppid() != parent:
            raise SystemExit("Whoever asked for this hunt is gone.")
        _, outcome = live(seed, is_deep=False)
        if outcome.violation is not None:
            shrunk = shrink(seed, keeps_schedule=True)
            if shrunk is not None and len(shrunk.faults) <= faults_max:
                return Hunted(
                    seeds=seed + 1,
                    passed_s=time.monotonic() - began,
                    seed=seed,
                    check=check_of(shrunk.violation),
                    violation=shrunk.first_violation,
                    struck=shrunk.struck,
                    faults=shrunk.faults,
                )
    return Hunted(seeds=seeds_max, passed_s=time.monotonic() - began)


def main() -> None:
    """Hunt, and write one JSON document.

    Raises:
        RuntimeError: what would be run is not the copy.
    """
    here = Path.cwd().resolve()
    for package in (node, protocol):
        if Path(package.__file__ or "").resolve().parent.parent != here:
            raise RuntimeError(f"{package.__name__} is not the copy's.")
    seeds_max, faults_max = map(int, sys.argv[1:])
    gc.freeze()
    sys.stdout.buffer.write(msgspec.json.encode(hunt(seeds_max, faults_max)))


if __name__ == "__main__":
    main()
