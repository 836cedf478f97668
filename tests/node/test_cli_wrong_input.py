"""Every command, given what it can't use: one sentence, the right exit code, no traceback, nothing changed."""

import json
import re
import signal
import subprocess
import sys

import msgpack
import msgspec
import pytest

from node.cli.act_table import TAUGHT_ACTS
from node.cli.root import COMMANDS
from protocol.identity import SigningKey
from protocol.invitation import Invitation, write_code
from protocol.limits import INSTANT_LIMIT
from protocol.modes import Mode
from tests.node.command_line import code_in
from tests.protocol.codes import GOLDEN, INVITATION, code_of, with_fields

NOBODY = 65_534

CONNECTIONS = {
    "initiate": ["--no-url", "--local", "A", "--remote", "B"],
    "accept": ["-"],
    "list": [],
    "show": ["1f0c"],
    "check": ["http://127.0.0.1:1"],
    **{taught.name: ["1f0c"] for taught in TAUGHT_ACTS},
    "decline": ["1f0c"],
    "new-code": ["1f0c"],
    "describe": ["1f0c", "a text"],
    "retry": ["1f0c"],
    "events": ["1f0c"],
}
"""Each command that talks to a node, with arguments that are right."""


@pytest.fixture(scope="module")
def a_code():
    """A good invitation code of a node that nobody runs."""
    source = SigningKey(bytes(range(32)))
    invitation = Invitation(
        connection=bytes(16), serial=1_799_000_000, source_id=bytes(16), source_key=source.public,
        node_url="https://source.example", mode=Mode.SCRIPT, name="n", source_short_name="s",
        destination_short_name="d", expires_at=1_800_000_000, bound=bytes(16), versions=(1,),
    )  # fmt: skip
    return write_code(invitation, source, bytes(16))


# Usage


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["conections"], "Did you mean `handclasp connections`?"),
        (["retry"], "Did you mean `handclasp connections retry`?"),
        (["remove"], "Did you mean `handclasp connections remove`?"),
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
        (["connections", "initiate", *CONNECTIONS["initiate"], "--lifetime", "7\u017f"], "7d, 12h, 30m or 90s"),
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
        *((["connections", taught.name], "ID") for taught in TAUGHT_ACTS),
        *((["connections", taught.name, "x", "extra"], "extra") for taught in TAUGHT_ACTS),
        *((["connections", taught.name, "x", "--yes"], "--yes") for taught in TAUGHT_ACTS if taught.asks is None),
        (["connections", "decline"], "the input is empty"),
        (["connections", "decline", "1f0c", "--file", "x"], "by its ID and by a file"),
        (["connections", "decline", "-", "--file", "x"], "standard input and from a file"),
        (["connections", "decline", "--file", "missing.txt"], "missing.txt can't be read"),
        (["connections", "new-code"], "ID"),
        (["connections", "new-code", "x", "--lifetime", "soon"], "7d, 12h, 30m or 90s"),
        (["connections", "new-code", "x", "--lifetime", "59s"], "1 minute to 30 days"),
        (["connections", "describe"], "ID"),
        (["connections", "describe", "x"], "TEXT"),
        (["connections", "retry"], "ID"),
        (["connections", "events"], "ID"),
        (["connections", "events", "x", "--after", "-1"], "--after is '-1'"),
        (["connections", "events", "x", "--after", "\u0967"], "number of an event"),
        (["connections", "events", "x", "--after", "9" * 17], "number of an event"),
        (["invitation", "nonsense"], "nonsense"),
        (["invitation", "show"], "the input is empty"),
        (["invitation", "show", "--file", "missing.txt"], "missing.txt can't be read"),
        (["invitation", "show", "--file"], "--file"),
    ],
)
def test_wrong_usage_is_one_sentence_and_exit_code_2(handclasp, arguments, said):
    assert said in handclasp.here(*arguments).refused(2)
    assert list(handclasp.home.iterdir()) == []


