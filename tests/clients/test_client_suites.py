"""How the tests of others are run: what is made of their results, and what is told when they can't be run."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from scripts.clients import __main__ as clients
from scripts.clients import environments
from scripts.clients.environments import ClientMissingError, IndexUnreachableError, client_python
from scripts.clients.itsm_targets import Play, Stop, first_stop, is_itsm, judged, targets_of
from scripts.clients.lacking import LACKING
from scripts.clients.pysnc_suite import files_of, is_pysnc
from scripts.clients.report import Part, Progress, table, total
from scripts.clients.running import follow
from tests.written_commands import ROOT, clean_environment

ASKING = """
import os, ssl, unittest
from urllib.error import HTTPError
from urllib.request import urlopen

def ask():
    return urlopen(os.environ["PYSNC_SERVER"] + "/api/now/table/incident", context=ssl.create_default_context(
        cafile=os.environ["REQUESTS_CA_BUNDLE"])).status

class TestAsking(unittest.TestCase):
    def test_that_there_is_somebody(self):
        assert ask() == 200

    def test_that_nobody_is_there(self):
        self.assertRaisesRegex(HTTPError, "404", ask)

    @unittest.skip("too hard")
    def test_that_is_left_out(self): ...
"""


@pytest.fixture
def small_pysnc(tmp_path):
    """A folder that looks like PySNC, with three tests."""
    source = tmp_path / "PySNC"
    for name, text in {
        "pysnc/__init__.py": "",
        "test/constants.py": "",
        "test/__init__.py": "",
        "test/test_asking.py": ASKING,
    }.items():
        path = source / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return source


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "scripts.clients", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)


def test_a_source_is_known_by_its_files(tmp_path, small_pysnc) -> None:
    (tmp_path / "galaxy.yml").write_text("namespace: servicenow\nname: itsm\n", encoding="utf-8")
    assert [is_pysnc(small_pysnc), is_itsm(small_pysnc)] == [True, False]
    assert [is_pysnc(tmp_path), is_itsm(tmp_path)] == [False, True]


def test_files_of_tests_are_found_in_every_folder(small_pysnc) -> None:
    (small_pysnc / "test" / "asyncio").mkdir()
    (small_pysnc / "test" / "asyncio" / "test_asking_too.py").touch()
    assert files_of(small_pysnc) == ["asyncio/test_asking_too", "test_asking"]


def test_every_folder_of_the_collection_s_targets_is_one_but_what_they_share(tmp_path) -> None:
    for name in ("problem", "itsm_misc", "prepare_test_vars"):
        (tmp_path / "tests" / "integration" / "targets" / name).mkdir(parents=True)
    assert targets_of(tmp_path) == ["itsm_misc", "problem"]


def judge(name: str, *stops: str | None) -> Part:
    return judged(
        name,
        [
            (Play(name=str(number), arguments=()), None if task is None else Stop(task=task, told=f"at {task}"))
            for number, task in enumerate(stops)
        ],
    )


def test_a_target_is_left_out_only_where_it_ends_for_what_is_known_to_be_lacking() -> None:
    ends_at = LACKING["itsm_service_catalog_info"].ends_at[0]
    assert judge("itsm_service_catalog_info", ends_at) == Part(
        name="itsm_service_catalog_info",
        skipped=1,
        notes=("not modelled: the Service Catalog API", f"at {ends_at}"),
    )
    assert judge("itsm_service_catalog_info", "Check for auth vars").failed == 1
    assert judge("problem", ends_at) == Part(name="problem", failed=1, notes=(f"at {ends_at}",))
    assert judge("itsm_service_catalog_info", None) == Part(name="itsm_service_catalog_info", passed=1)


def test_a_target_of_several_playbooks_fails_by_each_that_is_not_known_to() -> None:
    known = LACKING["inventory"].ends_at
    assert judge("inventory", None, *known).skipped == 1
    assert judge("inventory", None, *known).notes[1] == f"1 of {len(known) + 1} playbooks pass"
    assert judge("inventory", *known, "Reload inventory").failed == 1
    assert judge("inventory", None, *known[1:]).failed == 1, "what works by now is no longer lacking"


def test_the_first_task_that_failed_is_told_with_its_line(tmp_path) -> None:
    (tmp_path / "play.xml").write_text(
        "<testsuites><testsuite>"
        '<testcase classname="/a/main.yml:3" name="[localhost] localhost: problem : Make it"/>'
        '<testcase classname="/a/main.yml:17" name="[localhost] localhost: problem : Read it">'
        '<failure message="no  such\ntable"/></testcase>'
        '<testcase classname="/a/main.yml:20" name="x"><failure message="later"/></testcase>'
        "</testsuite></testsuites>",
        encoding="utf-8",
    )
    told = "ends after 1 tasks, at “Read it” (line 17): no such table"
    assert first_stop(tmp_path) == Stop(task="Read it", told=told)


def test_lines_tell_what_has_ended(capsys) -> None:
    with Progress(10) as progress:
        for part in (Part(name="[one]", passed=3, failed=1, skipped=2), Part(name="other", skipped=1)):
            progress.begin(part.name)
            progress.step("a task")
            progress.end(part)
        progress.tell("a table")
    said = capsys.readouterr()
    assert said.out == "a table\n"
    lines = [line.rpartition(",")[0] for line in said.err.splitlines() if line.strip()]
    assert lines == ["   1/10 [one]: 3 passed, failed, 2 left out, 1 steps", "   2/10 other: left out, 1 steps"]


@pytest.fixture
def here() -> dict[str, str]:
    return {"PATH": os.environ["PATH"]}


def test_each_line_of_a_command_is_given_as_it_comes(tmp_path, here) -> None:
    lines: list[str] = []
    command = ["sh", "-c", "pwd; echo two >&2; exit 3"]
    done = follow(command, cwd=tmp_path, environment=here, seconds_max=30, line=lines.append)
    assert (lines, done.returncode, done.is_late) == ([str(tmp_path), "two"], 3, False)
    assert done.said == f"{tmp_path}\ntwo\n"


def test_of_a_command_that_is_late_or_disturbed_nothing_is_left(tmp_path, here) -> None:
    mark = {**here, "MARK": str(tmp_path)}
    command = ["sh", "-c", "sleep 100 & echo begun; wait"]
    done = follow(command, cwd=tmp_path, environment=mark, seconds_max=0.3, line=str)
    assert done.is_late
    assert left_of(tmp_path) == []

    def stop(_: str) -> None:
        assert living_with(tmp_path), "it runs"
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        follow(command, cwd=tmp_path, environment=mark, seconds_max=30, line=stop)
    assert left_of(tmp_path) == []


def left_of(mark: Path) -> list[str]:
    """Those that are still there in a while: what is killed takes its time to go."""
    deadline = time.monotonic() + 5
    while (found := living_with(mark)) and time.monotonic() < deadline:
        time.sleep(0.02)
    return found


def living_with(mark: Path) -> list[str]:
    """The processes whose environment speaks of that path."""
    found = []
    for path in Path("/proc").glob("[0-9]*/environ"):
        with suppress(OSError):
            if str(mark).encode() in path.read_bytes():
                found.append(path.with_name("cmdline").read_text(encoding="utf-8").replace("\0", " "))
    return found


def test_the_table_sums_up_and_says_why_what_failed_did() -> None:
    parts = [
        Part(name="one", passed=3),
        Part(name="another", passed=1, failed=1, skipped=2, notes=("test_it: 1 is not 2",)),
    ]
    assert total(parts) == Part(name="all", passed=4, failed=1, skipped=2)
    assert table(parts).splitlines() == [
        "           passed  failed  left out",
        "  one           3       0         0",
        "  another       1       1         2",
        "  all           4       1         2",
        "  another: test_it: 1 is not 2",
    ]


def refusal(capsys, monkeypatch, *arguments: str | Path) -> str:
    monkeypatch.setattr(sys, "argv", ["clients", *map(str, arguments)])
    with pytest.raises(SystemExit) as ended:
        clients.main()
    assert ended.value.code == 2
    return " ".join(capsys.readouterr().err.split())


def test_without_a_source_one_is_told_what_to_fetch_and_how_to_name_it(capsys, monkeypatch) -> None:
    said = refusal(capsys, monkeypatch)
    assert said.startswith("SRC is missing. Fetch a copy")
    assert "git clone https://github.com/ServiceNow/PySNC ../PySNC make clients SRC=../PySNC" in said


def test_what_is_no_source_is_refused_with_what_would_be_one(tmp_path, small_pysnc, capsys, monkeypatch) -> None:
    nowhere, empty = tmp_path / "nowhere", tmp_path / "empty"
    empty.mkdir()
    assert refusal(capsys, monkeypatch, nowhere).startswith(f"SRC={nowhere} is no folder.")
    said = refusal(capsys, monkeypatch, empty)
    assert said.startswith(f"SRC={empty} holds neither PySNC nor servicenow.itsm. Give the folder of a copy")
    assert refusal(capsys, monkeypatch, tmp_path) == (
        f"SRC={tmp_path} holds neither PySNC nor servicenow.itsm. But {small_pysnc} does: SRC={small_pysnc}"
    )


def test_a_name_that_is_not_there_is_refused_with_those_that_are(small_pysnc, capsys, monkeypatch) -> None:
    said = refusal(capsys, monkeypatch, small_pysnc, "--only", "test_nothing")
    assert said == f"There is no test_nothing in {small_pysnc}. There are: test_asking"
    assert refusal(capsys, monkeypatch, small_pysnc, "--times", "0") == "--times is 1 or more."


def documented() -> list[str]:
    pages = [(ROOT / page).read_text(encoding="utf-8") for page in ("docs/instance.md", "CONTRIBUTING.md")]
    return sorted({line.strip() for page in pages for line in re.findall(r"make clients[^`\n]*", page)})


@pytest.mark.parametrize("line", documented())
def test_a_documented_command_reaches_the_script_as_it_is_written(line, tmp_path) -> None:
    command = [*shlex.split(line), "--dry-run", "--no-print-directory"]
    shell = clean_environment(tmp_path)
    done = subprocess.run(command, cwd=ROOT, env=shell, capture_output=True, text=True, check=True)
    _, _, arguments = done.stdout.splitlines()[-1].partition(" scripts.clients ")
    wanted = clients.parser().parse_args(shlex.split(arguments))
    assert wanted.source is not None
    assert str(wanted.source) in line
    assert (wanted.only is not None, wanted.times == 1) == ("--only" in line, "--times 1" in line)


@pytest.mark.slow
def test_a_server_that_knows_nothing_tells_which_tests_need_a_node(small_pysnc, leave_out) -> None:
    try:
        client_python("pysnc")
    except IndexUnreachableError as error:
        leave_out(str(error))
    done = run(small_pysnc, "--null", "--json")
    assert done.returncode == 0, done.stderr
    ((part,),) = json.loads(done.stdout)["rounds"]
    assert (part["name"], part["passed"], part["failed"], part["skipped"]) == ("test_asking", 1, 1, 1)
    assert part["notes"][0].startswith("test_that_there_is_somebody: urllib.error.HTTPError: HTTP Error 404")
    assert "So 1 of these need a node, and 1 would pass without one." in run(small_pysnc, "--null").stdout


@pytest.mark.slow
@pytest.mark.parametrize(
    ("index", "raised"),
    [("http://127.0.0.1:{closed}/", IndexUnreachableError), ("file:///nowhere/", ClientMissingError)],
)
def test_a_client_that_cannot_be_installed_is_said_to_be_missing_and_why(tmp_path, monkeypatch, index, raised) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        closed = server.getsockname()[1]
    monkeypatch.setattr(environments, "ENVIRONMENTS", tmp_path)
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    monkeypatch.setenv("PIP_INDEX_URL", index.format(closed=closed))
    with pytest.raises(
        raised, match=r"requirements/clients/pysnow\.lock could not be installed.* pip said: ERROR: "
    ) as info:
        client_python("pysnow")
    assert info.type is raised


@pytest.mark.slow
def test_ctrl_c_ends_the_tests_and_the_node_and_leaves_nothing(tmp_path, small_pysnc, leave_out) -> None:
    try:
        client_python("pysnc")
    except IndexUnreachableError as error:
        leave_out(str(error))
    (small_pysnc / "test" / "test_asking.py").write_text(
        "import pathlib, time\n\ndef test_long():\n    pathlib.Path('begun').touch()\n    time.sleep(100)\n",
        encoding="utf-8",
    )
    (tmp_path / "scratch").mkdir()
    process = subprocess.Popen(
        [sys.executable, "-m", "scripts.clients", small_pysnc],
        cwd=ROOT,
        env=os.environ | {"TMPDIR": str(tmp_path / "scratch")},
        stderr=subprocess.PIPE,
        text=True,
    )
    while process.poll() is None and not (small_pysnc / "begun").exists():
        time.sleep(0.05)
    assert any("node" in one for one in living_with(tmp_path))
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert said.splitlines()[-1] == "Stopped; nothing is left running."
    assert left_of(tmp_path) == []
    assert list((tmp_path / "scratch").iterdir()) == []
