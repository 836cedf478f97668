"""The guide "Run a node for real": its files as they stand there, with a real broker behind TLS and an access list."""

from __future__ import annotations

import getpass
import json
import os
import re
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from tests.e2e.processes import NodeProcess, free_port, until
from tests.written_commands import blocks_of, files_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

PAGE = "docs/run-for-real.md"
FILES = files_of(PAGE)
PASSWORDS = {"NODE_PASSWORD": "for the node", "WATCHER_PASSWORD": "for people"}

NOT_RUN_HERE = {
    "python3 -m venv /opt/": "tests/test_bootstrap.py makes an environment of the lock file and runs what is in it",
    "/opt/handclasp/bin/pip": "the same",
    "useradd ": "tests make no users",
    "systemctl ": "tests leave the machine's services alone; what the unit starts is run here",
    "curl -s http://127.0.0.1:8101/readyz": "it is what every test of a node's process waits for",
    "cat /var/lib/handclasp/admin.password": "the console's tests read that file",
    "ssh ": "it needs another machine",
    "sudo -u handclasp ": "tests/node/test_backup_commands.py takes backups and puts them back, also as root",
}
"""Beginnings of commands that this test does not run, each with its reason."""

pytestmark = [pytest.mark.slow, pytest.mark.mosquitto]


def settings() -> dict[str, str]:
    lines = [line for line in FILES["environment"].splitlines() if line and not line.startswith("#")]
    return dict(line.split("=", 1) for line in lines)


def make_certificates(folder: Path) -> None:
    """An authority and the broker's certificate for 127.0.0.1."""
    (folder / "san").write_text("subjectAltName=IP:127.0.0.1\nextendedKeyUsage=serverAuth\n")
    (folder / "ca.ext").write_text("basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\n")
    for command in (
        "req -new -nodes -newkey rsa:2048 -keyout ca.key -out ca.csr -subj /CN=authority",
        "x509 -req -in ca.csr -signkey ca.key -out ca.pem -days 2 -extfile ca.ext",
        "req -new -nodes -newkey rsa:2048 -keyout broker.key -out broker.csr -subj /CN=127.0.0.1",
        "x509 -req -in broker.csr -CA ca.pem -CAkey ca.key -CAcreateserial -out broker.pem -days 2 -extfile san",
    ):
        subprocess.run(["openssl", *command.split()], cwd=folder, check=True, capture_output=True)


DEBIAN = """\
persistence true
persistence_location /var/lib/mosquitto/
include_dir /etc/mosquitto/conf.d
"""
"""What Debian's own mosquitto.conf says that could be said twice."""


def as_here(text: str, folder: Path, port: int) -> str:
    """A file of the guide with this test's places."""
    for place in ("/etc/mosquitto", "/var/lib/mosquitto"):
        text = text.replace(place, str(folder))
    return text.replace("listener 8883", f"listener {port} 127.0.0.1\nuser {getpass.getuser()}")


@contextmanager
def mosquitto(program: str, folder: Path, port: int) -> Iterator[None]:
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([program, "-c", str(folder / "mosquitto.conf")], stdout=log, stderr=log)
    try:
        until(lambda: f"listen socket on port {port}" in (folder / "log").read_text(), "mosquitto listens")
        yield
    finally:
        process.terminate()
        process.wait(10)


@pytest.fixture
def node(tmp_path: Path) -> Iterator[NodeProcess]:
    """A node with the guide's environment, but for its places."""
    made = NodeProcess(name="acme", data=tmp_path / "acme")
    theirs = settings()
    for place in ("HANDCLASP_DATA", "HANDCLASP_LISTEN", "HANDCLASP_BROKER"):
        theirs.pop(place)
    made.settings = theirs
    made.start()
    try:
        yield made
    finally:
        made.close()


def node_id_of(node: NodeProcess) -> str:
    """What the guide's own line says."""
    line = next(block[0] for block in blocks_of(PAGE) if "node_id" in block[0])
    here = line.replace("http://127.0.0.1:8101", node.url).replace("python3", sys.executable)
    return subprocess.run(["bash", "-c", here], check=True, capture_output=True, text=True).stdout.strip()


