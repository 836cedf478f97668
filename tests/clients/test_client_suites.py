"""How the tests of others are run: what is made of their results, and what is told when they can't be run."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from scripts.clients import environments
from scripts.clients.environments import ClientMissingError, IndexUnreachableError, client_python
from scripts.clients.itsm_targets import NOT_TRIED, TRIED, is_itsm
from scripts.clients.pysnc_suite import is_pysnc
from scripts.clients.report import Part, table, total

ROOT = Path(__file__).parent.parent.parent

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


def test_no_target_is_both_tried_and_left_out() -> None:
    assert not set(TRIED) & set(NOT_TRIED)


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


@pytest.mark.slow
def test_what_is_no_source_is_refused_with_what_would_be_one(tmp_path) -> None:
    done = run(tmp_path)
    assert done.returncode == 2
    assert f"{tmp_path} holds neither PySNC nor servicenow.itsm: give the folder of a copy" in " ".join(
        done.stderr.split()
    )


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
