"""Each outcome of the destination check, with real servers."""

from __future__ import annotations

from contextlib import asynccontextmanager

import msgspec
import pytest
from aiohttp import web

from node.causes import Cause
from node.network import findings
from node.network.addresses import AddressPolicy, Reach
from node.network.check import CheckOutcome, check_destination
from protocol.errors import TextError
from protocol.identity import SigningKey
from protocol.modes import Mode
from protocol.node_info import WELL_KNOWN_PATH, NodeInfo, NotTakingReason, to_json
from tests.node.loopback_servers import certificate, free_port, network, says, site, stay_silent, wire

OWN_KEY = SigningKey(b"o" * 32).public
THEIR_KEY = SigningKey(b"t" * 32).public
MODES = (Mode.SCRIPT, Mode.BASIC)


def node_info(node_url: str | None, **changes) -> NodeInfo:
    fields = {
        "protocol_versions": (1,),
        "software": "handclasp 0.1.0",
        "node_id": "00000000-0000-4000-8000-000000000001",
        "name": "Globex",
        "instance_url": node_url or "http://127.0.0.1:1",
        "node_url": node_url,
        "key": THEIR_KEY,
        "modes": MODES,
        "takes_invitations": True,
        "not_taking_reason": None,
        "boot": "00000000",
    }
    return NodeInfo(**{**fields, **changes})


class Place:
    """A web server whose answers at the well-known path are decided after its URL is known."""

    def __init__(self, port):
        self.url = f"http://127.0.0.1:{port}"
        self.answer = web.Response
        self.asked = 0

    def shows(self, info: NodeInfo):
        self.answer = lambda: web.Response(body=to_json(info), content_type="application/json")

    def redirects(self, location: str, status: int = 302):
        self.answer = lambda: web.Response(status=status, headers={"Location": location})


@asynccontextmanager
async def place():
    held = []

    async def serve(_request):
        held[0].asked += 1
        return held[0].answer()

    async with site(web.get(WELL_KNOWN_PATH, serve)) as port:
        held.append(Place(port))
        yield held[0]


@asynccontextmanager
async def node(**changes):
    """A node that names its own URL."""
    async with place() as there:
        there.shows(node_info(there.url, **changes))
        yield there


async def checked(typed, *, own_modes=MODES, **options):
    async with network(**options) as peer_network:
        result = await check_destination(typed, network=peer_network, own_key=OWN_KEY, own_modes=frozenset(own_modes))
    for text in (result.sentence, result.remedy):
        assert text[0] != " "
        assert text[-1] == "."
        assert "{" not in text
    assert (result.outcome is CheckOutcome.OK) == bool(result.modes)
    assert (result.info is None) == (result.node_url is None)
    return result


# ok


async def test_a_node_url_is_ok_with_the_modes_that_both_offer():
    async with node(modes=(Mode.VISUAL, Mode.SCRIPT, Mode.BASIC)) as there:
        result = await checked(there.url)
        assert there.asked == 1
    assert result.outcome is CheckOutcome.OK
    assert result.modes == (Mode.BASIC, Mode.SCRIPT)
    assert result.node_url == there.url
    assert result.info is not None
    assert result.info.key == THEIR_KEY
    assert "Globex" in result.sentence


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_an_instance_url_is_ok_by_one_redirect_to_the_node_url(status):
    async with node() as there, place() as instance:
        instance.redirects(there.url + WELL_KNOWN_PATH, status)
        result = await checked(instance.url)
    assert (result.outcome, result.node_url) == (CheckOutcome.OK, there.url)


async def test_a_relative_redirect_to_a_node_below_a_path_is_followed():
    urls = []

    async def instance(_request):
        return web.Response(status=302, headers={"Location": f"/node{WELL_KNOWN_PATH}"})

    async def below(_request):
        return web.Response(body=to_json(node_info(urls[0])))

    async with site(web.get(WELL_KNOWN_PATH, instance), web.get(f"/node{WELL_KNOWN_PATH}", below)) as port:
        urls.append(f"http://127.0.0.1:{port}/node")
        result = await checked(f"http://127.0.0.1:{port}")
    assert (result.outcome, result.node_url) == (CheckOutcome.OK, urls[0])


async def test_node_info_that_names_another_url_is_read_there_once_more():
    async with node() as there, place() as instance:
        instance.shows(node_info(there.url))
        result = await checked(instance.url)
        assert (instance.asked, there.asked) == (1, 1)
    assert (result.outcome, result.node_url) == (CheckOutcome.OK, there.url)


async def test_a_node_without_a_node_url_is_reached_where_it_was_read():
    async with place() as there:
        there.shows(node_info(None))
        result = await checked(there.url)
    assert (result.outcome, result.node_url) == (CheckOutcome.OK, there.url)


