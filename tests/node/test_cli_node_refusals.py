"""A node that can't start says why in one sentence, with exit code 2, and leaves everything as it was."""

import os
import shutil
import socket
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from node.settings_table import SETTINGS
from tests.e2e.processes import NodeProcess
from tests.node.command_line import Result, contents_of

NOBODY = 65_534


@pytest.fixture(scope="module")
def stopped(tmp_path_factory):
    """The data directory of a node that ran and was stopped."""
    node = NodeProcess(name="n", data=tmp_path_factory.mktemp("stopped") / "data")
    node.start()
    node.stop()
    return node.data


@pytest.fixture
def data(stopped, tmp_path):
    """A copy of it, to be spoilt."""
    return shutil.copytree(stopped, tmp_path / "data")


def start(command, data, *more, **variables):
    places = {"--listen": "127.0.0.1:0", "--instance-listen": "none", "--broker": "none"}
    for flag, value in places.items():
        if flag not in more:
            more = (*more, flag, value)
    return command("node", "--data", data, *more, **variables)


@pytest.mark.parametrize("setting", [setting for setting in SETTINGS if setting.field != "data"], ids=lambda s: s.field)
def test_each_setting_refuses_nonsense_from_its_flag_and_from_its_variable(handclasp, setting):
    nonsense = "a\u202eb" if setting.field == "name" else "nonsense:"
    data = handclasp.home / "data"
    others = {"--listen": "127.0.0.1:0", "--instance-listen": "none"}
    others.pop(setting.flag, None)
    flags = ["--data", data, *(word for pair in others.items() for word in pair)]
    assert setting.flag in handclasp.here("node", *flags, setting.flag, nonsense).refused(2)
    assert setting.variable in handclasp.here("node", *flags, **{setting.variable: nonsense}).refused(2)
    assert not data.exists()


@pytest.mark.parametrize(
    ("more", "variables", "said"),
    [
        (["--mqtt-url", "mqtt://u:geheim@h"], {}, "HANDCLASP_MQTT_URL instead"),
        (["--listen", "127.0.0.1:4711", "--instance-listen", "127.0.0.1:4711"], {}, "are both 127.0.0.1:4711"),
        (["--mqtt-url", "mqtt://h", "--broker", "amqtt"], {}, "set one of the two"),
        (["--listen", "192.0.2.1:8101"], {}, "can't listen at 192.0.2.1:8101"),
        (["--listen", "nowhere.invalid:8101"], {}, "can't listen at nowhere.invalid:8101"),
        ([], {"HANDCLASP_NMAE": "x"}, "did you mean HANDCLASP_NAME?"),
    ],
)
def test_settings_that_contradict_each_other_or_the_machine_are_refused(handclasp, more, variables, said):
    data = handclasp.home / "data"
    error = start(handclasp.here, data, *more, **variables).refused(2)
    assert said in error
    assert "geheim" not in error
    assert not data.exists()


def test_a_port_that_is_taken_is_told_with_its_owner_and_leaves_nothing_behind(handclasp):
    with socket.create_server(("127.0.0.1", 0)) as held:
        place = f"127.0.0.1:{held.getsockname()[1]}"
        for command, flag in ((handclasp, "--listen"), (handclasp.here, "--instance-listen")):
            error = start(command, handclasp.home / "data", flag, place).refused(2)
            assert f"The port {place} is taken by " in error
            assert f"process {os.getpid()}" in error
            assert list(handclasp.home.iterdir()) == []


@pytest.fixture
def broken_mosquitto(tmp_path):
    """A PATH on which mosquitto is a program that ends at once."""
    program = tmp_path / "programs" / "mosquitto"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\nexit 3\n")
    program.chmod(0o755)
    return f"{program.parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"


def test_a_broker_that_does_not_start_leaves_nothing_behind(handclasp, broken_mosquitto):
    data = handclasp.home / "below" / "data"
    error = start(handclasp, data, "--broker", "mosquitto", PATH=broken_mosquitto).refused(2)
    assert "ended at once with exit status 3" in error
    assert list(handclasp.home.iterdir()) == []


