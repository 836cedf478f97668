"""What must hold of every store after every step, and of all of them once nothing is under way.

Of one node's rows: the event log is gapless and ends with what is shown now; what is owed has somebody to tell it;
partners' hints are those of the pinned key. Of a connection's records on all nodes: the witness, see
`tests.protocol.witness`. Of the broadcasts: a watcher hears every event, in order, and ends with the present.
"""

from __future__ import annotations

from contextlib import contextmanager
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import msgspec

from node.connections.stored import Connection, from_row
from node.delivery.events import status_topic
from node.store.schema import connections
from protocol.identity import fingerprint
from protocol.records import reason_of, status_of
from protocol.vocabulary import PHASES_SWITCHED_ON, Phase, Reason, Role
from tests.node.stores_node import target_of
from tests.protocol.witness import Witness

if TYPE_CHECKING:
    from collections.abc import Iterator

    from node.delivery.broadcast_outbox import OutboxRow, PresentStatus
    from tests.node.stores_node import StoresNode

_ALL = connections.select().order_by(connections.c.n)
CODE_LIFETIME_MS = 30 * 24 * 3600 * 1000


class Watcher:
    """A subscriber of one node's statuses, as an MQTT broker and its retained messages would serve it.

    It may see a row of the outbox again, since the broker's word for it can be lost; what is new comes in order.
    """

    def __init__(self) -> None:
        self.retained: dict[str, bytes] = {}
        self._rows: dict[int, tuple[str, bytes]] = {}
        self._last: dict[str, tuple[int, bytes]] = {}
        self._heard: set[bytes] = set()
        self._may_come_again: frozenset[bytes] = frozenset()

    def copy(self) -> Watcher:
        """What it has seen so far; a broker put in the place of the old one retains nothing."""
        other = Watcher()
        other._rows, other._last = dict(self._rows), dict(self._last)
        other._heard, other._may_come_again = set(self._heard), self._may_come_again
        return other

    def goes_on(self, earlier: Watcher, known: set[str]) -> Watcher:
        """The same watcher, of a node whose outbox is again as it was earlier.

        `known`: the topics of the connections that the node has not forgotten; of the others it can tell nothing.
        """
        other = self.copy()
        other.retained = {topic: payload for topic, payload in self.retained.items() if topic in known}
        other._rows = dict(earlier._rows)
        other._may_come_again = frozenset(self._heard)  # what waited in the backup's outbox and was told since
        return other

    def hear(self, row: OutboxRow) -> None:
        """Take a row of the outbox in."""
        if row.payload:
            self.retained[row.topic] = row.payload
        else:
            self.retained.pop(row.topic, None)
        if row.n in self._rows:
            assert self._rows[row.n] == (row.topic, row.payload), "a row that was told has another content now"
            return
        assert row.n > max(self._rows, default=0), "an older row came after a newer one"
        self._rows[row.n] = row.topic, row.payload
        if row.payload in self._may_come_again:
            return
        self._heard |= {row.payload} - {b""}
        seq, payload = self._last.get(row.topic, (0, b""))
        if row.payload:
            was, seq = seq, msgspec.json.decode(row.payload)["data"]["seq"]
            came_anew = not payload and is_first(seq)  # its row had gone for good
            assert seq == was + 1 or came_anew or begins_memory(was, seq), f"seq {seq} after {was}"
        self._last[row.topic] = seq, row.payload

    def hear_present(self, status: PresentStatus) -> None:
        """Take in what is told on a new link: what waits for nothing was told before, byte for byte."""
        assert self._last[status.topic][1] == status.payload, "the present status is not the last one that was told"
        self.retained[status.topic] = status.payload


