"""aiohttp asks for no clock: where it reads the machine's, it is given the world's."""

from __future__ import annotations

import contextlib
import threading
from email.utils import formatdate
from typing import TYPE_CHECKING, Any

import aiohttp.connector
import aiohttp.web_response

from simulations.ports import EPOCH_S

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@contextlib.contextmanager
def virtual_clocks(now: Callable[[], float]) -> Iterator[None]:
    """For links that it keeps, and for `Date`: in this thread the world's time, in others the real one.

    Args:
        now: the virtual instant, in seconds since the world began.
    """
    places: list[tuple[Any, str, Callable[[], object]]] = [
        (aiohttp.connector, "monotonic", now),
        (aiohttp.web_response, "rfc822_formatted_time", lambda: formatdate(EPOCH_S + now(), usegmt=True)),
    ]
    me = threading.get_ident()
    with contextlib.ExitStack() as restored:
        for module, name, virtual in places:
            original = getattr(module, name)
            setattr(module, name, _only_in(me, virtual, original))
            restored.callback(setattr, module, name, original)
        yield


def _only_in(thread: int, virtual: Callable[[], object], original: Callable[[], object]) -> Callable[[], object]:
    return lambda: virtual() if threading.get_ident() == thread else original()
