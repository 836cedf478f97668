"""What a reader of the broadcasts knows: the nodes' presence, and each node's view of each connection.

The picture is pure: messages in, changes out. Messages come late, twice, out of order, from a broker that was
restarted and from nodes that lost their database, and all of that ends in the newest view of every node:

1. The topic is what a broker's access rules check; an event that names another node or connection is refused.
2. An event that was seen is dropped, by its id, then by its `seq`: every status is a whole view, so a later one
   replaces an earlier one, and what was jumped over is only counted.
3. A node that is back with a new session may have lost its database: a lower `seq` is then a new beginning. One whose
   database was restored goes on above all that was told, and what lies between is no event.
4. A session ends once. A will of a session that was replaced, or of none that was heard of, says nothing.
5. A node that is lost or offline may have changed its mind unheard: its views stay as they are, and are stale.
6. No clock is compared with another, and nothing grows without a limit.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Final, TypeVar

from node.delivery.events import (
    EventError,
    PresenceData,
    PresenceEvent,
    StatusData,
    StatusEvent,
    are_of_one_memory,
    decode_event,
    parse_topic,
)
from protocol.vocabulary import Role

if TYPE_CHECKING:
    from node.delivery.events import Event, TopicParts

K = TypeVar("K")
V = TypeVar("V")

NODES_MAX: Final = 2_000
VIEWS_MAX: Final = 20_000
"""How many are held; those that come beyond are only counted."""

EVENT_IDS_MAX: Final = 4_096
"""How many of the latest event ids are remembered; older repetitions are told by their `seq`."""

GONE_MAX: Final = 4_096
"""How many removed views are remembered, so that a late event does not bring one back."""

PAST_SESSIONS_MAX: Final = 16
"""How many replaced sessions of each node are remembered."""

PAYLOAD_BYTES_MAX: Final = 8 * 1024
"""More than the longest event: 228 characters of names, each escaped, and some fifteen short fields."""


class ChangeKind(StrEnum):
    """What changed: a node's presence, its view of a connection, or that this view is gone."""

    PRESENCE = "presence"
    STATUS = "status"
    GONE = "gone"


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """One node's view of one connection.

    Attributes:
        data: what the node said last.
        missed: how many of its events never came, as its `seq` tells.
        stale: why it may be out of date ("lost", "offline" or "unconfirmed"); empty if it isn't.
    """

    data: StatusData
    missed: int = 0
    stale: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One change of the picture.

    Attributes:
        kind: what changed.
        node: whose presence or view it is.
        presence: the presence, of a change of presence.
        view: the view as it is now, of a status; as it last was, of one that is gone.
        missed: how many events were jumped over just now.
        retained: whether the broker had kept the message, so that it is not news.
    """

    kind: ChangeKind
    node: str
    presence: PresenceData | None = None
    view: View | None = None
    missed: int = 0
    retained: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinedConnection:
    """What all nodes say of one connection.

    Attributes:
        connection: its id.
        views: at least one, the source's first.
    """

    connection: str
    views: tuple[View, ...]

    @property
    def agreed(self) -> str | None:
        """The status that both sides say; None if they differ, or only one was heard."""
        statuses = {view.data.status for view in self.views}
        roles = {view.data.role for view in self.views}
        return statuses.pop() if len(statuses) == 1 and len(roles) == len(Role) else None


@dataclass(slots=True, kw_only=True)
class Counts:
    """What was left out of the picture, and why."""

    missed: int = 0
    """Events that never came, as a jump of `seq` told."""
    repeated: int = 0
    """Events that were seen already, or are older than what is known."""
    old_wills: int = 0
    """Presences of a session that is not the present one."""
    refused: int = 0
    """Messages that are no event, or that speak for another node than their topic's."""
    beyond: int = 0
    """Messages of nodes or connections beyond the most that are held."""


@dataclass(slots=True, kw_only=True)
class _Node:
    presence: PresenceData | None = None
    past: deque[str] = field(default_factory=lambda: deque(maxlen=PAST_SESSIONS_MAX))
    generation: int = 0
    """1 more with every session that replaced another."""
    is_confirmed: bool = True
    """Whether its presence was told on this link."""
    is_remembered: bool = False
    """Whether the broker, on this link, had kept a presence that was known before."""


