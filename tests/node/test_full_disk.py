"""A disk that is full: whoever wants something kept is told so and how it is mended; the node goes on by itself."""

import os
import re
import shutil
import subprocess
from contextlib import asynccontextmanager

import pytest

from node.backups import disk_space
from node.backups.marking import BackupError
from node.backups.taking import take
from node.console.sessions import SEEN_EVERY_S
from node.problems import PROBLEMS, Problem
from protocol.envelope import envelope_bytes
from protocol.identity import SigningKey
from tests.e2e.processes import NodeProcess
from tests.node.backup_world import KEY, make
from tests.node.console_visits import Visit
from tests.node.envelopes import acceptance, details, tell
from tests.node.instance.rest_world import grow_no_more, rest_world
from tests.node.local_nodes import running_node

ROW = PROBLEMS[Problem.DISK_FULL]
PARTNER = SigningKey(b"p" * 32)
NAMES = {"destination_url": None, "local_short_name": "a", "remote_short_name": "b", "ask_me": False}
PAGES_MAX = 4294967294


def may_grow(node, *, pages=None):
    """Whether the database may have more pages than now; the disk of the others is full."""
    link = node.node.context.store._database.connection
    link.exec_driver_sql(f"PRAGMA max_page_count = {pages or link.exec_driver_sql('PRAGMA page_count').scalar()}")


async def initiated(node, name):
    return await node.admin("POST", "/connections", NAMES | {"name": name})


async def ready(node):
    async with node.http.get(f"{node.url}/readyz") as answer:
        return answer.status, await answer.json()


@asynccontextmanager
async def full_node(data):
    """A node with some connections whose disk is full, and the last answer to its admin."""
    async with running_node(data) as node:
        made = [await node.initiate(None, name=f"before {number}", ask_me=False) for number in range(10)]
        more, refusal = await fill(node)
        yield node, made + more, refusal


async def fill(node):
    """Let it grow no more and initiate until that is refused: what was made, and the refusal."""
    may_grow(node)
    made = []
    for number in range(100):
        status, answer = await initiated(node, f"n{number}")
        if status != 201:
            break
        made.append(answer)
    return made, (status, answer)


async def test_an_act_is_refused_with_what_to_do_about_it_and_nothing_is_half_done(tmp_path):
    async with full_node(tmp_path / "a") as (node, made, (status, problem)):
        assert (status, problem["type"]) == (507, "/problems/disk-full")
        assert (problem["title"], problem["remedy"]) == (ROW.title, ROW.remedy)
        assert "disk" in problem["detail"]
        _, listed = await node.admin("GET", "/connections?limit=500")
        assert len(listed["connections"]) == len(made), "reading goes on, and nothing is there that was refused"


async def test_readyz_says_why_until_something_was_kept_again(tmp_path):
    async with running_node(tmp_path / "ready") as node:
        assert (await ready(node))[0] == 200
    async with full_node(tmp_path / "a") as (node, _, _):
        for _ in range(2):
            status, told = await ready(node)
            assert (status, told["status"], told["store"]) == (503, "not ready", "disk-full")
            assert "disk" in told["reason"]
        may_grow(node, pages=PAGES_MAX)
        assert await ready(node) == (200, {"status": "ready", "store": "ok", "broker": "none"})
        assert (await initiated(node, "after"))[0] == 201


async def test_the_console_says_so_on_a_page(tmp_path):
    async with running_node(tmp_path / "a") as node, Visit(node) as admin:
        await admin.sign_in()
        offered = [await node.initiate(None, name=f"n{number}") for number in range(20)]
        may_grow(node)
        refused = []
        for one in offered:
            path = f"/console/connections/{one['connection']['sys_id']}"
            _, page = await admin.get(path)
            answer, told = await admin.send(page, f"{path}/act", act="withdraw")
            if answer.status not in {204, 303}:
                refused.append((answer.status, told.source))
        assert {status for status, _ in refused} == {507}
        assert all(ROW.title in source and "Make room" in source for _, source in refused)


