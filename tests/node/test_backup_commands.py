"""`handclasp backup` and `handclasp restore`: taken while the node works, put back on a stopped one, refused otherwise."""

import base64
import json
import os
import shutil
import signal
import sqlite3
import stat
import threading
import zipfile
from contextlib import closing
from pathlib import Path

import pytest

from node.backups import taking
from node.backups.marking import TABLE, BackupError, read_facts
from node.cli import backup_commands
from node.cli.failures import EXIT_INTERRUPTED
from tests.e2e.processes import NodeProcess
from tests.node.command_line import CommandLine, contents_of, rows_of


@pytest.fixture
def node(tmp_path):
    process = NodeProcess(name="a", data=tmp_path / "a")
    process.start()
    yield process
    process.close()


@pytest.fixture(scope="module")
def ended(tmp_path_factory):
    """Where a node ran, was given a connection and backed up, and was stopped: its directory `a`, and the `file`."""
    folder = tmp_path_factory.mktemp("ended")
    process = NodeProcess(name="a", data=folder / "a")
    try:
        process.start()
        process.initiate(None, name="one")
        backed_up(CommandLine(folder), process, folder / "file")
        process.stop()
    finally:
        process.close()
    return folder


@pytest.fixture
def stopped(ended, tmp_path):
    """A copy of its directory, and the backup."""
    return shutil.copytree(ended / "a", tmp_path / "a"), ended / "file"


@pytest.fixture
def idle(stopped):
    """A node that can be started on the copy."""
    process = NodeProcess(name="a", data=stopped[0])
    yield process
    process.close()


def names(database):
    with closing(sqlite3.connect(database)) as link:
        return [name for (name,) in link.execute("SELECT name FROM connections ORDER BY n")]


def unpacked(file, into):
    """The node's database in a backup, as a file."""
    with zipfile.ZipFile(file) as archive:
        return Path(archive.extract("node.db", into))


def backed_up(handclasp, node, file):
    return handclasp.here("backup", file, "--data", node.data).succeeded().out


def test_a_backup_is_taken_while_the_node_runs_and_is_for_its_owner_alone(handclasp, node, tmp_path):
    node.initiate(None, name="one")
    file = tmp_path / "file.backup"
    before = os.umask(0o022)
    said = backed_up(handclasp, node, file)
    os.umask(before)
    assert said.startswith(f"1 connection backed up into {file}. The instance is not there yet.\n")
    assert f"keep a copy of {node.data / 'node.key'} in another place" in said
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert sorted(path.name for path in tmp_path.glob("file*")) == ["file.backup"]
    content = unpacked(file, tmp_path / "unpacked")
    assert names(content) == ["one"]
    key = json.loads((node.data / "node.key").read_text())
    secrets = [base64.b64decode(key[name]) for name in ("signing_seed", "master_secret")]
    secrets += [key["signing_seed"].encode(), key["master_secret"].encode()]
    secrets.append((node.data / "admin.token").read_bytes().strip())
    assert not [secret for secret in secrets if secret in file.read_bytes() + content.read_bytes()]


def test_a_backup_of_a_busy_node_is_whole_and_holds_what_was_committed_before(handclasp, node, tmp_path):
    made, ended = [], threading.Event()

    def work():
        while not ended.is_set():
            made.append(node.initiate(None, name=f"n{len(made)}")[0])

    thread = threading.Thread(target=work)
    thread.start()
    try:
        for number in range(5):
            before = len(made)
            backed_up(handclasp, node, tmp_path / str(number))
            content = unpacked(tmp_path / str(number), tmp_path / f"{number}.unpacked")
            with closing(sqlite3.connect(content)) as link:
                assert link.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            found = names(content)
            assert found == [f"n{n}" for n in range(len(found))]
            assert len(found) >= before
    finally:
        ended.set()
        thread.join()
    assert len(made) > 5


