"""A data directory with small databases of a node and of an instance, which each say what they are."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

from node.instance.growing import FORMAT
from node.store.database import Database

KEY = b"k" * 32
DATABASES = ("node.db", "instance.db")


@cache
def _node_image() -> Path:
    database = Path(mkdtemp()) / "node.db"
    Database(database).close()
    return database


def make(directory: Path, said: str, *, has_instance: bool = True) -> Path:
    """Databases that say it, each with a row that stands in the log alone, as after a kill."""
    return Path(shutil.copytree(_made(said, has_instance=has_instance), directory))


@cache
def _made(said: str, *, has_instance: bool) -> Path:
    directory = Path(mkdtemp())
    shutil.copyfile(_node_image(), directory / "node.db")
    if has_instance:
        with closing(sqlite3.connect(directory / "instance.db")) as link:
            link.execute(f"PRAGMA user_version = {FORMAT}")
            link.execute("CREATE TABLE instance_notes (name TEXT, value TEXT)")
            link.execute("CREATE TABLE oauth_credential (token TEXT)")
            link.execute("INSERT INTO oauth_credential VALUES (?)", (f"a token of {said}",))
            link.commit()
    for name in DATABASES if has_instance else DATABASES[:1]:
        write(directory / name, said)
        _leave_in_log(directory / name, f"{said}, in the log")
    return directory


def write(database: Path, said: str) -> None:
    """Add a row."""
    with closing(sqlite3.connect(database, isolation_level=None)) as link:
        _add(link, database, said)


def _add(link: sqlite3.Connection, database: Path, said: str) -> None:
    if database.name.startswith("node"):
        link.execute("INSERT INTO notices (at_ms, kind, about) VALUES (1, 'x', ?)", (said,))
    else:
        link.execute("INSERT INTO instance_notes VALUES ('said', ?)", (said,))


def _leave_in_log(database: Path, said: str) -> None:
    with closing(sqlite3.connect(database, isolation_level=None)) as link:
        link.execute("PRAGMA journal_mode = WAL")
        _add(link, database, said)
        kept = {suffix: database.with_name(database.name + suffix).read_bytes() for suffix in ("", "-wal")}
    for suffix, content in kept.items():
        database.with_name(database.name + suffix).write_bytes(content)


def says(database: Path) -> list[str]:
    """What is in one, as whoever opens it next sees it."""
    table, column = ("notices", "about") if database.name.startswith("node") else ("instance_notes", "value")
    with closing(sqlite3.connect(database)) as link:
        assert link.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        return [said for (said,) in link.execute(f"SELECT {column} FROM {table} ORDER BY rowid")]  # noqa: S608 - names of this file


def whole(said: str) -> list[str]:
    """All that such databases say."""
    return [said, f"{said}, in the log"]
