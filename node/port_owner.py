"""Who holds a port of this machine, as far as this user may know."""

from __future__ import annotations

import psutil


def port_owner(port: int) -> str | None:
    """The name and process id of whoever listens at a TCP port; none when that can't be known."""
    try:
        held = [
            one.pid
            for one in psutil.net_connections("tcp")
            if one.status == psutil.CONN_LISTEN and one.laddr and one.laddr.port == port and one.pid
        ]
        return f"{psutil.Process(held[0]).name()}, process {held[0]}" if held else None
    except psutil.Error:
        return None
