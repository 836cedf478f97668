"""Planted faults: each fits the code, is planted in a copy and nowhere else, and some of the quick ones are found."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from node.cli.main import main
from simulations.planting import command, plants, scratch
from simulations.planting.plants import Hunk, PlantError, planted

ROOT = Path(__file__).resolve().parents[2]
NAMES = {
    "answer before commit",
    "single use checked, then written",
    "serial not compared",
    "closed not final",
    "switch taken without comparing revisions",
    "echo compared by revision only",
    "partner's claim of my phase adopted",
    "cancel that arrives before its accept ignored",
    "expiry judged but not committed",
    "owed cleared by any answer",
    "give up after 3 tries",
    "seq allocated outside the transaction",
    "wrong key pinned on retry",
    "destination's tombstone purged",
    "unsigned refusal believed",
    "no resync after restore",
}
RAREST = "echo compared by revision only"
QUICK = {"answer before commit", "closed not final"}


def test_these_sixteen_are_planted():
    assert [plant.name for plant in plants.plants()] == sorted(NAMES)


def sources(plant):
    """What a plant changes, as it stands in the code."""
    return {hunk.path: (ROOT / hunk.path).read_text(encoding="utf-8") for hunk in plant.hunks}


@pytest.mark.parametrize("plant", plants.plants(), ids=lambda plant: plant.name)
def test_a_plant_fits_the_code(plant):
    before = sources(plant)
    broken = dict(before)
    for hunk in plant.hunks:
        broken[hunk.path] = planted(broken[hunk.path], hunk)
    for path, text in broken.items():
        assert text != before[path]
        compile(text, path, "exec")


def test_a_plant_stands_in_a_copy_and_leaves_the_code_alone():
    plant = max(plants.plants(), key=lambda plant: len(plant.hunks))
    before = sources(plant)
    assert len(plant.hunks) > 1
    with scratch.scratch(plant) as directory:
        for path, text in before.items():
            broken = (directory / path).read_text(encoding="utf-8")
            assert broken != text
            compile(broken, path, "exec")
    assert not directory.exists()
    assert sources(plant) == before


@pytest.mark.parametrize(("source", "count"), [("a\nc\n", 0), ("a\nb\nc\na\nb\n", 2), ("aa\nb\n", 0)])
def test_a_hunk_whose_text_does_not_stand_there_exactly_once_is_an_error(source, count):
    with pytest.raises(PlantError, match=rf"stands there {count} times"):
        planted(source, Hunk("x.py", "a\nb\n", "b\n"))
    assert planted("0\na\nb\n1\n", Hunk("x.py", "a\nb\n", "b\n")) == "0\nb\n1\n"


@pytest.mark.parametrize(
    "patch", ["name\n", "name\n--- x.py\n@@\n a\n b\n", "name\n--- x.py\n*a\n", "name\n--- x.py\n@@\n+a\n"]
)
def test_a_patch_that_changes_nothing_or_can_not_be_read_is_an_error(patch, monkeypatch, tmp_path):
    (tmp_path / "some.patch").write_text(patch)
    monkeypatch.setattr(plants, "PATCHES", tmp_path)
    with pytest.raises(PlantError, match=r"some\.patch"):
        plants.plants()


def test_no_check_names_a_planted_fault():
    words = {word for name in NAMES for word in [name, re.sub(r"[^a-z]+", "_", name)]}
    for path in (ROOT / "simulations/checks").glob("*.py"):
        text = path.read_text(encoding="utf-8").lower()
        assert "plant" not in text, path
        assert not [word for word in words if word in text], path


@pytest.mark.slow
def test_the_command_plants_looks_and_tells_in_a_table_what_found_it(capsys, monkeypatch):
    few = [plant for plant in plants.plants() if plant.name in QUICK]
    monkeypatch.setattr(command, "plants", lambda: few)
    assert main(["simulate", "--planted", "--seeds", "20", "--workers", "2"]) == 0
    shown = capsys.readouterr().out.splitlines()
    assert shown[0].split() == ["planted", "fault", "seeds", "struck", "shrunk", "found", "by"]
    assert {re.split(r"  +", line)[0] for line in shown[1:3]} == QUICK
    assert re.fullmatch(r"All 2 were found in \d+ worlds, each with at most 3 faults\.", shown[-1])


@pytest.mark.slow
def test_what_is_not_found_is_told_and_ends_with_1(capsys, monkeypatch, tmp_path):
    (tmp_path / "harmless.patch").write_text(
        'harmless\n--- protocol/merging.py\n@@\n-    """Close my side, for good."""\n+    """Close it."""\n'
    )
    monkeypatch.setattr(plants, "PATCHES", tmp_path)
    assert main(["simulate", "--planted", "--seeds", "2", "--json"]) == 1
    (told,) = json.loads(capsys.readouterr().out)["planted"]
    assert (told["fault"], told["found"], told["seeds"], told["check"]) == ("harmless", False, 2, None)


@pytest.mark.slow
def test_a_copy_that_does_not_start_is_told_with_its_last_line(capsys, monkeypatch, tmp_path):
    (tmp_path / "broken.patch").write_text(
        'broken\n--- protocol/merging.py\n@@\n-    """Close my side, for good."""\n+    return (\n'
    )
    monkeypatch.setattr(plants, "PATCHES", tmp_path)
    assert main(["simulate", "--planted", "--seeds", "2"]) != 0
    assert "SyntaxError" in capsys.readouterr().err


@pytest.mark.parametrize("more", [["--seeds", "4..9"], ["--time", "5"], ["--profile"]])
def test_what_does_not_go_with_planted_is_refused(more, capsys):
    assert main(["simulate", "--planted", *more]) == 2
    assert "--planted goes with" in capsys.readouterr().err


@pytest.mark.slow
def test_every_planted_fault_but_the_rarest_is_found_with_at_most_three_faults():
    """The rarest needs more seeds than all others together: `make simulate ARGS=--planted` looks for it too."""
    found = command.hunt_all(
        [one for one in plants.plants() if one.name != RAREST], seeds_max=command.SEEDS_DEFAULT, workers=2
    )
    assert {name for name, hunted in found.items() if hunted.seed is None} == set()
    assert all(len(hunted.faults) <= command.FAULTS_MAX for hunted in found.values())
