from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.causes import Cause
from node.network.addresses import AddressPolicy, Reach, own_reach, parse_allow, reach_of
from node.network.reach import literal_address
from node.ports import NetworkError

LOOPBACK, PRIVATE, PUBLIC, BLOCKED = Reach.LOOPBACK, Reach.PRIVATE, Reach.PUBLIC, None

REACHES = [
    ("127.0.0.1", LOOPBACK),
    ("127.255.255.254", LOOPBACK),
    ("::1", LOOPBACK),
    ("10.0.0.5", PRIVATE),
    ("172.16.0.1", PRIVATE),
    ("172.31.255.255", PRIVATE),
    ("172.32.0.1", PUBLIC),
    ("192.168.1.1", PRIVATE),
    ("100.64.0.1", PRIVATE),
    ("100.127.255.255", PRIVATE),
    ("100.128.0.1", PUBLIC),
    ("192.0.0.8", PRIVATE),
    ("192.0.2.1", PRIVATE),
    ("198.18.0.1", PRIVATE),
    ("203.0.113.7", PRIVATE),
    ("fd12:3456::1", PRIVATE),
    ("2001:db8::1", PRIVATE),
    ("3fff::1", PRIVATE),
    ("8.8.8.8", PUBLIC),
    ("1.1.1.1", PUBLIC),
    ("223.255.255.255", PUBLIC),
    ("2606:4700::1111", PUBLIC),
    ("2a00::1", PUBLIC),
    # always blocked: unspecified, link-local, multicast, broadcast, 240/4, unassigned
    ("0.0.0.0", BLOCKED),  # judged, not bound
    ("0.1.2.3", BLOCKED),
    ("::", BLOCKED),
    ("169.254.1.1", BLOCKED),
    ("fe80::1", BLOCKED),
    ("fe80::1%lo", BLOCKED),
    ("2606:4700::1%lo", BLOCKED),
    ("::ffff:8.8.8.8%lo", BLOCKED),
    ("fec0::1", BLOCKED),
    ("224.0.0.1", BLOCKED),
    ("239.255.255.255", BLOCKED),
    ("ff02::1", BLOCKED),
    ("255.255.255.255", BLOCKED),
    ("240.0.0.1", BLOCKED),
    ("::127.0.0.1", BLOCKED),
    ("::ffff:0:127.0.0.1", BLOCKED),
    ("100::1", BLOCKED),
    ("5f00::1", BLOCKED),
    # metadata
    ("169.254.169.254", BLOCKED),
    ("fd00:ec2::254", BLOCKED),
    ("fd20:ce::254", BLOCKED),
    ("100.100.100.200", BLOCKED),
    ("168.63.129.16", BLOCKED),
    ("192.0.0.192", BLOCKED),
    # an address inside another
    ("::ffff:127.0.0.1", LOOPBACK),
    ("::ffff:10.0.0.1", PRIVATE),
    ("::ffff:8.8.8.8", PUBLIC),
    ("::ffff:169.254.169.254", BLOCKED),
    ("2002:808:808::1", PUBLIC),
    ("2002:7f00:1::1", BLOCKED),
    ("2002:a00:1::1", BLOCKED),
    ("2002:a9fe:a9fe::1", BLOCKED),
    ("64:ff9b::8.8.8.8", PUBLIC),
    ("64:ff9b::127.0.0.1", BLOCKED),
    ("64:ff9b::10.0.0.1", BLOCKED),
    ("64:ff9b::169.254.169.254", BLOCKED),
    ("64:ff9b:1::8.8.8.8", PUBLIC),
    ("64:ff9b:1::10.0.0.1", PRIVATE),
    ("64:ff9b:1::127.0.0.1", BLOCKED),
    ("64:ff9b:1::169.254.169.254", BLOCKED),
    ("64:ff9b:1:a9fe:a9:fe00:808:808", BLOCKED),  # 169.254.169.254 to a /48 translator
    ("2001:0:808:808::f7f7:f7f7", PUBLIC),  # Teredo: server 8.8.8.8, client 8.8.8.8
    ("2001:0:808:808::80ff:fffe", BLOCKED),  # client 127.0.0.1
    ("2001:0:a00:1::f7f7:f7f7", BLOCKED),  # server 10.0.0.1
]

