"""Taking a backup: what it asks of its disk, and what it leaves to others."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from node.backups import disk_space, taking
from node.backups.marking import BackupError
from node.backups.taking import take
from tests.node.backup_world import KEY, make

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def present(tmp_path: Path) -> Path:
    """A directory whose databases say `now`."""
    return make(tmp_path / "now", "now")


def test_a_backup_is_on_the_disk_before_it_has_its_name(
    present: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target, flushed, genuine = tmp_path / "file", [], taking.flush

    def flush(path: Path) -> None:
        flushed.append((path.name, target.exists()))
        genuine(path)

    monkeypatch.setattr(taking, "flush", flush)
    take(present, target, key=KEY, now=1)
    assert flushed == [("packed", False), (tmp_path.name, True)]


def test_no_room_is_asked_for_what_a_database_has_free(
    present: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = shutil.disk_usage(tmp_path)._replace(free=1_234_567)
    monkeypatch.setattr(disk_space.shutil, "disk_usage", lambda _folder: free)
    with closing(sqlite3.connect(present / "instance.db")) as link:
        link.execute("CREATE TABLE much AS SELECT zeroblob(2000000) AS bytes")
        link.execute("DROP TABLE much")
    take(present, tmp_path / "file", key=KEY, now=1)


@pytest.mark.parametrize("has_links", [True, False])
def test_a_name_that_somebody_takes_meanwhile_is_left_to_them(
    present: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, has_links: bool
) -> None:
    target, genuine = tmp_path / "file", taking.archive.write

    def write(*arguments: Any, **more: Any) -> None:
        genuine(*arguments, **more)
        target.write_text("theirs")

    def link(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(taking.archive, "write", write)
    if not has_links:
        monkeypatch.setattr(taking.os, "link", link)
    with pytest.raises(BackupError, match="exists already"):
        take(present, target, key=KEY, now=1)
    assert target.read_text() == "theirs"
