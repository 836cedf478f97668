"""Routes that applications share lead to the handlers of the application that was asked."""

from __future__ import annotations

import pytest
from aiohttp import web

from node.routing import add_routes
from simulations.server import DirectServer


def application(name):
    async def show(request):
        return web.Response(text=f"{name} {request.match_info['thing']} {request.method}")

    async def put(request):
        return web.Response(text=f"{name} took {await request.text()}")

    app = web.Application()
    add_routes(app, [web.get("/things/{thing}", show), web.post("/things", put)])
    return DirectServer(app)


async def asked(server, method, path, body=b""):
    answer = await server.answer(method, path, host="test", headers={}, body=body, remote="10.0.0.1")
    return answer.status, answer.body.decode()


async def test_each_application_answers_by_its_own_handlers():
    one, other = application("one"), application("other")
    assert await asked(one, "GET", "/things/7") == (200, "one 7 GET")
    assert await asked(other, "GET", "/things/7") == (200, "other 7 GET")
    assert await asked(other, "POST", "/things", b"it") == (200, "other took it")
    assert await asked(one, "POST", "/things", b"it") == (200, "one took it")


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("HEAD", "/things/7", 200), ("POST", "/things/7", 405), ("GET", "/things", 405), ("GET", "/nothing", 404)],
)
async def test_methods_and_paths_are_told_apart_as_ever(method, path, status):
    assert (await asked(application("one"), method, path))[0] == status


def test_one_path_is_parsed_once_for_all_applications():
    one, other = web.Application(), web.Application()
    for app in (one, other):
        add_routes(app, [web.get("/things/{thing}", lambda _request: web.Response())])
    assert list(one.router.resources()) == list(other.router.resources())
