"""A backup that is damaged anywhere is put back whole or refused by a sentence; the database is never lost."""

import random
import sqlite3
from contextlib import closing

import pytest

from node.store import backup
from node.store.backup import BackupError
from node.store.database import Database, StoreError

KEY = b"k" * 32


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    Database(folder / "node.db").close()
    backup.take(folder / "node.db", folder / "backup", key=KEY, now=1)
    return (folder / "backup").read_bytes()


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
        backup.put_back(file, present, key=KEY)
    except (BackupError, StoreError) as error:
        assert present.read_bytes() == before
        return str(error)
    else:
        Database(present).close()
        return None
    finally:
        leftover = {path.name.split(".before-restore-")[0] for path in present.parent.iterdir()}
        assert leftover <= {"node.db", "backup"}


def test_what_is_whole_is_put_back(whole, present):
    assert put_back(whole, present) is None


def test_what_opens_but_is_not_sound_is_damaged(whole, present):
    assert "is damaged" in put_back(whole[:101] + b"\xff" + whole[102:], present)


@pytest.mark.parametrize("seed", range(8))
def test_one_wrong_byte_anywhere_ends_in_a_sentence_or_a_database_that_opens(whole, present, seed):
    dice = random.Random(seed)  # noqa: S311 - which byte, no secret
    for _ in range(40):
        at = dice.randrange(len(whole))
        put_back(whole[:at] + bytes([dice.randrange(256)]) + whole[at + 1 :], present)


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
    file = present.with_name("edited")
    file.write_bytes(whole)
    with closing(sqlite3.connect(file)) as link:
        link.execute(statement)
        link.commit()
    content = file.read_bytes()
    file.unlink()
    assert put_back(content, present) is not None
