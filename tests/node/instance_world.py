"""An instance in the test's own process, asked without a socket."""

from __future__ import annotations

import json
import shutil
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit
from zoneinfo import ZoneInfo

from multidict import MultiDict

from node.instance.first_records import ADMIN
from node.instance.instance import Instance
from node.instance.profile import InstanceProfile
from node.instance.rest.api import RestApi
from node.instance.rest.calls import Call
from node.instance.rest.routes import parts_of
from node.instance.viewer import Viewer
from node.real_ports import SystemClock, SystemEntropy
from tests.node.people_world import image

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from node.instance.database import Transaction

BASE_URL = "https://acme.example.test"
ROOT = Viewer(
    sys_id=ADMIN,
    user_name="admin",
    name="System Administrator",
    roles=frozenset({"admin"}),
    zone=ZoneInfo("America/Los_Angeles"),
)


@dataclass
class Said:
    """What was answered."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def result(self) -> Any:
        return self.json["result"]

    @property
    def error(self) -> dict[str, Any]:
        return self.json["error"]


class World:
    """The instance and whoever asks."""

    def __init__(self, instance: Instance) -> None:
        self.instance = instance
        self.api = RestApi(instance, viewer_of=_nobody)

    async def ask(self, method: str, url: str, value: Any = None, *, viewer: Viewer = ROOT, **headers: str) -> Said:
        """One call; `url` begins after /api/now/."""
        split = urlsplit(f"/api/now/{url}")
        version, parts = parts_of(split.path) or ("", ())
        body = value if isinstance(value, bytes) else b"" if value is None else json.dumps(value).encode()
        answer = await self.api.answer(
            Call(
                method=method,
                parts=parts,
                version=version,
                parameters=MultiDict(parse_qsl(split.query, keep_blank_values=True)),
                headers={"content-type": "application/json", **headers},
                body=body,
                viewer=viewer,
                base_url=BASE_URL,
                path=split.path,
            )
        )
        return Said(status=answer.status, headers=dict(answer.headers), body=answer.body)

    async def create(self, table: str, **values: Any) -> str:
        said = await self.ask("POST", f"table/{table}", values)
        assert said.status == 201, said.body
        return said.result["sys_id"]


def grow_no_more(tx: Transaction) -> None:
    """A unit of work after which the disk is full, as far as the instance's database can tell."""
    pages = tx.connection.exec_driver_sql("PRAGMA page_count").scalar()
    tx.connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")


async def _nobody(_request: object) -> Viewer:
    raise AssertionError("nobody comes by HTTP here")


@asynccontextmanager
async def instance_at(
    path: Path, *, node_database: Path | None = None, demo_seed: int | None = None
) -> AsyncIterator[World]:
    """An instance with its database in a folder."""
    if not (path / "instance.db").exists():
        shutil.copy(image(), path / "instance.db")  # to make one takes longer than most tests of it
    profile = InstanceProfile(path=path / "instance.db", node_database=node_database, demo_seed=demo_seed)
    instance = Instance(profile, clock=SystemClock(), entropy=SystemEntropy())
    try:
        yield World(instance)
    finally:
        await instance.close()
