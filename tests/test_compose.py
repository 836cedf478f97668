"""The compose file, held against the Compose schema, the settings, the ports and the commands that exist.

Images can't be pulled in a test; what the file starts is started as processes by the end-to-end tests.
"""

from __future__ import annotations

import getpass
import json
import os
import re
import shlex
import subprocess
import sys
import time
import tomllib
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from importlib import import_module
from pathlib import Path
from socket import socket
from threading import Thread
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest
import yaml

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).resolve().parent.parent
NODES = ("a", "b")
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    return yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))


def port_of(place: str) -> str:
    return place.rpartition(":")[2]


def instructions(word: str) -> list[str]:
    """The arguments of each such instruction of the Dockerfile, its continued lines joined."""
    return re.findall(rf"^{word} +(.*)$", re.sub(r"\\\n\s*", "", DOCKERFILE), flags=re.MULTILINE)


def image_environment() -> dict[str, str]:
    pairs = [pair.partition("=") for line in instructions("ENV") for pair in shlex.split(line)]
    return {name: value for name, _, value in pairs}


# The file as such


@pytest.mark.compose
def test_the_compose_file_is_valid_by_the_compose_schema(compose: dict[str, Any]) -> None:
    listed = subprocess.run(["dpkg-query", "-L", "docker-compose"], capture_output=True, text=True, check=True)
    (schema,) = [line for line in listed.stdout.splitlines() if line.endswith("/compose_spec.json")]
    # Named here, for the schema misspells its own draft's address.
    jsonschema.Draft201909Validator(json.loads(Path(schema).read_text(encoding="utf-8"))).validate(compose)


@pytest.mark.compose
def test_docker_compose_accepts_the_file_and_reads_what_we_meant(compose: dict[str, Any]) -> None:
    config = ["docker-compose", "--file", ROOT / "docker-compose.yml", "config"]
    accepted = subprocess.run(config, capture_output=True, text=True, check=False)
    assert accepted.returncode == 0, accepted.stderr
    services = yaml.safe_load(accepted.stdout)["services"]
    assert services.keys() == {"mosquitto", *NODES}
    for node in NODES:
        assert services[node]["environment"] == compose["services"][node]["environment"]
        assert services[node]["depends_on"] == {"mosquitto": {"condition": "service_healthy"}}
        assert services[node]["command"] == ["node"]


def test_no_secret_stands_in_the_compose_file() -> None:
    for path in ("docker-compose.yml", "docker/mosquitto.conf", "Dockerfile"):
        told = re.sub(r"#.*", "", (ROOT / path).read_text(encoding="utf-8"))
        assert not re.search(r"secret|token|passw|api.?key|://[^/\s]*@", told, re.IGNORECASE), path


def test_every_port_is_published_on_this_machines_loopback_only(compose: dict[str, Any]) -> None:
    published = [port for service in compose["services"].values() for port in service["ports"]]
    assert all(port.startswith("127.0.0.1:") for port in published)
    on_host = [port.split(":")[1] for port in published]
    assert sorted(on_host) == ["1883", "8001", "8002", "8101", "8102"]


def test_every_service_is_watched_and_every_volume_is_declared(compose: dict[str, Any]) -> None:
    mounted = set()
    for name, service in compose["services"].items():
        assert service["healthcheck"]["test"][0] == "CMD", name
        mounted |= {each.partition(":")[0] for each in service["volumes"]}
    assert {each for each in mounted if not each.startswith("./")} == compose["volumes"].keys()
    assert all((ROOT / each).is_file() for each in mounted if each.startswith("./"))


# Against the node


@pytest.mark.parametrize("node", NODES)
def test_the_node_reads_every_variable_and_accepts_its_value(compose: dict[str, Any], node: str) -> None:
    settings = import_module("node.settings")
    environment = image_environment() | compose["services"][node]["environment"]
    loaded = settings.load({}, {name: str(value) for name, value in environment.items()})
    assert loaded.node_url == f"http://{node}:8101"
    assert loaded.instance_url == f"http://{node}:8001"
    assert str(loaded.data) == "/data"


@pytest.mark.parametrize("node", NODES)
def test_the_ports_of_a_node_agree_wherever_they_stand(compose: dict[str, Any], node: str) -> None:
    service = compose["services"][node]
    environment = service["environment"]
    listen, instance = environment["HANDCLASP_LISTEN"], environment["HANDCLASP_INSTANCE_LISTEN"]
    assert environment["HANDCLASP_NODE_URL"] == f"http://{node}:{port_of(listen)}"
    assert environment["HANDCLASP_INSTANCE_URL"] == f"http://{node}:{port_of(instance)}"
    assert [port_of(port) for port in service["ports"]] == [port_of(listen), port_of(instance)]
    assert service["healthcheck"]["test"][-1] == "node.is_well", "which reads where the node listens"
    assert service["volumes"] == [f"{node}:{environment['HANDCLASP_DATA']}"]
    image = image_environment()
    assert (image["HANDCLASP_LISTEN"], image["HANDCLASP_INSTANCE_LISTEN"]) == (listen, instance)
    assert instructions("EXPOSE") == [f"{port_of(listen)} {port_of(instance)}"]
    assert instructions("VOLUME") == [image["HANDCLASP_DATA"]]


