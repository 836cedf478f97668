"""An instance asked through its REST APIs: in this process, as any user, without a socket; or over a real one."""

from __future__ import annotations

import contextlib
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import msgspec
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from multidict import MultiDict

from node.instance.first_records import ADMIN
from node.instance.instance import Instance
from node.instance.profile import InstanceProfile
from node.instance.rest.api import RestApi
from node.instance.rest.calls import Call
from node.instance.rest.routes import parts_of
from node.instance.viewer import Viewer
from node.real_ports import SystemEntropy
from tests.node.people_world import StillClock, image

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from pathlib import Path

    from node.instance.database import Transaction

SHARED = pytest.mark.asyncio(loop_scope="module")
"""For files whose tests share one instance."""

BASE_URL = "https://instance.example"
ADMIN_VIEWER = Viewer(
    sys_id=ADMIN, user_name="admin", name="System Administrator", roles=frozenset({"admin", "itil", "itil_admin"})
)


def viewer(name: str, *roles: str) -> Viewer:
    """A user who is known by nothing but the name and roles."""
    sys_id = name.encode().hex().ljust(32, "0")[:32]
    return Viewer(sys_id=sys_id, user_name=name, name=name.title(), roles=frozenset(roles))


@dataclass(frozen=True)
class Said:
    """An answer."""

    status: int
    body: bytes
    headers: Mapping[str, str]

    @property
    def json(self) -> Any:
        return msgspec.json.decode(self.body)

    @property
    def result(self) -> Any:
        """What it says if all went well."""
        assert self.status in {200, 201}, (self.status, self.body)
        return self.json["result"]

    @property
    def error(self) -> tuple[int, str]:
        """What went wrong, in ServiceNow's form."""
        told = self.json
        assert told.keys() == {"error", "status"}
        assert told["status"] == "failure"
        assert told["error"].keys() == {"message", "detail"}
        return self.status, told["error"]["message"]


class RestWorld:
    """An instance and its REST APIs."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "instance.db"
        if not self.path.exists():
            shutil.copyfile(image(), self.path)  # to make one takes longer than most tests of it
        self.clock = StillClock()
        profile = InstanceProfile(path=self.path, node_database=None, demo_seed=None)
        self.instance = Instance(profile, clock=self.clock, entropy=SystemEntropy())
        self.asker = ADMIN_VIEWER
        self.api = RestApi(self.instance, viewer_of=self._viewer_of)

    async def _viewer_of(self, _request: web.Request) -> Viewer:
        return self.asker

    async def __call__(
        self,
        method: str,
        url: str,
        body: Any = b"",
        *,
        by: Viewer = ADMIN_VIEWER,
        headers: Mapping[str, str] | None = None,
    ) -> Said:
        """Ask below `/api/now/`; a body that is no bytes is sent as JSON."""
        path, _, query = url.partition("?")
        version, parts = parts_of(f"/api/now/{path}") or ("", ())
        sent = headers if headers is not None else {"content-type": "application/json"}
        room = self.api.rooms.room(by.sys_id)
        answer = await self.api.answer(
            Call(
                method=method,
                parts=parts,
                version=version,
                parameters=MultiDict(parse_qsl(query, keep_blank_values=True)),
                headers={name.lower(): value for name, value in sent.items()},
                body=body if isinstance(body, bytes) else msgspec.json.encode(body),
                viewer=by,
                base_url=BASE_URL,
                path=f"/api/now/{path}",
                room=room,
            )
        )
        whole = answer.body + b"".join([piece async for piece in answer.pieces] if answer.pieces is not None else [])
        assert room.is_empty
        room.close()
        return Said(answer.status, whole, {**answer.headers, "Content-Type": answer.content_type or ""})

    async def make(self, table: str, *, by: Viewer = ADMIN_VIEWER, **values: Any) -> str:
        """A new record's sys_id."""
        return str((await self("POST", f"table/{table}", values, by=by)).result["sys_id"])

    async def read(self, table: str, sys_id: str, *, by: Viewer = ADMIN_VIEWER) -> Any:
        """A record's values."""
        return (await self("GET", f"table/{table}/{sys_id}?sysparm_exclude_reference_link=true", by=by)).result

    async def change(self, table: str, sys_id: str, *, by: Viewer = ADMIN_VIEWER, **values: Any) -> Any:
        """A record's values after a change."""
        url = f"table/{table}/{sys_id}?sysparm_exclude_reference_link=true"
        return (await self("PATCH", url, values, by=by)).result

    async def empty(self, *tables: str) -> None:
        """Remove all records of these tables, which are roots."""

        def unit(tx: Transaction) -> None:
            for table in tables:
                tx.connection.execute(tx.catalog.physical(table).delete())

        await (await self.instance.database()).write(unit)


def grow_no_more(tx: Transaction) -> None:
    """A unit of work after which the disk is full, as far as the instance's database can tell."""
    pages = tx.connection.exec_driver_sql("PRAGMA page_count").scalar()
    tx.connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")


@contextlib.asynccontextmanager
async def rest_world(folder: Path) -> AsyncIterator[RestWorld]:
    """The instance of a folder, a new one if none is there, until the context ends."""
    world = RestWorld(folder)
    try:
        yield world
    finally:
        await world.instance.close()


@contextlib.asynccontextmanager
async def served(
    world: RestWorld, *, bytes_max: int = 64 * 1024 * 1024
) -> AsyncIterator[TestClient[web.Request, web.Application]]:
    """The same on a socket; every request comes from `world.asker`."""
    app = web.Application(client_max_size=bytes_max)
    app.router.add_route("*", "/api/{rest:.*}", world.api.handle)
    async with TestClient(TestServer(app)) as client:
        yield client
