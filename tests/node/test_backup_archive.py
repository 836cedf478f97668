"""A backup holds the node's database and the instance's: what is in it, and what of it can be put back."""

from __future__ import annotations

import json
import os
import random
import shutil
import sqlite3
import stat
import zipfile
from contextlib import closing
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from node.backups import changeover, disk_space, taking
from node.backups.archive import PIECE_BYTES, Archive
from node.backups.marking import BackupError
from node.backups.putting_back import look, put_back
from node.backups.taking import take
from node.store.database import StoreError
from tests.node.backup_world import DATABASES, KEY, make, says, whole, write

if TYPE_CHECKING:
    from collections.abc import Callable

OLD, NEW = whole("then"), whole("now")
ASIDE = (".before-restore-1", ".before-restore-2")


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A backup of databases that say `then`."""
    folder = tmp_path_factory.mktemp("archive")
    take(make(folder / "then", "then"), folder / "backup", key=KEY, now=1)
    return folder / "backup"


@pytest.fixture
def present(tmp_path: Path) -> Path:
    """A directory whose databases say `now`."""
    return make(tmp_path / "now", "now")


def in_it(directory: Path) -> dict[str, list[str]]:
    return {name: says(directory / name) for name in DATABASES if (directory / name).exists()}


def names_in(directory: Path) -> set[str]:
    return {path.name for path in directory.iterdir()}


def refused(file: Path, present: Path, error: type[Exception] = BackupError, **how: Any) -> str:
    """Why it is not put back; nothing has changed."""
    before = {path.name: path.read_bytes() for path in present.iterdir()}
    with pytest.raises(error) as raised:
        put_back(file, present, key=KEY, **how)
    assert {path.name: path.read_bytes() for path in present.iterdir()} == before
    return str(raised.value)


def test_what_both_databases_held_is_back_and_what_they_held_since_is_kept_beside_it(
    archive: Path, present: Path
) -> None:
    done = put_back(archive, present, key=KEY)
    assert names_in(present) == {f"{name}{end}" for name in DATABASES for end in ("", ASIDE[0])}, "whole, without a log"
    assert in_it(present) == {"node.db": OLD, "instance.db": OLD}
    assert done.replaced == {name: present / f"{name}{ASIDE[0]}" for name in DATABASES}
    assert [says(aside) for aside in done.replaced.values()] == [NEW, NEW]
    assert {stat.S_IMODE((present / name).stat().st_mode) for name in DATABASES} == {0o600}
    again = put_back(archive, present, key=KEY)
    assert [path.name for path in again.replaced.values()] == [f"{name}{ASIDE[1]}" for name in again.replaced]
    assert names_in(present) == {f"{name}{end}" for name in DATABASES for end in ("", *ASIDE)}


def test_a_damaged_database_is_set_aside_with_its_logs_which_would_harm_the_new_one(
    archive: Path, present: Path
) -> None:
    for name in DATABASES:
        for suffix in ("", "-wal", "-journal", "-shm"):
            (present / f"{name}{suffix}").write_bytes(b"rubbish" * 1000)
    put_back(archive, present, key=KEY)
    beside = names_in(present) - {f"{name}{ASIDE[0]}{suffix}" for name in DATABASES for suffix in ("-wal", "-journal")}
    assert beside == {f"{name}{end}" for name in DATABASES for end in ("", ASIDE[0])}
    assert in_it(present) == {"node.db": OLD, "instance.db": OLD}


def test_any_zip_program_unpacks_it_and_finds_no_token_in_it(archive: Path, tmp_path: Path) -> None:
    shutil.unpack_archive(archive, tmp_path / "unpacked", "zip")
    assert in_it(tmp_path / "unpacked") == {"node.db": OLD, "instance.db": OLD}
    told = json.loads((tmp_path / "unpacked" / "backup.json").read_text())
    for name in DATABASES:
        content = (tmp_path / "unpacked" / name).read_bytes()
        assert told["members"][name] == {"bytes": len(content), "sha256": sha256(content).hexdigest()}
        assert b"a token of" not in content
    assert stat.S_IMODE(archive.stat().st_mode) == 0o600


def test_a_backup_without_the_instance_is_asked_for_or_what_there_is(present: Path, tmp_path: Path) -> None:
    assert take(present, tmp_path / "asked", key=KEY, now=1, with_instance=False).instance_bytes is None
    for name in ("instance.db", "instance.db-wal"):
        (present / name).unlink()
    (present / "instance.db").touch()  # its node was killed before it had made a table
    assert take(present, tmp_path / "there", key=KEY, now=1).instance_bytes is None
    for file in (tmp_path / "asked", tmp_path / "there"):
        assert (look(file, present).is_archive, look(file, present).instance_bytes) == (True, None)


@pytest.mark.parametrize(
    "of",
    [
        "the first version",
        pytest.param("a node without an instance", marks=pytest.mark.slow),
        "both, of which one is wanted",
    ],
)
def test_a_backup_of_the_connections_alone_leaves_the_present_instance_as_it_is(
    archive: Path, present: Path, tmp_path: Path, of: str
) -> None:
    file, with_instance = archive, "wanted" not in of
    if of == "the first version":
        with zipfile.ZipFile(archive) as opened:
            file = tmp_path / opened.extract("node.db", tmp_path)
    elif with_instance:
        file = tmp_path / "file"
        take(make(tmp_path / "then", "then", has_instance=False), file, key=KEY, now=1)
    done = put_back(file, present, key=KEY, with_instance=with_instance)
    assert in_it(present) == {"node.db": OLD, "instance.db": NEW}
    assert list(done.replaced) == ["node.db"]
    assert done.contents.is_archive is (of != "the first version")


@pytest.mark.slow
def test_an_instance_is_put_back_where_there_is_none(archive: Path, tmp_path: Path) -> None:
    empty = tmp_path / "new"
    empty.mkdir()
    for name in DATABASES:
        (empty / f"{name}-wal").write_bytes(b"of a database that somebody has removed")
    assert put_back(archive, empty, key=KEY).replaced == {}
    assert names_in(empty) == set(DATABASES)
    assert in_it(empty) == {"node.db": OLD, "instance.db": OLD}


@pytest.mark.slow
def test_a_backup_of_another_node_is_refused(archive: Path, present: Path) -> None:
    with pytest.raises(BackupError, match="another node"):
        put_back(archive, present, key=b"o" * 32)
    assert in_it(present) == {"node.db": NEW, "instance.db": NEW}


def rewritten(
    archive: Path, target: Path, change: Callable[[dict[str, bytes]], object], *, sealed: bool = True
) -> Path:
    """The archive with other members; `sealed`: what it says of them is made to fit."""
    with zipfile.ZipFile(archive) as opened:
        members = {name: opened.read(name) for name in opened.namelist()}
    change(members)
    if sealed:
        told = json.loads(members["backup.json"])
        for name in told["members"]:
            told["members"][name] = {"bytes": len(members[name]), "sha256": sha256(members[name]).hexdigest()}
        members["backup.json"] = json.dumps(told).encode()
    with zipfile.ZipFile(target, "w") as opened:
        for name, content in members.items():
            opened.writestr(name, content)
    return target


def told_otherwise(**changes: Any) -> Callable[[dict[str, bytes]], None]:
    def change(members: dict[str, bytes]) -> None:
        members["backup.json"] = json.dumps(json.loads(members["backup.json"]) | changes).encode()

    return change


class Odd(NamedTuple):
    """A change of an archive, and what is said of it."""

    change: Callable[[dict[str, bytes]], object]
    said: str
    sealed: bool = False


ODD = {
    "a newer format": Odd(told_otherwise(format=3), "written by a newer version of Handclasp (format 3"),
    "a newer format with members that nobody knows": Odd(
        told_otherwise(format=9, members=[1]), "written by a newer version of Handclasp (format 9"
    ),
    "another kind": Odd(told_otherwise(kind="holidays", format=9), "names no databases of a node"),
    "no members": Odd(told_otherwise(members={}), "names no databases of a node"),
    "a member of another name": Odd(
        told_otherwise(members={"node.db": {"bytes": 1, "sha256": ""}, "../up": {"bytes": 1, "sha256": ""}}),
        "names no databases of a node",
    ),
    "a list that is none": Odd(lambda members: members.update({"backup.json": b"{"}), "is damaged"),
    "a list that is missing": Odd(lambda members: members.pop("backup.json"), "no backup that `handclasp backup` made"),
    "an instance that is missing": Odd(lambda members: members.pop("instance.db"), "instance.db is missing in it"),
    "a node that is missing": Odd(lambda members: members.pop("node.db"), "node.db is missing in it"),
    "more than any disk holds": Odd(
        told_otherwise(members={"node.db": {"bytes": 10**30, "sha256": ""}}), "node.db in it is not what was backed up"
    ),
    "an instance that was changed": Odd(
        lambda members: members.update({"instance.db": members["instance.db"][:-1] + b"x"}),
        "instance.db in it is not what was backed up",
    ),
    "an instance that was cut": Odd(
        lambda members: members.update({"instance.db": members["instance.db"][:-1]}),
        "instance.db in it is not what was backed up",
    ),
    "an instance that grew": Odd(
        lambda members: members.update({"instance.db": members["instance.db"] + b"x"}),
        "instance.db in it is not what was backed up",
    ),
    "an instance that is none": Odd(
        lambda members: members.update({"instance.db": b"a letter" * 1000}), "can't be used (file is not", sealed=True
    ),
    "a node's database that is none": Odd(
        lambda members: members.update({"node.db": b"a letter" * 1000}), "is no backup of a node", sealed=True
    ),
}


SHORT = (
    "a newer format",
    "an instance that is missing",
    "an instance that was changed",
    "more than any disk holds",
)


@pytest.mark.parametrize(
    "name", [name if name in SHORT else pytest.param(name, marks=pytest.mark.slow) for name in ODD]
)
def test_an_archive_with_something_wrong_in_it_is_refused_by_a_sentence(
    archive: Path, present: Path, tmp_path: Path, name: str
) -> None:
    odd = ODD[name]
    file = rewritten(archive, tmp_path / "odd", odd.change, sealed=odd.sealed)
    assert odd.said in refused(file, present)


@pytest.mark.slow
def test_of_a_member_that_is_larger_than_is_told_nothing_is_written(archive: Path, tmp_path: Path) -> None:
    much = bytes(50 * PIECE_BYTES)
    file = rewritten(archive, tmp_path / "odd", lambda members: members.update({"node.db": much}), sealed=False)
    with pytest.raises(BackupError, match="not what was backed up"):
        Archive(file)


def test_what_is_no_file_is_not_read(present: Path) -> None:
    assert refused(Path(os.devnull), present) == f"{os.devnull} is no regular file."


@pytest.mark.parametrize("name", [pytest.param("node.db", marks=pytest.mark.slow), "instance.db"])
def test_a_database_of_a_newer_version_is_refused(archive: Path, present: Path, tmp_path: Path, name: str) -> None:
    def change(members: dict[str, bytes]) -> None:
        (tmp_path / name).write_bytes(members[name])
        with closing(sqlite3.connect(tmp_path / name, isolation_level=None)) as link:
            if name == "instance.db":
                link.execute("PRAGMA user_version = 99")
            else:
                link.execute("UPDATE alembic_version SET version_num = '9999'")
                link.execute("ALTER TABLE backup DROP COLUMN sha256")
        members[name] = (tmp_path / name).read_bytes()

    file = rewritten(archive, tmp_path / "newer", change)
    assert "written by a newer version" in refused(file, present, StoreError)
    if name == "instance.db":
        put_back(file, present, key=KEY, with_instance=False)
        assert in_it(present) == {"node.db": OLD, "instance.db": NEW}


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(8))
def test_one_wrong_byte_anywhere_ends_in_a_sentence_or_in_what_was_backed_up(
    archive: Path, tmp_path: Path, seed: int
) -> None:
    content, dice = archive.read_bytes(), random.Random(seed)  # noqa: S311 - which byte, no secret
    place, file = tmp_path / "place", tmp_path / "file"
    for _ in range(30):
        place.mkdir()
        at = dice.randrange(len(content)) if dice.random() < 0.5 else -dice.randrange(1, 400)
        damaged = bytearray(content)
        damaged[at] = dice.randrange(256)
        file.write_bytes(damaged)
        try:
            put_back(file, place, key=KEY)
        except (BackupError, StoreError):
            assert not list(place.iterdir())
        else:
            assert in_it(place) == {"node.db": OLD, "instance.db": OLD}
        shutil.rmtree(place)


@pytest.mark.slow
def test_an_archive_that_was_cut_anywhere_is_refused(archive: Path, present: Path, tmp_path: Path) -> None:
    content = archive.read_bytes()
    for length in (0, 3, 4, 30, len(content) // 2, len(content) - 1):
        (tmp_path / "cut").write_bytes(content[:length])
        assert "is damaged" in (said := refused(tmp_path / "cut", present)) or "is no backup" in said


def test_room_is_asked_for_before_anything_is_written(
    archive: Path, present: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = shutil.disk_usage(tmp_path)._replace(free=1_234_567)
    monkeypatch.setattr(disk_space.shutil, "disk_usage", lambda _folder: free)
    with closing(sqlite3.connect(present / "instance.db")) as link:
        link.execute("CREATE TABLE much AS SELECT zeroblob(2000000) AS bytes")
    with pytest.raises(BackupError, match=r"has 1\.2 MB free, and 2\.\d MB are needed while the backup is written"):
        take(present, tmp_path / "none", key=KEY, now=1)
    assert {path.name for path in tmp_path.iterdir()} == {"now"}
    monkeypatch.undo()
    take(present, tmp_path / "file", key=KEY, now=1)
    monkeypatch.setattr(disk_space.shutil, "disk_usage", lambda _folder: free)
    said = refused(tmp_path / "file", present)
    assert said.startswith(f"{present} has 1.2 MB free, and 2.0 MB are needed for the instance of the backup")


def test_a_backup_that_is_interrupted_while_sqlite_copies_is_over_and_leaves_nothing(
    present: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupting(_part: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(taking, "STEP_INSTRUCTIONS", 10)
    with pytest.raises(KeyboardInterrupt):
        take(present, tmp_path / "file", key=KEY, now=1, progressed=interrupting)
    assert names_in(tmp_path) == {"now"}


@pytest.mark.slow
def test_an_instance_that_can_not_be_read_is_named_and_the_connections_alone_can_be_backed_up(
    present: Path, tmp_path: Path
) -> None:
    (present / "instance.db").write_bytes(b"no database at all, but long enough" * 1000)
    with pytest.raises(BackupError, match=r"instance\.db can't be copied .* A backup --without-instance holds"):
        take(present, tmp_path / "file", key=KEY, now=1)
    assert {path.name for path in tmp_path.iterdir()} == {"now"}
    take(present, tmp_path / "file", key=KEY, now=1, with_instance=False)


def test_a_backup_that_meets_a_restore_is_not_made_of_both(archive: Path, present: Path, tmp_path: Path) -> None:
    def meanwhile(_part: float) -> None:
        if not done:
            done.append(put_back(archive, present, key=KEY))

    done: list[object] = []
    with pytest.raises(BackupError, match="put back while this one was taken"):
        take(present, tmp_path / "file", key=KEY, now=1, progressed=meanwhile)
    assert not (tmp_path / "file").exists()
    write(present / "node.db", "more")  # the node goes on with what was put back
    assert says(present / "node.db") == [*OLD, "more"]


def test_nothing_is_backed_up_while_a_restore_is_half_done(present: Path, tmp_path: Path) -> None:
    (present / changeover.READY).mkdir()
    with pytest.raises(BackupError, match="cut off before it was whole"):
        take(present, tmp_path / "file", key=KEY, now=1)
