"""A certificate that no client would take is refused at the start, by a sentence; a new one is taken while it runs."""

import os
import re
import ssl
from datetime import timedelta

import pytest
import structlog
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509 import DNSName, SubjectAlternativeName

from node.cli.failures import EXIT_USAGE, explain
from node.tls import authority
from node.tls.certificate import CertificateError, CertificateFiles, ServerCertificate, forbidden_mode
from tests.node.tls_files import DAY, certified


@pytest.fixture
def good(tmp_path):
    return certified(tmp_path)


def refusal(files):
    with pytest.raises(CertificateError) as caught:
        ServerCertificate(files)
    told = explain(caught.value)
    assert told.exit_code == EXIT_USAGE
    assert re.fullmatch(r"\S.*[^.]\.", told.sentence)
    return str(caught.value)


def test_a_good_one_is_known_by_its_own_file_and_a_name_in_it(good):
    trust = ServerCertificate(good.files).trust
    assert (trust.certificate_file, trust.server_name) == (str(good.files.certificate), "localhost")


def test_of_a_name_with_an_asterisk_one_is_made(tmp_path, monkeypatch):
    monkeypatch.setattr(authority, "_named", lambda: [DNSName("*.acme.example")])
    assert ServerCertificate(certified(tmp_path).files).trust.server_name == "node.acme.example"


def test_a_certificate_file_with_its_chain_is_good(good):
    chain = good.files.certificate.read_text() + good.ca_file.read_text()
    good.files.certificate.write_text(chain)
    ServerCertificate(good.files)
    good.files.certificate.write_text(good.ca_file.read_text() + chain)
    assert "stands first in its file" in refusal(good.files)


def test_a_key_of_another_certificate_is_refused(good, tmp_path):
    other = certified(tmp_path, "b")
    told = refusal(CertificateFiles(certificate=good.files.certificate, key=other.files.key))
    assert told.startswith(f"The key {other.files.key} does not belong to the certificate in {good.files.certificate}")


@pytest.mark.parametrize("text", ["", "no PEM", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"])
def test_what_is_no_certificate_is_told_by_its_setting(good, text):
    good.files.certificate.write_text(text)
    told = refusal(good.files)
    assert told.startswith(
        f"{good.files.certificate}, which HANDCLASP_TLS_CERT_FILE names, holds no certificate in PEM format."
    )


@pytest.mark.parametrize("text", ["", "no PEM", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"])
def test_what_is_no_key_is_told_by_its_setting(good, text):
    good.files.key.write_text(text)
    assert refusal(good.files).startswith(
        f"{good.files.key}, which HANDCLASP_TLS_KEY_FILE names, holds no private key in PEM format."
    )


def test_an_encrypted_key_is_told_and_nobody_is_asked_for_its_password(good):
    key = load_pem_private_key(good.files.key.read_bytes(), None)
    good.files.key.write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"password"))
    )
    assert f"`openssl pkey -in {good.files.key} -out FILE`" in refusal(good.files)


@pytest.mark.parametrize(
    ("made_before", "remedy"), [(2 * DAY, "has expired): have it renewed"), (-2 * DAY, "is not yet valid): set this")]
)
def test_one_out_of_its_time_is_told_with_what_to_do(tmp_path, made_before, remedy):
    assert remedy in refusal(certified(tmp_path, made_before=made_before).files)


def test_one_that_names_no_host_is_refused(tmp_path, monkeypatch):
    build = authority.x509.CertificateBuilder.add_extension

    def without_names(self, extension, *, critical):
        return self if isinstance(extension, SubjectAlternativeName) else build(self, extension, critical=critical)

    monkeypatch.setattr(authority.x509.CertificateBuilder, "add_extension", without_names)
    assert "names no host (it has no subjectAltName)" in refusal(certified(tmp_path).files)


def test_files_that_are_not_there_are_told(good):
    for variable, path in (
        ("HANDCLASP_TLS_KEY_FILE", good.files.key),
        ("HANDCLASP_TLS_CERT_FILE", good.files.certificate),
    ):
        path.unlink()
        assert refusal(good.files).startswith(f"{path}, which {variable} names, can't be read (No such file")


@pytest.mark.parametrize("mode", [0o644, 0o604, 0o666])
def test_a_key_that_every_user_could_read_is_refused_with_the_command_that_mends_it(good, mode):
    good.files.key.chmod(mode)
    told = refusal(good.files)
    assert f"(mode {mode:04o})" in told
    command = re.search(r"run `(.*?)`", told)[1]
    assert os.system(command) == 0  # noqa: S605 - the node's own words
    ServerCertificate(good.files)


@pytest.mark.parametrize(
    ("mode", "roots", "own"),
    [(0o600, True, True), (0o400, True, True), (0o640, True, False), (0o660, False, False), (0o644, False, False)],
)
def test_a_key_of_root_may_be_read_by_the_group_of_the_service(mode, roots, own):
    assert (not mode & forbidden_mode(owner=0), not mode & forbidden_mode(owner=1000)) == (roots, own)


def test_changed_files_are_used_for_new_links(good, tmp_path):
    certificate = ServerCertificate(good.files)
    first = certificate.context()
    assert certificate.context() is first
    certified(tmp_path)
    second = certificate.context()
    assert second is not first
    assert certificate.context() is second


def test_half_of_a_renewal_is_told_once_and_the_certificate_of_before_goes_on(good, tmp_path):
    certificate = ServerCertificate(good.files)
    first, key = certificate.context(), good.files.key.read_text()
    with structlog.testing.capture_logs() as log:
        certified(tmp_path)
        renewed = good.files.key.read_text()
        good.files.key.write_text(key)
        assert certificate.context() is first
        assert certificate.context() is first
    (line,) = log
    assert (line["event"], line["log_level"]) == ("certificate_not_renewed", "warning")
    assert "does not belong to the certificate" in line["why"]
    good.files.key.write_text(renewed)
    assert certificate.context() is not first


def test_files_that_vanish_leave_the_node_with_what_it_has(good):
    certificate = ServerCertificate(good.files)
    first = certificate.context()
    good.files.certificate.unlink()
    assert certificate.context() is first


def test_the_throw_away_authority_can_vouch_for_this_machine_only(tmp_path, monkeypatch):
    """Its name constraints bind whoever gets hold of its key, should it ever be kept."""
    monkeypatch.setattr(authority, "_named", lambda: [DNSName("bank.example")])
    evil = certified(tmp_path)
    server = ServerCertificate(evil.files).context()
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = evil.client().wrap_bio(to_client, to_server, server_hostname="bank.example")
    node = server.wrap_bio(to_server, to_client, server_side=True)
    with pytest.raises(ssl.SSLCertVerificationError, match="permitted subtree violation"):
        for _ in range(3):
            for side in (client, node):
                try:
                    side.do_handshake()
                except ssl.SSLWantReadError:
                    continue


def test_it_lives_for_days(tmp_path):
    one = certified(tmp_path, lifetime=timedelta(days=30))
    until = authority.good_until(one.ca_file.read_text(), [one.files.certificate.read_text()])
    assert timedelta(days=29) < until - authority.datetime.now(authority.UTC) <= timedelta(days=30)
