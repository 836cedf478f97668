"""The real client verifies certificates, against real TLS servers on loopback."""

from __future__ import annotations

import os

import pytest
from aiohttp import web

from node.causes import Cause
from tests.node.loopback_servers import Names, certificate, failure, hello, network, site, stay_silent, wire


@pytest.fixture(scope="session")
def good(tmp_path_factory):
    return certificate(tmp_path_factory.mktemp("tls"), "good", "DNS:localhost,DNS:node.test,IP:127.0.0.1")


@pytest.fixture(scope="session")
def stranger(tmp_path_factory):
    return certificate(tmp_path_factory.mktemp("tls"), "stranger", "DNS:other.test")


async def test_an_own_authority_is_trusted_and_the_name_is_sent(good):
    cert, context = good
    names_sent = []
    context.sni_callback = lambda _socket, name, _context: names_sent.append(name)
    names = Names(node_test=[["127.0.0.1"]])
    try:
        async with (
            site(web.get("/", hello), ssl_context=context) as port,
            network(ca_file=cert, resolver=names) as peer_network,
        ):
            assert (await peer_network.get(f"https://node.test:{port}/")).body == b"hello"
            assert (await peer_network.get(f"https://127.0.0.1:{port}/")).body == b"hello"
    finally:
        context.sni_callback = None
    assert names_sent == ["node.test", None]


async def test_a_certificate_that_nobody_vouches_for_is_a_tls_failure(good):
    async with site(web.get("/", hello), ssl_context=good[1]) as port, network() as peer_network:
        error = await failure(peer_network, f"https://localhost:{port}/")
    assert error.cause is Cause.TLS_FAILURE
    assert f"The certificate of localhost:{port} is not trusted (self-signed certificate)" in str(error)
    assert "HANDCLASP_CA_FILE" in str(error)


async def test_a_certificate_of_another_name_is_a_tls_failure(stranger):
    async with (
        site(web.get("/", hello), ssl_context=stranger[1]) as port,
        network(ca_file=stranger[0]) as peer_network,
    ):
        error = await failure(peer_network, f"https://localhost:{port}/")
    assert error.cause is Cause.TLS_FAILURE
    assert "Hostname mismatch" in str(error)


async def test_https_to_a_server_of_http_is_a_tls_failure():
    async with site(web.get("/", hello)) as port, network() as peer_network:
        error = await failure(peer_network, f"https://localhost:{port}/")
    assert error.cause is Cause.TLS_FAILURE
    assert "Check that https is spoken there" in str(error)


async def test_http_to_a_server_of_https_is_no_answer(good):
    async with site(web.get("/", hello), ssl_context=good[1]) as port, network() as peer_network:
        error = await failure(peer_network, f"http://localhost:{port}/")
    assert error.cause in (Cause.UNREACHABLE, Cause.NOT_A_NODE)


async def test_a_server_that_never_shakes_tls_hands_is_cut_by_the_time_limit():
    async with wire(stay_silent) as (port, _), network(request_s_max=0.2) as peer_network:
        assert (await failure(peer_network, f"https://localhost:{port}/")).cause is Cause.UNREACHABLE


@pytest.mark.parametrize("content", [None, "no certificate"])
async def test_a_file_of_authorities_that_is_unusable_is_told(tmp_path, content):
    ca_file = tmp_path / "ca.pem"
    if content is not None:
        ca_file.write_text(content)
    async with network(ca_file=ca_file) as peer_network:
        error = await failure(peer_network, "https://127.0.0.1:1/")
        assert error.cause is Cause.TLS_FAILURE
        assert f"{ca_file} can't be used" in str(error)


async def test_own_authorities_are_added_to_those_of_the_system(good, monkeypatch):
    """`SSL_CERT_FILE` is where OpenSSL finds the system's: both are trusted at once."""
    other_cert, other_context = certificate(good[0].parent, "system", "DNS:localhost")
    monkeypatch.setenv("SSL_CERT_FILE", os.fspath(other_cert))
    async with (
        site(web.get("/", hello), ssl_context=good[1]) as own_port,
        site(web.get("/", hello), ssl_context=other_context) as system_port,
        network(ca_file=good[0]) as peer_network,
    ):
        for port in (own_port, system_port):
            assert (await peer_network.get(f"https://localhost:{port}/")).status == 200
