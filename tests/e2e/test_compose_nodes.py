"""The two nodes of docker-compose.yml, started as processes by their own command and environment."""

from pathlib import Path

import pytest
import yaml

from tests.e2e.processes import NodeProcess
from tests.node.mqtt_world import MOSQUITTO_NOW_AMQTT_SLOWLY

SERVICES = yaml.safe_load((Path(__file__).parents[2] / "docker-compose.yml").read_text(encoding="utf-8"))["services"]


@pytest.fixture
def composed(tmp_path, broker):
    """Only what a container brings is replaced: its file system, its addresses and its names for them."""
    nodes = [NodeProcess(name=name, data=tmp_path / name) for name in ("a", "b")]
    for node in nodes:
        here = {
            "/data": str(node.data),
            "0.0.0.0:8101": f"127.0.0.1:{node.port}",
            "0.0.0.0:8001": f"127.0.0.1:{node.instance_port}",
            f"http://{node.name}:8101": node.url,
            f"http://{node.name}:8001": node.instance_url,
            "mqtt://mosquitto:1883": broker.url,
        }
        environment = SERVICES[node.name]["environment"]
        node.settings = {name: here.get(value, value) for name, value in environment.items()}
        node.settings["HANDCLASP_BROKER"] = "auto"  # as where nothing is said; the URL above names the broker
        assert SERVICES[node.name]["command"] == ["node"]
    try:
        for node in nodes:
            node.start()
        yield nodes
    finally:
        for node in nodes:
            node.close()


@pytest.mark.parametrize("broker", MOSQUITTO_NOW_AMQTT_SLOWLY, indirect=True)
@pytest.mark.mosquitto
def test_the_composed_nodes_shake_hands(composed, subscribe):
    a, b = composed
    watching = subscribe()
    sys_id, code = a.initiate(b.instance_url)
    b.accept(code)
    for node in composed:
        node.until_active(sys_id)
    assert a.admin("GET", "/node")[1]["name"] == "Instance A"
    watching.until('"status":"active"')