def test_a_broker_that_does_not_start_leaves_an_empty_directory_empty(handclasp, broken_mosquitto):
    data = handclasp.home / "data"
    data.mkdir()
    start(handclasp.here, data, "--broker", "mosquitto", PATH=broken_mosquitto).refused(2)
    assert list(handclasp.home.iterdir()) == [data]
    assert list(data.iterdir()) == []


def test_a_broker_that_does_not_start_takes_nothing_from_a_node_that_ran(handclasp, data, broken_mosquitto):
    kept = {name: content for name, content in contents_of(data).items() if name != "node.lock"}
    start(handclasp.here, data, "--broker", "mosquitto", PATH=broken_mosquitto).refused(2)
    assert kept.items() <= contents_of(data).items()


def test_data_that_another_node_uses_is_left_to_it(handclasp, nodes):
    before = nodes.rows()
    taken = ["--listen", f"127.0.0.1:{nodes.a.port}"]
    for more in ([], taken):
        error = start(handclasp.here, nodes.a.data, *more).refused(2)
        assert f"{nodes.a.data} is in use by process {nodes.a.process.pid}" in error
    assert nodes.rows() == before
    handclasp.here("connections", "list", "--data", nodes.a.data).succeeded()


def test_data_of_a_newer_version_is_left_as_it_is(handclasp, data):
    (data / "version").write_text("99\n")
    before = contents_of(data)
    assert "written by a newer Handclasp" in start(handclasp.here, data).refused(2)
    assert contents_of(data) == before

    (data / "version").write_text("1\n")
    with closing(sqlite3.connect(data / "node.db")) as link, link:
        link.execute("UPDATE alembic_version SET version_num = '9999'")
    before = contents_of(data)
    assert "written by a newer version of Handclasp (schema 9999)" in start(handclasp.here, data).refused(2)
    assert contents_of(data) == before


def test_data_that_is_no_node_s_is_left_as_it_is(handclasp, data):
    good = (data / "node.db").read_bytes()
    (data / "node.db").write_bytes(b"no database at all" * 1000)
    before = contents_of(data)
    assert "can't be used" in start(handclasp.here, data).refused(2)
    assert contents_of(data) == before

    (data / "node.db").write_bytes(good)
    (data / "node.key").rename(data / "elsewhere")
    before = contents_of(data)
    assert "key file" in start(handclasp.here, data).refused(2)
    assert contents_of(data) == before


def test_a_directory_that_cannot_be_used_is_told(handclasp, tmp_path):
    file = tmp_path / "file"
    file.write_text("x")
    assert "is a file, not a directory" in start(handclasp.here, file).refused(2)
    assert "lies below a file" in start(handclasp.here, file / "below").refused(2)
    assert "can't be made" in start(handclasp.here, "/proc/handclasp").refused(2)
    assert file.read_text() == "x"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_a_directory_of_another_user_is_told(handclasp):
    loaded = "node.cli.main as m, node.cli.node_command, node.serve, node.logs, protocol.text"
    script = f"import os, sys, {loaded}; os.setuid({NOBODY}); sys.exit(m.main(sys.argv[1:]))"
    with TemporaryDirectory() as folder:
        data = Path(folder)
        data.chmod(0o755)
        done = subprocess.run(
            [sys.executable, "-c", script, "node", "--data", data, "--listen", "127.0.0.1:0",
             "--instance-listen", "none", "--broker", "none"],
            env=handclasp.environment(), capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        error = Result(done.returncode, done.stdout, done.stderr).refused(2)
        assert f"{data} can't be written" in error
        assert list(data.iterdir()) == []


def test_a_broker_that_cannot_start_stops_the_node_with_one_sentence(handclasp):
    no_programs = {"PATH": str(handclasp.home)}
    data = handclasp.home / "data"
    data.mkdir()
    (data / "broker").write_text("a file where the broker's directory goes")
    error = start(handclasp.here, data, "--broker", "amqtt", **no_programs).refused(2)
    assert "broker" in error
