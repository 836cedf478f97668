"""Which addresses a node may call: one policy for checks, accepts and deliveries.

1. Never, whatever is set: the rows of `node.network.reach` that say so.
2. Only addresses at least as public as the node's own, unless `HANDCLASP_ALLOW_ADDRESSES` names them.
3. `http` to loopback; to a private address only with `HANDCLASP_ALLOW_HTTP=private`; else `https`.

All addresses that a name has are judged, and one that is bad spoils the name: else whoever owns the name
could steer which of them is called. What is judged here is what is connected to (`node.network.client`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv6Network, ip_network
from typing import TYPE_CHECKING, Final

from node.causes import Cause
from node.network.reach import (
    MAPPED,
    IPAddress,
    IPNetwork,
    Reach,
    carried,
    classify,
    literal_address,
    own_reach,
    reach_of,
)
from node.ports import NetworkError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["AddressPolicy", "AllowEntry", "Reach", "own_reach", "parse_allow", "place", "reach_of"]

ALLOW_ADDRESSES_SETTING: Final = "HANDCLASP_ALLOW_ADDRESSES"
ALLOW_HTTP_SETTING: Final = "HANDCLASP_ALLOW_HTTP"

_PORT_LIMIT: Final = 65536
_NAME: Final = re.compile(r"[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*")


@dataclass(frozen=True, slots=True, kw_only=True)
class AllowEntry:
    """One exception to rule 2: the addresses of a network or one name, at every port or at one.

    Exactly one of `network` and `name` is set; a name always has its port.
    """

    network: IPNetwork | None = None
    name: str | None = None
    port: int | None = None

    def allows(self, host: str, port: int, address: IPAddress) -> bool:
        """Whether a call to that host and port, which goes to that address, is excepted."""
        if self.port not in (None, port):
            return False
        if self.network is None:
            return host.lower().removesuffix(".") == self.name
        return address.version == self.network.version and address in self.network

    def __str__(self) -> str:
        """As it would be written in the setting."""
        if self.network is None:
            return f"{self.name}:{self.port}"
        return str(self.network) if self.port is None else place(str(self.network.network_address), self.port)


def place(host: str, port: int) -> str:
    """A host and port as people write them: an IPv6 address in brackets."""
    bare = host.removeprefix("[").removesuffix("]")
    return f"[{bare}]:{port}" if ":" in bare else f"{bare}:{port}"


def parse_allow(text: str) -> tuple[AllowEntry, ...]:
    """The entries of `HANDCLASP_ALLOW_ADDRESSES`: networks (CIDR), addresses, host:port; commas between.

    Raises:
        ValueError: an entry is none of these; the text is a sentence that shows it.
    """
    return tuple(_parse_entry(item.strip()) for item in text.split(",") if item.strip())


def _parse_entry(item: str) -> AllowEntry:
    if "://" in item:
        raise ValueError(f"{item!r} is a URL. Write its host and port alone, as in 10.0.0.5:8443.")
    if "/" in item or _is_address(item):
        return AllowEntry(network=_parse_network(item))
    host, colon, port_text = item.rpartition(":")
    if not colon:
        raise ValueError(f"{item!r} names no port. Write node.example:8443 for a host, 10.1.0.0/16 for a network.")
    port = int(port_text) if port_text.isascii() and port_text.isdecimal() else 0
    if not 0 < port < _PORT_LIMIT:
        raise ValueError(f"{item!r} has no port from 1 to 65535 after its last colon.")
    try:
        address = literal_address(host)
    except ValueError:
        raise ValueError(
            f"{item!r} has a host that is no usable address. Write 127.0.0.1:8443 or [::1]:8443."
        ) from None
    if address is not None:
        return AllowEntry(network=_parse_network(str(address)), port=port)
    name = host.lower().removesuffix(".")
    if not _NAME.fullmatch(name):
        raise ValueError(f"{item!r} has a host that is no name. Write one in full, without wildcards; a comma ends it.")
    return AllowEntry(name=name, port=port)


def _is_address(item: str) -> bool:
    try:
        return literal_address(item) is not None
    except ValueError:
        return False


def _parse_network(item: str) -> IPNetwork:
    bare = item.removeprefix("[").removesuffix("]")
    try:
        network = ip_network(bare)
    except ValueError:
        try:
            wider = ip_network(bare, strict=False)
        except ValueError:
            raise ValueError(f"{item!r} is no network. Write one as in 10.1.0.0/16 or fd12:3456::/32.") from None
        raise ValueError(f"{item!r} has bits set behind its prefix. Did you mean {wider}?") from None
    if isinstance(network, IPv6Network) and network.subnet_of(MAPPED):
        raise ValueError(f"{item!r} is IPv4 inside IPv6. Write the IPv4 network instead.")
    return network


@dataclass(frozen=True, slots=True, kw_only=True)
class AddressPolicy:
    """The three rules above, for one node.

    `own` is how public the node is (`own_reach`), `allow` the exceptions to rule 2, `allow_http_private`
    whether `http` may go to private addresses.
    """

    own: Reach = Reach.PRIVATE
    allow: tuple[AllowEntry, ...] = ()
    allow_http_private: bool = False

    def judge_literal(self, scheme: str, host: str, port: int) -> IPAddress | None:
        """Judge a host that is an address; None for a name, which `judge` has to see resolved.

        Raises:
            NetworkError: it may not be called (`address-blocked`), or is not canonical: `127.1`, `0x7f.1`.
        """
        try:
            address = literal_address(host)
        except ValueError:
            raise NetworkError(
                Cause.ADDRESS_BLOCKED,
                f"{place(host, port)} is an address in an unusual notation, which is never called. "
                "Write it as in 10.0.0.5 or [2001:db8::5], or use a name.",
            ) from None
        if address is None:
            return None
        return self.judge(scheme, host, port, [address])[0]

    def judge(self, scheme: str, host: str, port: int, addresses: Sequence[IPAddress]) -> tuple[IPAddress, ...]:
        """The addresses, in their order, any of which may be connected to; each of them has been judged.

        Raises:
            NetworkError: one of them may not be called, or there is none (`address-blocked`); the sentence
                prints the setting that would allow it, if one would.
        """
        if not addresses:
            raise NetworkError(Cause.ADDRESS_BLOCKED, f"{place(host, port)} has no address that could be called.")
        for address in addresses:
            refusal = self._refusal(scheme, host, port, address)
            if refusal is not None:
                raise NetworkError(Cause.ADDRESS_BLOCKED, refusal)
        return tuple(addresses)

    def _refusal(self, scheme: str, host: str, port: int, address: IPAddress) -> str | None:
        reach, what = classify(address)
        subject = f"{place(host, port)} {'is' if _spells(host, address) else f'leads to {address},'} {what}"
        inner = carried(address)
        if reach is None or inner is None:
            return f"{subject}: no node calls it, and no setting changes that. Use the address that others use."
        if scheme != "https" and reach is Reach.PUBLIC:
            return f"{subject}, which is called by https only. Write https:// in front of it."
        settings: list[str] = []
        reasons: list[str] = []
        if reach < self.own and not any(entry.allows(host, port, inner) for entry in self.allow):
            reasons.append(f"this node is {self.own.name.lower()} and calls nothing that is less public than itself")
            narrowest = place(str(inner) if _spells(host, address) else host.lower().removesuffix("."), port)
            settings.append(f"{ALLOW_ADDRESSES_SETTING}={','.join((*map(str, self.allow), narrowest))}")
        if scheme != "https" and reach is Reach.PRIVATE and not self.allow_http_private:
            reasons.append("http to private addresses is off")
            settings.append(f"{ALLOW_HTTP_SETTING}=private")
        if not settings:
            return None
        return f"{subject}, and {' and '.join(reasons)}. Start this node with {' '.join(settings)} to allow it."


def _spells(host: str, address: IPAddress) -> bool:
    try:
        return literal_address(host) == address
    except ValueError:
        return False