ODD_HOSTS = ["127.1", "0x7f.1", "0x7F000001", "2130706433", "017700000001", "0177.0.0.1", "127.0.0.1.",
             "127.000.000.001", "1.2.3.4.5", "0x", "256.1.1.1", "1", "::g"]  # fmt: skip


def addresses(*texts):
    return [ip_address(text) for text in texts]


def blocked(policy: AddressPolicy, scheme: str, host: str, port: int, *texts: str) -> str:
    with pytest.raises(NetworkError) as caught:
        policy.judge(scheme, host, port, addresses(*texts))
    assert caught.value.cause is Cause.ADDRESS_BLOCKED
    return str(caught.value)


@pytest.mark.parametrize(("text", "reach"), REACHES)
def test_each_address_has_its_reach(text, reach):
    assert reach_of(ip_address(text)) is reach


@given(st.ip_addresses(v=4))
def test_a_mapped_address_reaches_as_far_as_what_it_maps(inner: IPv4Address):
    assert reach_of(IPv6Address(f"::ffff:{inner}")) is reach_of(inner)


@given(st.ip_addresses(v=4), st.integers(0, 2**80 - 1))
def test_six_to_four_and_nat64_carry_public_addresses_only(inner: IPv4Address, rest: int):
    expected = PUBLIC if reach_of(inner) is PUBLIC else BLOCKED
    assert reach_of(IPv6Address(0x2002 << 112 | int(inner) << 80 | rest)) is expected
    assert reach_of(IPv6Address(int(IPv6Address("64:ff9b::")) | int(inner))) is expected


@given(st.integers(0, 2**80 - 1))
def test_the_local_nat64_prefix_never_hides_an_address_that_is_blocked(rest: int):
    ip = IPv6Address(int(IPv6Address("64:ff9b:1::")) | rest)
    bits = int(ip)
    by_layout = {
        48: (bits >> 64 & 0xFFFF) << 16 | (bits >> 40 & 0xFFFF),
        56: (bits >> 64 & 0xFF) << 24 | (bits >> 32 & 0xFFFFFF),
        64: bits >> 24 & 0xFFFFFFFF,
        96: bits & 0xFFFFFFFF,
    }
    if reach_of(ip) is not None:
        assert all(value >> 24 == 0 or size == 96 for size, value in by_layout.items())
        assert reach_of(ip) is reach_of(IPv4Address(by_layout[96]))


@given(st.ip_addresses())
def test_every_address_has_an_answer(ip):
    assert reach_of(ip) in (LOOPBACK, PRIVATE, PUBLIC, BLOCKED)


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("127.0.0.1", "127.0.0.1"),
        ("::1", "::1"),
        ("[::1]", "::1"),
        ("localhost", None),
        ("node.example", None),
        ("1.example", None),
        ("0x7f.example", None),
        ("x1", None),
    ],
)
def test_a_host_is_an_address_or_a_name(host, address):
    assert literal_address(host) == (address and ip_address(address))


@pytest.mark.parametrize("host", ODD_HOSTS)
def test_embedded_v4_an_odd_notation_is_blocked_whatever_is_allowed(host):
    policy = AddressPolicy(own=LOOPBACK, allow=parse_allow("0.0.0.0/0"), allow_http_private=True)
    with pytest.raises(NetworkError, match="unusual notation") as caught:
        policy.judge_literal("http", host, 80)
    assert caught.value.cause is Cause.ADDRESS_BLOCKED


@pytest.mark.parametrize(
    ("url", "reach"),
    [
        (None, PRIVATE),
        ("http://127.0.0.1:8001", LOOPBACK),
        ("http://[::1]:8001/", LOOPBACK),
        ("http://localhost:8001", LOOPBACK),
        ("http://a.localhost", LOOPBACK),
        ("http://10.1.2.3", PRIVATE),
        ("https://[fd00::1]", PRIVATE),
        ("http://node-a:8080", PRIVATE),
        ("https://node.corp.internal", PRIVATE),
        ("https://node.local.", PRIVATE),
        ("https://node.lan", PRIVATE),
        ("https://8.8.8.8", PUBLIC),
        ("https://node.example.com", PUBLIC),
        ("https://localhost.example.com", PUBLIC),
        ("http://0.0.0.0:8001", PUBLIC),
        ("http://0x7f.1", PUBLIC),
        ("http://[::1", PUBLIC),
    ],
)
def test_a_node_is_as_public_as_its_url_and_in_doubt_public(url, reach):
    assert own_reach(url) is reach


