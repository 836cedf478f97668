"""Campaigns: many seeds, what they covered, and what the commands say of them."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from node.cli.main import main
from node.delivery.dispatcher import Dispatcher
from simulations import campaign
from simulations.campaign import run_campaign, run_seeds
from simulations.coverage import GOALS, missing
from simulations.faults import MEANINGS, RATES, Fault
from simulations.levels import Level

ROOT = Path(__file__).resolve().parents[2]
QUICK = range(100, 120)
SLOW_FROM, SLOW_TO = 1000, 2000
CHUNKS = [
    *((Level.DIRECT, first, 40) for first in range(200, 440, 40)),
    *((Level.HTTP, first, 15) for first in range(200, 260, 15)),
]
"""About a minute of one core, in pieces that test runners can share: level, first seed, how many."""


@pytest.mark.slow
def test_some_dozens_of_seeds_break_no_property_and_show_most_faults():
    tally = run_seeds(QUICK)
    assert tally.failures == []
    assert tally.seeds == len(QUICK)
    assert tally.counts["handshakes"] >= 8
    assert sum(1 for kind in Fault if tally.counts[f"struck {kind}"]) >= 18
    assert sum(1 for kind in Fault if tally.counts[f"mattered {kind}"]) >= 14


@pytest.mark.parametrize(("level", "first", "count"), CHUNKS)
def test_a_minute_of_seeds_breaks_no_property(level, first, count):
    tally = run_seeds(range(first, first + count), level)
    assert tally.failures == []
    assert tally.seeds == count


@pytest.mark.slow
@pytest.mark.parametrize("level", Level)
def test_a_thousand_seeds_break_no_property(level):
    tally = run_campaign(range(SLOW_FROM, SLOW_TO), workers=2, level=level)
    assert tally.failures == []
    assert {goal for goal in missing(tally.counts) if goal.startswith("mattered")} == set()


@pytest.mark.slow
def test_processes_share_the_seeds_and_find_what_one_finds(monkeypatch):
    monkeypatch.setattr(campaign, "SEEDS_PER_BATCH", 3)
    alone, shared = (run_campaign(range(9), workers=workers) for workers in (1, 2))
    assert (alone.seeds, alone.steps, alone.counts) == (shared.seeds, shared.steps, shared.counts)


def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_worker_that_is_killed_is_told_in_a_sentence(capsys, monkeypatch):
    monkeypatch.setattr(campaign, "run_seeds", die)
    assert main(["simulate", "--seeds", "3", "--workers", "2"]) == 1
    assert "was killed from outside" in capsys.readouterr().err


def test_every_kind_of_fault_has_a_rate_and_a_meaning():
    assert set(MEANINGS) == set(RATES) == set(Fault)


def test_a_goal_that_never_happened_is_missed():
    counts = dict.fromkeys(GOALS, 1)
    assert missing(counts) == []
    assert missing(counts | {GOALS[3]: 0}) == [GOALS[3]]


# The commands


def run(*arguments: str, hash_seed: str = "0") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "node", *arguments],
        cwd=ROOT,
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
        capture_output=True,
        text=True,
        check=False,
    )


def test_replay_prints_the_same_bytes_in_processes_with_different_hash_seeds(capsys):
    ours = os.environ.get("PYTHONHASHSEED", "random")
    other = run("replay", "3", hash_seed="1" if ours != "1" else "2")
    assert other.returncode == 0, other.stderr
    assert main(["replay", "3"]) == 0
    assert other.stdout == capsys.readouterr().out
    assert re.search(r"^trace [0-9a-f]{32}\nNo property was broken\.$", other.stdout, re.MULTILINE)


def test_replay_can_leave_out_a_fault_or_let_only_some_strike(capsys):
    def struck(*arguments):
        assert main(["replay", "3", *arguments, "--json"]) == 0
        return json.loads(capsys.readouterr().out)["struck"]

    whole = struck()
    assert len(whole) > 3
    off = next(name for name in whole if name.startswith("crash-"))
    assert off not in struck("--without", off)
    assert set(struck("--only", off)) <= {off}


def test_replay_as_json_holds_every_entry_of_the_trace(capsys):
    assert main(["replay", "3", "--json"]) == 0
    world = json.loads(capsys.readouterr().out)
    assert world["violation"] is None
    assert {"a", "b"} <= set(world["nodes"])
    assert {"serves", "asks", "receives", "answers", "commit", "published"} <= {one["what"] for one in world["entries"]}
    assert [one["at_s"] for one in world["entries"]] == sorted(one["at_s"] for one in world["entries"])


def test_simulate_tells_what_was_covered_and_how_fast(capsys):
    assert main(["simulate", "--seeds", "7..9", "--workers", "1"]) == 0
    shown = capsys.readouterr().out
    for word in [*Fault, "source hears 6", "destination accept", "virtual seconds/s", "No property was broken."]:
        assert word in shown
    assert main(["simulate", "--seeds", "3", "--workers", "1", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["seeds"] == 3


def test_simulate_and_replay_run_over_http_and_say_so(capsys, monkeypatch):
    assert main(["simulate", "--seeds", "7..9", "--workers", "1", "--level", "http"]) == 0
    assert "No property was broken." in capsys.readouterr().out
    assert main(["replay", "7", "--level", "http"]) == 0
    over_http = capsys.readouterr().out
    assert main(["replay", "7", "--level", "direct"]) == 0
    assert over_http != capsys.readouterr().out
    monkeypatch.setattr(Dispatcher, "_next_batch", nothing_to_do)
    assert main(["simulate", "--seeds", "5", "--workers", "1", "--level", "http"]) == 1
    assert re.search(r" replay \d+ --level http$", capsys.readouterr().err, re.MULTILINE)


async def nothing_to_do(_self, _partner):
    return []


def test_simulate_ends_when_its_time_is_over(capsys, monkeypatch):
    monkeypatch.setattr(campaign, "SEEDS_PER_BATCH", 1)
    assert main(["simulate", "--time", "0.1", "--workers", "1", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["seeds"] > 0


def test_a_broken_property_is_one_line_with_the_seed_and_how_to_see_it(capsys, monkeypatch):
    monkeypatch.setattr(Dispatcher, "_next_batch", nothing_to_do)
    assert main(["simulate", "--seeds", "5", "--workers", "1"]) == 1
    told = capsys.readouterr().err.strip().splitlines()
    assert re.fullmatch(r"Seed \d+: Agreement: .+ See it: \S.* replay \d+", told[0])
    seed = told[0].rpartition(" ")[2]
    assert main(["replay", seed]) == 1
    assert "Agreement: " in capsys.readouterr().out.splitlines()[-1]


@pytest.mark.parametrize("seeds", ["0", "9..1", "-3", "a", "1..", "1..2..3", "9" * 30])
def test_seeds_that_are_none_are_refused_with_what_to_write(seeds, capsys):
    assert main(["simulate", f"--seeds={seeds}"]) == 2
    told = capsys.readouterr().err
    assert "--seeds" in told
    assert "4000..4999" in told


def test_other_commands_load_nothing_of_the_simulation():
    program = (
        "import sys; from node.cli.main import main; main(['connections', '--help']); main(['--help']); "
        "loaded = {name for name in sys.modules if name.partition('.')[0] == 'simulations'}; "
        "of_commands = {'simulations.commands', 'simulations.levels', 'simulations.exploring', 'simulations.exploring.command'}; "
        "of_commands |= {'simulations.shrinking', 'simulations.shrinking.command'}; "
        "of_commands |= {'simulations.conform', 'simulations.conform.command'}; "
        "assert loaded <= {'simulations'} | of_commands, loaded"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "simulate" in done.stdout
