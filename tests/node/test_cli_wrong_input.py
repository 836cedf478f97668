"""Every command, given what it can't use: one sentence, the right exit code, no traceback, nothing changed."""

import json
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from node.cli.root import COMMANDS
from node.settings_table import SETTINGS
from protocol.invitation import Invitation, write_code
from protocol.modes import Mode
from tests.e2e.processes import NodeProcess
from tests.node.command_line import Result, code_in, contents_of

NOBODY = 65_534

CONNECTIONS = {
    "initiate": ["--no-url", "--local", "A", "--remote", "B"],
    "accept": ["-"],
    "list": [],
    "show": ["1f0c"],
    "check": ["http://127.0.0.1:1"],
}
"""Each command that talks to a node, with arguments that are right."""


@pytest.fixture(scope="module")
def private(tmp_path_factory):
    """A node without a node URL, and so without the right to initiate."""
    node = NodeProcess(
        name="Private", data=tmp_path_factory.mktemp("private") / "p", settings={"HANDCLASP_NODE_URL": ""}
    )
    node.start()
    yield node
    node.close()


@pytest.fixture(scope="module")
def a_code():
    """A good invitation code of a node that nobody runs."""
    from protocol.identity import SigningKey

    source = SigningKey(bytes(range(32)))
    invitation = Invitation(
        connection=bytes(16), serial=1, source_id=bytes(16), source_key=source.public,
        node_url="https://source.example", mode=Mode.SCRIPT, name="n", source_short_name="s",
        destination_short_name="d", expires_at=1_800_000_000, bound=bytes(16), versions=(1,),
    )  # fmt: skip
    return write_code(invitation, source, bytes(16))


# Usage


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["conections"], "Did you mean `handclasp connections`?"),
        (["xyz"], "`handclasp --help` lists them all."),
        (["--nonsense"], "--nonsense"),
        (["node", "--nonsense", "1"], "--nonsense"),
        (["node", "--nmae=x"], "did you mean --name?"),
        (["node", "--listen"], "--listen"),
        (["node", "extra"], "extra"),
        (["connections", "nonsense"], "nonsense"),
        (["connections", "initiate"], "--local"),
        (["connections", "initiate", "--local", "A", "--remote", "B"], "Give --to URL, or --no-url"),
        (["connections", "initiate", *CONNECTIONS["initiate"], "--to", "http://b"], "given twice"),
        (["connections", "initiate", *CONNECTIONS["initiate"], "--lifetime", "soon"], "7d, 12h, 30m or 90s"),
        (["connections", "initiate", *CONNECTIONS["initiate"], "--lifetime", "31d"], "1 minute to 30 days"),
        (["connections", "initiate", *CONNECTIONS["initiate"], "--mode", "magic"], "magic"),
        (["connections", "accept", "-", "--wait", "long"], "long"),
        (["connections", "accept", "-", "--wait", "-1"], "-1"),
        (["connections", "accept", "-", "--file", "x"], "standard input and from a file"),
        (["connections", "accept", "--file", "missing.txt"], "missing.txt can't be read"),
        (["connections", "accept", "--file", "/"], "/ can't be read"),
        (["connections", "accept"], "the input is empty"),
        (["connections", "list", "--status", "happy"], "happy"),
        (["connections", "list", "--role", "boss"], "boss"),
        (["connections", "list", "extra"], "extra"),
        (["connections", "show"], "ID"),
        (["connections", "check"], "URL"),
        (["invitation", "nonsense"], "nonsense"),
        (["invitation", "show"], "the input is empty"),
        (["invitation", "show", "--file", "missing.txt"], "missing.txt can't be read"),
        (["invitation", "show", "--file"], "--file"),
    ],
)
def test_wrong_usage_is_one_sentence_and_exit_code_2(handclasp, arguments, said):
    assert said in handclasp.here(*arguments).refused(2)
    assert list(handclasp.home.iterdir()) == []


@pytest.mark.parametrize("command", [["connections", "accept"], ["invitation", "show"]])
def test_a_code_is_not_taken_from_the_command_line_and_not_repeated(handclasp, a_code, command):
    error = handclasp.here(*command, a_code).refused(2)
    assert "list of processes" in error
    assert "--file FILE" in error
    assert a_code[:40] not in error


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("nonsense", "There is no invitation code in this text."),
        ("handclasp_aean", "only its beginning is here"),
        (b"\xff\xfe\x00\x01" * 50, "There is no invitation code in this text."),
        ("x" * 70_000, "longer than 65536 characters"),
        ("{code:.100}", "This invitation code is incomplete"),
        ("{code:.150}0{code:.200}", "This invitation code"),
        ("{mistyped}", "This invitation code has been changed on its way"),
    ],
)
def test_a_text_without_a_good_code_is_refused_without_any_node(handclasp, a_code, text, said):
    mistyped = a_code[:150] + ("a" if a_code[150] != "a" else "b") + a_code[151:]
    stdin = text.format(code=a_code, mistyped=mistyped) if isinstance(text, str) else text
    error = handclasp.here("invitation", "show", stdin=stdin).refused(2)
    assert said in error
    assert a_code[-32:] not in error


