"""Load the server in half the time: what a node's process does before it serves is almost all importing."""

from __future__ import annotations

import contextlib
import gc
import ssl
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator
    from typing import Any

GC_THRESHOLD = 20_000
"""How many more objects were made than freed before the youngest are looked through; 700 by default."""


def load_serve() -> Callable[..., Coroutine[Any, Any, None]]:
    """`node.serve.serve`, imported without two things that cost a fifth of the time and bring nothing here.

    The collector looks again and again through modules that stay; it is off meanwhile, and told afterwards that
    they stay. And aiohttp reads the system's certificates into two default contexts as soon as it is imported;
    this node makes a context of its own when it calls https, and never uses those.
    """
    gc.disable()
    try:
        with _no_certificates_read():
            import aiohttp.connector  # noqa: F401, PLC0415 - to be imported here is the point
        from node.serve import serve  # noqa: PLC0415 - likewise
    finally:
        gc.enable()
    gc.freeze()
    # What a request leaves behind is freed by counting references; few cycles are made, so they are sought seldom.
    gc.set_threshold(GC_THRESHOLD, 20, 50)
    return serve


@contextlib.contextmanager
def _no_certificates_read() -> Iterator[None]:
    """What is made meanwhile trusts nobody: should it ever be used, the call fails rather than trusts too much."""
    create, verify_paths = ssl.create_default_context, ssl.SSLContext.set_default_verify_paths
    ssl.create_default_context = lambda *_args, **_more: ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    ssl.SSLContext.set_default_verify_paths = lambda _self: None  # type: ignore[method-assign, assignment]
    try:
        yield
    finally:
        ssl.create_default_context = create
        ssl.SSLContext.set_default_verify_paths = verify_paths  # type: ignore[method-assign]
