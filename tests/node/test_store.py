"""The node's memory: one transaction an event, durable before it is told, one schema however one gets there."""

import asyncio
import sqlite3
import subprocess
import sys
import textwrap
import threading

import pytest
from alembic import command
from sqlalchemy import create_engine, text

from node.ports import StoreFullError
from node.store import writer
from node.store.database import Database, StoreError
from node.store.migrate import config
from node.store.schema import SCHEMA_REVISION, metadata
from node.store.writer import CommitterThread, GroupCommitStore


def schema_of(connection) -> dict[str, str]:
    rows = connection.execute(
        text(
            "SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'alembic%' AND name NOT LIKE 'sqlite%'"
        )
    )
    return {name: " ".join(sql.split()).replace("( ", "(").replace(" )", ")") for name, sql in rows}


@pytest.fixture
async def store(tmp_path):
    store = GroupCommitStore(Database(tmp_path / "node.db"))
    yield store
    await store.close()


def write(topic):
    return lambda tx: tx.execute(text("INSERT INTO broadcasts (topic, payload) VALUES (:topic, x'')"), {"topic": topic})


def topics(tx):
    return [row.topic for row in tx.execute(text("SELECT topic FROM broadcasts ORDER BY n"))]


async def test_a_unit_of_work_that_raises_leaves_nothing_and_the_others_stay(store):
    def failing(tx):
        write("half")(tx)
        raise LookupError("on purpose")

    results = await asyncio.gather(
        *(store.run(write("kept")) for _ in range(3)),
        store.run(failing),
        store.run(write("kept")),
        return_exceptions=True,
    )
    assert [type(result).__name__ for result in results if isinstance(result, Exception)] == ["LookupError"]
    assert await store.run(topics) == ["kept"] * 4


async def test_a_unit_of_work_that_raises_alone_in_its_transaction_leaves_nothing(store):
    def failing(tx):
        write("half")(tx)
        raise LookupError("on purpose")

    await store.run(write("kept"))
    with pytest.raises(LookupError):
        await store.run(failing)
    assert await store.run(topics) == ["kept"]


async def test_units_that_wait_share_one_commit(tmp_path):
    commits = []
    store = GroupCommitStore(Database(tmp_path / "node.db"), committed=lambda _duration_s, units: commits.append(units))
    await asyncio.gather(*(store.run(write("one")) for _ in range(100)))
    await store.close()
    assert sum(commits) == 100
    assert len(commits) < 50


async def test_a_cancelled_caller_does_not_undo_what_was_handed_in(store):
    caller = asyncio.create_task(store.run(write("kept")))
    await asyncio.sleep(0)
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    assert await store.run(topics) == ["kept"]


async def test_a_full_disk_undoes_the_whole_transaction_is_named_to_each_caller_and_is_forgotten_when_there_is_room(
    tmp_path,
):
    database = Database(tmp_path / "node.db")
    pages = database.connection.exec_driver_sql("PRAGMA page_count").scalar()
    database.connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
    store = GroupCommitStore(database)

    def grow(tx):
        for number in range(100):
            write(f"{number} {'large' * 1000}")(tx)

    errors = await asyncio.gather(
        store.run(write("small")), store.run(grow), store.run(write("small")), return_exceptions=True
    )
    assert [type(error) for error in errors] == [StoreFullError] * 3
    assert store.is_full
    assert await store.run(topics) == []
    assert store.is_full, "what reads alone does not tell that there is room"
    database.connection.exec_driver_sql(f"PRAGMA max_page_count = {pages + 100}")
    await store.run(write("kept"))
    assert await store.run(topics) == ["kept"]
    assert not store.is_full
    await store.close()