@pytest.mark.parametrize("dress", ["{}", " {} ", "{}/", "{}" + WELL_KNOWN_PATH])
async def test_what_is_typed_may_have_blanks_a_slash_or_the_whole_path(dress):
    async with node() as there:
        result = await checked(dress.format(there.url))
    assert (result.outcome, result.node_url) == (CheckOutcome.OK, there.url)


async def test_what_is_no_url_is_not_called_at_all():
    for typed in ("", "node.example", "javascript:alert(1)", "http://user@host", "http://host/?a"):
        with pytest.raises(TextError):
            await checked(typed)


# this-instance


async def test_this_instance_is_known_by_its_key_also_at_its_instance_url():
    async with node(key=OWN_KEY) as there, place() as instance:
        instance.shows(node_info(f"http://127.0.0.1:{free_port()}", key=OWN_KEY))
        for typed in (there.url, instance.url):
            assert (await checked(typed)).outcome is CheckOutcome.THIS_INSTANCE
        instance.redirects(there.url + WELL_KNOWN_PATH)
        assert (await checked(instance.url)).outcome is CheckOutcome.THIS_INSTANCE


async def test_this_instance_names_its_node_url_and_not_what_was_typed():
    node_url = f"http://127.0.0.1:{free_port()}"
    async with place() as instance:
        instance.shows(node_info(node_url, key=OWN_KEY))
        assert (await checked(instance.url)).node_url == node_url


# unreachable


async def test_nobody_there_is_unreachable():
    result = await checked(f"http://127.0.0.1:{free_port()}")
    assert result.outcome is CheckOutcome.UNREACHABLE
    assert "connection refused" in result.sentence


async def test_silence_is_unreachable():
    async with wire(stay_silent) as (port, _):
        result = await checked(f"http://127.0.0.1:{port}", request_s_max=0.2)
    assert result.outcome is CheckOutcome.UNREACHABLE


@pytest.mark.parametrize("status", [429, 502, 503, 504])
async def test_a_server_that_is_busy_is_unreachable(status):
    async with place() as there:
        there.answer = lambda: web.Response(status=status)
        result = await checked(there.url)
    assert result.outcome is CheckOutcome.UNREACHABLE
    assert f"HTTP {status}" in result.sentence


async def test_a_node_url_that_is_named_but_unreachable_is_unreachable():
    nowhere = f"http://127.0.0.1:{free_port()}"
    async with place() as instance:
        instance.shows(node_info(nowhere))
        assert (await checked(instance.url)).outcome is CheckOutcome.UNREACHABLE
        instance.redirects(nowhere + WELL_KNOWN_PATH)
        result = await checked(instance.url)
    assert result.outcome is CheckOutcome.UNREACHABLE
    assert nowhere.removeprefix("http://") in result.sentence


# tls-failure


async def test_a_certificate_that_is_not_trusted_is_a_tls_failure(tmp_path):
    _, context = certificate(tmp_path, "stranger", "DNS:localhost")
    async with site(ssl_context=context) as port:
        result = await checked(f"https://localhost:{port}")
    assert result.outcome is CheckOutcome.TLS_FAILURE
    assert "self-signed certificate" in result.sentence


# not-a-node


@pytest.mark.parametrize("status", [201, 204, 401, 403, 404, 410, 451, 500])
async def test_portal_another_status_is_not_a_node(status):
    async with place() as there:
        there.answer = lambda: web.Response(status=status, body=to_json(node_info(there.url)))
        result = await checked(there.url)
    assert result.outcome is CheckOutcome.NOT_A_NODE
    assert f"HTTP {status}" in result.sentence


@pytest.mark.parametrize(
    "body", [b"", b"<html>sign in</html>", b"{}", b"[]", b"\xff\xfe", b"[" * 60_000, b'{"kind":"jira"}']
)
async def test_portal_a_page_that_is_no_node_info_is_not_a_node(body):
    async with place() as there:
        there.answer = lambda: web.Response(body=body)
        result = await checked(there.url)
    assert result.outcome is CheckOutcome.NOT_A_NODE


async def test_node_info_with_a_key_that_no_node_has_is_not_a_node():
    async with place() as there:
        fields = msgspec.json.decode(to_json(node_info(there.url)))
        fields["key"]["x"] = "A" * 43
        there.answer = lambda: web.Response(body=msgspec.json.encode(fields))
        assert (await checked(there.url)).outcome is CheckOutcome.NOT_A_NODE


async def test_packed_node_info_is_not_a_node():
    async with place() as there:
        there.answer = lambda: web.Response(body=b"\x1f\x8b", headers={"Content-Encoding": "gzip"})
        assert (await checked(there.url)).outcome is CheckOutcome.NOT_A_NODE


async def test_garbage_is_not_a_node():
    async with wire(says(b"SSH-2.0\r\n")) as (port, _):
        assert (await checked(f"http://127.0.0.1:{port}")).outcome is CheckOutcome.NOT_A_NODE


