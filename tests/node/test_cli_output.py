"""What every command has in common: help, colours, JSON, and how errors, Ctrl-C and closed pipes end."""

import json
import os
import pty
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
import typer

from node import words
from node.cli.failures import CommandError, explain, visible
from node.cli.node_command import plain_flags
from node.cli.root import COMMANDS, PURPOSES, LazyGroup, root_app
from node.settings_table import SETTINGS
from node.version import VERSION
from tests.e2e.processes import until

HEAVY = {"typer", "rich", "pydantic", "psutil", "alembic", "pygments", "importlib.metadata"}


def on_terminal(handclasp, *arguments, **variables):
    """Standard output of a command on a terminal of 120 columns."""
    controller, terminal = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "node", *map(str, arguments)],
        stdin=subprocess.DEVNULL, stdout=terminal, stderr=subprocess.PIPE,
        env=handclasp.environment(**{"TERM": "xterm-256color", "COLUMNS": "120", "NO_COLOR": ""} | variables),
    )  # fmt: skip
    os.close(terminal)
    text = b""
    while True:
        try:
            piece = os.read(controller, 65536)
        except OSError:
            break
        if not piece:
            break
        text += piece
    _, err = process.communicate(timeout=30)
    os.close(controller)
    assert (process.returncode, err) == (0, b"")
    return text.decode()


def every_command():
    def walk(command, path):
        yield path, command
        context = typer.Context(command)
        if hasattr(command, "list_commands"):
            for name in command.list_commands(context):
                if command is not root or name in COMMANDS:  # another package's commands have tests there
                    yield from walk(command.get_command(context, name), [*path, name])

    root = typer.main.get_command(root_app())
    return list(walk(root, []))


EVERY_COMMAND = every_command()
ACTING = [row for row in EVERY_COMMAND if getattr(row[1], "invoke_without_command", True)]
"""Those that do something by themselves, and are not only the head of others."""


def path_of(value):
    return " ".join(value) if isinstance(value, list) else ""


def test_the_version_is_told(handclasp):
    assert handclasp("--version").succeeded().out == f"handclasp {VERSION}\n"


@pytest.mark.parametrize(("path", "command"), EVERY_COMMAND, ids=path_of)
def test_help_is_plain_text_and_the_same_for_nothing_said(handclasp, path, command):
    shown = handclasp.here(*path, "--help").succeeded().out
    assert shown.startswith("Usage: handclasp " + " ".join(path))
    assert "\x1b" not in shown
    assert "╭" not in shown
    assert "completion" not in shown
    assert handclasp.here(*path, "-h").out == shown
    if hasattr(command, "list_commands"):
        assert command.invoke_without_command or handclasp.here(*path).succeeded().out == shown
        assert "..." not in shown.partition("Commands:")[2], "each command's purpose fits in its line"


@pytest.mark.parametrize(("path", "command"), ACTING, ids=path_of)
def test_the_help_of_each_command_teaches(handclasp, path, command):
    shown = handclasp.here(*path, "--help").out
    assert f"    handclasp {' '.join(path)}" in shown, "an example"
    assert "\n  Next: " in shown
    assert command.help
    assert "--json" in {name for one in command.params for name in one.opts}


def test_every_command_of_ours_has_its_line_in_the_list():
    assert list(PURPOSES) == list(COMMANDS)
    assert all(len(purpose) <= 45 for purpose in PURPOSES.values())


def test_each_setting_has_its_flag_and_its_variable_in_the_help(handclasp):
    shown = " ".join(handclasp.here("node", "--help").out.split())
    for setting in SETTINGS:
        assert f"{setting.flag} {setting.metavar} " in shown
        assert f"[env: {setting.variable}]" in shown
        assert setting.default_shown in shown


@pytest.mark.parametrize(
    ("arguments", "flags"),
    [
        ([], {}),
        (["--json", "--name", "a"], {"name": "a"}),
        (["--name", "a", "--log-level=debug"], {"name": "a", "log_level": "debug"}),
        (["--node-url", "http://x/?a=b", "--name="], {"node_url": "http://x/?a=b", "name": ""}),
        (["--name", "a", "--name", "b"], {"name": "b"}),
        (["--help"], None),
        (["--name"], None),
        (["--name", "--json"], None),
        (["--name", "--data"], None),
        (["--nme", "a"], None),
        (["a"], None),
        (["--name", "a", "b"], None),
    ],
)
def test_plain_flags_are_understood_without_typer_and_everything_else_is_left_to_it(
    handclasp, monkeypatch, arguments, flags
):
    as_json = "--json" in arguments
    assert plain_flags(arguments) == (None if flags is None else (flags, as_json))
    if flags is not None:
        taken = []
        monkeypatch.setattr("node.cli.node_command.run", lambda flags, *, as_json: taken.extend((flags, as_json)))
        handclasp.here("--version")  # so that nothing is loaded below for the first time
        from node.cli.root import run_root

        assert run_root(["node", *arguments]) == 0
        assert {name: value for name, value in taken[0].items() if value is not None} == flags
        assert taken[1] is as_json


