"""Certificates for tests, made as `pair --tls` makes them."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from node.tls.authority import issue
from node.tls.certificate import CertificateFiles

if TYPE_CHECKING:
    from pathlib import Path

DAY = timedelta(days=1)


@dataclass(frozen=True)
class Certified:
    """A certificate, its key, and the authority that has signed it."""

    files: CertificateFiles
    ca_file: Path

    @property
    def settings(self) -> dict[str, str]:
        """A node's."""
        return {
            "HANDCLASP_TLS_CERT_FILE": str(self.files.certificate),
            "HANDCLASP_TLS_KEY_FILE": str(self.files.key),
            "HANDCLASP_CA_FILE": str(self.ca_file),
        }

    def client(self) -> ssl.SSLContext:
        """Trusts the authority, by the strictest rules that there are."""
        context = ssl.create_default_context(cafile=self.ca_file)
        context.verify_flags |= ssl.VERIFY_X509_STRICT
        return context


def certified(folder: Path, name: str = "a", *, made_before: timedelta = timedelta(0), lifetime: timedelta = DAY):
    """Files of that name in a folder; those that are there are replaced."""
    folder.mkdir(exist_ok=True)
    authority, issued = issue([name], now=datetime.now(UTC) - made_before, lifetime=lifetime)
    files = CertificateFiles(certificate=folder / f"{name}.pem", key=folder / f"{name}.key")
    ca_file = folder / f"{name}-ca.pem"
    for path, text in (
        (files.certificate, issued[name].certificate),
        (files.key, issued[name].key),
        (ca_file, authority),
    ):
        path.write_text(text)
        path.chmod(0o600)
    return Certified(files=files, ca_file=ca_file)