def test_a_backup_that_is_ended_leaves_nothing_and_its_scratch_files_are_the_owners(
    handclasp, nodes, tmp_path, monkeypatch
):
    modes, terms = [], []

    def progressed(_part):
        modes.extend(stat.S_IMODE(file.stat().st_mode) for file in tmp_path.glob("*.partial/*"))
        os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(backup_commands, "_progress", lambda _size: progressed)
    mask, handler = os.umask(0o022), signal.signal(signal.SIGTERM, lambda *told: terms.append(told))
    try:
        done = handclasp.here("backup", tmp_path / "file", "--data", nodes.a.data)
    finally:
        os.umask(mask)
        signal.signal(signal.SIGTERM, handler)
    assert (done.code, terms, modes) == (EXIT_INTERRUPTED, [], [0o600])
    assert not list(tmp_path.glob("file*"))


@pytest.mark.slow
def test_nothing_is_overwritten(handclasp, nodes, tmp_path):
    file = tmp_path / "precious"
    file.write_text("precious")
    assert f"{file} exists already." in handclasp.here("backup", file, "--data", nodes.a.data).refused(2)
    assert file.read_text() == "precious"
    assert ". exists already." in handclasp.here("backup", ".", "--data", nodes.a.data).refused(2)


def test_of_two_backups_to_one_file_at_once_one_wins_and_the_file_is_whole(nodes, tmp_path):
    key, file = b"k" * 32, tmp_path / "file"
    both_write, told = threading.Barrier(2), []

    def run(moment):
        try:
            taking.take(nodes.a.data, file, key=key, now=moment, progressed=lambda _: both_write.wait(60))
        except BackupError as error:
            told.append(str(error))

    runs = [threading.Thread(target=run, args=(moment,)) for moment in (1, 2)]
    for one in runs:
        one.start()
    for one in runs:
        one.join()
    assert told == [f"{file} exists already."]
    assert list(tmp_path.iterdir()) == [file]
    assert read_facts(unpacked(file, tmp_path), called=file).taken_at in {1, 2}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["backup"], "FILE"),
        (["backup", "x", "y"], "y"),
        (["restore"], "FILE"),
        (["backup", "x"], "There is no node in the usual places"),
        (["restore", "x"], "There is no node in the usual places"),
        (["backup", "x", "--data", "nowhere"], "nowhere is no node's data directory"),
        (["restore", "x", "--data", "nowhere"], "nowhere is no node's data directory"),
        (["backup", "x", "--data", "a", "--node", "a"], "--data and --node each name a node."),
        (["backup", "x", "--node", "a"], "There is no pair with a node 'a'"),
    ],
)
def test_wrong_usage_is_one_sentence_and_makes_nothing(handclasp, arguments, said):
    assert said in handclasp.here(*arguments).refused(2)
    assert list(handclasp.home.iterdir()) == []


def test_a_target_that_can_not_be_written_is_told(handclasp, nodes, tmp_path):
    error = handclasp.here("backup", tmp_path / "none" / "file", "--data", nodes.a.data).refused(2)
    assert "can't be written (No such file or directory)" in error


@pytest.mark.slow
def test_a_restore_brings_back_what_was_and_keeps_what_it_replaces(handclasp, node, tmp_path):
    node.initiate(None, name="one")
    handclasp("backup", tmp_path / "file", "--data", node.data).succeeded()
    node.initiate(None, name="two")
    node.stop(9)  # what it committed last stands in the log beside the database
    done = handclasp("restore", tmp_path / "file", "--data", node.data).succeeded().out
    assert "1 connection.\nThere is no instance in it; there is none here either.\n1 invitation code of it" in done
    aside = node.data / "node.db.before-restore-1"
    assert f"What was there before is kept as {aside}." in done
    assert names(aside) == ["one", "two"]
    assert names(node.data / "node.db") == ["one"]
    assert stat.S_IMODE((node.data / "node.db").stat().st_mode) == 0o600
    assert "start the node as before, with the same settings" in done
    (node.data.parent / "pair.json").write_text("of a pair, and damaged: that is no error of a restore")
    again = handclasp.here("restore", tmp_path / "file", "--data", node.data, "--yes").succeeded().out
    assert "run `handclasp pair` again" in again
    handclasp.here("restore", tmp_path / "file", "--data", node.data).succeeded()
    assert (node.data / "node.db.before-restore-2").exists()
    node.start()
    _, listed = node.admin("GET", "/connections")
    assert [(one["name"], one["status"], one["reason"]) for one in listed["connections"]] == [
        ("one", "closed", "restored")
    ]
    node.stop()
    assert TABLE not in rows_of(node.data / "node.db"), "it is an ordinary database again"
    node.start()
    assert node.admin("POST", f"/connections/{listed['connections'][0]['sys_id']}/new-code", {})[0] == 201


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can put a backup back for somebody else")
def test_what_root_puts_back_belongs_to_whom_the_directory_does(handclasp, stopped):
    data, file = stopped
    os.chown(data, 65534, 65534)
    handclasp.here("restore", file, "--data", data, "--yes").succeeded()
    found = (data / "node.db").stat()
    assert (found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode)) == (65534, 65534, 0o600)