@pytest.mark.parametrize(
    ("own", "callable_"),
    [
        (LOOPBACK, {"127.0.0.1", "10.0.0.5", "8.8.8.8"}),
        (PRIVATE, {"10.0.0.5", "8.8.8.8"}),
        (PUBLIC, {"8.8.8.8"}),
    ],
)
def test_a_node_calls_what_is_at_least_as_public_as_itself(own, callable_):
    policy = AddressPolicy(own=own)
    for text in ("127.0.0.1", "10.0.0.5", "8.8.8.8"):
        if text in callable_:
            assert policy.judge("https", text, 443, addresses(text)) == tuple(addresses(text))
        else:
            assert "HANDCLASP_ALLOW_ADDRESSES=" in blocked(policy, "https", text, 443, text)


@pytest.mark.parametrize("text", [text for text, reach in REACHES if reach is BLOCKED])
def test_no_setting_lifts_what_is_always_blocked(text):
    allow = parse_allow("0.0.0.0/0,::/0,host.example:80")
    policy = AddressPolicy(own=LOOPBACK, allow=allow, allow_http_private=True)
    for scheme in ("http", "https"):
        sentence = blocked(policy, scheme, "host.example", 80, text)
        assert "no setting changes that" in sentence
        assert "HANDCLASP" not in sentence


@pytest.mark.parametrize("order", [("8.8.8.8", "127.0.0.1"), ("127.0.0.1", "8.8.8.8")])
def test_rebinding_one_bad_address_of_two_blocks_the_name(order):
    sentence = blocked(AddressPolicy(own=PUBLIC), "https", "node.example", 443, *order)
    assert "node.example:443 leads to 127.0.0.1, a loopback address" in sentence


def test_a_name_without_addresses_is_blocked():
    blocked(AddressPolicy(), "https", "node.example", 443)


def test_http_goes_to_loopback_only_and_to_private_addresses_where_it_is_set():
    policy = AddressPolicy(own=LOOPBACK)
    lenient = AddressPolicy(own=LOOPBACK, allow_http_private=True)
    policy.judge("http", "127.0.0.1", 80, addresses("127.0.0.1"))
    assert "HANDCLASP_ALLOW_HTTP=private" in blocked(policy, "http", "10.0.0.5", 80, "10.0.0.5")
    lenient.judge("http", "10.0.0.5", 80, addresses("10.0.0.5"))
    for each in (policy, lenient):
        sentence = blocked(each, "http", "node.example", 80, "8.8.8.8")
        assert "https" in sentence
        assert "HANDCLASP" not in sentence


def test_an_allowed_address_is_not_thereby_allowed_by_http():
    policy = AddressPolicy(own=PUBLIC, allow=parse_allow("10.0.0.0/8"))
    policy.judge("https", "10.0.0.5", 443, addresses("10.0.0.5"))
    sentence = blocked(policy, "http", "10.0.0.5", 80, "10.0.0.5")
    assert "HANDCLASP_ALLOW_HTTP=private" in sentence
    assert "HANDCLASP_ALLOW_ADDRESSES" not in sentence


def test_allow_list_narrow_one_allowed_host_opens_no_other():
    policy = AddressPolicy(own=PUBLIC, allow=parse_allow("10.0.0.5:8443, files.internal:443"))
    policy.judge("https", "10.0.0.5", 8443, addresses("10.0.0.5"))
    policy.judge("https", "any.name", 8443, addresses("10.0.0.5"))
    policy.judge("https", "FILES.internal.", 443, addresses("10.9.9.9", "127.0.0.1"))
    blocked(policy, "https", "10.0.0.5", 8444, "10.0.0.5")
    blocked(policy, "https", "10.0.0.6", 8443, "10.0.0.6")
    blocked(policy, "https", "files.internal", 444, "10.9.9.9")
    blocked(policy, "https", "files.internal.example", 443, "10.9.9.9")
    blocked(policy, "https", "x.files.internal", 443, "10.9.9.9")