@dataclass(slots=True, kw_only=True)
class _Held:
    view: View
    generation: int
    is_confirmed: bool = True


@dataclass(frozen=True, slots=True)
class _Gone:
    seq: int
    generation: int


class Picture:
    """All that is known, message by message. `counts` tells what was left out."""

    def __init__(self, *, views_max: int = VIEWS_MAX, nodes_max: int = NODES_MAX) -> None:
        self._views_max = views_max
        self._nodes_max = nodes_max
        self._nodes: dict[str, _Node] = {}
        self._held: dict[tuple[str, str], _Held] = {}
        self._gone: OrderedDict[tuple[str, str], _Gone] = OrderedDict()
        self._seen: OrderedDict[tuple[str, str], None] = OrderedDict()
        self.counts = Counts()

    def take(self, topic: str, payload: bytes, *, retained: bool) -> Change | None:
        """Take one message as it arrived; what changed by it, or None.

        Args:
            topic: where it was published; one that is none of ours, or a trace, is passed over.
            payload: an event as JSON; empty: the view, or the presence, is gone.
            retained: whether the broker had kept it (the message's retain flag).
        """
        parts = parse_topic(topic)
        if parts is None or parts.subject == "trace":
            return None
        if not payload:
            return self._remove(parts, retained=retained)
        match self._event(parts, payload):
            case PresenceEvent() as event:
                return self._take_presence(event, retained=retained)
            case StatusEvent() as event:
                return self._take_status(event, retained=retained)
            case _:
                self.counts.refused += 1
                return None

    def begin_link(self) -> None:
        """A new link to the broker begins: what it does not say again is unconfirmed."""
        for node in self._nodes.values():
            node.is_confirmed = node.is_remembered = False
        for held in self._held.values():
            held.is_confirmed = False

    def settle(self) -> list[Change]:
        """All that the broker had kept has arrived; what it has dropped while there was no link.

        A broker that lost its memory dropped nothing on purpose: the nodes will say it again. It did keep its
        memory if it still held a presence that was known before, and then a missing view was removed.
        """
        lost = [key for key, held in self._held.items() if not held.is_confirmed and self._is_remembered(key[0])]
        return [change for key in lost if (change := self._drop(key, retained=True)) is not None]

    def nodes(self) -> list[PresenceData]:
        """The presence of each node that told it, in the order of their ids."""
        return [node.presence for _, node in sorted(self._nodes.items()) if node.presence is not None]

    def connections(self) -> list[JoinedConnection]:
        """What is said of each connection, in the order of their names, then ids."""
        by_id: dict[str, list[View]] = {}
        for (_, connection), held in self._held.items():
            by_id.setdefault(connection, []).append(self._shown(held))
        joined = [
            JoinedConnection(connection=each, views=tuple(sorted(views, key=_source_first)))
            for each, views in by_id.items()
        ]
        return sorted(joined, key=lambda one: (one.views[0].data.name, one.connection))

    def is_confirmed(self, node: str) -> bool:
        """Whether the presence of a node that is shown was told, or told again, on this link."""
        return node in self._nodes and self._nodes[node].is_confirmed

    def views_of(self, node: str) -> list[View]:
        """What one node says, of all its connections."""
        return [self._shown(held) for (owner, _), held in self._held.items() if owner == node]

    def _event(self, parts: TopicParts, payload: bytes) -> Event | None:
        if len(payload) > PAYLOAD_BYTES_MAX:
            return None
        try:
            event = decode_event(payload)
        except EventError:
            return None
        said = (event.data.node, None if isinstance(event, PresenceEvent) else event.data.connection)
        return event if said == (parts.node, parts.connection) else None

    def _take_presence(self, event: PresenceEvent, *, retained: bool) -> Change | None:
        data = event.data
        node = self._node(data.node)
        if node is None:
            return None
        known = node.presence
        node.is_confirmed = True
        if retained and known is not None and (data.session == known.session or data.session in node.past):
            node.is_remembered = True
        if self._is_repeated(event):
            return None
        if not _may_follow(data, node, retained=retained):
            self.counts.old_wills += 1
            return None
        if known is not None and data.session != known.session:
            node.past.append(known.session)
        if known is None or data.session != known.session:
            node.generation += bool(node.past)  # the first session replaces none
        node.presence = data
        if known == data:
            return None
        return Change(kind=ChangeKind.PRESENCE, node=data.node, presence=data, retained=retained)

    def _take_status(self, event: StatusEvent, *, retained: bool) -> Change | None:
        data = event.data
        key = (data.node, data.connection)
        held, node, gone = self._held.get(key), self._node(data.node), self._gone.get(key)
        if node is None:
            return None
        if held is not None:
            held.is_confirmed = True
        # A node that began anew from a backup tells again what it has forgotten that it removed.
        is_back = held is None and gone is not None and gone.generation != node.generation
        if self._is_repeated(event) and not is_back:
            return None
        last_seq = held.view.data.seq if held else gone.seq if gone else None
        last_generation = held.generation if held else gone.generation if gone else node.generation
        is_next = last_seq is None or data.seq > last_seq
        if not is_next and last_generation == node.generation:
            self.counts.repeated += 1
            return None
        if held is None and len(self._held) >= self._views_max:
            self.counts.beyond += 1
            return None
        # A late subscriber has missed nothing, and neither has one who sees a node begin anew.
        missed = (
            data.seq - last_seq - 1 if last_seq is not None and is_next and are_of_one_memory(data.seq, last_seq) else 0
        )
        self.counts.missed += missed
        before = held.view.missed if held else 0
        now = _Held(view=View(data=data, missed=before + missed), generation=node.generation)
        self._held[key] = now
        self._gone.pop(key, None)
        return Change(kind=ChangeKind.STATUS, node=data.node, view=self._shown(now), missed=missed, retained=retained)

    def _remove(self, parts: TopicParts, *, retained: bool) -> Change | None:
        if parts.connection is not None:
            return self._drop((parts.node, parts.connection), retained=retained)
        node = self._nodes.get(parts.node)
        if node is not None and node.presence is not None:
            # Nothing publishes this; somebody tidied the broker. What is known of sessions is kept.
            node.past.append(node.presence.session)
            node.presence = None
        return None

    def _drop(self, key: tuple[str, str], *, retained: bool) -> Change | None:
        held = self._held.pop(key, None)
        if held is None:
            return None
        _remember(self._gone, key, _Gone(held.view.data.seq, held.generation), GONE_MAX)
        return Change(kind=ChangeKind.GONE, node=key[0], view=held.view, retained=retained)

    def _is_repeated(self, event: PresenceEvent | StatusEvent) -> bool:
        # Of one node: an event's id must not silence another's.
        key = (event.data.node, event.id)
        is_known = key in self._seen
        _remember(self._seen, key, None, EVENT_IDS_MAX)
        self.counts.repeated += is_known
        return is_known

    def _node(self, name: str) -> _Node | None:
        if name not in self._nodes:
            if len(self._nodes) >= self._nodes_max:
                self.counts.beyond += 1
                return None
            self._nodes[name] = _Node()
        return self._nodes[name]

    def _is_remembered(self, name: str) -> bool:
        return name in self._nodes and self._nodes[name].is_remembered

    def _shown(self, held: _Held) -> View:
        node = self._nodes.get(held.view.data.node)
        state = node.presence.state if node and node.presence else "online"
        why = state if state != "online" else "" if held.is_confirmed else "unconfirmed"
        return replace(held.view, stale=why)


def _may_follow(data: PresenceData, node: _Node, *, retained: bool) -> bool:
    """Whether a presence may take the place of the one that is known."""
    known = node.presence
    if data.session in node.past:
        return False
    if known is None:
        return True
    if data.session == known.session:
        # A session that ended does not begin again.
        return data.state != "online" or known.state == "online"
    # What the broker kept may be the end of a session that began and ended while this reader had no link.
    return data.state == "online" or retained


def _remember(memory: OrderedDict[K, V], key: K, value: V, most: int) -> None:
    memory[key] = value
    memory.move_to_end(key)
    if len(memory) > most:
        memory.popitem(last=False)


def _source_first(view: View) -> tuple[bool, str]:
    return view.data.role is not Role.SOURCE, view.data.node
