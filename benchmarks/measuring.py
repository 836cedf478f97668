"""Drive a pair at one concurrency and take its figures."""

from __future__ import annotations

import asyncio
import statistics
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Protocol

import psutil

if TYPE_CHECKING:
    from collections.abc import Sequence

    import aiohttp

MIB = 1024 * 1024
SETTLE_S = 0.1
"""The rest before and after: what a pair still has to tidy up is counted as its own."""


class Pair(Protocol):
    """Two processes that shake hands."""

    @property
    def pids(self) -> tuple[int, int]:
        """The process ids of source and destination."""
        ...

    async def handshake(self, http: aiohttp.ClientSession, number: int) -> None:
        """One whole handshake."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """The figures of one pair at one concurrency. CPU is that of one handshake."""

    handshakes_per_s: float
    p50_ms: float
    p99_ms: float
    cpu_ms_source: float
    cpu_ms_destination: float
    memory_mib_source: float
    memory_mib_destination: float


async def measure(pair: Pair, http: aiohttp.ClientSession, *, first: int, count: int, concurrency: int) -> Sample:
    """Do `count` handshakes, numbered from `first`, that many at a time."""
    numbers = iter(range(first, first + count))
    took_ms: list[float] = []

    async def admin() -> None:
        for number in numbers:
            began = time.perf_counter()
            await pair.handshake(http, number)
            took_ms.append((time.perf_counter() - began) * 1000)

    await asyncio.sleep(SETTLE_S)
    processes = [psutil.Process(pid) for pid in pair.pids]
    cpu_before = [_cpu_s(process) for process in processes]
    began = time.perf_counter()
    async with asyncio.TaskGroup() as admins:
        for _ in range(min(concurrency, count)):
            admins.create_task(admin())
    passed_s = time.perf_counter() - began
    await asyncio.sleep(SETTLE_S)
    cpu_ms = [(_cpu_s(process) - before) * 1000 / count for process, before in zip(processes, cpu_before, strict=True)]
    memory = [process.memory_info().rss / MIB for process in processes]
    return Sample(
        handshakes_per_s=count / passed_s,
        p50_ms=statistics.median(took_ms),
        p99_ms=_percentile(took_ms, 99),
        cpu_ms_source=cpu_ms[0],
        cpu_ms_destination=cpu_ms[1],
        memory_mib_source=memory[0],
        memory_mib_destination=memory[1],
    )


def median(samples: Sequence[Sample]) -> Sample:
    """The median of each figure by itself."""
    rows = [asdict(sample) for sample in samples]
    return Sample(**{name: statistics.median(row[name] for row in rows) for name in rows[0]})


def _percentile(values: Sequence[float], percent: int) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, len(ordered) * percent // 100)]


def _cpu_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)
