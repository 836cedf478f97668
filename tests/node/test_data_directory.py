import fcntl
import json
import os
import re
import signal
import stat
import subprocess
import sys
import threading
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID

import pytest

from node.data_directory import DataDirectory, DataDirectoryError, Runtime, read_admin_token, read_runtime
from node.real_ports import SystemEntropy

NOBODY = 65_534
ROOT = Path(__file__).parents[2]

HOLD = """
import sys
from pathlib import Path
from node.data_directory import DataDirectory, Runtime
from node.real_ports import SystemEntropy
data = DataDirectory(Path(sys.argv[1]), entropy=SystemEntropy())
data.write_runtime(Runtime(pid=1, node_url="http://127.0.0.1:1", instance_url=None, listen="127.0.0.1:1",
                           instance_listen=None, started_at=0.5))
print("held", flush=True)
sys.stdin.read()
data.close()
"""


class CountingEntropy:
    """Bytes that differ by the draw, the same in every run."""

    def __init__(self, seed=0):
        self.draw = seed

    def token(self, size_bytes):
        self.draw += 1
        return bytes([self.draw]) * size_bytes

    def fraction(self):
        return 0.0


@contextmanager
def another_process(script, path):
    process = subprocess.Popen(
        [sys.executable, "-c", script, str(path)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout.readline()
        yield process
    finally:
        process.kill()
        process.communicate(timeout=30)


def take(path, seed=0):
    return DataDirectory(path, entropy=CountingEntropy(seed))


def refusal(path):
    """The sentence with which the directory is refused; asserts that nothing in it was changed."""
    before = contents(path)
    with pytest.raises(DataDirectoryError) as caught:
        take(path, seed=100)
    assert contents(path) == before
    sentence = str(caught.value)
    assert re.fullmatch(r"\S.*\S\.", sentence), "one line that ends like a sentence"
    return sentence


def contents(path):
    if not path.is_dir():
        return path.exists()
    return {file.name: (file.stat().st_mode, file.read_bytes()) for file in path.iterdir() if file.name != "node.lock"}


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def data(tmp_path):
    return tmp_path / "share" / "handclasp" / "node"


@pytest.fixture
def used(data):
    """A directory that a node has used before."""
    take(data).close()
    return data


def test_the_first_start_makes_all_of_it_for_the_owner_alone(data):
    old = os.umask(0o000)
    try:
        with take(data):
            assert mode(data) == 0o700
            assert sorted(file.name for file in data.iterdir()) == [
                "admin.password",
                "admin.token",
                "node.key",
                "node.lock",
                "version",
            ]
            assert {mode(file) for file in data.iterdir()} == {0o600}
    finally:
        os.umask(old)


def test_the_identity_is_drawn_from_entropy(data):
    with take(data) as directory:
        identity = directory.identity
        assert UUID(bytes=identity.node_id).version == 4
        assert identity.node_id == UUID(bytes=b"\1" * 16, version=4).bytes
        assert str(identity) == "01010101-0101-4101-8101-010101010101"
        assert json.loads((data / "node.key").read_text())["signing_seed"] == "AgIC" * 10 + "AgI="
        assert identity.master_secret == b"\3" * 32
        assert directory.admin_token == "BAQE" * 10 + "BAQ"


def test_a_second_start_finds_what_the_first_one_made(data):
    with take(data) as first:
        identity, token = first.identity, first.admin_token
    with take(data, seed=100) as second:
        assert second.identity.node_id == identity.node_id
        assert second.identity.signing_key.public == identity.signing_key.public
        assert second.identity.master_secret == identity.master_secret
        assert second.admin_token == token == read_admin_token(data)


def test_two_directories_are_two_nodes(tmp_path):
    with (
        DataDirectory(tmp_path / "a", entropy=SystemEntropy()) as a,
        DataDirectory(tmp_path / "b", entropy=SystemEntropy()) as b,
    ):
        assert a.identity.node_id != b.identity.node_id
        assert a.identity.signing_key.public != b.identity.signing_key.public
        assert a.admin_token != b.admin_token


def test_no_secret_is_in_a_repr(data):
    with take(data) as directory:
        shown = f"{directory!r} {directory.identity!r} {directory.identity} {vars(directory).keys()}"
        for secret in (directory.admin_token, "AgIC", r"\x02\x02", r"\x03\x03", "0202", "0303"):
            assert secret not in shown


def test_a_deleted_token_is_made_anew(used):
    old = read_admin_token(used)
    (used / "admin.token").unlink()
    assert read_admin_token(used) is None
    with take(used, seed=50) as directory:
        assert directory.admin_token != old


def test_what_a_crash_left_half_written_is_written_over(data):
    data.mkdir(parents=True)
    (data / "node.key.new").write_text('{"version": 1, "node_')
    with take(data):
        assert not (data / "node.key.new").exists()
    (data / "admin.token").unlink()
    (data / "admin.token.new").write_text("half")
    take(data).close()
    assert read_admin_token(data)


def test_a_directory_that_another_process_uses_is_refused_with_its_id(data):
    with another_process(HOLD, data) as holder:
        sentence = refusal(data)
        assert f"is in use by process {holder.pid}" in sentence
        assert str(data) in sentence
        assert "--data" in sentence
        holder.communicate(timeout=30)
        take(data).close()


def test_a_directory_is_refused_to_a_second_node_in_the_same_process(data):
    with take(data):
        assert f"in use by process {os.getpid()}" in refusal(data)
    take(data).close()


def test_a_killed_node_leaves_the_directory_usable(data):
    with another_process(HOLD, data) as holder:
        assert read_runtime(data).listen == "127.0.0.1:1"
        holder.send_signal(signal.SIGKILL)
        holder.wait(timeout=30)
        assert (data / "node.run").exists()
        assert read_runtime(data) is None
        with take(data):
            assert not (data / "node.run").exists()


def test_a_start_waits_for_a_command_that_looks_whether_a_node_runs(used):
    descriptor = os.open(used / "node.lock", os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_SH)
    looking = threading.Timer(0.03, os.close, (descriptor,))
    looking.start()
    take(used).close()
    looking.join()


def test_a_refused_directory_is_free_again(used):
    key = (used / "node.key").read_bytes()
    (used / "node.key").write_text("{}")
    refusal(used)
    (used / "node.key").write_bytes(key)
    take(used).close()


def test_the_runtime_is_there_from_ready_to_stop(data):
    runtime = Runtime(
        pid=os.getpid(),
        node_url="http://127.0.0.1:8101",
        instance_url="http://127.0.0.1:8001",
        listen="0.0.0.0:8101",
        instance_listen="127.0.0.1:8001",
        started_at=1_700_000_000.5,
    )
    assert read_runtime(data) is None
    with take(data) as directory:
        assert read_runtime(data) is None
        directory.write_runtime(runtime)
        assert read_runtime(data) == runtime
        assert mode(data / "node.run") == 0o600
    assert read_runtime(data) is None
    assert not (data / "node.run").exists()
    directory.close()


@pytest.mark.parametrize("text", ["", "{", "[]", '{"pid": 1}'])
def test_a_damaged_runtime_is_a_sentence(data, text):
    with take(data):
        (data / "node.run").write_text(text)
        with pytest.raises(DataDirectoryError, match=r"node\.run is damaged: restart the node"):
            read_runtime(data)


def test_a_file_is_no_directory(data):
    data.parent.mkdir(parents=True)
    data.write_text("mine")
    assert f"{data} is a file" in refusal(data)
    assert "lies below a file" in refusal(data / "deeper")
    assert "lies below a file" in refusal(data / "deeper" / "still")
    assert data.read_text() == "mine"


def test_a_directory_that_can_not_be_made_or_written_is_refused():
    # The process file system refuses even the superuser.
    assert "can't be made" in refusal(Path("/proc/handclasp"))
    with pytest.raises(DataDirectoryError, match="can't be written"):
        take(Path("/proc/self"))


def test_a_directory_that_this_user_may_not_write_is_refused():
    is_superuser = os.geteuid() == 0
    with TemporaryDirectory() as place:
        Path(place).chmod(0o711)
        directory = Path(place) / "node"
        directory.mkdir(0o555)
        if is_superuser:
            os.seteuid(NOBODY)
        try:
            assert f"{directory} can't be written (Permission denied)" in refusal(directory)
        finally:
            if is_superuser:
                os.seteuid(0)


def test_a_directory_that_everyone_may_write_is_refused(used):
    used.chmod(0o777)
    assert f"run `chmod o-w {used}`" in refusal(used)
    used.chmod(0o755)
    take(used).close()


def test_data_of_a_newer_version_are_refused(used):
    (used / "version").write_text("2\n")
    sentence = refusal(used)
    assert "newer Handclasp (layout 2, this one knows 1)" in sentence
    assert "upgrade" in sentence


def test_newer_data_are_not_even_locked(data):
    data.mkdir(parents=True)
    (data / "version").write_text("2\n")
    refusal(data)
    assert not (data / "node.lock").exists()


@pytest.mark.parametrize("text", ["", "one", "-1", "1.0", "٣", "1\n2"])
def test_a_version_that_is_no_number_is_refused(used, text):
    (used / "version").write_text(text)
    assert "holds no number" in refusal(used)


@pytest.mark.parametrize("name", ["node.key", "admin.token"])
@pytest.mark.parametrize("bits", [0o640, 0o604, 0o660, 0o644])
def test_a_secret_that_others_can_read_is_refused_with_the_command_that_mends_it(used, name, bits):
    (used / name).chmod(bits)
    sentence = refusal(used)
    assert f"run `chmod 600 {used / name}`" in sentence
    assert f"{bits:04o}" in sentence


GOOD = {
    "version": 1,
    "node_id": "01010101-0101-4101-8101-010101010101",
    "signing_seed": "AgIC" * 10 + "AgI=",
    "master_secret": "AwMD" * 10 + "AwM=",
}


def test_the_key_file_that_the_damage_is_done_to_is_good(used):
    assert json.loads((used / "node.key").read_text()) == GOOD


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\x00" * 200,
        "{",
        "[]",
        "null",
        "[" * 10_000,
        json.dumps(GOOD)[:-5],
        json.dumps(GOOD) + "{",
        *(
            json.dumps({key: value for key, value in GOOD.items() if key != missing})
            for missing in ("version", "node_id", "signing_seed", "master_secret")
        ),
        *(
            json.dumps(GOOD | change)
            for change in (
                {"version": 0},
                {"version": "1"},
                {"node_id": 1},
                {"node_id": "01010101-0101-1101-8101-010101010101"},
                {"node_id": "01010101-0101-4101-0101-010101010101"},
                {"signing_seed": "AgIC"},
                {"signing_seed": "é" * 44},
                {"signing_seed": None},
                {"master_secret": "AwMD" * 11},
                {"master_secret": "*" + "AwMD" * 10 + "AwM="},
            )
        ),
    ],
)
def test_a_damaged_key_file_is_refused_and_left_as_it_is(used, text):
    (used / "node.key").write_text(text)
    sentence = refusal(used)
    assert f"{used / 'node.key'} is damaged" in sentence
    assert "AgI" not in sentence
    assert "AwM" not in sentence


def test_a_key_file_of_a_newer_version_is_told_from_damage(used):
    (used / "node.key").write_text(json.dumps({"version": 2, "keys": []}))
    assert "written by a newer Handclasp" in refusal(used)


@pytest.mark.parametrize("text", ["", "short", "a" * 44, "a" * 42 + "*"])
def test_a_damaged_token_is_refused(used, text):
    (used / "admin.token").write_text(text)
    assert "holds no admin token: delete it" in refusal(used)


def test_a_database_without_its_key_is_refused(used):
    (used / "node.db").write_bytes(b"data")
    take(used).close()
    (used / "node.key").unlink()
    sentence = refusal(used)
    assert "its key file" in sentence
    assert "put back the copy" in sentence


def test_a_key_without_a_database_is_a_fresh_start(used):
    with take(used) as directory:
        assert directory.database_path == used / "node.db"
        assert not directory.database_path.exists()
