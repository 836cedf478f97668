"""What an instance shares among the threads that read it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from node.instance.base_tables import BASE_TABLES
from node.instance.catalog import Catalog
from node.instance.dictionary import Dictionary, Table
from node.instance.instance import Instance
from node.instance.profile import InstanceProfile
from node.instance.viewer import Viewer
from node.real_ports import SystemEntropy

if TYPE_CHECKING:
    from pathlib import Path

ADMIN = Viewer(sys_id="5" * 32, user_name="admin", name="A", roles=frozenset({"admin"}))
OLD = Catalog(Dictionary(BASE_TABLES))
NEW = Catalog(Dictionary((*BASE_TABLES, Table(name="u_car", label="Car", is_custom=True))))


class Overtaken:
    """A clock that is read in the middle of one thread's work, when another thread does all of its own."""

    instance: Instance

    def __init__(self) -> None:
        self.overtakes = True

    def now(self) -> float:
        if self.overtakes:
            self.overtakes = False
            assert self.instance.scope(ADMIN, NEW).access.is_there(ADMIN, "u_car")
        return 1_800_000_000.0


def test_who_reads_by_one_catalog_is_not_given_the_rules_over_another(tmp_path: Path) -> None:
    clock = Overtaken()
    profile = InstanceProfile(path=tmp_path / "instance.db", node_database=None)
    clock.instance = Instance(profile, clock=clock, entropy=SystemEntropy())
    assert not clock.instance.scope(ADMIN, OLD).access.is_there(ADMIN, "u_car")
    assert clock.instance.scope(ADMIN, NEW).access.is_there(ADMIN, "u_car")
