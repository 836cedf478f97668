"""Which file is opened as an instance's database, and when."""

from __future__ import annotations

import shutil
import sqlite3
from typing import TYPE_CHECKING

import pytest

from node.instance.database import InstanceDatabase
from node.instance.instance import Instance
from node.instance.profile import InstanceProfile
from node.real_ports import SystemClock, SystemEntropy
from node.store.database import StoreError
from tests.node.people_world import image

if TYPE_CHECKING:
    from pathlib import Path


async def test_an_instance_that_was_closed_is_not_opened_again(tmp_path: Path) -> None:
    profile = InstanceProfile(path=tmp_path / "instance.db", node_database=None)
    instance = Instance(profile, clock=SystemClock(), entropy=SystemEntropy())
    await instance.close()
    with pytest.raises(StoreError, match="closed"):
        await instance.database()
    assert not (tmp_path / "instance.db").exists()


def test_a_file_that_is_none_of_ours_is_refused(tmp_path: Path) -> None:
    (tmp_path / "instance.db").write_text("no database at all, but long enough to be read as one " * 40)
    with pytest.raises(StoreError, match=r"instance\.db"):
        InstanceDatabase(tmp_path / "instance.db", node_database=None)


def test_a_file_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    shutil.copy(image(), tmp_path / "instance.db")
    with sqlite3.connect(tmp_path / "instance.db") as link:
        link.execute("PRAGMA user_version = 99")
    with pytest.raises(StoreError, match="newer version"):
        InstanceDatabase(tmp_path / "instance.db", node_database=None)
