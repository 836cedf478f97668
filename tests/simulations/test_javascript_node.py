"""The second implementation, written from docs/protocol.md: it keeps the vectors and the rules, and meets our node."""

from __future__ import annotations

import asyncio
import subprocess
import sys

import pytest

from protocol.vocabulary import Role
from simulations.conform import running, shell
from simulations.conform.findings import Outcome
from simulations.conform.rules import UNTRIABLE, row_rule
from tests.node.local_nodes import running_node
from tests.simulations.javascript_node import FOLDER, javascript_node

pytestmark = pytest.mark.nodejs

UNTAKEN = {*(row_rule(Role.DESTINATION, row) for row in ("1", "6", "7", "7a", "8")), "act decline"}
"""It takes no announcements, which the protocol leaves to it."""


def test_it_keeps_every_vector(find_program):
    done = subprocess.run(
        [find_program("node"), FOLDER / "vectors.mjs"], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert done.stdout.endswith(" comparisons, 0 differences\n")
    assert int(done.stdout.split()[0]) > 1000


async def until_active(node, other, connection: str) -> None:
    async with asyncio.timeout(30):
        while True:
            shown = await node.connection(connection)
            theirs = {one["connection"]: one for one in await other.typed("list")}
            statuses = shown["status"], theirs.get(connection, {}).get("status"), theirs.get(connection, {}).get("owed")
            if statuses == ("active", "active", False):
                return
            await asyncio.sleep(0.05)


@pytest.mark.slow
async def test_it_shakes_hands_with_our_node_as_destination_and_as_source(find_program, tmp_path):
    async with running_node(tmp_path / "ours") as node, javascript_node(find_program("node"), tmp_path / "js") as other:
        made = await node.initiate(None, name="to_javascript", ask_me=False)
        await other.accept(made["invitation_code"])
        await until_active(node, other, made["connection"]["sys_id"])
        bound = await node.initiate(other.url, name="to_javascript_by_url")
        await other.accept(bound["invitation_code"])
        await until_active(node, other, bound["connection"]["sys_id"])
        offered = await other.typed("initiate from_javascript")
        assert (await node.accept(offered["code"]))[0] == 201
        await until_active(node, other, offered["connection"])
        announced = await other.typed(f"initiate from_javascript_by_url {node.url}")
        await node.until(announced["connection"], "invited")
        assert (await node.accept(announced["code"]))[0] == 201
        await until_active(node, other, announced["connection"])


@pytest.mark.slow
async def test_a_person_at_the_terminal_drives_it(find_program, tmp_path):
    async with javascript_node(find_program("node"), tmp_path / "js") as node:
        command = [
            sys.executable,
            "-m",
            "node",
            "conform",
            node.url,
            "--as",
            "source",
            "--story",
            "cancel that overtakes",
        ]
        run = await asyncio.create_subprocess_exec(*command, stdin=-1, stdout=-1, stderr=-1)
        assert b"Initiate a connection 'conform " in await run.stderr.readline()
        code = (await node.typed("initiate by_hand"))["code"]
        told, _ = await run.communicate(f"{code}\n".encode())
    assert run.returncode == 0
    outcomes = {line[16:41].strip(): line.split()[0] for line in told.decode().splitlines() if "§" in line}
    assert [outcomes[rule] for rule in ("code", "source 7", "source 15", "source 6")] == ["kept", "kept", "kept", "not"]


@pytest.mark.slow
@pytest.mark.parametrize("role", Role)
async def test_it_keeps_every_rule(role, find_program, tmp_path):
    async with javascript_node(find_program("node"), tmp_path / "js") as node:
        runner = shell.Shell(node.url, driver=node, wait_s=20, quiet_s=0.5)
        stories = [title for title in running.STORIES[role] if title != "expiry"]
        async with shell.serving(runner, host="127.0.0.1", port=0, advertised=None):
            findings = await running.run(runner, role, stories, told=lambda _title: None)
    verdicts = {one.rule.name: one for one in findings.verdicts()}
    assert {name: one.faults for name, one in verdicts.items() if one.faults} == {}
    untried = {name for name, one in verdicts.items() if one.outcome is Outcome.NOT_TRIED}
    assert untried <= UNTRIABLE.keys() | UNTAKEN | {row_rule(Role.SOURCE, "4")}