@pytest.mark.parametrize("command", [["connections", "accept"], ["connections", "decline"], ["invitation", "show"]])
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
    assert handclasp.here("connections", "check", "--node", "a", nodes.a.url).out.endswith("script\n") is False
    for choice in ({"HANDCLASP_NODE": "b"}, {"HANDCLASP_DATA": str(nodes.b.data)}):
        assert "is this instance itself" in handclasp.here("connections", "check", nodes.b.url, **choice).out
    assert "It has: a, b." in handclasp.here("connections", "list", "--node", "c").refused(2)

    state["nodes"]["b"]["data"] = "b"  # below the pair's directory, where nothing runs
    (pair / "pair.json").write_text(json.dumps(state))
    assert "is this instance itself" in handclasp.here("connections", "check", nodes.a.url).out
    assert "does not run" in handclasp.here("connections", "list", "--node", "b").refused(2)
    elsewhere = {"HANDCLASP_PAIR": str(pair), "XDG_DATA_HOME": str(handclasp.home / "other")}
    assert "is this instance itself" in handclasp.here("connections", "check", nodes.a.url, **elsewhere).out

    (pair / "pair.json").write_text('{"nodes": []}')
    assert "is damaged" in handclasp.here("connections", "list").refused(2)


def test_a_node_elsewhere_is_reached_by_its_url_and_token(handclasp, nodes, tmp_path):
    token = (nodes.a.data / "admin.token").read_text().strip()
    by_variable = handclasp.here("connections", "list", "--json", "--url", nodes.a.url, HANDCLASP_TOKEN=token)
    by_file = handclasp.here(
        "connections", "list", "--json", "--url", nodes.a.url, "--token-file", nodes.a.data / "admin.token"
    )
    assert by_variable.succeeded().json == by_file.succeeded().json

    wrong = handclasp("connections", "list", "--url", nodes.a.url, HANDCLASP_TOKEN="x" * 43).refused(2)
    assert "--token-file" in wrong
    error = handclasp.here("connections", "list", "--url", nodes.a.instance_url, HANDCLASP_TOKEN=token).refused(2)
    assert "answers, but not as a node does (HTTP 404)" in error
    readable = tmp_path / "token"
    readable.write_text(token)
    readable.chmod(0o644)
    error = handclasp.here("connections", "list", "--url", nodes.a.url, "--token-file", readable).refused(2)
    assert "chmod 600" in error


# What a node refuses


WRONG = [
    (["initiate", "--to", "nonsense", "--local", "A", "--remote", "B"], "does not begin with http"),
    (["initiate", *CONNECTIONS["initiate"], "--name", "x" * 101], "at most 100"),
    (["initiate", *CONNECTIONS["initiate"], "--name", ""], "The connection name is empty."),
    (["initiate", *CONNECTIONS["initiate"], "--name", "a\u202eb"], "U+202E"),
    (["initiate", "--no-url", "--local", "x" * 65, "--remote", "B"], "at most 64"),
    (["initiate", "--no-url", "--local", "", "--remote", "B"], "The local instance short name is empty."),
    (["initiate", "--no-url", "--local", "a\u202e", "--remote", "B"], "The local instance short name has"),
    (["initiate", "--no-url", "--local", "A", "--remote", "\u202eb"], "The remote instance short name has"),
    (["initiate", *CONNECTIONS["initiate"], "--description", "x" * 1001], "at most 1000"),
    (["initiate", *CONNECTIONS["initiate"], "--mode", "basic"], "Use the mode script"),
    (["check", "nonsense"], "does not begin with http"),
    (["check", ""], "does not begin with http"),
    (["show", "0" * 32], "no connection with that sys_id"),
    *(([taught.name, "0" * 32], "no connection with that sys_id") for taught in TAUGHT_ACTS),
    *(([name, "0" * 32], "no connection with that sys_id") for name in ("decline", "new-code", "retry", "events")),
    (["describe", "0" * 32, "text"], "no connection with that sys_id"),
    (["decline", "-"], "There is no invitation code in this text."),
    (["accept"], "There is no invitation code in this text."),
    (["accept", "--name", "x" * 101], "at most 100"),
]


def test_what_was_typed_wrong_has_exit_code_2_also_when_the_node_finds_it(handclasp, nodes):
    before = nodes.rows()
    for arguments, said in WRONG:
        result = handclasp.here("connections", arguments[0], "--data", nodes.a.data, *arguments[1:], stdin="nonsense")
        assert said in result.refused(2), arguments
    assert nodes.rows() == before


