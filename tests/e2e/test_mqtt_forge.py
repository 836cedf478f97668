"""Abuse case mqtt-forge (protocol section 8): whoever owns the broker tells watchers lies, and no handshake hears them."""

import json
import subprocess
import threading

import pytest

from tests.e2e.processes import until

pytestmark = pytest.mark.mosquitto  # its mosquitto_pub and mosquitto_sub are the liar's tools


@pytest.fixture
def publish(find_program, broker):
    program = find_program("mosquitto_pub")

    def send(topic, payload, *more):
        subprocess.run(
            [program, "-h", "127.0.0.1", "-p", str(broker.port), "-t", topic, "-m", payload, "-r", "-q", "1", *more],
            check=True, timeout=20,
        )  # fmt: skip

    return send


@pytest.fixture
def kicking(find_program, broker):
    """What begins to take client ids again and again, each with a will of the taker's own."""
    ended, threads = threading.Event(), []
    program = find_program("mosquitto_sub")

    def kick(client_id, topic):
        while not ended.is_set():
            subprocess.run(
                [program, "-h", "127.0.0.1", "-p", str(broker.port), "-i", client_id, "-t", "nothing", "-W", "1",
                 "--will-topic", topic, "--will-payload", "{}", "--will-retain"],
                check=False, timeout=20, capture_output=True,
            )  # fmt: skip

    def begin(*wanted):
        threads.extend(threading.Thread(target=kick, args=each) for each in wanted)
        for thread in threads:
            thread.start()

    yield begin
    ended.set()
    for thread in threads:
        thread.join()


def seen(node, sys_id):
    """What the node itself says of a connection, without what time does to it."""
    connection = node.admin("GET", f"/connections/{sys_id}")[1]["connection"]
    return {name: connection[name] for name in ("status", "reason", "mine", "theirs", "owed", "name", "seq")}


def shaken(a, b, name):
    sys_id, code = a.initiate(b.url, name=name)
    b.accept(code)
    for node in (a, b):
        node.until_active(sys_id)
    until(lambda: not any(seen(node, sys_id)["owed"] for node in (a, b)), "nothing is owed")
    return sys_id


def test_mqtt_forge_leaves_the_handshake_as_it_would_be_without(pair, publish, kicking):
    a, b = pair
    honest = shaken(a, b, "honest")
    ids = [node.admin("GET", "/node")[1]["node_id"] for node in pair]
    kicking(*((f"handclasp-{one}", f"handclasp/v1/nodes/{one}/presence") for one in ids))
    sys_id, code = a.initiate(b.url, name="lied about")
    for one in ids:
        for status in ("closed", "active"):
            lie = json.dumps({"specversion": "1.0", "data": {"node": one, "connection": sys_id, "status": status}})
            publish(f"handclasp/v1/nodes/{one}/connections/{sys_id}/status", lie)
        publish(f"handclasp/v1/nodes/{one}/presence", json.dumps({"data": {"node": one, "state": "lost"}}))
        publish(f"handclasp/v1/nodes/{one}/connections/{honest}/status", "")
    assert a.status(sys_id) == "pending"
    b.accept(code)
    for node in pair:
        node.until_active(sys_id)
    until(lambda: not any(seen(node, sys_id)["owed"] for node in pair), "nothing is owed")
    for node in pair:
        assert seen(node, sys_id) == seen(node, honest) | {"name": "lied about"}
        _, told = node.admin("GET", f"/connections/{sys_id}/events")
        assert [event["data"]["status"] for event in told["events"]][-1] == "active"
        assert len(told["events"]) == 2
