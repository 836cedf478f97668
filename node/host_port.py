"""Where something listens: a host and a port, as people write them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final, Self

PORT_MAX: Final = 65_535
HOST_CHARACTERS_MAX: Final = 253

_HOST: Final = re.compile(r"[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class HostPort:
    """Where to listen; port 0 lets the system choose one."""

    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """The place that `127.0.0.1:8101`, `[::1]:8101` or `localhost:8101` names.

        Raises:
            ValueError: it names none; the text says what to write.
        """
        host, colon, port_text = text.rpartition(":")
        if not (colon and host):
            raise ValueError("write an address and a port, as in 127.0.0.1:8101 or [::1]:8101")
        if not (port_text.isascii() and port_text.isdecimal() and int(port_text[:6]) <= PORT_MAX):
            raise ValueError(f"after the last colon goes a port from 0 (any that is free) to {PORT_MAX}")
        if host.startswith("[") and host.endswith("]"):
            host, is_usable = host[1:-1], ":" in host and _is_address(host[1:-1])
        else:
            # A name whose last part is a number would be read as an address in an unusual notation.
            is_usable = _is_address(host) if host.rpartition(".")[2].isdecimal() else is_name(host)
        if not is_usable:
            raise ValueError("before the last colon goes an address or a host name; IPv6 stands in brackets")
        return cls(host=host, port=int(port_text))

    def url(self, scheme: str) -> str:
        """The URL by which this machine reaches it, also when it listens on all addresses."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)  # compared, not bound  # noqa: S104 - compared, not bound
        return f"{scheme}://{HostPort(host=host, port=self.port)}"

    def __str__(self) -> str:
        """As it would be written in the setting."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def is_name(host: str) -> bool:
    """Whether it can be a host's name."""
    return len(host) <= HOST_CHARACTERS_MAX and _HOST.fullmatch(host) is not None


def _is_address(host: str) -> bool:
    try:
        return bool(ip_address(host))
    except ValueError:
        return False
