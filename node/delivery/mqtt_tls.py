"""TLS to an MQTT broker: the host name and the chain are always checked."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


class _TidySocket(ssl.SSLSocket):
    """Closes itself when the handshake fails: paho loses hold of it then."""

    def do_handshake(self, block: bool = False) -> None:  # noqa: FBT001, FBT002 - the standard library's signature
        try:
            super().do_handshake(block)
        except BaseException:
            self.close()
            raise


def client_context(ca_file: Path | None) -> ssl.SSLContext:
    """What a link to an `mqtts` broker is checked against: a PEM file of authorities, or the system's.

    Raises:
        OSError: the file can't be read or holds no certificate.
    """
    context = ssl.create_default_context(cafile=ca_file)
    context.sslsocket_class = _TidySocket
    return context