@pytest.mark.slow
def test_a_backup_that_is_copied_into_place_by_hand_is_a_restore_too(stopped, idle, tmp_path):
    shutil.copy(unpacked(stopped[1], tmp_path / "unpacked"), idle.data / "node.db")
    idle.start()
    _, listed = idle.admin("GET", "/connections")
    assert [one["reason"] for one in listed["connections"]] == ["restored"]


@pytest.mark.slow
def test_a_node_moves_by_its_key_file_and_a_backup(handclasp, stopped, tmp_path):
    data, file = stopped
    new = tmp_path / "new"
    new.mkdir(mode=0o700)
    error = handclasp.here("restore", file, "--data", new).refused(2)
    assert "put the copy of its node.key there first" in error
    shutil.copy(data / "node.key", new)
    document = handclasp.here("restore", file, "--data", new, "--json").succeeded().json
    assert (document["connections"], document["codes_that_die"], document["replaced"]) == (1, 1, None)
    assert names(new / "node.db") == ["one"]


def refused_and_unchanged(handclasp, data, file):
    before = contents_of(data)
    error = handclasp.here("restore", file, "--data", data).refused(2)
    assert contents_of(data) == before
    return error


def test_what_can_not_be_put_back_is_refused_and_changes_nothing(handclasp, nodes, stopped, tmp_path):
    data, file = stopped
    running = handclasp.here("restore", file, "--data", nodes.a.data).refused(2)
    assert f"is in use by process {nodes.a.process.pid}" in running
    whole = file.read_bytes()
    for content, said in (
        (b"", "is no backup of a node"),
        (b"a letter" * 1000, "is no backup of a node"),
        (whole[: len(whole) // 2], "is damaged"),
        (whole[:2000] + b"\xff" * 500 + whole[2500:], "is damaged"),
        ((data / "node.db").read_bytes(), "no backup that `handclasp backup` made"),
    ):
        (tmp_path / "odd").write_bytes(content)
        assert said in refused_and_unchanged(handclasp, data, tmp_path / "odd")
    assert "can't be read" in refused_and_unchanged(handclasp, data, tmp_path / "missing")
    old = unpacked(file, tmp_path)
    with closing(sqlite3.connect(old)) as link:
        link.execute("ALTER TABLE backup DROP COLUMN sha256")
        link.execute("UPDATE alembic_version SET version_num = '9999'")
        link.commit()
    assert f"{old} was written by a newer version" in refused_and_unchanged(handclasp, data, old)


def test_a_backup_of_another_node_is_refused(handclasp, nodes, stopped, tmp_path):
    backed_up(handclasp, nodes.b, tmp_path / "other")
    assert "is a backup of the node" in refused_and_unchanged(handclasp, stopped[0], tmp_path / "other")


@pytest.mark.slow
def test_a_damaged_database_is_set_aside_as_it_is(handclasp, stopped, idle):
    (idle.data / "node.db").write_bytes(b"rubbish" * 1000)
    handclasp.here("restore", stopped[1], "--data", idle.data).succeeded()
    assert (idle.data / "node.db.before-restore-1").read_bytes() == b"rubbish" * 1000
    assert not (idle.data / "node.db-wal").exists()
    idle.start()
    assert len(idle.admin("GET", "/connections")[1]["connections"]) == 1
