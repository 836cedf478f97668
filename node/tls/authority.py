"""A certificate authority that is thrown away: its key signs a few certificates and is never written down.

Whoever trusts it trusts little: its name constraints (RFC 5280 4.2.1.10) let it vouch for this machine's loopback names
alone, it lives for days, and nobody holds its key any more.

This module loads `cryptography`, which takes a tenth of a second; a node never does.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING, Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

if TYPE_CHECKING:
    from collections.abc import Iterable

DNS_NAME: Final = "localhost"
ADDRESSES: Final = ("127.0.0.1", "::1")

SKEW: Final = timedelta(hours=1)
"""How far another clock may be behind this one."""

_NAME_BYTES: Final = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Issued:
    """A certificate and its key, as the text of PEM files."""

    certificate: str
    key: str


def issue(subjects: Iterable[str], *, now: datetime, lifetime: timedelta) -> tuple[str, dict[str, Issued]]:
    """The certificate (PEM) of a new authority, and by each subject the certificate that it has signed."""
    authority_key = ec.generate_private_key(ec.SECP256R1())
    span = (now - SKEW, now + lifetime)
    serial = x509.random_serial_number()
    title = f"Handclasp throw-away authority {serial.to_bytes(20, 'big')[-_NAME_BYTES:].hex()}"
    authority = (
        _builder(title, title, authority_key.public_key(), span, issuer_key=authority_key.public_key(), serial=serial)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .add_extension(x509.NameConstraints(_constrained_to(), excluded_subtrees=None), critical=True)
        .sign(authority_key, hashes.SHA256())
    )
    issued = {}
    for subject in subjects:
        key = ec.generate_private_key(ec.SECP256R1())
        leaf = (
            _builder(
                f"Handclasp node {subject}",
                title,
                key.public_key(),
                span,
                issuer_key=authority_key.public_key(),
                serial=x509.random_serial_number(),
            )
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(signs_certificates=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(x509.SubjectAlternativeName(_named()), critical=False)
            .sign(authority_key, hashes.SHA256())
        )
        issued[subject] = Issued(
            certificate=leaf.public_bytes(Encoding.PEM).decode(),
            key=key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode(),
        )
    return authority.public_bytes(Encoding.PEM).decode(), issued


def good_until(authority: str, certificates: Iterable[str]) -> datetime | None:
    """When the first of them runs out; none: they are no certificates of that authority."""
    try:
        issuer = x509.load_pem_x509_certificate(authority.encode())
        leaves = [x509.load_pem_x509_certificate(one.encode()) for one in certificates]
        for one in leaves:
            one.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature):
        return None
    return min(one.not_valid_after_utc for one in (issuer, *leaves)).astimezone(UTC)


def _builder(
    subject: str,
    issuer: str,
    key: ec.EllipticCurvePublicKey,
    span: tuple[datetime, datetime],
    *,
    issuer_key: ec.EllipticCurvePublicKey,
    serial: int,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(key)
        .serial_number(serial)
        .not_valid_before(span[0])
        .not_valid_after(span[1])
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key), critical=False)
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _named() -> list[x509.GeneralName]:
    return [x509.DNSName(DNS_NAME), *(x509.IPAddress(ip_address(one)) for one in ADDRESSES)]


def _constrained_to() -> list[x509.GeneralName]:
    return [x509.DNSName(DNS_NAME), *(x509.IPAddress(ip_network(one)) for one in ADDRESSES)]
