"""Shrinking: the fewest faults, the simplest schedule, and the cases that are kept."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.cli.main import main
from node.connections import hearing
from protocol import merging
from simulations.campaign import live
from simulations.checks.owing import Owing
from simulations.shrinking import shrink as shrinking
from simulations.shrinking.cases import CASES, CaseError, read
from simulations.shrinking.fewest import fewest
from simulations.shrinking.shrink import check_of, shrink

ROOT = Path(__file__).resolve().parents[2]
KEPT = sorted((ROOT / CASES).glob("*.json"))


@given(st.integers(1, 40).flatmap(lambda n: st.tuples(st.just(n), st.sets(st.integers(0, n - 1)))))
def test_what_is_left_holds_all_that_is_needed_and_nothing_else(case):
    count, needed = case
    assert fewest(range(count), lambda some: needed <= set(some)) == sorted(needed)


@given(st.lists(st.sets(st.integers(0, 12), min_size=1, max_size=4), min_size=1, max_size=4))
def test_of_several_reasons_one_is_left_and_none_of_it_can_be_left_out(reasons):
    def still(some):
        return any(reason <= set(some) for reason in reasons)

    left = fewest(range(13), still)
    assert still(left)
    assert not any(still([one for one in left if one != out]) for out in left)


def test_nothing_is_asked_twice_nor_about_what_is_known():
    asked = []

    def still(some):
        asked.append(tuple(some))
        return {3, 17} <= set(some)

    assert fewest(range(30), still) == [3, 17]
    assert len(asked) == len(set(asked))
    assert tuple(range(30)) not in asked


def clear_owed_by_any_answer(monkeypatch):
    genuine = hearing._store

    def cleared(context, tx, before, step, message, prefix):
        record = merging.replace(step.record, owed=False) if message.is_answer and step.record else step.record
        return genuine(context, tx, before, hearing.replace(step, record=record), message, prefix)

    monkeypatch.setattr(hearing, "_store", cleared)


@pytest.fixture(scope="module")
def failing_seed():
    with pytest.MonkeyPatch.context() as monkeypatch:
        clear_owed_by_any_answer(monkeypatch)
        return next(seed for seed in range(200) if live(seed, is_deep=False)[1].violation is not None)


@pytest.mark.slow
def test_a_failing_seed_shrinks_to_few_faults_each_of_which_it_needs(failing_seed, monkeypatch):
    clear_owed_by_any_answer(monkeypatch)
    shrunk = shrink(failing_seed, keeps_schedule=True)
    assert len(shrunk.faults) < len(shrunk.struck)
    assert check_of(shrunk.violation) == check_of(shrunk.first_violation) == "Owing"
    for out in shrunk.faults:
        violation = live(failing_seed, only=frozenset(shrunk.faults) - {out}, is_deep=False)[1].violation
        assert violation is None or check_of(violation) != "Owing"


@pytest.mark.slow
def test_the_command_prints_the_faults_and_the_line_that_shows_the_least_world(
    failing_seed, monkeypatch, capsys, tmp_path
):
    clear_owed_by_any_answer(monkeypatch)
    monkeypatch.setattr(shrinking, "CHOICE_WORLDS_MAX", 5)
    seed = str(failing_seed)
    assert main(["shrink", seed, "--keep", str(tmp_path), "--why", "Owed was cleared too early"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith(f"seed {seed}: Owing: ")
    (line,) = [line.removeprefix("See it: ") for line in lines if line.startswith("See it: ")]
    replay = shlex.split(line)
    assert main(replay[replay.index("replay") :]) == 1
    assert "Owing: " in capsys.readouterr().out.splitlines()[-1]
    (kept,) = tmp_path.iterdir()
    assert kept.name == f"seed-{seed}-owed-was-cleared-too-early.json"
    case = read(kept)
    assert [line.split("   ")[0].strip() for line in lines if line.startswith("  ")] == list(case.faults)
    assert live(failing_seed, is_deep=False)[1].struck == case.struck


def test_programs_get_one_document(monkeypatch, capsys):
    def fails_always(self, _host):
        self.violated("whatever happens.")

    monkeypatch.setattr(Owing, "committed", fails_always)
    assert main(["shrink", "3", "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert (told["seed"], told["faults"], told["out_of_order"]) == (3, [], [])
    assert told["violation"] == "Owing: whatever happens."
    assert told["replay"].endswith("replay 3 --only none --out-of-order none")


def test_an_order_of_callbacks_that_matters_is_left_to_the_seed_only_where_it_matters(monkeypatch):
    def fails_if_some_late_callback_overtook(self, _host):
        choices = self.world.schedule
        if self.world.loop.choose is not None and (choices is None or any(one > 40 for one in choices.overtakes)):
            self.violated("a late callback was overtaken.")

    monkeypatch.setattr(Owing, "committed", fails_if_some_late_callback_overtook)
    shrunk = shrink(3)
    assert shrunk.faults == ()
    (choice,) = shrunk.out_of_order
    assert choice > 40
    assert live(3, only=frozenset(), out_of_order={choice}, is_deep=False)[1].violation == shrunk.violation


def test_a_seed_that_fails_nothing_is_said_to_have_nothing_to_shrink(capsys):
    assert main(["shrink", "3"]) == 0
    assert capsys.readouterr().out == "Seed 3 breaks no property: there is nothing to shrink.\n"
    assert main(["shrink", "3", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"seed": 3, "violation": None}


def test_a_schedule_in_order_is_another_world_and_every_choice_is_the_seeds_own():
    world = live(3, out_of_order=range(1, 10**9), is_deep=False)
    assert world[0].schedule.overtakes
    assert world[1].digest == live(3, is_deep=False)[1].digest
    assert live(3, out_of_order=(), is_deep=False)[1].digest != world[1].digest
    some = frozenset(world[0].schedule.overtakes[:5])
    assert set(live(3, out_of_order=some, is_deep=False)[0].schedule.overtakes) == some


@pytest.mark.parametrize("choices", ["", "1,,2", "one", "-1"])
def test_choices_that_are_none_are_refused_with_what_to_write(choices, capsys):
    assert main(["replay", "3", f"--out-of-order={choices}"]) == 2
    assert "--out-of-order none" in capsys.readouterr().err


# Kept cases


@pytest.mark.parametrize("path", KEPT, ids=lambda path: path.stem)
def test_what_once_broke_a_property_breaks_none_any_more(path):
    case = read(path)
    assert re.fullmatch(rf"seed-{case.seed}-[a-z0-9-]+\.json", path.name)
    whole = live(case.seed, level=case.level, only=frozenset(case.struck))[1]
    least = live(case.seed, level=case.level, only=frozenset(case.faults), out_of_order=case.out_of_order)[1]
    assert whole.violation is None
    assert least.violation is None


@pytest.mark.parametrize("content", [b"", b"[]", b'{"seed": "4"}'])
def test_a_file_that_is_no_case_is_told_so(content, tmp_path):
    path = tmp_path / "case.json"
    path.write_bytes(content)
    with pytest.raises(CaseError, match="is no case"):
        read(path)
