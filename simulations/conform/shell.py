"""The shell of a run: an HTTP client before the implementation, and a real node's face at a port of this machine.

Everything has a limit: how long a request may take, how much of an answer is read, how many questions wait.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import aiohttp
from aiohttp import web

from node.ports import HttpAnswer
from node.real_ports import SystemClock, SystemEntropy
from protocol.envelope import CONTENT_TYPE, is_envelope_type, peek
from protocol.errors import EnvelopeError
from protocol.identity import SigningKey
from protocol.limits import ANSWER_BYTES_MAX, KEY_BYTES, MESSAGE_BYTES_MAX, NODE_INFO_BYTES_MAX, PROTOCOL_VERSION
from protocol.modes import Mode
from protocol.node_info import WELL_KNOWN_PATH, NodeInfo, to_json
from simulations.conform.bench import ASTRAY, NO_LINK, Asked, UnreachableError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from simulations.conform.bench import Driver

REQUEST_S_MAX: Final = 10.0
"""How long the implementation may take to answer one request."""

HELD_S_MAX: Final = 30.0
"""How long a question of the implementation is held for a story that may want it."""

QUESTIONS_MAX: Final = 256
"""So many questions may wait at once; more are answered with 503."""

RATE_WAITS_MAX: Final = 20
RATE_WAIT_S_MAX: Final = 15.0
"""How often, and how long at most, a 429 is heeded."""

_TOO_MANY: Final = 429
_SHORT: Final = "the request has no Content-Length"


class CantListenError(Exception):
    """The port can't be listened at; the text says why."""


