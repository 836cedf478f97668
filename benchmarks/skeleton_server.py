"""One of the two bare servers: what a handshake can't do without, and nothing else.

    python -m benchmarks.skeleton_server source FOLDER
    python -m benchmarks.skeleton_server destination FOLDER URL-OF-THE-SOURCE

HTTP by aiohttp, durable commits by SQLite (WAL, FULL, group commit), Ed25519 by PyNaCl: the same libraries as the
nodes', asked for the same work as `benchmarks.work` lists. No validation, no state machine, no authentication, no
broadcast, no retry, no log. It prints its port when it is ready and ends with its parent.
"""

from __future__ import annotations

import asyncio
import secrets
import sqlite3
import sys
from dataclasses import asdict
from typing import Final

import aiohttp
import msgspec
from aiohttp import web
from nacl import bindings

from benchmarks.work import Work

LOOPBACK: Final = "127.0.0.1"
ROW_BYTES: Final = 300
"""What a row of state and a row of the outbox hold: about as much as the nodes'."""

ID, SEED, SIGNATURE, KEY = 16, 32, 64, 32
CLEARED_ROWS_MAX: Final = 50
CLEARED_S_MAX: Final = 0.1
"""How many rows of the outbox wait to be deleted together, and how long: as the nodes' do."""

TEXT: Final = bytes(200)
"""Stands in each message for what the nodes' messages say."""


class DurableStore:
    """Rows on disk; units that arrive in one turn of the loop share one commit, and are told after it.

    It commits in the loop: with a fast disk that is quicker than any thread, and it is the skeleton's to be quick.
    """

    def __init__(self, folder: str | None, work: Work) -> None:
        """Make it in a folder; none: in memory."""
        self._work = work
        self._database = sqlite3.connect(f"{folder}/skeleton.db" if folder else ":memory:", isolation_level=None)
        for statement in (
            "PRAGMA journal_mode = WAL",
            "PRAGMA synchronous = FULL",
            "CREATE TABLE state (id BLOB PRIMARY KEY, data BLOB NOT NULL)",
            "CREATE TABLE outbox (n INTEGER PRIMARY KEY, data BLOB NOT NULL)",
        ):
            self._database.execute(statement)
        self._waiting: list[tuple[bytes, asyncio.Future[None]]] = []
        self._queued = 0
        self._clearing: asyncio.TimerHandle | None = None

    def keep(self, connection: bytes) -> asyncio.Future[None]:
        """Write the connection's row and one for the outbox; done when both are on disk."""
        loop = asyncio.get_running_loop()
        kept: asyncio.Future[None] = loop.create_future()
        if not self._waiting:
            loop.call_soon(self._commit)
        self._waiting.append((connection, kept))
        self._work.commits += 1
        return kept

    def _commit(self) -> None:
        waiting, self._waiting = self._waiting, []
        data = bytes(ROW_BYTES)
        self._database.execute("BEGIN IMMEDIATE")
        for connection, _ in waiting:
            self._database.execute("INSERT OR REPLACE INTO state VALUES (?, ?)", (connection, data))
            self._database.execute("INSERT INTO outbox (data) VALUES (?)", (data,))
        self._database.execute("COMMIT")
        for _, kept in waiting:
            kept.set_result(None)
        self._queued += len(waiting)
        if self._clearing is None:
            self._clearing = asyncio.get_running_loop().call_later(CLEARED_S_MAX, self._clear)
        if self._queued >= CLEARED_ROWS_MAX:
            self._clear()

    def _clear(self) -> None:
        """Delete what a broker would have acknowledged by now."""
        self._database.execute("DELETE FROM outbox")
        self._work.clearings += 1
        self._queued = 0
        if self._clearing is not None:
            self._clearing.cancel()
            self._clearing = None


