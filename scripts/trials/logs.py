"""Whether event logs are whole: by themselves, against what admins were answered, against what was seen over MQTT."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from node.delivery.events import status_topic
from protocol.records import Status, reason_of, status_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from node.connections.stored import Connection
    from node.delivery.events import StatusEvent


def log_faults(connections: Sequence[Connection], logs: Mapping[str, Sequence[StatusEvent]]) -> list[str]:
    """What is wrong with one node's logs, as sentences: a gap, a repeat, a last event that is not the present."""
    found = [fault for one in connections if (fault := _log_fault(one, logs.get(one.sys_id, ())))]
    ids = [event.id for log in logs.values() for event in log]
    if len(set(ids)) < len(ids):
        found.append("one event id stands in the logs twice")
    return found


def _log_fault(connection: Connection, log: Sequence[StatusEvent]) -> str:
    numbers = [event.data.seq for event in log]
    if numbers != list(range(1, connection.seq + 1)):
        return f"connection {connection.sys_id} counts {connection.seq} events, and its log has the numbers {numbers}"
    if not log or not connection.is_broadcast:
        return ""
    last, record = log[-1].data, connection.record
    told = (last.status, last.reason, last.phase, last.enabled_here, last.name)
    present = (status_of(record), reason_of(record), record.mine.phase, record.mine.enabled, connection.names.name)
    return "" if told == present else f"connection {connection.sys_id} is {present}, and its last event tells {told}"


def not_kept(views: Sequence[Any], logs: Mapping[str, Sequence[StatusEvent]]) -> list[str]:
    """What one node's admin was answered (as the API's JSON) and its log does not hold, as sentences.

    Invitations are no events, and a forgotten connection's log has gone with it: both are left out.
    """
    found = []
    for view in views:
        log, seq, mine = logs.get(view["sys_id"], ()), view["seq"], view["mine"]
        if not log or view["status"] == Status.INVITED:
            continue
        told = (view["status"], mine["phase"], mine["enabled"], mine["revision"], view["name"])
        event = log[seq - 1].data if 1 <= seq <= len(log) else None
        kept = event and (event.status, event.phase, event.enabled_here, event.revision, event.name)
        if told != kept:
            found.append(f"connection {view['sys_id']}: an admin was told {told} as event {seq}, its log has {kept}")
    return found


@dataclass(slots=True, kw_only=True)
class Comparison:
    """What was seen over MQTT, against what the nodes' logs hold.

    Attributes:
        events: how many events the logs hold.
        repeats: how often the newest event was seen once more, which QoS 1 allows.
        reruns: how often one was seen once more after a newer one: a node that was killed after the broker's
            acknowledgement, and before it had noted that, sends its last events again.
        gaps: how many events were never seen; each shows as a jump in `seq`.
        faults: what nobody may ever see, as sentences: an order that runs back, an event that no log holds.
        unfinished: the topics of which the last event was not seen.
    """

    events: int = 0
    repeats: int = 0
    reruns: int = 0
    gaps: int = 0
    faults: list[str] = field(default_factory=list)
    unfinished: list[str] = field(default_factory=list)


def by_topic(*logs: Mapping[str, Sequence[StatusEvent]]) -> dict[str, Sequence[StatusEvent]]:
    """The logs of several nodes, by the topic under which their events are broadcast."""
    return {status_topic(log[0].data.node, log[0].data.connection): log for one in logs for log in one.values()}


def compare(seen: Mapping[str, Sequence[StatusEvent]], logs: Mapping[str, Sequence[StatusEvent]]) -> Comparison:
    """Hold what was seen against the logs, topic by topic."""
    result = Comparison()
    for topic, log in logs.items():
        _compare(topic, seen.get(topic, ()), log, result)
    return result


def _compare(topic: str, seen: Sequence[StatusEvent], log: Sequence[StatusEvent], result: Comparison) -> None:
    result.events += len(log)
    newest, numbers = 0, set[int]()
    for event in seen:
        seq = event.data.seq
        if seq > len(log) or event != log[seq - 1]:
            result.faults.append(f"{topic}: an event {seq} was seen that the log does not hold")
        elif seq < newest and seq not in numbers:
            result.faults.append(f"{topic}: event {seq} was seen first after event {newest}")
        result.repeats += seq == newest
        result.reruns += seq < newest
        newest = max(newest, seq)
        numbers.add(seq)
    result.gaps += len(set(range(1, newest + 1)) - numbers)
    if newest < len(log):
        result.unfinished.append(topic)