class Checks:
    """All of them; `purging` and `forgetting` say what may go in this step."""

    def __init__(self, nodes: list[StoresNode]) -> None:
        self._nodes = {node.key: node for node in nodes}
        self._changes: dict[str, int] = {node.name: -1 for node in nodes}
        self._rows: dict[str, dict[int, Connection]] = {node.name: {} for node in nodes}
        self._watchers = {node.name: Watcher() for node in nodes}
        self._witnesses: dict[tuple[bytes, bytes], Witness] = {}
        self.purging: StoresNode | None = None
        self.forgetting: tuple[StoresNode, str] | None = None

    @contextmanager
    def purges(self, node: StoresNode) -> Iterator[None]:
        """In this step a node lets tombstones go."""
        self.purging = node
        try:
            yield
        finally:
            self.purging = None

    @contextmanager
    def forgets(self, node: StoresNode, sys_id: str) -> Iterator[None]:
        """In this step an admin forgets a connection."""
        self.forgetting = node, sys_id
        try:
            yield
        finally:
            self.forgetting = None

    # facts that no store holds

    def witness_of(self, source_key: bytes, connection_id: bytes) -> Witness:
        """Who has watched that connection from the beginning."""
        silent = frozenset(key for key, node in self._nodes.items() if not node.is_public)
        made = Witness(source_key=source_key, out_of_reach=silent)
        return self._witnesses.setdefault((source_key, connection_id), made)

    def rows_of(self, node: StoresNode) -> list[Connection]:
        """What a node keeps, as it was judged last."""
        return list(self._rows[node.name].values())

    def watcher_of(self, node: StoresNode) -> Watcher:
        """Who hears that node's broadcasts."""
        return self._watchers[node.name]

    def restored(self, node: StoresNode, watcher: Watcher, *, silently: bool) -> None:
        """A node's memory is an older one: what it is measured by begins there.

        Watchers have heard what it forgot, and it knows that unless it was restored silently.
        """
        self._rows[node.name] = self._read(node)
        known = {status_topic(node.context.topic_id, row.sys_id) for row in self._rows[node.name].values()}
        heard = self._watchers[node.name]
        self._watchers[node.name] = watcher.copy() if silently else heard.goes_on(watcher, known)
        rows = {(row.source_key, row.connection_id): row.record for row in self._rows[node.name].values()}
        for (source_key, connection_id), witness in self._witnesses.items():
            witness.remember(node.key, rows.get((source_key, connection_id)), silently=silently)

    # after every step

    def look(self) -> None:
        """Judge the step that was just done."""
        touched = False
        for node in self._nodes.values():
            changes = node.store.raw.total_changes
            if changes == self._changes[node.name]:
                self._look_at_owed(node, self._rows[node.name])
                continue
            touched = True
            before, rows = self._rows[node.name], self._read(node)
            self._look_at_owed(node, rows)
            for n in before.keys() | rows.keys():
                if before.get(n) != rows.get(n):
                    self._look_at_row(node, before.get(n), rows.get(n))
            self._changes[node.name], self._rows[node.name] = changes, rows
        if touched:
            self._look_at_connections()

    def _read(self, node: StoresNode) -> dict[int, Connection]:
        return {row.n: from_row(row) for row in node.look(lambda tx: tx.execute(_ALL).all())}

    def _look_at_owed(self, node: StoresNode, rows: dict[int, Connection]) -> None:
        for row in rows.values():
            target = target_of(row)
            if row.record.owed and target is not None:
                assert target in node.outgoing, f"{node.name} owes {row.names.name}, and no worker knows"

    def _look_at_row(self, node: StoresNode, before: Connection | None, after: Connection | None) -> None:
        if after is None:
            assert before is not None
            self._look_at_gone(node, before)
            return
        told = is_broadcast(after) and (before is None or not is_broadcast(before) or shown(before) != shown(after))
        seq = before.seq if before is not None else 0
        where = f"{node.name}: {after.names.name}"
        told_anew = begins_memory(seq, after.seq)
        assert told_anew or after.seq == seq + told, f"{where}: seq {seq} → {after.seq}, told: {told}"
        log = node.store.raw.execute(
            "SELECT seq, data FROM events WHERE connection_n = ? ORDER BY seq", (after.n,)
        ).fetchall()
        numbers = [seq for seq, _ in log]
        assert numbers[-1:] == ([after.seq] if after.seq else []), f"{where}: {after.seq} is not the last of {log}"
        assert all(seq == was + 1 or begins_memory(was, seq) for was, seq in pairwise((0, *numbers))), (
            f"{where}: a gap in {log}"
        )
        if is_broadcast(after):
            data = msgspec.json.decode(log[-1][1])["data"]
            assert {name: data[name] for name in ("status", "reason", "enabled_here", "enabled_there", "partner")} == {
                "status": status_of(after.record),
                "reason": reason_of(after.record),
                "enabled_here": after.record.mine.enabled,
                "enabled_there": enabled_there(after),
                "partner": fingerprint(after.partner_key) if after.partner_key is not None else None,
            }, f"{where}: the last event tells something else"
            assert node.broadcasts_due, f"{where}: a broadcast waits, and the broadcaster does not know"
        self._look_at_hints(where, after)

    def _look_at_hints(self, where: str, row: Connection) -> None:
        """What is shown of the partner, and where messages go, is of the key that the record is pinned to."""
        if row.recipient is None:
            assert row.partner.node_url is None, f"{where}: messages would go to nobody's URL"
            return
        partner = self._nodes[row.recipient]
        assert row.partner.node_id in {None, partner.identity.node_id}, f"{where}: another node's id"
        assert row.partner.node_url in {None, partner.url}, f"{where}: another node's URL"

    def _look_at_gone(self, node: StoresNode, row: Connection) -> None:
        if self.forgetting == (node, row.sys_id):
            return
        assert self.purging is node, f"{node.name}: {row.names.name} went by itself"
        record = row.record
        assert record.mine.phase is Phase.CLOSED, "what lives was purged"
        assert record.hidden, "what is shown was purged"
        assert not record.owed, "what is owed was purged"
        if row.role is Role.SOURCE:
            assert record.expires_at <= node.now(), "its code could still come"
        else:
            acted = record.mine.reason is not Reason.BY_PARTNER
            assert not acted, "a destination's own tombstone was purged"
            assert row.changed_at_ms + CODE_LIFETIME_MS <= node.now() * 1000, "its code could still come"
            assert not self.witness_of(row.source_key, row.connection_id).did_part(node.key, record.serial), (
                "a destination's own tombstone was purged"
            )

    def _look_at_connections(self) -> None:
        records: dict[tuple[bytes, bytes], dict[bytes, Any]] = {}
        for key, node in self._nodes.items():
            for row in self._rows[node.name].values():
                records.setdefault((row.source_key, row.connection_id), {})[key] = row.record
        for identity in records.keys() | self._witnesses.keys():
            source_key, connection_id = identity
            found = records.get(identity, {})
            destinations = {key: found.get(key) for key in self._nodes if key != source_key}
            self.witness_of(source_key, connection_id).look(
                found.get(source_key),
                destinations,
                now=self._nodes[source_key].now(),
                may_go=self._may_go(connection_id),
            )

    def _may_go(self, connection_id: bytes) -> set[bytes]:
        """Whose record of that connection may go in this step; `_look_at_gone` has judged whether rightly."""
        keys = {self.purging.key} if self.purging is not None else set()
        if self.forgetting is not None and self.forgetting[1] == connection_id.hex():
            keys.add(self.forgetting[0].key)
        return keys

    # at the end

    def agreed(self) -> None:
        """Nothing is owed, both sides of every connection say the same, and watchers know it."""
        for node in self._nodes.values():
            for row in self._rows[node.name].values():
                assert not is_stuck(row), f"{node.name} still owes {row.names.name}: {row.record}"
            rows = self._rows[node.name].values()
            retained = self._watchers[node.name].retained
            topics = {status_topic(node.context.topic_id, row.sys_id) for row in rows if is_broadcast(row)}
            assert retained.keys() == topics, f"watchers of {node.name} see what is not there, or do not see what is"
            for row in rows:
                if is_broadcast(row):
                    event = msgspec.json.decode(retained[status_topic(node.context.topic_id, row.sys_id)])
                    assert event["data"]["seq"] == row.seq, "watchers see an older status"
        for witness in self._witnesses.values():
            witness.agreed()

    def all_is_gone(self) -> None:
        """Nobody sees a connection any more; tombstones may stand, and learn what had been lost on its way."""
        for node in self._nodes.values():
            for row in self._rows[node.name].values():
                is_removed = row.record.mine.phase is Phase.CLOSED and row.record.hidden
                assert is_removed, f"{row.names.name} of {node.name} is there: {row.record}"
                assert not is_stuck(row), f"{node.name} still owes {row.names.name}: {row.record}"


