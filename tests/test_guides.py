"""The guides say what is: their commands are run in order, and the site that is made of them has no dead link."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.written_commands import ROOT, blocks_of, clean_environment, kept_pair, run

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    (tmp_path / ".venv").symlink_to(ROOT / ".venv")
    return clean_environment(tmp_path)


def test_the_tutorial_is_run_from_start_to_stop(
    environment: dict[str, str], tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    first, *others = blocks_of("docs/tutorial.md")
    assert first == ["make pair"]
    said: dict[str, str] = {}
    with kept_pair(environment, tmp_path_factory.getbasetemp().parent) as urls:
        for command in (command for block in others for command in block):
            here = command
            for written, actual in urls.items():
                here = here.replace(written, actual)
            done = run(here, environment, folder=tmp_path)
            assert done.returncode == 0, (command, done)
            said[command] = done.stdout + done.stderr
    found = "\n".join(said.values())
    for told in ("Pending", "Active", "Deactivated", "Closed"):
        assert told in found
    refused = next(text for command, text in said.items() if command.endswith("|| true"))
    assert "already" in refused, "the guide says that the second time is refused with its reason"
    assert run(".venv/bin/handclasp pair status", environment, folder=tmp_path).returncode != 0, "it was stopped"


def test_what_the_guide_to_the_simulation_runs_does_run(environment: dict[str, str], tmp_path: Path) -> None:
    for command in (command for block in blocks_of("docs/simulation.md") for command in block):
        done = run(command, environment, folder=tmp_path)
        assert done.returncode == 0, (command, done)
    assert (tmp_path / "world.html").stat().st_size > 1000


def test_the_site_is_built_and_every_link_in_it_leads_somewhere(tmp_path: Path) -> None:
    made = run(f"make docs ARGS='--site-dir {tmp_path}/site'", clean_environment(tmp_path))
    assert made.returncode == 0, made
    pages = list((tmp_path / "site").glob("*.html"))
    assert {page.stem for page in (ROOT / "docs").glob("*.md")} <= {page.stem for page in pages}
    for page in pages:
        text = page.read_text(encoding="utf-8")
        for loading in ('<script src="http', '<link rel="stylesheet" href="http', '<img src="http', "@import"):
            assert loading not in text, f"{page.name} loads something from elsewhere"
    assert json.loads((tmp_path / "site/search/search_index.json").read_text())["docs"]
