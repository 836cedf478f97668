"""Measure the simulation at both levels, against a bare skeleton in the same process.

    python -m benchmarks.simulated [--rounds 5] [--handshakes 100] [--seeds 20] [--json]

Three worlds of one kind, one after the other in each round: the bare skeleton (`benchmarks.skeleton_server`: the same
signatures and commits, its applications called without a socket, SQLite in memory), a calm simulated world at the
direct level, and one at the http level, with two nodes, their broker, and no faults. Then some seeds as a campaign
runs them, with faults and all checks. Figures are of one core's processor time, medians over the rounds; the ratio is
the median of the rounds' ratios.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import statistics
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from simulations.campaign import run_seeds
from simulations.coverage import TAKEN
from simulations.levels import Level
from simulations.server import DirectServer
from simulations.world import World

from benchmarks.skeleton_server import Destination, Source

if TYPE_CHECKING:
    from simulations.admins import Admins

ROUNDS, HANDSHAKES, SEEDS, AT_A_TIME = 5, 100, 20, 20
SKELETON = "skeleton"


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Of one second of processor time, and how the handshakes compare with the skeleton's."""

    handshakes_per_s: float
    virtual_s_per_s: float = 0.0
    ratio: float = 1.0


class _Neighbour(Destination):
    """A destination whose source is in the same process."""

    def __init__(self, source: DirectServer) -> None:
        super().__init__(None, "")
        self._source = source

    async def _ask(self, question: bytes) -> bytes:
        answer = await self._source.answer("POST", "/peer", host="source", headers={}, body=question, remote="")
        return answer.body


async def _skeleton(count: int) -> None:
    source = DirectServer(Source(None).app())
    destination = DirectServer(_Neighbour(source).app())

    async def some(number: int) -> None:
        for _ in range(number):
            code = await source.answer("POST", "/initiate", host="source", headers={}, body=b"name", remote="")
            await destination.answer("POST", "/accept", host="destination", headers={}, body=code.body, remote="")

    await asyncio.gather(*(some(count // AT_A_TIME) for _ in range(AT_A_TIME)))


def _world(level: Level, count: int) -> tuple[float, float]:
    """How many handshakes came about, and how long that world lived."""

    async def story(admins: Admins) -> None:
        async def some(place: int) -> None:
            for number in range(count // AT_A_TIME):
                code = await admins.initiate("a", to=None, called=f"handshake {place} {number}", ask_me=False)
                if code is not None:
                    await admins.accept("b", code)

        await asyncio.gather(*(some(place) for place in range(AT_A_TIME)))

    world = World(1, level=level, story=story, kinds=frozenset())
    outcome = world.run()
    if outcome.violation is not None:
        raise RuntimeError(outcome.violation)
    taken = sum(1 for entry in world.trace.entries if str(entry.facts.get("mine", "")).startswith("active 2"))
    return taken, outcome.virtual_s


def measure(*, rounds: int, handshakes: int, seeds: int) -> dict[str, Figures]:
    """All figures, by what they are of."""
    rates: dict[str, list[tuple[float, float]]] = {}
    for _ in range(rounds):
        for level in (None, *Level):
            gc.collect()
            began = time.process_time()
            if level is None:
                asyncio.run(_skeleton(handshakes))
                done, virtual_s = float(handshakes), 0.0
            else:
                done, virtual_s = _world(level, handshakes)
            passed_s = time.process_time() - began
            rates.setdefault(level or SKELETON, []).append((done / passed_s, virtual_s / passed_s))
    bare = [per_s for per_s, _ in rates[SKELETON]]
    found = {
        name: Figures(
            handshakes_per_s=statistics.median(per_s for per_s, _ in measured),
            virtual_s_per_s=statistics.median(virtual_s for _, virtual_s in measured),
            ratio=statistics.median(per_s / base for (per_s, _), base in zip(measured, bare, strict=True)),
        )
        for name, measured in rates.items()
    }
    for level in Level:
        tally = run_seeds(range(seeds), level)
        found[f"{level}, faults and checks"] = Figures(
            handshakes_per_s=tally.counts[TAKEN] / tally.cpu_s,
            virtual_s_per_s=tally.virtual_s / tally.cpu_s,
            ratio=tally.counts[TAKEN] / tally.cpu_s / statistics.median(bare),
        )
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--handshakes", type=int, default=HANDSHAKES, help=f"in each world, a multiple of {AT_A_TIME}")
    parser.add_argument("--seeds", type=int, default=SEEDS, help="at each level, with faults and checks")
    parser.add_argument("--json", action="store_true")
    wanted = parser.parse_args()
    if min(wanted.rounds, wanted.seeds, wanted.handshakes) < 1 or wanted.handshakes % AT_A_TIME:
        parser.error(f"rounds and seeds are 1 or more, handshakes a multiple of {AT_A_TIME}")
    found = measure(rounds=wanted.rounds, handshakes=wanted.handshakes, seeds=wanted.seeds)
    if wanted.json:
        print(json.dumps({name: asdict(figures) for name, figures in found.items()}))
        return
    print(f"{'':26} {'handshakes/s':>12} {'virtual s/s':>12} {'ratio':>6}   of one core")
    for name, figures in found.items():
        print(f"{name:26} {figures.handshakes_per_s:12.0f} {figures.virtual_s_per_s:12,.0f} {figures.ratio:6.2f}")


if __name__ == "__main__":
    main()
