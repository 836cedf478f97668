"""The instance in a backup, between real processes: taken while clients write, put back whole, killed in between."""

from __future__ import annotations

import base64
import json
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time
import urllib.parse
import urllib.request
from contextlib import closing
from urllib.error import HTTPError

import pytest

from node.backups import changeover
from node.data_directory import DataDirectory
from node.real_ports import SystemEntropy
from tests.e2e.processes import NodeProcess

pytestmark = pytest.mark.slow

KILLS = 3
KILLED_AT = """
import os, runpy, signal, sys
left = int(sys.argv.pop(1))
def hook(event, _arguments):
    global left
    if event in {"os.rename", "os.link"}:
        left -= 1
        if left < 0:
            os.kill(os.getpid(), signal.SIGKILL)
sys.addaudithook(hook)
runpy.run_module("node", run_name="__main__", alter_sys=True)
"""
"""A command that is killed as it is about to give a file another name, after so many others."""
FEW, MORE = 1_000, 2_000


@pytest.fixture
def node(tmp_path):
    process = NodeProcess(name="a", data=tmp_path / "a")
    process.start()
    yield process
    process.close()


class Client:
    """What asks the instance of a node by HTTP."""

    def __init__(self, node, name="admin", password=None):
        self.node = node
        given = f"{name}:{password or (node.data / 'admin.password').read_text().strip()}"
        self.headers = {"Authorization": f"Basic {base64.b64encode(given.encode()).decode()}"}

    def ask(self, method, path, value=None, headers=None):
        request = urllib.request.Request(
            f"{self.node.instance_url}{path}",
            method=method,
            data=None if value is None else json.dumps(value).encode(),
            headers={"Content-Type": "application/json", **(headers or self.headers)},
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, json.load(answer)
        except HTTPError as error:
            return error.code, json.load(error)

    def make(self, table, **values):
        status, answer = self.ask("POST", f"/api/now/table/{table}", values)
        assert status == 201, answer
        return answer["result"]["sys_id"]

    def titles(self):
        path = "/api/now/table/incident?sysparm_fields=short_description&sysparm_query=ORDERBYnumber"
        status, answer = self.ask("GET", path)
        assert status == 200, answer
        return [one["short_description"] for one in answer["result"]]

    def token(self, made):
        form = {"grant_type": "password", "username": "mia", "password": "a password of mia"}
        form |= {"client_id": made["client_id"], "client_secret": made["client_secret"]}
        request = urllib.request.Request(
            f"{self.node.instance_url}/oauth_token.do", data=urllib.parse.urlencode(form).encode()
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            return {"Authorization": f"Bearer {json.load(answer)['access_token']}"}


def test_what_clients_wrote_before_a_backup_is_back_and_what_they_wrote_since_is_not(handclasp, node, tmp_path):
    node.initiate(None, name="one")
    admin = Client(node)
    mia = admin.make("sys_user", user_name="mia", user_password="a password of mia")
    _, made = node.admin("POST", "/instance/oauth-clients", {"name": "a program"})
    told = admin.token(made)
    assert admin.ask("GET", "/api/now/table/incident", headers=told)[0] == 200
    written, ended = [], threading.Event()

    def write():
        while not ended.is_set():
            admin.make("incident", short_description=str(len(written)))
            written.append(len(written))

    thread = threading.Thread(target=write)
    thread.start()
    try:
        while len(written) < 20:
            time.sleep(0.01)
        before = len(written)
        said = handclasp("backup", tmp_path / "file", "--data", node.data, "--json").succeeded().json
        after = len(written)
    finally:
        ended.set()
        thread.join()
    assert said["connections"] == 1
    assert said["instance_bytes"] > 1_000_000
    admin.ask("PATCH", f"/api/now/table/sys_user/{mia}", {"user_password": "another one of mia"})
    node.initiate(None, name="two")
    node.stop()
    done = handclasp("restore", tmp_path / "file", "--data", node.data).succeeded().out
    assert "is back: 1 connection and the instance.\n" in done
    for name in ("node.db", "instance.db"):
        assert f"What was there before is kept as {node.data / name}.before-restore-1." in done
    node.start()
    titles = admin.titles()
    assert titles == [str(number) for number in range(len(titles))]
    assert before <= len(titles) <= after + 1
    assert admin.make("incident", short_description="later"), "numbers go on"
    assert Client(node, "mia", "a password of mia").titles() == []
    assert admin.ask("GET", "/api/now/table/incident", headers=told)[0] == 401, "tokens are given out anew"
    assert [one["name"] for one in node.admin("GET", "/connections")[1]["connections"]] == ["one"]


def incidents(database):
    with closing(sqlite3.connect(database)) as link:
        assert link.execute("PRAGMA quick_check").fetchone() == ("ok",)
        return link.execute("SELECT count(*) FROM task").fetchone()[0]


def names(database):
    with closing(sqlite3.connect(database)) as link:
        return [name for (name,) in link.execute("SELECT name FROM connections ORDER BY n")]


def killed(handclasp, after_s, *arguments):
    """Whether a command was killed so many seconds after it began, before it had ended."""
    with subprocess.Popen(
        [sys.executable, "-m", "node", *map(str, arguments)],
        env=handclasp.environment(),
        cwd=handclasp.home,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            process.wait(after_s)
        except subprocess.TimeoutExpired:
            process.kill()
            return True
        return False


def killed_at(handclasp, renamed, *arguments):
    """Whether a command was killed when it had given so many files another name, before it had ended."""
    done = subprocess.run(
        [sys.executable, "-c", KILLED_AT, str(renamed), *map(str, arguments)],
        env=handclasp.environment(),
        cwd=handclasp.home,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    assert done.returncode in {0, -signal.SIGKILL}, done.stderr
    return done.returncode != 0


@pytest.fixture
def two_states(handclasp, node, tmp_path):
    """A stopped node with two connections and many incidents, and a backup of when it had one and fewer."""
    node.initiate(None, name="one")
    node.stop()
    load = ("instance", "load", "--data", node.data, "--json", "--incidents")
    handclasp.here(*load, FEW).succeeded()
    handclasp.here("backup", tmp_path / "file", "--data", node.data).succeeded()
    few = incidents(node.data / "instance.db")
    node.start()
    node.initiate(None, name="two")
    node.stop()
    handclasp.here(*load, MORE).succeeded()
    return {(("one",), few): "then", (("one", "two"), incidents(node.data / "instance.db")): "now"}


def test_restores_and_backups_that_are_killed_at_any_moment_leave_one_state_or_the_other(
    handclasp, node, two_states, tmp_path
):
    dice = random.Random(1)  # noqa: S311 - when, no secret
    data, present = node.data, tmp_path / "present"
    restore = ("restore", tmp_path / "file", "--data", data, "--yes")
    shutil.copytree(data, present)

    def state():
        """Which of the two is there once the directory is taken again; the present one is there for the next try."""
        DataDirectory(data, entropy=SystemEntropy()).close()
        found = two_states[tuple(names(data / "node.db")), incidents(data / "instance.db")]
        leftover = {path.name for path in data.iterdir()}
        assert not leftover & {changeover.PREPARING, changeover.READY}
        assert ("instance.db.before-restore-1" in leftover) is (found == "then"), "what was replaced is kept"
        shutil.rmtree(data)
        shutil.copytree(present, data)
        return found

    began = time.monotonic()
    seen = []
    while killed_at(handclasp, len(seen), *restore):
        seen.append(state())
    takes_s = (time.monotonic() - began) / (len(seen) + 1)
    assert state() == "then"
    assert seen == ["now"] + ["then"] * (len(seen) - 1), "what is ready counts"
    assert len(seen) == 1 + 2 * len(("node.db", "instance.db"))
    for _ in range(KILLS):
        killed(handclasp, dice.uniform(0.3, 1.0) * takes_s, *restore)
        state()
    assert killed_at(handclasp, 0, "backup", tmp_path / "killed", "--data", data)
    assert not (tmp_path / "killed").exists()
    for number in range(KILLS):
        target = tmp_path / f"killed{number}"
        if killed(handclasp, dice.uniform(0.3, 1.0) * takes_s, "backup", target, "--data", data):
            assert not target.exists()
    handclasp.here("backup", tmp_path / "again", "--data", data).succeeded()
    handclasp.here("restore", tmp_path / "again", "--data", data, "--yes").succeeded()
