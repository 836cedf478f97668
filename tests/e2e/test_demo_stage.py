"""`handclasp demo --browser` as a process: it stays up, plays itself when asked to, and leaves nothing behind."""

import re
import signal
import urllib.request

import pytest

from tests.e2e.demos import CODE, demos
from tests.e2e.processes import until

pytestmark = pytest.mark.slow

LAST = ("node a to MQTT: active #2", "node b to MQTT: active #2")


@pytest.fixture
def start(tmp_path):
    with demos(tmp_path) as begin:
        yield begin


def told_until(demo, text):
    lines = []
    while not (lines and text in lines[-1]):
        lines.append(demo.process.stdout.readline())
        assert lines[-1], f"it ended too soon: {lines}"
    return "".join(lines)


def stage_of(told):
    return re.search(r"(http://127\.0\.0\.1:\d+)/enter/[\w-]{43}", told)[1]


def get(url):
    with urllib.request.urlopen(url, timeout=20) as answer:
        return answer.read().decode()


def rows_of(page):
    texts = re.findall(r'<p class="row-text">(.*?) <span class="row-at">', page, re.DOTALL)
    return [re.sub(r"<[^>]*>", "", text).strip() for text in texts]


def test_the_flow_plays_itself_once_the_stage_is_open_and_the_stage_shows_all_of_it(start):
    demo = start("--browser", "--no-open", "--drive", "--pace", "0", "--from", "b", "--broker", "amqtt")
    told = told_until(demo, "begin as soon as the stage is open")
    stage = stage_of(told)
    assert rows_of(get(stage)) == []
    with urllib.request.urlopen(f"{stage}/live", timeout=20):
        told = told_until(demo, "Ctrl-C stops everything")
    assert "b_to_a  Active" in told
    until(lambda: set(LAST) <= set(rows_of(get(stage))), "all is drawn")
    page = get(stage)
    assert CODE.findall(told + page) == [], "the code itself is nowhere but in the console"
    rows = rows_of(page)
    for row in (
        "Admin B to node b: initiate",
        "Admin B to Admin A: the invitation code",
        "Admin A to node a: accept",
        "node b to MQTT: active #2",
        "node a to MQTT: active #2",
    ):
        assert row in rows, rows
    assert len([row for row in rows if re.fullmatch(r"node [ab] to node [ab]: .*bytes", row)]) == 4
    demo.process.send_signal(signal.SIGINT)
    assert demo.end() == (0, "", "")


def test_trouble_shows_the_killed_nodes_on_the_stage(start):
    demo = start("--browser", "--no-open", "--trouble", "--pace", "0", "--broker", "amqtt")
    stage = stage_of(told_until(demo, "begin as soon as the stage is open"))
    with urllib.request.urlopen(f"{stage}/live", timeout=20):
        told_until(demo, "before Admin B presses Accept")
        told_until(demo, "and reads:")
        until(lambda: "Node a is lost" in get(stage), "the stage shows that a is lost")
        told_until(demo, "Ctrl-C stops everything")
    until(lambda: set(LAST) <= set(rows_of(get(stage))), "all is drawn")
    page = get(stage)
    assert "is lost" not in page
    rows = rows_of(page)
    at = 0
    for wanted in (
        "node a: × kill -9",
        "node a to MQTT: its will: lost",
        "Admin B to node b: accept",
        "node b to node a: try 3 · unreachable, reached nobody",
        "node b: × kill -9",
        "node b: ↻ started again",
        "node a: ↻ started again",
        "node a to MQTT: active #2",
    ):
        assert wanted in rows[at:], f"this is not drawn, or not in its place: {wanted} {rows}"
        at = rows.index(wanted, at)
    demo.process.send_signal(signal.SIGINT)
    assert demo.end() == (0, "", "")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_before_anybody_has_opened_the_stage_leaves_nothing(start, number):
    demo = start("--browser", "--no-open", "--drive", "--broker", "amqtt")
    told_until(demo, "begin as soon as the stage is open")
    demo.process.send_signal(number)
    assert demo.end() == (128 + number, "", "")


def test_by_hand_both_admins_sign_in_by_what_is_told_and_a_node_that_dies_is_shown(start):
    demo = start("--browser", "--no-open", "--broker", "amqtt")
    told = told_until(demo, "Ctrl-C stops everything")
    stage = stage_of(told)
    (node_a,) = [one for one in demo.children if one.environ().get("HANDCLASP_NAME") == "a"]
    node_a.kill()
    told_until(demo, "lost")
    until(lambda: "Node a is lost" in get(stage), "the stage shows that a is lost")
    assert rows_of(get(stage))[-1] == "node a to MQTT: its will: lost"
    demo.process.send_signal(signal.SIGINT)
    assert demo.end() == (0, "", "")
