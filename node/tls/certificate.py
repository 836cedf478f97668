"""The certificate by which a node's listeners prove who they are: judged at the start, read again when it changes.

Whether it is any good is not worked out here but tried: before a pair of files is used, a client that trusts the
certificate shakes hands with it, in memory. What would turn every client away turns the node away first.
"""

from __future__ import annotations

import os
import ssl
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NoReturn

from node.logs import get_logger
from node.tls.trust import Trust, client_context

if TYPE_CHECKING:
    from pathlib import Path

_ROUNDS_MAX: Final = 4
"""How often each side of a handshake has its turn; TLS 1.3 needs two, TLS 1.2 three."""

_MISMATCHES: Final = frozenset({"KEY_VALUES_MISMATCH", "KEY_TYPE_MISMATCH", "NO_CERTIFICATE_ASSIGNED"})
_REMEDIES: Final = {9: "set this machine's clock right, or wait", 10: "have it renewed"}
"""By OpenSSL's X509_V_ERR_CERT_NOT_YET_VALID and X509_V_ERR_CERT_HAS_EXPIRED."""

_NAMES: Final = frozenset({"DNS", "IP Address"})

_log = get_logger(__name__)


class CertificateError(Exception):
    """The certificate can't be used; the text is a sentence that names the file, and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateFiles:
    """Where a certificate with its chain, and its key, stand; both PEM."""

    certificate: Path
    key: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class _Loaded:
    context: ssl.SSLContext
    name: str
    stamp: tuple[int, ...]


class ServerCertificate:
    """A certificate for new links."""

    def __init__(self, files: CertificateFiles) -> None:
        """Read and try it.

        Raises:
            CertificateError: no client would accept it, or others could read its key.
        """
        self._files = files
        self._now = _load(files)
        self._tried: tuple[int, ...] | None = None

    @property
    def trust(self) -> Trust:
        """How a command of this machine knows the node that shows it."""
        return Trust(certificate_file=str(self._files.certificate), server_name=self._now.name)

    def context(self) -> ssl.SSLContext:
        """What a new link is encrypted with; when the files have changed, what they hold now.

        As long as they can't be used (half of a renewal is written, say) the certificate of before goes on.
        """
        stamp = _stamp(self._files)
        if stamp not in (self._now.stamp, self._tried):
            self._tried = stamp
            try:
                self._now = _load(self._files)
            except CertificateError as error:
                _log.warning("certificate_not_renewed", why=str(error))
        return self._now.context


def _stamp(files: CertificateFiles) -> tuple[int, ...]:
    """What changes whenever one of the files does, also behind a symbolic link."""
    found: list[int] = []
    for path in (files.certificate, files.key):
        try:
            now = path.stat()
        except OSError:
            found.append(-1)
        else:
            found += (now.st_mtime_ns, now.st_size, now.st_ino)
    return tuple(found)


def _load(files: CertificateFiles) -> _Loaded:
    stamp = _stamp(files)  # before they are read: what changes meanwhile is read again
    try:
        client = client_context(files.certificate)
    except ssl.SSLError:
        raise CertificateError(
            f"{files.certificate}, which HANDCLASP_TLS_CERT_FILE names, holds no certificate in PEM format. "
            "Name the file with the node's certificate, followed by its chain."
        ) from None
    except OSError as error:
        raise _unreadable(files.certificate, "HANDCLASP_TLS_CERT_FILE", error) from None
    _refuse_open_key(files.key)
    context = _server_context(files)
    shown = _shown_to(client, context, files)
    names = [value for kind, value in shown.get("subjectAltName", ()) if kind in _NAMES]
    if not names:
        raise CertificateError(
            f"The certificate in {files.certificate} names no host (it has no subjectAltName), so no client would "
            "accept it. Have one made for the host of the node URL."
        )
    _log.info("certificate_read", file=str(files.certificate), names=names, not_after=shown["notAfter"])
    return _Loaded(context=context, name=names[0].replace("*", "node"), stamp=stamp)


def forbidden_mode(*, owner: int) -> int:
    """Which bits the mode of a key's file may not have; `owner` is the user who has it.

    A key of root's may be read by a group, for that is how a service that is not root is given one.
    """
    return stat.S_IRWXO | (stat.S_IWGRP | stat.S_IXGRP if owner == 0 else stat.S_IRWXG)


def _refuse_open_key(file: Path) -> None:
    try:
        with file.open("rb") as stream:
            found = os.fstat(stream.fileno())
    except OSError as error:
        raise _unreadable(file, "HANDCLASP_TLS_KEY_FILE", error) from None
    mode = stat.S_IMODE(found.st_mode)
    if mode & forbidden_mode(owner=found.st_uid):
        allowed = "640" if found.st_uid == 0 else "600"
        raise CertificateError(
            f"The key {file} can be used by other users of this machine (mode {mode:04o}): "
            f"run `chmod {allowed} {file}`, and start again."
        )


def _server_context(files: CertificateFiles) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION  # it costs the server more than who asks for it
    context.set_alpn_protocols(["http/1.1"])

    def encrypted() -> NoReturn:
        raise CertificateError(
            f"The key {files.key} is encrypted, and nobody is there to type its password: "
            f"write it without one, by `openssl pkey -in {files.key} -out FILE`, and name that file."
        )

    try:
        context.load_cert_chain(files.certificate, files.key, password=encrypted)
    except ssl.SSLError as error:
        reason = str(error.reason or "")
        if reason in _MISMATCHES:
            raise CertificateError(
                f"The key {files.key} does not belong to the certificate in {files.certificate}: name the two that "
                "were made together; the node's own certificate stands first in its file, its chain behind it."
            ) from None
        if reason:  # a text that is no PEM has none
            raise CertificateError(
                f"The certificate in {files.certificate} can't be used with {files.key} "
                f"({reason.replace('_', ' ').lower()}). Have another one made."
            ) from None
        raise CertificateError(
            f"{files.key}, which HANDCLASP_TLS_KEY_FILE names, holds no private key in PEM format. "
            "Name the file with the key that the certificate was made for."
        ) from None
    except OSError as error:  # it went after it was looked at
        raise _unreadable(files.key, "HANDCLASP_TLS_KEY_FILE", error) from None
    return context


def _shown_to(client: ssl.SSLContext, context: ssl.SSLContext, files: CertificateFiles) -> Any:
    """The certificate, as a client that trusts it sees it after a handshake in memory."""
    client.check_hostname = False  # which hosts it names is what is asked
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    asker = client.wrap_bio(to_client, to_server)
    node = context.wrap_bio(to_server, to_client, server_side=True)
    try:
        for _ in range(_ROUNDS_MAX):
            for side in (asker, node):
                try:
                    side.do_handshake()
                except ssl.SSLWantReadError:
                    continue
        shown = asker.getpeercert()
    except ssl.SSLCertVerificationError as error:
        raise CertificateError(
            f"The certificate in {files.certificate} would be refused by every client ({error.verify_message}): "
            f"{_REMEDIES.get(error.verify_code, 'have another one made')}."
        ) from None
    except (ssl.SSLError, ValueError) as error:
        said = getattr(error, "reason", None) or str(error)
        raise CertificateError(
            f"No TLS handshake comes about with the certificate in {files.certificate} ({said}). Have another one made."
        ) from None
    return shown or {}


def _unreadable(file: Path, variable: str, error: OSError) -> CertificateError:
    return CertificateError(
        f"{file}, which {variable} names, can't be read ({error.strerror}): give this user the right to, "
        "or name another file."
    )
