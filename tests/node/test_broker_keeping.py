"""A node's own broker, killed: it is started again, and the node's broadcasts go on."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import structlog

from node.brokers import keeping
from node.brokers.keeping import kept_up
from tests.node.loopback_servers import free_port
from tests.node.mqtt_world import MOSQUITTO_NOW_AMQTT_SLOWLY, eventually, raw_link, running

ROOT = Path(__file__).parents[2]
SOON_S = 0.05


@pytest.fixture(params=MOSQUITTO_NOW_AMQTT_SLOWLY)
def kind(request):
    return request.param


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(keeping, "LOOK_S", 0.01)


@asynccontextmanager
async def looked_after(kind, folder):
    """A broker that is kept up, and what is logged of it."""
    async with running(kind, folder) as child:
        with structlog.testing.capture_logs() as log:
            async with kept_up(child, wait_s_first=SOON_S):
                yield child, log


def of(log, event):
    return [entry for entry in log if entry["event"] == event]


async def test_a_broker_that_is_killed_is_started_again_on_its_port_and_the_log_names_it(kind, tmp_path):
    async with looked_after(kind, tmp_path) as (child, log):
        port, pid = child.port, child.pid
        os.kill(pid, signal.SIGKILL)
        await eventually(lambda: of(log, "broker_started"))
        assert child.port == port
        assert child.pid not in {None, pid}
        async with raw_link(port, client_id="anyone"):
            pass
        died = of(log, "broker_died")[0]
        assert (died["kind"], died["url"], died["pid"]) == (kind, child.url, pid)
        assert died["why"] == f"The broker ({kind}) was killed (signal 9)."


@pytest.mark.slow
async def test_each_death_at_once_is_followed_by_a_longer_wait_and_none_is_the_last(kind, tmp_path):
    async with looked_after(kind, tmp_path) as (child, log):
        for count in (1, 2, 3):
            os.kill(child.pid, signal.SIGKILL)
            await eventually(lambda count=count: len(of(log, "broker_started")) == count)
        assert [entry["next_start_s"] for entry in of(log, "broker_died")] == [SOON_S, 2 * SOON_S, 4 * SOON_S]


@pytest.mark.slow
async def test_after_a_steady_life_the_waits_begin_anew(kind, tmp_path, monkeypatch):
    monkeypatch.setattr(keeping, "STEADY_S", 0.0)
    async with looked_after(kind, tmp_path) as (child, log):
        for count in (1, 2):
            os.kill(child.pid, signal.SIGKILL)
            await eventually(lambda count=count: len(of(log, "broker_started")) == count)
        assert [entry["next_start_s"] for entry in of(log, "broker_died")] == [SOON_S, SOON_S]


async def test_a_start_that_fails_is_told_and_tried_again(kind, tmp_path, monkeypatch):
    async with looked_after(kind, tmp_path) as (child, log):
        monkeypatch.setattr(type(child), "_pick_port", _taken)
        os.kill(child.pid, signal.SIGKILL)
        await eventually(lambda: len(of(log, "broker_not_started")) >= 2)
        assert of(log, "broker_not_started")[0]["why"] == "somebody else has the port"
        assert len(of(log, "broker_died")) == 1, "what did not start has not died"
        monkeypatch.undo()
        await eventually(lambda: child.is_running)


def _taken(_child):
    raise OSError("somebody else has the port")


async def test_at_the_end_nothing_is_started_any_more(kind, tmp_path):
    async with looked_after(kind, tmp_path) as (child, log):
        os.kill(child.pid, signal.SIGKILL)
        await eventually(lambda: of(log, "broker_died"))
    assert not child.is_running


def test_a_node_whose_own_broker_is_killed_broadcasts_again(tmp_path):
    port, mqtt_port = free_port(), free_port()
    script = (
        "import node.serve, runpy, sys\n"
        f"node.serve.MQTT_PORT = {mqtt_port}\n"
        "sys.argv = ['handclasp', *sys.argv[1:]]\n"
        "runpy.run_module('node', run_name='__main__')\n"
    )
    log = tmp_path / "log"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("HANDCLASP_")}
    command = [
        sys.executable, "-c", script, "node", "--data", tmp_path / "data", "--listen", f"127.0.0.1:{port}",
        "--instance-listen", "none", "--broker", "amqtt", "--log-format", "json",
    ]  # fmt: skip
    with log.open("wb") as file, subprocess.Popen(command, cwd=ROOT, env=environment, stderr=file) as process:
        try:
            _until(lambda: _broker(port) == "connected", log)
            broker = _events(log, "broker_started")[0]
            assert broker["url"].endswith(f":{mqtt_port}")
            os.kill(broker["pid"], signal.SIGKILL)
            _until(lambda: len(_events(log, "broadcast_link_up")) == 2, log)
            assert _events(log, "broker_died")[0]["pid"] == broker["pid"]
            assert _broker(port) == "connected"
            process.terminate()
            assert process.wait(15) == 0
            again = _events(log, "broker_started")[1]["pid"]
            assert not Path(f"/proc/{again}").exists()
        finally:
            process.kill()


def _broker(port):
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=1) as answer:
            return json.load(answer)["broker"]
    except OSError:
        return None


def _events(log, event):
    lines = [json.loads(line) for line in log.read_text().splitlines() if line.startswith("{")]
    return [line for line in lines if line["event"] == event]


def _until(condition, log):
    for _ in range(1000):
        if condition():
            return
        time.sleep(0.02)
    raise AssertionError(log.read_text())
