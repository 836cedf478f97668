"""Measure what the README promises: how fast a node starts, how much memory it takes, how soon a pair is usable, how
long a page of the console's list takes among 100,000 connections.

    python -m scripts.figures [--rounds 5] [--json] [--readme]

Medians of several rounds, on this machine as it is now. With --readme the README's table is written anew.
Exit code 1 when a figure is beyond its limit.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

SETTLE_S = 6.0
"""How long a node rests before its memory is read."""

MIB = 1024 * 1024
README = Path(__file__).parent.parent / "README.md"


class NotMeasuredError(Exception):
    """What was to be measured did not work; the text is a sentence."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure: what, in which unit, at most how much, and how it is measured."""

    name: str
    what: str
    unit: str
    limit: float
    measure: Callable[[], float]


def node_ready() -> float:
    """Seconds from the start of the process until /readyz says yes, with data of its own from an earlier start."""
    with tempfile.TemporaryDirectory() as folder:
        started_node(folder)[1]()
        process_began = time.monotonic()
        _, stop = started_node(folder)
        ready_s = time.monotonic() - process_began
        stop()
    return ready_s


def node_memory() -> float:
    """Resident MiB of a node that has done nothing but start."""
    with tempfile.TemporaryDirectory() as folder:
        pid, stop = started_node(folder)
        time.sleep(SETTLE_S)
        resident = psutil.Process(pid).memory_info().rss / MIB
        stop()
    return resident


def pair_ready() -> float:
    """Seconds from `handclasp pair` until both nodes and the broker can be used, on data of an earlier start."""
    with tempfile.TemporaryDirectory() as folder:
        started_pair(folder)
        return started_pair(folder)


def _list_ms(**wanted: Any) -> Callable[[], float]:
    from node.store.browsing import Wanted  # noqa: PLC0415 - what it loads, the other figures need not wait for

    from scripts.list_figures import list_ms  # noqa: PLC0415 - likewise

    return lambda: list_ms(Wanted(**wanted))


def list_first() -> float:
    """Milliseconds for the first page, newest activity first."""
    return _list_ms()()


def list_last() -> float:
    """Milliseconds for the last page."""
    return _list_ms(page=10**6)()


def list_sorted() -> float:
    """Milliseconds for the first page by status: what no column of the table holds."""
    from node.store.browsing import Column  # noqa: PLC0415 - see above

    return _list_ms(sort=Column.STATUS, descending=False)()


def list_filtered() -> float:
    """Milliseconds for the first page of those that are pending."""
    from protocol.records import Status  # noqa: PLC0415 - see above

    return _list_ms(status=Status.PENDING)()


def list_found() -> float:
    """Milliseconds for the first page of those with a word in a name."""
    return _list_ms(words="stage 9")()


def list_counted() -> float:
    """Milliseconds for the head's count of statuses."""
    from scripts.list_figures import counts_ms  # noqa: PLC0415 - see above

    return counts_ms()


FIGURES = (
    Figure("node_ready_s", "a node is ready after its start", "s", 1.0, node_ready),
    Figure("node_memory_mib", "memory of an idle node", "MiB", 90, node_memory),
    Figure("pair_ready_s", "`handclasp pair` is ready to use", "s", 2.5, pair_ready),
    Figure("list_first_ms", "the list of 100,000 connections: first page", "ms", 100, list_first),
    Figure("list_last_ms", "the same: last page", "ms", 100, list_last),
    Figure("list_sorted_ms", "the same: sorted by status", "ms", 100, list_sorted),
    Figure("list_filtered_ms", "the same: only the pending ones", "ms", 100, list_filtered),
    Figure("list_found_ms", "the same: those with a word in a name", "ms", 100, list_found),
    Figure("list_counted_ms", "the same: how many have each status", "ms", 100, list_counted),
)


def started_node(folder: str) -> tuple[int, Callable[[], None]]:
    """A node process that is ready, and what stops it.

    Raises:
        NotMeasuredError: it ended instead.
    """
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-m", "node", "node"],
        env=_environment()
        | {
            "HANDCLASP_DATA": folder,
            "HANDCLASP_LISTEN": f"127.0.0.1:{port}",
            "HANDCLASP_INSTANCE_LISTEN": "127.0.0.1:0",
            "HANDCLASP_NODE_URL": f"http://127.0.0.1:{port}",
            "HANDCLASP_BROKER": "none",
        },
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    while process.poll() is None:
        with suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=1) as answer:
            if answer.status == 200:  # noqa: PLR2004 - OK
                return process.pid, lambda: _stop(process)
        time.sleep(0.002)
    raise NotMeasuredError(f"The node ended with exit status {process.returncode} instead of getting ready.")


def started_pair(folder: str) -> float:
    """Start a pair, wait until it says that it is ready, stop it; the seconds until then.

    Raises:
        NotMeasuredError: it did not say so.
    """
    began = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-m", "node", "pair", "--data", f"{folder}/pair", "--json"],
        env=_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None  # noqa: S101 - it was asked for
    first = process.stdout.readline()
    ready_s = time.monotonic() - began
    _stop(process)
    process.stdout.close()
    if not first:
        raise NotMeasuredError("The pair did not start.")
    return ready_s


def _stop(process: subprocess.Popen[bytes] | subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGINT)
    process.wait(15)


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("HANDCLASP_")}


def write_readme(medians: dict[str, float]) -> None:
    """Put the figures into the README's table."""
    text = README.read_text(encoding="utf-8")
    for figure in FIGURES:
        pattern = rf"(\| {re.escape(figure.what)} \| )[^|]*( \|)"
        text = re.sub(pattern, rf"\g<1>{medians[figure.name]:.2f} {figure.unit}\g<2>", text)
    README.write_text(text, encoding="utf-8")


def main() -> None:
    """Measure, print, compare with the limits."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--readme", action="store_true")
    wanted = parser.parse_args()
    measured: dict[str, list[float]] = {}
    for figure in FIGURES:
        for number in range(wanted.rounds):
            if sys.stderr.isatty():
                print(f"\r{figure.what}: round {number + 1} of {wanted.rounds} ", end="", file=sys.stderr)
            try:
                measured.setdefault(figure.name, []).append(figure.measure())
            except NotMeasuredError as error:
                sys.exit(f"Error: {error}")
    if sys.stderr.isatty():
        print(file=sys.stderr)
    medians = {name: statistics.median(values) for name, values in measured.items()}
    if wanted.json:
        print(json.dumps({"cores": os.cpu_count(), "rounds": measured, "medians": medians}))
    else:
        for figure in FIGURES:
            kept = "ok" if medians[figure.name] <= figure.limit else "BEYOND ITS LIMIT"
            print(f"{figure.what:44} {medians[figure.name]:8.2f} {figure.unit:4} limit {figure.limit:g}  {kept}")
    if wanted.readme:
        write_readme(medians)
    sys.exit(any(medians[figure.name] > figure.limit for figure in FIGURES))


if __name__ == "__main__":
    main()
