"""Every admin route × every kind of wrong input: the right status, one problem, one sentence, nothing changed."""

from __future__ import annotations

import asyncio
import gzip
import json
import re
from contextlib import AsyncExitStack, closing
from dataclasses import dataclass, field
from itertools import product
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

from node.admin.answers import API
from node.admin.bodies import BODY_BYTES_MAX
from node.license.keys import LicenseKey, issue
from node.problems import PROBLEMS, Problem
from protocol.identity import SigningKey
from tests.node.admin_table import OPEN, POSTS, ROUTES, UNKNOWN
from tests.node.command_line import RowsKept
from tests.node.local_nodes import running_node

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.node.command_line import Rows
    from tests.node.local_nodes import LocalNode

each_route = pytest.mark.parametrize("route", ROUTES, ids=str)
each_post = pytest.mark.parametrize("route", POSTS, ids=str)


pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(tmp_path_factory):
    """A node with one active and one pending connection, its partner, and a way to send it anything."""
    tmp_path = tmp_path_factory.mktemp("world")
    async with AsyncExitStack() as stack:
        pair = SigningKey(b"k" * 32)
        a = await stack.enter_async_context(running_node(tmp_path / "a", license_public_key=pair.public))
        b = await stack.enter_async_context(running_node(tmp_path / "b", name="b"))
        made = await a.initiate(b, name="active")
        await b.accept(made["invitation_code"])
        await a.until(made["connection"]["sys_id"], "active")
        pending = await a.initiate(None, name="pending")
        now = int(a.clock.now())
        yield World(
            stack=stack,
            a=a,
            b=b,
            active=made["connection"]["sys_id"],
            used=made["invitation_code"],
            own=pending["invitation_code"],
            license_key=issue(pair, LicenseKey(licensee="Acme", issued_at=now, expires_at=now + 86_400)),
        )


@dataclass
class World:
    stack: AsyncExitStack
    a: LocalNode
    b: LocalNode
    active: str
    used: str
    own: str
    license_key: str
    _kept: dict[str, RowsKept] = field(default_factory=dict)

    async def refused(self, method: str, path: str, problem: Problem, *, node: LocalNode | None = None, **request: Any):
        """Send what must be refused with that problem; the problem document."""
        node = node or self.a
        before = self.rows(node)
        headers = {"Authorization": f"Bearer {node.token}"} | request.pop("headers", {})
        headers = {name: value for name, value in headers.items() if value is not None}
        async with node.http.request(method, node.url + path, headers=headers, **request) as answer:
            raw = await answer.read()
            told = f"{method} {path} {str(request)[:200]}: {answer.status} {raw[:300]!r}"
            assert answer.status == PROBLEMS[problem].status, told
            assert answer.content_type == "application/problem+json", told
            document = json.loads(raw)
            allowed = answer.headers.get("Allow"), answer.headers.get("WWW-Authenticate")
        assert document["type"] == f"/problems/{problem}", told
        assert document["status"] == answer.status
        assert document["title"] == PROBLEMS[problem].title
        assert re.fullmatch(r"[A-Z\"0-9h][^\n]{5,400}[.?]", document["detail"]), told
        assert document["detail"].isprintable(), told
        assert document["remedy"].endswith("."), told
        assert allowed[0] if problem is Problem.METHOD_NOT_ALLOWED else True
        assert allowed[1] == ("Bearer" if problem is Problem.UNAUTHENTICATED else None)
        assert self.rows(node) == before, told
        return document

    def rows(self, node: LocalNode) -> Rows:
        """All that the node keeps."""
        if node.url not in self._kept:
            self._kept[node.url] = self.stack.enter_context(closing(RowsKept(node.data / "node.db")))
        return self._kept[node.url].now()


async def test_no_route_is_missing_from_the_table():
    from node.admin.routes import AdminApi

    routes = AdminApi(None, None).routes()
    assert {(route.method, route.path) for route in routes} == {
        (route.method, route.template) for route in (*ROUTES, *OPEN)
    }


async def test_every_route_of_the_application_is_an_admins_or_known_to_be_for_everybody(world):
    found = {route.resource.canonical for route in world.a.node.node_app.router.routes()}
    found = {path for path in found if path != "/" and not path.startswith((f"{API}/", "/console"))}  # own tests
    assert found == {"/peer", "/.well-known/handclasp", "/problems/{slug}", "/healthz", "/readyz", "/metrics"}


