"""`handclasp pair`: three processes to keep, and what can go wrong with them."""

import fcntl
import json
import os
import re
import signal
import socket
import subprocess
from pathlib import Path

import pytest

from node.data_directory import read_runtime
from node.free_ports import free_ports
from tests.e2e.pairs import HANDCLASP, Pair, alive, own_ports
from tests.e2e.processes import until


@pytest.fixture
def usual_ports(tmp_path_factory):
    """The usual ports, for one test at a time, in whichever process it runs."""
    with (tmp_path_factory.getbasetemp().parent / "usual-ports.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    """A pair for tests that only look at it."""
    with Pair(tmp_path_factory.mktemp("running") / "pair") as pair:
        yield pair


@pytest.mark.slow
def test_ctrl_c_stops_everything_and_the_next_start_goes_on_with_the_same_data(tmp_path, handclasp):
    with Pair(tmp_path / "pair", "--connect") as pair:
        before = pair.told
        assert before["connection"]["status"] == "active"
        assert pair.stop() == 0
        assert alive(pair.children) == []
    with Pair(tmp_path / "pair") as pair:
        urls = [(node["node_url"], node["instance_url"]) for node in pair.told["nodes"]]
        assert urls == [(node["node_url"], node["instance_url"]) for node in before["nodes"]]
        assert pair.told["broker"]["url"] == before["broker"]["url"]
        status = handclasp.here("pair", "status", "--data", tmp_path / "pair", "--json").succeeded().json
        assert status["running"]
        assert [node["connections"] for node in status["nodes"]] == [{"active": 1}, {"active": 1}]


def test_both_urls_of_each_instance_lead_to_the_node(running, handclasp):
    a, b = running.told["nodes"]
    for url in (b["instance_url"], b["node_url"]):
        assert url not in {a["instance_url"], a["node_url"]}
        checked = handclasp.here("connections", "check", url, "--node", "a", "--json", HANDCLASP_PAIR=str(running.data))
        assert checked.succeeded().json["node_url"] == b["node_url"]


@pytest.mark.slow
def test_the_banner_can_be_pasted(tmp_path, usual_ports):
    data = tmp_path / "pair"
    process = subprocess.Popen(
        [*HANDCLASP, "pair", "--data", str(data)], stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2]
    )
    try:
        banner = ""
        while "Ready. Ctrl-C stops it" not in banner:
            banner += process.stdout.readline()
        for node in ("a", "b"):
            runtime = read_runtime(data / node)
            assert f"node URL      {runtime.node_url}" in banner
            assert f"instance URL  {runtime.instance_url}" in banner
            assert f"admin token   {data / node / 'admin.token'}" in banner
        curl = next(line for line in banner.splitlines() if "curl" in line)
        told = subprocess.run(["bash", "-c", f"{curl} --silent"], capture_output=True, check=True)
        assert json.loads(told.stdout) == {"connections": [], "next": None}
        state = json.loads((data / "pair.json").read_text())
        assert f"mosquitto_sub -h 127.0.0.1 -p {state['broker']['port']} -t 'handclasp/#' -v" in banner
        for line in banner.splitlines():
            if re.search(r"(pair status|connections initiate)", line):
                done = subprocess.run(
                    ["bash", "-c", line.strip()], capture_output=True, check=False, cwd=Path(__file__).parents[2]
                )
                assert done.returncode == 0, (line, done)
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(20)
        process.stdout.close()


def test_a_killed_pair_leaves_no_process_behind(tmp_path):
    with Pair(tmp_path / "pair", "--count", "1") as pair:
        pair.stop(signal.SIGKILL)
        until(lambda: alive(pair.children) == [], "the children have ended")


def test_pair_stop_ends_it_from_another_terminal(tmp_path, handclasp):
    data = tmp_path / "pair"
    with Pair(data, "--count", "1") as pair:
        stopped = handclasp("pair", "stop", "--data", data)
        assert stopped.code == 0, stopped
        assert pair.process.wait(5) == 0
    assert "No pair runs" in handclasp.here("pair", "stop", "--data", data).refused(1)
    assert handclasp.here("pair", "status", "--data", data).code == 1


def test_a_second_pair_on_the_same_data_is_refused_and_the_first_goes_on(running, handclasp):
    told = handclasp.here("pair", "--data", running.data).refused(2)
    assert f"already running (process {running.process.pid})" in told
    assert handclasp.here("pair", "--data", running.data, "--reset").refused(2) == told
    assert len(alive(running.children)) == 3


@pytest.mark.slow
def test_more_nodes_names_ports_and_the_embedded_broker(tmp_path):
    first = free_ports(1)[0]
    with Pair(tmp_path / "pair", "--names", "paris,lima,oslo", "--mqtt-port", str(first), "--broker", "amqtt") as pair:
        assert [node["name"] for node in pair.told["nodes"]] == ["paris", "lima", "oslo"]
        assert (pair.told["broker"]["kind"], pair.told["broker"]["url"]) == ("amqtt", f"mqtt://127.0.0.1:{first}")


@pytest.mark.slow
def test_default_ports_that_are_taken_are_replaced_and_named_ones_are_not(tmp_path, handclasp, usual_ports):
    held = []
    for port in (8101, 8001, 1883):
        try:
            held.append(socket.create_server(("127.0.0.1", port)))
        except OSError:
            continue
    try:
        with Pair(tmp_path / "pair", usual_ports=True) as pair:
            assert not {"http://127.0.0.1:8101"} & {node["node_url"] for node in pair.told["nodes"]}
        held.append(socket.create_server(("127.0.0.1", 0)))  # one that is surely this test's own
        port = held[-1].getsockname()[1]
        told = handclasp.here("pair", "--data", tmp_path / "other", "--node-port", port).refused(2)
        assert f"Port {port} is taken" in told
        assert f"process {os.getpid()}" in told
    finally:
        for one in held:
            one.close()


@pytest.mark.slow
def test_status_tells_of_a_node_that_hangs_and_of_all_others(tmp_path, handclasp):
    with Pair(tmp_path / "pair") as pair:
        pid = next(node["pid"] for node in pair.told["nodes"] if node["name"] == "a")
        os.kill(pid, signal.SIGSTOP)
        try:
            told = handclasp.here("pair", "status", "--data", tmp_path / "pair")
        finally:
            os.kill(pid, signal.SIGCONT)
        assert told.code == 1
        assert [line.split()[:3] for line in told.out.splitlines()[2:4]] == [
            ["a", "not", "answering"],
            ["b", "running", pair.told["nodes"][1]["node_url"]],
        ]
        assert "did not answer within 3 s" in told.out


@pytest.mark.slow
def test_reset_begins_anew_and_touches_nothing_that_is_no_pair(tmp_path, handclasp):
    with Pair(tmp_path / "pair", "--connect") as pair:
        pair.stop()
    with Pair(tmp_path / "pair", "--reset", *own_ports()) as pair:
        assert pair.told["connection"] is None
        status = handclasp.here("pair", "status", "--data", tmp_path / "pair", "--json").succeeded().json
        assert [node["connections"] for node in status["nodes"]] == [{}, {}]
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work")
    assert "holds something else than a pair" in handclasp.here("pair", "--data", tmp_path / "mine", "--reset").refused(
        2
    )
    assert (tmp_path / "mine" / "thesis.txt").read_text() == "years of work"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--names", "a,a"], "different names"),
        (["--names", "A B,c"], "can't name a node"),
        (["--names", "broker,c"], "can't name a node"),
        (["--names", "a,b", "--count", "2"], "Leave --count out"),
        (["--count", "0"], "--count is 0"),
        (["--count", "99"], "--count is 99"),
        (["--count", "1", "--connect"], "--connect needs two nodes"),
        (["--node-port", "70000"], "--node-port is 70000"),
        (["--node-port", "9000", "--instance-port", "9000"], "ports are the same"),
        (["--broker", "nonsense"], "nonsense"),
        (["--nonsense"], "--nonsense"),
    ],
)
def test_nonsense_is_refused_with_one_sentence_and_makes_nothing(tmp_path, handclasp, arguments, told):
    assert told in handclasp.here("pair", "--data", tmp_path / "pair", *arguments).refused(2)
    assert not (tmp_path / "pair" / "pair.json").exists()


def test_a_pair_of_a_newer_version_or_a_damaged_one_is_refused_and_left_alone(tmp_path, handclasp):
    data = tmp_path / "pair"
    data.mkdir()
    (data / "pair.lock").touch()
    for content, told in (('{"version": 99}', "newer version"), ("{", "is damaged"), ('{"version": 1}', "is damaged")):
        (data / "pair.json").write_text(content)
        assert told in handclasp.here("pair", "--data", data).refused(2)
        assert told in handclasp.here("pair", "status", "--data", data).refused(2)
        assert (data / "pair.json").read_text() == content


@pytest.mark.slow
def test_what_an_earlier_start_chose_is_not_changed_under_its_partners(tmp_path, handclasp):
    with Pair(tmp_path / "pair") as pair:
        port = int(pair.told["nodes"][0]["node_url"].rpartition(":")[2])
        pair.stop()
    assert "its partners know it by that" in handclasp.here(
        "pair", "--data", tmp_path / "pair", "--count", "3"
    ).refused(2)
    assert "was made with --node-port" in handclasp.here(
        "pair", "--data", tmp_path / "pair", "--node-port", "9999"
    ).refused(2)
    with socket.create_server(("127.0.0.1", port)):
        assert f"Port {port}, which this pair's URLs name, is taken" in handclasp.here(
            "pair", "--data", tmp_path / "pair"
        ).refused(2)


def test_no_right_to_the_directory_is_told(tmp_path, handclasp):
    (tmp_path / "file").write_text("")
    assert "can't be used" in handclasp.here("pair", "--data", tmp_path / "file").refused(2)
