"""Which handler answers which path of the REST APIs: one table, for requests and for those within a batch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote

from node.instance.errors import InstanceError
from node.instance.front import PREFIX

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence

    from node.instance.rest.calls import Answer, Call

VERSIONS: Final = frozenset({"v1", "v2"})


@dataclass(frozen=True, slots=True)
class Route:
    """A method and a path after `/api/now` and the version; `{}` stands for any one part, handed to the handler."""

    method: str
    path: str
    handler: Callable[..., Awaitable[Answer]]


class Router:
    """The table of routes."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self.routes = tuple(routes)
        self._split = [(route, route.path.split("/")) for route in self.routes]

    def find(self, call: Call) -> tuple[Callable[..., Awaitable[Answer]], list[str]]:
        """The handler of a call, and what it is handed beside the call.

        Raises:
            InstanceError: there is nothing there, or nothing for that method.
        """
        methods = []
        for route, pattern in self._of(call.parts):
            if route.method == call.method:
                handed = [part for want, part in zip(pattern, call.parts, strict=True) if want == "{}"]
                return route.handler, handed
            methods.append(route.method)
        if methods:
            raise InstanceError(405, "Method not supported", f"{call.method} is not one of {', '.join(methods)} here")
        raise InstanceError(400, f"Requested URI does not represent any resource: /{'/'.join(call.parts)[:200]}", None)

    def knows(self, method: str, parts: Sequence[str]) -> bool:
        """Whether there is a handler for such calls."""
        return any(route.method == method for route, _ in self._of(parts))

    def _of(self, parts: Sequence[str]) -> Iterator[tuple[Route, list[str]]]:
        for route, pattern in self._split:
            if len(pattern) == len(parts) and all(
                want in {"{}", part} for want, part in zip(pattern, parts, strict=True)
            ):
                yield route, pattern


def parts_of(raw_path: str) -> tuple[str, tuple[str, ...]] | None:
    """Version and parts of a raw path below `/api/now`; none if it is not below it."""
    if not raw_path.startswith(f"{PREFIX}/"):
        return None
    parts = [unquote(part) for part in raw_path.removeprefix(f"{PREFIX}/").strip("/").split("/")]
    if parts and parts[0] in VERSIONS:
        return parts[0], tuple(parts[1:])
    return "", tuple(parts)


def table_routes(api: Any) -> list[Route]:
    """Those of the Table API."""
    return [
        Route("GET", "table/{}", api.list_),
        Route("POST", "table/{}", api.create),
        Route("GET", "table/{}/{}", api.get),
        Route("PUT", "table/{}/{}", api.update),
        Route("PATCH", "table/{}/{}", api.update),
        Route("DELETE", "table/{}/{}", api.delete),
    ]


def attachment_routes(api: Any) -> list[Route]:
    """Those of the Attachment API."""
    return [
        Route("GET", "attachment", api.list_),
        Route("POST", "attachment/file", api.create),
        Route("POST", "attachment/upload", api.upload),
        Route("GET", "attachment/{}", api.get),
        Route("PATCH", "attachment/{}", api.rename),
        Route("DELETE", "attachment/{}", api.delete),
        Route("GET", "attachment/{}/file", api.file),
    ]


def batch_routes(api: Any) -> list[Route]:
    """That of the Batch API."""
    return [Route("POST", "batch", api.run)]


def aggregate_routes(api: Any) -> list[Route]:
    """That of the Aggregate API."""
    return [Route("GET", "stats/{}", api.get)]


def import_routes(api: Any) -> list[Route]:
    """Those of the Import Set API."""
    return [
        Route("POST", "import/{}", api.create),
        Route("POST", "import/{}/insertMultiple", api.insert_multiple),
        Route("GET", "import/{}/{}", api.get),
    ]


def tiny_routes(api: Any) -> list[Route]:
    """That of short URLs."""
    return [Route("POST", "tinyurl", api.create)]