ONE = "/connections/{sys_id}"
EXPECTED = {
    "/invitations/show": 422,
    "/invitations/accept": 422,
    "/invitations/decline": 422,
    f"{ONE}/invitation": 409,
    f"{ONE}/new-code": 409,
    f"{ONE}/retry": 409,
    **{f"{ONE}/{act}": 409 for act in ("withdraw", "approve", "refuse", "decline", "cancel")},
    **{f"{ONE}/{act}": 200 for act in ("deactivate", "activate", "remove", "forget")},
}
"""What the table's requests are answered, in its order, on an active connection of the source."""


async def test_the_requests_of_the_table_are_right_but_for_what_a_test_changes(world):
    offered = await world.a.initiate(world.b, name="its own")
    sys_id = offered["connection"]["sys_id"]
    await world.b.accept(offered["invitation_code"])
    await world.a.until(sys_id, "active")
    for route in ROUTES:
        path = route.url.replace(UNKNOWN, sys_id)
        body = {"key": world.license_key} if route.path == "/license" and route.body else route.body
        status, answer = await world.a.admin(route.method, path.removeprefix(API), body)
        wanted = EXPECTED.get(route.path, 201 if route.method == "POST" and route.path != "/check" else 200)
        assert status == wanted, (route, answer)


# Who asks


WRONG_AUTHORIZATIONS = (
    None, "", "Bearer", "Bearer ", "Bearer x", "Bearer {token}x", "Basic {token}", "{token}", "Bearer \u00e4\u00f6",
    "Bearer {token},{token}", "Bearer " + "x" * 4000,
)  # fmt: skip


@each_route
async def test_nobody_is_let_in_without_the_token(world, route):
    for authorization in WRONG_AUTHORIZATIONS:
        value = authorization.format(token=world.a.token) if authorization is not None else None
        await world.refused(
            route.method, route.url, Problem.UNAUTHENTICATED, headers={"Authorization": value}, json=route.body
        )


async def test_a_stranger_learns_nothing_of_what_is_there(world):
    for path in (f"{API}/nonsense", f"{API}", f"{API}/connections/{world.active}", "/%61pi/v1/node"):
        await world.refused("GET", path, Problem.UNAUTHENTICATED, headers={"Authorization": None})


async def test_a_token_of_bytes_that_are_no_text_is_a_wrong_token(world):
    reader, writer = await asyncio.open_connection("127.0.0.1", int(world.a.url.rpartition(":")[2]))
    writer.write(b"GET /api/v1/node HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer \xff\xfe\r\nConnection: close\r\n\r\n")
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    assert answer.startswith(b"HTTP/1.1 401 ")


# What is asked for


@each_route
async def test_no_other_method_is_taken(world, route):
    taken = {other.method for other in ROUTES if other.path == route.path}
    taken |= {"HEAD"} if "GET" in taken else set()
    for method in {"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND"} - taken:
        await world.refused(method, route.url, Problem.METHOD_NOT_ALLOWED)


async def test_what_is_not_there_is_not_found(world):
    for path in ("/nonsense", "/connections/", "/connections//", "/node/", f"/connections/{world.active}/nonsense"):
        await world.refused("GET", API + path, Problem.NOT_FOUND)
    await world.refused("GET", "/problems/nonsense", Problem.NOT_FOUND)
    for sys_id in (
        UNKNOWN,
        "x",
        world.active.upper(),
        world.active[:31],
        world.active + "0",
        "%00",
        "%ff",
        "..%2f",
        "x" * 4000,
    ):
        for path in ("", "/events", "/invitation"):
            await world.refused("GET", f"{API}/connections/{sys_id}{path}", Problem.NOT_FOUND)


@each_route
async def test_a_parameter_that_is_not_known_is_refused_by_name(world, route):
    document = await world.refused(route.method, f"{route.url}?nonsense=1", Problem.UNKNOWN_FIELD, json=route.body)
    assert document["field"] == "nonsense"
    await world.refused(route.method, f"{route.url}?{'x' * 3000}=1", Problem.UNKNOWN_FIELD, json=route.body)