@pytest.mark.parametrize(
    "location",
    [
        "/login",
        "/login?next=" + WELL_KNOWN_PATH,
        WELL_KNOWN_PATH + "?a=b",
        WELL_KNOWN_PATH + "#a",
        "javascript:alert(1)//" + WELL_KNOWN_PATH,
        "http://user@127.0.0.1:{port}" + WELL_KNOWN_PATH,
        "http://[::1" + WELL_KNOWN_PATH,
        "",
    ],
)
async def test_portal_a_redirect_to_anything_but_node_info_is_not_followed(location):
    async with place() as there, place() as instance:
        instance.redirects(location.replace("{port}", there.url.rpartition(":")[2]))
        result = await checked(instance.url)
        assert (instance.asked, there.asked) == (1, 0)
    assert result.outcome is CheckOutcome.NOT_A_NODE
    assert "sends its visitors on" in result.sentence


async def test_a_second_redirect_is_not_followed():
    async with node() as there, place() as second, place() as first:
        second.redirects(there.url + WELL_KNOWN_PATH)
        first.redirects(second.url + WELL_KNOWN_PATH)
        result = await checked(first.url)
        assert (first.asked, second.asked, there.asked) == (1, 1, 0)
    assert result.outcome is CheckOutcome.NOT_A_NODE
    assert "one such step only" in result.sentence


async def test_a_redirect_and_then_another_node_url_are_two_steps():
    async with node() as there, place() as second, place() as first:
        second.shows(node_info(there.url))
        first.redirects(second.url + WELL_KNOWN_PATH)
        result = await checked(first.url)
        assert there.asked == 0
    assert result.outcome is CheckOutcome.NOT_A_NODE
    assert there.url in result.sentence


async def test_another_node_url_and_then_a_redirect_are_two_steps():
    async with node() as there, place() as second, place() as first:
        first.shows(node_info(second.url))
        second.redirects(there.url + WELL_KNOWN_PATH)
        result = await checked(first.url)
        assert there.asked == 0
    assert result.outcome is CheckOutcome.NOT_A_NODE


async def test_a_node_url_that_names_yet_another_is_not_believed():
    async with node() as there, place() as second, place() as first:
        first.shows(node_info(second.url))
        second.shows(node_info(there.url))
        result = await checked(first.url)
        assert there.asked == 0
    assert result.outcome is CheckOutcome.NOT_A_NODE


async def test_another_key_at_the_node_url_is_not_a_node():
    async with node(key=SigningKey(b"x" * 32).public) as there, place() as instance:
        instance.shows(node_info(there.url))
        result = await checked(instance.url)
    assert result.outcome is CheckOutcome.NOT_A_NODE
    assert "another key" in result.sentence


# version-unsupported, not-accepting


async def test_a_node_of_other_versions_only_is_version_unsupported():
    async with node(protocol_versions=(2, 3)) as there:
        result = await checked(there.url)
    assert result.outcome is CheckOutcome.VERSION_UNSUPPORTED
    assert "version 1" in result.sentence


@pytest.mark.parametrize("reason", NotTakingReason)
async def test_a_node_that_takes_no_invitations_is_not_accepting_with_its_reason(reason):
    async with node(takes_invitations=False, not_taking_reason=reason) as there:
        result = await checked(there.url)
    assert (result.outcome, result.reason) == (CheckOutcome.NOT_ACCEPTING, reason)
    assert findings.REASONS[reason] in result.sentence


async def test_a_node_without_a_common_mode_is_not_accepting():
    async with node(modes=(Mode.VISUAL,)) as there:
        result = await checked(there.url, own_modes=[Mode.SCRIPT])
    assert (result.outcome, result.reason) == (CheckOutcome.NOT_ACCEPTING, None)


# address-blocked


async def test_a_blocked_address_is_told_with_the_setting():
    async with node() as there:
        result = await checked(there.url, policy=AddressPolicy(own=Reach.PUBLIC))
        assert there.asked == 0
    assert result.outcome is CheckOutcome.ADDRESS_BLOCKED
    assert f"HANDCLASP_ALLOW_ADDRESSES={there.url.removeprefix('http://')}" in result.sentence


async def test_redirect_bomb_a_step_to_a_blocked_address_is_judged_again():
    async with place() as instance:
        instance.redirects("http://169.254.169.254" + WELL_KNOWN_PATH, 307)
        assert (await checked(instance.url)).outcome is CheckOutcome.ADDRESS_BLOCKED
        instance.shows(node_info("http://10.0.0.5:8080"))
        result = await checked(instance.url)
    assert result.outcome is CheckOutcome.ADDRESS_BLOCKED
    assert "HANDCLASP_ALLOW_HTTP=private" in result.sentence


# The tables


def test_each_finding_cause_and_reason_has_its_row():
    assert set(findings.TABLE) == set(findings.Finding)
    assert set(findings.BY_CAUSE) == set(Cause)
    assert set(findings.REASONS) == set(NotTakingReason)
    assert {outcome for outcome, _, _ in findings.TABLE.values()} == set(CheckOutcome)