def test_every_command_has_its_rows_here():
    assert set(COMMANDS) >= {"node", "connections", "invitation"}
    from node.cli.connections_app import connections_app

    assert {command.name for command in connections_app.registered_commands} == set(CONNECTIONS)


# Which node


@pytest.mark.parametrize("command", CONNECTIONS)
def test_a_command_that_needs_a_node_says_how_to_start_one(handclasp, a_code, command):
    arguments = ["connections", command, *CONNECTIONS[command]]
    error = handclasp.here(*arguments, stdin=a_code).refused(2)
    assert error.startswith("Error: No node runs in the usual places of this machine.\nStart one with `handclasp node`")
    there = handclasp.home / "x"
    error = handclasp.here(*arguments, "--data", there, stdin=a_code).refused(2)
    assert error == f"Error: No node runs on {there}.\nStart it with `handclasp node --data {there}`.\n"
    assert list(handclasp.home.iterdir()) == []


@pytest.mark.parametrize(
    ("flags", "variables", "said"),
    [
        (["--data", "x", "--node", "a"], {}, "--data and --node each name a node."),
        (["--token-file", "x"], {}, "--token-file belongs to --url"),
        (["--node", "a"], {}, "There is no pair in "),
        ([], {"HANDCLASP_NODE": "a"}, "There is no pair in "),
        ([], {"HANDCLASP_NODE": "a", "HANDCLASP_DATA": "x"}, "are both set"),
        ([], {"HANDCLASP_DATA": "x"}, "No node runs on x."),
        ([], {"HANDCLASP_DTAA": "x"}, "did you mean HANDCLASP_DATA?"),
        (["--url", "nonsense"], {}, "does not begin with http:// or https://"),
        (["--url", "http://u:secret@127.0.0.1:1"], {}, "user name or password"),
        (["--url", "http://127.0.0.1:1"], {}, "which admin token"),
        (["--url", "http://127.0.0.1:1", "--token-file", "missing"], {}, "There is no file missing."),
        (["--url", "http://127.0.0.1:1"], {"HANDCLASP_TOKEN": "two words"}, "not an admin token"),
        (["--url", "http://127.0.0.1:1"], {"HANDCLASP_TOKEN": "x"}, "No node answers at http://127.0.0.1:1"),
        (["--url", "http://example.test"], {"HANDCLASP_TOKEN": "x"}, "would go to example.test unencrypted"),
    ],
)
def test_a_node_that_is_named_wrongly_is_told_in_one_sentence(handclasp, flags, variables, said):
    error = handclasp.here("connections", "list", *flags, **variables).refused(2)
    assert said in error
    assert "secret" not in error
    assert list(handclasp.home.iterdir()) == []


def test_of_several_running_nodes_one_must_be_chosen_and_one_alone_is_found(handclasp, nodes):
    pair = handclasp.home / "share" / "handclasp" / "pair"
    pair.mkdir(parents=True)
    state = {"nodes": {name: {"data": str(node.data)} for name, node in (("a", nodes.a), ("b", nodes.b))}}
    (pair / "pair.json").write_text(json.dumps(state))
    error = handclasp("connections", "list").refused(2)
    assert error.splitlines()[1] == "Say it: --node a or --node b."
    assert handclasp("connections", "check", "--node", "a", nodes.a.url).out.endswith("script\n") is False
    for choice in ({"HANDCLASP_NODE": "b"}, {"HANDCLASP_DATA": str(nodes.b.data)}):
        assert "is this instance itself" in handclasp("connections", "check", nodes.b.url, **choice).out
    assert "It has: a, b." in handclasp("connections", "list", "--node", "c").refused(2)

    state["nodes"]["b"]["data"] = "b"  # below the pair's directory, where nothing runs
    (pair / "pair.json").write_text(json.dumps(state))
    assert "is this instance itself" in handclasp("connections", "check", nodes.a.url).out
    assert "does not run" in handclasp("connections", "list", "--node", "b").refused(2)
    elsewhere = {"HANDCLASP_PAIR": str(pair), "XDG_DATA_HOME": str(handclasp.home / "other")}
    assert "is this instance itself" in handclasp("connections", "check", nodes.a.url, **elsewhere).out

    (pair / "pair.json").write_text('{"nodes": []}')
    assert "is damaged" in handclasp("connections", "list").refused(2)


