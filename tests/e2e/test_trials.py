"""`make trials` in small: real processes, each trial holds, and nothing of it is left."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from random import Random

import psutil
import pytest

from scripts.trials import replay
from scripts.trials.__main__ import main
from scripts.trials.trial import Stage
from tests.e2e.processes import until

ROOT = Path(__file__).parents[2]
RUN_S_MAX = 400


@pytest.fixture
def folder(tmp_path):
    """Where trials may write; whatever happens, no process that knows this folder outlives the test."""
    home = tmp_path / "files"
    home.mkdir()
    yield home
    for one in of_this_run(home):
        one.kill()


@pytest.fixture
def start(folder):
    def begin(*arguments, **environment):
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("HANDCLASP_")}
        return subprocess.Popen(
            [sys.executable, "-m", "scripts.trials", *arguments],
            cwd=ROOT, env=inherited | {"TMPDIR": str(folder)} | environment, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip

    return begin


def of_this_run(folder):
    return [one for one in psutil.process_iter(["environ"]) if (one.info["environ"] or {}).get("TMPDIR") == str(folder)]


def nothing_is_left(folder):
    return of_this_run(folder) == [] and list(folder.iterdir()) == []


SMALL = [
    ("source-away", 4, ["--away-s", "3"]),
    ("one-code-two-takers", 6, []),
    ("kill-9", 3, []),
    pytest.param("broker-away", 4, [], marks=pytest.mark.mosquitto),
    ("replay", 60, []),
]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "rounds", "more"), SMALL)
def test_a_trial_holds_in_small_and_leaves_nothing(start, folder, name, rounds, more):
    out, err = (run := start("--only", name, "--rounds", str(rounds), "--json", *more)).communicate(timeout=RUN_S_MAX)
    assert err == ""
    told = json.loads(out)
    (report,) = told["trials"]
    assert (run.returncode, told["held"], report["held"], report["kept"]) == (0, True, True, None), report
    assert (report["name"], report["rounds"]) == (name, rounds)
    assert isinstance(told["seed"], int)
    figures = report["figures"]
    match name:
        case "source-away":
            assert figures["answers_lost"] >= rounds
        case "one-code-two-takers":
            assert sum(figures["wins"]) == rounds
            assert figures["overlapped"] > 0
        case "kill-9":
            assert figures["kills"] >= rounds
            assert figures["connections"] > 0
        case "broker-away":
            assert figures["mosquitto"]["gaps"] == 0
            assert figures["mosquitto"]["events"] >= 8 * rounds
        case "replay":
            assert sum(figures["answered"].values()) == rounds
            assert figures["purged"] > 0
    assert nothing_is_left(folder)


@pytest.mark.slow
async def test_a_replay_however_small_purges_something_whatever_its_admins_forget(folder, monkeypatch):
    monkeypatch.setattr(replay, "FORGOTTEN", 1.0)
    monkeypatch.setattr(replay, "ACTS", 0)  # what they do by chance would leave other connections to be purged
    stage = Stage(folder=folder, rounds=1, random=Random(1), away_s=0.0, advance=lambda: None)  # noqa: S311 - acts
    assert (await replay.run(stage)).figures["purged"] == 1


def test_ctrl_c_stops_a_trial_and_leaves_nothing(start, folder):
    run = start("--only", "one-code-two-takers")
    assert run.stdout.readline().startswith("seed ")
    until(lambda: len(psutil.Process(run.pid).children()) >= 4, "a broker and three nodes run", within_s=60)
    run.send_signal(signal.SIGINT)
    out, err = run.communicate(timeout=60)
    assert (run.returncode, out, err) == (128 + signal.SIGINT, "", "Stopped; nothing is left running.\n")
    assert nothing_is_left(folder)


@pytest.mark.slow
@pytest.mark.mosquitto
def test_what_does_not_hold_is_told_and_its_folder_kept(start, folder):
    out, err = (run := start("--only", "broker-away", "--seed", "7", PATH=str(folder))).communicate(timeout=60)
    seed, line = out.splitlines()
    assert (run.returncode, seed, err) == (1, "seed 7", "")
    (kept,) = folder.iterdir()
    assert line.startswith(
        "broker-away: 100 handshakes without each broker: NOT HELD: mosquitto: mosquitto_sub is missing"
    )
    assert f"(data and logs are kept in {kept})" in line
    assert of_this_run(folder) == []


@pytest.mark.parametrize("arguments", [["--only", "nonsense"], ["--rounds", "0"], ["--away-s", "-1"], ["--seed", "x"]])
def test_what_cannot_be_asked_for_is_refused_before_anything_starts(folder, monkeypatch, capsys, arguments):
    monkeypatch.setattr(sys, "argv", ["trials", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    out, err = capsys.readouterr()
    assert (ended.value.code, out) == (2, "")
    assert "usage:" in err
    assert nothing_is_left(folder)
