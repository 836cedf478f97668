"""Ports of loopback that a node finds again after it was killed."""

from __future__ import annotations

import secrets
from pathlib import Path

from node.free_ports import is_free

FIRST, LAST = 20_000, 32_767
"""Below the ports that Linux (from 32,768) and macOS (from 49,152) give to outgoing connections."""

TRIES_MAX = 1_000
_RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")


def lasting_ports(count: int) -> list[int]:
    """That many different ports that are free, and that no outgoing connection takes while its owner is down.

    A port that the system chose may be taken by any connection of any process in the second in which a killed node
    is not there; one that connects to the dead port may even get that very port and meet itself.

    Raises:
        RuntimeError: there are not so many.
    """
    last = min(LAST, _first_of_the_system() - 1)
    found: set[int] = set()
    for _ in range(TRIES_MAX):
        port = FIRST + secrets.randbelow(last - FIRST + 1)  # not of the seed: two runs must not meet
        if port not in found and is_free(port):
            found.add(port)
        if len(found) == count:
            return list(found)
    raise RuntimeError(f"There are not {count} free ports between {FIRST} and {last}.")


def _first_of_the_system() -> int:
    try:
        first = int(_RANGE.read_text(encoding="ascii").split()[0])
    except (OSError, ValueError, IndexError):
        return LAST + 1
    return first if first > FIRST else LAST + 1
