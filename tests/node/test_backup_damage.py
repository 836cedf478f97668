"""A node's database that is damaged anywhere is put back whole or refused by a sentence; the present one is never lost.

These are backups as the first version wrote them: that database alone. What is true of archives stands in
`test_backup_archive.py`.
"""

import random
import sqlite3
import zipfile
from contextlib import closing

import pytest

from node.backups import putting_back, taking
from node.backups.marking import BackupError
from node.store.database import Database, StoreError

KEY = b"k" * 32


TEXT = b"a text that somebody typed"


def taken(directory, *, now):
    """A backup of a directory without an instance, as the first version would have written it."""
    file = directory / "taken"
    taking.take(directory, file, key=KEY, now=now)
    with zipfile.ZipFile(file) as archive:
        content = archive.read("node.db")
    file.unlink()
    return content


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    Database(folder / "node.db").close()
    with closing(sqlite3.connect(folder / "node.db")) as link:
        told = {"connection_n": None, "at_ms": 1, "kind": "restored", "about": TEXT.decode()}
        link.execute(
            "INSERT INTO notices (connection_n, at_ms, kind, about) VALUES (:connection_n, :at_ms, :kind, :about)", told
        )
        link.commit()
    return taken(folder, now=1)


@pytest.fixture
def present(tmp_path):
    database = tmp_path / "node.db"
    Database(database).close()
    return database


def put_back(content, present):
    file = present.with_name("backup")
    file.write_bytes(content)
    before = present.read_bytes()
    try:
        putting_back.put_back(file, present.parent, key=KEY)
    except (BackupError, StoreError) as error:
        assert present.read_bytes() == before
        return str(error)
    else:
        Database(present).close()
        return None
    finally:
        leftover = {path.name.split(".before-restore-")[0] for path in present.parent.iterdir()}
        assert leftover <= {"node.db", "backup"}


def edited(whole, present, statement):
    """The backup after a statement was run on it."""
    file = present.with_name("edited")
    file.write_bytes(whole)
    with closing(sqlite3.connect(file)) as link:
        link.execute(statement)
        link.commit()
    content = file.read_bytes()
    file.unlink()
    return content


def test_what_is_whole_is_put_back(whole, present):
    assert put_back(whole, present) is None


def test_what_opens_but_is_not_sound_is_damaged(whole, present):
    assert "is damaged" in put_back(whole[:101] + b"\xff" + whole[102:], present)


def content(database):
    with closing(sqlite3.connect(database)) as link:
        return [line for line in link.iterdump() if "backup" not in line]


@pytest.mark.parametrize("seed", [0, 1, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(2, 8))])
def test_one_wrong_byte_anywhere_ends_in_a_sentence_or_in_what_was_backed_up(whole, present, seed):
    assert put_back(whole, present) is None
    expected = content(present)
    dice = random.Random(seed)  # noqa: S311 - which byte, no secret
    for _ in range(40):
        at = dice.randrange(len(whole))
        if put_back(whole[:at] + bytes([dice.randrange(256)]) + whole[at + 1 :], present) is None:
            assert content(present) == expected


@pytest.mark.parametrize("bit", range(8))
def test_a_flipped_bit_of_a_text_is_found_by_the_checksum(whole, present, bit):
    at = whole.index(TEXT)
    flipped = whole[:at] + bytes([whole[at] ^ 1 << bit]) + whole[at + 1 :]
    assert "its content is not what was backed up" in put_back(flipped, present)


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE backup SET taken_at = taken_at + 1",
        "UPDATE backup SET sha256 = NULL",
        "UPDATE backup SET sha256 = x'00'",
        "ALTER TABLE backup RENAME COLUMN sha256 TO sha257",
    ],
)
def test_what_a_backup_says_of_itself_is_under_the_checksum_too(whole, present, damage):
    assert "its content is not what was backed up" in put_back(edited(whole, present, damage), present)


def test_a_text_that_became_a_blob_of_the_same_bytes_is_found(whole, present):
    changed = edited(whole, present, "UPDATE notices SET about = CAST(about AS BLOB)")
    assert "its content is not what was backed up" in put_back(changed, present)


def test_a_backup_of_the_version_that_made_no_checksum_is_put_back(whole, present):
    assert put_back(edited(whole, present, "ALTER TABLE backup DROP COLUMN sha256"), present) is None


def facts_of(content, present):
    file = present.with_name("looked")
    file.write_bytes(content)
    found = putting_back.look(file, present.parent).facts
    file.unlink()
    return found


def test_a_backup_of_what_was_put_back_and_not_started_since_is_one_of_the_same_moment(whole, present):
    for old in (whole, edited(whole, present, "ALTER TABLE backup DROP COLUMN sha256")):
        assert put_back(old, present) is None
        content = taken(present.parent, now=2)
        assert put_back(content, present) is None
        assert facts_of(content, present).taken_at == 1


@pytest.mark.parametrize("length", [0, 1, 15, 16, 99, 100, 4095, 4096, 4097, 20_000])
def test_a_cut_backup_is_refused(whole, present, length):
    assert put_back(whole[:length], present) is not None


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM backup",
        "UPDATE backup SET key = 'text'",
        "UPDATE backup SET key = x'00'",
        "UPDATE backup SET taken_at = 'yesterday'",
        "UPDATE backup SET taken_at = 9000000000000000",
        "UPDATE backup SET taken_at = -1",
        "ALTER TABLE backup RENAME COLUMN key TO other",
        "DROP TABLE connections",
        "DROP TABLE alembic_version",
    ],
)
def test_a_backup_that_does_not_say_what_it_is_is_refused(whole, present, statement):
    assert put_back(edited(whole, present, statement), present) is not None