def enabled_there(row: Connection) -> bool | None:
    """The partner's switch, once it has one."""
    theirs = row.record.theirs
    return theirs.enabled if theirs is not None and theirs.phase in PHASES_SWITCHED_ON else None


def is_stuck(row: Connection) -> bool:
    """Whether something is owed that could have been told.

    Who has no URL cannot be told, and asks until it knows; then it has nothing more to ask, and its partner does not
    learn that it knows.
    """
    return row.record.owed and target_of(row) is not None


def is_broadcast(row: Connection) -> bool:
    """Whether watchers see it: some admin here has acted on it, and it was not removed from the list."""
    record = row.record
    has_acted = row.role is Role.SOURCE or record.proof is not None or record.mine.reason is Reason.DECLINED
    has_ended = record.mine.phase is Phase.CLOSED and row.seq > 0
    return (has_acted or has_ended) and not record.hidden


def is_first(seq: int) -> bool:
    """Whether that is the first number of a memory, be it a restored one."""
    return seq % 2**20 == 1


def begins_memory(before: int, seq: int) -> bool:
    """Whether that is the first number of a memory that was put back later."""
    return is_first(seq) and seq >> 20 > before >> 20


def shown(row: Connection) -> tuple[object, ...]:
    """What people see of it."""
    record = row.record
    return (
        status_of(record),
        reason_of(record),
        record.serial,
        record.mine.enabled,
        enabled_there(row),
        row.partner_key,
        (row.names.name, row.names.local_short_name, row.names.remote_short_name),
    )