def test_an_allowed_network_matches_a_mapped_address_too():
    policy = AddressPolicy(own=PUBLIC, allow=parse_allow("10.0.0.0/8"))
    policy.judge("https", "h", 443, addresses("::ffff:10.0.0.5"))
    blocked(policy, "https", "h", 443, "::ffff:192.168.0.1")


@pytest.mark.parametrize(
    ("host", "address", "entry"),
    [
        ("10.0.0.5", "10.0.0.5", "10.0.0.5:8080"),
        ("node-b", "10.0.0.5", "node-b:8080"),
        ("Node.Internal.", "10.0.0.5", "node.internal:8080"),
        ("fd00::5", "fd00::5", "[fd00::5]:8080"),
        ("[fd00::5]", "fd00::5", "[fd00::5]:8080"),
        ("::ffff:a00:5", "::ffff:a00:5", "10.0.0.5:8080"),
    ],
)
def test_the_sentence_prints_settings_that_do_allow_it_and_keep_what_was_allowed(host, address, entry):
    before = parse_allow("192.168.1.0/24,files.internal:443,[fd00::9]:1")
    sentence = blocked(AddressPolicy(own=PUBLIC, allow=before), "http", host, 8080, address)
    settings = dict(word.split("=") for word in sentence.split() if word.startswith("HANDCLASP_"))
    assert settings == {
        "HANDCLASP_ALLOW_ADDRESSES": f"192.168.1.0/24,files.internal:443,[fd00::9]:1,{entry}",
        "HANDCLASP_ALLOW_HTTP": "private",
    }
    allow = parse_allow(settings["HANDCLASP_ALLOW_ADDRESSES"])
    assert set(before) < set(allow)
    AddressPolicy(own=PUBLIC, allow=allow, allow_http_private=True).judge("http", host, 8080, addresses(address))


def test_an_empty_allow_list_has_no_entries():
    assert parse_allow("") == parse_allow(" , ") == ()


def test_an_address_alone_allows_all_its_ports():
    (entry,) = parse_allow("[fd00::5]")
    assert entry == parse_allow("fd00::5/128")[0]
    assert entry.allows("h", 1, ip_address("fd00::5"))
    assert not entry.allows("h", 1, ip_address("fd00::6"))
    assert not entry.allows("h", 1, ip_address("10.0.0.1"))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("node.example", "names no port"),
        ("10.0.0.1/8", "Did you mean 10.0.0.0/8"),
        ("10.0.0.0/33", "is no network"),
        ("http://10.0.0.1:80", "is a URL"),
        ("10.0.0.1:0", "no port from 1 to 65535"),
        ("10.0.0.1:65536", "no port from 1 to 65535"),
        ("10.0.0.1:http", "no port from 1 to 65535"),
        ("10.0.0.1:٣", "no port from 1 to 65535"),
        ("*.internal:443", "is no name"),
        (":443", "is no name"),
        ("a b:443", "is no name"),
        ("127.1:443", "no usable address"),
        ("2130706433:443", "no usable address"),
        ("::ffff:10.0.0.0/104", "IPv4 inside IPv6"),
        ("10.0.0.1:443,oops", "'oops'"),
    ],
)
def test_a_wrong_entry_is_told_by_a_sentence_that_shows_it(text, words):
    with pytest.raises(ValueError, match=r"^'.*\.$|\?$") as caught:
        parse_allow(text)
    assert words in str(caught.value)


@given(st.text(max_size=40))
def test_any_text_is_either_entries_or_a_sentence(text):
    try:
        entries = parse_allow(text)
    except ValueError as error:
        assert str(error)[-1] in ".?"  # either outcome is right
    else:
        assert parse_allow(",".join(map(str, entries))) == entries


@given(st.text(max_size=30))
def test_any_host_is_judged_without_a_surprise(host):
    try:
        AddressPolicy().judge_literal("https", host, 443)
    except NetworkError as error:
        assert error.cause is Cause.ADDRESS_BLOCKED  # either outcome is right
