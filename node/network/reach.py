"""How public an address is: one explicit table, the same on every version of Python.

The standard library's `is_global` and `is_loopback` changed between releases and are wrong for several
addresses that carry another inside. So the table below decides, and what is carried is taken out first:

- IPv4-mapped (`::ffff:0:0/96`): the IPv4 address inside, for that is what the system connects to.
- 6to4 (RFC 3056) and NAT64's well-known prefix (RFC 6052 3.1): may carry global addresses only; else
  blocked.
- NAT64's local prefix (RFC 8215): only as `64:ff9b:1::/96`, where each layout of RFC 6052 2.2 yields either
  the last four bytes or an unusable address. The rest of the prefix could mean several addresses: blocked.
- Teredo (RFC 4380 4): carries its server's and its client's address; both have to be global.

What no row names and is IPv4 is public. IPv6 outside `2000::/3` that no row names is not assigned: blocked.
"""

from __future__ import annotations

from enum import IntEnum
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network
from typing import TYPE_CHECKING, Final, TypeAlias
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable

IPAddress: TypeAlias = IPv4Address | IPv6Address
IPNetwork: TypeAlias = IPv4Network | IPv6Network


class Reach(IntEnum):
    """From how far away an address can be called; a larger one is more public."""

    LOOPBACK = 0
    PRIVATE = 1
    PUBLIC = 2


# The first row that holds an address decides. `None` = never called, whatever the settings say.
_ROWS: Final[tuple[tuple[str, Reach | None, str], ...]] = (
    # Where clouds hand out credentials to whoever asks.
    ("169.254.169.254/32", None, "a cloud's metadata address"),
    ("100.100.100.200/32", None, "a cloud's metadata address"),
    ("168.63.129.16/32", None, "a cloud's metadata address"),
    ("192.0.0.192/32", None, "a cloud's metadata address"),
    ("fd00:ec2::254/128", None, "a cloud's metadata address"),
    ("fd20:ce::254/128", None, "a cloud's metadata address"),
    # IPv4, RFC 6890 and IANA's special-purpose registry.
    ("0.0.0.0/8", None, "an unspecified address"),
    ("10.0.0.0/8", Reach.PRIVATE, "a private address"),
    ("100.64.0.0/10", Reach.PRIVATE, "a carrier's private address"),
    ("127.0.0.0/8", Reach.LOOPBACK, "a loopback address"),
    ("169.254.0.0/16", None, "a link-local address"),
    ("172.16.0.0/12", Reach.PRIVATE, "a private address"),
    ("192.0.0.0/24", Reach.PRIVATE, "an address kept for protocols"),
    ("192.0.2.0/24", Reach.PRIVATE, "an address kept for documentation"),
    ("192.88.99.0/24", Reach.PRIVATE, "a former 6to4 relay's address"),
    ("192.168.0.0/16", Reach.PRIVATE, "a private address"),
    ("198.18.0.0/15", Reach.PRIVATE, "an address kept for benchmarks"),
    ("198.51.100.0/24", Reach.PRIVATE, "an address kept for documentation"),
    ("203.0.113.0/24", Reach.PRIVATE, "an address kept for documentation"),
    ("224.0.0.0/4", None, "a multicast address"),
    ("255.255.255.255/32", None, "the broadcast address"),
    ("240.0.0.0/4", None, "a reserved address"),
    ("0.0.0.0/0", Reach.PUBLIC, "a public address"),
    # IPv6, RFC 4291 and IANA's special-purpose registry.
    ("::1/128", Reach.LOOPBACK, "a loopback address"),
    ("::/128", None, "an unspecified address"),
    ("fc00::/7", Reach.PRIVATE, "a private address"),
    ("fe80::/10", None, "a link-local address"),
    ("fec0::/10", None, "a site-local address"),
    ("ff00::/8", None, "a multicast address"),
    ("2001::/23", Reach.PRIVATE, "an address kept for protocols"),
    ("2001:db8::/32", Reach.PRIVATE, "an address kept for documentation"),
    ("3fff::/20", Reach.PRIVATE, "an address kept for documentation"),
    ("2000::/3", Reach.PUBLIC, "a public address"),
    ("::/0", None, "an address that is not in use on the Internet"),
)
_TABLE: Final = tuple((ip_network(text), reach, what) for text, reach, what in _ROWS)

