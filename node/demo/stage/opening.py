"""Opening the stage in the user's browser, where there is one."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

POLL_S: Final = 0.05
OPEN_S_MAX: Final = 5.0
"""After so long a browser has been found, and is its own user's business."""

_OPENS: Final = "import sys, webbrowser; sys.exit(not webbrowser.open(sys.argv[1]))"


def may_open(environment: Mapping[str, str], platform: str) -> bool:
    """Whether a browser would get a window: one in the terminal would hide what the demo says there."""
    has_desktop = platform in {"darwin", "win32"} or environment.get("DISPLAY") or environment.get("WAYLAND_DISPLAY")
    return bool(has_desktop or environment.get("BROWSER"))


async def open_browser(url: str) -> bool:
    """Open a page in the user's browser; whether that went well. It never fails, waits for nobody and says nothing."""
    if not may_open(os.environ, sys.platform):
        return False
    opening = _opening(url)
    until = asyncio.get_running_loop().time() + OPEN_S_MAX
    while opening.poll() is None and asyncio.get_running_loop().time() < until:  # noqa: ASYNC110 - another process is waited for
        await asyncio.sleep(POLL_S)
    return opening.returncode in {0, None}  # none: it waits for its browser to be closed


def _opening(url: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(  # noqa: S603 - this very Python, with a link of our own
        [sys.executable, "-c", _OPENS, url],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,  # Ctrl-C is for the demo, not for the browser
    )
