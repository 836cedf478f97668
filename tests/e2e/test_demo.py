"""`handclasp demo`, as people run it: three real processes, and nothing left of them."""

import json
import os
import pty
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.demos import CODE, ROOT, RUN_S_MAX, demos
from tests.e2e.processes import until

TERMINAL_CODE = re.compile(r"\x1b\[[0-9;]*m")


@pytest.fixture
def start(tmp_path):
    with demos(tmp_path) as begin:
        yield begin


def assert_shown(out: str, source: str, destination: str) -> None:
    assert CODE.findall(out) == [], "only the label of the code is shown"
    lines = out.splitlines()
    assert "seconds" in lines[0]
    assert max(map(len, lines)) <= 100
    assert len(lines) <= 75
    steps = [line.split(maxsplit=1) for line in lines if re.match(r" \d  ", line)]
    assert [int(number) for number, _ in steps] == list(range(1, 10))
    for told in (
        f"Admin {source.upper()} · Connections › Initiate connection › Destination instance URL",
        f"Admin {source.upper()} · Initiate connection › Connection information",
        f"Admin {source.upper()} · Initiate connection › Copy invitation code",
        f"Admin {destination.upper()} · Accept invitation",
        f"{source}_to_{destination}  Active      Admin B  {source}_to_{destination}  Active",
        f"{destination} → {source}     accept · accepted",
        f"{source} → MQTT  active · seq 2",
        f"{destination} → MQTT  active · seq 2",
        "What went where",
        "What was shown",
        "Try next",
    ):
        assert told in out
    assert not TERMINAL_CODE.search(out), "no colours but on a terminal"


@pytest.mark.mosquitto
def test_the_demo_from_a_on_mosquitto_ends_by_itself(start):
    code, out, err = start("--broker", "mosquitto").end()
    assert (code, err) == (0, "")
    assert_shown(out, "a", "b")
    assert "mosquitto at mqtt://127.0.0.1:" in out


@pytest.mark.slow
def test_the_demo_from_b_on_the_embedded_broker_ends_by_itself(start):
    code, out, err = start("--from", "b", "--broker", "amqtt").end()
    assert (code, err) == (0, "")
    assert_shown(out, "b", "a")
    assert "amqtt at mqtt://127.0.0.1:" in out


@pytest.mark.slow
def test_json_is_one_document_with_all_that_was_seen_and_no_secret(start):
    code, out, err = start("--json", "--broker", "amqtt").end()
    assert (code, err) == (0, "")
    assert CODE.findall(out) == []
    shown = json.loads(out)
    assert shown["active"] is True
    assert [step["number"] for step in shown["steps"]] == list(range(1, 10))
    assert [(one["sender"], one["kind"], one["phase"]) for one in shown["messages"]] == [
        ("a", "initiate", "pending"),
        ("b", "status", "announced"),
        ("b", "accept", "accepted"),
        ("a", "status", "active"),
    ]
    assert all(one["received_at_s"] >= one["at_s"] for one in shown["messages"])
    kinds = [one["event"]["type"] for one in shown["events"]]
    assert kinds.count("handclasp.handshake.trace.v1") == 2 * len(shown["messages"])
    assert kinds.count("handclasp.connection.status.v1") == 4
    assert len([one for one in shown["retained"] if one["retained"]]) == 4
    assert {"start", "check", "announce", "handshake", "late", "total"} == shown["timings_ms"].keys()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_in_the_middle_leaves_nothing(start, number):
    demo = start("--broker", "amqtt")
    until(lambda: len(demo.children) == 3, "all three processes exist")
    demo.process.send_signal(number)
    code, out, err = demo.end()
    assert (code, err) == (128 + number, "")
    assert "What was shown" not in out


@pytest.mark.slow
def test_a_reader_that_goes_away_leaves_nothing(start):
    demo = start("--broker", "amqtt")
    demo.process.stdout.readline()
    demo.process.stdout.close()
    assert demo.process.wait(RUN_S_MAX) == 141
    assert demo.process.stderr.read() == ""
    demo.process.stderr.close()


@pytest.mark.slow
def test_kept_processes_stay_until_ctrl_c_and_what_they_say_is_told(start):
    demo = start("--keep", "--broker", "amqtt")
    lines = []
    while not (lines and lines[-1].startswith("Ctrl-C stops all three")):
        lines.append(demo.process.stdout.readline())
        assert lines[-1], "it ended too soon"
    kept = "".join(lines)
    assert len(demo.children) == 3
    token_file = Path(re.search(r"admin token in (\S+/a/admin\.token)", kept)[1])
    token = token_file.read_text().strip()
    assert token not in kept
    assert re.search(r"mosquitto_sub -h 127\.0\.0\.1 -p \d+ -t 'handclasp/#' -v", kept)
    (node_a,) = [one for one in demo.children if one.environ().get("HANDCLASP_NAME") == "a"]
    node_a.kill()
    assert re.search(r"a → MQTT +lost", demo.process.stdout.readline())
    demo.process.send_signal(signal.SIGINT)
    assert demo.end() == (0, "", "")


@pytest.mark.slow
def test_a_node_that_dies_in_the_middle_is_told_in_a_sentence(start):
    demo = start("--broker", "amqtt")
    until(lambda: len(demo.children) == 3, "all three processes exist")
    next(one for one in demo.children if one.environ().get("HANDCLASP_NAME") == "b").kill()
    code, out, err = demo.end()
    assert code in {1, 2}
    assert err.startswith("Error: ")
    assert "Traceback" not in err + out


@pytest.mark.slow
def test_colours_are_for_terminals_that_want_them(tmp_path):
    def shown(**variables: str) -> str:
        ours, theirs = pty.openpty()
        process = subprocess.Popen(
            [sys.executable, "-m", "node", "demo", "--broker", "amqtt"],
            env=os.environ | {"TERM": "xterm-256color", "COLUMNS": "80", "TMPDIR": str(tmp_path)} | variables,
            cwd=ROOT,
            stdout=theirs,
            stderr=theirs,
        )
        os.close(theirs)
        text = b""
        try:
            while chunk := os.read(ours, 65536):
                text += chunk
        except OSError:
            pass  # the other end is closed
        os.close(ours)
        assert process.wait(RUN_S_MAX) == 0, text.decode()
        return text.decode()

    coloured = shown(NO_COLOR="")
    assert TERMINAL_CODE.search(coloured)
    lines = TERMINAL_CODE.sub("", coloured).splitlines()
    assert 60 < max(map(len, lines)) <= 80
    narrow = shown(NO_COLOR="1", COLUMNS="40")
    assert "\x1b" not in narrow
    assert max(map(len, narrow.splitlines())) <= 40
