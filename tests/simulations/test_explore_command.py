"""`handclasp explore`, as it is typed."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest

import protocol.machine
from node.cli.main import main
from protocol.tables import Act, Effect

SMALL = ["explore", "--codes", "1", "--acts", "2"]


def test_it_ends_with_a_table_of_what_was_met_and_which_rows_fired(capsys):
    assert main(SMALL) == 0
    told = capsys.readouterr()
    assert told.err == ""
    lines = dict(line.split("  ", 1) for line in told.out.splitlines() if "  " in line)
    assert lines["states"].strip() == "209"
    assert lines["transitions"].strip() == "1,470"
    assert lines["depth"].strip() == "7 events"
    assert "of 19 rows; never: " in lines["the source hears"]
    assert "of 17 rows; never: " in lines["the destination hears"]
    assert told.out.endswith("No property is broken in any world within these bounds.\n")


def test_programs_get_one_document(capsys):
    assert main([*SMALL, "--restores", "1", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["bounds"] == {"codes": 1, "acts": 2, "restores": 1, "liars": 0}
    assert (told["states"], told["transitions"], told["complete"]) == (2_935, 26_196, True)
    assert told["violation"] is None
    assert told["spin"] is None
    rows = {row["row"]: row["situations"] for row in told["tables"]["the source hears"]}
    assert rows["6"] > 0
    assert rows["2"] == 0


def test_what_is_broken_is_told_as_a_story_and_ends_in_1(capsys, monkeypatch):
    ignored = tuple(
        replace(row, effect=Effect.NOTHING) if row.number == "7" else row for row in protocol.machine.SOURCE_HEARS
    )
    monkeypatch.setattr(protocol.machine, "SOURCE_HEARS", ignored)
    assert main(SMALL) == 1
    told = capsys.readouterr().out
    assert "  1  The source's admin initiates: code 1" in told
    assert "     At rest A still owes what nobody will take.\n" in told
    assert main([*SMALL, "--json"]) == 1
    document = json.loads(capsys.readouterr().out)
    assert document["violation"]["property"] == "At rest A still owes what nobody will take."
    assert not document["complete"]


def test_a_search_that_is_stopped_claims_no_more_than_it_saw(capsys):
    assert main([*SMALL, "--states", "100"]) == 0
    assert "the search was stopped there" in capsys.readouterr().out


def test_progress_is_shown_on_a_terminal_and_wiped_out_at_the_end(capsys, monkeypatch):
    monkeypatch.setattr("simulations.exploring.command.TOLD_EVERY_S", 0)
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    assert main(SMALL) == 0
    told = capsys.readouterr()
    assert re.search(r"\r\d+ states, depth \d+, [\d,]+ states/s ", told.err)
    assert told.err.endswith("\r")
    assert "states/s" in told.out
    assert main([*SMALL, "--json"]) == 0
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("wrong", [["--acts", "10"], ["--codes", "0"], ["--restores", "2"], ["--states", "0"]])
def test_bounds_that_are_none_are_wrong_usage(wrong, capsys):
    assert main(["explore", *wrong]) == 2
    assert capsys.readouterr().err.startswith("Error: ")


def test_without_spin_the_comparison_is_refused_with_what_to_install(capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert main([*SMALL, "--spin"]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert "sudo scripts/install-debian-packages" in told.err


@pytest.mark.slow
@pytest.mark.spin
def test_spin_is_compared_and_a_difference_ends_in_1(capsys, monkeypatch):
    assert main([*SMALL, "--spin"]) == 0
    assert "spin counts the same." in capsys.readouterr().out
    fewer = tuple(row for row in protocol.machine.DESTINATION_ACTS if row.act is not Act.DECLINE)
    monkeypatch.setattr(protocol.machine, "DESTINATION_ACTS", fewer)
    assert main([*SMALL, "--spin", "--json"]) == 1
    assert not json.loads(capsys.readouterr().out)["spin"]["agrees"]
