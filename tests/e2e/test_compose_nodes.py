"""The two nodes of docker-compose.yml, started as processes by their own command and environment."""

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.e2e.processes import NodeProcess

ROOT = Path(__file__).parents[2]
SERVICES = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))["services"]
IN_CONTAINERS = re.findall(
    r"^(?:docker compose exec|curl) .*$", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE
)


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


@pytest.fixture
def docker(composed, tmp_path):
    """A program `docker` for `docker compose exec -T SERVICE COMMAND`: the node's environment, without any wall."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for node in composed:
        variables = [f"{name}={shlex.quote(value)}" for name, value in node.settings.items()]
        (folder / f"{node.name}.env").write_text(f"export {' '.join(variables)}\n")
    (folder / "docker").write_text(
        f'#!/bin/sh\n[ "$1 $2 $3" = "compose exec -T" ] || exit 9\n. {folder}/$4.env\nshift 4\nexec "$@"\n'
    )
    (folder / "docker").chmod(0o755)
    return {**os.environ, "PATH": os.pathsep.join([str(folder), str(Path(sys.executable).parent), os.environ["PATH"]])}


@pytest.mark.slow
@pytest.mark.mosquitto
def test_the_two_admins_of_the_readme_become_active_in_their_containers(composed, docker, tmp_path):
    a, b = composed
    told = []
    assert len(IN_CONTAINERS) == 4
    for command in IN_CONTAINERS:
        here = command.replace("http://b:8101", b.url).replace("/data/", f"{a.data}/")
        here = here.replace("http://127.0.0.1:8101", a.url)
        done = subprocess.run(
            ["bash", "-c", here], env=docker, cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, (here, done)
        told.append(done.stdout)
    assert '"a_to_b" is active.' in told[1]
    assert "Active" in told[2]
    assert [one["status"] for one in json.loads(told[3])["connections"]] == ["active"]