def wrong_parameters() -> Iterator[Any]:
    for route in ROUTES:
        for name, values in route.query.items():
            yield pytest.param(route, name, values, id=f"{route} {name}")


@pytest.mark.parametrize(("route", "name", "values"), list(wrong_parameters()))
async def test_a_parameter_with_a_wrong_value_is_refused_by_name(world, route, name, values):
    url = route.url.replace(UNKNOWN, world.active)
    for value in values:
        document = await world.refused("GET", url, Problem.INVALID_FIELD, params={name: value})
        assert document["field"] == name
    document = await world.refused("GET", f"{url}?{name}=1&{name}=1", Problem.INVALID_FIELD)
    assert document["field"] == name


# What is sent


OTHER_TYPES = ("text/plain", "application/x-www-form-urlencoded", "application/json5", "multipart/form-data", "x")


@each_post
async def test_only_json_is_taken(world, route):
    for content_type in OTHER_TYPES:
        await world.refused(
            route.method, route.url, Problem.UNSUPPORTED_MEDIA_TYPE,
            data=json.dumps(route.body).encode(), headers={"Content-Type": content_type},
        )  # fmt: skip


JSON = {"Content-Type": "application/json"}


@each_post
async def test_a_body_without_a_content_type_is_not_taken(world, route):
    data = json.dumps(route.body).encode()
    await world.refused(
        route.method, route.url, Problem.UNSUPPORTED_MEDIA_TYPE, data=data, skip_auto_headers=["Content-Type"]
    )


NO_OBJECTS = (
    b"", b" ", b"nonsense", b"{", b'{"a":}', b"{'url':1}", b'{"url":"x"} {}', b"\x00", b"NaN", b"\xef\xbb\xbf{}",
    b'{"code":"\xff\xfe"}', b'{"url":"\xc0\xaf"}', '{"url":"x"}'.encode("utf-16"), b'{"\xff":1}',
    b"[" * 60_000, b'{"a":' * 20_000, b'{"code":' + b"[" * 60_000 + b"]" * 60_000 + b"}",
    b'{"code":"\\ud800"}', b'{"code_lifetime_s":' + b"9" * 9_000 + b"}", b"null", b"[]", b'"text"', b"1", b"1e999999",
)  # fmt: skip


@each_post
async def test_what_is_no_json_object_is_refused(world, route):
    headers = {"Authorization": f"Bearer {world.a.token}", **JSON}
    for data in NO_OBJECTS:
        async with world.a.http.request(route.method, world.a.url + route.url, data=data, headers=headers) as answer:
            found = (await answer.json(content_type=None))["type"].removeprefix("/problems/")
        if route.body == {} and not data:  # no body is the same as an empty object there
            assert found == "not-found"
            continue
        assert found in {"malformed", "missing-field", "unknown-field", "invalid-field", "code-refused"}, data[:24]
        await world.refused(route.method, route.url, Problem(found), data=data, headers=JSON)
        if not data.strip().startswith(b"{"):
            assert found == "malformed", data[:24]


@each_post
async def test_a_body_that_is_too_large_is_refused_whether_it_says_so_or_not(world, route):
    padding = b" " * BODY_BYTES_MAX
    data = json.dumps(route.body).encode() + padding

    async def unannounced():
        for at in range(0, len(data), 10_000):
            yield data[at : at + 10_000]

    await world.refused(route.method, route.url, Problem.TOO_LARGE, data=data, headers=JSON)
    await world.refused(route.method, route.url, Problem.TOO_LARGE, data=unannounced(), headers=JSON)


GZIP_BOMB = gzip.compress(b" " * 10_000_000)
ENCODINGS = ("gzip", "deflate", "br", "identity", "nonsense")


@each_post
async def test_nothing_compressed_is_taken(world, route):
    data = json.dumps(route.body).encode()
    for encoding, sent in product(ENCODINGS, (gzip.compress(data), data, GZIP_BOMB)):
        headers = {**JSON, "Content-Encoding": encoding}
        document = await world.refused(
            route.method, route.url, Problem.UNSUPPORTED_MEDIA_TYPE, data=sent, headers=headers
        )
        assert "compressed" in document["detail"]


# Fields


def wrong_fields() -> Iterator[Any]:
    for route in POSTS:
        for name, row in route.fields.items():
            yield pytest.param(route, name, row, id=f"{route} {name}")