def test_a_node_starts_without_anything_that_only_commands_need():
    script = (
        "import sys, node.cli.main, node.cli.node_command, node.logs, node.serve\n"
        f"print(sorted({HEAVY} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout in ("[]\n", "['importlib.metadata']\n")


# Other packages' commands


@pytest.fixture
def others(tmp_path):
    """A package that brings two commands, of which one can't be loaded."""
    folder = tmp_path / "site"
    distribution = folder / "more-1.0.dist-info"
    distribution.mkdir(parents=True)
    (distribution / "METADATA").write_text("Metadata-Version: 2.1\nName: more\nVersion: 1.0\n")
    (distribution / "entry_points.txt").write_text(
        "[handclasp.commands]\ngreet = more_commands:greet\nbroken = more_missing:app\nnode = more_commands:greet\n"
    )
    (folder / "more_commands.py").write_text(
        "def greet(name: str = 'you') -> None:\n    'Greet somebody.'\n    print('Hello', name)\n"
    )
    return folder


@pytest.mark.slow
def test_another_package_brings_commands_and_takes_none_of_ours(handclasp, others):
    path = os.pathsep.join([str(others), handclasp.environment()["PYTHONPATH"]])
    assert handclasp("greet", "--name", "Bo", PYTHONPATH=path).succeeded().out == "Hello Bo\n"
    shown = handclasp("--help", PYTHONPATH=path).succeeded().out
    assert "  greet        Greet somebody." in shown
    assert "broken" not in shown
    assert "--node-url" in handclasp("node", "--help", PYTHONPATH=path).out
    assert "Did you mean `handclasp greet`?" in handclasp("gret", PYTHONPATH=path).refused(2)
    error = handclasp("broken", PYTHONPATH=path).refused(2)
    assert "The command 'broken' can't be loaded" in error
    assert "(more_missing)" in error


def test_a_module_is_loaded_only_for_its_own_command(handclasp):
    script = "import sys; from node.cli.main import main; main(['--version']); print('node.cli.connections_app' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", script], env=handclasp.environment(), capture_output=True, text=True, check=True
    )
    assert done.stdout == f"handclasp {VERSION}\nFalse\n"
    assert all(":" in target for target in COMMANDS.values())
    assert LazyGroup.is_shown("anything")


# Terminals


def test_colours_are_shown_on_a_terminal_and_nowhere_else(handclasp, nodes):
    nodes.a.initiate(nodes.b.url, name="colourful")
    check = ["connections", "check", "--data", nodes.a.data, nodes.b.url]
    listing = ["connections", "list", "--data", nodes.a.data]
    for command, said, off in (
        (check, "can be reached", {"NO_COLOR": "1"}),
        (listing, "colourful", {"TERM": "dumb"}),
    ):
        shown = on_terminal(handclasp, *command)
        assert "\x1b[" in shown
        assert said in shown
        assert "\x1b" not in on_terminal(handclasp, *command, **off)
        assert "\x1b" not in handclasp.here(*command).succeeded().out


def test_a_node_on_a_terminal_says_when_it_is_ready_and_ctrl_c_stops_it(handclasp):
    data = handclasp.home / "data"
    log = handclasp.home / "log"
    controller, terminal = pty.openpty()
    with log.open("wb") as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", "node", "node", "--data", data, "--name", "Instance N", "--broker", "none",
             "--listen", "127.0.0.1:0", "--instance-listen", "127.0.0.1:0", "--node-url", "http://127.0.0.1:4711"],
            stdout=terminal, stderr=errors, env=handclasp.environment(),
        )  # fmt: skip
    os.close(terminal)
    try:
        until((data / "node.run").exists, "the node is ready")
        shown = os.read(controller, 65536).decode()
    finally:
        process.send_signal(signal.SIGINT)
    assert process.wait(20) == 0
    os.close(controller)
    assert shown.startswith('The node "Instance N" is ready. Ctrl-C stops it.')
    assert "http://127.0.0.1:4711" in shown
    assert str(data) in shown
    password = (data / "admin.password").read_text().strip()
    assert f"sign in    admin, password {password}" in shown
    assert password not in log.read_text()
    assert "Traceback" not in log.read_text()
    assert not (data / "node.run").exists()


