"""The address of an MQTT broker: `mqtt://user:password@host:port` or `mqtts://…`."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Self
from urllib.parse import SplitResult, unquote, urlsplit

from protocol.limits import URL_CHARACTERS_MAX

if TYPE_CHECKING:
    from collections.abc import Mapping

DEFAULT_PORTS: Final[Mapping[str, int]] = {"mqtt": 1883, "mqtts": 8883}
"""The registered ports of MQTT without and with TLS."""

_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?|[0-9A-Fa-f:.]+")
_CONTROL = re.compile(r"[\x00-\x20\x7f]")


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerUrl:
    """Where the broker is and as whom to sign in there.

    The password stands in no text that is made of it: `repr` and `str` show the rest.

    Attributes:
        tls: whether the link is encrypted (`mqtts`).
        host: a name or an address; IPv6 without brackets.
        port: 1 to 65535.
        user: the MQTT user name, None without one.
        password: its password, None without one.
    """

    tls: bool
    host: str
    port: int
    user: str | None = None
    password: str | None = field(default=None, repr=False)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a URL; user and password may be percent-encoded.

        Raises:
            ValueError: it is not such a URL; the text says what to write, and never repeats the URL.
        """
        if len(text) > URL_CHARACTERS_MAX:
            raise ValueError(f"write at most {URL_CHARACTERS_MAX} characters")
        if _CONTROL.search(text):
            raise ValueError("write it without blanks and control characters; %20 stands for a blank")
        try:
            parts = urlsplit(text)
            port = parts.port
        except ValueError:
            raise ValueError("write host:port with a port from 1 to 65535; IPv6 stands in brackets") from None
        if parts.scheme not in DEFAULT_PORTS or not text.lower().startswith(f"{parts.scheme}://"):
            raise ValueError("it must begin with mqtt:// or mqtts://")
        if parts.path.strip("/") or parts.query or parts.fragment or "?" in text or "#" in text:
            raise ValueError("nothing may follow the port; in a user name or password write / ? # @ as %2F %3F %23 %40")
        host = parts.hostname or ""
        if not _HOST.fullmatch(host):
            raise ValueError("after mqtt:// or mqtts:// and the user goes a host name or an address")
        if port == 0:
            raise ValueError("write host:port with a port from 1 to 65535")
        user, password = _credentials(parts)
        return cls(
            tls=parts.scheme == "mqtts",
            host=host,
            port=port or DEFAULT_PORTS[parts.scheme],
            user=user,
            password=password,
        )

    @property
    def place(self) -> str:
        """`host:port`, for people."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def __str__(self) -> str:
        return f"{'mqtts' if self.tls else 'mqtt'}://{self.place}"


def _credentials(parts: SplitResult) -> tuple[str | None, str | None]:
    try:
        user = unquote(parts.username, errors="strict") if parts.username is not None else None
        password = unquote(parts.password, errors="strict") if parts.password is not None else None
    except UnicodeDecodeError:
        raise ValueError("write user name and password in UTF-8 before percent-encoding them") from None
    if not user and (password or user is not None):
        # MQTT 3.1.1, [MQTT-3.1.2-22]: no password without a user name.
        raise ValueError("before the @ goes user:password or a user name alone")
    if "\0" in f"{user}{password}":
        raise ValueError("user name and password can't hold a zero character")
    return user, password
