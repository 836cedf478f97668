"""A node that speaks https, as a process: what it tells of itself, who believes it, and what it refuses to start with."""

import http.client
import json
import re
import ssl
import urllib.error
import urllib.parse
import urllib.request

import pytest

from node.data_directory import read_runtime
from node.is_well import is_well
from node.serve import serve
from node.settings import load
from node.tls.certificate import CertificateError
from tests.e2e.processes import NodeProcess, until
from tests.node.console_visits import Page
from tests.node.tls_files import certified
from tests.written_commands import files_of


@pytest.fixture(scope="module")
def one(tmp_path_factory):
    return certified(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module")
def node(one, tmp_path_factory):
    node = NodeProcess(
        name="a",
        data=tmp_path_factory.mktemp("tls-node") / "a",
        settings={**one.settings, "HANDCLASP_LOG_LEVEL": "debug"},
    )
    node.start()
    yield node
    node.close()


def read(one, url):
    with urllib.request.urlopen(url, context=one.client()) as answer:
        return answer.geturl(), answer.read()


def test_whatever_it_tells_of_itself_is_https(node, one):
    asked, text = read(one, f"{node.instance_url}/.well-known/handclasp")
    assert asked == f"{node.url}/.well-known/handclasp"
    info = json.loads(text)
    assert (info["node_url"], info["instance_url"]) == (node.url, node.instance_url)
    runtime = read_runtime(node.data)
    assert (runtime.node_url, runtime.instance_url) == (node.url, node.instance_url)
    assert runtime.trust.certificate_file == str(one.files.certificate)


def test_commands_find_it_by_its_data_directory_and_believe_its_certificate_alone(node, one, handclasp):
    listed = handclasp.here("connections", "list", "--data", node.data, "--json").succeeded().json
    assert listed["connections"] == []
    checked = handclasp.here("connections", "check", node.instance_url, "--data", node.data, "--json")
    assert checked.json["outcome"] == "this-instance", "the node has called itself by https"


def test_the_health_check_of_a_container_knows_it_too(node, one, tmp_path):
    environ = {"HANDCLASP_LISTEN": f"0.0.0.0:{node.port}", **one.settings}
    assert is_well(environ)
    assert not is_well(environ | {"HANDCLASP_TLS_CERT_FILE": str(certified(tmp_path).files.certificate)})
    assert not is_well(environ | {"HANDCLASP_TLS_CERT_FILE": ""})
    assert not is_well(environ | {"HANDCLASP_TLS_CERT_FILE": str(tmp_path / "none")})


def test_a_command_refuses_whoever_shows_another_certificate(node, one, handclasp, tmp_path):
    """Also one of the same names, by the same kind of authority: the token is not sent."""
    right, other = one.files.certificate.read_bytes(), certified(tmp_path).files.certificate
    file = node.data / "node.run"
    runtime = json.loads(file.read_text())
    runtime["trust"]["certificate_file"] = str(other)
    told = file.read_text()
    try:
        file.write_text(json.dumps(runtime))
        refused = handclasp.here("connections", "list", "--data", node.data).refused(2)
        assert "No encrypted connection" in refused
        other.unlink()
        assert f"{other}, can't be read" in handclasp.here("connections", "list", "--data", node.data).refused(2)
    finally:
        file.write_text(told)
    assert one.files.certificate.read_bytes() == right


def test_a_command_by_url_needs_to_trust_the_authority(node, one, handclasp):
    by_url = ("connections", "list", "--url", node.url, "--token-file", node.data / "admin.token", "--json")
    assert "SSL_CERT_FILE" in handclasp.here(*by_url).refused(2)
    assert handclasp.here(*by_url, SSL_CERT_FILE=str(one.ca_file)).succeeded().json["connections"] == []


def console(node, one, method, path, *, form=None, cookies="", origin=""):
    link = http.client.HTTPSConnection("127.0.0.1", node.port, context=one.client(), timeout=20)
    headers = {"Cookie": cookies, "Origin": origin, "Content-Type": "application/x-www-form-urlencoded"}
    link.request(method, path, urllib.parse.urlencode(form or {}), headers)
    answer = link.getresponse()
    text = answer.read().decode()
    link.close()
    return answer, text


def cookies_of(answer):
    return answer.headers.get_all("Set-Cookie") or []


def test_an_admin_signs_in_and_the_session_never_travels_in_clear(node, one):
    answer, text = console(node, one, "GET", "/console/sign-in")
    visitor = "; ".join(cookie.partition(";")[0] for cookie in cookies_of(answer))
    fields = Page(text).form("/console/sign-in")["fields"]
    form = fields | {"name": "admin", "password": (node.data / "admin.password").read_text().strip()}
    refused, _ = console(
        node, one, "POST", "/console/sign-in", form=form, cookies=visitor, origin=node.url.replace("https", "http")
    )
    assert refused.status == 403, "a page that was loaded in clear is no page of this console"
    answer, _ = console(node, one, "POST", "/console/sign-in", form=form, cookies=visitor, origin=node.url)
    assert answer.status == 303
    session = [cookie for cookie in cookies_of(answer) if not re.search(r"=;|=\"\"", cookie)]
    assert session
    for cookie in session:
        assert "secure" in cookie.lower()
        assert "httponly" in cookie.lower()
    signed_in = "; ".join(cookie.partition(";")[0] for cookie in session)
    shown, text = console(node, one, "GET", "/console/connections", cookies=signed_in)
    assert shown.status == 200
    assert "Sign out" in text


def test_plain_http_is_answered_on_both_ports_and_leaves_no_traceback(node):
    for port in (node.port, node.instance_port):
        link = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        link.request("GET", "/")
        answer = link.getresponse()
        assert (answer.status, answer.read()) == (
            400,
            b"This port speaks https only: begin the URL with https:// instead of http://.\n",
        )
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(f"{node.url}/healthz", context=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))
    until(lambda: node.log.read_text().count("malformed_tls") >= 3, "each is one line")
    lines = [json.loads(line) for line in node.log.read_text().splitlines()]
    assert [line for line in lines if "exception" in line or line["level"] in {"warning", "error"}] == []


