"""The set-up of .venv: silent when done, one sentence when it can't be, and repaired after anything."""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import venv
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).resolve().parent.parent
BOOTSTRAP = ROOT / "scripts" / "bootstrap.py"
BUILD_NEEDS = {"hatchling", "editables", "packaging", "pathspec", "pluggy", "trove-classifiers"}
"""What an editable install of the project itself needs: the smallest lock file that works."""

SET_UP_S_MAX = 400
"""A whole one takes half a minute; on a machine that does ten things at once, more than two."""

TOO_OLD = "Handclasp needs Python 3.11 or newer; this is {version} ("
PROGRESS = r"Setting up \.venv \(main dependencies, about \d+ s\) … done in \d+ s\n"


def clean_environment(**more: str) -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name != "PYTHON"} | more


def set_up(tree: Path, *, level: str = "main", **environment: str) -> subprocess.CompletedProcess[str]:
    command = [tree / "scripts" / "set-up", level]
    return subprocess.run(
        command,
        env=clean_environment(**environment),
        capture_output=True,
        text=True,
        timeout=SET_UP_S_MAX,
        check=False,
    )


def pythons() -> dict[str, Path]:
    """Every Python of this machine, by version: those in the PATH, and those that pyenv keeps."""
    names = ["python2.7", "python3", *(f"python3.{minor}" for minor in range(4, 20))]
    found = [shutil.which(name) for name in names]
    if root := os.environ.get("PYENV_ROOT"):
        found += map(str, Path(root).glob("versions/*/bin/python"))
    versions = {}
    for path in filter(None, found):
        question = "import sys; print(sys.version.split()[0])"
        answer = subprocess.run([path, "-c", question], capture_output=True, text=True, check=False)
        if answer.returncode == 0:
            versions[answer.stdout.strip()] = Path(path)
    return versions


