"""How a command believes that it talks to the node of a data directory: by the very certificate that this node shows.

Which name or address the command calls does not matter then, nor who has signed the certificate: a node that partners
know as `acme.example` is called at 127.0.0.1 by its own machine.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ssl
    from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """What tells the right node from all others."""

    certificate_file: str
    """The PEM file that the node shows; nothing else is trusted."""
    server_name: str
    """A name that stands in the certificate."""


def client_context(certificate_file: str | Path) -> ssl.SSLContext:
    """Verification against one file, and against nothing that the system trusts.

    Raises:
        OSError: the file can't be read, or (ssl.SSLError) holds no certificate.
    """
    import ssl  # noqa: PLC0415 - most who ask how a node is known call one that speaks http

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN  # the certificate itself is trusted, not only who signed it
    context.load_verify_locations(cafile=certificate_file)
    return context
