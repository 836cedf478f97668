"""The test kit's pair of real processes."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys

import aiomqtt
import psutil
import pytest

from simulations.kit import NoAnswerError, NotQuietError, Pair, RefusedError, WorldError, decode_event


@pytest.mark.slow
async def test_a_pair_connects_and_a_program_of_ones_own_hears_of_it(handclasp_pair):
    a, b = handclasp_pair
    async with aiomqtt.Client("127.0.0.1", handclasp_pair.mqtt_port) as client:
        await client.subscribe("handclasp/v1/nodes/+/connections/+/status", qos=1)
        connection = b.accept(a.initiate(b))
        handclasp_pair.until(lambda: a.status == b.status == "active")
        heard = set()
        async with asyncio.timeout(30):
            async for message in client.messages:
                data = decode_event(message.payload).data
                heard.add((data.connection, data.role.value, data.status))
                if {one[1:] for one in heard} >= {("source", "active"), ("destination", "active")}:
                    break
    assert connection.sys_id in {one[0] for one in heard}
    a.kill()
    assert a.pid is None
    with pytest.raises(NoAnswerError, match="No node answers"):
        a.act("deactivate", connection)
    assert b.act("deactivate").status == "deactivated-here"
    a.start()  # within a running loop
    handclasp_pair.until(lambda: a.status == "deactivated-there")
    with pytest.raises(RefusedError) as caught:
        a.act("approve")
    assert (caught.value.problem, caught.value.status) == ("not-possible-now", 409)
    with pytest.raises(NotQuietError):
        handclasp_pair.until(lambda: False, within_s=0.05)


def test_a_wait_for_an_async_function_is_refused_for_it_would_prove_nothing(tmp_path):
    async def never():
        return False

    with pytest.raises(WorldError, match="takes a plain function"):
        Pair(tmp_path).until(never)


@pytest.mark.slow
def test_a_pairs_broker_dies_and_comes_back_and_its_nodes_can_be_stopped(handclasp_pair):
    a, b = handclasp_pair
    handclasp_pair.kill_broker()
    assert b.decline(a.initiate(ask_me=True)).reason == "declined"
    handclasp_pair.start_broker()
    a.stop()
    assert '"event"' in a.log
    assert (a.data / "node.db").exists()
    while b.connections:
        b.act("remove")
    with pytest.raises(WorldError, match="has no connection"):
        b.act("remove")


@pytest.mark.slow
def test_a_pair_that_can_not_start_says_why_and_leaves_nothing(tmp_path):
    with (
        pytest.raises(WorldError, match="HANDCLASP_ANNOUNCEMENTS"),
        Pair(tmp_path / "pair", settings={"HANDCLASP_ANNOUNCEMENTS": "nobody at all"}),
    ):
        pass
    assert not [child for child in psutil.Process().children(recursive=True) if "node" in child.cmdline()]


STARTS = """
import sys, time
from pathlib import Path
from simulations.kit import Pair
with Pair(Path(sys.argv[1])) as pair:
    print(pair.a.pid, pair.b.pid, pair._processes.broker.pid, flush=True)
    time.sleep(600)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a child survives a parent that was killed")
def test_nothing_of_a_pair_survives_when_the_tests_are_killed(tmp_path):
    command = [sys.executable, "-c", STARTS, str(tmp_path / "pair")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as tests:
        pids = [int(pid) for pid in tests.stdout.readline().split()]
        processes = [psutil.Process(pid) for pid in pids]
        os.kill(tests.pid, signal.SIGKILL)
        _, alive = psutil.wait_procs(processes, timeout=30)
    assert len(pids) == 3
    assert alive == []
