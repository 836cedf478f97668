"""What conftest.py does with a test whose programs are missing."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

THREE_TESTS = """
import pytest

@pytest.mark.mosquitto
def test_one(): ...

@pytest.mark.mosquitto
def test_two(): ...

@pytest.mark.compose
def test_three(find_program):
    find_program("docker-compose")

def test_that_needs_nothing(): ...

def test_for_another_system():
    pytest.skip("only on the moon")
"""


def run_without_programs(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the three tests under our conftest and configuration, on a machine that has no program at all."""
    conftest = (ROOT / "tests" / "conftest.py").read_text(encoding="utf-8")
    nowhere, count = re.subn(r'^SYSTEM_FOLDERS = ".*"', 'SYSTEM_FOLDERS = ""', conftest, flags=re.MULTILINE)
    assert count == 1
    (folder / "conftest.py").write_text(nowhere, encoding="utf-8")
    (folder / "test_three.py").write_text(THREE_TESTS, encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-c", ROOT / "pyproject.toml", "--rootdir", folder, *arguments]
    environment = {name: value for name, value in os.environ.items() if name != "CI"} | environment
    return subprocess.run(
        [*command, "-p", "no:cacheprovider", folder],
        env=environment | {"PATH": str(folder)},
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("workers", ["0", pytest.param("2", marks=pytest.mark.slow)])
def test_what_is_left_out_is_listed_with_its_reason_and_what_would_enable_it(tmp_path: Path, workers: str) -> None:
    done = run_without_programs(tmp_path, "--numprocesses", workers)
    assert done.returncode == 0, done.stdout
    told = done.stdout.partition("= Not run here =")[2].splitlines()[1:]
    assert told[:2] == [
        "   2 tests: mosquitto and its clients are missing; enable with: sudo scripts/install-debian-packages",
        "   1 test : docker-compose is missing; enable with: sudo scripts/install-debian-packages",
    ]
    assert told[2] == "   1 test : only on the moon"
    assert "1 passed, 4 skipped" in told[-1]


def test_under_ci_what_is_missing_is_an_error_and_nothing_is_left_out(tmp_path: Path) -> None:
    done = run_without_programs(tmp_path, CI="true")
    assert done.returncode == 1
    assert "1 passed, 1 skipped, 3 errors" in done.stdout
    assert "CI runs every test, but docker-compose is missing" in done.stdout
