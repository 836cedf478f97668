"""The files that pages load: from this package only, under a name that changes with their content."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path
from typing import Final

from aiohttp import web

from node.console.console import PREFIX

FOLDER: Final = Path(__file__).parent / "assets"
FILES: Final = {
    "console.css": "text/css",
    "console.js": "text/javascript",
    "icon.svg": "image/svg+xml",
    "vendor/htmx.min.js": "text/javascript",
}
DIGEST_CHARACTERS: Final = 16


class Assets:
    """The console's files."""

    @cache  # noqa: B019 - there is one of these for a process's life
    def path(self, name: str) -> str:
        """Where a file is asked for; another content has another path."""
        digest = hashlib.sha256((FOLDER / name).read_bytes()).hexdigest()[:DIGEST_CHARACTERS]
        return f"{PREFIX}/assets/{digest}/{name}"

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """The file of that name; browsers keep it for as long as its content stays."""
        name = request.match_info["name"]
        if name not in FILES or request.path != self.path(name):
            raise web.HTTPNotFound
        return web.Response(
            body=(FOLDER / name).read_bytes(),
            content_type=FILES[name],
            charset="utf-8",
            headers={"Cache-Control": "public, max-age=31536000, immutable"},
        )