class Skeleton:
    """What both servers have: keys, a store, counters."""

    def __init__(self, folder: str | None) -> None:
        self.work = Work()
        self.store = DurableStore(folder, self.work)
        self.public, self._secret = bindings.crypto_sign_seed_keypair(secrets.token_bytes(SEED))

    def app(self) -> web.Application:
        """Its routes."""
        app = web.Application()
        app.router.add_get("/work", self.tell_work)
        return app

    async def tell_work(self, _request: web.Request) -> web.Response:
        """What was done so far."""
        return web.Response(body=msgspec.json.encode(asdict(self.work)))

    def sign(self, data: bytes, secret: bytes | None = None) -> bytes:
        """The signature, by the own key unless another is given."""
        self.work.signatures += 1
        return bindings.crypto_sign(data, secret or self._secret)[:SIGNATURE]

    def verify(self, public: bytes, data: bytes, signature: bytes) -> None:
        """Raises if it is not a good one."""
        self.work.verifications += 1
        bindings.crypto_sign_open(signature + data, public)

    def key_pair(self, seed: bytes) -> tuple[bytes, bytes]:
        """Public and secret key."""
        self.work.key_pairs += 1
        pair: tuple[bytes, bytes] = bindings.crypto_sign_seed_keypair(seed)
        return pair


class Source(Skeleton):
    """Makes codes and hears who accepts them."""

    def app(self) -> web.Application:
        """Its routes."""
        app = super().app()
        app.router.add_post("/initiate", self.initiate)
        app.router.add_post("/peer", self.hear)
        return app

    async def initiate(self, request: web.Request) -> web.Response:
        """A code: connection, key, seed, signature."""
        self.work.hops += 1
        await request.read()
        connection, seed = secrets.token_bytes(ID), secrets.token_bytes(SEED)
        invitation_key, _ = self.key_pair(seed)
        signature = self.sign(connection + TEXT + invitation_key)
        await self.store.keep(connection)
        return web.Response(body=connection + self.public + seed + signature + TEXT)

    async def hear(self, request: web.Request) -> web.Response:
        """A signed answer to a signed question that holds a good proof."""
        self.work.hops += 1
        data = await request.read()
        signature, body = data[:SIGNATURE], data[SIGNATURE:]
        connection, sender, invitation_key = body[:ID], body[ID : ID + KEY], body[ID + KEY : ID + 2 * KEY]
        proof = body[ID + 2 * KEY : ID + 2 * KEY + SIGNATURE]
        self.verify(sender, body, signature)
        self.verify(invitation_key, connection + sender, proof)
        await self.store.keep(connection)
        answer = connection + self.public + TEXT
        return web.Response(body=self.sign(answer) + answer)


class Destination(Skeleton):
    """Accepts codes and tells their source."""

    def __init__(self, folder: str | None, source_url: str) -> None:
        super().__init__(folder)
        self._peer_url = f"{source_url}/peer"
        self._http: aiohttp.ClientSession | None = None

    def app(self) -> web.Application:
        """Its routes."""
        app = super().app()
        app.router.add_post("/accept", self.accept)
        return app

    async def accept(self, request: web.Request) -> web.Response:
        """Answers when both sides have committed that they are connected."""
        self.work.hops += 1
        code = await request.read()
        connection, source_key, seed = code[:ID], code[ID : ID + KEY], code[ID + KEY : ID + KEY + SEED]
        signature, text = code[ID + KEY + SEED :][:SIGNATURE], code[ID + KEY + SEED :][SIGNATURE:]
        self.work.key_checks += 1
        bindings.crypto_core_ed25519_is_valid_point(source_key)
        invitation_key, invitation_secret = self.key_pair(seed)
        self.verify(source_key, connection + text + invitation_key, signature)
        proof = self.sign(connection + self.public, invitation_secret)
        await self.store.keep(connection)
        question = connection + self.public + invitation_key + proof + TEXT
        answer = await self._ask(self.sign(question) + question)
        self.verify(source_key, answer[SIGNATURE:], answer[:SIGNATURE])
        await self.store.keep(connection)
        return web.Response(body=connection)

    async def _ask(self, question: bytes) -> bytes:
        if self._http is None:
            self._http = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
        async with self._http.post(self._peer_url, data=question) as answer:
            return await answer.read()


async def serve(skeleton: Skeleton) -> None:
    """Listen at a free port, print it, and go on until the process is ended."""
    runner = web.AppRunner(skeleton.app(), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, LOOPBACK, 0).start()
    print(runner.addresses[0][1], flush=True)
    await asyncio.Event().wait()


def main() -> None:
    """Be one of the two."""
    kind, folder, *source_url = sys.argv[1:]
    asyncio.run(serve(Source(folder) if kind == "source" else Destination(folder, *source_url)))


if __name__ == "__main__":
    main()
