"""API Reference: the OpenAPI and the AsyncAPI document as pages, made by the node without anything from elsewhere."""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from aiohttp import web

from node.admin.operations import BY_ID
from node.console.console import PREFIX

if TYPE_CHECKING:
    from collections.abc import Sequence

    from markupsafe import Markup

    from node.console.shell import Shell

HERE: Final = f"{PREFIX}/about/api-reference"
EVENTS: Final = f"{HERE}/events"


class ReferencePages:
    """The handlers."""

    def __init__(self, shell: Shell) -> None:
        self._shell = shell

    def routes(self) -> Sequence[web.RouteDef]:
        """Where they stand."""
        return [web.get(HERE, self.admin_api), web.get(EVENTS, self.broadcasts)]

    async def admin_api(self, request: web.Request) -> web.Response:
        """What can be asked."""
        return self._shell.page(
            request, "reference.html", title="API Reference", raw=BY_ID["getOpenApi"].url, **_asked()
        )

    async def broadcasts(self, request: web.Request) -> web.Response:
        """What is told."""
        return self._shell.page(
            request, "reference.html", title="API Reference", raw=BY_ID["getAsyncApi"].url, **_told()
        )


@cache
def _asked() -> dict[str, Any]:
    from node.describing import openapi, reading  # noqa: PLC0415 - for this page only

    document = json.loads(openapi.openapi_json())
    return {
        "is_asked": True,
        "introduction": _markdown(document["info"]["description"]),
        "groups": reading.groups(document),
        "topics": [],
        "shapes": reading.shapes(document),
        "markdown": _markdown,
    }


@cache
def _told() -> dict[str, Any]:
    from node.describing import asyncapi, reading  # noqa: PLC0415 - for this page only

    document = json.loads(asyncapi.asyncapi_json())
    return {
        "is_asked": False,
        "introduction": _markdown(document["info"]["description"]),
        "groups": [],
        "topics": reading.told(document),
        "shapes": reading.shapes(document),
        "markdown": _markdown,
    }


@cache
def _markdown(text: str) -> Markup:
    """CommonMark of the documents as HTML; HTML in it is text."""
    from markdown_it import MarkdownIt  # noqa: PLC0415 - for these pages only
    from markupsafe import Markup  # noqa: PLC0415 - likewise

    return Markup(MarkdownIt("commonmark", {"html": False}).render(text))  # noqa: S704 - made from the code
