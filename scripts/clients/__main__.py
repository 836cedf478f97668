"""Run the tests that others wrote for their ServiceNow clients, unmodified, against a fresh node; and again.

    python -m scripts.clients SRC [--null] [--json]

SRC is a copy of https://github.com/ServiceNow/PySNC or of https://github.com/ansible-collections/servicenow.itsm; which
one is seen from its files. A node is started on free ports of this machine with demo data and a throw-away
certificate; the tests run against it twice, since a node that has been used must serve as well as a new one. With
--null they run against a server that answers 404 to everything: what passes there says nothing about a node.
Exit code 1 when a test failed (with --null: when none did).
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from scripts.clients.environments import ClientMissingError
from scripts.clients.itsm_targets import is_itsm, run_itsm
from scripts.clients.pysnc_suite import SuiteError, is_pysnc, run_pysnc
from scripts.clients.report import table, total
from scripts.clients.serving import NodeFailedError, fresh_node, knowing_nothing

if TYPE_CHECKING:
    from scripts.clients.report import Part
    from scripts.clients.serving import Target

TIMES = 2
"""How often the tests run against one node."""


def main() -> None:
    """Run, print, tell by the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", metavar="SRC", type=Path, help="the folder of a fetched copy")
    parser.add_argument("--null", action="store_true", help="against a server that knows nothing, once")
    parser.add_argument("--json", action="store_true", help="one JSON document instead of tables")
    wanted = parser.parse_args()
    source: Path = wanted.source.expanduser().resolve()
    if not (is_pysnc(source) or is_itsm(source)):
        parser.error(
            f"{source} holds neither PySNC nor servicenow.itsm: give the folder of a copy with its files, "
            "as `git clone` or `git --git-dir REPOSITORY archive HEAD | tar x -C FOLDER` makes one"
        )
    rounds: list[list[Part]] = []
    try:
        with tempfile.TemporaryDirectory() as folder:
            server = knowing_nothing(Path(folder)) if wanted.null else fresh_node(Path(folder))
            with server as target:
                for number in range(1 if wanted.null else TIMES):
                    began = time.monotonic()
                    rounds.append(_run(source, target))
                    if not wanted.json:
                        print(_told(rounds[-1], number, time.monotonic() - began, null=wanted.null), flush=True)
    except (ClientMissingError, NodeFailedError, SuiteError) as error:
        print(error, file=sys.stderr)
        sys.exit(2)
    if wanted.json:
        print(json.dumps({"source": str(source), "rounds": [[asdict(part) for part in parts] for parts in rounds]}))
    failed = sum(total(parts).failed for parts in rounds)
    sys.exit((failed == 0) if wanted.null else (failed > 0))


def _run(source: Path, target: Target) -> list[Part]:
    if is_pysnc(source):
        return run_pysnc(source, target)
    return run_itsm(source, target, lambda name: print(f"  {name} …", file=sys.stderr, flush=True))


def _told(parts: list[Part], number: int, took_s: float, *, null: bool) -> str:
    if null:
        return (
            f"A server that answers 404 to everything ({took_s:.0f} s):\n{table(parts, notes=False)}\n"
            f"So {total(parts).failed} of these need a node, and {total(parts).passed} would pass without one."
        )
    which = ("A fresh node", "The same node again")[number]
    return f"{which} ({took_s:.0f} s):\n{table(parts)}"


if __name__ == "__main__":
    main()
