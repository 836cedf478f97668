"""Measure whole handshakes between two real nodes, against a bare skeleton in the same run.

    python -m benchmarks.handshakes [--rounds 5] [--handshakes 300] [--concurrency 1 16 64] [--at-least 0.35] [--json]

The real side: two node processes and their broker, everything on. The skeleton: two bare servers that do the same
number of HTTP hops, durable commits and Ed25519 operations (`benchmarks.work`), and nothing else. Each round
measures both, one after the other; figures are medians over the rounds, the ratio is the median of the rounds'
ratios. All of it runs on this machine, on loopback, beside the driver.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import statistics
import sys
import tempfile
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp
from node.local_pair.processes import PairStartError

from benchmarks.measuring import Sample, measure, median
from benchmarks.real import RealPair
from benchmarks.skeleton import SkeletonPair

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.measuring import Pair
    from benchmarks.work import Work

ROUNDS, HANDSHAKES, CONCURRENCIES = 5, 300, (1, 16, 64)
WARM_UP = 30

NOTE = """\
A code is unbound and no destination URL is given: nothing is checked or announced. With a checked destination a
handshake has more hops and takes longer. A real handshake ends when the broker has told that both sides are Active,
the skeleton's when both have committed. CPU is that of one handshake in each process; the driver and the broker
share the same cores. Figures move by 10 to 20 % from run to run, and more on a machine that does other things:
compare the ratios, and only those of one run."""


@dataclass(slots=True)
class Level:
    """The samples at one concurrency, round by round."""

    concurrency: int
    skeleton: list[Sample]
    real: list[Sample]

    @property
    def ratios(self) -> list[float]:
        """Real to skeleton, in handshakes per second, of each round."""
        return [
            real.handshakes_per_s / skeleton.handshakes_per_s
            for real, skeleton in zip(self.real, self.skeleton, strict=True)
        ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """All that was measured."""

    broker: str
    levels: list[Level]
    skeleton_work: Work
    skeleton_handshakes: int


async def run(
    *, rounds: int, handshakes: int, concurrencies: list[int], tell: Callable[[str], None] = lambda _: None
) -> Result:
    """Start both pairs, measure, stop them.

    Raises:
        PairStartError: the real pair did not start.
    """
    levels = [Level(concurrency, [], []) for concurrency in concurrencies]
    warm_up = min(WARM_UP, handshakes)
    done = 0
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="handclasp-benchmark-")))
        http = await stack.enter_async_context(aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)))
        real, skeleton = RealPair(folder / "real"), SkeletonPair(folder)
        for pair in (skeleton, real):
            stack.push_async_callback(pair.stop)
            await pair.start()
            await measure(pair, http, first=0, count=warm_up, concurrency=concurrencies[-1])
        done += warm_up
        for number in range(rounds):
            for level in levels:
                sides: list[tuple[Pair, list[Sample]]] = [(skeleton, level.skeleton), (real, level.real)]
                for side, samples in sides:
                    tell(f"round {number + 1} of {rounds}, {level.concurrency} at a time, {type(side).__name__}")
                    samples.append(
                        await measure(side, http, first=done, count=handshakes, concurrency=level.concurrency)
                    )
                done += handshakes
        return Result(
            broker=real.broker,
            levels=levels,
            skeleton_work=await skeleton.work(http),
            skeleton_handshakes=done,
        )


def as_json(result: Result) -> dict[str, Any]:
    """The result for programs."""
    return {
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "broker": result.broker,
        "destination": "not checked",
        "skeleton_work_per_handshake": result.skeleton_work.each(result.skeleton_handshakes),
        "levels": [
            {
                "concurrency": level.concurrency,
                "ratio_to_skeleton": statistics.median(level.ratios),
                "ratios": level.ratios,
                "real": asdict(median(level.real)),
                "skeleton": asdict(median(level.skeleton)),
            }
            for level in result.levels
        ],
        "ratio_to_skeleton": {str(level.concurrency): statistics.median(level.ratios) for level in result.levels},
    }


def as_text(result: Result) -> str:
    """The result for people."""
    lines = [
        "                                            CPU ms per handshake      memory MiB",
        "at a time            handshakes/s  p50 ms  p99 ms   source  destin.   source  destin.   ratio (range)",
    ]
    for level in result.levels:
        lowest, highest = min(level.ratios), max(level.ratios)
        ratio = f"{statistics.median(level.ratios):.2f} ({lowest:.2f} to {highest:.2f})"
        for name, sample, told in (("skeleton", median(level.skeleton), "1"), ("real", median(level.real), ratio)):
            lines.append(
                f"{level.concurrency:9}  {name:8} {sample.handshakes_per_s:14.0f} {sample.p50_ms:7.1f} "
                f"{sample.p99_ms:7.1f} {sample.cpu_ms_source:8.2f} {sample.cpu_ms_destination:8.2f} "
                f"{sample.memory_mib_source:8.0f} {sample.memory_mib_destination:8.0f}   {told}"
            )
    work = ", ".join(
        f"{count:g} {name.replace('_', ' ')}"
        for name, count in result.skeleton_work.each(result.skeleton_handshakes).items()
    )
    return "\n".join([*lines, "", f"Broker: {result.broker}. One handshake of the skeleton: {work}.", NOTE])


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--handshakes", type=int, default=HANDSHAKES, help="in each round at each concurrency")
    parser.add_argument("--concurrency", type=int, nargs="+", default=list(CONCURRENCIES))
    parser.add_argument("--at-least", type=float, default=0.0, help="exit with 1 if a ratio is lower than this")
    parser.add_argument("--json", action="store_true")
    wanted = parser.parse_args()
    if min(wanted.rounds, wanted.handshakes, *wanted.concurrency) < 1:
        parser.error("rounds, handshakes and concurrency are 1 or more")

    def tell(line: str) -> None:
        if sys.stderr.isatty():
            print(f"\r\x1b[K{line}", end="", file=sys.stderr, flush=True)

    try:
        result = asyncio.run(
            run(rounds=wanted.rounds, handshakes=wanted.handshakes, concurrencies=wanted.concurrency, tell=tell)
        )
    except PairStartError as error:
        sys.exit(f"Error: {error}")
    if sys.stderr.isatty():
        print(file=sys.stderr)
    print(json.dumps(as_json(result)) if wanted.json else as_text(result))
    too_slow = [level.concurrency for level in result.levels if statistics.median(level.ratios) < wanted.at_least]
    if too_slow:
        sys.exit(f"The ratio is below {wanted.at_least:g} at {' and '.join(map(str, too_slow))} at a time.")


if __name__ == "__main__":
    main()