class Shell:
    """The runner's `Bench` on real sockets; see there. `serving` makes it."""

    def __init__(self, url: str, *, driver: Driver, wait_s: float, quiet_s: float) -> None:
        self.url = url
        self.driver = driver
        self.wait_s = wait_s
        self.quiet_s = quiet_s
        self.their_key = bytes(KEY_BYTES)
        self._clock, self._entropy = SystemClock(), SystemEntropy()
        self.key = SigningKey(self.token(KEY_BYTES))
        self.shown_key = self.key.public
        self.own_url = ""
        self.info_reads = 0
        self.gone_astray = 0
        self._waiting: list[Asked] = []
        self._came = asyncio.Event()
        self._boot = self.token(16).hex()
        self._session: aiohttp.ClientSession | None = None

    def now(self) -> float:
        """See `Bench`."""
        return self._clock.now()

    def token(self, size_bytes: int) -> bytes:
        """See `Bench`."""
        return self._entropy.token(size_bytes)

    async def post(self, body: bytes, headers: Mapping[str, str] | None = None) -> HttpAnswer:
        """See `Bench`; who is asked to come later comes later."""
        sent = {"Content-Type": CONTENT_TYPE} | dict(headers or {})
        answer = await self.request("POST", "/peer", body, sent)
        for _ in range(RATE_WAITS_MAX):
            text = answer.headers.get("retry-after", "")
            wait_s = float(text) if text.isascii() and text.isdecimal() else RATE_WAIT_S_MAX + 1
            if answer.status != _TOO_MANY or wait_s > RATE_WAIT_S_MAX:
                break
            await asyncio.sleep(wait_s)
            answer = await self.request("POST", "/peer", body, sent)
        return answer

    async def request(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> HttpAnswer:
        """See `Bench`; no redirect is followed, and no more than `ANSWER_BYTES_MAX` bytes are read."""
        url = self.url + path
        assert self._session is not None  # noqa: S101 - `serving` has opened it
        try:
            async with self._session.request(method, url, data=body, headers=headers, allow_redirects=False) as answer:
                text = await answer.content.read(ANSWER_BYTES_MAX)
                named = {name.lower(): value for name, value in answer.headers.items()}
                return HttpAnswer(status=answer.status, headers=named, body=text)
        except TimeoutError:
            raise UnreachableError(f"Nothing at {url} answers within {REQUEST_S_MAX:g} s.") from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            said = getattr(error, "strerror", None) or str(error) or type(error).__name__
            raise UnreachableError(f"Nothing answers at {url} ({said}).") from error

    async def raw(self, head: Mapping[str, str | None], body: bytes, *, within_s: float) -> int:
        """See `Bench`."""
        parts = urlsplit(self.url)
        is_tls = parts.scheme == "https"
        lines = [f"POST {parts.path}/peer HTTP/1.1", f"Host: {parts.netloc}", "Connection: close"]
        lines += [f"{name}: {value}" for name, value in ({"Content-Type": CONTENT_TYPE} | dict(head)).items() if value]
        try:
            reader, writer = await asyncio.open_connection(
                parts.hostname, parts.port or (443 if is_tls else 80), ssl=True if is_tls else None
            )
        except OSError as error:
            raise UnreachableError(f"Nothing answers at {self.url} ({error.strerror or error}).") from error
        try:
            writer.write("\r\n".join([*lines, "", ""]).encode() + body)
            await writer.drain()
            async with asyncio.timeout(within_s):
                status = (await reader.readline()).split(b" ")
            return int(status[1]) if len(status) > 1 and status[1].isdigit() else 0
        except (TimeoutError, OSError, ValueError):
            return 0
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def asked(self, connection: bytes, *, within_s: float) -> Asked | None:
        """See `Bench`."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                while True:
                    for one in self._waiting:
                        if one.connection == connection and not one.answer.done():
                            self._waiting.remove(one)
                            return one
                    self._came.clear()
                    await self._came.wait()
        return None

    # The runner's own face

    async def _info(self, _request: web.Request) -> web.Response:
        self.info_reads += 1
        info = NodeInfo(
            protocol_versions=(PROTOCOL_VERSION,),
            software="handclasp conform",
            node_id=_uuid(self.key.public),
            name="conform",
            instance_url=self.own_url,
            node_url=self.own_url,
            key=self.shown_key,
            modes=(Mode.SCRIPT,),
            takes_invitations=True,
            not_taking_reason=None,
            boot=self._boot,
        )
        return web.Response(body=to_json(info)[:NODE_INFO_BYTES_MAX], content_type="application/json")

    async def _astray(self, _request: web.Request) -> web.Response:
        self.gone_astray += 1
        return web.Response(status=404)

    async def _peer(self, request: web.Request) -> web.StreamResponse:
        body = await request.content.read(MESSAGE_BYTES_MAX + 1)
        try:
            connection = peek(body).head.connection
        except EnvelopeError:
            connection = b""
        asked = Asked(body=body, connection=connection, fault=_fault(request), info_reads=self.info_reads)
        if len(self._waiting) >= QUESTIONS_MAX:
            return web.Response(status=503)
        self._waiting.append(asked)
        self._came.set()
        try:
            async with asyncio.timeout(HELD_S_MAX):
                answer = await asked.answer
        except TimeoutError:
            return web.Response(status=503)
        finally:
            asked.answer.cancel()
            if asked in self._waiting:
                self._waiting.remove(asked)
        if answer is NO_LINK:
            if request.transport is not None:
                request.transport.abort()
            return web.Response(status=503)
        return web.Response(status=answer.status, headers=answer.headers, body=answer.body)


@contextlib.asynccontextmanager
async def serving(shell: Shell, *, host: str, port: int, advertised: str | None) -> AsyncIterator[None]:
    """Serve the runner's face, until the context ends.

    Raises:
        CantListenError: the port can't be listened at.
    """
    app = web.Application()
    app.router.add_get(WELL_KNOWN_PATH, shell._info)  # noqa: SLF001 - the face is the shell's own
    app.router.add_route("*", ASTRAY, shell._astray)  # noqa: SLF001 - likewise
    app.router.add_post("/peer", shell._peer)  # noqa: SLF001 - likewise
    runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=0.1)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, host, port).start()
        except OSError as error:
            raise CantListenError(error.strerror or str(error)) from error
        bound = runner.addresses[0][1]
        shell.own_url = advertised or f"http://{f'[{host}]' if ':' in host else host}:{bound}"
        timeout = aiohttp.ClientTimeout(total=REQUEST_S_MAX)
        async with aiohttp.ClientSession(
            timeout=timeout, auto_decompress=False, headers={"Accept-Encoding": "identity"}
        ) as session:
            shell._session = session  # noqa: SLF001 - likewise
            yield
    finally:
        await runner.cleanup()


def _fault(request: web.Request) -> str | None:
    if not is_envelope_type(request.headers.get("Content-Type")):
        return f"its question has the content type {request.headers.get('Content-Type')!a}"
    if "Content-Encoding" in request.headers:
        return "its question has a Content-Encoding"
    return _SHORT if request.content_length is None else None


def _uuid(key: bytes) -> str:
    digits = key[:16].hex()
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))
