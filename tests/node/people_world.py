"""An instance's database with some people in it, and the token endpoint and a page that asks who is there, over HTTP."""

from __future__ import annotations

import contextlib
import shutil
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING, Any

from aiohttp import encode_basic_auth, web
from aiohttp.test_utils import TestClient, TestServer

from node.instance.database import InstanceDatabase
from node.instance.first_records import FIRST_RECORDS
from node.instance.front import OAUTH_PATH
from node.instance.people.authentication import Authentication
from node.instance.people.oauth import OAuth
from node.instance.people.registering import Registering
from node.passwords import hashed
from node.real_ports import SystemEntropy

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from sqlalchemy import Connection

    from node.instance.database import Transaction

PASSWORD = "correct horse battery"
PEOPLE = ("sys_user", "sys_user_group", "sys_user_grmember", "sys_metadata", "sys_user_has_role", "sys_group_has_role",
          "sys_user_role_contains", "oauth_entity", "oauth_credential", "api_key")  # fmt: skip
SHIPPED = {record["sys_id"] for _, record in FIRST_RECORDS}


@cache
def image() -> Path:
    """A new instance's file, made once for all tests of this process."""
    folder = Path(mkdtemp())
    database = InstanceDatabase(folder / "instance.db", node_database=None)
    database._close()
    return folder / "instance.db"


async def put(database: InstanceDatabase, table: str, sys_id: str, **values: object) -> None:
    """Make a record, or change it, as a client of the REST APIs with the role may."""

    def unit(tx: Transaction) -> None:
        physical = tx.catalog.physical(table)
        changed = tx.connection.execute(physical.update().where(physical.c.sys_id == sys_id).values(**values))
        if not changed.rowcount:
            tx.connection.execute(physical.insert().values(sys_id=sys_id, **values))
        tx.touched.add(tx.catalog.dictionary.root(table))

    await database.write(unit)


async def drop(database: InstanceDatabase, table: str, **values: object) -> None:
    """Remove records with these values."""

    def unit(tx: Transaction) -> None:
        physical = tx.catalog.physical(table)
        tx.connection.execute(physical.delete().where(*(physical.c[name] == one for name, one in values.items())))
        tx.touched.add(tx.catalog.dictionary.root(table))

    await database.write(unit)


async def put_user(database: InstanceDatabase, user_name: str, *, password: str = PASSWORD, **values: Any) -> str:
    """A user of that name, who may sign in; the sys_id."""
    sys_id = user_name.encode().hex().ljust(32, "0")[:32]
    values = {"active": 1, "locked_out": 0, "name": user_name.title()} | values
    await put(database, "sys_user", sys_id, user_name=user_name, user_password=hashed(password), **values)
    return sys_id


class StillClock:
    """A clock that a test moves."""

    ahead_s = 0.0

    def now(self) -> float:
        return 1_800_000_000 + self.ahead_s


class PeopleWorld:
    """An instance with its own clock, asked over HTTP by `client`."""

    def __init__(self, database: InstanceDatabase) -> None:
        self.database = database
        self.clock = StillClock()
        self.authentication = Authentication(self._opened, clock=self.clock, entropy=SystemEntropy())
        self.registering = Registering(self.authentication.people, clock=self.clock, entropy=SystemEntropy())
        self.app = web.Application()
        self.app.router.add_post(OAUTH_PATH, OAuth(self.authentication).token)
        self.app.router.add_get("/whoami", self._whoami)
        self.client: TestClient[web.Request, web.Application]

    async def _opened(self) -> InstanceDatabase:
        return self.database

    async def _whoami(self, request: web.Request) -> web.Response:
        viewer = await self.authentication.viewer_of(request)
        return web.json_response(
            {"user_name": viewer.user_name, "roles": sorted(viewer.roles), "groups": sorted(viewer.groups)}
        )

    async def put(self, table: str, sys_id: str, **values: object) -> None:
        """Make a record, or change it."""
        await put(self.database, table, sys_id, **values)

    async def drop(self, table: str, **values: object) -> None:
        """Remove records with these values."""
        await drop(self.database, table, **values)

    async def user(self, name: str, *, password: str = PASSWORD, **values: Any) -> str:
        """A user of that name; the sys_id."""
        return await put_user(self.database, name, password=password, **values)

    async def role(self, name: str) -> str:
        """The sys_id of a role, made if it is not there."""
        sys_id = f"role{name}".encode().hex().ljust(32, "0")[:32]
        there = await self.database.read(lambda tx: _role(tx.connection, name))
        if there is None:
            await self.put("sys_user_role", sys_id, sys_class_name="sys_user_role", name=name)
        return there or sys_id

    async def whoami(self, name: str = "", password: str = "", **headers: str) -> tuple[int, Any]:
        """What is answered to whoever asks so."""
        if name:
            headers["Authorization"] = encode_basic_auth(name, password)
        async with self.client.get("/whoami", headers=headers) as answer:
            return answer.status, await answer.json()

    async def token(self, basic: str | None = None, **form: str) -> tuple[int, Any]:
        """What the token endpoint answers."""
        headers = {"Authorization": basic} if basic is not None else {}
        async with self.client.post("/oauth_token.do", data=form, headers=headers) as answer:
            assert answer.headers["Cache-Control"] == "no-store"
            return answer.status, await answer.json()


def _role(connection: Connection, name: str) -> str | None:
    found: str | None = connection.exec_driver_sql(
        "SELECT sys_id FROM sys_metadata WHERE sys_class_name = 'sys_user_role' AND name = ?", (name,)
    ).scalar()
    return found


@contextlib.asynccontextmanager
async def people_database(folder: Path) -> AsyncIterator[InstanceDatabase]:
    """A new instance's database, until the context ends; the tests of a file share one, since opening it takes long."""
    shutil.copyfile(image(), folder / "instance.db")
    database = InstanceDatabase(folder / "instance.db", node_database=None)
    try:
        yield database
    finally:
        await database.close()


@contextlib.asynccontextmanager
async def people_world(database: InstanceDatabase) -> AsyncIterator[PeopleWorld]:
    """An instance whose people are as in a new one, asked over HTTP, until the context ends."""

    def unit(tx: Transaction) -> None:
        for table in PEOPLE:
            physical = tx.catalog.physical(table)
            tx.connection.execute(physical.delete().where(physical.c.sys_id.not_in(SHIPPED)))
        tx.touched.update(PEOPLE)

    await database.write(unit)
    world = PeopleWorld(database)
    async with TestClient(TestServer(world.app)) as world.client:
        yield world
