"""`handclasp demo --trouble`: both nodes are killed for real, and it ends right all the same."""

import json
import re
import signal

import psutil
import pytest

from tests.e2e.demos import CODE, demos

STEPS = 12


@pytest.fixture
def start(tmp_path):
    with demos(tmp_path) as begin:
        yield begin


@pytest.mark.mosquitto
@pytest.mark.slow
def test_both_nodes_are_killed_on_mosquitto_and_the_handshake_ends_active(start):
    code, out, err = start("--trouble", "--broker", "mosquitto").end()
    assert (code, err) == (0, "")
    assert CODE.findall(out) == [], "only the label of the code is shown"
    lines = out.splitlines()
    assert max(map(len, lines)) <= 100
    steps = [line.split(maxsplit=1) for line in lines if re.match(r"[ \d]\d  \S", line)]
    assert [int(number) for number, _ in steps] == list(range(1, STEPS + 1))
    at = 0
    for told in (
        "Node a · kill -9, just before Admin B presses Accept",
        "a → MQTT  lost",
        "No node answers at http://127.0.0.1:",
        "b → MQTT  accepting · seq 1",
        "b → a  ×  try 3               unreachable",
        "Admin B sees a_to_b  Accepting  unreachable, 3 tries, next at ",
        "can't be connected to (connection refused). Check that the node runs",
        "Node b · kill -9, while it waits for its next try",
        "b → MQTT  lost",
        "Node b · started again, while a is still dead",
        "Admin B sees a_to_b  Accepting  unreachable, ",
        "Node a · started again; nobody touches anything",
        "a → MQTT  online",
        "b → MQTT  active · seq 2",
        "Admin A  a_to_b  Active      Admin B  a_to_b  Active",
        "node a  1 Pending, then 2 Active      one connection ✓",
        "node b  1 Accepting, then 2 Active    one connection ✓",
        "What went where",
        "× kill -9",
        "╌ its will: lost ╌",
        "┅ try 1 · unreachable ┅",
        "started again ↻",
        "↻ started again",
        "What was shown",
        "2 kills, 4 signed messages, 4 statuses: none lost, none doubled",
        "Try next",
    ):
        found = out.find(told, at)
        assert found >= at, f"this is not told, or not in its place: {told}"
        at = found
    assert len(lines) - lines.index("Try next") == 4, "three commands"


@pytest.mark.slow
def test_from_b_on_the_embedded_broker_the_document_tells_every_death_and_no_event_is_missing(start):
    code, out, err = start("--trouble", "--from", "b", "--broker", "amqtt", "--json").end()
    assert (code, err) == (0, "")
    assert CODE.findall(out) == []
    shown = json.loads(out)
    assert (shown["story"], shown["from"], shown["active"]) == ("trouble", "b", True)
    assert [step["number"] for step in shown["steps"]] == list(range(1, STEPS + 1))
    assert [(one["fate"], one["side"]) for one in shown["fates"]] == [
        ("killed", "b"),
        ("killed", "a"),
        ("restarted", "a"),
        ("restarted", "b"),
    ]
    pids = [one["pid"] for one in shown["fates"]]
    assert len(set(pids)) == 4, "new processes, not the old ones"
    assert {one["name"]: one["pid"] for one in shown["nodes"]} == {"a": pids[2], "b": pids[3]}
    assert not any(psutil.pid_exists(pid) for pid in pids)
    attempts = shown["attempts"]
    assert {(one["sender"], one["recipient"], one["cause"]) for one in attempts} == {("a", "b", "unreachable")}
    numbers = [one["number"] for one in attempts]
    again = numbers.index(1, 1)
    assert again >= 3
    assert numbers == [*range(1, again + 1), *range(1, len(numbers) - again + 1)], "b's count began anew"
    assert [(one["sender"], one["kind"], one["phase"]) for one in shown["messages"]] == [
        ("b", "initiate", "pending"),
        ("a", "status", "announced"),
        ("a", "accept", "accepted"),
        ("b", "status", "active"),
    ]
    for side, statuses in {"b": ["pending", "active"], "a": ["accepting", "active"]}.items():
        log = shown["logs"][side]
        assert [(one["data"]["seq"], one["data"]["status"]) for one in log] == [*enumerate(statuses, 1)]
        assert [one["id"] for one in log] == [
            one["event"]["id"]
            for one in shown["events"]
            if one["event"]["type"] == "handclasp.connection.status.v1" and one["event"]["source"] == log[0]["source"]
        ]
    lost = [one["event"]["data"]["node"] for one in shown["events"] if one["event"]["data"].get("state") == "lost"]
    assert len(lost) == len(set(lost)) == 2


@pytest.mark.slow
def test_ctrl_c_while_a_node_is_dead_leaves_nothing(start):
    demo = start("--trouble", "--broker", "amqtt")
    while "started again, while a is still dead" not in (line := demo.process.stdout.readline()):
        assert line, "it ended too soon"
    demo.process.send_signal(signal.SIGINT)
    code, out, err = demo.end()
    assert (code, err) == (128 + signal.SIGINT, "")
    assert "What was shown" not in out
