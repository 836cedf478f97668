"""Two node processes and each broker, seen by a subscriber that nobody here wrote."""

import asyncio
import json
import signal

import pytest

pytestmark = pytest.mark.mosquitto  # its mosquitto_sub watches both brokers


def told(lines: list[str], subject: str) -> list[tuple[str, str, str]]:
    """(retained flag, node id, what) of each presence or status, in order."""
    found = []
    for line in lines:
        retained, topic, payload = line.split(" ", 2)
        if topic.endswith("/" + subject):
            data = json.loads(payload)["data"]
            found.append((retained, data["node"], data.get("state") or data["status"]))
    return found


def node_id(node) -> str:
    return node.admin("GET", "/node")[1]["node_id"]


def test_statuses_arrive_in_order_a_late_subscriber_sees_the_present_state_and_without_a_broker_handshakes_go_on(
    pair, broker, subscribe
):
    a, b = pair
    early = subscribe()
    for node in pair:
        early.until(f"nodes/{node_id(node)}/presence")
    sys_id, code = a.initiate(b.instance_url)
    b.accept(code)
    for node in pair:
        node.until_active(sys_id)
    for node in pair:
        early.until(
            f'"node":"{node_id(node)}","connection":"{sys_id}","role":"{"source" if node is a else "destination"}","seq":2'
        )
    statuses = told(early.lines, "status")
    assert [what for _, node, what in statuses if node == node_id(a)] == ["pending", "active"]
    assert [what for _, node, what in statuses if node == node_id(b)] == ["accepting", "active"]

    late = subscribe()
    for node in pair:
        late.until(f"nodes/{node_id(node)}/connections/{sys_id}/status")
    assert sorted(told(late.lines, "status")) == sorted(("1", node_id(node), "active") for node in pair)
    assert sorted(told(late.lines, "presence")) == sorted(("1", node_id(node), "online") for node in pair)

    asyncio.run(broker.stop())
    handshakes_go_on(a, b)


def handshakes_go_on(a, b):
    """Whatever becomes of the broker."""
    sys_id, code = a.initiate(b.url, name="without a broker")
    b.accept(code)
    for node in (a, b):
        node.until_active(sys_id)


def test_a_killed_node_is_lost_and_a_stopped_one_is_offline(pair, subscribe):
    a, b = pair
    lost, offline = node_id(a), node_id(b)
    watching = subscribe()
    for node in (lost, offline):
        watching.until(f"nodes/{node}/presence")
    a.stop(signal.SIGKILL)
    watching.until('"state":"lost"')
    assert b.stop() == 0
    watching.until('"state":"offline"')
    last = {node: state for _, node, state in told(watching.lines, "presence")}
    assert last == {lost: "lost", offline: "offline"}
    a.start()
    until_online = subscribe()
    until_online.until(f'"node":"{lost}","state":"online"')
