"""The stream of server-sent events by which an open page learns that something has changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aiohttp import web

from node.console.guarding import SESSION

if TYPE_CHECKING:
    from node.console.shell import Shell

RETRY_MS: Final = 1000
"""When a browser asks anew after the stream broke off."""

_NUMBER_CHARACTERS_MAX: Final = 15


async def stream(request: web.Request, shell: Shell) -> web.StreamResponse:
    """Tell the number of changes whenever it grows, until the page or the session is closed, or the node stops.

    A browser that comes back says which number it saw last; anything newer is told at once.
    """
    answer = web.StreamResponse(headers={**shell.headers, "Cache-Control": "no-store", "X-Accel-Buffering": "no"})
    answer.content_type = "text/event-stream"
    await answer.prepare(request)
    changes = shell.changes
    number = _seen(request)
    await answer.write(f"retry: {RETRY_MS}\n\n".encode())
    try:
        while await shell.admin_of(request[SESSION]) is not None and not changes.is_over:
            number = await changes.after(number)
            await answer.write(f"event: changed\nid: {number}\ndata: {number}\n\n".encode())
    except ConnectionError:  # the page was closed
        pass
    return answer


def _seen(request: web.Request) -> int:
    """The number that the page was made with, or that was told last before the stream broke off."""
    text = request.headers.get("Last-Event-ID") or request.query.get("seen", "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= _NUMBER_CHARACTERS_MAX else -1
