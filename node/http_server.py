"""How this node's applications are served by HTTP: one set of limits, whatever socket they listen at."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aiohttp import web

from node.malformed_http import server_logger

if TYPE_CHECKING:
    import socket

IDLE_S_MAX: Final = 75.0
"""How long a link may be without a whole request head: from its beginning, or from the last answer, to the last line
of the next head, however it drips in. Longer than the minute for which proxies keep idle links, so that it is they who
close them."""


async def serve_http(app: web.Application, listening: socket.socket) -> web.AppRunner:
    """Answer requests at a listening socket, until the runner is asked to `cleanup`."""
    runner = web.AppRunner(
        app,
        access_log=None,
        logger=server_logger(),
        keepalive_timeout=IDLE_S_MAX,  # aiohttp begins to count when a link is made: its only limit for a head
        handle_signals=False,
        shutdown_timeout=2,
        auto_decompress=False,  # nothing compressed is taken, so no stranger's bomb is opened either
    )
    await runner.setup()
    try:
        await web.SockSite(runner, listening).start()
    except BaseException:
        await runner.cleanup()
        raise
    return runner
