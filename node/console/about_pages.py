"""What the footer leads to: documents that the node serves itself, written in Markdown or taken as they are."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from aiohttp import web

from node.console.console import PREFIX
from node.console.rendering import ICONS
from node.version import VERSION

if TYPE_CHECKING:
    from collections.abc import Sequence

    from markupsafe import Markup

    from node.console.shell import Shell

HERE: Final = Path(__file__).parent / "about"
VENDORED: Final = ICONS.parent


class AboutPages:
    """The handlers."""

    def __init__(self, shell: Shell) -> None:
        self._shell = shell

    def routes(self) -> Sequence[web.RouteDef]:
        """Where they stand."""
        return [
            web.get(f"{PREFIX}/about/license", self.license),
            web.get(f"{PREFIX}/about/{{name:[a-z-]+}}", self.document),
        ]

    async def document(self, request: web.Request) -> web.Response:
        """One of the documents.

        Raises:
            HTTPNotFound: there is none of that name.
        """
        name = request.match_info["name"]
        if name not in DOCUMENTS:
            raise web.HTTPNotFound
        title, lead = DOCUMENTS[name]
        return self._shell.page(
            request, "about.html", title=title, lead=lead.format(version=VERSION), content=_rendered(name)
        )

    async def license(self, request: web.Request) -> web.Response:
        """Under which license the software is, with those of what it brings along for browsers."""
        return self._shell.page(request, "about_license.html", title="License", licenses=_licenses())


DOCUMENTS: Final = {
    "documentation": ("Documentation", "How to use this console, in a few minutes."),
    "support": ("Support", "What to do when something does not work."),
    "glossary": ("Glossary", "What the words mean that this console uses."),
    "release-history": ("Release History", "What has changed for those who use Handclasp. This node runs {version}."),
    "security": ("Security", "What protects your connections, and what you should know."),
}
"""The documents by name, each with its title and a line below it."""


@cache
def _rendered(name: str) -> Markup:
    """A document of this package as HTML; HTML in it is text, and only its own headings are below the page's."""
    from markdown_it import MarkdownIt  # noqa: PLC0415 - for these pages only
    from markupsafe import Markup  # noqa: PLC0415 - likewise

    text = (HERE / f"{name}.md").read_text(encoding="utf-8")
    if text.startswith("# "):  # the page has a title already
        text = text.partition("\n")[2]
    text = re.sub(r"^## \[([^\]]+)\]", r"## \1", text, flags=re.MULTILINE)  # a version, which leads nowhere here
    return Markup(MarkdownIt("commonmark", {"html": False}).render(text))  # noqa: S704 - a file of this package


@cache
def _licenses() -> list[tuple[str, str]]:
    """What each license is for, and its text."""
    files = (
        ("Handclasp: Apache License 2.0", HERE / "LICENSE"),
        ("htmx, which makes pages live: Zero-Clause BSD", VENDORED / "htmx.LICENSE"),
        ("Lucide, the icons: ISC License", VENDORED / "lucide" / "LICENSE"),
    )
    return [(title, file.read_text(encoding="utf-8").strip("\n")) for title, file in files]
