"""Somebody's project, in an environment of its own that has the built wheel and nothing of this folder.

`tests/sample_project` is their code and their tests. Its subscriber is right; with LEDGER=careless it is the one with a
planted bug, which their property must find and their example must not.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import venv
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).resolve().parent.parent
SAMPLE = Path(__file__).parent / "sample_project"
PROPERTY = "test_each_activation_is_counted_once_whatever_goes_wrong"

PLAIN = """
import sys
from importlib.util import find_spec
import node.cli.main
from simulations.kit import World, run

async def main():
    async with World(seed=7) as w:
        a, b = await w.nodes("a", "b")
        await b.accept(await a.initiate(b))
        await w.quiet()
        return a.status, b.status

assert run(main) == ("active", "active")
assert not {"hypothesis", "pytest"} & sys.modules.keys()
assert find_spec("hypothesis") is None and find_spec("pytest") is None
try:
    from simulations.kit import envelopes
except ImportError as error:
    print(error)
"""


def versions() -> str:
    """What the development lock pins, as constraints: the hashes of a lock can't be held beside a wheel just built."""
    lock = (ROOT / "requirements" / "dev.lock").read_text(encoding="utf-8")
    return "\n".join(re.findall(r"^[a-z0-9-]+==[\w.]+", lock, flags=re.MULTILINE))


@pytest.fixture(scope="module")
def in_environment(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run its Python in the project's folder; in it is the wheel, and not yet what its extra brings."""
    folder = tmp_path_factory.mktemp("sample")
    project, environment = folder / "project", folder / "environment"
    shutil.copytree(SAMPLE, project, ignore=shutil.ignore_patterns("__pycache__", ".*"))
    (folder / "versions.txt").write_text(versions(), encoding="utf-8")
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", folder]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    venv.create(environment, with_pip=True)
    clean = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("HANDCLASP_", "PYTEST_", "PYTHONPATH", "COV_"))
    }

    def run(*arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        command = [environment / "bin" / "python", *arguments]
        return subprocess.run(command, cwd=project, env=clean | more, capture_output=True, text=True, check=False)

    def install(*what: str) -> None:
        done = run("-m", "pip", "install", "-q", "--disable-pip-version-check", "-c", "../versions.txt", *what)
        assert done.returncode == 0, done.stderr

    install(str(wheel))
    run.install = lambda: install(f"{wheel}[testing]", "pytest-asyncio")  # type: ignore[attr-defined]
    return run


@pytest.mark.slow
def test_the_sample_project_passes_from_the_wheel_and_finds_its_own_bug(in_environment) -> None:
    plain = in_environment("-c", PLAIN)
    needs = "simulations.kit.envelopes needs hypothesis: install Handclasp with its extra `testing`"
    assert plain.stdout.startswith(needs), plain.stderr
    in_environment.install()
    careful = in_environment("-m", "pytest", "-q")
    assert "4 passed" in careful.stdout, careful.stdout + careful.stderr
    careless = in_environment("-m", "pytest", "-q", "-k", f"{PROPERTY} or a_day", LEDGER="careless")
    assert "1 failed, 1 passed" in careless.stdout, careless.stdout + careless.stderr
    assert f"FAILED test_ledger.py::{PROPERTY}" in careless.stdout
    assert "RepeatedBroadcasts(" in careless.stdout or "Crash(" in careless.stdout
    where = in_environment("-c", "import simulations; print(simulations.__file__)")
    assert "site-packages" in where.stdout, "it is the wheel's, not this folder's"
