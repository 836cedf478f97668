"""One node without a process: a real database in memory, the real use cases, and a crash whenever it is wished.

Time, dice and wire are the world's (`tests.node.stores_world`). What a process would remember, and lose in a crash,
is made anew by `boot`: what is to be delivered, which partners were heard from.
"""

from __future__ import annotations

import asyncio
import hashlib
from enum import Enum
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from aiohttp.base_protocol import BaseProtocol
from aiohttp.http import HttpVersion11, RawRequestMessage
from aiohttp.streams import StreamReader
from aiohttp.web_request import BaseRequest
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from node.backups import marking
from node.connections.context import MODES_OFFERED, Context, Signals, topic_id_of
from node.connections.restoring import close_restored
from node.delivery.dispatcher import WINDOW
from node.delivery.outbox import StoredOutbox
from node.delivery.resync import Resync
from node.key_file import NodeIdentity
from node.peer.endpoint import PeerEndpoint
from node.ports import HttpAnswer, StoreFullError
from node.settings import Announcements
from node.store import statements
from node.store.database import Database
from node.store.schema import broadcasts, events, notices
from protocol.envelope import CONTENT_TYPE
from protocol.identity import SigningKey
from protocol.limits import PROTOCOL_VERSION
from protocol.node_info import NodeInfo, to_json

if TYPE_CHECKING:
    from collections.abc import Callable

    from node.connections.stored import Connection
    from protocol.records import Record

OWED_PAGE = 500


class PowerCutError(BaseException):
    """The process died here; no `except Exception` of a dead process runs."""


class Fate(Enum):
    """What befalls the next commit that changes something; the value is how a story tells it."""

    BEFORE = "dies before the commit"
    AFTER = "dies after the commit, before anybody is answered"
    FULL = "finds its disk full"


class InlineStore:
    """The `Store` port: units that are handed in at the same moment share one commit, as on the writer thread."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.fate: Fate | None = None
        self._jobs: list[tuple[Callable[[Any], Any], asyncio.Future[Any]]] = []

    @property
    def is_full(self) -> bool:
        return False  # it is full for one commit

    async def run(self, unit_of_work: Callable[[Any], Any]) -> Any:
        loop = asyncio.get_running_loop()
        future = loop.create_future()
        if not self._jobs:
            loop.call_soon(self._commit)
        self._jobs.append((unit_of_work, future))
        return await future

    def _commit(self) -> None:
        jobs, self._jobs = self._jobs, []
        results, has_written = self.database.execute([unit for unit, _ in jobs])
        fate, self.fate = (self.fate, None) if has_written else (None, self.fate)
        if fate in {Fate.BEFORE, Fate.FULL}:
            self.raw.execute("ROLLBACK")
        else:
            self.database.commit()
        if fate is Fate.FULL:
            results = [StoreFullError()] * len(jobs)
        elif fate is not None:
            results = [PowerCutError()] * len(jobs)
        for (_, future), result in zip(jobs, results, strict=True):
            if future.cancelled():
                continue
            if isinstance(result, BaseException):
                future.set_exception(result)
            else:
                future.set_result(result)

    @property
    def raw(self) -> Any:
        """SQLite's own connection."""
        return self.database.connection.connection.driver_connection

    def rows(self) -> list[Any]:
        """Every connection as it stands in the table."""
        return self.raw.execute("SELECT * FROM connections ORDER BY n").fetchall()

    def told(self) -> list[Any]:
        """Everything that watchers and admins are told beside the rows."""
        return [self.raw.execute(str(table.select())).fetchall() for table in (events, broadcasts, notices)]

    def image(self) -> bytes:
        """The whole database, as a file would hold it."""
        return self.raw.serialize()

    def put_back(self, image: bytes, *, marked: bool) -> None:
        """Make it what it was; `marked`: as `handclasp restore` leaves it, else as a copied file does."""
        self.raw.deserialize(image)
        self.raw.execute("PRAGMA writable_schema = RESET")  # SQLite may think that it still knows the schema
        if marked:
            self.raw.execute(f"CREATE TABLE {marking.TABLE} (key BLOB NOT NULL, taken_at INTEGER NOT NULL)")


class Dice:
    """Entropy that is the same in every run."""

    def __init__(self, seed: str) -> None:
        self._seed, self._drawn = seed, 0

    def token(self, size_bytes: int) -> bytes:
        self._drawn += 1
        return hashlib.shake_128(f"{self._seed} {self._drawn}".encode()).digest(size_bytes)

    def fraction(self) -> float:
        return self.token(1)[0] / 256


