"""Two node processes for every test that runs commands against nodes; a home directory for each command."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import argon2
import msgspec
import pytest
from aiohttp import web

from node import app, passwords
from node.admin import middleware
from node.admin.operations import OPERATIONS
from node.brokers.children import choose_kind
from node.problems import PROBLEMS, Problem
from tests.e2e.processes import NodeProcess
from tests.node.command_line import CommandLine, rows_of
from tests.node.mqtt_world import MOSQUITTO_NOW_AMQTT_SLOWLY, running

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from aiohttp.typedefs import Handler, Middleware

    from node.admin.operations import Operation

AT_REST_S = 0.1
BY_ROUTE = {(one.method, one.url): one for one in OPERATIONS}
HASHES_AS_SHIPPED = passwords._hasher


@pytest.fixture(scope="session", autouse=True)
def quick_hashes() -> Iterator[None]:
    """Hundreds of tests sign in, and what a hash costs is for one of them: see `hashes_as_shipped`."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "_hasher", lambda: argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
        yield


@pytest.fixture(scope="session", autouse=True)
def answers_are_described() -> Iterator[None]:
    """Whatever a node in a test's own process answers its admin is what the description of the operation admits."""

    def problems_described() -> Middleware:
        inner = middleware.problems()

        @web.middleware
        async def described(request: web.Request, handler: Handler) -> web.StreamResponse:
            answer = await inner(request, handler)
            resource = request.match_info.route.resource
            one = BY_ROUTE.get((request.method, resource.canonical if resource is not None else ""))
            if one is not None:
                fault = undescribed(one, answer)
                assert fault is None, f"{one.id} is described otherwise than it answers: {fault}"
            return answer

        return described

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(app, "problems", problems_described)
        yield


def undescribed(one: Operation, answer: web.StreamResponse) -> str | None:
    """What of an answer the operation's description does not admit."""
    assert isinstance(answer, web.Response)
    assert isinstance(answer.body, bytes)
    if answer.content_type == "application/json":
        try:
            msgspec.json.decode(answer.body, type=one.answer)
        except msgspec.MsgspecError as error:
            return str(error)
        return None if answer.status == one.status else f"the status {answer.status}"
    document = msgspec.json.decode(answer.body)
    kind = document["type"].removeprefix("/problems/")
    row = PROBLEMS[Problem(kind)]
    more = document.keys() - {"type", "title", "status", "detail", "remedy"}
    if kind not in one.problems:
        return f"the problem {kind}"
    return None if set(row.members) <= more <= {*row.members, *row.may_have} else f"{kind} with {sorted(more)}"


@pytest.fixture
def hashes_as_shipped(monkeypatch: pytest.MonkeyPatch) -> None:
    """Passwords are hashed as in a node that people run."""
    monkeypatch.setattr(passwords, "_hasher", HASHES_AS_SHIPPED)


@dataclass(frozen=True)
class TwoNodes:
    """Nodes `a` and `b`, running; they are shared, so each test uses connection names of its own."""

    a: NodeProcess
    b: NodeProcess

    def rows(self) -> object:
        """What both keep, once it is at rest: an announcement may still be under way."""
        before, found = None, self._rows()
        while before != found:
            time.sleep(AT_REST_S)
            before, found = found, self._rows()
        return found

    def _rows(self) -> object:
        return rows_of(self.a.data / "node.db"), rows_of(self.b.data / "node.db")


@pytest.fixture(scope="session")
def nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TwoNodes]:
    """Two nodes that can reach each other, without a broker."""
    folder = tmp_path_factory.mktemp("nodes")
    pair = [NodeProcess(name=f"Instance {name.upper()}", data=folder / name) for name in ("a", "b")]
    try:
        for node in pair:
            node.start()
        yield TwoNodes(*pair)
    finally:
        for node in pair:
            node.close()


@pytest.fixture(scope="session")
def private(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NodeProcess]:
    """A node without a node URL, and so without the right to initiate; no test gives it a connection."""
    data = tmp_path_factory.mktemp("private") / "p"
    node = NodeProcess(name="Private", data=data, settings={"HANDCLASP_NODE_URL": ""})
    try:
        node.start()
        yield node
    finally:
        node.close()


@pytest.fixture
def handclasp(tmp_path: Path) -> CommandLine:
    """The command, run in a home directory in which nothing else is."""
    home = tmp_path / "home"
    home.mkdir()
    return CommandLine(home)


@pytest.fixture(params=MOSQUITTO_NOW_AMQTT_SLOWLY)
async def child(request, tmp_path):
    async with running(request.param, tmp_path) as child:
        yield child


@pytest.fixture
async def any_broker(tmp_path):
    """A broker for what is the same on both of them."""
    async with running(choose_kind(), tmp_path) as child:
        yield child
