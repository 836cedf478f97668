"""Whole worlds: the shipped node code under virtual time, faults and crashes; the same seed is the same world."""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
import weakref
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from simulations.campaign import live
from simulations.faults import Fault
from simulations.levels import Level
from simulations.observer import Observer
from simulations.stories import one_handshake
from simulations.world import World

if TYPE_CHECKING:
    from simulations.world import Outcome

ROOT = Path(__file__).resolve().parents[2]
NO_FAULTS: frozenset[Fault] = frozenset()


class Statuses(Observer):
    """The last phase of each connection on each machine."""

    def __init__(self, world):
        super().__init__(world)
        self.phases = {}

    def unit(self, host, result, changes):
        for change in changes:
            if change.after is not None:
                self.phases[host.name] = change.after.phase


def test_without_faults_a_handshake_ends_active_within_a_second_of_virtual_time():
    world = World(1, story=one_handshake, kinds=NO_FAULTS, observers=[Statuses])
    (statuses,) = world.observers
    outcome = world.run()
    assert outcome.violation is None
    assert outcome.struck == ()
    assert statuses.phases == {"a": "active", "b": "accepted"}
    taken = [entry.at_s for entry in world.trace.entries if entry.facts.get("mine") == "active 2 on"]
    assert taken[0] < 2


def digests(seeds: range, *, hash_seed: str) -> list[str]:
    """Of each seed's world at each level, made by a process of their own."""
    program = (
        "import json; from simulations.levels import Level; from simulations.world import World; "
        f"print(json.dumps([World(seed, level=level).run().digest for seed in {seeds!r} for level in Level]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


@pytest.mark.slow
def test_a_seed_gives_the_same_trace_in_processes_with_different_hash_seeds():
    first, second = (digests(range(4), hash_seed=seed) for seed in ("0", "4711"))
    assert first == second
    assert len(set(first)) == 4 * len(Level)


@pytest.mark.slow
@pytest.mark.parametrize("begin", range(1000, 1200, 25))
def test_two_hundred_seeds_give_the_same_traces_in_processes_with_different_hash_seeds(begin):
    with ThreadPoolExecutor() as both:
        first, second = both.map(lambda seed: digests(range(begin, begin + 25), hash_seed=seed), ("7", "random"))
    assert first == second
    assert len(set(first)) == 25 * len(Level)


@cache
def run(seed: int) -> Outcome:
    """What came of a seed's world, for more than one test."""
    return World(seed).run()


def test_a_fault_that_is_switched_off_leaves_the_decisions_about_all_others():
    for seed in range(10):
        whole = run(seed)
        off = whole.struck[0]
        rest = World(seed, without=frozenset({off})).run()
        assert off not in rest.struck
        assert rest.digest != whole.digest
        assert set(rest.struck) & set(whole.struck) or len(whole.struck) == 1


def test_the_faults_that_struck_make_the_same_world_again():
    for seed in range(5):
        whole = run(seed)
        assert World(seed, only=frozenset(whole.struck)).run().digest == whole.digest


def test_a_crash_loses_what_was_not_committed_and_nothing_else():
    class Durable(Observer):
        def __init__(self, world):
            super().__init__(world)
            self.rows = {}

        def committed(self, host):
            self.rows[host.name] = dict(host.running.rows.known)

        def booted(self, host):
            assert host.running.rows.known == self.rows.get(host.name, {})

    crashes = 0
    kinds = frozenset({Fault.CRASH_AT_AWAIT, Fault.CRASH_BEFORE_COMMIT, Fault.CRASH_AFTER_COMMIT, Fault.LOST_WRITE})
    for seed in range(20):
        outcome = World(seed, story=one_handshake, kinds=kinds, observers=[Durable]).run()
        assert outcome.violation is None
        crashes += sum(struck.startswith("crash-") for struck in outcome.struck)
    assert crashes > 10


@pytest.mark.parametrize("kind", Fault)
def test_no_kind_of_fault_alone_breaks_a_handshake(kind):
    for seed in range(3):
        world = World(seed, story=one_handshake, kinds=frozenset({kind}))
        assert world.run().violation is None


@pytest.mark.parametrize("level", Level)
def test_nothing_holds_on_to_a_world_that_is_over(level):
    world, outcome = live(3, level=level)
    over = weakref.ref(world)
    del world, outcome
    gc.collect()
    assert over() is None