async def test_the_loop_itself_asks_a_quick_disk_that_was_at_rest_and_no_other(monkeypatch):
    monkeypatch.setattr(writer, "QUICK_S_MAX", 60.0)
    committer, loop_s_own = CommitterThread(), threading.current_thread()

    async def is_committed_in_the_loop():
        thread, settled = [], asyncio.Event()
        committer.submit(lambda: thread.append(threading.current_thread()) or (), lambda _: settled.set())
        await settled.wait()
        return thread == [loop_s_own]

    assert not await is_committed_in_the_loop(), "nothing is known of the disk"
    assert not await is_committed_in_the_loop(), "it has had no rest"
    committer._ended_at -= 61.0
    assert await is_committed_in_the_loop()
    committer._usual_s, committer._ended_at = 100.0, committer._ended_at - 61.0
    assert not await is_committed_in_the_loop(), "it is slow"
    await committer.close()


def test_what_was_told_as_committed_survives_a_kill(tmp_path):
    program = textwrap.dedent(
        """
        import asyncio, os, signal, sys
        from pathlib import Path
        from sqlalchemy import text
        from node.store.database import Database
        from node.store.writer import GroupCommitStore

        async def main():
            store = GroupCommitStore(Database(Path(sys.argv[1])))
            for number in range(20):
                await store.run(lambda tx: tx.execute(text(f"INSERT INTO broadcasts (topic, payload) VALUES ('{number}', x'')")))
                print(number, flush=True)
            os.kill(os.getpid(), signal.SIGKILL)

        asyncio.run(main())
        """
    )
    ended = subprocess.run(
        [sys.executable, "-c", program, tmp_path / "node.db"], check=False, capture_output=True, text=True
    )
    told = ended.stdout.split()
    assert len(told) == 20, ended.stderr
    database = Database(tmp_path / "node.db")
    assert database.transact([topics])[0] == told
    database.close()


def test_a_commit_is_synced_to_the_disk(tmp_path):
    database = Database(tmp_path / "node.db")
    pragmas = {
        name: database.connection.exec_driver_sql(f"PRAGMA {name}").scalar()
        for name in ("journal_mode", "synchronous", "foreign_keys")
    }
    database.close()
    assert pragmas == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}


def test_a_new_database_and_a_migrated_one_have_the_same_schema(tmp_path):
    fresh = Database(tmp_path / "fresh.db")
    made = schema_of(fresh.connection)
    fresh.close()
    engine = create_engine(f"sqlite:///{tmp_path / 'migrated.db'}")
    with engine.connect() as connection:
        with connection.begin():
            command.upgrade(config(connection), "head")
        migrated = schema_of(connection)
    engine.dispose()
    assert set(metadata.tables) - {"alembic_version"} <= set(made)
    assert {name: sorted(sql.split(", ")) for name, sql in made.items()} == {
        name: sorted(sql.split(", ")) for name, sql in migrated.items()
    }


def test_the_newest_migration_is_the_revision_that_new_databases_are_marked_with():
    from alembic.script import ScriptDirectory

    assert ScriptDirectory.from_config(config()).get_heads() == [SCHEMA_REVISION]


def marked(path, revision) -> bytes:
    database = Database(path)
    database.close()
    raw = sqlite3.connect(path)
    raw.execute("UPDATE alembic_version SET version_num = ?", (revision,))
    raw.commit()
    raw.close()
    return path.read_bytes()


def test_data_of_a_newer_version_are_refused_and_left_alone(tmp_path):
    before = marked(tmp_path / "node.db", "9999")
    with pytest.raises(StoreError, match="was written by a newer version of Handclasp"):
        Database(tmp_path / "node.db")
    assert (tmp_path / "node.db").read_bytes() == before


@pytest.mark.parametrize("content", [b"not a database at all" * 300, b"SQLite format 3\0 but cut"])
def test_what_is_no_database_is_refused_and_left_alone(tmp_path, content):
    (tmp_path / "node.db").write_bytes(content)
    with pytest.raises(StoreError, match="can't be used"):
        Database(tmp_path / "node.db")
    assert (tmp_path / "node.db").read_bytes() == content


def test_a_database_of_something_else_is_refused(tmp_path):
    raw = sqlite3.connect(tmp_path / "node.db")
    raw.execute("CREATE TABLE recipes (name)")
    raw.commit()
    raw.close()
    with pytest.raises(StoreError, match="tables that Handclasp did not make"):
        Database(tmp_path / "node.db")