def minor_of(version: str) -> tuple[int, int]:
    major, minor = version.split(".")[:2]
    return int(major), int(minor)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of what the set-up reads, whose lock file is cut down to what building the project needs."""
    tree = tmp_path / "checkout"
    shutil.copytree(ROOT / "scripts", tree / "scripts", ignore=shutil.ignore_patterns("__pycache__"))
    for package in ("node", "protocol", "simulations"):
        (tree / package).mkdir()
        (tree / package / "__init__.py").touch()
    for name in ("pyproject.toml", "LICENSE", "README.md"):
        shutil.copy(ROOT / name, tree / name)
    entries = re.split(
        r"^(?=[a-z])", (ROOT / "requirements" / "main.lock").read_text(encoding="utf-8"), flags=re.MULTILINE
    )
    few = [entry for entry in entries if entry.partition("==")[0] in BUILD_NEEDS]
    assert len(few) == len(BUILD_NEEDS)
    (tree / "requirements").mkdir()
    (tree / "requirements" / "main.lock").write_text("".join(few), encoding="utf-8")
    return tree


# What it can't work with


def test_bootstrap_is_written_for_every_python() -> None:
    source = BOOTSTRAP.read_text(encoding="ascii")  # Python 2.7 refuses anything else without a declaration
    nodes = list(ast.walk(ast.parse(source, feature_version=(3, 4))))
    too_new = (ast.JoinedStr, ast.AnnAssign, ast.NamedExpr, ast.Match, ast.AsyncFunctionDef)
    assert not any(isinstance(node, too_new) for node in nodes)


@pytest.mark.slow
def test_a_python_that_is_too_old_gets_one_sentence() -> None:
    old = {version: path for version, path in pythons().items() if minor_of(version) < (3, 11)}
    if not old:
        pytest.skip("this machine has no Python older than 3.11")
    for version, path in old.items():
        done = subprocess.run([path, BOOTSTRAP, "main"], capture_output=True, text=True, check=False)
        assert done.returncode == 1, version
        assert done.stderr.startswith(TOO_OLD.format(version=version)), version
        assert done.stderr.endswith("`make demo PYTHON=/path/to/python3.12`.\n"), version
        assert done.stderr.count("\n") == 1, version
        assert set_up(ROOT, PYTHON=str(path)).stderr == done.stderr


def test_a_named_python_that_does_not_run_is_told() -> None:
    done = set_up(ROOT, PYTHON="/nowhere/python3")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert done.stderr.startswith("PYTHON=/nowhere/python3 does not run: give the path of a Python 3.11 or newer")


def test_a_machine_without_any_python_is_told(tree: Path, tmp_path: Path) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("dirname", "sh"):
        (tools / name).symlink_to(str(shutil.which(name)))
    done = set_up(tree, PATH=str(tools))
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert done.stderr.startswith("Handclasp needs Python 3.11 or newer, and no Python was found: install one")


@pytest.mark.parametrize("module", ["ensurepip", "venv"])
def test_a_python_that_makes_no_environments_is_told(tree: Path, tmp_path: Path, module: str) -> None:
    venv.create(tmp_path / "crippled", symlinks=True)
    (site,) = (tmp_path / "crippled").glob("lib/python*/site-packages")
    blocked = f"import sys\nsys.modules[{module!r}] = None\n"  # the import system's own word for "there is none"
    (site / "sitecustomize.py").write_text(blocked, encoding="utf-8")
    python = tmp_path / "crippled" / "bin" / "python"
    done = set_up(tree, PYTHON=str(python))
    assert done.returncode == 1
    sentence = done.stderr.splitlines()[-1]
    assert sentence.startswith(f"{python} (Python ")
    assert f"can't make .venv without its module {module}: on Debian or Ubuntu run `apt install" in sentence
    assert "Traceback" not in done.stderr
    assert not (tree / ".venv").exists()


def test_a_level_that_does_not_exist_shows_the_usage() -> None:
    for arguments in ([], ["other"], ["--nonsense", "main"], ["main", "dev"]):
        command = [sys.executable, BOOTSTRAP, *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (2, "usage: bootstrap.py [--check | --exact] main|dev\n")


# What it makes


@pytest.mark.slow
def test_it_sets_up_from_nothing_in_one_line_and_is_silent_ever_after(tree: Path) -> None:
    first = set_up(tree)
    assert first.returncode == 0, first.stderr
    assert re.fullmatch(PROGRESS, first.stderr)
    assert (tree / ".venv" / "bin" / "handclasp").exists()
    assert imported_node(tree) == tree / "node" / "__init__.py"

    only_dirname = tree / "bin"
    only_dirname.mkdir()
    (only_dirname / "dirname").symlink_to(shutil.which("dirname"))
    second = set_up(tree, PATH=str(only_dirname))  # with no Python to be found, nothing could be set up
    assert (second.returncode, second.stdout, second.stderr) == (0, "", "")


@pytest.mark.slow
def test_a_change_of_pyproject_installs_again_and_keeps_the_environment(tree: Path) -> None:
    assert set_up(tree).returncode == 0
    kept = tree / ".venv" / "kept"
    kept.touch()
    with (tree / "pyproject.toml").open("a", encoding="utf-8") as pyproject:
        pyproject.write("# changed\n")
    again = set_up(tree)
    assert re.fullmatch(PROGRESS, again.stderr), again.stderr
    assert kept.exists()
    assert set_up(tree).stderr == ""


@pytest.mark.slow
def test_without_a_network_it_says_so_and_keeps_what_it_had(tree: Path) -> None:
    assert set_up(tree).returncode == 0
    before = json.loads((tree / ".venv" / "handclasp.json").read_text(encoding="utf-8"))
    lock = tree / "requirements" / "main.lock"
    text = lock.read_text(encoding="utf-8")
    lock.write_text(f"{text}six==1.17.0 --hash=sha256:{'0' * 64}\n", encoding="utf-8")
    nowhere = {"PIP_INDEX_URL": "http://127.0.0.1:9", "PIP_CONFIG_FILE": os.devnull, "PIP_NO_CACHE_DIR": "1"}
    done = set_up(tree, **nowhere, PIP_EXTRA_INDEX_URL="", PIP_FIND_LINKS="")
    assert done.returncode == 1
    _, sentence, last = done.stderr.splitlines()
    assert sentence.startswith("The package index can't be reached to install requirements/main.lock: check the")
    assert last.startswith("pip's last line, of those in .venv/handclasp-pip.log: ERROR: ")
    assert "six==1.17.0" in (tree / ".venv" / "handclasp-pip.log").read_text(encoding="utf-8")

    assert json.loads((tree / ".venv" / "handclasp.json").read_text(encoding="utf-8")) == before
    lock.write_text(text, encoding="utf-8")
    assert set_up(tree).stderr == ""


@pytest.mark.slow
def test_a_file_with_another_hash_is_refused(tree: Path) -> None:
    lock = tree / "requirements" / "main.lock"
    lock.write_text(re.sub(r"sha256:\w{64}", f"sha256:{'0' * 64}", lock.read_text("utf-8")), encoding="utf-8")
    done = set_up(tree)
    assert done.returncode == 1
    assert "pip could not install requirements/main.lock: mend what it complains of" in done.stderr
    assert "DO NOT MATCH THE HASHES" in (tree / ".venv" / "handclasp-pip.log").read_text(encoding="utf-8")


@pytest.mark.slow
def test_a_set_up_that_was_killed_is_repaired_by_the_next(tree: Path) -> None:
    state, pyproject = tree / ".venv" / "handclasp.json", tree / "pyproject.toml"
    kill_set_up_when(tree, lambda: any(tree.glob(".venv/lib/python*/site-packages/pip/__init__.py")))
    assert not state.exists()
    repaired = set_up(tree)
    assert re.fullmatch(PROGRESS, repaired.stderr), repaired.stderr
    assert imported_node(tree) == tree / "node" / "__init__.py"

    # Killed while something new went in, it is no longer what it was before, even if that is wanted again.
    before = pyproject.read_text(encoding="utf-8")
    pyproject.write_text(f"{before}# changed\n", encoding="utf-8")
    kill_set_up_when(tree, lambda: not state.exists())
    pyproject.write_text(before, encoding="utf-8")
    assert re.fullmatch(PROGRESS, set_up(tree).stderr)


def kill_set_up_when(tree: Path, reached: Callable[[], bool]) -> None:
    command = [tree / "scripts" / "set-up", "main"]
    running = subprocess.Popen(command, env=clean_environment(), start_new_session=True, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while not reached():
        assert running.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.01)  # a real process is waited for
    os.killpg(running.pid, signal.SIGKILL)
    running.wait()


@pytest.mark.slow
def test_an_environment_that_was_moved_or_broken_is_made_anew(tree: Path) -> None:
    assert set_up(tree).returncode == 0
    moved = tree.rename(tree.parent / "moved")
    assert re.fullmatch(PROGRESS, set_up(moved).stderr)
    assert imported_node(moved) == moved / "node" / "__init__.py"
    assert str(tree) not in (moved / ".venv" / "bin" / "handclasp").read_text(encoding="utf-8")

    (moved / ".venv" / "bin" / "python").unlink()
    assert re.fullmatch(PROGRESS, set_up(moved).stderr)
    assert imported_node(moved) == moved / "node" / "__init__.py"


@pytest.mark.slow
def test_two_set_ups_at_once_take_turns(tree: Path) -> None:
    command = [tree / "scripts" / "set-up", "main"]
    both = [subprocess.Popen(command, env=clean_environment(), stderr=subprocess.PIPE, text=True) for _ in range(2)]
    told = sorted(each.communicate(timeout=SET_UP_S_MAX)[1] for each in both)
    assert [each.returncode for each in both] == [0, 0]
    assert re.fullmatch(PROGRESS, told[0])
    assert told[1] == "Waiting for another set-up of .venv to end …\n"


@pytest.mark.slow
def test_a_named_python_replaces_another(tree: Path) -> None:
    assert set_up(tree).returncode == 0
    here = json.loads((tree / ".venv" / "handclasp.json").read_text(encoding="utf-8"))["python"].split()[0]
    others = {minor_of(v): path for v, path in pythons().items() if minor_of(v) >= (3, 11)}
    others.pop(minor_of(here), None)
    if not others:
        pytest.skip("this machine has one suitable Python only")
    other, path = max(others.items())
    done = set_up(tree, PYTHON=str(path))
    assert re.fullmatch(PROGRESS, done.stderr), done.stderr
    assert set_up(tree, PYTHON=str(path)).stderr == ""
    assert set_up(tree).stderr == ""  # no name: what there is, is kept
    answer = run_in(tree, "import sys; print(sys.version_info[:2] == " + repr(other) + ")")
    assert answer == "True"


def run_in(tree: Path, code: str) -> str:
    command = [tree / ".venv" / "bin" / "python", "-c", code]
    return subprocess.run(command, cwd=tree.parent, capture_output=True, text=True, check=True).stdout.strip()


def imported_node(tree: Path) -> Path:
    return Path(run_in(tree, "import node; print(node.__file__)"))
