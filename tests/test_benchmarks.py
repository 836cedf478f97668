"""The benchmark measures what it says, in small."""

import json
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.slow
def test_a_small_run_measures_both_sides_and_their_ratio():
    command = [sys.executable, "-m", "benchmarks.handshakes", "--json"]
    run = subprocess.run(
        [*command, "--rounds", "1", "--handshakes", "8", "--concurrency", "4"],
        cwd=Path(__file__).parents[1], capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    assert '"ratio_to_skeleton"' in run.stdout
    assert json.loads(run.stdout)