def test_what_was_typed_right_and_is_refused_has_exit_code_1(handclasp, nodes):
    before = nodes.rows()
    for url, said in (("http://127.0.0.1:1", "can't be connected to"), (nodes.a.url, "is this instance itself")):
        arguments = ["--to", url, "--local", "A", "--remote", "B"]
        assert said in handclasp.here("connections", "initiate", "--data", nodes.a.data, *arguments).refused(1)
    assert nodes.rows() == before


@pytest.mark.parametrize(
    "text", ["handclasp_abc", "{code:.100}", "{mistyped}", "{forged}", "{endless}", "{code} {other}"]
)
def test_a_code_that_nobody_can_read_has_one_sentence_and_one_exit_code_everywhere(handclasp, nodes, a_code, text):
    stdin = text.format(
        code=a_code, other=GOLDEN, mistyped=a_code[:150] + a_code[149] + a_code[151:],
        forged=code_of(msgpack.packb(list(msgspec.structs.asdict(INVITATION).values())), source=SigningKey(bytes(32))),
        endless=with_fields(expires_at=INSTANT_LIMIT),
    )  # fmt: skip
    alone = handclasp.here("invitation", "show", "-", stdin=stdin).refused(2)
    for command in ("accept", "decline"):
        assert handclasp.here("connections", command, "--data", nodes.b.data, "-", stdin=stdin).refused(2) == alone


def test_a_name_that_is_taken_and_a_code_that_is_used_up_are_refused(handclasp, nodes):
    arguments = ["--to", nodes.b.url, "--local", "A", "--remote", "B", "--name", "only one"]
    code = code_in(handclasp.here("connections", "initiate", "--data", nodes.a.data, *arguments).out)
    handclasp.here("connections", "accept", "--data", nodes.b.data, stdin=code).succeeded()
    before = nodes.rows()
    again = handclasp.here("connections", "initiate", "--data", nodes.a.data, *arguments).refused(1)
    assert 'Another connection of this instance is called "only one".' in again
    assert "already accepted" in handclasp.here("connections", "accept", "--data", nodes.b.data, stdin=code).refused(1)
    assert "made this invitation code itself" in (
        handclasp.here("connections", "accept", "--data", nodes.a.data, stdin=code).refused(1)
    )
    shown = handclasp.here("connections", "show", "only one", "--code", "--data", nodes.a.data).refused(1)
    assert "the status is active" in shown
    assert nodes.rows() == before


def test_a_private_node_says_why_it_initiates_nothing_and_an_unmeant_code_is_refused(handclasp, private, nodes):
    error = handclasp.here("connections", "initiate", "--data", private.data, *CONNECTIONS["initiate"]).refused(1)
    assert "no node URL" in error
    assert "--node-url" in error
    arguments = ["--to", nodes.b.url, "--local", "A", "--remote", "B", "--name", "for b alone"]
    code = code_in(handclasp.here("connections", "initiate", "--data", nodes.a.data, *arguments).out)
    stolen = handclasp.here("connections", "accept", "--data", private.data, stdin=code).refused(1)
    assert "made for another node" in stolen


def test_a_connection_that_is_not_there_or_not_clear_is_told_with_the_way_to_find_it(handclasp, nodes):
    firsts = [nodes.a.initiate(None, name=f"many {number}")[0][0] for number in range(17)]  # so that two are alike
    alike = next(first for first in firsts if firsts.count(first) > 1)
    error = handclasp.here("connections", "show", alike, "--data", nodes.a.data).refused(2)
    assert re.search(r"Write more of the ID: [0-9a-f]{12}, ", error)
    error = handclasp.here("connections", "show", "nowhere", "--data", nodes.a.data).refused(2)
    assert f"The node on {nodes.a.data} has no connection 'nowhere'." in error


def test_ctrl_c_ends_a_command_with_130(handclasp, nodes):
    process = subprocess.Popen(
        [sys.executable, "-m", "node", "connections", "accept", "--data", nodes.b.data, "-"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=handclasp.environment(), text=True,
    )  # fmt: skip
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(2)  # it reads standard input
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=20)
    assert (process.returncode, out, err.strip()) == (130, "", "")