def test_a_renewed_certificate_is_shown_without_a_restart_and_commands_go_on(node, one, handclasp):
    before = one.client()
    certified(one.files.certificate.parent)
    with pytest.raises(urllib.error.URLError, match="CERTIFICATE_VERIFY_FAILED"):
        urllib.request.urlopen(f"{node.url}/healthz", context=before)
    read(one, f"{node.url}/healthz")
    handclasp.here("connections", "list", "--data", node.data, "--json").succeeded()


async def test_with_a_certificate_that_is_no_good_nothing_is_started_and_nothing_made(tmp_path):
    bad, data = certified(tmp_path / "tls"), tmp_path / "data"
    bad.files.key.chmod(0o644)
    flags = {
        "tls_cert_file": bad.files.certificate,
        "tls_key_file": bad.files.key,
        "data": data,
        "listen": "127.0.0.1:0",
    }
    settings = load({name: str(value) for name, value in flags.items()}, {})
    with pytest.raises(CertificateError, match="can be used by other users"):
        await serve(settings)
    assert not data.exists()


def test_the_settings_of_the_guide_are_those_of_a_node_that_speaks_https(one):
    lines = dict(line.split("=", 1) for line in files_of("docs/run-for-real.md")["environment-tls"].splitlines())
    given = {"HANDCLASP_TLS_CERT_FILE": one.files.certificate, "HANDCLASP_TLS_KEY_FILE": one.files.key}
    assert lines.keys() > given.keys()
    settings = load({}, lines | {name: str(path) for name, path in given.items()})
    assert settings.scheme == "https"
    assert (settings.node_url, settings.instance_url) == ("https://acme.example:8101", "https://acme.example:8001")
