"""A certificate and its key among the settings: both or none, and then no URL of the node's begins with http."""

import pytest

from node.settings import SettingsError, load


@pytest.fixture
def files(tmp_path):
    paths = {"tls_cert_file": tmp_path / "node.pem", "tls_key_file": tmp_path / "node.key"}
    for path in paths.values():
        path.write_text("")
    return {name: str(path) for name, path in paths.items()}


def read(**flags):
    return load(flags, {"HOME": "/home/someone"})


def refusal(**flags):
    with pytest.raises(SettingsError) as caught:
        read(**flags)
    return str(caught.value)


def test_with_a_certificate_the_node_and_its_instance_speak_https(files):
    assert read(**files).scheme == "https"
    assert read(**files).instance_url == "https://127.0.0.1:8001"
    assert read().scheme == "http"


@pytest.mark.parametrize("given", ["tls_cert_file", "tls_key_file"])
def test_a_certificate_and_its_key_come_together(given, files):
    missing = {"tls_cert_file": "HANDCLASP_TLS_KEY_FILE", "tls_key_file": "HANDCLASP_TLS_CERT_FILE"}[given]
    assert f"{missing} is not" in refusal(**{given: files[given]})


@pytest.mark.parametrize("field", ["node_url", "instance_url"])
def test_a_node_that_speaks_https_is_not_told_under_http(field, files):
    told = refusal(**files, **{field: "http://acme.example"})
    assert told.startswith(f"HANDCLASP_{field.upper()} is 'http://acme.example'")
    assert read(**files, **{field: "https://acme.example"})
