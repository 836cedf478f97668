"""Every command in the README is run, as it stands there."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
from itertools import takewhile
from typing import TYPE_CHECKING

import pytest

from tests.node.command_line import CommandLine
from tests.written_commands import ROOT, blocks_of, clean_environment, kept_pair, run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = blocks_of("README.md")
IN_CONTAINERS = next(block for block in BLOCKS if "docker compose exec" in block[0])
"""Run by tests/e2e/test_compose_nodes.py, on nodes that have all of a container but its walls."""

NOT_RUN_HERE = {
    "make test": "it is what runs this test",
    "make check": "CI runs it before this test",
    "docker compose up --build": "no image can be built without a registry; test_compose.py holds the file to what runs",
}
"""Commands that this test does not run, each with its reason; make's are still looked up."""


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    return clean_environment(tmp_path)


@pytest.fixture
def pair(environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    assert ["make pair"] in BLOCKS
    with kept_pair(environment, tmp_path_factory.getbasetemp().parent) as urls:
        yield urls


def walkthrough() -> list[str]:
    return next(block for block in BLOCKS if any("connections initiate" in line for line in block))


def test_every_command_of_the_readme_is_run_here_or_has_its_reason() -> None:
    run_here = {"make demo", "make demo-browser", "make pair", *walkthrough()}
    commands = {line for block in BLOCKS for line in block}
    assert commands == run_here | set(IN_CONTAINERS) | set(NOT_RUN_HERE)


@pytest.mark.parametrize(
    "command", ["make demo", *(command for command in NOT_RUN_HERE if command.startswith("make "))]
)
def test_the_targets_exist(command: str, environment: dict[str, str]) -> None:
    assert run(f"{command} --dry-run", environment).returncode == 0


@pytest.mark.slow
def test_make_demo_ends_by_itself_with_both_sides_active(environment: dict[str, str]) -> None:
    shown = run("make demo", environment)
    assert shown.returncode == 0, shown
    assert "Active" in shown.stdout


@pytest.mark.slow
def test_make_demo_browser_tells_a_link_that_signs_in_to_both_consoles_and_ctrl_c_ends_it(
    environment: dict[str, str], tmp_path: Path
) -> None:
    opened = tmp_path / "opened"
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\necho "$1" > {opened}\n')
    browser.chmod(0o755)
    process = subprocess.Popen(
        ["make", "demo-browser"],
        env=environment | {"BROWSER": str(browser)},
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        assert process.stdout is not None
        told = ""
        while "Ctrl-C stops everything" not in told:
            line = process.stdout.readline()
            assert line, told
            told += line
        assert "Open the stage in your browser" not in told, "it is open already"
        link = opened.read_text().strip()
        assert link not in told, "it is spent, and what is told is not"
        consoles = re.findall(r"console [ab]  (\S+)   name admin   password ([a-z2-7-]{23})", told)
        assert len(consoles) == 2
        jar = tmp_path / "cookies"
        assert "Live stage" in run(f"curl -sL -c {jar} {link}", environment).stdout
        for url, _ in consoles:
            assert (
                "You have no connection yet" in run(f"curl -s -b {jar} {url}/console/connections", environment).stdout
            )
    finally:
        os.killpg(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert [line for line in out.splitlines() if "→ MQTT" not in line] == []
    assert err == ""


def test_the_flags_of_the_two_admins_are_those_of_their_commands(tmp_path: Path) -> None:
    for command in walkthrough():
        program, *words = command.partition(" > ")[0].split()
        assert program == ".venv/bin/handclasp"
        path = list(takewhile(lambda word: re.fullmatch("[a-z]+", word), words))
        shown = CommandLine(tmp_path).here(*path, "--help").succeeded().out
        assert [word for word in words if word.startswith("--") and word not in shown] == [], command


@pytest.mark.slow
def test_the_two_admins_of_the_readme_become_active(
    pair: dict[str, str], environment: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / ".venv").symlink_to(ROOT / ".venv")
    for command in walkthrough():
        here = command
        for written, actual in pair.items():
            here = here.replace(written, actual)
        done = run(here, environment, folder=tmp_path)
        assert (done.returncode, done.stderr) == (0, ""), (command, done)
    shown = run(".venv/bin/handclasp connections list --node b --json", environment, folder=tmp_path)
    assert [one["status"] for one in json.loads(shown.stdout)["connections"]] == ["active"]


@pytest.mark.parametrize(
    "name", ["pair status", "pair stop", "license new-keys", "license issue", "simulate", "replay"]
)
def test_commands_named_in_sentences_exist(name: str, tmp_path: Path) -> None:
    assert f"handclasp {name}" in README
    assert CommandLine(tmp_path).here(*name.split(), "--help").code == 0


def test_every_file_and_picture_that_the_readme_names_exists() -> None:
    named = re.findall(r"\]\((?!http)([^)#]+)\)", README)
    assert named
    assert [name for name in named if not (ROOT / name).exists()] == []
