"""Schemathesis makes up requests by the OpenAPI document, right and wrong ones, and stories of them, for a real node.

Its answers must never be 5xx and never be one that the document does not have: status, media type, headers, members. A
request that is wrong by the document must be refused, one that is right must not.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from node.admin.operations import OPERATIONS
from node.data_directory import read_admin_token
from tests.e2e.processes import NodeProcess, until

ROOT = Path(__file__).parents[2]
HOOKS = "tests.node.schemathesis_hooks"
SEED = 1
EXAMPLES_OF_AN_OPERATION = 10
CASES_MIN = 1_000

SETTINGS = """
[checks]
# A code or a license key that is no such thing, or a key that was used before: refused, as the hooks' own check says in
# detail. A text that is too long may make the whole request too long.
positive_data_acceptance.expected-statuses = ["2xx", "404", "409", "413", "422"]
negative_data_rejection.expected-statuses = ["400", "401", "404", "405", "409", "413", "415", "422"]
"""


@pytest.fixture(scope="module")
def nodes(tmp_path_factory):
    folder = tmp_path_factory.mktemp("schemathesis")
    pair = [NodeProcess(name=name, data=folder / name) for name in ("a", "b")]
    try:
        for node in pair:
            node.start()
        yield folder, *pair
    finally:
        for node in pair:
            node.close()


def connections(a, b):
    """One connection of each status, and some to be used up."""
    found = []
    for number in range(6):
        sys_id, code = a.initiate(b.url, name=f"active {number}")
        b.accept(code)
        a.until_active(sys_id)
        found.append(sys_id)
    for number in range(6):
        sys_id, code = a.initiate(None, name=f"asked {number}")
        b.accept(code)
        until(lambda one=sys_id: a.status(one) == "awaiting-approval", "accepted")
        found += [sys_id, a.initiate(None, name=f"pending {number}")[0]]
        code = b.initiate(a.url, name=f"of b {number}")[1]
        found.append(a.accept(code)["sys_id"])
    return found


@pytest.mark.slow
def test_no_request_is_answered_otherwise_than_the_document_says(nodes):
    folder, a, b = nodes
    environment = os.environ | {
        "SCHEMATHESIS_HOOKS": HOOKS,
        "PYTHONPATH": str(ROOT),
        "HANDCLASP_TEST_CONNECTIONS": ",".join(connections(a, b)),
        "HANDCLASP_TEST_CODES": ",".join(b.initiate(a.url, name=f"code {number}")[1] for number in range(20)),
        "HANDCLASP_TEST_PARTNER": b.url,
    }
    (folder / "settings.toml").write_text(SETTINGS, encoding="utf-8")
    document = folder / "openapi.json"
    document.write_text(json.dumps(a.admin("GET", "/openapi.json")[1]), encoding="utf-8")
    report = folder / "report.json"
    command = [
        str(Path(sys.executable).parent / "schemathesis"), "--config-file", str(folder / "settings.toml"),
        "run", str(document), "--url", f"{a.url}/", "--header", f"Authorization: Bearer {read_admin_token(a.data)}",
        "--checks", "all", "--mode", "all", "--seed", str(SEED), "--max-examples", str(EXAMPLES_OF_AN_OPERATION),
        "--report", "json", "--report-json-path", str(report), "--request-timeout", "30", "--continue-on-failure",
    ]  # fmt: skip
    ended = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    told = json.loads(report.read_text(encoding="utf-8"))
    assert told["complete"]
    assert (told["failures"], told["errors"]) == ([], [])
    assert told["operations"]["tested"] == len(OPERATIONS)
    assert {name: phase["status"] for name, phase in told["phases"].items()} == dict.fromkeys(
        ("examples", "coverage", "fuzzing", "stateful"), "success"
    )
    assert told["test_cases"]["generated"] >= CASES_MIN
