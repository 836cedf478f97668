"""The bare skeleton as a thing to measure: its two processes, and a driver of whole handshakes."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from node.child_processes import die_with_parent

from benchmarks.skeleton_server import LOOPBACK
from benchmarks.work import Work

if TYPE_CHECKING:
    import aiohttp

ROOT = Path(__file__).parent.parent


class SkeletonPair:
    """Two bare servers.

    Attributes:
        pids: the process ids of source and destination.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._processes: list[subprocess.Popen[bytes]] = []
        self._urls: list[str] = []

    @property
    def pids(self) -> tuple[int, int]:
        """The process ids of source and destination."""
        source, destination = self._processes
        return source.pid, destination.pid

    async def start(self) -> None:
        """Start both; return when they listen."""
        await self._spawn("source")
        await self._spawn("destination", self._urls[0])

    async def stop(self) -> None:
        """End both."""
        for process in self._processes:
            process.kill()
            process.wait()
            if process.stdout is not None:
                process.stdout.close()

    async def handshake(self, http: aiohttp.ClientSession, _number: int) -> None:
        """One whole handshake: done when both sides have committed it."""
        async with http.post(f"{self._urls[0]}/initiate", data=b"name") as answer:
            code = await answer.read()
        async with http.post(f"{self._urls[1]}/accept", data=code) as answer:
            answer.raise_for_status()
            await answer.read()

    async def work(self, http: aiohttp.ClientSession) -> Work:
        """What both have done since their start."""
        done = Work()
        for url in self._urls:
            async with http.get(f"{url}/work") as answer:
                done += msgspec.json.decode(await answer.read(), type=Work)
        return done

    async def _spawn(self, kind: str, *arguments: str) -> None:
        folder = self._folder / f"skeleton-{kind}"
        folder.mkdir()
        process = subprocess.Popen(  # noqa: ASYNC220 - a start, which takes the loop no time
            [sys.executable, "-m", "benchmarks.skeleton_server", kind, str(folder), *arguments],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            preexec_fn=die_with_parent(os.getpid()),  # noqa: PLW1509 - prepared before the fork
        )
        self._processes.append(process)
        assert process.stdout is not None  # noqa: S101 - it was asked for
        line = await asyncio.to_thread(process.stdout.readline)
        if not line:
            sys.exit(f"The skeleton's {kind} did not start.")
        self._urls.append(f"http://{LOOPBACK}:{int(line)}")
