"""Run the tests that others wrote for their ServiceNow clients, unmodified, against a fresh node; and again.

    python -m scripts.clients SRC [--only NAME] [--times N] [--null] [--json]

SRC is a copy of https://github.com/ServiceNow/PySNC or of https://github.com/ansible-collections/servicenow.itsm; which
one is seen from its files. A node is started on free ports of this machine with demo data and a throw-away
certificate; the tests run against it twice, since a node that has been used must serve as well as a new one. With
--null they run against a server that answers 404 to everything: what passes there says nothing about a node.
Exit code 1 when a test failed (with --null: when none did), 130 after Ctrl-C.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from scripts.clients.environments import ClientMissingError
from scripts.clients.itsm_targets import is_itsm, run_itsm, targets_of
from scripts.clients.pysnc_suite import SuiteError, files_of, is_pysnc, run_pysnc
from scripts.clients.report import Progress, table, total
from scripts.clients.serving import NodeFailedError, fresh_node, knowing_nothing

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from types import FrameType

    from scripts.clients.report import Part
    from scripts.clients.serving import Target

TIMES = 2
"""How often the tests run against one node."""

STOPPED_BY = 128
"""A shell's exit code of what a signal ended, less the signal's number."""

MISSING = """SRC is missing. Fetch a copy of a client whose tests can be run here, and name its folder:

    git clone https://github.com/ServiceNow/PySNC ../PySNC
    make clients SRC=../PySNC

    git clone https://github.com/ansible-collections/servicenow.itsm ../servicenow.itsm
    make clients SRC=../servicenow.itsm"""


def main() -> None:
    """Run, print, tell by the exit code."""
    wanted = parser().parse_args()
    if wanted.source is None:
        _refuse(MISSING)
    if wanted.times < 1:
        _refuse("--times is 1 or more.")
    source: Path = wanted.source.expanduser().resolve()
    names = _chosen(source, wanted.only)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _stop)
    rounds: list[list[Part]] = []
    try:
        _run_all(source, names, rounds, times=1 if wanted.null else wanted.times, null=wanted.null, as_json=wanted.json)
    except (ClientMissingError, NodeFailedError, SuiteError) as error:
        _refuse(str(error))
    except KeyboardInterrupt as stopped:
        if rounds and rounds[-1] and not wanted.json:
            print(f"Until it was stopped:\n{table(rounds[-1])}")
        print("Stopped; nothing is left running.", file=sys.stderr)
        sys.exit(STOPPED_BY + stopped.args[0])
    if wanted.json:
        print(json.dumps({"source": str(source), "rounds": [[asdict(part) for part in parts] for parts in rounds]}))
    failed = sum(total(parts).failed for parts in rounds)
    sys.exit((failed == 0) if wanted.null else (failed > 0))


def parser() -> argparse.ArgumentParser:
    """What the command takes."""
    made = argparse.ArgumentParser(
        prog="make clients", usage=argparse.SUPPRESS, description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    made.add_argument("source", metavar="SRC", type=Path, nargs="?", help="the folder of a fetched copy")
    made.add_argument("--only", metavar="NAME", action="append", help="this target or file of tests; may be repeated")
    made.add_argument("--times", metavar="N", type=int, default=TIMES, help="how often, against one node; else twice")
    made.add_argument("--null", action="store_true", help="against a server that knows nothing, once")
    made.add_argument("--json", action="store_true", help="one JSON document instead of tables")
    return made


def _chosen(source: Path, only: Sequence[str] | None) -> list[str]:
    """The names of what is run: all that the folder has, or those that were asked for."""
    if not source.is_dir():
        _refuse(f"SRC={source} is no folder. It names a copy of PySNC or of servicenow.itsm.")
    if is_itsm(source):
        names = targets_of(source)
    elif is_pysnc(source):
        names = files_of(source)
    else:
        inside = [path for path in sorted(source.iterdir()) if path.is_dir() and (is_pysnc(path) or is_itsm(path))]
        _refuse(
            f"SRC={source} holds neither PySNC nor servicenow.itsm."
            + "".join(f"\nBut {path} does: SRC={path}" for path in inside)
            + (
                ""
                if inside
                else " Give the folder of a copy with its files, as `git clone` or "
                "`git --git-dir REPOSITORY archive HEAD | tar x -C FOLDER` makes one."
            )
        )
    unknown = sorted(set(only or ()) - set(names))
    if unknown:
        _refuse(f"There is no {', '.join(unknown)} in {source}. There are:\n  " + "\n  ".join(names))
    return [name for name in names if only is None or name in only]


def _run_all(
    source: Path, names: Sequence[str], rounds: list[list[Part]], *, times: int, null: bool, as_json: bool
) -> None:
    """Run all of it so many times and tell of each; what has ended so far stands in `rounds`, whatever happens."""
    with tempfile.TemporaryDirectory() as folder:
        server = knowing_nothing(Path(folder)) if null else fresh_node(Path(folder))
        units = 1 if is_pysnc(source) else len(names)
        with Progress(times * units) as progress, server as target:
            for number in range(times):
                began = time.monotonic()
                rounds.append([])
                rounds[-1].extend(_run(source, target, names, progress))
                if not as_json:
                    progress.tell(_told(rounds[-1], number, time.monotonic() - began, null=null))


def _run(source: Path, target: Target, names: Sequence[str], progress: Progress) -> Iterable[Part]:
    return (run_pysnc if is_pysnc(source) else run_itsm)(source, target, names, progress)


def _told(parts: list[Part], number: int, took_s: float, *, null: bool) -> str:
    if null:
        return (
            f"A server that answers 404 to everything ({took_s:.0f} s):\n{table(parts, notes=False)}\n"
            f"So {total(parts).failed} of these need a node, and {total(parts).passed} would pass without one."
        )
    which = "The same node again" if number else "A fresh node"
    return f"{which} ({took_s:.0f} s):\n{table(parts)}"


def _refuse(why: str) -> NoReturn:
    print(why, file=sys.stderr)
    sys.exit(2)


def _stop(number: int, _: FrameType | None) -> NoReturn:
    """End what runs; a second Ctrl-C must not keep that from being ended."""
    for one in (signal.SIGINT, signal.SIGTERM):
        signal.signal(one, signal.SIG_IGN)
    raise KeyboardInterrupt(int(number))


if __name__ == "__main__":
    main()
