"""The certificates of a pair that speaks https: made at its start, kept as long as they last, then made anew.

pair.tls/ca.pem     the authority that clients trust; its key was never written down
pair.tls/NAME.pem   a node's certificate
pair.tls/NAME.key   its key (0600)
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from node.private_files import DataDirectoryError, read_text, write_atomically

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

FOLDER: Final = "pair.tls"
"""No node has a dot in its name, so none has its data there."""

CA_FILE: Final = "ca.pem"

LIFETIME: Final = timedelta(days=30)
RENEWED_BEFORE: Final = timedelta(days=7)
"""With how little time left a start makes new ones: so long can the pair run at least."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeCertificate:
    """What a node of the pair needs to speak https, and to believe the others."""

    certificate_file: Path
    key_file: Path
    ca_file: Path

    @property
    def settings(self) -> Mapping[str, str]:
        """The same as the variables of a node."""
        return {
            "HANDCLASP_TLS_CERT_FILE": str(self.certificate_file),
            "HANDCLASP_TLS_KEY_FILE": str(self.key_file),
            "HANDCLASP_CA_FILE": str(self.ca_file),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class PairCertificates:
    """The certificates of all nodes."""

    folder: Path
    expires_at: datetime

    @property
    def ca_file(self) -> Path:
        """What clients trust."""
        return self.folder / CA_FILE

    def of(self, name: str) -> NodeCertificate:
        """A node's."""
        return NodeCertificate(
            certificate_file=self.folder / f"{name}.pem", key_file=self.folder / f"{name}.key", ca_file=self.ca_file
        )


def pair_certificates(directory: Path, names: Sequence[str], *, now: float) -> PairCertificates:
    """The certificates of the pair in a directory: those of an earlier start, or new ones.

    Raises:
        DataDirectoryError: they can't be read or written.
    """
    from node.tls.authority import good_until, issue  # noqa: PLC0415 - it is heavy, and for https alone

    folder, at = directory / FOLDER, datetime.fromtimestamp(now, UTC)
    kept = PairCertificates(folder=folder, expires_at=at)
    files = [kept.ca_file, *(kept.of(name).certificate_file for name in names)]
    authority, *leaves = [read_text(file) or "" for file in files]
    has_keys = all(kept.of(name).key_file.exists() for name in names)
    expires_at = good_until(authority, leaves) if has_keys else None
    if expires_at is None or expires_at - at < RENEWED_BEFORE:
        authority, issued = issue(names, now=at, lifetime=LIFETIME)
        _write(kept, authority, {name: (one.certificate, one.key) for name, one in issued.items()})
        expires_at = at + LIFETIME
    return PairCertificates(folder=folder, expires_at=expires_at)


def _write(kept: PairCertificates, authority: str, issued: Mapping[str, tuple[str, str]]) -> None:
    try:
        kept.folder.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise DataDirectoryError(
            f"{kept.folder} can't be made ({error.strerror}): give this user the right to, or name another --data."
        ) from None
    for name, (certificate, key) in issued.items():
        write_atomically(kept.of(name).certificate_file, certificate)
        write_atomically(kept.of(name).key_file, key)
    write_atomically(kept.ca_file, authority)  # last: until then the new ones are not of the authority that is there
