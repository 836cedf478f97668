"""The benchmark measures what it says, and its skeleton does what a handshake needs, no less and no more."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import aiohttp
import pytest
from nacl import bindings

from benchmarks import skeleton_server
from benchmarks.skeleton import SkeletonPair
from benchmarks.work import PER_HANDSHAKE, Work
from node.delivery import broadcast
from node.store.database import Database
from tests.node.local_nodes import running_node

OPERATIONS = {
    "crypto_sign": "signatures",
    "crypto_sign_open": "verifications",
    "crypto_sign_seed_keypair": "key_pairs",
    "crypto_core_ed25519_is_valid_point": "key_checks",
}


@pytest.fixture
def work(monkeypatch):
    """What is done in this process from now on; all but its hops, which the nodes' metrics tell."""
    done = Work()

    def count(name):
        setattr(done, name, getattr(done, name) + 1)

    def counted(operation, name):
        return lambda *given: (count(name), operation(*given))[1]

    for operation, name in OPERATIONS.items():
        monkeypatch.setattr(bindings, operation, counted(getattr(bindings, operation), name))

    def counting_writes(run):
        def running(database, unit):
            before = database._raw.total_changes
            result = run(database, unit)
            if database._raw.total_changes != before:
                count("commits")
            return result

        return running

    for name in ("_alone", "_only"):
        monkeypatch.setattr(Database, name, counting_writes(getattr(Database, name)))
    return done


LOOKS = ('route="/metrics"', 'route="/api/v1/connections/{sys_id}"')
"""What this test itself asks for, beside the handshake."""


async def hops(*nodes):
    found = 0
    for node in nodes:
        async with node.http.get(f"{node.url}/metrics") as answer:
            lines = (await answer.text()).splitlines()
        told = [line for line in lines if line.startswith("handclasp_http_requests_total")]
        found += sum(int(float(line.split()[-1])) for line in told if not any(look in line for look in LOOKS))
    return found


async def handshake(source, destination, name):
    offered = await source.initiate(None, name=name, ask_me=False)
    status, _ = await destination.accept(offered["invitation_code"])
    assert status == 201
    for node in (destination, source):
        await node.until(offered["connection"]["sys_id"], "active")


async def test_a_real_handshake_does_the_work_that_the_skeleton_is_held_to(tmp_path, work):
    async with running_node(tmp_path / "a", name="a") as a, running_node(tmp_path / "b", name="b") as b:
        await handshake(a, b, "the first, for which the destination looks whose URL it is")
        before, hops_before = replace(work), await hops(a, b)
        await handshake(a, b, "counted")
        done = Work(**{name: getattr(work, name) - getattr(before, name) for name in Work.__slots__})
        done.hops = await hops(a, b) - hops_before
        assert done == PER_HANDSHAKE


async def test_the_skeleton_does_the_work_of_a_handshake(tmp_path):
    pair = SkeletonPair(tmp_path)
    try:
        await pair.start()
        async with aiohttp.ClientSession() as http:
            await pair.handshake(http, 1)
            await asyncio.sleep(skeleton_server.CLEARED_S_MAX + 0.2)
            done = await pair.work(http)
    finally:
        await pair.stop()
    assert replace(done, clearings=0) == PER_HANDSHAKE
    assert done.clearings >= 2, "each of both clears its outbox"


def test_the_skeleton_clears_its_outbox_as_often_as_a_node():
    rows, seconds = skeleton_server.CLEARED_ROWS_MAX, skeleton_server.CLEARED_S_MAX
    assert (rows, seconds) == (broadcast.BATCH_ROWS_MAX, broadcast.KEPT_S_MAX)


@pytest.mark.slow
@pytest.mark.parametrize(("at_least", "ended"), [("0.001", (0, "")), ("1000", (1, "below 1000 at 4 at a time"))])
def test_a_small_run_measures_both_sides_and_tells_a_ratio_that_is_too_low(at_least, ended):
    command = [sys.executable, "-m", "benchmarks.handshakes", "--json", "--at-least", at_least]
    run = subprocess.run(
        [*command, "--rounds", "1", "--handshakes", "8", "--concurrency", "4"],
        cwd=Path(__file__).parents[1], capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert run.returncode == ended[0], run.stderr
    assert ended[1] in run.stderr
    assert '"ratio_to_skeleton"' in run.stdout
    assert json.loads(run.stdout)


@pytest.mark.slow
def test_a_small_run_measures_both_levels_of_the_simulation_against_the_skeleton():
    run = subprocess.run(
        [sys.executable, "-m", "benchmarks.simulated", "--rounds", "1", "--handshakes", "20", "--seeds", "2", "--json"],
        cwd=Path(__file__).parents[1], capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    found = json.loads(run.stdout)
    for level in ("skeleton", "direct", "http"):
        assert found[level]["handshakes_per_s"] > 0
    assert found["http"]["virtual_s_per_s"] > 1
