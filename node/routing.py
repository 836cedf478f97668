"""Routes that all nodes of a process share: aiohttp parses a path and looks a handler over for each application anew.

That takes a third of what making a node takes, and the same paths lead to each node. So the resources of a list of
routes are made once, and what answers at them is looked up in the application that was asked.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final

from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aiohttp.typedefs import Handler

HANDLERS: Final = web.AppKey("handlers", dict[str, "Handler"])
"""Who answers at each route of an application, by method and path."""


def add_routes(app: web.Application, routes: Sequence[web.RouteDef]) -> None:
    """Do what `app.router.add_routes` does; once for an application.

    Raises:
        RuntimeError: the application has its routes already.
    """
    if HANDLERS in app:
        raise RuntimeError("This application has its routes already; give all of them at once.")
    app[HANDLERS] = {_place(route.method, route.path): route.handler for route in routes}
    for resource in _resources(tuple((route.method, route.path, tuple(route.kwargs.items())) for route in routes)):
        app.router.register_resource(resource)


@cache
def _resources(routes: tuple[tuple[str, str, tuple[tuple[str, object], ...]], ...]) -> tuple[web.AbstractResource, ...]:
    made = web.UrlDispatcher()
    made.add_routes(
        [web.RouteDef(method, path, _asked(_place(method, path)), dict(more)) for method, path, more in routes]
    )
    return tuple(made.resources())


def _asked(place: str) -> Handler:
    async def ask(request: web.Request) -> web.StreamResponse:
        return await request.app[HANDLERS][place](request)

    return ask


def _place(method: str, path: str) -> str:
    return f"{method} {path}"