def test_a_node_that_is_not_on_a_terminal_prints_logs_only(handclasp):
    process = subprocess.Popen(
        [sys.executable, "-m", "node", "node", "--broker", "none", "--listen", "127.0.0.1:0",
         "--instance-listen", "none"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=handclasp.environment(), text=True,
    )  # fmt: skip
    assert '"event": "ready"' in process.stderr.readline()
    process.send_signal(signal.SIGTERM)
    out, _ = process.communicate(timeout=20)
    assert (process.returncode, out) == (0, "")
    assert (handclasp.home / "share" / "handclasp" / "node" / "node.db").exists()


def test_a_node_tells_programs_where_it_is_as_soon_as_it_is_ready(handclasp):
    process = subprocess.Popen(
        [sys.executable, "-m", "node", "node", "--json", "--broker", "none", "--listen", "127.0.0.1:0",
         "--instance-listen", "none", "--name", "Instance Ü"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=handclasp.environment(), text=True,
    )  # fmt: skip
    text = ""
    while not text.endswith("}\n"):
        text += process.stdout.readline()
    told = json.loads(text)
    with urllib.request.urlopen(f"{told['local_url']}/readyz") as answer:
        assert answer.status == 200
    data = handclasp.home / "share" / "handclasp" / "node"
    assert told == {
        "name": "Instance Ü", "pid": process.pid, "node_url": None, "instance_url": None,
        "local_url": f"http://{told['listen']}", "listen": told["listen"], "instance_listen": None,
        "data": str(data), "token_file": str(data / "admin.token"),
        "console_url": f"http://{told['listen']}/", "password_file": str(data / "admin.password"),
    }  # fmt: skip
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=20)
    assert (process.returncode, out) == (0, "")
    assert all(json.loads(line) for line in err.splitlines())


# Ends


def test_a_reader_that_goes_away_ends_a_command_quietly(handclasp):
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [sys.executable, "-m", "node", "connections", "--help"],
        stdout=writer, stderr=subprocess.PIPE, env=handclasp.environment(), check=False, timeout=30,
    )  # fmt: skip
    os.close(writer)
    assert (done.returncode, done.stderr) == (141, b"")


FULL = Path("/dev/full")


@pytest.mark.skipif(not FULL.exists(), reason="only Linux has a file that is always full")
@pytest.mark.parametrize("arguments", [["--version"], ["connections", "--help"]])
def test_an_output_that_is_full_is_told_in_one_sentence(handclasp, arguments):
    with FULL.open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "node", *arguments],
            stdout=full, stderr=subprocess.PIPE, env=handclasp.environment(), check=False, timeout=30, text=True,
        )  # fmt: skip
    said = "Error: No space is left where something was to be written.\nMake room there.\n"
    assert (done.returncode, done.stderr) == (2, said)


def test_what_nobody_foresaw_is_one_sentence_and_its_traceback_is_for_who_asks(handclasp, monkeypatch):
    def fail(_arguments):
        raise ValueError("an odd thing with handclasp_aeanefvzttcbawhefqz4out7uqukq7j36dmxd76onmdgts6ecdr3l6qll\n")

    monkeypatch.setattr("node.cli.root.run_root", fail)
    error = handclasp.here("connections", "list").refused(1)
    assert error.startswith("Error: Something went wrong that Handclasp did not foresee (ValueError: an odd thing")
    assert "handclasp_aeanefvz…" in error
    assert VERSION in error
    assert "Traceback (most recent call last)" in handclasp.here("--debug", "connections", "list").err


def test_ctrl_c_is_told_by_the_exit_code_alone(handclasp, monkeypatch):
    def interrupt(_arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr("node.cli.root.run_root", interrupt)
    result = handclasp.here("connections", "list")
    assert (result.code, result.out, result.err) == (130, "", "\n")


def test_text_of_others_is_shown_as_one_line_that_can_be_seen():
    assert visible("a\n\x1b[31mb\u202e") == "a \ufffd[31mb\ufffd"
    assert visible("x" * 3000) == "x" * 2000 + "…"


@pytest.mark.parametrize(
    ("error", "lines"),
    [
        (CommandError("It is not there"), "Error: It is not there.\n"),
        (CommandError("It is gone. Look elsewhere."), "Error: It is gone.\nLook elsewhere.\n"),
        (CommandError("It is gone. It was here.", "Look."), "Error: It is gone: It was here.\nLook.\n"),
        (CommandError("Version 1.2 of x.y is gone.", "Look."), "Error: Version 1.2 of x.y is gone.\nLook.\n"),
    ],
)
def test_an_error_is_one_sentence_and_what_to_do(error, lines):
    assert explain(error).lines() == lines


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "less than a second"), (1, "1 second"), (61, "1 minute and 1 second"), (3600, "1 hour"),
     (604_799, "6 days and 23 hours"), (86_401, "1 day"), (172_860, "2 days")],
)  # fmt: skip
def test_a_span_of_time_is_told_in_its_largest_units(seconds, said):
    assert words.span(seconds) == said


def test_every_status_and_every_reason_has_its_words():
    from protocol.records import Status
    from protocol.vocabulary import Reason

    assert set(words.STATUSES) == {status.value for status in Status}
    assert set(words.REASONS) == {reason.value for reason in Reason}
