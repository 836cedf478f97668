"""Broadcasts: each status that people could see is told, once committed, in order and without gaps; and at rest the
broker, and a program that watches it, know what the nodes know.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import msgspec

from node.delivery.events import TOPIC_PREFIX, status_topic
from node.watching.picture import Picture
from simulations.checks.facts import CLOSED, DECLINED, SOURCE, Check
from simulations.host import CLIENT_PREFIX

if TYPE_CHECKING:
    from node.ports import Publication
    from simulations.host import Host
    from simulations.rows import Change, Row
    from simulations.world import World

_EVENT: Final = "SELECT data FROM events WHERE connection_n = ? AND seq = ?"
_IS_STARTED: Final = "SELECT NOT EXISTS (SELECT 1 FROM sqlite_master WHERE name = 'backup')"
_LAST_RESTORE: Final = "SELECT coalesce(max(at), 0) FROM restores"
_BROADCAST_COUNT: Final = "SELECT count(*) FROM broadcasts"
_VIEW: Final = ("serial", "phase", "enabled", "reason", "partner", "name", "local_short_name", "remote_short_name")


class _Data(msgspec.Struct, frozen=True):
    seq: int
    status: str


class _Status(msgspec.Struct, frozen=True):
    id: str
    data: _Data


_DECODER: Final = msgspec.json.Decoder(_Status)

_MEMORY: Final = 2**20
"""Of one memory are the events up to that many; see `_memory`."""


def _memory(seq: int) -> int:
    """When the memory was put back that told an event, in Unix seconds; 0 is the first one."""
    return seq // _MEMORY


@dataclass(slots=True)
class _Topic:
    """What the broker was sent on one topic; `highest` 0: anything may come next."""

    highest: int = 0
    payloads: dict[int, bytes] = field(default_factory=dict)
    on_link: tuple[int, int] = (0, 0)


def is_shown(row: Row) -> bool:
    """Whether watchers are told of a connection: some admin here has acted on it, and it was not removed."""
    is_by_an_act = row.role == SOURCE or row.proof is not None or row.reason == DECLINED
    return not row.hidden and (is_by_an_act or (row.phase == CLOSED and row.seq > 0))


def _begins_memory(before: int, seq: int) -> bool:
    """Whether that is the first event of a memory that was put back after the event before."""
    return _memory(seq) > _memory(before) and seq % _MEMORY == 1


class Broadcasts(Check):
    """See the module."""

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self._topics: dict[str, _Topic] = {}
        self._rewound: set[bytes] = set()
        """Who has forgotten and does not know it."""
        self._restored: set[bytes] = set()
        self._returning: set[bytes] = set()
        self.picture = Picture()
        world.broker.watch(f"{TOPIC_PREFIX}/#", self._watched)

    def _watched(self, publication: Publication) -> None:
        self.picture.take(publication.topic, publication.payload, retained=False)

    def rewound(self, host: Host, *, marked: bool) -> None:
        """See `Observer`: what the node has forgotten it may tell again, unless it knows that it has forgotten."""
        if marked:
            self._restored.add(host.key)
            self._returning.add(host.key)
        else:
            self._forget(host)

    def _forget(self, host: Host) -> None:
        self._rewound.add(host.key)
        for topic in self._topics_of(host):
            topic.highest = 0
            topic.payloads.clear()

    def _topics_of(self, host: Host) -> list[_Topic]:
        return [topic for name, topic in self._topics.items() if host.topic_id in name]

    def _look_at_restored(self, host: Host) -> None:
        if not host.disk.raw.execute(_IS_STARTED).fetchone()[0]:
            return
        self._returning.discard(host.key)
        (at,) = host.disk.raw.execute(_LAST_RESTORE).fetchone()
        if any(_memory(topic.highest) >= at for topic in self._topics_of(host)):
            self._forget(host)  # restored twice, with its clock put back between: nothing could tell it

    def unit(self, host: Host, result: object, changes: list[Change]) -> None:  # noqa: ARG002 - what changed is enough
        """See `Observer`: the event is written in the transaction of the change."""
        if host.key in self._returning:
            self._look_at_restored(host)
        for before, after, topic in changes:
            if after is None:
                continue
            was = before.seq if before is not None else 0
            seen_differently = is_shown(after) and (
                before is None or any(getattr(before, name) != getattr(after, name) for name in _VIEW)
            )
            is_next = after.seq == was + 1 or (host.key in self._restored and _begins_memory(was, after.seq))
            if not is_next and (after.seq != was or seen_differently):
                self.violated(f"{self.called(host, after)} has the seq {after.seq} after {was}.")
            if after.seq != was and topic != status_topic(host.topic_id, after.sys_id):
                self.violated(f"{self.called(host, after)} changed without its event, or without its broadcast.")

    def published(self, client_id: str, link: int, publication: Publication) -> None:
        """See `Observer`."""
        if not publication.topic.endswith("/status") or not client_id.startswith(CLIENT_PREFIX):
            return
        topic = self._topics.setdefault(publication.topic, _Topic())
        if not publication.payload:
            topic.highest = 0
            topic.payloads.clear()
            topic.on_link = (0, 0)
            return
        seq = _DECODER.decode(publication.payload).data.seq
        if topic.highest and seq > topic.highest + 1 and not _begins_memory(topic.highest, seq):
            self.violated(f"the event {topic.highest + 1} of {publication.topic} was skipped: {seq} was published.")
        if topic.payloads.setdefault(seq, publication.payload) != publication.payload:
            self.violated(f"two different events of {publication.topic} have the seq {seq}.")
        on_link, last = topic.on_link
        if on_link == link and seq < last:
            self.violated(f"on one link {publication.topic} went back from seq {last} to {seq}.")
        topic.on_link = (link, seq)
        topic.highest = max(topic.highest, seq)

    def unsettled(self) -> str | None:
        """See `Observer`."""
        for host in self.world.hosts.values():
            if host.plan.is_clone:
                continue
            if not host.is_reachable():
                return f"{host.name} is not on."
            (count,) = host.disk.raw.execute(_BROADCAST_COUNT).fetchone()
            if count:
                return f"{host.name} has {count} broadcasts that the broker has not taken."
            wrong = self._differs(host)
            if wrong is not None:
                return wrong
        return None

    def _differs(self, host: Host) -> str | None:
        retained = {
            topic: publication.payload
            for topic, publication in self.world.broker.retained.items()
            if host.topic_id in topic and topic.endswith("/status")
        }
        seen = {view.data.connection: view.data for view in self.picture.views_of(host.topic_id)}
        for row in host.rows.known.values():
            topic = status_topic(host.topic_id, row.sys_id)
            kept, watched = retained.pop(topic, None), seen.pop(row.sys_id, None)
            if not is_shown(row):
                has_forgotten = host.key in self._rewound or (host.key in self._restored and row.seq == 0)
                if kept is not None and not has_forgotten:
                    return f"the broker still tells of {self.called(host, row)}, which is hidden."
                continue
            (told,) = host.disk.raw.execute(_EVENT, (row.n, row.seq)).fetchone()
            if kept != told:
                return f"the broker does not tell how {self.called(host, row)} is."
            if (watched is None or watched.seq != row.seq) and host.key not in self._rewound:
                return f"whoever watches does not see how {self.called(host, row)} is."
        if retained and host.key not in self._rewound | self._restored:  # which connections it forgot, nobody tells it
            return f"the broker tells of what {host.name} does not have: {min(retained)}."
        return None

    def came_to_rest(self) -> None:
        """See `Observer`."""
        wrong = self.unsettled()
        if wrong is not None:
            self.violated(f"all is mended, and still {wrong}")