async def test_the_instance_says_so_to_its_clients(tmp_path):
    async with rest_world(tmp_path) as rest:
        await rest.make("incident", short_description="before")
        await (await rest.instance.database()).write(grow_no_more)
        said = await rest("POST", "table/incident", {"description": "x" * 100_000, "work_notes": "y" * 100_000})
        assert said.error == (507, "Insufficient storage")
        assert "disk" in said.json["error"]["detail"]
        assert len((await rest("GET", "table/incident")).result) == 1


async def test_whoever_only_looks_needs_no_room(tmp_path):
    async with running_node(tmp_path / "a") as node, Visit(node) as admin:
        await admin.sign_in()
        _, page = await admin.get("/console/settings")
        _, page = await admin.send(page, "/console/settings/tokens", name="nightly job")
        token = re.search(r'id="made-token" value="([A-Za-z0-9_-]{43})"', page.source)[1]
        for table in ("sessions", "api_tokens"):  # a change in place may find room where a longer one finds none
            node.node.context.store._database.connection.exec_driver_sql(
                f"CREATE TRIGGER {table}_full BEFORE UPDATE ON {table} BEGIN SELECT RAISE(ABORT, 'no room'); END"
            )
        await fill(node)
        node.clock.ahead_s += SEEN_EVERY_S + 1
        answer, page = await admin.get("/console/connections")
        assert (answer.status, page.headings) == (200, ["Connections"])
        async with node.http.get(f"{node.url}/api/v1/node", headers={"Authorization": f"Bearer {token}"}) as answer:
            assert answer.status == 200


async def test_a_partner_is_answered_nothing_signed_and_comes_again(tmp_path):
    async with full_node(tmp_path / "a") as (node, made, _):
        answers = [
            await tell(node, envelope_bytes(acceptance(node, one["invitation_code"], PARTNER, details())))
            for one in made
        ]
        assert {answer.status for answer in answers if answer.status != 200} == {503}
        may_grow(node, pages=PAGES_MAX)
        for one in made:
            answer = await tell(node, envelope_bytes(acceptance(node, one["invitation_code"], PARTNER, details())))
            assert answer.status == 200
            await node.until(one["connection"]["sys_id"], "active")


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 4 MB."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", place], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"this user may mount nothing here ({mounted.stderr.decode().strip()})")
    yield place
    subprocess.run(["umount", place], check=True)


@pytest.mark.slow
@pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount a small file system")
def test_a_node_on_a_disk_that_is_really_full_says_so_and_goes_on_once_there_is_room(handclasp, small_disk):
    node = NodeProcess(name="a", data=small_disk / "a")
    node.start()
    try:
        sys_id, _ = node.initiate(None, name="before")
        filler = small_disk / "filler"
        with filler.open("wb", buffering=0) as stream, pytest.raises(OSError, match="No space left"):
            while True:
                stream.write(bytes(4096))
        status, problem = 201, {}
        for number in range(2000):  # what the log of the database holds already is used first
            status, problem = node.admin("POST", "/connections", NAMES | {"name": f"n{number}"})
            if status != 201:
                break
        assert (status, problem["type"]) == (507, "/problems/disk-full")
        error = handclasp.here("connections", "withdraw", "before", "--yes", "--data", node.data).refused(1)
        assert "the disk that its data directory is on is full" in error
        assert "Make room on the disk" in error
        assert not node.is_ready()
        filler.unlink()
        assert node.is_ready()
        handclasp.here("connections", "withdraw", "before", "--yes", "--data", node.data).succeeded()
        assert node.status(sys_id) == "closed"
    finally:
        node.close()


@pytest.mark.slow
@pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount a small file system")
def test_a_backup_that_meets_the_end_of_its_disk_says_so_and_leaves_nothing(small_disk, tmp_path, monkeypatch):
    source, before = make(tmp_path / "now", "now"), shutil.disk_usage(tmp_path)
    monkeypatch.setattr(disk_space.shutil, "disk_usage", lambda _folder: before)  # there was room when it began
    (small_disk / "filler").write_bytes(bytes((4 << 20) - (32 << 10)))
    with pytest.raises(BackupError, match=f"^{small_disk} has no room for a copy of {source / 'node.db'}. Make room"):
        take(source, small_disk / "file", key=KEY, now=1)
    assert [one.name for one in small_disk.iterdir()] == ["filler"]
