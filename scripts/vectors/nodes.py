"""Nodes for the stories: the shipped use cases over a database in memory, a clock that is set, and known dice."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, TypeVar

from node.connections.context import MODES_OFFERED, Context, Signals
from node.key_file import NodeIdentity
from node.ports import HttpAnswer
from node.settings import Announcements
from node.store import statements
from node.store.database import Database
from protocol.limits import PROTOCOL_VERSION
from protocol.node_info import NodeInfo, to_json

from scripts.vectors.material import SOFTWARE, Party

if TYPE_CHECKING:
    from collections.abc import Callable

    from node.connections.stored import Connection
    from node.ports import Transaction

T = TypeVar("T")


class SetClock:
    """The `Clock` port: one instant until it is set anew."""

    def __init__(self, at: float) -> None:
        self.at = at

    def now(self) -> float:
        """That instant."""
        return self.at


class KnownDice:
    """The `Entropy` port: what SHAKE-128 makes of a name and a count."""

    def __init__(self, name: str) -> None:
        self._name, self._count = name, 0

    def token(self, size_bytes: int) -> bytes:
        """The next bytes."""
        self._count += 1
        return hashlib.shake_128(f"{self._name} {self._count}".encode()).digest(size_bytes)

    def fraction(self) -> float:
        """Nothing here waits."""
        return 0.0


class InlineStore:
    """The `Store` port: each unit of work is its own transaction, at once."""

    def __init__(self) -> None:
        self._database = Database(None)

    @property
    def is_full(self) -> bool:
        """It stands in memory."""
        return False

    async def run(self, unit_of_work: Callable[[Transaction], T]) -> T:
        """Run and commit; what the unit raised comes out here."""
        (result,) = self._database.transact([unit_of_work])
        if isinstance(result, BaseException):
            raise result
        done: T = result
        return done

    def close(self) -> None:
        """Let the memory go."""
        self._database.close()


class InfoNetwork:
    """The `PeerNetwork` port of a world in which only node info is asked for: stories carry messages themselves."""

    def __init__(self, infos: dict[str, bytes]) -> None:
        self._infos = infos

    async def get(self, url: str) -> HttpAnswer:
        """The node info at that URL."""
        return HttpAnswer(status=200, body=self._infos[url])

    async def post(self, url: str, body: bytes, *, content_type: str) -> HttpAnswer:
        """Nothing is pushed here."""
        raise AssertionError(f"{len(body)} bytes of {content_type} were pushed to {url}")


class StoryNode:
    """One node of a story."""

    def __init__(self, party: Party, clock: SetClock, infos: dict[str, bytes]) -> None:
        self.party = party
        self.store = InlineStore()
        self.context = Context(
            identity=NodeIdentity(
                node_id=party.node_id,
                signing_key=party.signing_key,
                master_secret=hashlib.sha256(party.seed).digest(),
            ),
            name=party.name,
            node_url=party.node_url,
            instance_url=party.instance_url,
            software=SOFTWARE,
            announcements=Announcements.ANYONE,
            clock=clock,
            entropy=KnownDice(party.name),
            network=InfoNetwork(infos),
            store=self.store,
            signals=Signals(),
            topic_id=party.name.lower(),
        )

    async def connection(self, connection_id: bytes, source_key: bytes) -> Connection | None:
        """A connection as it is stored."""
        return await self.store.run(lambda tx: statements.find(tx, connection_id=connection_id, source_key=source_key))


def info_of(party: Party) -> bytes:
    """What a node of the stories tells of itself, as JSON."""
    return to_json(
        NodeInfo(
            protocol_versions=(PROTOCOL_VERSION,),
            software=SOFTWARE,
            node_id=_uuid(party.node_id),
            name=party.name,
            instance_url=party.instance_url,
            node_url=party.node_url,
            key=party.key,
            modes=MODES_OFFERED,
            takes_invitations=True,
            not_taking_reason=None,
            boot="00112233445566778899aabbccddeeff",
        )
    )


def _uuid(node_id: bytes) -> str:
    text = node_id.hex()
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))