def test_a_node_publishes_through_tls_below_its_own_topics_only(
    node: NodeProcess, tmp_path: Path, find_program: Callable[[str], str]
) -> None:
    node_id, folder, port = node_id_of(node), tmp_path / "broker", free_port()
    folder.mkdir()
    make_certificates(folder)
    (folder / "conf.d").mkdir()
    (folder / "mosquitto.conf").write_text(as_here(DEBIAN, folder, port))
    (folder / "conf.d/handclasp.conf").write_text(as_here(FILES["mosquitto.conf"], folder, port))
    (folder / "handclasp.acl").write_text(as_here(FILES["handclasp.acl"], folder, port))
    commands = next(block for block in blocks_of(PAGE) if block[0].startswith("mosquitto_passwd"))
    for command in commands:
        here = re.sub(r"\$(\w+)", r'"$\1"', as_here(command, folder, port))
        subprocess.run(["bash", "-c", here], check=True, env=os.environ | PASSWORDS | {"NODE_ID": node_id})

    def url(user: str, password: str) -> str:
        return f"mqtts://{user}:{password.replace(' ', '%20')}@127.0.0.1:{port}"

    def seen() -> list[str]:
        watched = subprocess.run(
            [sys.executable, "-m", "node", "watch", "--once", "--json"],
            env=os.environ
            | {
                "HANDCLASP_MQTT_URL": url("watcher", PASSWORDS["WATCHER_PASSWORD"]),
                "HANDCLASP_MQTT_CA_FILE": str(folder / "ca.pem"),
            },
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert watched.returncode == 0, watched
        return [one["node"] for one in json.loads(watched.stdout)["nodes"]]

    with mosquitto(find_program("mosquitto"), folder, port):
        node.stop()
        del node.settings["HANDCLASP_INSTANCE_LISTEN"]
        node.settings |= {"HANDCLASP_BROKER": "auto", "HANDCLASP_MQTT_CA_FILE": str(folder / "ca.pem")}
        node.mqtt_url = url(node_id, PASSWORDS["NODE_PASSWORD"])
        node.start()
        until(lambda: seen() == [node_id], "a watcher sees the node")

        place = ["-h", "127.0.0.1", "-p", str(port), "--cafile", str(folder / "ca.pem")]
        publish = [find_program("mosquitto_pub"), *place, "-r", "-q", "1", "-m", "{}"]
        topic = "handclasp/v1/nodes/somebody-else/presence"
        known = ["-u", node_id, "-P", PASSWORDS["NODE_PASSWORD"]]
        subprocess.run([*publish, *known, "-t", topic], check=True, timeout=20)
        stranger = subprocess.run([*publish, "-t", topic], check=False, timeout=20, capture_output=True)
        assert stranger.returncode != 0, "nobody comes in without a password"

        watcher = ["-u", "watcher", "-P", PASSWORDS["WATCHER_PASSWORD"]]
        kept = subprocess.run(
            [find_program("mosquitto_sub"), *place, *watcher, "-t", "handclasp/#", "-F", "%t", "-W", "2"],
            check=False,
            timeout=20,
            capture_output=True,
            text=True,
        ).stdout.split()
        assert kept == [f"handclasp/v1/nodes/{node_id}/presence"], "a node spoke in another's name"


def test_every_command_of_the_guide_is_run_here_or_has_its_reason() -> None:
    run_here = ("mosquitto_passwd ", "curl -s http://127.0.0.1:8101/.well-known/handclasp | ")
    for command in (command for block in blocks_of(PAGE) for command in block):
        assert command.startswith((*run_here, *NOT_RUN_HERE)), command


def test_the_service_runs_the_command_that_there_is_with_the_settings_that_there_are() -> None:
    from node.settings_table import SETTINGS

    unit = FILES["handclasp.service"]
    assert re.search(r"^ExecStart=\S+/handclasp node$", unit, re.MULTILINE)
    assert settings().keys() <= {setting.variable for setting in SETTINGS}
