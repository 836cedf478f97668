"""Put real nodes and brokers through what must not hurt them, and look that it does not.

    python -m scripts.trials [--only NAME] [--rounds N] [--seed N] [--away-s 60] [--json]

Each trial prints one line: its name, its rounds, what held. Its random acts and moments are drawn from the seed, which
is printed; what the processes make of them in real time differs from run to run. All traffic is on loopback, at ports
that are free; what a trial writes is removed, and kept when something did not hold.
Exit code 1 when something did not hold. A full run takes 10 to 20 minutes.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import secrets
import signal
import sys
from dataclasses import asdict

from scripts.trials.running import TRIALS, Report, run_all

STOPPED_BY = 128
"""A shell's exit code of what a signal ended, less the signal's number."""

AWAY_S = 60.0
SEED_MAX = 2**32


def main() -> None:
    """Run, print, tell by the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    names = [trial.name for trial in TRIALS]
    parser.add_argument("--only", action="append", choices=names, help="this trial; may be given more than once")
    parser.add_argument("--rounds", type=int, help="in each trial, instead of each one's own number")
    parser.add_argument("--seed", type=int, help="draws the random acts; drawn itself when it is not given")
    parser.add_argument("--away-s", type=float, default=AWAY_S, help="how long a source is down in source-away")
    parser.add_argument("--json", action="store_true")
    wanted = parser.parse_args()
    if (wanted.rounds is not None and wanted.rounds < 1) or wanted.away_s < 0:
        parser.error("rounds are 1 or more, seconds not less than 0")
    seed = wanted.seed if wanted.seed is not None else secrets.randbelow(SEED_MAX)
    reports: list[Report] = []

    def tell(report: Report) -> None:
        reports.append(report)
        if not wanted.json:
            print(report.line, flush=True)

    if not wanted.json:
        print(f"seed {seed}", flush=True)
    chosen = [trial for trial in TRIALS if wanted.only is None or trial.name in wanted.only]
    try:
        held = asyncio.run(run_all(chosen, rounds=wanted.rounds, seed=seed, away_s=wanted.away_s, tell=tell))
    except KeyboardInterrupt:
        print("Stopped; nothing is left running.", file=sys.stderr)
        sys.exit(STOPPED_BY + signal.SIGINT)
    except asyncio.CancelledError:
        sys.exit(STOPPED_BY + signal.SIGTERM)
    if wanted.json:
        print(json.dumps({"seed": seed, "held": held, "trials": [asdict(report) for report in reports]}))
    sys.exit(0 if held else 1)


if __name__ == "__main__":
    main()
