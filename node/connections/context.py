"""What the use cases of this package share: who this node is, and the ports through which it acts."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from uuid import UUID

from protocol.modes import Mode

if TYPE_CHECKING:
    from collections.abc import Callable

    from node.connections.stored import Connection
    from node.key_file import NodeIdentity
    from node.license.license import License
    from node.ports import Clock, Entropy, PeerNetwork, Publication, Store
    from node.settings import Announcements

MODES_OFFERED: tuple[Mode, ...] = (Mode.SCRIPT,)
"""Basic and Visual need record synchronisation, which this version does not have."""


def _ignore(*_: object) -> None:
    pass


@dataclass(slots=True, kw_only=True)
class Signals:
    """Whom to tell after a commit; `node.app` wires them to the dispatcher and the broadcaster.

    Attributes:
        owed: that connection, as committed, owes its partner a statement.
        heard_from: that key has sent a verified envelope, so it is worth trying it now.
        broadcast: the broadcast outbox has a new row.
        trace: one message was sent or received.
        expiry: a code was made that expires at that instant (Unix seconds): the next expiry may be nearer.
    """

    owed: Callable[[Connection], None] = field(default=_ignore)
    heard_from: Callable[[bytes], None] = field(default=_ignore)
    broadcast: Callable[[], None] = field(default=_ignore)
    trace: Callable[[Publication], None] = field(default=_ignore)
    expiry: Callable[[float], None] = field(default=_ignore)


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """The node, as its use cases see it. URLs are what partners and people reach it by."""

    identity: NodeIdentity
    name: str
    node_url: str | None
    instance_url: str | None
    software: str
    announcements: Announcements
    clock: Clock
    entropy: Entropy
    network: PeerNetwork
    store: Store
    signals: Signals
    topic_id: str
    license: License | None = None
    """None: no license rule holds, as in a simulated world, where no evaluation ends."""

    @property
    def key(self) -> bytes:
        """This node's public key."""
        return self.identity.signing_key.public


def topic_id_of(identity: NodeIdentity) -> str:
    """The node's id in topics: its UUID."""
    return str(UUID(bytes=identity.node_id))
