"""The real client calls no address that the policy blocks: seen from a server that would be called."""

from __future__ import annotations

import asyncio

import pytest
from aiohttp import web

from node.causes import Cause
from node.network.addresses import AddressPolicy, Reach, parse_allow
from tests.node.loopback_servers import (
    LOOPBACK_NODE,
    PRIVATE_NODE,
    PUBLIC_NODE,
    Names,
    failure,
    hello,
    network,
    site,
    wire,
)


@pytest.fixture
async def watched():
    """A server on 127.0.0.1 that must not be linked to; yields its port."""

    async def talk(_reader, _writer):
        pass

    async with wire(talk) as (port, links):
        yield port
        await asyncio.sleep(0.02)
        assert not links, "an address was called that must not be"


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/latest/meta-data",
        "http://127.0.0.1:{port}/",
        "https://127.0.0.1:{port}/",
        "http://[::ffff:127.0.0.1]:{port}/",
        "http://[64:ff9b::7f00:1]:{port}/",
        "http://[2002:7f00:1::]:{port}/",
        "http://0x7f.1:{port}/",
        "http://2130706433:{port}/",
        "http://127.1:{port}/",
        "http://0177.0.0.1:{port}/",
        "http://127.0.0.1.:{port}/",
        "http://１２７。0。0。1:{port}/",  # IDNA makes 127.0.0.1 of it
        "http://0.0.0.0:{port}/",
        "http://[::]:{port}/",
        "http://localhost:{port}/",
        "http://LOCALHOST:{port}/",
        "http://user@127.0.0.1:{port}/",
        "http://user:word@127.0.0.1:{port}/",
        "http://127.0.0.1:0/",
        "http://127.0.0.1:99999/",
        "javascript:alert(1)",
        "file:///etc/passwd",
        "ws://127.0.0.1:{port}/",
        "//127.0.0.1:{port}/",
        "http://",
        "",
        "http://[::1",
    ],
)
@pytest.mark.parametrize("policy", [PRIVATE_NODE, PUBLIC_NODE])
async def test_move_to_internal_and_embedded_v4_are_never_called(url, policy, watched):
    async with network(policy) as peer_network:
        error = await failure(peer_network, url.format(port=watched))
    assert error.cause is Cause.ADDRESS_BLOCKED


@pytest.mark.parametrize(
    "url", ["http://user@127.0.0.1:{port}/", "http://:word@127.0.0.1:{port}/", "ws://127.0.0.1:{port}/"]
)
async def test_a_user_name_or_another_scheme_is_refused_also_where_the_address_is_not(url, watched):
    async with network(LOOPBACK_NODE) as peer_network:
        error = await failure(peer_network, url.format(port=watched))
    assert error.cause is Cause.ADDRESS_BLOCKED
    assert "This is no URL that a node calls" in str(error)


async def test_a_host_with_a_blank_is_no_url():
    async with network() as peer_network:
        error = await failure(peer_network, "http://a b/")
    assert error.cause in (Cause.ADDRESS_BLOCKED, Cause.UNREACHABLE)


@pytest.mark.parametrize("order", [["192.0.2.1", "127.0.0.1"], ["127.0.0.1", "192.0.2.1"]])
async def test_rebinding_one_bad_of_two_addresses_blocks_both(order, watched):
    names = Names(node_test=[order])
    policy = AddressPolicy(own=Reach.PRIVATE, allow_http_private=True)
    async with network(policy, resolver=names) as peer_network:
        error = await failure(peer_network, f"http://node.test:{watched}/")
    assert error.cause is Cause.ADDRESS_BLOCKED
    assert f"HANDCLASP_ALLOW_ADDRESSES=node.test:{watched}" in str(error)


async def test_rebinding_what_was_judged_is_what_is_connected_to(watched):
    """The second look-up would lead to loopback: there is none, and were there one, it would be judged."""
    names = Names(node_test=[["127.0.0.3"], ["127.0.0.1"]])
    policy = AddressPolicy(own=Reach.PRIVATE, allow=parse_allow("127.0.0.3"))
    async with network(policy, resolver=names) as peer_network:
        first = await failure(peer_network, f"http://node.test:{watched}/")
        assert names.asked == ["node.test"]
        second = await failure(peer_network, f"http://node.test:{watched}/")
    assert first.cause is Cause.UNREACHABLE
    assert second.cause is Cause.ADDRESS_BLOCKED


async def test_allow_list_narrow_one_port_is_called_and_another_is_not(watched):
    async with site(web.get("/", hello)) as port:
        policy = AddressPolicy(own=Reach.PUBLIC, allow=parse_allow(f"localhost:{port}"))
        async with network(policy) as peer_network:
            assert (await peer_network.get(f"http://localhost:{port}/")).status == 200
            assert (await failure(peer_network, f"http://localhost:{watched}/")).cause is Cause.ADDRESS_BLOCKED
            assert (await failure(peer_network, f"http://127.0.0.1:{port}/")).cause is Cause.ADDRESS_BLOCKED
