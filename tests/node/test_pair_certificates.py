"""The certificates of a pair: made once, kept while they last, and made anew before they run out."""

from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from node.free_ports import free_ports
from node.local_pair.certificates import LIFETIME, RENEWED_BEFORE, pair_certificates
from node.local_pair.plan import Wish, plan
from node.local_pair.state import PairStateError, load, save
from node.real_ports import SystemClock
from node.tls.certificate import CertificateFiles, ServerCertificate

NOW = SystemClock().now()
DAY_S = timedelta(days=1).total_seconds()
NAMES = ("a", "b")


def files(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_each_node_gets_a_certificate_that_a_node_takes(tmp_path):
    made = pair_certificates(tmp_path, NAMES, now=NOW)
    for name in NAMES:
        one = made.of(name)
        ServerCertificate(CertificateFiles(certificate=one.certificate_file, key=one.key_file))
        assert one.key_file.stat().st_mode & 0o777 == 0o600
    assert made.expires_at.timestamp() == pytest.approx(NOW + LIFETIME.total_seconds())


def test_the_key_of_the_authority_is_nowhere(tmp_path):
    made = pair_certificates(tmp_path, NAMES, now=NOW)
    authority = x509.load_pem_x509_certificate(made.ca_file.read_bytes()).public_key()
    found = files(made.folder)
    assert set(found) == {"ca.pem", "a.pem", "a.key", "b.pem", "b.key"}
    keys = [load_pem_private_key(data, None).public_key() for data in found.values() if b"PRIVATE KEY" in data]
    assert len(keys) == 2
    assert authority not in keys


def test_a_later_start_keeps_them_as_long_as_they_last_a_week(tmp_path):
    first = files(pair_certificates(tmp_path, NAMES, now=NOW).folder)
    last_s = NOW + (LIFETIME - RENEWED_BEFORE).total_seconds() - 10
    kept = pair_certificates(tmp_path, NAMES, now=last_s)
    assert files(kept.folder) == first
    assert kept.expires_at.timestamp() == pytest.approx(NOW + LIFETIME.total_seconds(), abs=1)
    renewed = pair_certificates(tmp_path, NAMES, now=last_s + 20)
    assert not set(files(renewed.folder).values()) & set(first.values())
    assert renewed.expires_at.timestamp() == pytest.approx(last_s + 20 + LIFETIME.total_seconds())


def _remove(path):
    path.unlink()


def _damage(path):
    path.write_text("no certificate")


def _of_another(path):
    other = pair_certificates(path.parents[1] / "other", NAMES, now=NOW)
    path.write_bytes((other.folder / path.name).read_bytes())


@pytest.mark.parametrize("harm", [_remove, _damage, _of_another])
@pytest.mark.parametrize("name", ["ca.pem", "a.pem"])
def test_what_does_not_fit_together_is_made_anew(tmp_path, name, harm):
    (tmp_path / "other").mkdir()
    made = pair_certificates(tmp_path, NAMES, now=NOW)
    harm(made.folder / name)
    again = pair_certificates(tmp_path, NAMES, now=NOW)
    for one in (again.of(node) for node in NAMES):
        ServerCertificate(CertificateFiles(certificate=one.certificate_file, key=one.key_file))
    assert files(again.folder) == files(pair_certificates(tmp_path, NAMES, now=NOW).folder)


def test_a_key_that_is_missing_is_made_anew(tmp_path):
    made = pair_certificates(tmp_path, NAMES, now=NOW)
    made.of("b").key_file.unlink()
    one = pair_certificates(tmp_path, NAMES, now=NOW).of("b")
    ServerCertificate(CertificateFiles(certificate=one.certificate_file, key=one.key_file))


def test_a_pair_stays_with_what_it_was_made_with(tmp_path):
    node, instance, broker = free_ports(3)
    ports = {"count": 1, "node_port": node, "instance_port": instance, "mqtt_port": broker}
    plain, encrypted = plan(Wish(**ports), None), plan(Wish(**ports, tls=True), None)
    assert (plain.scheme, encrypted.scheme) == ("http", "https")
    save(tmp_path, encrypted)
    assert load(tmp_path) == encrypted
    assert plan(Wish(), encrypted).tls, "without saying it again"
    with pytest.raises(PairStateError, match="made without --tls"):
        plan(Wish(tls=True), plain)