def test_a_node_elsewhere_is_reached_by_its_url_and_token(handclasp, nodes, tmp_path):
    token = (nodes.a.data / "admin.token").read_text().strip()
    by_variable = handclasp("connections", "list", "--json", "--url", nodes.a.url, HANDCLASP_TOKEN=token)
    by_file = handclasp(
        "connections", "list", "--json", "--url", nodes.a.url, "--token-file", nodes.a.data / "admin.token"
    )
    assert by_variable.succeeded().json == by_file.succeeded().json

    wrong = handclasp("connections", "list", "--url", nodes.a.url, HANDCLASP_TOKEN="x" * 43).refused(1)
    assert "--token-file" in wrong
    error = handclasp("connections", "list", "--url", nodes.a.instance_url, HANDCLASP_TOKEN=token).refused(2)
    assert "answers, but not as a node does (HTTP 404)" in error
    readable = tmp_path / "token"
    readable.write_text(token)
    readable.chmod(0o644)
    error = handclasp("connections", "list", "--url", nodes.a.url, "--token-file", readable).refused(2)
    assert "chmod 600" in error


# What a node refuses


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["initiate", "--to", "nonsense", "--local", "A", "--remote", "B"], "does not begin with http"),
        (["initiate", "--to", "http://127.0.0.1:1", "--local", "A", "--remote", "B"], "can't be connected to"),
        (["initiate", "--to", "{a}", "--local", "A", "--remote", "B"], "is this instance itself"),
        (["initiate", *CONNECTIONS["initiate"], "--name", "x" * 101], "at most 100"),
        (["initiate", *CONNECTIONS["initiate"], "--name", ""], "The connection name is empty."),
        (["initiate", *CONNECTIONS["initiate"], "--name", "a\u202eb"], "U+202E"),
        (["initiate", "--no-url", "--local", "x" * 65, "--remote", "B"], "at most 64"),
        (["initiate", *CONNECTIONS["initiate"], "--description", "x" * 1001], "at most 1000"),
        (["initiate", *CONNECTIONS["initiate"], "--mode", "basic"], "Use the mode script"),
        (["check", "nonsense"], "does not begin with http"),
        (["check", ""], "does not begin with http"),
        (["show", "0" * 32], "no connection with that sys_id"),
        (["accept"], "There is no invitation code in this text."),
        (["accept", "--name", "x" * 101], "at most 100"),
    ],
)
def test_what_a_node_refuses_is_one_sentence_and_exit_code_1_and_changes_nothing(handclasp, nodes, arguments, said):
    before = nodes.rows()
    arguments = [one.format(a=nodes.a.url) for one in arguments]
    result = handclasp.here("connections", arguments[0], "--data", nodes.a.data, *arguments[1:], stdin="nonsense")
    assert said in result.refused(1)
    assert nodes.rows() == before


def test_a_name_that_is_taken_and_a_code_that_is_used_up_are_refused(handclasp, nodes):
    arguments = ["--to", nodes.b.url, "--local", "A", "--remote", "B", "--name", "only one"]
    code = code_in(handclasp("connections", "initiate", "--data", nodes.a.data, *arguments).out)
    handclasp("connections", "accept", "--data", nodes.b.data, stdin=code).succeeded()
    before = nodes.rows()
    again = handclasp("connections", "initiate", "--data", nodes.a.data, *arguments).refused(1)
    assert 'Another connection of this instance is called "only one".' in again
    assert "already accepted" in handclasp("connections", "accept", "--data", nodes.b.data, stdin=code).refused(1)
    assert "made this invitation code itself" in (
        handclasp("connections", "accept", "--data", nodes.a.data, stdin=code).refused(1)
    )
    shown = handclasp("connections", "show", "only one", "--code", "--data", nodes.a.data).refused(1)
    assert "the status is active" in shown
    assert nodes.rows() == before


def test_a_private_node_says_why_it_initiates_nothing_and_an_unmeant_code_is_refused(handclasp, private, nodes):
    error = handclasp("connections", "initiate", "--data", private.data, *CONNECTIONS["initiate"]).refused(1)
    assert "no node URL" in error
    assert "--node-url" in error
    arguments = ["--to", nodes.b.url, "--local", "A", "--remote", "B", "--name", "for b alone"]
    code = code_in(handclasp("connections", "initiate", "--data", nodes.a.data, *arguments).out)
    stolen = handclasp("connections", "accept", "--data", private.data, stdin=code).refused(1)
    assert "made for another node" in stolen


