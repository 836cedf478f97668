"""The real peer network: HTTP by aiohttp, held to the address policy and to limits.

What is judged is what is called. A host that is an address is judged before aiohttp sees it, since aiohttp
resolves no addresses. A name is resolved once, by `_JudgingResolver`; aiohttp connects to the addresses that
this returned and to none else, with the name in SNI and certificate check. So a name that changes its address
between two look-ups (DNS rebinding) gains nothing. There is one session for each scheme, because a resolver
is not told the scheme.

An answer is untrusted: not followed, not decompressed, no cookie kept, read up to a limit.
"""

from __future__ import annotations

import asyncio
import ssl
from ipaddress import ip_address
from typing import TYPE_CHECKING, Final

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver
from yarl import URL

from node.causes import Cause
from node.network.addresses import AddressPolicy, place
from node.network.failures import NO_URL, network_error
from node.ports import HttpAnswer, NetworkError
from protocol.limits import ANSWER_BYTES_MAX, REQUEST_S_MAX

if TYPE_CHECKING:
    import socket
    from collections.abc import Mapping
    from pathlib import Path

    from aiohttp.connector import SocketFactoryType

USER_AGENT: Final = "handclasp"
_HEADERS_MAX: Final = 64
_READ_BYTES: Final = 16 * 1024
_HEADERS: Final = {"Accept-Encoding": "identity", "User-Agent": USER_AGENT}


class AiohttpPeerNetwork:
    """The `PeerNetwork` port for real networks.

    Args:
        policy: which addresses may be called.
        ca_file: certificates (PEM) of own authorities, trusted beside those of the system.
        request_s_max: how long one request may take, from the look-up of the name to the last byte.
        answer_bytes_max: the largest body that is read.
        resolver: looks names up; by default the system does, in a thread.
        socket_factory: makes the socket for an address that was judged; by default the system does.

    Nothing is opened before the first call. `close` it at the end; it can't be used after that.
    """

    def __init__(
        self,
        policy: AddressPolicy,
        *,
        ca_file: Path | None = None,
        request_s_max: float = REQUEST_S_MAX,
        answer_bytes_max: int = ANSWER_BYTES_MAX,
        resolver: AbstractResolver | None = None,
        socket_factory: SocketFactoryType | None = None,
    ) -> None:
        self._policy = policy
        self._ca_file = ca_file
        self._request_s_max = request_s_max
        self._answer_bytes_max = answer_bytes_max
        self._resolver = resolver
        self._socket_factory = socket_factory
        self._sessions: dict[str, aiohttp.ClientSession] = {}
        self._closed = False

    async def get(self, url: str) -> HttpAnswer:
        """See `PeerNetwork.get`."""
        return await self._request("GET", url)

    async def post(self, url: str, body: bytes, *, content_type: str) -> HttpAnswer:
        """See `PeerNetwork.post`."""
        return await self._request("POST", url, body=body, headers={"Content-Type": content_type})

    async def close(self) -> None:
        """Close all links; later calls fail as unreachable."""
        self._closed = True
        sessions = list(self._sessions.values())
        self._sessions.clear()
        for session in sessions:
            await session.close()

    async def _request(
        self, method: str, url: str, *, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> HttpAnswer:
        target, host, port = _parse(url)
        if self._closed:
            raise NetworkError(Cause.UNREACHABLE, f"{place(host, port)} was not called, for this node is stopping.")
        self._policy.judge_literal(target.scheme, host, port)
        try:
            session = self._session(target.scheme)
            async with session.request(method, target, data=body, headers=headers, allow_redirects=False) as response:
                answer_body = await self._read(response, place(host, port))
        except (aiohttp.ClientError, OSError, ValueError) as error:  # TimeoutError is an OSError
            raise network_error(error, place(host, port), limit_s=self._request_s_max) from error
        return HttpAnswer(status=response.status, headers=_flat(response), body=answer_body)

    async def _read(self, response: aiohttp.ClientResponse, where: str) -> bytes:
        """The body, or nothing at all of one that is too long; the link is then closed."""
        body = bytearray()
        declared = response.content_length or 0
        while declared <= self._answer_bytes_max:
            chunk = await response.content.read(_READ_BYTES)
            if not chunk:
                return bytes(body)
            body += chunk
            declared = max(declared, len(body))
        raise NetworkError(
            Cause.NOT_A_NODE,
            f"{where} answered more than {self._answer_bytes_max:,} bytes, which no node does. "
            "Check that the address is that of a node.",
        )

    def _session(self, scheme: str) -> aiohttp.ClientSession:
        if scheme not in self._sessions:
            connector = aiohttp.TCPConnector(
                resolver=_JudgingResolver(self._policy, scheme, self._resolver),
                use_dns_cache=False,
                socket_factory=self._socket_factory,
                ssl=self._tls() if scheme == "https" else True,
            )
            self._sessions[scheme] = aiohttp.ClientSession(
                connector=connector,
                cookie_jar=aiohttp.DummyCookieJar(),
                headers=_HEADERS,
                timeout=aiohttp.ClientTimeout(total=self._request_s_max, ceil_threshold=2 * self._request_s_max),
                auto_decompress=False,
                max_headers=_HEADERS_MAX,
                trust_env=False,
            )
        return self._sessions[scheme]

    def _tls(self) -> ssl.SSLContext:
        """Verification as the system does it, with own authorities added; there is no way to skip it."""
        context = ssl.create_default_context()
        if self._ca_file is not None:
            try:
                context.load_verify_locations(cafile=self._ca_file)
            except OSError as error:  # ssl.SSLError is one
                raise NetworkError(
                    Cause.TLS_FAILURE,
                    f"The file of certificate authorities {self._ca_file} can't be used "
                    f"({error.strerror or error}). Set HANDCLASP_CA_FILE to a readable file in PEM format.",
                ) from error
        return context


class _JudgingResolver(AbstractResolver):
    """Resolves a name once and lets only judged addresses through."""

    def __init__(self, policy: AddressPolicy, scheme: str, inner: AbstractResolver | None) -> None:
        self._policy = policy
        self._scheme = scheme
        self._inner = inner or ThreadedResolver(asyncio.get_running_loop())

    async def resolve(self, host: str, port: int = 0, family: socket.AddressFamily | int = 0) -> list[ResolveResult]:
        try:
            found = await self._inner.resolve(host, port, family)  # type: ignore[arg-type]
        except UnicodeError as error:  # an empty or overlong label
            raise OSError(None, "no possible name") from error
        self._policy.judge(self._scheme, host, port, [ip_address(result["host"]) for result in found])
        return found

    async def close(self) -> None:
        """The inner resolver is its giver's to close."""


def _parse(url: str) -> tuple[URL, str, int]:
    """The URL, its host in ASCII without brackets, and its port."""
    try:
        target = URL(url)
        host, port = target.raw_host, target.port
    except ValueError:
        host, port, target = None, None, URL()
    if not host or not port or target.scheme not in ("http", "https") or "@" in target.raw_authority:
        raise NetworkError(Cause.ADDRESS_BLOCKED, NO_URL)
    return target, host, port


def _flat(response: aiohttp.ClientResponse) -> dict[str, str]:
    """The headers by lower-case name; one that is repeated is joined by commas (RFC 9110 5.3)."""
    headers: dict[str, str] = {}
    for name, value in response.headers.items():
        key = name.lower()
        headers[key] = f"{headers[key]}, {value}" if key in headers else value
    return headers
