"""The files that pages load: from this package only, under a name that changes with their content."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from aiohttp import web

from node.console.console import PREFIX

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class AssetFile:
    """A file of this package, and what it is served as."""

    path: Path
    content_type: str


_FOLDER: Final = Path(__file__).parent / "assets"
FILES: Final[Mapping[str, AssetFile]] = {
    name: AssetFile(_FOLDER / name, content_type)
    for name, content_type in (
        ("console.css", "text/css"),
        ("console.js", "text/javascript"),
        ("icon.svg", "image/svg+xml"),
        ("vendor/htmx.min.js", "text/javascript"),
    )
}
DIGEST_CHARACTERS: Final = 16


class Assets:
    """Some files, below one place."""

    def __init__(self, files: Mapping[str, AssetFile] = FILES, *, prefix: str = PREFIX) -> None:
        self._files = files
        self._prefix = prefix

    @cache  # noqa: B019 - there is one of these for a process's life
    def path(self, name: str) -> str:
        """Where a file is asked for; another content has another path."""
        digest = hashlib.sha256(self._files[name].path.read_bytes()).hexdigest()[:DIGEST_CHARACTERS]
        return f"{self._prefix}/assets/{digest}/{name}"

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """The file of that name; browsers keep it for as long as its content stays."""
        name = request.match_info["name"]
        if name not in self._files or request.path != self.path(name):
            raise web.HTTPNotFound
        return web.Response(
            body=self._files[name].path.read_bytes(),
            content_type=self._files[name].content_type,
            charset="utf-8",
            headers={"Cache-Control": "public, max-age=31536000, immutable"},
        )