def test_a_connection_that_is_not_there_or_not_clear_is_told_with_the_way_to_find_it(handclasp, nodes):
    firsts = [nodes.a.initiate(None, name=f"many {number}")[0][0] for number in range(17)]  # so that two are alike
    alike = next(first for first in firsts if firsts.count(first) > 1)
    error = handclasp("connections", "show", alike, "--data", nodes.a.data).refused(2)
    assert re.search(r"Write more of the ID: [0-9a-f]{12}, ", error)
    error = handclasp("connections", "show", "nowhere", "--data", nodes.a.data).refused(2)
    assert f"The node on {nodes.a.data} has no connection 'nowhere'." in error


# A node that can't start


def a_stopped_node(folder):
    node = NodeProcess(name="n", data=folder / "data")
    node.start()
    node.stop()
    return node


def start(handclasp, data, *more, **variables):
    places = {"--listen": "127.0.0.1:0", "--instance-listen": "none", "--broker": "none"}
    for flag, value in places.items():
        if flag not in more:
            more = (*more, flag, value)
    return handclasp("node", "--data", data, *more, **variables)


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
    error = start(handclasp, data, *more, **variables).refused(2)
    assert said in error
    assert "geheim" not in error
    assert not data.exists()


@pytest.mark.parametrize("flag", ["--listen", "--instance-listen"])
def test_a_port_that_is_taken_is_told_with_its_owner_and_leaves_nothing_behind(handclasp, flag):
    with socket.create_server(("127.0.0.1", 0)) as held:
        place = f"127.0.0.1:{held.getsockname()[1]}"
        error = start(handclasp, handclasp.home / "data", flag, place).refused(2)
        assert f"The port {place} is taken by " in error
        assert f"process {os.getpid()}" in error
    assert list(handclasp.home.iterdir()) == []


def test_data_that_another_node_uses_is_left_to_it(handclasp, nodes):
    before = nodes.rows()
    taken = ["--listen", f"127.0.0.1:{nodes.a.port}"]
    for more in ([], taken):
        error = start(handclasp, nodes.a.data, *more).refused(2)
        assert f"{nodes.a.data} is in use by process {nodes.a.process.pid}" in error
    assert nodes.rows() == before
    handclasp("connections", "list", "--data", nodes.a.data).succeeded()


def test_data_of_a_newer_version_is_left_as_it_is(handclasp, tmp_path):
    node = a_stopped_node(tmp_path)
    (node.data / "version").write_text("99\n")
    before = contents_of(node.data)
    assert "written by a newer Handclasp" in start(handclasp, node.data).refused(2)
    assert contents_of(node.data) == before

    (node.data / "version").write_text("1\n")
    with closing(sqlite3.connect(node.data / "node.db")) as link, link:
        link.execute("UPDATE alembic_version SET version_num = '9999'")
    before = contents_of(node.data)
    assert "written by a newer version of Handclasp (schema 9999)" in start(handclasp, node.data).refused(2)
    assert contents_of(node.data) == before


def test_data_that_is_no_node_s_is_left_as_it_is(handclasp, tmp_path):
    node = a_stopped_node(tmp_path)
    good = (node.data / "node.db").read_bytes()
    (node.data / "node.db").write_bytes(b"no database at all" * 1000)
    before = contents_of(node.data)
    assert "can't be used" in start(handclasp, node.data).refused(2)
    assert contents_of(node.data) == before

    (node.data / "node.db").write_bytes(good)
    (node.data / "node.key").rename(node.data / "elsewhere")
    before = contents_of(node.data)
    assert "key file" in start(handclasp, node.data).refused(2)
    assert contents_of(node.data) == before


def test_a_directory_that_cannot_be_used_is_told(handclasp, tmp_path):
    file = tmp_path / "file"
    file.write_text("x")
    assert "is a file, not a directory" in start(handclasp, file).refused(2)
    assert "lies below a file" in start(handclasp, file / "below").refused(2)
    assert "can't be made" in start(handclasp, "/proc/handclasp").refused(2)
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
    error = start(handclasp, data, "--broker", "amqtt", **no_programs).refused(2)
    assert "broker" in error


def test_ctrl_c_ends_a_command_with_130_and_a_node_cleanly(handclasp, nodes):
    process = subprocess.Popen(
        [sys.executable, "-m", "node", "connections", "accept", "--data", nodes.b.data, "-"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=handclasp.environment(), text=True,
    )  # fmt: skip
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(2)  # it reads standard input
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=20)
    assert (process.returncode, out, err.strip()) == (130, "", "")
