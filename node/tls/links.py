"""Links that are encrypted from their first byte on, handed to the HTTP server once the handshake is done.

asyncio's own TLS server says nothing to somebody who speaks plain http there, and tells nobody why a handshake failed.
So links are taken here: their first byte is looked at, and what is no TLS gets a sentence by HTTP.
"""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING, Final

from node.logs import get_logger

if TYPE_CHECKING:
    from collections.abc import Callable

    from node.tls.certificate import ServerCertificate

SILENCE_S_MAX: Final = 10.0
"""How long a link may be without its first byte."""

HANDSHAKE_S_MAX: Final = 10.0
"""How long the handshake may take from then on."""

GOODBYE_S_MAX: Final = 2.0
"""How long the other side may take to say goodbye before the link is closed all the same."""

PAUSE_S: Final = 1.0
"""How long no link is taken when one could not be: this process or machine has no room for more."""

READ_BYTES_MAX: Final = 64 * 1024

_HANDSHAKE: Final = b"\x16"
"""The first byte of every TLS link (RFC 8446 5.1: content type handshake)."""

_SENTENCE: Final = b"This port speaks https only: begin the URL with https:// instead of http://.\n"
PLAIN_HTTP: Final = (
    b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n"
    b"Content-Length: %d\r\n\r\n%s" % (len(_SENTENCE), _SENTENCE)
)

_log = get_logger(__name__)


class TlsLinks:
    """Takes links at a listening socket, until `close`."""

    def __init__(
        self, listening: socket.socket, make_protocol: Callable[[], asyncio.Protocol], certificate: ServerCertificate
    ) -> None:
        """Begin to take links; `make_protocol` makes who speaks on each."""
        listening.settimeout(0)
        self._listening = listening
        self._make_protocol = make_protocol
        self._certificate = certificate
        self._greeting: set[asyncio.Task[None]] = set()
        self._taking = asyncio.get_running_loop().create_task(self._take())

    async def close(self) -> None:
        """Close the listening socket; links that have not shaken hands yet end."""
        ending = [self._taking, *self._greeting]
        for task in ending:
            task.cancel()
        await asyncio.gather(*ending, return_exceptions=True)
        self._listening.close()

    async def _take(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                link, _ = await loop.sock_accept(self._listening)
            except ConnectionError:
                continue  # it ended before it was taken
            except OSError as error:
                _log.error("no_link_taken", why=error.strerror, next_try_s=PAUSE_S)
                await asyncio.sleep(PAUSE_S)
                continue
            task = loop.create_task(self._greet(link))
            self._greeting.add(task)
            task.add_done_callback(self._greeting.discard)

    async def _greet(self, link: socket.socket) -> None:
        remote = _remote(link)
        try:
            if not await _speaks_tls(link):
                link.close()
                _log.debug("malformed_tls", remote=remote, why="no TLS")
                return
        except OSError as error:  # TimeoutError is one
            link.close()
            _log.debug("malformed_tls", remote=remote, why=type(error).__name__)
            return
        except BaseException:
            link.close()
            raise
        try:
            await asyncio.get_running_loop().connect_accepted_socket(
                self._make_protocol,
                link,
                ssl=self._certificate.context(),
                ssl_handshake_timeout=HANDSHAKE_S_MAX,
                ssl_shutdown_timeout=GOODBYE_S_MAX,
            )  # which closes the link where it fails
        except OSError as error:  # ssl.SSLError is one
            _log.debug("malformed_tls", remote=remote, why=getattr(error, "reason", None) or type(error).__name__)


async def _speaks_tls(link: socket.socket) -> bool:
    """Whether the other side begins a handshake; if it says something else, it gets an answer by HTTP.

    Raises:
        OSError: the link broke, or nothing came in time.
    """
    async with asyncio.timeout(SILENCE_S_MAX):
        first = await _first_byte(link)
        if first and first != _HANDSHAKE:
            link.recv(READ_BYTES_MAX)  # a link that is closed with something unread is reset, and the answer lost
            await asyncio.get_running_loop().sock_sendall(link, PLAIN_HTTP)
    return first == _HANDSHAKE


async def _first_byte(link: socket.socket) -> bytes:
    """The first byte, which stays to be read; none when the link ends before."""
    loop = asyncio.get_running_loop()
    while True:
        try:
            return link.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            pass
        arrived = asyncio.Event()
        loop.add_reader(link, arrived.set)
        try:
            await arrived.wait()
        finally:
            loop.remove_reader(link)


def _remote(link: socket.socket) -> str | None:
    try:
        return str(link.getpeername()[0])
    except OSError:
        return None
