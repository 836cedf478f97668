"""Killed at any step of a restore: the databases are both the old ones or both the new ones, and nothing is lost."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING, Any

import pytest

from node.backups import changeover
from node.backups.putting_back import put_back
from node.backups.taking import take
from node.data_directory import DataDirectory, DataDirectoryError
from node.real_ports import SystemEntropy
from tests.node.backup_world import DATABASES, KEY, make, says, whole

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

OLD, NEW = whole("then"), whole("now")
STEPS = ("mkdir", "chmod", "chown", "rename", "replace", "link", "unlink", "rmdir", "fsync", "open")
"""The calls of the system by which files are made, moved and removed, but for SQLite's own."""


class KilledError(BaseException):
    """The process is dead."""


class Mortal:
    """Ends the process, so to speak, before a step: from then on nothing is done, whoever wants to tidy up."""

    def __init__(self, patch: pytest.MonkeyPatch, *, before: int) -> None:
        self.steps = 0
        self._before = before
        for name in STEPS:
            patch.setattr(os, name, self._counted(getattr(os, name)))

    def _counted(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*arguments: Any, **named: Any) -> Any:
            self.steps += 1
            if self.steps > self._before:
                raise KilledError
            return call(*arguments, **named)

        return counted


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("archive")
    take(make(folder / "then", "then"), folder / "backup", key=KEY, now=1)
    return folder / "backup"


def killed_before(step: int, work: Callable[[], object]) -> bool:
    """Whether the work was ended there; else it was done before."""
    with pytest.MonkeyPatch.context() as patch:
        Mortal(patch, before=step)
        try:
            work()
        except KilledError:
            return True
    return False


def outcome(directory: Path) -> str:
    """Which databases there are, once the directory was taken again."""
    changeover.settle(directory)
    found = {name: says(directory / name) for name in DATABASES}
    leftover = {path.name.removesuffix("-wal").removesuffix("-shm") for path in directory.iterdir()}
    if found == dict.fromkeys(DATABASES, NEW):
        assert leftover == set(DATABASES)
        return "old"
    assert found == dict.fromkeys(DATABASES, OLD)
    aside = {f"{name}.before-restore-1" for name in DATABASES}
    assert leftover == {*DATABASES, *aside}
    assert [says(directory / name) for name in sorted(aside)] == [NEW, NEW]
    return "new"


def made_ready_and_committed(directory: Path, new: Path) -> None:
    """The second half of a restore."""
    place = changeover.begin(directory)
    for name in DATABASES:
        shutil.copyfile(new / name, place / name)
    changeover.commit(directory)


def ends_of(tmp_path: Path, work: Callable[[Path], object]) -> list[str]:
    """What comes of it by the step before which it is killed."""
    ends = []
    for step in range(200):
        directory = make(tmp_path / str(step), "now")
        if not killed_before(step, lambda: work(directory)):  # noqa: B023 - called at once
            break
        ends.append(outcome(directory))
    return ends


def test_a_change_of_databases_that_is_killed_before_any_step_is_done_whole_or_not_at_all(
    archive: Path, tmp_path: Path
) -> None:
    shutil.unpack_archive(archive, tmp_path / "new", "zip")
    ends = ends_of(tmp_path, lambda directory: made_ready_and_committed(directory, tmp_path / "new"))
    assert ends == sorted(ends, reverse=True), "the old ones up to one step, then the new ones"
    assert ends.count("old") > 5
    assert ends.count("new") > 5


@pytest.mark.slow
def test_a_restore_that_is_killed_before_any_step_is_done_whole_or_not_at_all(archive: Path, tmp_path: Path) -> None:
    ends = ends_of(tmp_path, lambda directory: put_back(archive, directory, key=KEY))
    assert ends == sorted(ends, reverse=True), "the old ones up to one step, then the new ones"
    assert ends.count("old") > 10
    assert ends.count("new") > 5


@pytest.mark.slow
def test_whoever_finishes_it_may_be_killed_as_well(archive: Path, tmp_path: Path) -> None:
    first = next(step for step in range(200) if _is_committed(archive, make(tmp_path / f"look{step}", "now"), step))
    for step in range(200):
        directory = make(tmp_path / f"again{step}", "now")
        killed_before(first, lambda: put_back(archive, directory, key=KEY))  # noqa: B023 - called at once
        was_killed = killed_before(step, lambda: changeover.settle(directory))  # noqa: B023 - likewise
        assert outcome(directory) == "new"
        if not was_killed:
            break
    assert step > 5


def _is_committed(archive: Path, directory: Path, step: int) -> bool:
    assert killed_before(step, lambda: put_back(archive, directory, key=KEY))
    return changeover.is_cut_off(directory)


def test_a_node_that_starts_on_a_restore_that_was_cut_off_finishes_it_first(archive: Path, tmp_path: Path) -> None:
    directory = make(tmp_path / "a", "now")
    for name in DATABASES:
        (directory / name).rename(tmp_path / name)
    DataDirectory(directory, entropy=SystemEntropy()).close()  # its key
    for name in DATABASES:
        (tmp_path / name).rename(directory / name)
    step = 0
    while not changeover.is_cut_off(directory):
        assert killed_before(step, lambda: put_back(archive, directory, key=KEY))
        step += 1
    (directory / changeover.READY).chmod(0o500)
    if os.geteuid():
        with pytest.raises(DataDirectoryError, match="was cut off and can't be finished"):
            DataDirectory(directory, entropy=SystemEntropy())
    (directory / changeover.READY).chmod(0o700)
    DataDirectory(directory, entropy=SystemEntropy()).close()
    assert {name: says(directory / name) for name in DATABASES} == dict.fromkeys(DATABASES, OLD)
    assert not changeover.is_cut_off(directory)