MAPPED: Final = IPv6Network("::ffff:0:0/96")
_SIX_TO_FOUR: Final = IPv6Network("2002::/16")
_NAT64: Final = IPv6Network("64:ff9b::/96")
_NAT64_LOCAL: Final = IPv6Network("64:ff9b:1::/48")
_NAT64_LOCAL_READABLE: Final = IPv6Network("64:ff9b:1::/96")
_TEREDO: Final = IPv6Network("2001::/32")
_WORD: Final = 0xFFFFFFFF
_CARRIER: Final = "an address that carries another one which may not be called this way"

_LOCAL_SUFFIXES: Final = (".local", ".internal", ".lan", ".home.arpa")
_HEX: Final = frozenset("0123456789abcdef")


def reach_of(ip: IPAddress) -> Reach | None:
    """How public an address is; None for one that is never called."""
    return classify(ip)[0]


def classify(ip: IPAddress) -> tuple[Reach | None, str]:
    """How public an address is (None: never called), and what it is in words with an article."""
    inner = carried(ip)
    if inner is None:
        return None, _CARRIER
    for network, reach, what in _TABLE:
        if network.version == inner.version and inner in network:
            return reach, what
    raise AssertionError(inner)  # the table's last rows hold everything


def carried(ip: IPAddress) -> IPAddress | None:
    """The address that a call to `ip` reaches in the end, mostly itself; None if it may not be called so."""
    if isinstance(ip, IPv4Address):
        return ip
    if ip.scope_id is not None:  # a zone (`fe80::1%eth0`) is this machine's own business, never a partner's
        return None
    for network, taken_out in _CARRIERS:
        if ip in network:
            return taken_out(int(ip))
    return ip


def _mapped(bits: int) -> IPv4Address:
    return IPv4Address(bits & _WORD)


def _six_to_four(bits: int) -> IPv4Address | None:
    return _at_least(Reach.PUBLIC, bits >> 80 & _WORD)


def _nat64(bits: int) -> IPv4Address | None:
    return _at_least(Reach.PUBLIC, bits & _WORD)


def _nat64_local(bits: int) -> IPv4Address | None:
    readable = IPv6Address(bits) in _NAT64_LOCAL_READABLE
    return _at_least(Reach.PRIVATE, bits & _WORD) if readable else None


def _teredo(bits: int) -> IPv4Address | None:
    server = _at_least(Reach.PUBLIC, bits >> 64 & _WORD)
    return server and _at_least(Reach.PUBLIC, bits & _WORD ^ _WORD)


_CARRIERS: Final[tuple[tuple[IPv6Network, Callable[[int], IPv4Address | None]], ...]] = (
    (MAPPED, _mapped),
    (_SIX_TO_FOUR, _six_to_four),
    (_NAT64, _nat64),
    (_NAT64_LOCAL, _nat64_local),
    (_TEREDO, _teredo),
)


def _at_least(least: Reach, bits: int) -> IPv4Address | None:
    ip = IPv4Address(bits)
    reach = reach_of(ip)
    return ip if reach is not None and reach >= least else None


def literal_address(host: str) -> IPAddress | None:
    """The address that a URL's host spells out; None if the host is a name.

    Raises:
        ValueError: it is a number in another notation (`127.1`, `0x7f.1`, `017700000001`, `2130706433`,
            a final dot), which systems read in different ways; or it is no IPv6 address.
    """
    bare = host.removeprefix("[").removesuffix("]")
    if ":" in bare:
        return IPv6Address(bare)
    return IPv4Address(host) if _ends_in_a_number(host) else None


def _ends_in_a_number(host: str) -> bool:
    """The URL standard's test for "a resolver may read this as an IPv4 address" (WHATWG URL, 3.5)."""
    label = host.lower().removesuffix(".").rpartition(".")[2]
    if label.startswith("0x"):
        return _HEX.issuperset(label[2:])
    return label.isdecimal()


def own_reach(node_url: str | None) -> Reach:
    """How public a node is, by its own node URL.

    Without a URL it is private. An address is looked up in the table. `localhost` is loopback; a name of one
    label, or below .local, .internal, .lan or .home.arpa, is private; any other name is public, and so is
    what can't be judged: a node that is more public calls fewer addresses, so doubt errs to the strict side.
    """
    if node_url is None:
        return Reach.PRIVATE
    try:
        host = urlsplit(node_url).hostname or ""
        address = literal_address(host)
    except ValueError:
        return Reach.PUBLIC
    if address is not None:
        reach = reach_of(address)
        return Reach.PUBLIC if reach is None else reach
    name = host.removesuffix(".")
    if name == "localhost" or name.endswith(".localhost"):
        return Reach.LOOPBACK
    local = "." not in name or name.endswith(_LOCAL_SUFFIXES)
    return Reach.PRIVATE if local else Reach.PUBLIC