class StoresNode:
    """A node: `outgoing` is the dispatcher's memory, whom to speak to and what of it is only stated again."""

    def __init__(self, name: str, world: Any, *, is_public: bool) -> None:
        self.name, self._world, self.is_public = name, world, is_public
        self._dice = Dice(name)
        self.identity = NodeIdentity(
            node_id=self._dice.token(16),
            signing_key=SigningKey(self._dice.token(32)),
            master_secret=self._dice.token(32),
        )
        self.key = self.identity.signing_key.public
        self.url = f"http://{name}.example"
        self.skew_s = 0
        self.lives = 0
        self.images: list[tuple[bytes, Any]] = []
        self.store = InlineStore(_database(name))
        self.store.put_back(_BLANK[0], marked=False)
        self.outgoing: dict[tuple[bytes, str], dict[int, None]] = {}
        self.broadcasts_due = False

    def now(self) -> float:
        """This node's own clock."""
        return self._world.now_s + self.skew_s

    def boot(self) -> None:
        """Start as a process does: with nothing but the database."""
        signals = Signals(owed=self._owe, broadcast=self._broadcast)
        self.context = Context(
            identity=self.identity,
            name=self.name,
            node_url=self.url if self.is_public else None,
            instance_url=self.url,
            software="handclasp/test",
            announcements=Announcements.ANYONE,
            clock=self,
            entropy=self._dice,
            network=self._world.network_of(self),
            store=self.store,
            signals=signals,
            topic_id=topic_id_of(self.identity),
        )
        self.outbox = StoredOutbox(self.store, self.context.topic_id)
        self.outgoing, self.broadcasts_due = {}, True
        self._endpoint = PeerEndpoint(self.context, heard=lambda _kind, _result: None)
        self._resync = Resync(self.context, self)  # type: ignore[arg-type] # it restates, as a dispatcher does
        while isinstance(self._world.run(close_restored(self.context))[0], BaseException):
            pass  # a process that dies in its start is started again
        for connection in self.look(lambda tx: statements.owed(tx, after=0, most=OWED_PAGE)):
            self._owe(connection)
        self._world.run(self.resync())

    async def resync(self) -> None:
        """State everything that lives once more."""
        await self._resync._round(rests=False)

    def restate(self, connection: Connection) -> None:
        """What `Resync` asks of a dispatcher."""
        self._owe(connection)
        if (target := target_of(connection)) is not None:
            self.outgoing[target][connection.n] = None

    def _owe(self, connection: Connection) -> None:
        if (target := target_of(connection)) is not None:
            self.outgoing.setdefault(target, {})

    def _broadcast(self) -> None:
        self.broadcasts_due = True

    def look(self, unit: Callable[[Any], Any]) -> Any:
        """Read the database from outside; no fate befalls that."""
        (result,) = self.store.database.transact([unit])
        if isinstance(result, Exception):
            raise result
        return result

    def record_of(self, identity: tuple[bytes, bytes] | None) -> Record | None:
        """The record of the connection with that source's key and id."""
        if identity is None:
            return None
        source_key, connection_id = identity
        found = self.look(lambda tx: statements.find(tx, connection_id=connection_id, source_key=source_key))
        return found.record if found is not None else None

    def due_to(self, target: tuple[bytes, str]) -> list[Connection]:
        """What a dispatcher's worker would speak of next: what is owed there, then what is stated again."""
        key, url = target
        again = self.outgoing.get(target, {})

        def unit(tx: Any) -> list[Connection]:
            owed = statements.owed_to(tx, recipient=key, url=url, most=WINDOW)
            found = statements.live_by_numbers(tx, list(again), url=url) if again else []
            told = {connection.n for connection in owed}
            return owed + [connection for connection in found if connection.n not in told]

        return self.look(unit)

    async def hear(self, body: bytes, *, remote: str) -> HttpAnswer:
        """What the real door answers to a question, as HTTP."""
        loop = asyncio.get_running_loop()
        headers = CIMultiDict({"Content-Type": CONTENT_TYPE, "Content-Length": str(len(body))})
        message = RawRequestMessage(
            method="POST",
            path="/peer",
            version=HttpVersion11,
            headers=CIMultiDictProxy(headers),
            raw_headers=(),
            should_close=False,
            compression=None,
            upgrade=False,
            chunked=False,
            url=URL("/peer"),
        )
        content = StreamReader(BaseProtocol(loop), 2**16, loop=loop)
        content.feed_data(body)
        content.feed_eof()
        link: Any = SimpleNamespace(ssl_context=None, peername=None, sockname=None)
        request: Any = BaseRequest(message, content, link, link, link, loop, remote=remote)
        answer = await self._endpoint.handle(request)
        found = {name.lower(): value for name, value in answer.headers.items()}
        return HttpAnswer(status=answer.status, headers=found, body=bytes(answer.body or b""))  # type: ignore[arg-type]

    def node_info(self) -> bytes:
        """What it tells everyone of itself."""
        info = NodeInfo(
            protocol_versions=(PROTOCOL_VERSION,),
            software="handclasp/test",
            node_id=self.context.topic_id,
            name=self.name,
            instance_url=self.url,
            node_url=self.url,
            key=self.key,
            modes=MODES_OFFERED,
            takes_invitations=True,
            not_taking_reason=None,
            boot="0" * 16,
        )
        return to_json(info)


def target_of(connection: Connection) -> tuple[bytes, str] | None:
    """Where a connection's statements go: a key and a URL; none while nobody can be told."""
    key, url = connection.recipient, connection.partner.node_url
    return (key, url) if key is not None and url is not None else None


_DATABASES: dict[str, Database] = {}
_BLANK: list[bytes] = []


def _database(name: str) -> Database:
    """One database for each name, kept for the next world: making a schema takes longer than a whole example."""
    if name not in _DATABASES:
        _DATABASES[name] = Database(None)
        if not _BLANK:
            _BLANK.append(_DATABASES[name].connection.connection.driver_connection.serialize())
    return _DATABASES[name]