@pytest.mark.parametrize(("route", "name", "row"), list(wrong_fields()))
async def test_a_field_with_a_wrong_value_is_refused_by_name(world, route, name, row):
    good = dict(route.body, **({"code": world.used} if "code" in route.body else {}))
    for value, problem in row.refused:
        body = json.dumps({**good, name: value}).encode()
        document = await world.refused(
            route.method, route.url, problem, data=body, headers=JSON, node=world.b if "code" in route.body else world.a
        )
        if problem is Problem.INVALID_FIELD:
            assert document["field"] == name
        elif problem in (Problem.CHECK_FAILED, Problem.CODE_REFUSED):
            assert document["outcome"]
    if row.required:
        without = {key: value for key, value in good.items() if key != name}
        document = await world.refused(route.method, route.url, Problem.MISSING_FIELD, json=without)
        assert document["field"] == name


@each_post
async def test_a_field_that_is_not_known_is_refused_by_name(world, route):
    for name in ("nonsense", "Name", "sys_id", "x" * 100, "\u202e"):
        document = await world.refused(route.method, route.url, Problem.UNKNOWN_FIELD, json={**route.body, name: 1})
        assert document["field"].startswith(name[:60])


# States


async def test_what_does_not_fit_the_state_of_things_is_refused(world):
    show, accept, invitation = (
        f"{API}/invitations/show",
        f"{API}/invitations/accept",
        f"{API}/connections/{{}}/invitation",
    )
    await world.refused("GET", invitation.format(world.active), Problem.NOT_POSSIBLE_NOW)
    await world.refused("GET", invitation.format(world.active), Problem.NOT_POSSIBLE_NOW, node=world.b)
    for path in (show, accept):
        document = await world.refused("POST", path, Problem.CODE_REFUSED, json={"code": world.own})
        assert document["outcome"] == "own"
    document = await world.refused("POST", accept, Problem.CODE_REFUSED, json={"code": world.used}, node=world.b)
    assert (document["outcome"], document["connection"]) == ("already-accepted-here", world.active)
    made = await world.a.initiate(world.b, name="for b")
    await world.b.until(made["connection"]["sys_id"], "invited")
    while (await world.a.connection(made["connection"]["sys_id"]))["owed"]:  # until then its row still changes
        await asyncio.sleep(0.02)
    bound = made["invitation_code"]
    mistyped = bound[:100] + ("a" if bound[100] != "a" else "b") + bound[101:]
    for code, outcome in ((mistyped, "mistyped"), (bound[:-5], "truncated"), (bound[:60], "truncated")):
        document = await world.refused("POST", accept, Problem.CODE_REFUSED, json={"code": code}, node=world.b)
        assert document["outcome"] == outcome
        assert bound[-32:] not in json.dumps(document)
    names = {"name": "active", "local_short_name": "a", "remote_short_name": "b"}
    document = await world.refused("POST", f"{API}/connections", Problem.NAME_TAKEN, json=names)
    assert document["field"] == "name"
    document = await world.refused(
        "POST", accept, Problem.NAME_TAKEN, json={"code": bound, "name": "active"}, node=world.b
    )
    assert document["field"] == "name"


async def test_a_private_node_and_a_node_that_a_code_was_not_made_for_refuse(world, tmp_path):
    bound = (await world.a.initiate(world.b, name="for b alone"))["invitation_code"]
    async with running_node(tmp_path / "private", name="private", public=False) as private:
        body = {"name": "n", "local_short_name": "a", "remote_short_name": "b"}
        await world.refused("POST", f"{API}/connections", Problem.NOT_PUBLIC, json=body, node=private)
        for path in ("show", "accept"):
            document = await world.refused(
                "POST", f"{API}/invitations/{path}", Problem.CODE_REFUSED, json={"code": bound}, node=private
            )
            assert document["outcome"] == "not-for-you"


async def test_each_problem_leads_to_a_page_that_explains_it(world):
    for problem, row in PROBLEMS.items():
        async with world.a.http.get(f"{world.a.url}/problems/{problem}") as answer:
            page = await answer.text()
        assert answer.status == 200
        assert f"HTTP {row.status}" in page
        assert row.title in page
        assert row.remedy in page
