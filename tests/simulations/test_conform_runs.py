"""Whole conformance runs: our own node keeps every rule; a copy of it with a planted mistake is told by its rule."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys

import pytest

from node.data_directory import read_admin_token
from protocol.vocabulary import Role
from simulations.conform.findings import Outcome
from simulations.conform.rules import UNTRIABLE
from simulations.planting.plants import plants
from simulations.planting.scratch import scratch
from tests.e2e.processes import NodeProcess, free_port, until
from tests.simulations.conforming import conformed

pytestmark = pytest.mark.slow

PLANTED = [
    ("serial not compared", Role.SOURCE, "handshake", "source 2"),
    ("cancel that arrives before its accept ignored", Role.SOURCE, "cancel that overtakes", "source 7"),
    ("wrong key pinned on retry", Role.SOURCE, "handshake", "source 11"),
    ("echo compared by revision only", Role.SOURCE, "handshake", "source 13"),
    ("switch taken without comparing revisions", Role.DESTINATION, "handshake", "destination 9"),
    ("unsigned refusal believed", Role.DESTINATION, "handshake", "no answer: forged"),
    ("owed cleared by any answer", Role.DESTINATION, "approval", "owed"),
]


@pytest.mark.parametrize("role", Role)
def test_our_own_node_keeps_every_rule(role, tmp_path):
    node = NodeProcess(name="n", data=tmp_path / "n")
    try:
        node.start()
        verdicts = asyncio.run(conformed(node.url, read_admin_token(node.data), role))
    finally:
        node.close()
    assert {name: one.faults for name, one in verdicts.items() if one.faults} == {}
    untried = {name for name, one in verdicts.items() if one.outcome is Outcome.NOT_TRIED}
    assert untried <= UNTRIABLE.keys()


@pytest.mark.parametrize(("planted", "role", "story", "rule"), PLANTED, ids=str)
def test_a_planted_mistake_is_told_by_the_rule_that_it_breaks(planted, role, story, rule, tmp_path):
    plant = next(one for one in plants() if one.name == planted)
    with scratch(plant) as copy, copied_node(copy, tmp_path) as (url, token):
        verdicts = asyncio.run(conformed(url, token, role, [story], wait_s=5))
    broken = {name: one.faults for name, one in verdicts.items() if one.faults}
    assert broken.keys() == {rule}, broken


class copied_node:  # noqa: N801 - a context manager
    """A node that runs from a scratch copy."""

    def __init__(self, copy, data) -> None:
        self.url = f"http://127.0.0.1:{free_port()}"
        self.data = data / "copied"
        settings = {
            "PYTHONPATH": str(copy), "HANDCLASP_NAME": "copied", "HANDCLASP_DATA": str(self.data),
            "HANDCLASP_LISTEN": self.url.removeprefix("http://"), "HANDCLASP_NODE_URL": self.url,
            "HANDCLASP_INSTANCE_LISTEN": f"127.0.0.1:{free_port()}", "HANDCLASP_BROKER": "none",
        }  # fmt: skip
        kept = {name: value for name, value in os.environ.items() if not name.startswith("HANDCLASP_")}
        self.log = data / "copied.log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-P", "-m", "node", "node"], cwd=copy, env=kept | settings, stdout=log, stderr=log
            )

    def __enter__(self):
        import urllib.request

        def is_ready() -> bool:
            assert self.process.poll() is None, self.log.read_text()
            try:
                with urllib.request.urlopen(f"{self.url}/readyz", timeout=1) as answer:
                    return answer.status == 200
            except OSError:
                return False

        until(is_ready, "the copied node is ready")
        return self.url, read_admin_token(self.data)

    def __exit__(self, *_unused) -> None:
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(10)
        finally:
            self.process.kill()