def test_the_nodes_find_the_broker_by_its_service_and_port(compose: dict[str, Any]) -> None:
    listener = re.findall(r"^listener (\d+)$", (ROOT / "docker" / "mosquitto.conf").read_text("utf-8"), re.MULTILINE)
    assert listener == ["1883"]
    for node in NODES:
        assert compose["services"][node]["environment"]["HANDCLASP_MQTT_URL"] == f"mqtt://mosquitto:{listener[0]}"
    check = compose["services"]["mosquitto"]["healthcheck"]["test"]
    assert check[check.index("-p") + 1] == listener[0]
    assert [port_of(port) for port in compose["services"]["mosquitto"]["ports"]] == listener


# The image


def test_the_image_starts_a_command_that_exists() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    (entry,) = json.loads(instructions("ENTRYPOINT")[0])
    assert entry in project["scripts"]
    assert json.loads(instructions("CMD")[-1]) == ["node"]


def test_the_image_is_built_from_what_dockerignore_lets_in_and_that_is_enough(tmp_path: Path) -> None:
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").split("\n")
    allowed = {line[1:] for line in ignored if line.startswith("!")}
    copied = {source for line in instructions("COPY") if "--from" not in line for source in line.split()[:-1]}
    assert copied == allowed
    for source in sorted(copied - {"requirements/main.lock"}):
        (tmp_path / source).symlink_to(ROOT / source)
    build = [
        sys.executable,
        "-m",
        "hatchling",
        "build",
        "--target",
        "wheel",
        "--directory",
        tmp_path / "dist",
    ]
    built = subprocess.run(build, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stdout + built.stderr


def test_the_image_installs_nothing_without_a_hash_and_runs_without_root() -> None:
    installs = [line for line in instructions("RUN") if "pip install" in line]
    assert all("--no-deps" in line for line in installs)
    assert all("--require-hashes" in line or "--no-index" in line for line in installs)
    assert instructions("USER") == ["handclasp"]


class Health(BaseHTTPRequestHandler):
    """A stand-in for the node's /healthz, which is well on one port and ill on another."""

    def do_GET(self) -> None:
        well = self.path == "/healthz" and getattr(self.server, "is_well", False)
        self.send_response(200 if well else 503)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(params=[True, False], ids=["well", "ill"])
def server(request: pytest.FixtureRequest) -> Iterator[HTTPServer]:
    with HTTPServer(("127.0.0.1", 0), Health) as server:
        server.is_well = request.param  # type: ignore[attr-defined]
        Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def test_the_health_checks_tell_well_from_ill(compose: dict[str, Any], server: HTTPServer) -> None:
    port = str(server.server_port)
    in_image = json.loads(re.findall(r"CMD (\[.*\])$", instructions("HEALTHCHECK")[0])[0])
    in_compose = compose["services"]["a"]["healthcheck"]["test"][1:]
    for python, *arguments in (in_image, in_compose):
        assert python == "python"
        environment = os.environ | {"HANDCLASP_LISTEN": f"0.0.0.0:{port}"}
        done = subprocess.run([sys.executable, *arguments], env=environment, capture_output=True, check=False)
        assert (done.returncode == 0) == server.is_well  # type: ignore[attr-defined]


# The broker


@pytest.mark.mosquitto
def test_mosquitto_runs_with_our_configuration_and_keeps_retained_messages_over_a_crash(
    compose: dict[str, Any], find_program: Callable[[str], str], tmp_path: Path
) -> None:
    with socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    ours = (ROOT / "docker" / "mosquitto.conf").read_text(encoding="utf-8")
    here = ours.replace("listener 1883", f"listener {port} 127.0.0.1").replace("/mosquitto/data", str(tmp_path))
    here += f"user {getpass.getuser()}\n"  # root's mosquitto would else become a user who can't write here
    (tmp_path / "mosquitto.conf").write_text(here, encoding="utf-8")

    health = compose["services"]["mosquitto"]["healthcheck"]["test"][1:]
    health = [str(port) if argument == "1883" else argument.replace("$$", "$") for argument in health]
    health[0] = find_program(health[0])
    client = ["-h", "127.0.0.1", "-p", str(port), "-t", "handclasp/v1/x"]
    subscribe = [find_program("mosquitto_sub"), *client, "-C", "1", "-W", "5"]
    assert subprocess.run(health, capture_output=True, check=False).returncode != 0

    with mosquitto(find_program, tmp_path, health):
        publish = [find_program("mosquitto_pub"), *client, "--retain", "--qos", "1", "-m", "kept"]
        subprocess.run(publish, check=True, timeout=10)
        deadline = time.monotonic() + 10
        while not (tmp_path / "mosquitto.db").exists():
            assert time.monotonic() < deadline
            time.sleep(0.05)  # a real broker is waited for
    with mosquitto(find_program, tmp_path, health):
        heard = subprocess.run(subscribe, capture_output=True, text=True, check=True)
    assert heard.stdout == "kept\n"


@contextmanager
def mosquitto(find_program: Callable[[str], str], folder: Path, health: list[str]) -> Iterator[None]:
    """A broker that is healthy, and in the end killed without a word."""
    command = [find_program("mosquitto"), "-c", folder / "mosquitto.conf"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as broker:
        try:
            deadline = time.monotonic() + 10
            while subprocess.run(health, capture_output=True, check=False).returncode:
                assert broker.poll() is None
                assert time.monotonic() < deadline
            yield
        finally:
            broker.kill()
